//! Sends what is to be told, and notes it then; what could not be looked at goes back to where it came from.

use super::Looking;
use super::verdict::Verdict;
use crate::batch::Received;
use crate::report::{BatchReport, RecordLine};
use crate::seams::{ClaimChange, Names, Outbound, QueueName, Seams, Write, Wrote};
use crate::work::fate::MessageFate;
use rtr_core::code::Code;
use rtr_core::inbound::delivery::group;
use rtr_core::inbound::{Message, Notice, Operation, Overwritten, Returned, Seen};
use rtr_core::item::{Ended, Item, Lane, Reason};
use rtr_core::key::sqs_id;
use rtr_core::metric::Metric;
use rtr_core::sent::Sent;
use rtr_core::settle::{Attempt, Decision, Ending, Heard, claims, settle};
use rtr_core::time::Instant;

/// Times a refused write is decided anew.
const MAX_ROUNDS: usize = 6;

/// Ends every look; a look that is not ended comes back.
pub(super) async fn end_all(
    seams: &Seams<'_>,
    batch: &[Received],
    looks: Vec<Looking<'_>>,
    fates: &mut [MessageFate],
    report: &mut BatchReport,
) {
    let (mut messages, mut sending, mut also) = (Vec::new(), Vec::new(), Vec::new());
    for mut one in looks {
        let Some(verdict) = one.verdict.take() else { continue };
        let (message, heard, counter) = match verdict {
            Verdict::Echo { lost, near_miss, over } => {
                report.count(Metric::Echoes, 1);
                report.count(Metric::InboundLost, lost as u64);
                report.count(Metric::NearMisses, u64::from(near_miss));
                if over.is_empty() {
                    continue;
                }
                (overwritten(&one, over, &batch[one.place]), None, Metric::LooksOverwritten)
            }
            Verdict::Moved => match one.item.external_id.clone() {
                Some(id) => (elsewhere(&one, id), None, Metric::LooksMoved),
                None => {
                    report.count(Metric::LooksMoved, 1);
                    continue;
                }
            },
            Verdict::Tell { delivery, heard, near_miss, lost, over } => {
                report.count(Metric::InboundLost, lost as u64);
                report.count(Metric::NearMisses, u64::from(near_miss));
                // Of one look there is one message; another look may have to tell the same once more.
                // What it says counts too: a look that is done again may see more.
                let id = format!("{}#{}#{}", delivery.id(), delivery.digest(), batch[one.place].message_id);
                if !over.is_empty() {
                    report.count(Metric::LooksOverwritten, 1);
                    also.push((one.place, overwritten(&one, over, &batch[one.place])));
                }
                (outbound(&one, &Message::Delivery(delivery), id), Some(heard), Metric::Told)
            }
            // Linked before anybody looks there: what is nobody's is offered as a new record.
            Verdict::Follow(heard) => {
                if !note(seams, &one, &heard).await {
                    fates[one.place] = MessageFate::ReturnAsIs;
                    continue;
                }
                (elsewhere(&one, heard.link.external_id), None, Metric::LooksMoved)
            }
            Verdict::Later(until, reason) => {
                log(&one, Ended::Parked, &reason);
                (back(&one, &batch[one.place], Some(until), reason), None, Metric::LooksPutOff)
            }
            Verdict::Dead(reason) => {
                log(&one, Ended::Dead, &reason);
                (back(&one, &batch[one.place], None, reason), None, Metric::LooksDead)
            }
        };
        messages.push(message);
        sending.push((one, heard, counter));
    }
    if messages.is_empty() {
        return;
    }
    let (places, more): (Vec<usize>, Vec<Outbound>) = also.into_iter().unzip();
    messages.extend(more);
    let mut sent = seams.queue.send(QueueName::Inbound, &messages).await;
    for (place, sent) in places.into_iter().zip(sent.split_off(sending.len())) {
        if sent.is_err() {
            fates[place] = MessageFate::ReturnAsIs;
        }
    }
    for ((one, heard, counter), sent) in sending.into_iter().zip(sent) {
        let done = match heard {
            Some(heard) if sent.is_ok() => note(seams, &one, &heard).await,
            _ => sent.is_ok(),
        };
        if done {
            report.count(counter, 1);
        } else {
            fates[one.place] = MessageFate::ReturnAsIs;
        }
    }
}

fn outbound(one: &Looking<'_>, message: &Message, id: String) -> Outbound {
    let notice = &one.look.notice;
    Outbound {
        trace: None,
        body: message.to_body().to_string(),
        group: group(&notice.connection, &notice.external_id),
        deduplication_id: sqs_id(&id),
        lane: None,
    }
}

