//! The ingest flow: what producers hand in, to `changes.fifo`.
//!
//! Nothing is lost on the way: a request's sender is told of each item; a record of Kafka or an event of EventBridge that is
//! no event becomes a dead letter, and one that the queue did not take comes again. No bad item holds up another.
//!
//! - [`http`] requests, [`door`] who may come in, [`rate`] how much · [`kafka`] records · [`bridge`] events
//! - [`send`] entries to the queue · [`letters`] what nobody can be told of

pub mod bridge;
pub mod door;
pub mod http;
pub mod kafka;
mod letters;
pub mod rate;
pub mod send;

use crate::report::BatchReport;
use crate::seams::{Clock, Limits, Outlet, Queue, Records, Secrets};
use rtr_core::ingest::Source;
use rtr_core::metric::Metric;
use rtr_core::time::Instant;

/// No call of the queue begins later than so long before the invocation's end, in milliseconds: one with all its retries
/// takes no longer.
pub const RESERVE_MS: i64 = 8_000;

/// The seams that this flow needs: it calls no CRM and reads no configuration.
#[derive(Clone, Copy)]
pub struct Ways<'a> {
    /// `changes.fifo`.
    pub outlet: &'a dyn Outlet,
    /// `dead-letter.fifo`.
    pub queue: &'a dyn Queue,
    /// Where a body lies that is too large for a dead letter.
    pub records: &'a dyn Records,
    /// How much an org may hand in.
    pub limits: &'a dyn Limits,
    /// The orgs' secrets.
    pub secrets: &'a dyn Secrets,
    /// Time.
    pub clock: &'a dyn Clock,
}

/// What the flow needs to know of its function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The stage, the first part of secrets' names.
    pub stage: String,
    /// Message groups: 0 = one per record, else coarser ones.
    pub group_buckets: u64,
    /// How long a secret that was read is good, in milliseconds.
    pub cache_ms: i64,
    /// How long the limiter may take to answer, in milliseconds; then it is gone on without it.
    pub limiter_budget_ms: i64,
    /// Events a second that one org may hand in over HTTP; 0: as many as it likes.
    pub per_org_rps: u64,
}

/// What outlives an invocation.
#[derive(Debug, Default)]
pub struct Caches {
    /// The orgs' secrets.
    pub door: door::Known,
    /// Tokens taken ahead.
    pub rates: rate::Rates,
}

/// Writes the invocation's line: never a payload, never a secret.
fn log(source: Source, org: &str, status: u16, report: &BatchReport, took_ms: i64) {
    tracing::info!(
        event = "ingest",
        source = source.as_str(),
        org_id = org,
        status,
        received = report.n(Metric::IngestReceived),
        accepted = report.n(Metric::IngestAccepted),
        refused = report.n(Metric::IngestRefused),
        put_off = report.n(Metric::IngestPutOff),
        dead = report.n(Metric::Dead),
        took_ms,
    );
}

/// When the last call of the queue may begin.
fn last_call(deadline: Instant) -> Instant {
    deadline.plus_ms(-RESERVE_MS)
}
