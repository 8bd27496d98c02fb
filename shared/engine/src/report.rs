//! What a batch tells the world: which messages come back, the counters, and the log lines with their fixed fields.

use crate::batch::Received;
use rtr_core::code::Code;
use rtr_core::item::Ended;
use rtr_core::metric::Metric;
use rtr_core::time::Instant;
use rtr_core::trace::Trace;
use std::collections::BTreeMap;

/// The result of one invocation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BatchReport {
    /// Message ids to be returned to the queue: exactly those, in the order of the batch.
    pub failed: Vec<String>,
    /// Message ids that were taken out of the queue before the end: what becomes of their records, they do not come back.
    pub taken_out: Vec<String>,
    /// Counters by name, of all CRMs together; every ending is one.
    pub counts: BTreeMap<&'static str, u64>,
    /// What of that concerns a CRM, by its provider.
    pub of_provider: BTreeMap<(&'static str, Metric), u64>,
    /// The endings of each org, for those whose org is to be a dimension too.
    pub of_org: BTreeMap<(String, Metric), u64>,
    /// What was measured, value by value, by the provider it concerns; empty for none.
    pub measured: BTreeMap<(&'static str, Metric), Vec<u64>>,
}

impl BatchReport {
    /// Adds `n` to the counter `metric`.
    pub fn count(&mut self, metric: Metric, n: u64) {
        if n > 0 {
            *self.counts.entry(metric.name()).or_default() += n;
        }
    }

    /// The same of what concerns a CRM of `provider`.
    pub fn count_of(&mut self, provider: &'static str, metric: Metric, n: u64) {
        if n > 0 {
            self.count(metric, n);
            *self.of_provider.entry((provider, metric)).or_default() += n;
        }
    }

    /// Adds `n` endings of `org`'s, which are counted already.
    pub fn count_for(&mut self, org: &str, metric: Metric, n: u64) {
        *self.of_org.entry((org.to_owned(), metric)).or_default() += n;
    }

    /// Adds one value, in the metric's unit; what a clock that was set back makes negative counts as none.
    pub fn measure(&mut self, provider: &'static str, metric: Metric, value: i64) {
        self.measured.entry((provider, metric)).or_default().push(u64::try_from(value).unwrap_or(0));
    }

    /// What `metric` stands at.
    #[must_use]
    pub fn n(&self, metric: Metric) -> u64 {
        self.counts.get(metric.name()).copied().unwrap_or(0)
    }

    /// Adds all that `other` counts and measures.
    pub fn add(&mut self, other: Self) {
        let Self { failed: _, taken_out, counts, of_provider, of_org, measured } = other;
        self.taken_out.extend(taken_out);
        counts.into_iter().for_each(|(name, n)| *self.counts.entry(name).or_default() += n);
        of_provider.into_iter().for_each(|(key, n)| *self.of_provider.entry(key).or_default() += n);
        of_org.into_iter().for_each(|(key, n)| *self.of_org.entry(key).or_default() += n);
        for (key, values) in measured {
            self.measured.entry(key).or_default().extend(values);
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
    /// The trace that it is part of.
    pub trace: Option<&'a Trace>,
}

impl RecordLine<'_> {
    /// Writes the line.
    pub fn log(&self) {
        tracing::info!(
            event = "record",
            org_id = said(self.org_id),
            record_type = said(self.record_type),
            record_id = said(self.record_id),
            connection = said(self.connection),
            version = self.version,
            outcome = self.outcome.as_str(),
            code = self.code.map(Code::as_str),
            message = said(self.message),
            field = said(self.field),
            attempts = self.attempts,
            trace_id = self.trace.map(|trace| trace.trace_id.as_str()),
        );
    }
}

/// What a line has of `text`: nothing where it says nothing, so that who looks for lines with a field finds no others.
pub(crate) fn said(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// Writes the line of one run of a connection's lane: what became of its records, when it is to be looked at and, unless
/// nothing is due, why it does not go on until then.
pub fn log_lane(
    (org_id, connection): (&str, &str),
    baton: u64,
    report: &BatchReport,
    (until, why): (Option<Instant>, Option<Code>),
    took_ms: i64,
) {
    let n = |metric| report.n(metric);
    tracing::info!(
        event = "lane",
        org_id,
        connection,
        baton,
        applied = n(Metric::Applied),
        unchanged = n(Metric::Unchanged),
        superseded = n(Metric::Superseded),
        skipped = n(Metric::Skipped),
        dropped = n(Metric::Dropped),
        dead = n(Metric::Dead),
        put_off = n(Metric::PutOff),
        job_rows = n(Metric::JobRows),
        crm_calls = n(Metric::CrmCalls),
        until = until.map(Instant::to_rfc3339),
        code = why.map(Code::as_str),
        message = why.map_or("Nothing is due.", Code::about),
        took_ms,
    );
}

/// Counts what comes back, and writes the batch's line.
pub fn end_batch(function: &str, messages: &[Received], report: &mut BatchReport, took_ms: i64) {
    report.count(Metric::Messages, messages.len() as u64);
    report.count(Metric::Returned, report.failed.len() as u64);
    let n = |metric| report.n(metric);
    tracing::info!(
        event = "batch",
        function,
        messages = messages.len(),
        applied = n(Metric::Applied),
        unchanged = n(Metric::Unchanged),
        superseded = n(Metric::Superseded),
        skipped = n(Metric::Skipped),
        parked = n(Metric::Parked),
        dead = n(Metric::Dead),
        returned = report.failed.len(),
        crm_calls = n(Metric::CrmCalls),
        took_ms,
    );
}