fn back(one: &Looking<'_>, received: &Received, until: Option<Instant>, reason: Reason) -> Outbound {
    let (notice, anew) = (one.look.notice.clone(), one.look.anew.clone());
    let back = Returned { notice, anew, offered: None, until, reason };
    let id = format!("back#{}", received.message_id);
    outbound(one, &Message::Returned(Box::new(back)), id)
}

/// What was not taken, and a version was written over: the letter that a person has redriven ends by that, and every one of a
/// record that is gone; one that went along with something else is for a person still, who is to know what has become of it.
fn overwritten(one: &Looking<'_>, fields: Vec<String>, received: &Received) -> Outbound {
    let (notice, id) = (one.look.notice.clone(), format!("over#{}", received.message_id));
    if notice.seen == Seen::Person || one.item.base.is_gone() {
        let Notice { connection, object, external_id, .. } = notice;
        let over = Overwritten { connection, object, external_id, fields };
        return outbound(one, &Message::Overwritten(over), id);
    }
    let why = "the internal system did not take it, and its next version was written over it";
    let reason = Reason::new(Code::NotTaken, why);
    let letter = Returned { notice, anew: fields, offered: None, until: None, reason };
    outbound(one, &Message::Returned(Box::new(letter)), id)
}

/// Of the record of the CRM that this one is linked to by now.
fn elsewhere(one: &Looking<'_>, external_id: String) -> Outbound {
    let operation = Operation::Upsert;
    let notice =
        Notice { external_id, operation, seen: Seen::Ourselves, record: None, ..one.look.notice.clone() };
    Outbound {
        trace: None,
        group: notice.message_group(),
        deduplication_id: notice.deduplication_id(None),
        body: notice.to_body().to_string(),
        lane: None,
    }
}

/// Notes what the internal system is told of, whatever else was written meanwhile.
async fn note(seams: &Seams<'_>, one: &Looking<'_>, heard: &Heard) -> bool {
    let mut item = one.item.clone();
    for _ in 0..MAX_ROUNDS {
        let attempt = Attempt {
            trace: None,
            lane: Lane::Sync,
            version: item.applied_version.unwrap_or(0),
            mapping_revision: item.mapping_revision.unwrap_or(0),
            by: item.by.clone(),
            again: false,
            backfill: false,
            rewrite: false,
            occurred_at: None,
            sent: Sent::default(),
        };
        let decided = settle(&item, &attempt, &Ending::Heard(heard.clone()), seams.clock.now());
        // Linked to something else by now: what it holds is no matter of this record's any more.
        let Decision::Write(new) = decided else { return true };
        let write = Write { key: one.key.clone(), names: names(one), old: item, new: *new };
        let (take, release) = claims(&one.look.notice.connection, &write.old, &write.new);
        let changes: Vec<ClaimChange> =
            take.map(ClaimChange::Take).into_iter().chain(release.map(ClaimChange::Release)).collect();
        let wrote = if changes.is_empty() {
            seams.records.write(std::slice::from_ref(&write)).await.into_iter().next()
        } else {
            Some(seams.records.write_with_claims(&write, &changes).await)
        };
        match wrote {
            Some(Wrote::Done) => return true,
            Some(Wrote::Refused) => match seams.records.read(std::slice::from_ref(&one.key)).await {
                Ok(mut found) => item = found.remove(&one.key).unwrap_or_else(Item::default),
                Err(_) => return false,
            },
            // Another's since: the next look finds that.
            Some(Wrote::Owned(_) | Wrote::Failed(_)) | None => return false,
        }
    }
    false
}

fn names(one: &Looking<'_>) -> Names {
    let key = &one.look.key;
    Names {
        org_id: Some(key.org_id.clone()),
        connection: Some(one.look.notice.connection.connection.clone()),
        record_type: Some(key.record_type.clone()),
        record_id: Some(key.record_id.clone()),
    }
}

fn log(one: &Looking<'_>, outcome: Ended, reason: &Reason) {
    let key = &one.look.key;
    RecordLine {
        trace: None,
        org_id: &key.org_id,
        record_type: &key.record_type,
        record_id: &key.record_id,
        connection: &one.look.notice.connection.connection,
        version: 0,
        outcome,
        code: Some(reason.code),
        message: &reason.message,
        field: reason.field.as_deref().unwrap_or(""),
        attempts: 0,
    }
    .log();
}
