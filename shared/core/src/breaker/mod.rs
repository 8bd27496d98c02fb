//! The circuit breaker of a connection, one for all environments, decided over values.
//!
//! Closed, it counts failures in a row. Open, no call goes, for a time that doubles with each opening. Then it is half-open:
//! whoever takes the probe makes one call, and what becomes of it closes or opens it. A breaker that has just closed lets
//! only so many be at work at once, more with every second, so that nobody falls on a CRM that barely stands; a CRM known to
//! be slow is held to few at once: their places are the bucket's to count (`limit/flight.rs`). Throttling is no failure: it
//! has buckets of its own.
//!
//! Every change is one conditional write where the state is kept; [`Breaker::after`] says what is to be written. A change
//! that is applied twice, since its answer was lost, does no harm.

pub mod latency;

use crate::time::Instant;
use serde::{Deserialize, Serialize};

/// Failures in a row that open it, over all environments: a call's tries in place are four, so no passing trouble of one
/// call does, and a dead CRM is left alone after a handful of calls.
pub const OPENS_AT: u32 = 5;
/// Failures in a row that open one again that has just closed.
pub const OPENS_AGAIN_AT: u32 = 2;
/// Failures further apart than this are not in a row, in milliseconds.
pub const FORGET_MS: i64 = 60_000;
/// A call that takes this long counts as failed, whatever its answer, in milliseconds.
pub const SLOW_CALL_MS: i64 = 8_000;
/// The first time it is open for, in milliseconds; doubles with each opening.
pub const FIRST_OPEN_MS: i64 = 5_000;
/// The longest time it is open for, in milliseconds.
pub const LONGEST_OPEN_MS: i64 = 300_000;
/// One that opens again so soon after it closed goes on doubling, in milliseconds.
pub const STEADY_MS: i64 = 60_000;
/// After closing, the calls that may be in flight double every so many milliseconds …
pub const RAMP_STEP_MS: i64 = 1_000;
/// … for so many steps; then there is no such limit.
pub const RAMP_STEPS: i64 = 6;
/// Calls of which three in four take this long make a connection slow, in milliseconds.
pub const SLOW_MS: i64 = 2_000;
/// How long everybody goes by a connection's being slow, in milliseconds.
pub const SLOW_FOR_MS: i64 = 60_000;
/// The longest wait for a place among the few that may be at work, in milliseconds.
const LONGEST_WAIT_MS: i64 = 10_000;

/// What one holder has until a time, so that a crash gives it back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// The holder: one invocation's work at the connection.
    pub by: String,
    /// Its end.
    pub until: Instant,
}

/// That the connection's calls take long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slow {
    /// How long, at the median, in milliseconds.
    pub median_ms: i64,
    /// Until when that is gone by.
    pub until: Instant,
}

/// How many may be at work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cap {
    /// So many.
    pub most: u64,
    /// Of them so many that are not the bulk lane: where calls take long one of the lane's does the work of many.
    pub others: u64,
    /// Whoever finds as many at work comes again in so many milliseconds.
    pub again_ms: i64,
    /// Who was at work before this does not count: the breaker has closed since.
    pub since: Option<Instant>,
}

/// What all environments know of a connection's health. The default is a healthy one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Breaker {
    /// Failures in a row.
    pub failures: u32,
    /// The last of them.
    pub failed_at: Option<Instant>,
    /// Openings since it was steadily closed: the time it is open for doubles with each.
    pub openings: u32,
    /// No call before this; from then on one at a time, until one succeeds. None: closed.
    pub open_until: Option<Instant>,
    /// Whoever makes the one call of a half-open one.
    pub probe: Option<Hold>,
    /// When it last closed.
    pub closed_at: Option<Instant>,
    /// Whether calls take long.
    pub slow: Option<Slow>,
}

/// How a breaker stands at some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Calls go.
    Closed,
    /// None goes.
    Open {
        /// Before this.
        until: Instant,
    },
    /// One goes at a time, by whoever has the probe.
    HalfOpen,
}

impl State {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open { .. } => "open",
            Self::HalfOpen => "half-open",
        }
    }
}

/// What happened, or is wanted.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Calls failed, or took too long.
    Failed {
        /// The holder that made them.
        by: String,
        /// How many in a row.
        count: u32,
        /// Whether the last was answered, too late: it is not dead, so its rest does not grow.
        answered: bool,
        /// Chance, from 0 up to, not including, 1: so that connections which failed together are not probed together.
        random: f64,
    },
    /// A call went well.
    Succeeded {
        /// The holder that made it.
        by: String,
    },
    /// Somebody wants to make the one call, or another after it.
    Probe {
        /// Who.
        by: String,
        /// When the call has surely ended: after that another may.
        until: Instant,
    },
    /// Somebody gives the probe back.
    Leave {
        /// Who.
        by: String,
    },
    /// Calls take long.
    Slow(Slow),
}

impl Breaker {
    /// How it stands.
    #[must_use]
    pub fn state(&self, now: Instant) -> State {
        match self.open_until {
            None => State::Closed,
            // One that is open for longer than any is was opened by a clock that is ahead: it is time for a probe.
            Some(until) if until > now && until.since_ms(now) <= LONGEST_OPEN_MS => State::Open { until },
            Some(_) => State::HalfOpen,
        }
    }

    /// Who has the probe, if anybody does.
    #[must_use]
    pub fn probing(&self, now: Instant) -> Option<&Hold> {
        self.probe.as_ref().filter(|probe| self.open_until.is_some() && probe.until > now)
    }

    /// How long calls take, if everybody is to go by that, in milliseconds.
    #[must_use]
    pub fn slow_ms(&self, now: Instant) -> Option<i64> {
        self.slow.filter(|slow| slow.until > now).map(|slow| slow.median_ms)
    }

