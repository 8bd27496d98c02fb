//! Calls under way, as far as a bucket can tell, so that a CRM that hangs holds no more than its share of the workers.
//!
//! A lease is taken before a call, and is a write anyway: the time at which it was taken stands in the bucket until somebody
//! tells that the call came back. Whoever takes the next lease tells what has come back to him since his last, which costs
//! nothing; who sees that the share is nearly used up tells at once, by a write. A CRM that answered then is taken to have
//! answered whatever was asked of it before; one that does not is asked by no more than the share at once, from the first
//! call on.

use super::size::{full_until, noted};
use super::{Ask, Bucket, Taken};
use crate::time::Instant;
use serde::{Deserialize, Serialize};

/// Of a bucket that has as many calls under way as it may a place is asked for again after this, in milliseconds.
pub const FULL_MS: i64 = 200;
/// The most places that are kept count of: more would make a row of more than a write, beside what else stands in it. While
/// calls last, the breaker's own count of them may make it two or three.
const MOST: u64 = 48;

/// What is told of calls under way with the ask for a lease.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flight {
    /// How many may be under way at once; none where as many are known to be by other means.
    pub share: u64,
    /// So long after its lease a call has ended, or is known by other means to be under way, in milliseconds.
    pub for_ms: i64,
    /// When the CRM was last heard to work, here.
    pub alive_at: Option<Instant>,
    /// Leases taken here whose calls have come back, by the times at which they were taken.
    pub ended: Vec<Instant>,
    /// Whether whoever asks has the place of a call that lasted, of those that are counted by other means: the next call goes in it.
    pub has_place: bool,
}

impl Flight {
    /// Whether a call by the lease of `at` may be under way yet, as far as others know.
    fn counts(&self, at: Instant, now: Instant) -> bool {
        // One of the future is of a clock that is ahead: it ends by that.
        now.since_ms(at) < self.for_ms && at.since_ms(now) < self.for_ms
    }

    /// Of the leases at `out` those whose calls may be under way yet.
    #[must_use]
    pub(super) fn still(&self, out: &[Instant], now: Instant) -> Vec<Instant> {
        let may_be = |at: &Instant| self.counts(*at, now) && self.alive_at.is_none_or(|alive| alive < *at);
        let mut still: Vec<Instant> = out.iter().copied().filter(may_be).collect();
        for ended in &self.ended {
            // Two may have been taken in one millisecond.
            if let Some(at) = still.iter().position(|at| at == ended) {
                still.remove(at);
            }
        }
        still
    }

    /// Whether no other call may go beside `under_way`.
    #[must_use]
    pub(super) fn is_full(&self, under_way: usize) -> bool {
        under_way as u64 >= self.most()
    }

    /// Whether whoever has taken the last of so many is to tell at once when its call has come back.
    #[must_use]
    pub(super) fn is_crowded(&self, under_way: usize) -> bool {
        under_way as u64 * 4 >= self.most() * 3
    }

    /// The same beside `lasting` calls that are counted elsewhere.
    #[must_use]
    pub fn beside(&self, lasting: u64) -> Self {
        let others = lasting.saturating_sub(u64::from(self.has_place));
        Self { share: self.share.saturating_sub(others), ..self.clone() }
    }

    fn most(&self) -> u64 {
        self.share.min(MOST)
    }
}

