//! Who is at work at a connection, as far as its bucket can tell, so that a CRM that hangs or is slow holds no more than its
//! share of the workers.
//!
//! A lease is taken before a call, and is a write anyway: with it its taker has a place, which stands in the bucket until
//! somebody tells that he has left it. Whoever takes the next lease tells what came back to him since his last, which costs
//! nothing; who sees that the share is nearly used up tells at once, by a write. A CRM that answered a call is taken to have
//! answered whatever was asked of it before that call began; one that does not is asked by no more than the share at once. A
//! call that lasts keeps its place by a write now and then.
//!
//! Who has tokens left has a place as well, for as long as he may use them. Whether he is at work after that is not known while
//! the CRM answers others; where calls last, or only a few may be at work since it is slow or has just come back, he is taken
//! to be.

use super::size::{full_until, noted};
use super::{Ask, Bucket, Taken, lease_ms};
use crate::breaker::{Breaker, Cap};
use crate::limit::{Rule, milli_per_second};
use crate::time::Instant;
use serde::{Deserialize, Serialize};

/// Of a bucket that has as many at work as it may a place is asked for again after this, in milliseconds…
const FULL_MS: i64 = 200;
/// …or, where the CRM does not answer, or most of them wait for it for long, after this: that is no time to wait in place, and
/// keep others' work waiting.
const SILENT_MS: i64 = 2_000;
/// Calls that last say that the CRM does not answer, from so many on.
const SILENT_AT: usize = 2;
/// A call that takes twice as long as others do is told of, after so many milliseconds at least…
pub const LONG_CALL_MS: i64 = 1_000;
/// …and at most.
const LONGEST_CALL_MS: i64 = 3_000;
/// Until then the place that it was begun in is counted, and for a second more: what is told of it may have to wait for its turn
/// among the writes.
const COVER_MS: i64 = LONGEST_CALL_MS + TURN_MS;
const TURN_MS: i64 = 1_000;
/// A call that was told of is told of again when it has lasted twice as long, and after so long at the latest, in milliseconds:
/// who is not heard of any more is forgotten soon, whatever became of him.
pub const LASTS_AGAIN_MS: i64 = 8_000;
/// The most places that are kept count of: more would make a row of more than a write, beside what else stands in it.
const MOST: u64 = 48;
/// For each place of the share the tokens of a lease may be used so many milliseconds longer: with nine leases a second no
/// more than the share have some at once…
const LIFE_MS: i64 = 100;
/// …beside those who get theirs before it is seen that the CRM does not answer.
const UNHEARD_MS: i64 = 400;
/// Time for tokens to be used one after the other, in milliseconds, whatever the share.
const IN_TURN_MS: i64 = 500;

/// Somebody's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// When its first call begins: its name.
    pub at: Instant,
    /// When the last call in it begins at the latest.
    pub last: Instant,
    /// Whether a call in it lasts: then nothing that was answered says anything of it.
    pub lasts: bool,
}

/// What is told of places with the ask for a lease.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flight {
    /// How many there may be at once.
    pub share: u64,
    /// Whether it is the bulk lane that asks: it is one, and has a place beside the share.
    pub is_lane: bool,
    /// How many there may be since the CRM is slow or has just come back.
    pub cap: Option<Cap>,
    /// How long a call takes, as it was seen here, in milliseconds.
    pub call_ms: i64,
    /// When the last call began of those whose answer was heard here.
    pub answered: Option<Instant>,
    /// Places that were left, by their names.
    pub ended: Vec<Instant>,
    /// For how long more a call goes on, in another place than the one that is left, before it is told of again, in
    /// milliseconds.
    pub lasts_ms: Option<i64>,
}

impl Place {
    /// That of a call which lasts, and is told of again in so many milliseconds.
    fn lasting(now: Instant, ms: i64) -> Self {
        Self { at: now, last: now.plus_ms(ms.clamp(0, LASTS_AGAIN_MS)), lasts: true }
    }

    /// Whether somebody may be at work in it.
    fn counts(&self, now: Instant) -> bool {
        // One that is ahead is of a clock that is: it ends by that.
        let cover_ms = if self.lasts { TURN_MS } else { COVER_MS };
        now.since_ms(self.last) < cover_ms && self.at.since_ms(now) < COVER_MS
    }

    /// Whether its first call may be under way yet, of a CRM that has answered what began at `answered`.
    fn is_at_work(&self, answered: Option<Instant>, now: Instant) -> bool {
        let first = self.at <= now && answered.is_none_or(|answered| answered <= self.at);
        self.counts(now) && (self.lasts || first)
    }

    /// Whether a call may begin in it.
    fn may_call(&self, now: Instant) -> bool {
        self.at <= now && now <= self.last
    }

    /// Whether any of its calls may be under way.
    fn may_be_at_work(&self, answered: Option<Instant>, now: Instant) -> bool {
        self.counts(now) && (self.lasts || answered.is_none_or(|answered| answered <= self.last))
    }
}

impl Flight {
    /// Of `bucket`'s places those that are no other's to have.
    fn held(&self, bucket: &Bucket, now: Instant) -> Vec<Place> {
        let answered = self.answered(bucket, now);
        let last = bucket.out.iter().filter(|place| place.lasts && place.counts(now)).count();
        let strictly = last >= SILENT_AT || self.cap.is_some();
        let since = self.cap.and_then(|cap| cap.since);
        let is_held = |place: &Place| {
            let since = since.is_none_or(|since| place.at >= since);
            let surely = place.is_at_work(answered, now) || place.may_call(now);
            since && (surely || strictly && place.may_be_at_work(answered, now))
        };
        bucket.out.iter().copied().filter(is_held).collect()
    }

