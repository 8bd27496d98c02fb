//! What the world is told of a job: its counter, and its line if it did not simply succeed.

use super::job::{Job, Stage};
use crate::report::{BatchReport, RecordLine};
use rtr_core::code::Code;
use rtr_core::item::Ended;

/// Counts the job's ending, and logs it.
pub(crate) fn note(job: &Job, report: &mut BatchReport) {
    let (ended, reason) = match &job.stage {
        Stage::Ended(ended, reason) => (*ended, reason.as_ref()),
        Stage::Returned(_, reason) => (Ended::Parked, Some(reason)),
        Stage::Read | Stage::Going(_) => (Ended::Parked, None),
    };
    report.count(ended.as_str(), 1);
    if reason.is_some_and(|reason| reason.message == "overtaken") {
        report.count("overtaken", 1);
    }
    // Millions come, and each of them is news when the bulk lane ends it.
    if ended == Ended::Parked && job.backfill && reason.is_some_and(|reason| reason.code == Code::Backfilled)
    {
        return report.count("backfilled", 1);
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
    }
    .log();
}
