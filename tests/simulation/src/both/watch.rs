//! What must hold of what people do at CRMs: each edit is told, or it is known what it gave way to; nothing else is told.

use super::books::{State, Taken, theirs};
use super::{at_crm, fields, kind_of};
use crate::core::EnvId;
use crate::network::Flight;
use crate::place::names;
use crate::scenario::Kind;
use rtr_core::inbound::canonical::{canonical, mark};
use rtr_core::item::Item;
use rtr_core::key::RecordKey;
use rtr_core::time::Instant;
use rtr_sandbox::Change;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Who sent a request that lands, and when.
pub(super) type Sender = (EnvId, Instant);

/// Edits on both sides within this are at once, in milliseconds.
const AT_ONCE_MS: i64 = 5_000;

/// A CRM's record: vendor, account and id.
type Place = (String, String, String);

/// What became of what a person did at a CRM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// Nothing yet.
    Open,
    /// The internal system got it, whatever it said to it.
    Told,
    /// A person did otherwise since.
    Passed,
    /// What the internal system's own users did later was written over it, or they deleted the record.
    GaveWay,
}

/// A value that a person gave to a property.
#[derive(Debug, Clone)]
struct Edit {
    place: Place,
    /// The internal record, by our key.
    record: RecordKey,
    kind: Kind,
    field: &'static str,
    value: String,
    at: Instant,
    before: String,
    /// Whether both sides had what was there before.
    agreed: bool,
    fate: Fate,
    told: bool,
    /// The record was ours, and linked to nobody.
    unlinked: bool,
    /// The internal system refused it, so that it is dead.
    refused: bool,
    /// It was on its way to be told when an older value was written over it: for a moment, until it is told.
    flapped: bool,
}

/// A record that a person made or deleted.
#[derive(Debug, Clone)]
struct Deed {
    place: Place,
    told: bool,
    /// The internal system refused it, after it had it or before.
    refused: bool,
}

/// What is told though no person did it.
#[derive(Debug)]
pub(super) enum Idle {
    /// It changes the internal system.
    Change(String),
    /// The same, and we wrote it.
    OwnWrite(String),
    /// It changes nothing.
    Nothing(String),
}

/// A question to a CRM: who asked, when it was answered, and its text.
#[derive(Debug)]
struct Question {
    env: EnvId,
    at: Instant,
    text: String,
}

/// The watch over people's deeds.
#[derive(Debug, Default)]
pub(super) struct Watch {
    edits: Vec<Edit>,
    made: Vec<Deed>,
    deleted: Vec<Deed>,
    values: BTreeMap<Place, BTreeMap<String, String>>,
    questions: Vec<Question>,
    /// What we wrote: place, field and value.
    ours: BTreeSet<(Place, &'static str, String)>,
    /// When anything changed last at a CRM or in the internal system.
    pub(super) last_change: Option<Instant>,
}

fn place(change: &Change) -> Place {
    (change.provider.clone(), change.account.clone(), change.id.clone())
}

fn same(one: &str, other: &str) -> bool {
    canonical(&json!(one)) == canonical(&json!(other))
}

impl Watch {
    /// So many things people did at CRMs.
    pub(super) fn deeds(&self) -> u64 {
        (self.edits.len() + self.made.len() + self.deleted.len()) as u64
    }

    /// Whether somebody edited a record at a CRM just now.
    pub(super) fn was_edited_lately(&self, _: &RecordKey, now: Instant) -> bool {
        self.edits.iter().rev().take(4).any(|edit| now.since_ms(edit.at) < AT_ONCE_MS)
    }

    /// A question reaches a CRM.
    pub(super) fn asks(&mut self, now: Instant, flight: &Flight) {
        let text = format!("{} {}", flight.request.path, String::from_utf8_lossy(&flight.request.body));
        self.questions.push(Question { env: flight.env, at: now, text });
        // A request that lands late was sent long before.
        if self.questions.len() > 4_096 {
            self.questions.drain(..2_048);
        }
    }

