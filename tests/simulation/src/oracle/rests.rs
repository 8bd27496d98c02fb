//! The rests that CRMs ask for: kept at once by whoever heard of one, and by all others within a lease.

use super::limiter::longest_lease_ms;
use super::{At, Oracle};
use rtr_core::limit::LIMITER_REST_MS;
use rtr_core::time::Instant;

/// A rest that a CRM asked for.
#[derive(Debug, Clone)]
pub(super) struct Rest {
    told: Instant,
    until: Instant,
    env: usize,
    /// The limit that it is of.
    part: &'static str,
    /// Whether the others can know: that it could not be written is nobody's fault.
    shared: bool,
}

/// Until an environment that was not told knows of a rest at the latest: so long after
/// its lease has ended, and the block is written.
const TOLD_ALL_MS: i64 = 200;

/// An environment that is told of a rest has told the others by then.
const TELLS_MS: i64 = 500;

/// By then it knows whether it could.
const KNOWS_MS: i64 = 2_500;

/// Between the token and the call there may be so much.
const SENDS_MS: i64 = 100;

impl Oracle {
    /// `env` was told by the CRM at `at` to rest so long.
    pub fn rest(&mut self, now: Instant, env: usize, at: At, part: &'static str, seconds: i64) {
        // Who is gone when the answer comes hears nothing.
        if self.gone.contains(&env) {
            return;
        }
        let rest = Rest { told: now, until: now.plus_ms(seconds * 1_000), env, part, shared: true };
        self.rests.entry(at).or_default().push(rest);
    }

    /// `env` could not tell the others of the rests at `at` that it has just been told of.
    pub(super) fn unshared(&mut self, now: Instant, env: usize, at: &At) {
        for rest in self.rests.get_mut(at).into_iter().flatten() {
            if rest.env == env && now.since_ms(rest.told) <= KNOWS_MS {
                rest.shared = false;
            }
        }
    }

    /// `env` is gone: a rest that it has just been told of, nobody else may ever hear of.
    pub fn died(&mut self, now: Instant, env: usize) {
        self.gone.insert(env);
        self.tells_nobody(env);
        for rests in self.rests.values_mut() {
            rests.retain(|rest| rest.env != env || now.since_ms(rest.told) > TELLS_MS);
        }
    }

    /// `env` stood still and is back.
    pub fn back(&mut self, now: Instant, env: usize) {
        self.gone.remove(&env);
        self.thawed.insert(env, now);
    }

    /// A call goes to `at`: none may before a rest of its limit, or of all, has ended.
    pub(super) fn keeps_rests(&mut self, now: Instant, skew_ms: i64, env: usize, at: &At, part: &str) {
        let Some(rests) = self.rests.get(at) else { return };
        // What was granted before it stood still is used when it goes on; and a limiter that was asked before looks dead to
        // it, for as long as such a one is left alone.
        let lease_ms = longest_lease_ms(at);
        let thawed = self.thawed.get(&env).is_some_and(|at| now.since_ms(*at) <= lease_ms + LIMITER_REST_MS);
        // A clock that is off, or was when a lease or a rest began, is off for the rest as well.
        if thawed || skew_ms != 0 || self.limiter.miscounts(now, env) {
            return;
        }
        let asks_nobody = self.limiter.rests(env, now.plus_ms(-SENDS_MS), now);
        let broken = rests.iter().rev().find(|rest| {
            let could_hear = rest.shared && !asks_nobody && !self.limiter.clock_was_off(rest.told);
            let knows = rest.env == env || could_hear && now >= rest.told.plus_ms(lease_ms + TOLD_ALL_MS);
            (rest.part == "*" || rest.part == part) && knows && rest.told < now && now < rest.until
        });
        if let Some(rest) = broken {
            let early = rest.until.since_ms(now);
            let what =
                format!("environment {env} called {} of {} {early} ms before its rest ended", at.0, at.1);
            self.violate("I15", None, what);
        }
    }
}
