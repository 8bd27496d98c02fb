//! Messages that are not worked here: strays are sent on to their own group, what has no record goes to the dead-letter
//! queue. Both are acknowledged only once the other queue has them.

use super::intake::Intake;
use super::jobs::NoJob;
use crate::batch::{Received, Settings};
use crate::report::{BatchReport, RecordLine};
use crate::seams::{Outbound, QueueName, Seams};
use crate::work::fate::MessageFate;
use base64::Engine as _;
use rtr_core::change::{Change, MAX_VERSION, Malformed, to_body};
use rtr_core::dead_letter::{DeadLetter, MAX_BODY_BYTES, SCHEMA, unattributed_group};
use rtr_core::digest::hex;
use rtr_core::item::{Ended, Reason};
use rtr_core::key::{RecordKey, sqs_id};
use rtr_core::metric::Metric;
use serde_json::Value;

/// Sends strays on, and what cannot be read to the dead-letter queue.
pub(super) async fn set_aside(
    seams: &Seams<'_>,
    settings: &Settings,
    batch: &[Received],
    intake: &Intake,
    fates: &mut [MessageFate],
    report: &mut BatchReport,
) {
    report.count(Metric::SentOn, send_on(seams, settings, batch, &intake.strays, fates).await);
    let at = seams.clock.now().to_rfc3339();
    let parcels =
        intake.malformed.iter().map(|(place, why)| malformed(*place, &batch[*place], why, at.clone()));
    // What could not be posted comes back, and is counted when it is.
    let posted = post(seams, parcels.collect(), batch, fates).await;
    report.count(Metric::Dead, posted);
    report.count(Metric::Malformed, posted);
    for (place, why) in &intake.malformed {
        let (field, attempts) = (why.field.unwrap_or(""), batch[*place].receive_count);
        let line = RecordLine {
            trace: batch[*place].trace.as_ref(),
            org_id: "",
            record_type: "",
            record_id: "",
            connection: "",
            version: 0,
            outcome: Ended::Dead,
            code: Some(why.code),
            message: &why.message,
            field,
            attempts,
        };
        line.log();
    }
    let unknown: usize = intake
        .records
        .iter()
        .flat_map(|record| record.changes())
        .map(|(_, change)| change.unknown_fields)
        .sum();
    report.count(Metric::UnknownFields, unknown as u64);
}

/// Sends strays on. Their deduplication id is the message's own, so that a repeat of this step sends nothing twice.
async fn send_on(
    seams: &Seams<'_>,
    settings: &Settings,
    batch: &[Received],
    strays: &[(usize, RecordKey)],
    fates: &mut [MessageFate],
) -> u64 {
    let messages: Vec<Outbound> = strays
        .iter()
        .map(|(place, key)| Outbound {
            trace: batch[*place].trace.clone(),
            body: batch[*place].body.clone(),
            group: key.message_group(settings.group_buckets),
            deduplication_id: sqs_id(&format!("{}#on", batch[*place].message_id)),
            lane: batch[*place].lane.clone(),
        })
        .collect();
    let places: Vec<usize> = strays.iter().map(|(place, _)| *place).collect();
    send(seams, QueueName::Changes, messages, &places, fates).await
}

/// A dead letter on its way to the queue.
pub(super) struct Parcel {
    place: usize,
    letter: DeadLetter,
    group: String,
    id: String,
}

/// A dead letter for a body that cannot be read.
fn malformed(place: usize, received: &Received, malformed: &Malformed, at: String) -> Parcel {
    // What can be told of the record without trusting the rest, for whoever looks for it.
    let value: Option<Value> = serde_json::from_str(&received.body).ok();
    let text = |field: &str| value.as_ref()?.get(field)?.as_str().map(str::to_owned);
    let letter = DeadLetter {
        schema: SCHEMA,
        source: "sync".to_owned(),
        event: None,
        body_ref: None,
        raw_base64: Some(base64::engine::general_purpose::STANDARD.encode(&received.body)),
        org_id: text("org_id"),
        record_type: text("record_type"),
        record_id: text("record_id"),
        version: value
            .as_ref()
            .and_then(|value| value.get("version")?.as_u64())
            .filter(|v| *v <= MAX_VERSION),
        connection: None,
        reason: "malformed".to_owned(),
        code: malformed.code,
        field: malformed.field.map(str::to_owned),
        message: malformed.message.clone(),
        attempts: received.receive_count,
        at,
    };
    let (group, id) = (unattributed_group(&received.body), received.message_id.clone());
    Parcel { place, letter, group, id }
}

/// A dead letter for an event that no connection's lane could file.
pub(super) fn unfiled(
    place: usize,
    received: &Received,
    change: &Change,
    connection: Option<&str>,
    reason: &Reason,
    at: String,
) -> Parcel {
    let letter = DeadLetter {
        schema: SCHEMA,
        source: "sync".to_owned(),
        event: Some(to_body(change)),
        raw_base64: None,
        body_ref: None,
        org_id: Some(change.key.org_id.clone()),
        record_type: Some(change.key.record_type.clone()),
        record_id: Some(change.key.record_id.clone()),
        version: Some(change.version),
        connection: connection.map(str::to_owned),
        reason: reason.class().to_owned(),
        code: reason.code,
        field: reason.field.clone(),
        message: reason.message.clone(),
        attempts: received.receive_count,
        at,
    };
    let id = format!("{}#{}", received.message_id, connection.unwrap_or("-"));
    Parcel { place, letter, group: change.key.message_group(0), id }
}

/// The reason of a pair without a job, as a dead letter.
pub(super) fn no_job(place: usize, received: &Received, change: &Change, none: &NoJob, at: String) -> Parcel {
    unfiled(place, received, change, Some(&none.connection), &none.reason, at)
}

/// Sends dead letters, and says how many went. A body too large for a letter lies in the payload bucket, and the letter names it.
pub(super) async fn post(
    seams: &Seams<'_>,
    parcels: Vec<Parcel>,
    batch: &[Received],
    fates: &mut [MessageFate],
) -> u64 {
    let (mut messages, mut places) = (Vec::new(), Vec::new());
    for Parcel { place, mut letter, group, id } in parcels {
        let body = &batch[place].body;
        if body.len() > MAX_BODY_BYTES {
            let key = format!("letters/{}/{}", hex(body.as_bytes()), seams.clock.nonce());
            if seams.records.put_body(&key, body.as_bytes()).await.is_err() {
                fates[place] = fates[place].and(MessageFate::ReturnAsIs);
                continue;
            }
            (letter.event, letter.raw_base64, letter.body_ref) = (None, None, Some(key));
        }
        let body = serde_json::to_string(&letter).unwrap_or_default();
        let trace = batch[place].trace.clone();
        messages.push(Outbound { trace, body, group, deduplication_id: sqs_id(&id), lane: None });
        places.push(place);
    }
    send(seams, QueueName::DeadLetter, messages, &places, fates).await
}

/// Sends `messages`, one for each of `places`; what could not be sent is returned. Says how many went.
async fn send(
    seams: &Seams<'_>,
    to: QueueName,
    messages: Vec<Outbound>,
    places: &[usize],
    fates: &mut [MessageFate],
) -> u64 {
    if messages.is_empty() {
        return 0;
    }
    let sent = seams.queue.send(to, &messages).await;
    let mut went = 0;
    for (place, sent) in places.iter().zip(sent) {
        match sent {
            Ok(()) => went += 1,
            Err(_) => fates[*place] = fates[*place].and(MessageFate::ReturnAsIs),
        }
    }
    went
}