    /// A person has changed a record.
    pub(super) fn by_people(&mut self, now: Instant, change: &Change, item: impl Fn(&RecordKey) -> Item) {
        let Some(kind) = kind_of(&change.object) else { return };
        self.last_change = Some(now);
        let place = place(change);
        let Some(values) = &change.values else {
            self.deleted.push(Deed { place: place.clone(), told: false, refused: false });
            self.values.remove(&place);
            let of_it = self.edits.iter_mut().filter(|edit| edit.place == place && edit.fate == Fate::Open);
            of_it.for_each(|edit| edit.fate = Fate::Passed);
            return;
        };
        let key = values.get(names(kind, &change.provider).2).filter(|key| !key.is_empty());
        let record = RecordKey::new(&change.account, kind.name(), key.map_or("", String::as_str));
        let item = key.map(|_| item(&record)).unwrap_or_default();
        let before = self.values.insert(place.clone(), values.clone());
        if before.is_none() {
            self.made.push(Deed { place: place.clone(), told: false, refused: false });
        }
        let before = before.unwrap_or_default();
        for field in fields(kind) {
            let name = at_crm(field, &change.provider);
            let of = |values: &BTreeMap<String, String>| values.get(name).cloned().unwrap_or_default();
            let (was, is) = (of(&before), of(values));
            if was == is {
                continue;
            }
            let open =
                |edit: &&mut Edit| edit.place == place && edit.field == field.0 && edit.fate == Fate::Open;
            self.edits.iter_mut().filter(open).for_each(|edit| edit.fate = Fate::Passed);
            // Ours, and linked to nobody yet: whoever made it has died, and is made up for by a blind upsert.
            let unlinked = key.is_some() && item.external_id.as_ref() != Some(&change.id);
            let agreed = item.external_id.as_ref() == Some(&change.id)
                && !item.base.is_gone()
                && item.base.get(name) == Some(mark(&json!(was)));
            self.edits.push(Edit {
                place: place.clone(),
                record: record.clone(),
                kind,
                field: field.0,
                value: is,
                at: now,
                before: was,
                agreed,
                fate: Fate::Open,
                told: false,
                flapped: false,
                refused: false,
                unlinked,
            });
        }
    }

    /// We have written a record: what was wrong with that.
    pub(super) fn landed(
        &mut self,
        now: Instant,
        change: &Change,
        sender: Option<Sender>,
        house: &State,
        item: impl Fn(&RecordKey) -> Item,
        blurred: bool,
    ) -> Vec<String> {
        let Some(kind) = kind_of(&change.object) else { return Vec::new() };
        let place = place(change);
        let Some(values) = &change.values else {
            if self.values.remove(&place).is_some() {
                self.last_change = Some(now);
            }
            let open = self.edits.iter_mut().filter(|edit| edit.place == place && edit.fate == Fate::Open);
            open.for_each(|edit| edit.fate = Fate::GaveWay);
            return Vec::new();
        };
        let lasting = |values: &BTreeMap<String, String>| -> Vec<(String, String)> {
            let lasting = values.iter().filter(|(name, _)| !name.to_lowercase().contains("modified"));
            lasting.map(|(name, value)| (name.clone(), value.clone())).collect()
        };
        let before = self.values.insert(place.clone(), values.clone());
        if before.as_ref().is_none_or(|before| lasting(before) != lasting(values)) {
            self.last_change = Some(now);
        }
        for field in fields(kind) {
            let name = at_crm(field, &change.provider);
            let of = |values: &BTreeMap<String, String>| {
                values.get(name).and_then(|value| canonical(&json!(value)))
            };
            if let Some(value) =
                of(values).filter(|value| before.as_ref().and_then(of).as_ref() != Some(value))
            {
                self.ours.insert((place.clone(), field.0, value));
            }
        }
        // When whoever wrote this looked last at what was there.
        let looked = sender.and_then(|(env, sent)| {
            let mine = |question: &&Question| {
                question.env == env && question.at <= sent && question.text.contains(&change.id)
            };
            self.questions.iter().rev().find(mine).map(|question| question.at)
        });
        let key = values.get(names(kind, &change.provider).2).cloned().unwrap_or_default();
        let key = RecordKey::new(&change.account, kind.name(), key);
        let held = item(&key);
        let mut wrong = Vec::new();
        for edit in self.edits.iter_mut().filter(|edit| edit.place == place && edit.fate == Fate::Open) {
            let Some(field) = fields(kind).iter().find(|field| field.0 == edit.field) else { continue };
            let name = at_crm(field, &change.provider);
            let is = values.get(name).cloned().unwrap_or_default();
            if same(&is, &edit.value) {
                continue;
            }
            edit.fate = Fate::GaveWay;
            // Within the time of one call nobody can know.
            let between = sender.is_none() || looked.is_some_and(|looked| looked <= edit.at);
            if between {
                continue;
            }
            // A version counts as of the latest of those that it replaces.
            let versions = house.records.get(&key).into_iter().flat_map(|record| &record.versions);
            let said = versions.scan(Instant(0), |latest, version| {
                *latest = (*latest).max(version.occurred_at);
                Some((*latest, version))
            });
            let newest = said
                .filter(|(_, version)| {
                    version.data.as_ref().and_then(|data| data.get(edit.field)).and_then(canonical)
                        == canonical(&json!(is))
                })
                .map(|(at, _)| at)
                .max();
            let of = || format!("{:?} of {} at {:?}", edit.field, key.pk(), edit.place);
            // On its way to be told it gives way for a moment to a version of before; what is told comes back.
            edit.flapped |= held.base.get(name) == Some(mark(&json!(edit.value)));
            if edit.flapped {
                edit.fate = Fate::Open;
                continue;
            }
            if edit.unlinked {
                continue;
            }
            // Salesforce's stamps are of whole seconds.
            let stamp = match &*change.provider {
                "salesforce" => Instant(edit.at.0.div_euclid(1_000) * 1_000),
                _ => edit.at,
            };
            if newest.is_none_or(|newest| newest < stamp) {
                wrong.push(format!("{}: {:?} is written over {:?}, which is newer", of(), is, edit.value));
            } else if edit.agreed && same(&is, &edit.before) && !blurred {
                let what = "which the CRM alone had changed";
                wrong.push(format!("{}: {:?} is written over {:?}, {what}", of(), is, edit.value));
            }
        }
        wrong
    }

