//! An event of EventBridge. A bad one is buried; one that the queue did not take fails the invocation, so that it comes again.

use super::letters::{Bad, bury};
use super::send::send;
use super::{Settings, Ways, last_call, log};
use crate::report::BatchReport;
use rtr_core::ingest::bridge::read;
use rtr_core::ingest::{Fate, Refusal, Source};
use rtr_core::metric::Metric;
use rtr_core::time::Instant;
use serde_json::Value;

/// Takes an event in.
///
/// # Errors
/// When neither queue took it.
pub async fn run(
    ways: &Ways<'_>,
    settings: &Settings,
    event: &Value,
    deadline: Instant,
) -> Result<BatchReport, String> {
    let began = ways.clock.now();
    let mut report = BatchReport::default();
    report.count(Metric::IngestReceived, 1);
    let detail = read(event, settings.group_buckets);
    let fate = match detail.event {
        Ok(entry) => send(ways, &[entry], last_call(deadline)).await.pop(),
        Err(refusal) => Some(Fate::Refused(refusal)),
    };
    let taken = match fate {
        Some(Fate::Taken(_)) => {
            report.count(Metric::IngestAccepted, 1);
            Ok(())
        }
        Some(Fate::Refused(refusal)) if !refusal.passes() => {
            report.count(Metric::IngestRefused, 1);
            buried(ways, &detail.id, &detail.raw, &refusal).await.map(|()| report.count(Metric::Dead, 1))
        }
        Some(Fate::Refused(refusal)) => Err(refusal.message),
        None => Err("the event was not sent".to_owned()),
    };
    log(Source::Bridge, "", if taken.is_ok() { 200 } else { 503 }, &report, ways.clock.now().since_ms(began));
    taken.map(|()| report)
}

async fn buried(ways: &Ways<'_>, id: &str, raw: &str, refusal: &Refusal) -> Result<(), String> {
    let bad = Bad { raw: raw.as_bytes(), place: format!("EventBridge event {id}"), id, refusal };
    match bury(ways, &[bad]).await.first() {
        Some(true) => Ok(()),
        _ => Err("the dead letter could not be sent".to_owned()),
    }
}
