//! What this environment holds of each bucket: leased tokens, the local backstop, and stops it was told of.

use rtr_core::limit::{Bucket, LEASE_MS, LIMITER_REST_MS, Rule, backstop, take};
use rtr_core::time::Instant;
use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};

/// Leases and backstops of this environment, by bucket. A lease has an expiry; a backstop refills by itself.
#[derive(Debug, Default)]
pub struct Pools {
    by_bucket: Mutex<HashMap<String, Pool>>,
    /// The limiter did not answer: it is not asked before this.
    ask_again_at: AtomicI64,
}

#[derive(Debug, Default)]
struct Pool {
    tokens: u64,
    expires_at: Instant,
    backstop: Bucket,
    blocked_until: Instant,
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

    /// A token of the lease at hand; none says that a new lease is needed.
    pub(super) fn draw(&self, bucket: &str, now: Instant) -> Option<Result<(), Instant>> {
        self.with(bucket, |pool| {
            if pool.blocked_until > now {
                return Some(Err(pool.blocked_until));
            }
            if pool.tokens == 0 || pool.expires_at <= now {
                return None;
            }
            pool.tokens -= 1;
            Some(Ok(()))
        })
    }

    pub(super) fn put(&self, bucket: &str, tokens: u64, expires_at: Instant) {
        self.with(bucket, |pool| (pool.tokens, pool.expires_at) = (tokens, expires_at));
    }

    pub(super) fn give_back(&self, bucket: &str) {
        self.with(bucket, |pool| pool.tokens += 1);
    }

    pub(super) fn block(&self, bucket: &str, until: Instant) {
        self.with(bucket, |pool| {
            pool.blocked_until = pool.blocked_until.max(until);
            pool.tokens = 0;
        });
    }

    pub(super) fn backstop(&self, bucket: &str, rules: &[Rule], now: Instant) -> Result<(), Instant> {
        self.with(bucket, |pool| {
            let taken = take(&pool.backstop, &backstop(rules), 1, now);
            pool.backstop = taken.bucket;
            if taken.granted > 0 { Ok(()) } else { Err(taken.retry_at.unwrap_or(now.plus_ms(LEASE_MS))) }
        })
    }

    fn with<T>(&self, bucket: &str, change: impl FnOnce(&mut Pool) -> T) -> T {
        // A poisoned lock only says that a thread died elsewhere: the pool's numbers are still whole.
        let mut pools = self.by_bucket.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        change(pools.entry(bucket.to_owned()).or_default())
    }
}