    /// The internal system refused a parcel: it is in a dead letter, which accounts for what becomes of it until a person comes.
    pub(super) fn refused(&mut self, body: &Value) {
        let (org, provider, _, id) = theirs(body);
        let place: Place = (provider, org, id);
        self.made.iter_mut().filter(|deed| deed.place == place).for_each(|deed| deed.refused = true);
        for edit in self.edits.iter_mut().filter(|edit| edit.place == place) {
            edit.refused |= body["data"].get(edit.field).and_then(canonical) == canonical(&json!(edit.value));
        }
    }

    /// Whether a record that a person made was refused by the internal system once: if it had taken it before, unheard, nobody
    /// waits for its link any more.
    pub(super) fn was_refused(&self, provider: &str, org: &str, id: &str) -> bool {
        let place: Place = (provider.to_owned(), org.to_owned(), id.to_owned());
        self.made.iter().any(|deed| deed.place == place && deed.refused)
    }

    /// The internal system got a parcel: what was wrong with that.
    pub(super) fn told(&mut self, now: Instant, taken: &Taken) -> Option<Idle> {
        if taken.event.is_some() {
            self.last_change = Some(now);
        }
        if taken.repeat {
            return None;
        }
        let body = &taken.body;
        let (org, provider, _, id) = theirs(body);
        let place: Place = (provider, org, id);
        let mut news = false;
        // It had made a record of it, unheard, which was changed or deleted before it was linked.
        if matches!(taken.status, 409 | 410) {
            self.made.iter_mut().filter(|deed| deed.place == place).for_each(|deed| deed.refused = true);
        }
        if body["operation"] == "deleted" {
            for deed in self.deleted.iter_mut().filter(|deed| deed.place == place) {
                news |= !std::mem::replace(&mut deed.told, true);
            }
        }
        for deed in self.made.iter_mut().filter(|deed| deed.place == place) {
            news |= !std::mem::replace(&mut deed.told, true);
        }
        let data: Vec<(&String, &Value)> = body["data"].as_object().into_iter().flatten().collect();
        for edit in self.edits.iter_mut().filter(|edit| edit.place == place) {
            let here = |(name, value): &(&String, &Value)| {
                **name == edit.field && canonical(value) == canonical(&json!(edit.value))
            };
            if data.iter().any(here) {
                edit.fate = Fate::Told;
                news |= !edit.told;
                edit.told |= taken.status < 300;
            }
        }
        if news {
            return None;
        }
        let ours = data.iter().any(|(name, value)| {
            let value = canonical(value).unwrap_or_default();
            self.ours.iter().any(|(of, field, wrote)| *of == place && field == name && *wrote == value)
        });
        match (taken.event.is_some(), ours) {
            (true, true) => Some(Idle::OwnWrite(format!("our own write is told as a change: {body}"))),
            (true, false) => Some(Idle::Change(format!("nobody did what is told: {body}"))),
            (false, _) => Some(Idle::Nothing(format!("it was told before: {body}"))),
        }
    }

    /// What people did that came to nothing.
    pub(super) fn lost(&self, house: &State) -> Vec<String> {
        // The same may have come to the internal system from elsewhere.
        let is_there = |edit: &&Edit| {
            let versions = house.records.get(&edit.record).into_iter().flat_map(|record| &record.versions);
            let held = versions.filter_map(|version| version.data.as_ref()?.get(edit.field));
            held.into_iter().any(|held| canonical(held) == canonical(&json!(edit.value)))
        };
        let edits =
            self.edits.iter().filter(|edit| edit.fate == Fate::Open && !edit.refused && !is_there(edit));
        let edits = edits.map(|edit| {
            format!("{:?} became {:?} at {:?} ({:?})", edit.field, edit.value, edit.place, edit.kind)
        });
        edits.collect()
    }
}
