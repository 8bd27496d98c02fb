//! What a batch tells the world: which messages come back, the counters, and the log lines with their fixed fields.

use crate::batch::Received;
use rtr_core::code::Code;
use rtr_core::item::Ended;
use rtr_core::time::Instant;
use std::collections::BTreeMap;

/// The result of one invocation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BatchReport {
    /// Message ids to be returned to the queue: exactly those, in the order of the batch.
    pub failed: Vec<String>,
    /// Counters by name; every ending is one.
    pub counts: BTreeMap<&'static str, u64>,
}

impl BatchReport {
    /// Adds `n` to the counter `name`.
    pub fn count(&mut self, name: &'static str, n: u64) {
        if n > 0 {
            *self.counts.entry(name).or_default() += n;
        }
    }
}

/// One record's line. Never a payload, never a secret: ids, numbers, codes and our own words.
#[derive(Debug, Clone, Copy)]
pub struct RecordLine<'a> {
    /// The org.
    pub org_id: &'a str,
    /// The record type.
    pub record_type: &'a str,
    /// The record id.
    pub record_id: &'a str,
    /// The connection, empty when it concerns none.
    pub connection: &'a str,
    /// The version.
    pub version: u64,
    /// The ending.
    pub outcome: Ended,
    /// Why.
    pub code: Option<Code>,
    /// Why, in our words.
    pub message: &'a str,
    /// The field at fault.
    pub field: &'a str,
    /// Receives so far.
    pub attempts: u32,
}

impl RecordLine<'_> {
    /// Writes the line.
    pub fn log(&self) {
        let code = self.code.map_or("", Code::as_str);
        tracing::info!(
            event = "record",
            org_id = self.org_id,
            record_type = self.record_type,
            record_id = self.record_id,
            connection = self.connection,
            version = self.version,
            outcome = self.outcome.as_str(),
            code,
            message = self.message,
            field = self.field,
            attempts = self.attempts,
        );
    }
}

/// Writes the line of one run of a connection's lane: what became of its records, when it is to be looked at and, unless
/// nothing is due, why it does not go on until then.
pub fn log_lane(
    connection: &str,
    baton: u64,
    report: &BatchReport,
    (until, why): (Option<Instant>, Option<Code>),
    took_ms: i64,
) {
    let n = |name: &str| report.counts.get(name).copied().unwrap_or(0);
    tracing::info!(
        event = "lane",
        connection,
        baton,
        applied = n("applied"),
        unchanged = n("unchanged"),
        superseded = n("superseded"),
        skipped = n("skipped"),
        dropped = n("dropped"),
        dead = n("dead"),
        put_off = n("put_off"),
        job_rows = n("job_rows"),
        crm_calls = n("crm_calls"),
        until = until.map(Instant::to_rfc3339).unwrap_or_default(),
        code = why.map_or("", Code::as_str),
        message = why.map_or("Nothing is due.", Code::about),
        took_ms,
    );
}

/// Writes the batch's line.
pub fn log_batch(function: &str, messages: &[Received], report: &BatchReport, took_ms: i64) {
    let n = |name: &str| report.counts.get(name).copied().unwrap_or(0);
    tracing::info!(
        event = "batch",
        function,
        messages = messages.len(),
        applied = n("applied"),
        unchanged = n("unchanged"),
        superseded = n("superseded"),
        skipped = n("skipped"),
        parked = n("parked"),
        dead = n("dead"),
        returned = report.failed.len(),
        crm_calls = n("crm_calls"),
        took_ms,
    );
}
