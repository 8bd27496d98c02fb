//! What this environment holds of each bucket: leased tokens, the local backstop, and stops it was told of.

use super::flown::Flown;
use rtr_connectors::session::SHORT_WAIT_MS;
use rtr_core::limit::{
    APART_MS, Ask, Bucket, LEASE_MS, LIMITER_REST_MS, Level, Rule, Told, Traffic, Unused, backstop, lease_ms,
    take,
};
use rtr_core::time::Instant;
use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};

/// A bucket that was empty is asked again after this at the latest, in milliseconds: its rules may have changed.
const ASK_AGAIN_MS: i64 = 60_000;
/// A bucket that was empty twice within so many milliseconds was so in between.
const EMPTY_FOR_MS: i64 = 5_000;
/// Those who wait for one bucket come back at different times, within so many milliseconds…
const SPREAD_MS: f64 = 20.0;
/// …doubled with each time that they find it empty, up to so often.
const DOUBLINGS: u32 = 5;

/// A bucket, and what its calls are for: nobody spends another's tokens.
pub(super) type Of<'a> = (&'a str, Traffic);

/// Leases and backstops of this environment, by bucket. A lease has an expiry; a backstop refills by itself.
#[derive(Debug, Default)]
pub struct Pools {
    by_bucket: Mutex<HashMap<Traffic, HashMap<String, Pool>>>,
    /// What the CRM has told of a bucket's limits that no lease has shared yet.
    told: Mutex<HashMap<String, Vec<Told>>>,
    /// What is known here of calls that are under way, by bucket.
    pub(super) flown: Mutex<HashMap<String, Flown>>,
    /// The limiter did not answer: it is not asked before this.
    ask_again_at: AtomicI64,
}

#[derive(Debug, Default)]
struct Pool {
    tokens: u64,
    /// Those of this lease that were used.
    used: u64,
    /// The next may not be used before this, nor the one after it sooner than so many milliseconds later…
    from: Instant,
    apart_ms: i64,
    /// …nor after that.
    expires_at: Instant,
    /// When the last lease began, and what was in it.
    leased_at: Instant,
    leased: u64,
    backstop: Bucket,
    /// When the backstop was last taken to be empty, since the bucket was.
    emptied_at: Instant,
    blocked_until: Instant,
    /// It was empty: not asked before this…
    ask_at: Instant,
    /// …and not to be waited for before that.
    empty_until: Instant,
    /// How often it was in a row…
    refusals: u32,
    /// …and when last.
    refused_at: Instant,
}

/// How long to wait for a bucket that had nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wait {
    /// When to try again.
    pub(super) until: Instant,
    /// Whether it was waited for before, a moment ago.
    pub(super) in_vain: bool,
}

impl Pools {
    pub(super) fn limiter_rests(&self, now: Instant) -> bool {
        let wait = self.ask_again_at.load(Ordering::Relaxed) - now.0;
        // A longer one is of a clock that has been set back since.
        (1..=LIMITER_REST_MS).contains(&wait)
    }

    pub(super) fn let_limiter_rest(&self, now: Instant) {
        self.ask_again_at.store(now.plus_ms(LIMITER_REST_MS).0, Ordering::Relaxed);
    }

    /// When the limiter is asked again, at the latest.
    pub(super) fn asks_again_at(&self, now: Instant) -> Instant {
        let at = Instant(self.ask_again_at.load(Ordering::Relaxed));
        at.max(now.plus_ms(1)).min(now.plus_ms(LIMITER_REST_MS))
    }

