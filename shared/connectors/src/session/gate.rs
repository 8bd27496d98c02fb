//! What lets a session's calls go, and hears what becomes of them.

use super::SHORT_WAIT_MS;
use async_trait::async_trait;
use rtr_core::limit::{LASTS_AGAIN_MS, LONG_CALL_MS};
use rtr_core::time::Instant;

/// The limiter as a session sees it.
#[async_trait]
pub trait Gate: Send + Sync {
    /// Takes one token of `api`'s bucket.
    ///
    /// # Errors
    /// When there is none: the time at which to ask again.
    async fn enter(&self, api: &str) -> Result<(), Instant>;
    /// Stops every environment's calls of `api` until `until`.
    async fn block(&self, api: &str, until: Instant);
    /// Whether a call that is not let through may be waited for, for so many milliseconds.
    fn may_wait(&self, _: i64) -> bool {
        true
    }
    /// How long a token may be waited for in place, in milliseconds.
    fn longest_wait_ms(&self) -> i64 {
        SHORT_WAIT_MS
    }
    /// Whether the CRM's calls rest, as far as is known here: asks nobody.
    fn resting(&self) -> Option<Held> {
        None
    }
    /// Lets a call that has its token go, or keeps it back, and its token with it.
    ///
    /// # Errors
    /// When it may not go now, though there is a token.
    async fn admit(&self, _: &str) -> Result<(), Held> {
        Ok(())
    }
    /// After how many milliseconds it wants to hear that a call has not come back.
    fn long_ms(&self) -> i64 {
        LONG_CALL_MS
    }
    /// Hears that a call has been under way for so many milliseconds and has not come back. In how many to say so again.
    async fn lasts(&self, _: i64) -> i64 {
        LASTS_AGAIN_MS
    }
    /// Hears what became of a call that went, and how long it took, in milliseconds.
    async fn heard(&self, _: Heard, _: i64) {}
    /// Hears how much of one of the account's limits is used, after each answer that says so.
    fn quota(&self, _: Quota) {}
}

/// Why a call may not go, though there may be a token for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// When to ask again.
    pub until: Instant,
    /// Our words.
    pub why: &'static str,
}

/// What a call says of its CRM's health.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// It works: it took the call, or had something against it.
    Works,
    /// It is not there, says so, or nobody knows what it did.
    Fails,
    /// Nothing: it asks for a rest.
    Throttles,
}

/// How much of one of an account's limits is used, by the CRM's own count of everybody's calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// The time that the limit is for, in milliseconds.
    pub per_ms: i64,
    /// Calls that it allows.
    pub limit: u64,
    /// Calls left of them.
    pub left: u64,
    /// In how many milliseconds it begins anew, if the CRM tells.
    pub resets_in_ms: Option<i64>,
}
