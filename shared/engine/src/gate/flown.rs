//! What this environment has to tell of its places: which it has left, and what the CRM has answered.

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
    /// The place that is held, by its name.
    mine: Option<Instant>,
    /// When the lease was taken by which it is.
    leased_at: Instant,
    /// Those that were left.
    ended: Vec<Instant>,
    /// When the last call began of those that were answered.
    answered: Option<Instant>,
    /// Others wait for a place.
    crowded: bool,
    /// The last call was not answered: who comes to a CRM that is down may not come again soon to tell.
    failed: bool,
    /// Enough are at work: a place is asked for again then.
    full_until: Instant,
}

impl Flown {
    fn leaves(&mut self) -> bool {
        let had_one = self.mine.is_some();
        self.ended.extend(self.mine.take());
        let tells = std::mem::take(&mut self.crowded) || std::mem::take(&mut self.failed);
        tells && had_one
    }
}

impl Pools {
    /// A call came back, of a CRM that has answered what began at `answered`, or has not answered. Whether to tell at once
    /// that the place is left: it is, where there are no tokens for another call.
    pub(super) fn came_back(&self, bucket: &str, answered: Option<Instant>, now: Instant) -> bool {
        let has_more = self.has_tokens(bucket, now);
        let mut flown = self.flown(bucket);
        let Some(one) = flown.get_mut(bucket) else { return false };
        one.answered = one.answered.max(answered);
        one.failed = answered.is_none();
        !has_more && one.leaves()
    }

    /// No other call is made, for now; whether to tell at once. Where `few` may be at work the tokens that are left are not used
    /// before another lease, since others could have the place.
    pub(super) fn left(&self, bucket: &str, few: bool, now: Instant) -> bool {
        let has_more = self.has_tokens(bucket, now);
        let mut flown = self.flown(bucket);
        let Some(one) = flown.get_mut(bucket) else { return false };
        if has_more && !few && !one.failed {
            // He may call again and keeps his place; that he was answered frees others', where they are scarce.
            return one.answered.is_some() && std::mem::take(&mut one.crowded);
        }
        let tells = one.leaves();
        drop(flown);
        if has_more {
            self.end(bucket, now);
        }
        tells
    }

    /// What the CRM has answered, and the places that were left. Who `moves` to another place leaves the one that he has.
    pub(super) fn back(&self, bucket: &str, moves: bool) -> (Option<Instant>, Vec<Instant>) {
        let flown = self.flown(bucket);
        let Some(one) = flown.get(bucket) else { return (None, Vec::new()) };
        (one.answered, one.ended.iter().copied().chain(one.mine.filter(|_| moves)).collect())
    }

    /// `flight` was told; the place taken with it, if one was, and whether others wait for its end.
    pub(super) fn told_of(&self, bucket: &str, flight: &Flight, taken_at: Option<Instant>, crowded: bool) {
        let mut flown = self.flown(bucket);
        let one = flown.entry(bucket.to_owned()).or_default();
        one.ended.retain(|at| !flight.ended.contains(at));
        one.mine.take_if(|at| flight.ended.contains(at));
        one.answered.take_if(|at| flight.answered.is_some_and(|told| told >= *at));
        if let Some(at) = taken_at {
            (one.mine, one.crowded) = (Some(at), crowded);
            if flight.lasts_ms.is_none() {
                one.leased_at = at;
            }
        }
    }

    /// When the lease was taken by which a place is held, if one is.
    pub(super) fn place(&self, bucket: &str) -> Option<Instant> {
        let flown = self.flown(bucket);
        flown.get(bucket).filter(|one| one.mine.is_some()).map(|one| one.leased_at)
    }

    /// Enough are at work, and it is asked again at `until`.
    pub(super) fn is_full(&self, bucket: &str, until: Instant) {
        self.flown(bucket).entry(bucket.to_owned()).or_default().full_until = until;
    }

    /// When it is asked again, where enough were at work.
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
