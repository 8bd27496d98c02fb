//! The place that this environment has at the connection: what is told of it, and when it is left.

use super::{CALL_MS, LimiterGate};
use crate::seams::Lease;
use rtr_core::limit::{Ask, Flight, LASTS_AGAIN_MS, Way, long_ms};
use rtr_core::time::Instant;
use std::sync::atomic::Ordering;

/// What could not be told of a call that lasts is told a moment later, in milliseconds.
const TELL_AGAIN_MS: i64 = 500;

impl LimiterGate<'_> {
    /// How long a call takes, as far as it was seen, and since when it counts who is at work, if few may be.
    pub(crate) fn goes_by(&self, call_ms: Option<i64>, since: Option<Instant>) {
        self.call_ms.store(call_ms.unwrap_or(CALL_MS), Ordering::Relaxed);
        self.since.store(since.map_or(i64::MIN, |since| since.0), Ordering::Relaxed);
    }

    /// When to ask again, if enough were at work when this environment last asked.
    pub(crate) fn full_until(&self) -> Option<Instant> {
        self.pools.full_until(&self.bucket("*"), self.clock.now())
    }

    /// A call came back, that has begun at `answered` if it was answered. It is told with the next lease, or at once where
    /// others wait for the place.
    pub(crate) async fn came_back(&self, answered: Option<Instant>) {
        let (bucket, now) = (self.bucket("*"), self.clock.now());
        if self.share.is_some() && self.pools.came_back(&bucket, answered, now) {
            self.tell(&bucket, None).await;
        }
    }

    /// No other call is made, for now.
    pub(crate) async fn leave(&self) {
        let (bucket, now) = (self.bucket("*"), self.clock.now());
        let few = self.since.load(Ordering::Relaxed) != i64::MIN;
        if self.share.is_some() && self.pools.left(&bucket, few, now) {
            self.tell(&bucket, None).await;
        }
    }

    /// After how many milliseconds a call is one that lasts.
    pub(crate) fn long_ms(&self) -> i64 {
        long_ms(self.call_ms.load(Ordering::Relaxed))
    }

    /// A call has lasted for so many milliseconds, and keeps its place. In how many to say so again.
    pub(crate) async fn lasts(&self, for_ms: i64) -> i64 {
        let again_ms = for_ms.min(LASTS_AGAIN_MS);
        let told = self.tell(&self.bucket("*"), Some(again_ms)).await;
        let later = || self.clock.now().plus_ms(TELL_AGAIN_MS);
        match told {
            Some(Lease { crowded: true, .. }) | None => again_ms,
            Some(told) => {
                told.retry_at.unwrap_or_else(later).since_ms(self.clock.now()).clamp(1, LASTS_AGAIN_MS)
            }
        }
    }

    /// What came of it; none where nothing is counted.
    async fn tell(&self, bucket: &str, lasts_ms: Option<i64>) -> Option<Lease> {
        let rules = self.rules_of("*");
        let flight = Flight { lasts_ms, ..self.flight(bucket, lasts_ms.is_some())? };
        if self.limiter_rests() {
            return Some(Lease::default());
        }
        let ask = Ask { flight: Some(flight.clone()), ..Ask::whole(0) };
        let Ok(told) = self.ask(bucket, &rules, &ask).await else {
            self.pools.let_limiter_rest(self.clock.now());
            return Some(Lease::default());
        };
        // What was not is told with a later lease, or forgotten when its time is over.
        if told.crowded {
            self.pools.told_of(bucket, &flight, told.taken_at, lasts_ms.is_some());
        }
        Some(told)
    }

    pub(super) fn flight(&self, bucket: &str, moves: bool) -> Option<Flight> {
        let share = self.share.filter(|_| *bucket == self.bucket("*"))?;
        let (answered, ended) = self.pools.back(bucket, moves);
        let call_ms = self.call_ms.load(Ordering::Relaxed);
        let is_lane = self.way != Way::Whole;
        Some(Flight { share, is_lane, call_ms, answered, ended, ..Flight::default() })
    }

    /// Whether tokens of `bucket` that are at hand may be used: not where few may be at work, and this environment is none of them.
    pub(super) fn counts(&self, bucket: &str) -> bool {
        let since = Instant(self.since.load(Ordering::Relaxed));
        since.0 == i64::MIN
            || self.share.is_none()
            || *bucket != self.bucket("*")
            || self.pools.place(bucket).is_some_and(|place| place >= since)
    }
}
