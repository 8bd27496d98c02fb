//! What this environment has to tell of its calls: which of its leases' calls have come back, and when the CRM worked.

use super::Pools;
use rtr_core::limit::Flight;
use rtr_core::time::Instant;
use std::collections::HashMap;
use std::sync::{MutexGuard, PoisonError};

/// Buckets remembered; what is forgotten ends by its time.
const MAX_KNOWN: usize = 1_000;
/// The longest wait for a place, in milliseconds.
const LONGEST_MS: i64 = 60_000;

/// What is not told yet of one bucket.
#[derive(Debug, Default)]
pub(super) struct Flown {
    /// The lease that calls are made by.
    mine: Option<Instant>,
    /// Those whose calls have come back.
    ended: Vec<Instant>,
    /// When the CRM was last heard to work.
    alive_at: Option<Instant>,
    /// Others wait for a place.
    crowded: bool,
    /// Enough calls are under way: a place is asked for again then.
    full_until: Instant,
}

impl Pools {
    /// A call came back, of a CRM that works at `alive_at` or does not; whether that is to be told at once: where others wait
    /// for a place, and where it failed, since who comes to a CRM that is down may not come again soon to tell.
    pub(super) fn came_back(&self, bucket: &str, alive_at: Option<Instant>) -> bool {
        let mut flown = self.flown(bucket);
        let Some(one) = flown.get_mut(bucket) else { return false };
        one.alive_at = alive_at.or(one.alive_at);
        // A call more by the same lease is under way again: one that lasts is counted by the breaker.
        let mine = one.mine.take();
        let failed = mine.is_some() && alive_at.is_none();
        one.ended.extend(mine);
        std::mem::take(&mut one.crowded) || failed
    }

    /// No other call is made; whether that is to be told at once.
    pub(super) fn left(&self, bucket: &str) -> bool {
        let mut flown = self.flown(bucket);
        let Some(one) = flown.get_mut(bucket) else { return false };
        one.ended.extend(one.mine.take());
        std::mem::take(&mut one.crowded)
    }

    /// When the CRM was last heard to work, and the leases whose calls have come back. Who asks for another lease makes no
    /// call by the one before.
    pub(super) fn back(&self, bucket: &str) -> (Option<Instant>, Vec<Instant>) {
        let flown = self.flown(bucket);
        let Some(one) = flown.get(bucket) else { return (None, Vec::new()) };
        (one.alive_at, one.ended.iter().copied().chain(one.mine).collect())
    }

    /// `flight` was told; the lease taken with it, if one was, and whether others wait for its end.
    pub(super) fn told_of(&self, bucket: &str, flight: &Flight, taken_at: Option<Instant>, crowded: bool) {
        let mut flown = self.flown(bucket);
        let one = flown.entry(bucket.to_owned()).or_default();
        one.ended.retain(|at| !flight.ended.contains(at));
        one.mine.take_if(|at| flight.ended.contains(at));
        one.alive_at.take_if(|at| flight.alive_at.is_some_and(|told| told >= *at));
        if let Some(at) = taken_at {
            (one.mine, one.crowded) = (Some(at), crowded);
        }
    }

    /// Enough calls are under way, and it is asked again at `until`.
    pub(super) fn is_full(&self, bucket: &str, until: Instant) {
        self.flown(bucket).entry(bucket.to_owned()).or_default().full_until = until;
    }

    /// When it is asked again, where enough calls were under way.
    pub(super) fn full_until(&self, bucket: &str, now: Instant) -> Option<Instant> {
        let until = self.flown(bucket).get(bucket)?.full_until;
        // A longer wait is of a clock that has been set back since.
        (1..=LONGEST_MS).contains(&until.since_ms(now)).then_some(until)
    }

    fn flown(&self, bucket: &str) -> MutexGuard<'_, HashMap<String, Flown>> {
        // A poisoned lock only says that a thread died elsewhere: what was noted is still whole.
        let mut flown = self.flown.lock().unwrap_or_else(PoisonError::into_inner);
        if flown.len() >= MAX_KNOWN && !flown.contains_key(bucket) {
            flown.clear();
        }
        flown
    }
}