    /// How many may be at work at once, of a connection whose limits give so many thousandths of a call a second, since it is
    /// slow or closed a moment ago; none: as many as its share.
    #[must_use]
    pub fn cap(&self, milli_per_second: Option<u64>, now: Instant) -> Option<Cap> {
        let slow_ms = self.slow_ms(now);
        let slow = slow_ms.and_then(|ms| slow_cap(ms, milli_per_second));
        let ramp = self.ramp(now);
        let most = slow.into_iter().chain(ramp).min()?;
        let others = slow.map_or(most, |slow| most.min(slow - 1));
        let again_ms = slow_ms.unwrap_or(RAMP_STEP_MS).clamp(1, LONGEST_WAIT_MS);
        Some(Cap { most, others, again_ms, since: self.closed_at.filter(|_| ramp.is_some()) })
    }

    /// Whoever took a place before this took it by another cap than there is now.
    #[must_use]
    pub fn capped_since(&self, now: Instant) -> Option<Instant> {
        let closed_at = self.closed_at.filter(|_| self.ramp(now).is_some());
        let slow = self.slow.filter(|slow| slow.until > now);
        closed_at.max(slow.map(|slow| slow.until.plus_ms(-SLOW_FOR_MS)))
    }

    /// How many may be at work since it closed a moment ago; none: as many as like.
    #[must_use]
    pub fn ramp(&self, now: Instant) -> Option<u64> {
        let step = now.since_ms(self.closed_at?).div_euclid(RAMP_STEP_MS);
        // Another's clock may be ahead a little; one that is far ahead says nothing.
        ((-RAMP_STEPS)..RAMP_STEPS).contains(&step).then(|| 1 << step.max(0))
    }

    /// The state after `change`; none where it changes nothing.
    #[must_use]
    pub fn after(&self, change: &Change, now: Instant) -> Option<Self> {
        let state = self.state(now);
        match change {
            Change::Failed { by, count, answered, random } => match state {
                State::Closed => Some(self.counting(*count, now, *random)),
                State::HalfOpen if self.is_probe_of(by) => Some(self.opened_again(*answered, now, *random)),
                // It was begun before it opened, and says nothing new.
                State::HalfOpen | State::Open { .. } => None,
            },
            Change::Succeeded { by } => match state {
                State::HalfOpen if self.is_probe_of(by) => Some(self.closed(now)),
                State::Closed if self.failures > 0 => {
                    Some(Self { failures: 0, failed_at: None, ..self.clone() })
                }
                _ => None,
            },
            Change::Probe { by, until } => {
                let free = self.probing(now).is_none_or(|probe| probe.by == *by && probe.until < *until);
                (state == State::HalfOpen && free)
                    .then(|| Self { probe: Some(hold(by, *until)), ..self.clone() })
            }
            Change::Leave { by } => self.is_probe_of(by).then(|| Self { probe: None, ..self.clone() }),
            Change::Slow(slow) => {
                (self.slow != Some(*slow)).then(|| Self { slow: Some(*slow), ..self.clone() })
            }
        }
    }

    fn is_probe_of(&self, by: &str) -> bool {
        self.probe.as_ref().is_some_and(|probe| probe.by == by)
    }

    fn counting(&self, count: u32, now: Instant, random: f64) -> Self {
        let in_a_row = self.failed_at.is_some_and(|at| now.since_ms(at) <= FORGET_MS);
        let failures = count.saturating_add(if in_a_row { self.failures } else { 0 });
        if failures < if self.ramp(now).is_some() { OPENS_AGAIN_AT } else { OPENS_AT } {
            return Self { failures, failed_at: Some(now), ..self.clone() };
        }
        let steady = self.closed_at.is_none_or(|at| now.since_ms(at) > STEADY_MS);
        let openings = if steady { 1 } else { self.openings.saturating_add(1) };
        self.open(openings, now, random)
    }

    fn opened_again(&self, answered: bool, now: Instant, random: f64) -> Self {
        self.open(if answered { 1 } else { self.openings.saturating_add(1) }, now, random)
    }

    fn open(&self, openings: u32, now: Instant, random: f64) -> Self {
        let open_until = Some(now.plus_ms(open_ms(openings, random)));
        Self { failures: 0, failed_at: Some(now), openings, open_until, probe: None, ..self.clone() }
    }

    fn closed(&self, now: Instant) -> Self {
        Self {
            failures: 0,
            failed_at: None,
            openings: self.openings,
            open_until: None,
            probe: None,
            closed_at: Some(now),
            slow: self.slow,
        }
    }
}

fn hold(by: &str, until: Instant) -> Hold {
    Hold { by: by.to_owned(), until }
}

/// How long it is open for the `openings`th time, a fifth of it by chance.
fn open_ms(openings: u32, random: f64) -> i64 {
    let doublings = openings.saturating_sub(1).min(16);
    let full = (FIRST_OPEN_MS << doublings).min(LONGEST_OPEN_MS);
    #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)] // five minutes at most
    let less = (full as f64 * 0.2 * random.clamp(0.0, 1.0)) as i64;
    full - less
}

/// How many may be at work at a connection whose calls take `median_ms`: the calls that its limits give a second, over the
/// seconds that one takes, so that the slower it is the less is asked of it, and at least one; none: there are no limits.
#[must_use]
pub fn slow_cap(median_ms: i64, milli_per_second: Option<u64>) -> Option<u64> {
    let median_ms = u64::try_from(median_ms).unwrap_or(1).max(1);
    milli_per_second.map(|milli| (milli / median_ms).max(1))
}

#[cfg(test)]
mod tests;