    /// When the last call began that is known to have been answered. A later time than now is of a clock that is ahead.
    fn answered(&self, bucket: &Bucket, now: Instant) -> Option<Instant> {
        [self.answered, bucket.answered_at].into_iter().flatten().filter(|at| *at <= now).max()
    }

    /// Who finds as many at work as may be comes again in so many milliseconds.
    fn again_ms(&self, held: &[Place]) -> i64 {
        let last = held.iter().filter(|place| place.lasts).count();
        let full_ms = if last < SILENT_AT { FULL_MS } else { SILENT_MS };
        self.cap.map_or(full_ms, |cap| cap.again_ms)
    }

    fn most(&self) -> u64 {
        let share = self.share.clamp(1, MOST);
        match (self.cap, self.is_lane) {
            (None, false) => share,
            (None, true) => share + 1,
            (Some(cap), false) => share.min(cap.others),
            (Some(cap), true) => (share + 1).min(cap.most),
        }
    }

    fn is_full(&self, held: usize) -> bool {
        held as u64 >= self.most()
    }

    /// Whether whoever has a place beside so many is to tell at once when he leaves it.
    fn is_crowded(&self, held: usize) -> bool {
        held as u64 * 4 >= self.most() * 3
    }

    /// How long after the first the last of so many tokens may be used, in milliseconds.
    fn life_ms(&self, tokens: u64) -> i64 {
        let tokens = i64::try_from(tokens).unwrap_or(i64::MAX);
        if tokens <= 1 {
            return 0;
        }
        let call_ms = self.call_ms + 100;
        let in_turn = call_ms.saturating_mul(tokens - 1).min(call_ms.max(IN_TURN_MS));
        let share = i64::try_from(self.share).unwrap_or(i64::MAX).saturating_mul(LIFE_MS) - UNHEARD_MS;
        share.max(in_turn).min(lease_ms(tokens.unsigned_abs()))
    }
}

impl Ask {
    /// The same of a connection with this breaker, under `rules`.
    #[must_use]
    pub fn under(&self, breaker: &Breaker, rules: &[Rule], now: Instant) -> Self {
        let cap = breaker.cap(milli_per_second(rules), now);
        Self { flight: self.flight.clone().map(|flight| Flight { cap, ..flight }), ..self.clone() }
    }
}

/// After how many milliseconds a call is told of that has not come back, where one takes `call_ms`.
#[must_use]
pub fn long_ms(call_ms: i64) -> i64 {
    call_ms.saturating_mul(2).clamp(LONG_CALL_MS, LONGEST_CALL_MS)
}

/// How many may be at work by `bucket`, as far as is known: those whose first call is not known to have been answered.
#[must_use]
pub fn at_work(bucket: &Bucket, now: Instant) -> usize {
    bucket.out.iter().filter(|place| place.is_at_work(bucket.answered_at, now)).count()
}

/// `taken`, if there is a place for who takes it; or what he tells.
pub(super) fn fly(bucket: &Bucket, flight: &Flight, ask: &Ask, mut taken: Taken, now: Instant) -> Taken {
    let held = flight.held(bucket, now);
    let answered_at = flight.answered(bucket, now);
    let mut out = bucket.out.clone();
    out.retain(|place| place.may_be_at_work(answered_at, now));
    let mut left = 0;
    for ended in &flight.ended {
        // Two may have been taken in one millisecond.
        if let Some(at) = out.iter().position(|place| place.at == *ended) {
            left += usize::from(held.contains(&out.remove(at)));
        }
    }
    let others = held.len().saturating_sub(left);
    if ask.want > 0 && taken.granted > 0 {
        if flight.is_full(others) {
            let again_ms = flight.again_ms(&held);
            return Taken { full: true, ..Taken::none(bucket, Some(now.plus_ms(again_ms))) };
        }
        let at = taken.retry_at.unwrap_or(now);
        let last = at.plus_ms(flight.life_ms(taken.granted));
        out.push(Place { at, last, lasts: false });
        (taken.taken_at, taken.last_at) = (Some(at), Some(last));
        taken.crowded = flight.is_crowded(others + 1);
        (taken.bucket.out, taken.bucket.answered_at) = (out, answered_at);
    } else if ask.want == 0 {
        // Telling is a write, like a lease. And it must not undo what a stop has left for the next lease.
        let stopped = bucket.blocked_until.is_some() || bucket.refused_at.is_some();
        taken.retry_at = full_until(&bucket.leases, now).or(stopped.then(|| now.plus_ms(FULL_MS)));
        // Where another has told of a CRM that works, nobody waits for this any more, and the next lease tells it for nothing.
        let waits = flight.lasts_ms.is_some() || flight.answered.is_none() || flight.is_crowded(held.len());
        taken.crowded = waits && taken.retry_at.is_none();
        if let Some(ms) = flight.lasts_ms {
            let place = Place::lasting(now, ms);
            out.push(place);
            taken.taken_at = Some(place.at).filter(|_| taken.crowded);
        }
        if taken.crowded && (&out, answered_at) != (&bucket.out, bucket.answered_at) {
            taken.bucket = Bucket { out, answered_at, leases: noted(&bucket.leases, now), ..taken.bucket };
        }
    }
    taken
}

#[cfg(test)]
mod tests;
