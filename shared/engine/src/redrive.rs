//! The redrive flow: files what came to `dead-letter.fifo` with its record, so that it is listed and can be woken.
//!
//! Two kinds arrive: envelopes of our own functions, for what has no record or no lane to file it, and bare bodies that
//! the queue gave up after its receive limit. Nothing fails on an item's content; only a store that does not answer
//! returns a message.

mod letter;

use self::letter::{Letter, letters, pair};
use crate::apply::keep;
use crate::batch::Received;
use crate::notices::Dead;
use crate::report::{BatchReport, RecordLine, end_batch};
use crate::seams::{Names, Seams, Write, Wrote};
use crate::work::commit::store_body;
use rtr_core::change::{Message, Wake, parse};
use rtr_core::code::Code;
use rtr_core::dead_letter::DeadLetter;
use rtr_core::inbound;
use rtr_core::item::{Body, Ended, Item, Lane, Reason, SlotState};
use rtr_core::metric::Metric;
use rtr_core::sent::Sent;
use rtr_core::settle::{Attempt, Decision, Ending, Filing, settle};
use rtr_core::trace::Trace;

/// Times a refused write is decided anew.
const MAX_ROUNDS: usize = 6;

/// Files one batch.
pub async fn run(seams: &Seams<'_>, batch: &[Received]) -> BatchReport {
    let began = seams.clock.now();
    let mut report = BatchReport::default();
    let mut held: Vec<&str> = Vec::new();
    let mut dead = Dead::default();
    for received in batch {
        let behind = held.contains(&received.group.as_str());
        if behind || file_all(seams, received, &mut dead, &mut report).await.is_err() {
            held.push(&received.group);
            report.failed.push(received.message_id.clone());
        }
    }
    dead.raise(seams).await;
    end_batch("redrive", batch, &mut report, seams.clock.now().since_ms(began));
    report
}

async fn file_all(
    seams: &Seams<'_>,
    received: &Received,
    dead: &mut Dead,
    report: &mut BatchReport,
) -> Result<(), ()> {
    if let Ok(Message::Wake(wake)) = parse(&received.body) {
        return forget_crashes(seams, received, &wake).await;
    }
    if let Some(message) = on_its_way_back(&received.body) {
        return file_back(seams, received, message, dead, report).await;
    }
    let letters = letters(seams, received).await?;
    for letter in letters {
        match file(seams, received, &letter).await {
            Ok(true) => {
                if let Some(parcel) = &letter.parcel {
                    let _ = seams.records.delete_body(parcel).await;
                }
                report.count(Metric::Filed, 1);
                // An envelope's ending was counted by the function that sent it.
                report.count(Metric::Dead, u64::from(letter.reason.code == Code::NativeDeadLetter));
                if let Some(org) = &letter.names.org_id {
                    dead.note(org, letter.names.connection.as_deref(), None, letter.reason.code);
                }
                log(&letter, received.trace.as_ref());
            }
            Ok(false) => report.count(Metric::Superseded, 1),
            Err(why) => {
                tracing::warn!(event = "redrive", code = Code::StateUnavailable.as_str(), message = why);
                return Err(());
            }
        }
    }
    Ok(())
}

/// What was given up of a CRM's record on its way back, by `inbound.fifo` or as a look by `changes.fifo`.
fn on_its_way_back(body: &str) -> Option<inbound::Message> {
    if let Ok(Message::Look(look)) = parse(body) {
        let reason = Reason::new(Code::NativeDeadLetter, Code::NativeDeadLetter.about());
        let back =
            inbound::Returned { notice: look.notice, anew: look.anew, offered: None, until: None, reason };
        return Some(inbound::Message::Returned(Box::new(back)));
    }
    // Our envelopes have a schema number too, and a `source`.
    let envelope = serde_json::from_str::<DeadLetter>(body).is_ok();
    inbound::Message::parse(body).ok().filter(|_| !envelope)
}

/// Keeps it with the record of the CRM that it is about.
async fn file_back(
    seams: &Seams<'_>,
    received: &Received,
    message: inbound::Message,
    dead: &mut Dead,
    report: &mut BatchReport,
) -> Result<(), ()> {
    let reason = Reason::new(Code::NativeDeadLetter, "the queue gave the message up after its receive limit");
    let (connection, object, id) = message.about();
    let (connection, object, id) = (connection.clone(), object.to_owned(), id.to_owned());
    keep::file(seams, message, reason.clone(), &received.message_id).await.map_err(|why| {
        tracing::warn!(event = "redrive", code = Code::StateUnavailable.as_str(), message = why);
    })?;
    report.count(Metric::Filed, 1);
    report.count(Metric::Dead, 1);
    dead.note(&connection.org_id, Some(&connection.connection), None, reason.code);
    RecordLine {
        org_id: &connection.org_id,
        record_type: &object,
        record_id: &id,
        connection: &connection.connection,
        version: 0,
        outcome: Ended::Dead,
        code: Some(reason.code),
        message: &reason.message,
        field: "",
        attempts: received.receive_count,
        trace: received.trace.as_ref(),
    }
    .log();
    Ok(())
}

