//! What the world is told of a job: its counters, how long it took, and its line if it did not simply succeed.

use super::job::{Job, Stage};
use crate::report::{BatchReport, RecordLine};
use rtr_core::code::Code;
use rtr_core::item::{Ended, Lane};
use rtr_core::metric::Metric;
use rtr_core::time::Instant;

/// Counts the job's ending, which was written by `now`, and logs it.
pub(crate) fn note(job: &Job, now: Instant, report: &mut BatchReport) {
    let (ended, reason) = match &job.stage {
        Stage::Ended(ended, reason) => (*ended, reason.as_ref()),
        Stage::Returned(_, reason) => (Ended::Parked, Some(reason)),
        Stage::Read | Stage::Going(_) => (Ended::Parked, None),
    };
    report.count_of(job.provider(), ended.into(), 1);
    report.count_for(&job.record.org_id, ended.into(), 1);
    if ended == Ended::Applied {
        let metric = if was_held(job) { Metric::LatencyHeldMs } else { Metric::LatencyMs };
        let written = job.item.recent.last().filter(|last| last.version == job.version);
        let at = written.map_or(now, |last| last.at);
        report.measure(job.provider(), metric, at.since_ms(job.entered_at));
    }
    if reason.is_some_and(|reason| reason.message == "overtaken") {
        report.count(Metric::Overtaken, 1);
    }
    // Millions come, and each of them is news when the bulk lane ends it.
    if ended == Ended::Parked && job.backfill && reason.is_some_and(|reason| reason.code == Code::Backfilled)
    {
        return report.count(Metric::Backfilled, 1);
    }
    if matches!(ended, Ended::Applied | Ended::Unchanged | Ended::Superseded) && reason.is_none() {
        return;
    }
    RecordLine {
        org_id: &job.record.org_id,
        record_type: &job.record.record_type,
        record_id: &job.record.record_id,
        connection: &job.connection.connection,
        version: job.version,
        outcome: ended,
        code: reason.map(|reason| reason.code),
        message: reason.map_or("", |reason| &reason.message),
        field: reason.and_then(|reason| reason.field.as_deref()).unwrap_or(""),
        attempts: job.receive_count,
        trace: job.trace.as_ref(),
    }
    .log();
}

/// Whether it waited for anything but its turn: what did not says how fast the system is.
fn was_held(job: &Job) -> bool {
    job.lane == Lane::Bulk || job.again || job.wake
}
