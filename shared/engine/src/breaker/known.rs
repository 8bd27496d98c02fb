//! What one environment knows of the breakers, beyond its invocations: the state as it was last told, what it goes on by
//! while nobody tells it anything, and what it has not told yet.

use rtr_core::breaker::latency::Latency;
use rtr_core::breaker::{Breaker, Change, OPENS_AGAIN_AT, OPENS_AT, SLOW_FOR_MS, SLOW_MS, Slow, State};
use rtr_core::time::Instant;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// An environment tells of failures and of their end so often at most, in milliseconds, but for those that open it.
const TELL_MS: i64 = 1_000;
/// Connections remembered; one is forgotten only while it is healthy.
const MAX_KNOWN: usize = 1_000;

/// What an environment knows, by connection.
#[derive(Debug, Default)]
pub struct Breakers {
    by_connection: Mutex<HashMap<String, Health>>,
}

#[derive(Debug, Default)]
struct Health {
    /// As the table told it last.
    told: Breaker,
    /// As it goes on here, since the table did not answer.
    own: Option<Breaker>,
    /// Failures in a row here that nobody was told of.
    untold: u32,
    /// When somebody was told of failures, or of their end.
    telling_at: Option<Instant>,
    latency: Latency,
}

impl Health {
    fn now(&self) -> &Breaker {
        self.own.as_ref().unwrap_or(&self.told)
    }

    /// Whether it is time to tell.
    fn tells(&mut self, at_once: bool, now: Instant) -> bool {
        // An earlier time is of a clock that has been set back since.
        let since_ms = self.telling_at.map(|at| now.since_ms(at));
        let tells = at_once || since_ms.is_none_or(|ms| !(0..TELL_MS).contains(&ms));
        if tells {
            self.telling_at = Some(now);
        }
        tells
    }
}

impl Breakers {
    /// The breaker as it is gone by here.
    pub(super) fn now(&self, connection: &str) -> Breaker {
        self.with(connection, |health| health.now().clone())
    }

    /// How long calls take, if that was seen, in milliseconds.
    pub(super) fn call_ms(&self, connection: &str) -> Option<i64> {
        self.with(connection, |health| health.latency.median_ms())
    }

    /// Takes in what the table told. What was found out here while it was silent is kept as long as it is open.
    pub(super) fn told(&self, connection: &str, breaker: Breaker, now: Instant) {
        self.with(connection, |health| {
            health.told = breaker;
            health.own.take_if(|own| !matches!(own.state(now), State::Open { .. }));
        });
    }

    /// Goes on by `change` here, since the table does not answer.
    pub(super) fn goes_on(&self, connection: &str, change: &Change, now: Instant) -> Breaker {
        self.with(connection, |health| {
            if let Some(after) = health.now().after(change, now) {
                health.own = Some(after);
            }
            health.now().clone()
        })
    }

    /// Takes in that a call failed; how many there are to tell of, if it is time.
    pub(super) fn failed(&self, connection: &str, now: Instant) -> Option<u32> {
        self.with(connection, |health| {
            health.untold += 1;
            let opens_at = if health.now().ramp(now).is_some() { OPENS_AGAIN_AT } else { OPENS_AT };
            let opens = health.now().failures.saturating_add(health.untold) >= opens_at;
            health.tells(opens, now).then(|| std::mem::take(&mut health.untold))
        })
    }

    /// Takes in that a call went well; whether that is to be told.
    pub(super) fn went_well(&self, connection: &str, now: Instant) -> bool {
        self.with(connection, |health| {
            health.untold = 0;
            health.now().failures > 0 && health.tells(false, now)
        })
    }

    /// Takes in how long a call took; that the connection is slow, if that is news to the others.
    pub(super) fn took(&self, connection: &str, ms: i64, now: Instant) -> Option<Slow> {
        self.with(connection, |health| {
            health.latency.took(ms);
            // By nearly all of them: of many environments some see a few slow calls together, whatever the CRM.
            let is_slow = health.latency.nearly_all_ms().is_some_and(|ms| ms >= SLOW_MS);
            let median_ms = health.latency.median_ms().filter(|_| is_slow)?;
            let half_way = now.plus_ms(SLOW_FOR_MS / 2);
            let known = health.now().slow.is_some_and(|slow| slow.until > half_way);
            (!known).then(|| Slow { median_ms, until: now.plus_ms(SLOW_FOR_MS) })
        })
    }

    fn with<T>(&self, connection: &str, change: impl FnOnce(&mut Health) -> T) -> T {
        // A poisoned lock only says that a thread died elsewhere: what was known is still whole.
        let mut known = self.by_connection.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_KNOWN && !known.contains_key(connection) {
            known.retain(|_, health| health.now().open_until.is_some());
        }
        change(known.entry(connection.to_owned()).or_default())
    }
}
