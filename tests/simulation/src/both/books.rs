//! What the internal system has, and how it decides about what it is told.

use super::Ways;
use rtr_core::inbound::canonical::canonical;
use rtr_core::key::RecordKey;
use rtr_core::time::Instant;
use rtr_engine::seams::Parcel;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// A CRM's record: org, connection, type and id there.
pub(super) type Theirs = (String, String, String, String);

/// A version of a record.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Version {
    pub(super) number: u64,
    /// When it occurred, as its event says.
    pub(super) occurred_at: Instant,
    /// None: it is deleted.
    pub(super) data: Option<Map<String, Value>>,
}

/// A record.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Record {
    pub(super) versions: Vec<Version>,
    /// When each field was changed, as far as it is known here.
    changed_at: BTreeMap<String, Instant>,
}

impl Record {
    /// The newest version.
    pub(super) fn newest(&self) -> Option<&Version> {
        self.versions.last()
    }

    /// What it holds now.
    pub(super) fn data(&self) -> Option<&Map<String, Value>> {
        self.newest().and_then(|version| version.data.as_ref())
    }
}

/// What is in it.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) records: BTreeMap<RecordKey, Record>,
    answers: BTreeMap<String, Value>,
    /// The record that each of a CRM's is, and the newest version it was told of.
    known: BTreeMap<Theirs, (String, u64)>,
    /// The highest version that was handed over, and all ids.
    handed: BTreeMap<Theirs, u64>,
    ids: BTreeSet<String>,
    pub(super) down_until: BTreeMap<String, Instant>,
    made: u64,
    pub(super) repeats: u64,
    /// Versions made, of its users and of what it was told.
    pub(super) versions: u64,
    pub(super) own: u64,
    /// What it was told that changed nothing.
    pub(super) idle: u64,
}

/// What came of a parcel that it got.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) body: Value,
    /// As over HTTP.
    pub(super) status: u16,
    /// Known by its id.
    pub(super) repeat: bool,
    /// The event of the version that it made.
    pub(super) event: Option<Value>,
}

impl Taken {
    pub(super) fn answer(&self) -> Value {
        json!({"statusCode": self.status, "body": {"record_id": self.body["record_id"]}})
    }
}

fn text(body: &Value, name: &str) -> String {
    body[name].as_str().unwrap_or_default().to_owned()
}

/// The CRM's record that a body is about.
pub(super) fn theirs(body: &Value) -> Theirs {
    (text(body, "org_id"), text(body, "connection"), text(body, "record_type"), text(body, "external_id"))
}

impl State {
    /// A new version, and the event that tells of it.
    pub(super) fn change(
        &mut self,
        key: &RecordKey,
        data: Option<Map<String, Value>>,
        occurred_at: Instant,
        changed_at: Instant,
    ) -> Value {
        let record = self.records.entry(key.clone()).or_default();
        let number = record.versions.last().map_or(0, |version| version.number) + 1;
        let before = record.data().cloned().unwrap_or_default();
        for (name, value) in data.iter().flatten() {
            if before.get(name) != Some(value) {
                record.changed_at.insert(name.clone(), changed_at);
            }
        }
        let operation = if data.is_some() { "upsert" } else { "deleted" };
        let mut event = json!({
            "org_id": key.org_id, "record_type": key.record_type, "record_id": key.record_id, "version": number,
            "operation": operation, "occurred_at": occurred_at.to_rfc3339(),
        });
        if let Some(data) = &data {
            event["data"] = Value::Object(data.clone());
        }
        record.versions.push(Version { number, occurred_at, data });
        self.versions += 1;
        event
    }

    /// What it does with a parcel.
    pub(super) fn take(&mut self, parcel: &Parcel, ways: Ways, now: Instant) -> Taken {
        let mut body: Value = serde_json::from_str(&parcel.body).unwrap_or_default();
        if let Some(known) = self.answers.get(&parcel.id) {
            self.repeats += 1;
            body["record_id"] = known["record_id"].clone();
            let status =
                known["status"].as_u64().and_then(|status| u16::try_from(status).ok()).unwrap_or(200);
            return Taken { body, status, repeat: true, event: None };
        }
        let (status, event) = self.decide(&mut body, ways, now);
        self.answers.insert(parcel.id.clone(), json!({"record_id": body["record_id"], "status": status}));
        Taken { body, status, repeat: false, event }
    }

    fn decide(&mut self, body: &mut Value, ways: Ways, now: Instant) -> (u16, Option<Value>) {
        let (theirs, version) = (theirs(body), body["version"].as_u64().unwrap_or(0));
        let known = self.known.get(&theirs).cloned();
        let named = body["record_id"].as_str().map(str::to_owned);
        let id = named.or_else(|| known.as_ref().map(|(id, _)| id.clone()));
        let deleted = body["operation"] == "deleted";
        let is_new = id.is_none();
        let id = id.unwrap_or_else(|| {
            self.made += 1;
            format!("made-{}", self.made)
        });
        let key = RecordKey::new(&theirs.0, &theirs.2, &id);
        let is_old = known.as_ref().is_some_and(|(of, newest)| *of == id && version <= *newest);
        let there = self.records.get(&key).and_then(Record::data).cloned();
        if is_old {
            body["record_id"] = json!(id);
            return (200, None);
        }
        if (is_new && deleted) || (!is_new && there.is_none()) {
            return (410, None);
        }
        body["record_id"] = json!(id);
        let occurred =
            body["occurred_at"].as_str().and_then(|at| Instant::from_rfc3339(at).ok()).unwrap_or(now);
        let record = self.records.get(&key).cloned().unwrap_or_default();
        // Salesforce's stamps are of whole seconds: what was changed here within the second is not known to be newer.
        let until = occurred.plus_ms(if theirs.1 == "salesforce" { 999 } else { 0 });
        let newer = |name: &str| record.changed_at.get(name).is_some_and(|at| *at > until);
        let said: Map<String, Value> = body["data"].as_object().cloned().unwrap_or_default();
        let clashes = |name: &String, value: &Value| {
            newer(name)
                && canonical(value) != there.as_ref().and_then(|there| there.get(name)).and_then(canonical)
        };
        let refused = match deleted {
            // Whoever deletes it somewhere means all of it.
            true => false,
            false if ways.refuses_whole => said.iter().any(|(name, value)| clashes(name, value)),
            false => !said.is_empty() && said.iter().all(|(name, value)| clashes(name, value)),
        };
        if refused {
            return (409, None);
        }
        let data = (!deleted).then(|| {
            let mut data = there.clone().unwrap_or_default();
            data.extend(said.into_iter().filter(|(name, value)| !clashes(name, value)));
            data
        });
        self.known.insert(theirs, (id, version));
        let has_changed = is_new
            || deleted
            || data.iter().flatten().any(|(name, value)| {
                canonical(value) != record.data().and_then(|data| data.get(name)).and_then(canonical)
            });
        if !has_changed {
            self.idle += 1;
            return (200, None);
        }
        let at = if ways.passes_time_on { occurred } else { now };
        let event = self.change(&key, data, at, occurred);
        (if is_new { 201 } else { 200 }, Some(event))
    }

    /// Notes that a parcel is handed over; the newest version before, where that is higher and this one is no repeat.
    pub(super) fn hands(&mut self, id: &str, body: &Value) -> Option<u64> {
        if !self.ids.insert(id.to_owned()) {
            return None;
        }
        let version = body["version"].as_u64().unwrap_or(0);
        let highest = self.handed.entry(theirs(body)).or_insert(version);
        let above = (*highest > version).then_some(*highest);
        *highest = version.max(*highest);
        above
    }
}
