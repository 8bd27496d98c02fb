//! Records of a Kafka topic. A bad one is buried and the partition goes on; one that the queue did not take is given back, and
//! those of its record behind it.

use super::letters::{Bad, bury};
use super::send::send;
use super::{Settings, Ways, last_call, log};
use crate::report::BatchReport;
use rtr_core::ingest::kafka::{Content, Record, read, response};
use rtr_core::ingest::{Entry, Fate, Refusal, Source};
use rtr_core::metric::Metric;
use rtr_core::time::Instant;
use serde_json::Value;

/// Takes a batch in; the answer names exactly the records that are to come again.
///
/// # Errors
/// When the event is none of Kafka's, or a record that cannot be named did not go: then the whole of it comes again.
pub async fn run(
    ways: &Ways<'_>,
    settings: &Settings,
    event: &Value,
    deadline: Instant,
) -> Result<(Value, BatchReport), String> {
    let began = ways.clock.now();
    let records = read(event, settings.group_buckets)?;
    let mut report = BatchReport::default();
    let mut entries: Vec<Entry> = Vec::new();
    let mut places = Vec::new();
    let mut bad: Vec<(usize, Refusal)> = Vec::new();
    for (place, record) in records.iter().enumerate() {
        match &record.content {
            Content::Event(entry) => {
                entries.push(entry.clone());
                places.push(place);
            }
            Content::Bad(refusal) => bad.push((place, refusal.clone())),
            Content::Tombstone => report.count(Metric::IngestTombstones, 1),
        }
    }
    let mut failed = Vec::new();
    for (place, fate) in places.into_iter().zip(send(ways, &entries, last_call(deadline)).await) {
        match fate {
            Fate::Taken(_) => report.count(Metric::IngestAccepted, 1),
            Fate::Refused(why) if why.passes() => failed.push(place),
            Fate::Refused(why) => bad.push((place, why)),
        }
    }
    failed.extend(bury_all(ways, &records, &bad, &mut report).await);
    failed.sort_unstable();
    report.count(Metric::IngestReceived, records.len() as u64);
    report.count(Metric::IngestPutOff, failed.len() as u64);
    log(Source::Kafka, "", 200, &report, ways.clock.now().since_ms(began));
    if failed.iter().any(|place| records[*place].offset.is_none()) {
        return Err("a record without an offset was not taken".to_owned());
    }
    Ok((response(failed.iter().map(|place| &records[*place])), report))
}

/// The places of those that could not be buried.
async fn bury_all(
    ways: &Ways<'_>,
    records: &[Record],
    bad: &[(usize, Refusal)],
    report: &mut BatchReport,
) -> Vec<usize> {
    let names: Vec<String> = bad.iter().map(|(place, _)| records[*place].place()).collect();
    let letters: Vec<Bad<'_>> = bad
        .iter()
        .zip(&names)
        .map(|((place, refusal), name)| Bad {
            raw: &records[*place].raw,
            place: name.clone(),
            id: name,
            refusal,
        })
        .collect();
    let buried = bury(ways, &letters).await;
    let count = buried.iter().filter(|buried| **buried).count() as u64;
    report.count(Metric::Dead, count);
    report.count(Metric::IngestRefused, count);
    bad.iter().zip(buried).filter(|(_, buried)| !buried).map(|((place, _), _)| *place).collect()
}
