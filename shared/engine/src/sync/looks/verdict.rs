//! What a look comes to: nothing, something to tell, or another try.

use super::Looking;
use crate::seams::Seams;
use rtr_connectors::changes::{Fate, Snapshot};
use rtr_core::code::Code;
use rtr_core::failure::{Class, Failure};
use rtr_core::inbound::canonical::mark;
use rtr_core::inbound::judge::Seen;
use rtr_core::inbound::{Delivery, Had, Operation, Pending, judge, ledger};
use rtr_core::item::{Body, Item, Reason, SlotState};
use rtr_core::key::PairKey;
use rtr_core::mapping::Subject;
use rtr_core::marks::{GONE, Marks};
use rtr_core::payload::Payload;
use rtr_core::settle::{Heard, Link};
use rtr_core::time::Instant;
use serde_json::{Value, json};

/// The wait where nobody says how long, in milliseconds.
const AGAIN_MS: i64 = 10_000;
/// The wait for a person, in milliseconds.
const PERSON_MS: i64 = 60_000;

/// What is to be done.
#[derive(Debug)]
pub(super) enum Verdict {
    /// The record is not this one's any more: whoever has it hears of it otherwise.
    Moved,
    /// Both sides have the same.
    Echo {
        /// Properties in which what is on its way to the CRM wins.
        lost: usize,
        /// Whether the CRM says that it was us, though it holds something else than we wrote.
        near_miss: bool,
        /// What was not taken before, and that a version was written over since: properties, by the CRM's names.
        over: Vec<String>,
    },
    /// The internal system is to be told.
    Tell { delivery: Box<Delivery>, heard: Heard, near_miss: bool, lost: usize, over: Vec<String> },
    /// It lives on in another record of the CRM, which is nobody's yet.
    Follow(Heard),
    /// Not now.
    Later(Instant, Reason),
    /// It needs a person.
    Dead(Reason),
}

/// Judges every look that the CRM answered.
pub(super) async fn judge_all(seams: &Seams<'_>, looks: &mut [Looking<'_>]) {
    let now = seams.clock.now();
    for one in looks.iter_mut().filter(|one| one.verdict.is_none()) {
        let verdict = match one.seen.take() {
            Some(Ok(snapshot)) => seen(seams, one, &snapshot, now).await,
            Some(Err(failure)) => refused(&failure, now),
            // The connection could not be opened at all.
            None => {
                Verdict::Later(now.plus_ms(AGAIN_MS), Reason::new(Code::OutOfTime, Code::OutOfTime.about()))
            }
        };
        one.verdict = Some(verdict);
    }
}

async fn seen(seams: &Seams<'_>, one: &Looking<'_>, snapshot: &Snapshot, now: Instant) -> Verdict {
    match &snapshot.fate {
        Fate::Here => match pending(seams, one).await {
            Ok(pending) => here(one, snapshot, pending.as_ref(), now),
            Err(why) => Verdict::Later(now.plus_ms(AGAIN_MS), Reason::new(Code::StateUnavailable, why)),
        },
        Fate::Gone => gone(one, snapshot.at, None, now),
        Fate::Merged { into } => {
            let notice = &one.look.notice;
            let claim = PairKey::claim(&notice.connection, &notice.object, into);
            match seams.records.owners(std::slice::from_ref(&claim)).await {
                Ok(owners) if owners.get(&claim).is_none_or(|owner| *owner == one.key.pk) => {
                    let link = Link { object: notice.object.clone(), external_id: into.clone() };
                    Verdict::Follow(Heard { link, ..heard(one) })
                }
                Ok(_) => gone(one, snapshot.at, Some(into.clone()), now),
                Err(error) => {
                    Verdict::Later(now.plus_ms(AGAIN_MS), Reason::new(Code::StateUnavailable, error.0))
                }
            }
        }
    }
}

fn here(one: &Looking<'_>, snapshot: &Snapshot, pending: Option<&Pending>, now: Instant) -> Verdict {
    let (mapping, notice) = (&one.mapping.mapping, &one.look.notice);
    let back = one.item.base.is_gone();
    let (mut base, mut over) = (one.item.base.clone(), Vec::new());
    for name in mapping.inbound().map(|field| field.field) {
        let Some(now) = snapshot.values.get(name).map(mark) else { continue };
        let refused = one.look.anew.iter().any(|anew| anew == name);
        // Back from the bin it is as new; what the internal system did not take is told anew, unless a version was written
        // over it.
        if back || refused && base.heard(name) == Some(now) {
            base.set(name, now.map(|byte| !byte));
        } else if refused && base.get(name) == Some(now) {
            over.push(name.to_owned());
        }
    }
    let at = snapshot.at.or(notice.at).unwrap_or(notice.received_at);
    let seen = Seen { stamp: at, values: &snapshot.values };
    let fields = mapping.inbound().map(|field| (field.field, field.wins));
    let judgement = judge(fields, Had { base: &base, sent: &one.item.sent }, seen, pending);
    let near_miss = !judgement.is_echo() && is_ours(one, snapshot);
    let lost = judgement.lost.len();
    if judgement.taken.is_empty() {
        return Verdict::Echo { lost, near_miss, over };
    }
    // A value that stands for nothing is no other's concern: it is looked at by itself after the others were told.
    let is_good = |name: &String| mapping.back(&snapshot.values, std::slice::from_ref(name)).is_ok();
    let (good, bad): (Vec<String>, Vec<String>) = judgement.taken.into_iter().partition(is_good);
    let taken = if good.is_empty() { &bad } else { &good };
    let told = match mapping.back(&snapshot.values, taken) {
        Ok(told) => told,
        Err(error) => {
            return Verdict::Dead(Reason {
                field: error.field.clone(),
                ..Reason::new(error.code, error.message)
            });
        }
    };
    let mut delivery = delivery(one, at, now);
    let mut known = Marks::default();
    good.iter()
        .filter_map(|name| Some((name, snapshot.values.get(name)?)))
        .for_each(|(name, value)| known.hear(name, mark(value)));
    let heard = Heard { marks: marks(known, &delivery), ..heard(one) };
    (delivery.changed, delivery.data, delivery.fields) = (told.changed, told.data, good);
    delivery.also = bad;
    Verdict::Tell { delivery: Box::new(delivery), heard, near_miss, lost, over }
}

