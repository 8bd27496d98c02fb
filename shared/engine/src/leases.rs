//! How a lease is taken from a bucket that is a row in a table: decided over the row as last seen here, and written on the
//! condition that it is still so.
//!
//! While one environment is at work a lease costs one write and no read. Where others write too the row is looked at
//! before each write: a look costs a fraction of a write that is refused. What cannot be granted by what was seen is not
//! written.

use crate::seams::{Clock, Lease, Unavailable};
use async_trait::async_trait;
use rtr_core::breaker::Breaker;
use rtr_core::limit::{Ask, Bucket, Rule, Way, take};
use rtr_core::time::Instant;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

mod breakers;

pub use breakers::{breaker, change_breaker};

/// Looks and tries at a bucket that others write at the same time.
const MAX_TRIES: usize = 4;
/// What was seen is good enough to say no for this long, in milliseconds.
const FRESH_MS: i64 = 1_000;
/// Buckets remembered per environment; a connection has one or two.
const MAX_SEEN: usize = 1_000;
/// The longest wait after losing against another, in milliseconds; the shortest is a quarter of it.
const CONTENDED_MS: f64 = 200.0;

/// A bucket as last seen in the table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stored {
    /// Raised by every write; 0 where there is no row.
    pub rev: u64,
    /// What is in it.
    pub bucket: Bucket,
    /// Raised by every write of the breaker; 0 where none was written yet.
    pub breaker_rev: u64,
    /// The connection's breaker, in the row of its general bucket.
    pub breaker: Breaker,
}

/// The table, as leasing sees it.
#[async_trait]
pub trait Rows: Send + Sync {
    /// Reads the row, strongly.
    ///
    /// # Errors
    /// When the table does not answer.
    async fn look(&self, bucket: &str) -> Result<Stored, Unavailable>;
    /// Writes `after` if the row still has `rev`, which is raised by one; else says what is there.
    ///
    /// # Errors
    /// When the table does not answer.
    async fn spend(
        &self,
        bucket: &str,
        rev: u64,
        after: &Bucket,
        rules: &[Rule],
        now: Instant,
    ) -> Result<Option<Stored>, Unavailable>;
    /// Writes the breaker `after` if the one there still has `rev`, which is raised by one as the row's is; else says what is
    /// there. Either way the row as it then is.
    ///
    /// # Errors
    /// When the table does not answer.
    async fn set_breaker(
        &self,
        bucket: &str,
        rev: u64,
        after: &Breaker,
        now: Instant,
    ) -> Result<Result<Stored, Stored>, Unavailable>;
}

/// The state of buckets as last seen by one environment.
#[derive(Debug, Default)]
pub struct Seen {
    by_bucket: Mutex<HashMap<String, Glance>>,
}

#[derive(Debug, Clone, Default)]
struct Glance {
    stored: Stored,
    at: Instant,
    /// Somebody else had written it since the look before.
    shared: bool,
}

impl Seen {
    fn get(&self, bucket: &str) -> Option<Glance> {
        self.lock().get(bucket).cloned()
    }

    /// The bucket as last seen.
    pub fn last(&self, bucket: &str) -> Option<Stored> {
        self.get(bucket).map(|glance| glance.stored)
    }

    /// What was seen of `bucket` at `at`, by whatever request.
    pub fn put(&self, bucket: &str, stored: Stored, at: Instant) {
        let mut seen = self.lock();
        if seen.len() >= MAX_SEEN && !seen.contains_key(bucket) {
            // What is forgotten costs one look.
            seen.retain(|_, glance| at.since_ms(glance.at) < FRESH_MS);
            if seen.len() >= MAX_SEEN {
                seen.clear();
            }
        }
        let before = seen.get(bucket).map_or(0, |glance| glance.stored.rev);
        seen.insert(bucket.to_owned(), Glance { shared: stored.rev != before, stored, at });
    }

    /// What this environment wrote itself: it says nothing of others.
    fn wrote(&self, bucket: &str, stored: Stored, at: Instant) {
        let mut seen = self.lock();
        let shared = seen.get(bucket).is_some_and(|glance| glance.shared);
        seen.insert(bucket.to_owned(), Glance { shared, stored, at });
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Glance>> {
        // A poisoned lock only says that a thread died elsewhere; what was seen is checked by every write.
        self.by_bucket.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes what is asked of `bucket`.
///
/// # Errors
/// When the table does not answer.
pub async fn lease(
    rows: &dyn Rows,
    seen: &Seen,
    clock: &dyn Clock,
    bucket: &str,
    rules: &[Rule],
    ask: &Ask,
) -> Result<Lease, Unavailable> {
    let (mut looked, mut lost) = (false, 0);
    for _ in 0..MAX_TRIES {
        let now = clock.now();
        let known = seen.get(bucket);
        // Alone, an environment need not look: what it wrote is what is there.
        if !looked && known.as_ref().is_none_or(|glance| glance.shared) {
            looked = true;
            seen.put(bucket, rows.look(bucket).await?, now);
            continue;
        }
        let fresh = looked || known.as_ref().is_some_and(|glance| now.since_ms(glance.at) < FRESH_MS);
        let stored = known.map(|glance| glance.stored).unwrap_or_default();
        let taken = take(&stored.bucket, rules, &ask.under(&stored.breaker, rules, now), now);
        let tells = ask.want == 0 && taken.bucket != stored.bucket;
        if taken.granted == 0 && !tells {
            if fresh {
                return Ok(Lease::of(&taken, stored.breaker));
            }
            looked = true;
            seen.put(bucket, rows.look(bucket).await?, now);
            continue;
        }
        match rows.spend(bucket, stored.rev, &taken.bucket, rules, now).await? {
            None => {
                let lease = Lease::of(&taken, stored.breaker.clone());
                seen.wrote(bucket, Stored { rev: stored.rev + 1, bucket: taken.bucket, ..stored }, now);
                return Ok(lease);
            }
            Some(changed) => {
                seen.put(bucket, changed, now);
                // It was looked at a moment ago, so many write at this moment: not all of them again, and live traffic first.
                lost += usize::from(looked);
                looked = true;
                if lost > usize::from(ask.way == Way::Whole) {
                    break;
                }
            }
        }
    }
    // Another got through, so the limiter works: wait a moment, each a different one.
    let pause = CONTENDED_MS * (0.25 + 0.75 * clock.random());
    #[allow(clippy::cast_possible_truncation)] // at most two hundred
    let retry_at = clock.now().plus_ms(pause as i64);
    let breaker = seen.last(bucket).map(|stored| stored.breaker).unwrap_or_default();
    Ok(Lease { retry_at: Some(retry_at), breaker, ..Lease::default() })
}