/// `taken`, if there is a place among the calls under way.
pub(super) fn fly(bucket: &Bucket, flight: &Flight, ask: &Ask, mut taken: Taken, now: Instant) -> Taken {
    let mut out = flight.still(&bucket.out, now);
    if ask.want == 0 {
        // Where another has told of a CRM that works, nobody waits for this any more, and the next lease tells it for nothing.
        let others = bucket.out.iter().filter(|at| flight.counts(**at, now)).count();
        let waits = flight.alive_at.is_none() || flight.is_crowded(others);
        taken.crowded = waits && full_until(&bucket.leases, now).is_none();
        // Telling must not undo what a stop has left for the next lease. And it is a write, like a lease.
        if taken.crowded && out != bucket.out && bucket.blocked_until.is_none() && bucket.refused_at.is_none()
        {
            taken.bucket.out = out;
            taken.bucket.leases = noted(&bucket.leases, now);
        }
    } else if taken.granted > 0 && flight.is_full(out.len()) {
        return Taken { full: true, ..Taken::none(bucket, Some(now.plus_ms(FULL_MS))) };
    } else if taken.granted > 0 {
        out.push(now);
        (taken.taken_at, taken.crowded) = (Some(now), flight.is_crowded(out.len()));
        taken.bucket.out = out;
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::super::{Rule, take};
    use super::*;
    use proptest::prelude::*;

    const RULES: &[Rule] = &[Rule { requests: 1_000, per_ms: 1_000, burst: 1_000 }];

    fn flight(alive_at: Option<i64>, ended: &[i64]) -> Flight {
        let ended = ended.iter().copied().map(Instant).collect();
        Flight { share: 3, for_ms: 30_000, alive_at: alive_at.map(Instant), ended, has_place: false }
    }

    fn ask(bucket: &Bucket, flight: Flight, now: i64) -> Taken {
        take(bucket, RULES, &Ask { flight: Some(flight), ..Ask::whole(1) }, Instant(now))
    }

    #[test]
    fn given_a_crm_that_answers_nobody_when_asked_for_more_leases_then_no_more_than_the_share_are_given() {
        let mut bucket = Bucket::default();
        for now in 0..3 {
            let taken = ask(&bucket, flight(None, &[]), now);
            assert_eq!((taken.granted, taken.full, taken.taken_at), (1, false, Some(Instant(now))));
            assert_eq!(taken.crowded, now == 2, "the last is to tell at once");
            bucket = taken.bucket;
        }
        let refused = ask(&bucket, flight(None, &[]), 10);
        assert_eq!((refused.granted, refused.full, refused.retry_at), (0, true, Some(Instant(10 + FULL_MS))));
        assert_eq!(refused.bucket, bucket, "a refusal writes nothing");
        // Whatever is under way yet is counted elsewhere.
        assert_eq!(ask(&bucket, flight(None, &[]), 30_001).granted, 1);
    }

    #[test]
    fn given_the_share_under_way_when_one_comes_back_then_one_place_is_free_and_all_where_the_crm_has_answered()
     {
        let out = vec![Instant(10), Instant(20), Instant(30)];
        let bucket = Bucket { out: out.clone(), ..Bucket::default() };
        assert_eq!(ask(&bucket, flight(None, &[20]), 40).bucket.out, [Instant(10), Instant(30), Instant(40)]);
        assert_eq!(ask(&bucket, flight(Some(25), &[]), 40).bucket.out, [Instant(30), Instant(40)]);
        assert_eq!(ask(&bucket, flight(Some(35), &[]), 40).bucket.out, [Instant(40)]);
        assert!(ask(&bucket, flight(Some(5), &[]), 40).full, "what it answered before says nothing of these");
    }

    #[test]
    fn given_what_came_back_when_it_is_only_told_then_the_bucket_says_so_and_no_token_is_taken() {
        let bucket = Bucket { out: vec![Instant(10), Instant(20), Instant(30)], ..Bucket::default() };
        let tell = Ask { flight: Some(flight(None, &[30])), ..Ask::whole(0) };
        let told = take(&bucket, RULES, &tell, Instant(40));
        assert_eq!((told.granted, told.bucket.out.len(), &told.bucket.levels), (0, 2, &bucket.levels));
        let again = take(&told.bucket, RULES, &tell, Instant(41));
        assert_eq!(again.bucket, told.bucket, "told twice it changes nothing");
        let refused = Bucket { refused_at: Some(Instant(39)), ..bucket };
        assert_eq!(take(&refused, RULES, &tell, Instant(40)).bucket, refused, "a stop is for the next lease");
    }

    #[test]
    fn given_others_calls_that_last_when_asked_then_they_leave_as_many_places_fewer_and_ones_own_is_none_of_them()
     {
        let (three, bucket) = (flight(None, &[]), Bucket::default());
        assert_eq!(ask(&bucket, three.beside(2), 0).granted, 1);
        assert!(ask(&bucket, three.beside(3), 0).full);
        assert_eq!(ask(&bucket, Flight { has_place: true, ..three }.beside(3), 0).granted, 1);
    }

    #[test]
    fn given_whoever_does_not_count_when_he_takes_a_lease_then_what_is_under_way_stays_as_it_is() {
        let bucket = Bucket { out: vec![Instant(10), Instant(20), Instant(30)], ..Bucket::default() };
        let taken = take(&bucket, RULES, &Ask::whole(1), Instant(40));
        assert_eq!((taken.granted, taken.bucket.out), (1, bucket.out));
    }

    proptest! {
        #[test]
        fn given_any_history_when_leases_are_given_then_no_more_than_the_share_are_under_way_untold(
            steps in prop::collection::vec((0_i64..5_000, 0_u8..4), 1..80), share in 1_u64..60,
        ) {
            let (mut bucket, mut now) = (Bucket::default(), 0);
            let mut under_way: Vec<Instant> = Vec::new();
            for (pause, step) in steps {
                now += pause;
                let mut flight = Flight { share, ..flight(None, &[]) };
                under_way.retain(|at| now - at.0 < flight.for_ms);
                match step {
                    // One comes back with a failure; or all do, of a CRM that works.
                    0 if !under_way.is_empty() => flight.ended.push(under_way.remove(0)),
                    1 => {
                        flight.alive_at = Some(Instant(now));
                        under_way.clear();
                    }
                    _ => {}
                }
                let taken = ask(&bucket, flight, now);
                if taken.granted > 0 {
                    bucket = taken.bucket;
                    under_way.push(Instant(now));
                }
                prop_assert!(under_way.len() as u64 <= share.min(MOST), "{under_way:?}");
                prop_assert!(taken.full || taken.granted > 0);
            }
        }
    }
}