/// A record that is gone is told of once.
fn gone(one: &Looking<'_>, at: Option<Instant>, into: Option<String>, now: Instant) -> Verdict {
    let (item, notice) = (&one.item, &one.look.notice);
    if item.base.is_gone() && !one.look.anew.iter().any(|name| name == GONE) {
        // Nothing that was refused of it matters any more.
        return Verdict::Echo { lost: 0, near_miss: false, over: one.look.anew.clone() };
    }
    // Shortly after it was made a record may not be there for every reader.
    let lag_ms = one.connector.capabilities().search_lag_ms;
    if let Some(linked_at) = item.linked_at.filter(|at| at.plus_ms(lag_ms) > now) {
        let reason = Reason::new(Code::NotVisibleYet, Code::NotVisibleYet.about());
        return Verdict::Later(linked_at.plus_ms(lag_ms), reason);
    }
    let told = notice.at.filter(|_| notice.operation != Operation::Upsert);
    let mut delivery = delivery(one, at.or(told).unwrap_or(notice.received_at), now);
    (delivery.deleted, delivery.merged_into) = (true, into);
    let heard = Heard { gone: true, marks: marks(Marks::default(), &delivery), ..heard(one) };
    Verdict::Tell { delivery: Box::new(delivery), heard, near_miss: false, lost: 0, over: Vec::new() }
}

fn heard(one: &Looking<'_>) -> Heard {
    let notice = &one.look.notice;
    let id = notice.external_id.clone();
    let link = Link { object: notice.object.clone(), external_id: id.clone() };
    Heard { link, from: Some(id), marks: Marks::default(), gone: false }
}

/// With the version, above which the next one must be: nobody else may know of it yet.
fn marks(mut marks: Marks, delivery: &Delivery) -> Marks {
    marks.note_told(delivery.version);
    marks
}

/// What is told, of nothing yet. A CRM's clock that is ahead of ours must not make versions of tomorrow.
fn delivery(one: &Looking<'_>, at: Instant, now: Instant) -> Delivery {
    let notice = &one.look.notice;
    let version = ledger::version(one.known.as_ref(), at.min(now));
    let version = one.item.base.told().map_or(version, |told| version.max(told + 1));
    Delivery {
        connection: notice.connection.clone(),
        object: notice.object.clone(),
        external_id: notice.external_id.clone(),
        record_type: one.look.key.record_type.clone(),
        record_id: Some(one.look.key.record_id.clone()),
        version,
        deleted: false,
        merged_into: None,
        changed: Vec::new(),
        fields: Vec::new(),
        data: json!({}),
        occurred_at: at,
        also: Vec::new(),
        behind: Vec::new(),
    }
}

/// Whether the CRM says that an integration made the change: a hint, for people to count.
fn is_ours(one: &Looking<'_>, snapshot: &Snapshot) -> bool {
    let said = snapshot.by.as_deref().or(one.look.notice.origin.as_deref()).unwrap_or_default();
    said.to_ascii_uppercase().contains("INTEGRATION")
}

/// The version that waits in the record's slot for a person or for another record.
async fn pending(seams: &Seams<'_>, one: &Looking<'_>) -> Result<Option<Pending>, String> {
    let waits = |item: &Item| {
        item.slot
            .clone()
            .filter(|slot| matches!(slot.state, SlotState::Dead | SlotState::Waiting) && !slot.deleted)
    };
    let Some(slot) = waits(&one.item) else { return Ok(None) };
    let data: Option<Value> = match &slot.body {
        Body::Inline(data) => Some(data.clone()),
        Body::Stored(key) => {
            let body = seams.records.body(key).await.map_err(|error| error.0)?;
            body.and_then(|bytes| serde_json::from_slice(&bytes).ok())
        }
    };
    let record = &one.look.key;
    let subject =
        Subject { org_id: &record.org_id, record_type: &record.record_type, record_id: &record.record_id };
    let mapped = data.and_then(|data| one.mapping.mapping.apply(&subject, &data).ok());
    Ok(mapped.map(|mapped| Pending {
        occurred_at: slot.occurred_at.unwrap_or(slot.since),
        marks: Payload::build(&mapped, &[]).marks(),
    }))
}

/// A CRM that could not be asked.
fn refused(failure: &Failure, now: Instant) -> Verdict {
    let until = match &failure.class {
        Class::Throttled { until } => until.unwrap_or(now.plus_ms(AGAIN_MS)),
        Class::Resting { until } => *until,
        Class::Unavailable | Class::Busy | Class::OutOfTime | Class::OutcomeUnknown => now.plus_ms(AGAIN_MS),
        Class::Unauthorized | Class::Revoked | Class::NoSecret => now.plus_ms(PERSON_MS),
        _ => return Verdict::Dead(Reason::from(failure)),
    };
    Verdict::Later(until, Reason::from(failure))
}