    /// A token of the lease at hand, if that still counts; none says that a new lease is needed.
    pub(super) fn draw(&self, of: Of<'_>, counts: bool, now: Instant) -> Option<Result<(), Instant>> {
        self.with(of, |pool| {
            if pool.blocked_until > now {
                return Some(Err(pool.blocked_until));
            }
            if pool.tokens == 0 || pool.expires_at <= now || !counts {
                // A longer wait is of a clock that has been set back since.
                let empty = (1..=ASK_AGAIN_MS).contains(&pool.ask_at.since_ms(now));
                return empty.then_some(Err(pool.empty_until));
            }
            // A longer wait is of a clock that has been set back since.
            if (1..=LEASE_MS).contains(&pool.from.since_ms(now)) {
                return Some(Err(pool.from));
            }
            pool.tokens -= 1;
            pool.used += 1;
            pool.from = pool.from.plus_ms(pool.apart_ms);
            Some(Ok(()))
        })
    }

    /// A lease of `tokens` from `now` on, or from the time at which they come, that was `taken` then and whose last is to be used
    /// by `last`. Those that come are the bucket's last: they are used as evenly as this environment's leases come.
    pub(super) fn put(
        &self,
        of: Of<'_>,
        tokens: u64,
        (now, from): (Instant, Option<Instant>),
        (taken, last): (Option<Instant>, Option<Instant>),
    ) {
        self.with(of, |pool| {
            let begins = from.unwrap_or(now);
            let each =
                begins.since_ms(pool.leased_at) / i64::try_from(pool.leased).unwrap_or(i64::MAX).max(1);
            // Where the bucket has some, it was slower than it need be.
            pool.apart_ms = from.map_or(pool.apart_ms * 3 / 4, |_| each.clamp(0, APART_MS));
            // The one that it was taken for goes now; of one ahead that call comes back.
            pool.used = u64::from(from.is_none());
            pool.tokens += tokens - pool.used;
            pool.from = from.unwrap_or_else(|| now.plus_ms(pool.apart_ms));
            (pool.leased, pool.leased_at) = (tokens, taken.unwrap_or(begins));
            pool.expires_at = begins.plus_ms(lease_ms(tokens));
            if let Some(last) = last.filter(|_| tokens > 1) {
                pool.expires_at = last.plus_ms(1);
                // So that the last can be used by then.
                let each = last.since_ms(begins) / i64::try_from(tokens).unwrap_or(i64::MAX);
                pool.apart_ms = pool.apart_ms.min(each.max(0));
                pool.from = from.unwrap_or_else(|| now.plus_ms(pool.apart_ms));
            }
            (pool.ask_at, pool.refusals) = (Instant::default(), 0);
        });
    }

    /// Whether there is a token for another call, whatever it is for.
    pub(super) fn has_tokens(&self, bucket: &str, now: Instant) -> bool {
        let has = |traffic| self.with((bucket, traffic), |pool| pool.tokens > 0 && pool.expires_at > now);
        has(Traffic::Live) || has(Traffic::Backfill)
    }

    /// What tokens there are may not be used any more, and go back with the next lease.
    pub(super) fn end(&self, bucket: &str, now: Instant) {
        for traffic in [Traffic::Live, Traffic::Backfill] {
            self.with((bucket, traffic), |pool| pool.expires_at = pool.expires_at.min(now));
        }
    }

    /// What was not used goes back with a lease that is asked for: nobody here has it any more.
    pub(super) fn unused(&self, of: Of<'_>) -> Unused {
        self.with(of, |pool| Unused { tokens: std::mem::take(&mut pool.tokens), leased_at: pool.leased_at })
    }

    /// There was no lease, so that it did not.
    pub(super) fn keep(&self, of: Of<'_>, unused: Unused) {
        self.with(of, |pool| pool.tokens += unused.tokens);
    }

    /// How many calls the next lease should be for: as many as the last was used for, twice that if it was not enough.
    pub(super) fn used(&self, of: Of<'_>, now: Instant) -> u64 {
        self.with(of, |pool| match pool.expires_at.since_ms(now) {
            left if left > 0 && pool.tokens == 0 => pool.used.saturating_mul(2),
            left if left > -LEASE_MS => pool.used,
            _ => 1,
        })
    }

