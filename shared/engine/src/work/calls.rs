//! What was called of a CRM: counted by what it answered, kept in the trails of the records it was for, and told one by one
//! where it failed or somebody follows its trace.

use super::job::Job;
use crate::report::BatchReport;
use rtr_connectors::session::{Answered, Called, Session};
use rtr_core::code::Code;
use rtr_core::key::ConnectionKey;
use rtr_core::metric::Metric;
use rtr_core::trace::Trace;
use rtr_core::trail::Did;

/// Counts `calls` of a CRM of `provider`.
pub(crate) fn count(provider: &'static str, calls: &[Called], report: &mut BatchReport) {
    for called in calls {
        let metric = match called.answered {
            Answered::Fine => None,
            Answered::Failed => Some(Metric::CrmFailed),
            Answered::Throttled => Some(Metric::CrmThrottled),
            Answered::Unauthorized => Some(Metric::CrmUnauthorized),
            Answered::Refused => Some(Metric::CrmRefused),
        };
        metric.into_iter().for_each(|metric| report.count_of(provider, metric, 1));
        if called.waited_ms > 0 {
            report.measure(provider, Metric::TokensWaitMs, called.waited_ms);
        }
    }
}

/// Keeps and tells what was called since `from` for the jobs at `places`, and for no others: one batch's call.
pub(crate) fn tell(session: &Session<'_>, jobs: &mut [&mut Job], places: &[usize], from: usize, did: Did) {
    let made = session.tape.take(from);
    let Some(first) = places.first().filter(|_| !made.is_empty()) else { return };
    for at in places {
        keep(jobs[*at], &made, did);
    }
    let traces: Vec<&Trace> = places.iter().filter_map(|at| jobs[*at].trace.as_ref()).collect();
    let first = &jobs[*first];
    log(&first.connection, first.provider(), &made, places.len(), &traces);
}

/// Notes in the job's trail that `calls` were made for it, the last of them to do this.
fn keep(job: &mut Job, calls: &[Called], did: Did) {
    let Some(last) = calls.last() else { return };
    let trail = &mut job.trail;
    trail.calls = trail.calls.saturating_add(u32::try_from(calls.len()).unwrap_or(u32::MAX));
    let waited: i64 = calls.iter().map(|called| called.waited_ms).sum();
    trail.waited_ms = trail.waited_ms.saturating_add(u64::try_from(waited).unwrap_or(0));
    (trail.status, trail.did) = (last.status, Some(did));
    trail.took_ms = u64::try_from(last.took_ms).unwrap_or(0);
}

/// Writes the lines of `calls`, made for records of these traces: of each that failed, and of each for every trace that is
/// sampled.
pub(crate) fn log(
    connection: &ConnectionKey,
    provider: &str,
    calls: &[Called],
    records: usize,
    traces: &[&Trace],
) {
    for called in calls {
        let mut sampled = traces.iter().filter(|trace| trace.sampled).peekable();
        if sampled.peek().is_none() {
            let failed = matches!(called.answered, Answered::Failed | Answered::Unauthorized);
            if failed {
                line(connection, provider, called, records, traces.first().copied());
            }
            continue;
        }
        sampled.for_each(|trace| line(connection, provider, called, records, Some(trace)));
    }
}

fn line(connection: &ConnectionKey, provider: &str, called: &Called, records: usize, trace: Option<&Trace>) {
    tracing::info!(
        event = "call",
        org_id = connection.org_id,
        connection = connection.connection,
        provider,
        method = called.method,
        path = called.path,
        status = called.status,
        code = called.code.map(Code::as_str),
        records,
        at_ms = called.at.0,
        took_ms = called.took_ms,
        waited_ms = called.waited_ms,
        trace_id = trace.map(|trace| trace.trace_id.as_str()),
        parent_id = trace.map(|trace| trace.parent_id.as_str()),
        sampled = trace.map(|trace| trace.sampled),
    );
}
