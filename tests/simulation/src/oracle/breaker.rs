//! Breakers: an open one is kept, one that has just closed lets few through, failures open it and a good probe closes it.
//!
//! The table's own state is looked at, as it is at the moment of a call or of its answer.

use super::limiter::longest_lease_ms;
use super::{At, Oracle};
use rtr_connectors::http::{NoAnswer, Response};
use rtr_core::breaker::{Breaker, FORGET_MS, LONGEST_OPEN_MS, OPENS_AT, SLOW_CALL_MS, SLOW_FOR_MS, State};
use rtr_core::limit::LIMITER_REST_MS;
use rtr_core::time::Instant;
use std::collections::{BTreeMap, BTreeSet};

/// Until whoever was not told of an opening knows of it at the latest, after its lease has ended.
const TOLD_ALL_MS: i64 = 500;
/// Whoever was not answered goes on by itself for so long: until it asks for a lease again and is answered.
const ALONE_MS: i64 = LIMITER_REST_MS + 3_000;
/// Whoever heard a probe's answer has told the others by then.
const TELLS_MS: i64 = 1_500;

/// What is known of breakers.
#[derive(Debug, Default)]
pub(super) struct Breakers {
    /// Which environment goes by which name.
    holders: BTreeMap<String, usize>,
    /// When an environment took its last place at a connection.
    places: BTreeMap<(usize, At), Instant>,
    /// When the table last left an environment's change unanswered.
    silent: BTreeMap<usize, Instant>,
    /// Failures in a row at a connection whose breaker is closed: how many, the last, and who heard of them.
    rows: BTreeMap<At, (u64, Instant, BTreeSet<usize>)>,
    /// When an environment's last call began.
    sent_at: BTreeMap<(usize, At), Instant>,
    /// Probes that went well: when, whose, and the opening that they are to end.
    well: BTreeMap<At, (Instant, usize, Option<Instant>)>,
}

impl Breakers {
    fn is(&self, holder: &str, env: usize) -> bool {
        self.holders.get(holder) == Some(&env)
    }
}

impl Oracle {
    /// `env` goes by the name of `by` from now on.
    pub fn goes_by(&mut self, env: usize, by: &str) {
        self.breakers.holders.insert(by.to_owned(), env);
    }

    /// `env` has taken a lease for `at`, and a place with it or none.
    pub(super) fn has_place(&mut self, env: usize, at: At, place: Option<Instant>) {
        match place {
            Some(place) => self.breakers.places.insert((env, at), place),
            None => self.breakers.places.remove(&(env, at)),
        };
    }

    /// The table did not answer `env`, which goes on by a breaker of its own: what it has heard stays with it.
    pub fn breaker_silent(&mut self, now: Instant, env: usize) {
        self.breakers.silent.insert(env, now);
        self.tells_nobody(env);
    }

    /// `env` is gone: it tells nobody what it heard.
    pub(super) fn tells_nobody(&mut self, env: usize) {
        self.breakers.well.retain(|_, (_, of, _)| *of != env);
    }

    /// Whether `env` may go on by itself, or by times that nobody else has.
    fn is_alone(&self, now: Instant, env: usize, at: &At) -> bool {
        let lease_ms = longest_lease_ms(at);
        let alone_ms = lease_ms + ALONE_MS;
        let since = |at: Option<&Instant>, ms: i64| at.is_some_and(|at| now.since_ms(*at) <= ms);
        since(self.breakers.silent.get(&env), alone_ms)
            || since(self.thawed.get(&env), lease_ms + LIMITER_REST_MS)
            || self.limiter.rests(env, now.plus_ms(-alone_ms), now)
            || self.limiter.miscounts(now, env)
            || self.limiter.clock_was_off(now.plus_ms(-LONGEST_OPEN_MS - alone_ms))
    }