    /// The bucket has nothing before `until`: it is not asked before. Gives the time at which to try, a moment later, drawn by
    /// `random`, since others wait for the same.
    pub(super) fn wait(&self, of: Of<'_>, now: Instant, until: Instant, random: f64) -> Wait {
        self.with(of, |pool| {
            // An earlier emptiness is another, and a later time is of a clock that has been set back since.
            if !(0..EMPTY_FOR_MS).contains(&now.since_ms(pool.refused_at)) {
                pool.refusals = 0;
            }
            pool.refused_at = now;
            let spread = SPREAD_MS * f64::from(1_u32 << pool.refusals.min(DOUBLINGS));
            #[allow(clippy::cast_possible_truncation)] // less than a second
            let later = until.plus_ms((spread * random) as i64);
            // What can be waited for in place stays so.
            let short = now.plus_ms(SHORT_WAIT_MS);
            let later = if until <= short { later.min(short) } else { later };
            pool.refusals = pool.refusals.saturating_add(1);
            (pool.ask_at, pool.empty_until) = (later.min(now.plus_ms(ASK_AGAIN_MS)), later);
            Wait { until: later, in_vain: pool.refusals > 1 }
        })
    }

    /// A token was drawn and not used: the next call has it, and need not wait for the one that was not made.
    pub(super) fn give_back(&self, of: Of<'_>) {
        self.with(of, |pool| {
            pool.tokens += 1;
            pool.from = pool.from.plus_ms(-pool.apart_ms);
        });
    }

    /// Nobody calls before `until`, whatever for.
    pub(super) fn block(&self, bucket: &str, until: Instant) {
        for traffic in [Traffic::Live, Traffic::Backfill] {
            self.with((bucket, traffic), |pool| {
                pool.blocked_until = pool.blocked_until.max(until);
                pool.tokens = 0;
            });
        }
    }

    /// The CRM told: the newest of each of its limits counts.
    pub(super) fn tell(&self, bucket: &str, told: Told) {
        let mut by_bucket = self.told.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let held = by_bucket.entry(bucket.to_owned()).or_default();
        held.retain(|earlier| earlier.per_ms != told.per_ms);
        held.push(told);
    }

    /// What was told of `bucket` and is not shared yet.
    pub(super) fn told(&self, bucket: &str) -> Vec<Told> {
        let by_bucket = self.told.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        by_bucket.get(bucket).cloned().unwrap_or_default()
    }

    /// A lease has shared `told`.
    pub(super) fn shared(&self, bucket: &str, told: &[Told]) {
        let mut by_bucket = self.told.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(held) = by_bucket.get_mut(bucket) {
            held.retain(|one| !told.contains(one));
        }
    }

    pub(super) fn backstop(&self, of: Of<'_>, rules: &[Rule], now: Instant) -> Result<(), Instant> {
        self.with(of, |pool| {
            let rules = backstop(rules);
            // What the bucket did not have a moment ago is not to be had by not asking it.
            let lately = (0..EMPTY_FOR_MS).contains(&now.since_ms(pool.refused_at));
            if lately && pool.emptied_at != pool.refused_at {
                pool.emptied_at = pool.refused_at;
                let empty = |_| Level { at: pool.refused_at, ..Level::default() };
                pool.backstop.levels = rules.iter().map(empty).collect();
            }
            // Nothing is written here, so there is no cause to take more than the one.
            pool.backstop.leases.clear();
            let taken = take(&pool.backstop, &rules, &Ask::whole(1), now);
            pool.backstop = taken.bucket;
            if taken.granted > 0 { Ok(()) } else { Err(taken.retry_at.unwrap_or(now.plus_ms(LEASE_MS))) }
        })
    }

    fn with<T>(&self, (bucket, traffic): Of<'_>, change: impl FnOnce(&mut Pool) -> T) -> T {
        // A poisoned lock only says that a thread died elsewhere: the pool's numbers are still whole.
        let mut pools = self.by_bucket.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        change(pools.entry(traffic).or_default().entry(bucket.to_owned()).or_default())
    }
}