/// A wake that was given up leaves the dead version where it is; its crashes are not the next version's.
async fn forget_crashes(seams: &Seams<'_>, received: &Received, wake: &Wake) -> Result<(), ()> {
    let key = pair(&wake.key, Some(&wake.connection));
    let names = Names {
        org_id: Some(wake.key.org_id.clone()),
        connection: Some(wake.connection.clone()),
        record_type: Some(wake.key.record_type.clone()),
        record_id: Some(wake.key.record_id.clone()),
    };
    for _ in 0..MAX_ROUNDS {
        let found = seams.records.read(std::slice::from_ref(&key)).await.map_err(|_| ())?;
        let Some(old) = found.get(&key).cloned() else { return Ok(()) };
        let attempt = Attempt {
            trace: None,
            lane: Lane::Sync,
            version: wake.version,
            mapping_revision: old.mapping_revision.unwrap_or(0),
            by: received.message_id.clone(),
            again: true,
            backfill: false,
            rewrite: false,
            occurred_at: None,
            sent: Sent::default(),
        };
        let Decision::Write(new) = settle(&old, &attempt, &Ending::Returned, seams.clock.now()) else {
            return Ok(());
        };
        let write = Write { key: key.clone(), names: names.clone(), old, new: *new };
        match seams.records.write(std::slice::from_ref(&write)).await.into_iter().next() {
            Some(Wrote::Done) => return Ok(()),
            Some(Wrote::Failed(_)) => return Err(()),
            _ => {}
        }
    }
    Err(())
}

/// Files one letter; false when something newer stands there.
async fn file(seams: &Seams<'_>, received: &Received, letter: &Letter) -> Result<bool, String> {
    let mut body: Option<Body> = None;
    for _ in 0..MAX_ROUNDS {
        let found = seams.records.read(std::slice::from_ref(&letter.key)).await.map_err(|error| error.0)?;
        let item = found.get(&letter.key).cloned().unwrap_or_default();
        // What is kept to be tried again needs no person yet.
        let kept = item
            .slot
            .as_ref()
            .is_some_and(|slot| slot.state != SlotState::Dead && slot.wanted_version >= letter.version);
        if kept {
            return Ok(false);
        }
        let stored = match &body {
            Some(stored) => stored.clone(),
            None => store_body(seams, &letter.key.pk, &letter.body).await?,
        };
        body = Some(stored.clone());
        let revision = item.mapping_revision.unwrap_or(0).max(letter.mapping_revision);
        let attempt = Attempt {
            trace: received.trace.clone(),
            lane: Lane::Sync,
            version: letter.version,
            mapping_revision: revision,
            by: received.message_id.clone(),
            again: true,
            backfill: false,
            rewrite: false,
            occurred_at: letter.occurred_at,
            sent: letter.sent.clone(),
        };
        let filing = Filing {
            reason: letter.reason.clone(),
            body: stored,
            deleted: letter.deleted,
            attempts: letter.attempts,
            uncertain: letter.uncertain,
            not_created: false,
        };
        let new = match settle(&item, &attempt, &Ending::Dead(Box::new(filing)), seams.clock.now()) {
            Decision::Write(new) => *new,
            Decision::Done => return Ok(true),
            _ => return Ok(false),
        };
        let write = Write { key: letter.key.clone(), names: letter.names.clone(), old: item, new };
        match seams.records.write(std::slice::from_ref(&write)).await.into_iter().next() {
            Some(Wrote::Done) => {
                drop_body(seams, &write.old, &write.new).await;
                return Ok(true);
            }
            Some(Wrote::Failed(error)) => return Err(error.0),
            _ => {}
        }
    }
    Err("the item kept changing".to_owned())
}

async fn drop_body(seams: &Seams<'_>, old: &Item, new: &Item) {
    if let Some(key) = old.stored_body().filter(|key| new.stored_body() != Some(key)) {
        let _ = seams.records.delete_body(key).await;
    }
}

fn log(letter: &Letter, trace: Option<&Trace>) {
    let name = |part: &Option<String>| part.clone().unwrap_or_default();
    RecordLine {
        trace,
        org_id: &name(&letter.names.org_id),
        record_type: &name(&letter.names.record_type),
        record_id: &name(&letter.names.record_id),
        connection: &name(&letter.names.connection),
        version: letter.version,
        outcome: Ended::Dead,
        code: Some(letter.reason.code),
        message: &letter.reason.message,
        field: letter.reason.field.as_deref().unwrap_or(""),
        attempts: letter.attempts,
    }
    .log();
}
