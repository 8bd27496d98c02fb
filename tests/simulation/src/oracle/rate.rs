//! How often the CRMs are called: their limits, what an environment may call at all, and what the limiter costs.

use super::{At, Oracle};
use crate::place::limits;
use rtr_core::limit::{
    AHEAD_MS, LIMITER_BUDGET_MS, LIMITER_REST_MS, Rule, backstop, largest_lease, lease_ms, lease_size,
};
use rtr_core::time::Instant;

/// The longest window that is looked at, in milliseconds.
const WINDOW_MS: i64 = 10_000;

/// Between the asking for a lease and the call there may be so much, besides the lease's own time.
const SENDS_MS: i64 = 200;

/// What `rule` gives in a window, which may begin after a rest: no more than its requests in each window of its own.
fn gives(rule: &Rule, window_ms: i64) -> u64 {
    let (window_ms, per_ms) = (window_ms.unsigned_abs(), rule.per_ms.unsigned_abs().max(1));
    let evenly = rule.burst + rule.requests * window_ms / per_ms;
    evenly.min(rule.requests * (window_ms / per_ms + 1))
}

impl Oracle {
    /// A call goes to `at`.
    pub(super) fn keeps_limits(&mut self, now: Instant, env: usize, at: &At, part: &str) {
        for (api, rule) in limits(&at.1, &at.0).iter().filter(|(api, _)| *api == "*" || *api == part) {
            let bucket = format!("{}#{}#{api}", at.1, at.0);
            self.calls.entry(bucket.clone()).or_default().push((now, env));
            if let Some(what) = self.exceeds(now, env, &bucket, rule) {
                self.violate("I9", None, what);
            }
        }
    }

    /// Every window that ends now: all environments keep to what the limit gives in it and one lease each, and this one to
    /// what it was given; whoever was not answered has its backstop besides.
    fn exceeds(&self, now: Instant, env: usize, bucket: &str, rule: &Rule) -> Option<String> {
        let alone = std::slice::from_ref(rule);
        let (lease, local) = (largest_lease(alone, lease_size(alone, u64::MAX)), backstop(alone));
        let mut envs: Vec<usize> = Vec::new();
        let (mut all, mut own) = (0_u64, 0_u64);
        for (began, caller) in self.calls.get(bucket)?.iter().rev() {
            let window_ms = now.since_ms(*began);
            // The limiter goes by the clock of whoever asks it.
            if window_ms > WINDOW_MS || self.limiter.clock_was_off(*began) {
                return None;
            }
            all += 1;
            own += u64::from(*caller == env);
            if !envs.contains(caller) {
                envs.push(*caller);
            }
            let besides = |env: usize| match self.limiter.rests(env, *began, now) {
                // One of its tokens may be on its way.
                true => local.iter().map(|rule| gives(rule, window_ms) + 1).min().unwrap_or(0),
                false => 0,
            };
            let most = gives(rule, window_ms) + envs.iter().map(|env| lease + besides(*env)).sum::<u64>();
            if all > most {
                return Some(format!("{all} calls of {bucket} in {window_ms} ms: at most {most}"));
            }
            if *caller != env || self.limiter.miscounts(now, env) {
                continue;
            }
            let given =
                self.limiter.given(env, bucket, began.plus_ms(-AHEAD_MS - lease_ms(lease) - SENDS_MS));
            // One may be of a token that it had when it stood still.
            let most = given + 1 + besides(env);
            if own > most {
                let what = format!("{own} calls of {bucket} in {window_ms} ms by environment {env}");
                return Some(format!("{what}, which had tokens for {most}"));
            }
        }
        None
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
