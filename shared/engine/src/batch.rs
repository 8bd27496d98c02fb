//! A batch as the functions get it, and what they answer: values, whatever carried them.

use rtr_core::time::Instant;
use rtr_core::trace::Trace;

/// One message of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// SQS's id of the message.
    pub message_id: String,
    /// What deletes it or sets its visibility.
    pub receipt: String,
    /// The body as it came.
    pub body: String,
    /// The message group.
    pub group: String,
    /// When it was sent, by the queue's clock.
    pub sent_at: Instant,
    /// When it was first received.
    pub first_received_at: Instant,
    /// Receives, this one included.
    pub receive_count: u32,
    /// The `lane` attribute.
    pub lane: Option<String>,
    /// The trace that it is part of, by its attribute `traceparent`, or by the header of X-Ray that AWS hands on.
    pub trace: Option<Trace>,
}

/// How long the sync lane waits for a connection's tokens in an invocation, in milliseconds: a connection with more work than
/// tokens would keep its environments from everybody else's. What it has no tokens for is parked, and goes in full calls.
pub const TOKENS_WITHIN_MS: u32 = 250;

/// What a flow needs to know of the function it runs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The stage, the first part of secrets' names.
    pub stage: String,
    /// Message groups: 0 = one per record, else coarser ones.
    pub group_buckets: u64,
    /// Whether an event of an org without configuration is dead rather than skipped.
    pub strict_orgs: bool,
    /// The function's timeout, in milliseconds.
    pub timeout_ms: i64,
    /// The queue's visibility timeout, in milliseconds.
    pub visibility_ms: i64,
    /// The deduplication of credentials and the like: how long caches hold, in milliseconds.
    pub cache_ms: i64,
    /// The most calls of one connection that may be in flight at once, where they are counted: its share of the functions'
    /// concurrency.
    pub connection_share: u64,
    /// How long the sync lane waits for a connection's tokens in an invocation, in milliseconds.
    pub tokens_within_ms: u32,
    /// How long the limiter may take to answer, in milliseconds; then it is gone on without it.
    pub limiter_budget_ms: i64,
    /// From so many due versions of one object on, a job of the CRM's takes them, where it has jobs; 0: as many as its
    /// connector says.
    pub job_from: usize,
}
