//! How often and when the CRMs are called: their limits, and the rests that they asked for.

use super::{At, Oracle};
use crate::place::limit;
use rtr_core::limit::{LEASE_MS, LIMITER_BUDGET_MS, LIMITER_REST_MS};
use rtr_core::time::Instant;

/// A rest that a CRM asked for.
#[derive(Debug, Clone)]
pub(super) struct Rest {
    told: Instant,
    until: Instant,
    env: usize,
}

/// Until an environment that was not told knows of a rest at the latest: its lease has ended, and the block is written.
const TOLD_ALL_MS: i64 = LEASE_MS + 200;

/// An environment that is told of a rest has told the others by then.
const TELLS_MS: i64 = 500;

impl Oracle {
    /// `env` was told by the CRM at `at` to rest so long.
    pub fn rest(&mut self, now: Instant, env: usize, at: At, seconds: i64) {
        // Who is gone when the answer comes hears nothing.
        if self.gone.contains(&env) {
            return;
        }
        let rest = Rest { told: now, until: now.plus_ms(seconds * 1_000), env };
        self.rests.entry(at).or_default().push(rest);
    }

    /// `env` is gone: a rest that it has just been told of, nobody else may ever hear of.
    pub fn died(&mut self, now: Instant, env: usize) {
        self.gone.insert(env);
        for rests in self.rests.values_mut() {
            rests.retain(|rest| rest.env != env || now.since_ms(rest.told) > TELLS_MS);
        }
    }

    /// `env` stood still and is back.
    pub fn back(&mut self, now: Instant, env: usize) {
        self.gone.remove(&env);
        self.thawed.insert(env, now);
    }

    /// A call goes to `at`.
    pub(super) fn rate(&mut self, now: Instant, skew_ms: i64, env: usize, at: At) {
        let sound = !self.limiter_unsound;
        // What was granted before it stood still is used when it goes on; and a limiter that was asked before looks dead to
        // it, for as long as such a one is left alone.
        let thawed = self.thawed.get(&env).is_some_and(|at| now.since_ms(*at) <= LEASE_MS + LIMITER_REST_MS);
        let broken = self.rests.get(&at).into_iter().flatten().find(|rest| {
            let told = rest.env == env || sound && now >= rest.told.plus_ms(TOLD_ALL_MS);
            // A clock that is off is off for the rest as well.
            skew_ms == 0 && !thawed && told && rest.told < now && now < rest.until
        });
        if let Some(rest) = broken {
            let early = rest.until.since_ms(now);
            let what =
                format!("environment {env} called {} of {} {early} ms before its rest ended", at.0, at.1);
            self.violate("I15", None, what);
        }
        let (requests, per_ms, burst) = limit(&at.1, &at.0);
        let calls = self.calls.entry(at.clone()).or_default();
        calls.push((now, env));
        if !sound {
            return;
        }
        // Every window that ends now: what the limit gives in it, and one lease for each environment seen in it.
        let mut envs: Vec<usize> = Vec::new();
        let mut count = 0_u64;
        for (began, env) in calls.iter().rev() {
            count += 1;
            if !envs.contains(env) {
                envs.push(*env);
            }
            let window_ms = u64::try_from(now.since_ms(*began)).unwrap_or(0);
            if window_ms > 10_000 {
                break;
            }
            let lease = requests.min(requests * 1_000 / u64::try_from(per_ms).unwrap_or(1).max(1));
            let allowed =
                burst + requests * window_ms / u64::try_from(per_ms).unwrap_or(1) + lease * envs.len() as u64;
            if count > allowed {
                let what =
                    format!("{count} calls to {} of {} in {window_ms} ms: at most {allowed}", at.0, at.1);
                self.violate("I9", None, what);
                break;
            }
        }
    }

    /// `env`'s clock was set: what it counted by it is over.
    pub fn clock_set(&mut self, env: usize) {
        self.slow_leases.remove(&env);
    }

    /// `env` waited for the limiter since `since`, so long and in vain.
    pub fn limiter_slow(&mut self, since: Instant, waited: i64, env: usize) {
        if waited > LIMITER_BUDGET_MS {
            self.violate("I10", None, format!("environment {env} waited {waited} ms for the limiter"));
        }
        let last = self.slow_leases.insert(env, since);
        // Those that wait at one time wait together.
        if let Some(last) = last
            && since > last.plus_ms(LIMITER_BUDGET_MS)
            && since.since_ms(last) < LIMITER_REST_MS
        {
            let what =
                format!("environment {env} waited for the limiter again after {} ms", since.since_ms(last));
            self.violate("I10", None, what);
        }
    }
}