    /// A call of `env` goes to `at`, whose breaker stands as `breaker` in the table.
    pub(super) fn keeps_breaker(&mut self, now: Instant, env: usize, at: &At, breaker: &Breaker) {
        self.is_closed_in_time(now, at, breaker);
        self.breakers.sent_at.insert((env, at.clone()), now);
        if self.is_alone(now, env, at) {
            return;
        }
        let state = breaker.state(now);
        let told =
            breaker.failed_at.is_none_or(|failed| now.since_ms(failed) > longest_lease_ms(at) + TOLD_ALL_MS);
        let probes = breaker.probe.as_ref().is_some_and(|probe| self.breakers.is(&probe.by, env));
        let place = self.breakers.places.get(&(env, at.clone()));
        let counted =
            place.is_some_and(|place| breaker.capped_since(now).is_none_or(|since| *place >= since));
        let slow = breaker.slow.is_some_and(|slow| {
            let known_ms = now.since_ms(slow.until.plus_ms(-SLOW_FOR_MS));
            slow.until > now && known_ms > longest_lease_ms(at) + TOLD_ALL_MS
        });
        let what = match state {
            State::Open { .. } if told => "whose breaker is open",
            State::HalfOpen if told && !probes => "whose breaker is half-open, without its probe",
            State::Closed if breaker.ramp(now).is_some() && !counted => {
                "whose breaker has just closed, without a place among the few that may"
            }
            State::Closed if slow && !counted => "which is slow, without a place among the few that may",
            _ => return,
        };
        self.violate("I24", None, format!("environment {env} calls {} of {}, {what}", at.0, at.1));
    }

    /// `env` hears what became of a call to `at`, whose breaker stands as `breaker` in the table.
    pub fn heard(
        &mut self,
        now: Instant,
        env: usize,
        at: &At,
        outcome: &Result<Response, NoAnswer>,
        breaker: &Breaker,
    ) {
        self.is_closed_in_time(now, at, breaker);
        if self.gone.contains(&env) {
            return;
        }
        if fails(outcome) {
            self.fails_in_a_row(now, env, at, breaker);
            return;
        }
        self.breakers.rows.remove(at);
        let probe = breaker.probe.as_ref().filter(|probe| probe.until > now && breaker.open_until.is_some());
        let sent_at = self.breakers.sent_at.get(&(env, at.clone()));
        let in_time = sent_at.is_some_and(|at| now.since_ms(*at) < SLOW_CALL_MS - 100);
        if works(outcome)
            && in_time
            && probe.is_some_and(|probe| self.breakers.is(&probe.by, env))
            && !self.is_alone(now, env, at)
        {
            self.breakers.well.insert(at.clone(), (now, env, breaker.open_until));
        }
    }

    fn fails_in_a_row(&mut self, now: Instant, env: usize, at: &At, breaker: &Breaker) {
        if breaker.open_until.is_some() {
            self.breakers.rows.remove(at);
            return;
        }
        if self.is_alone(now, env, at) {
            return;
        }
        let row = self.breakers.rows.entry(at.clone()).or_insert((0, now, BTreeSet::new()));
        if now.since_ms(row.1) > FORGET_MS {
            *row = (0, now, BTreeSet::new());
        }
        (row.0, row.1) = (row.0 + 1, now);
        row.2.insert(env);
        // Each may know of one less than open it, and not have told; and one may be on its way.
        let untold = u64::from(OPENS_AT - 1) * (row.2.len() as u64 + 1) + 1;
        let count = row.0;
        if count > untold {
            let what =
                format!("{count} calls to {} of {} fail in a row, and its breaker is closed", at.0, at.1);
            self.violate("I25", None, what);
        }
    }

    fn is_closed_in_time(&mut self, now: Instant, at: &At, breaker: &Breaker) {
        let Some((since, env, open_until)) = self.breakers.well.get(at).copied() else { return };
        if breaker.open_until != open_until {
            self.breakers.well.remove(at);
            return;
        }
        if now.since_ms(since) <= TELLS_MS {
            return;
        }
        self.breakers.well.remove(at);
        if !self.is_alone(now, env, at) {
            let what = format!("a probe of {} of {} went well, and its breaker does not close", at.0, at.1);
            self.violate("I25", None, what);
        }
    }
}

/// Whether the call certainly counts as failed.
fn fails(outcome: &Result<Response, NoAnswer>) -> bool {
    match outcome {
        Ok(response) => response.status == 503 && response.header("retry-after").is_none(),
        Err(_) => true,
    }
}

/// Whether it certainly counts as a success.
fn works(outcome: &Result<Response, NoAnswer>) -> bool {
    let Ok(response) = outcome else { return false };
    let says = response.json().is_some_and(|body| body != serde_json::Value::Null);
    matches!(response.status, 200..=204) && says
}
