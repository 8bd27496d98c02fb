//! What is asked of a bucket, and what it gives.

use super::{Bucket, Flight, QUOTA_MS};
use crate::time::Instant;
use serde::{Deserialize, Serialize};

/// What calls are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Traffic {
    /// Changes as they happen: all of the limit.
    Live,
    /// Backfills and polls: the share that the connection reserves for them.
    Backfill,
}

/// The way in which tokens are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// From the whole, as many as there are.
    Whole,
    /// From the whole, as evenly as they come in.
    Even,
    /// From a share of the whole, in percent; evenly as well.
    Share(u8),
}

/// What a CRM told in an answer of a limit of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// The window that it counts by, in milliseconds.
    pub per_ms: i64,
    /// Calls left in it, by the CRM's count of everybody's.
    pub left: u64,
    /// When it said so.
    pub at: Instant,
    /// When the window begins anew, if it said that too.
    pub resets_at: Option<Instant>,
}

/// Tokens of a lease that were not used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Unused {
    /// How many.
    pub tokens: u64,
    /// When the lease began.
    pub leased_at: Instant,
}

/// What is asked of a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// Tokens wanted. More are given where many ask, since each lease is a write.
    pub want: u64,
    /// What is given back of the last lease.
    pub unused: Unused,
    /// How they are to be taken.
    pub way: Way,
    /// Tokens that come within so many milliseconds may be had now, to be used then: whoever waits in place for them need not
    /// ask again, and comes back neither too late nor with everybody else.
    pub ahead_ms: i64,
    /// Whoever is refused though he would wait comes back so many milliseconds later within that time: drawn by each, since
    /// others wait for the same.
    pub spread_ms: i64,
    /// What the CRM has told since the last lease.
    pub told: Vec<Told>,
    /// How many may be at work, and what has come back; none where that is not counted.
    pub flight: Option<Flight>,
}

impl Ask {
    /// `want` tokens from the whole, now.
    #[must_use]
    pub fn whole(want: u64) -> Self {
        Self {
            want,
            unused: Unused::default(),
            way: Way::Whole,
            ahead_ms: 0,
            spread_ms: 0,
            told: Vec::new(),
            flight: None,
        }
    }
}

impl Told {
    pub(super) fn is_quota(&self) -> bool {
        self.per_ms >= QUOTA_MS
    }
}

/// What a bucket gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// Tokens granted; 0 when it must wait.
    pub granted: u64,
    /// The bucket afterwards.
    pub bucket: Bucket,
    /// When to ask again, if none was granted; else from when on they may be used, if that is later.
    pub retry_at: Option<Instant>,
    /// Whether it must wait since enough are at work.
    pub full: bool,
    /// The name of the place that was taken with it, if they are counted.
    pub taken_at: Option<Instant>,
    /// When the last call in it may begin.
    pub last_at: Option<Instant>,
    /// Whether it is to be told at once when the place is left, since the share is nearly used up; or that it was told.
    pub crowded: bool,
}

impl Taken {
    pub(super) fn none(bucket: &Bucket, retry_at: Option<Instant>) -> Self {
        let bucket = bucket.clone();
        Self { granted: 0, bucket, retry_at, full: false, taken_at: None, last_at: None, crowded: false }
    }
}
