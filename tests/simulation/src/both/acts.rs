//! What people do on either side.

use super::story::{Act, Deed};
use super::{Happening, at_crm, fields, kind_of};
use crate::events::CANARY;
use crate::lambda::Happen;
use crate::place::{names, providers};
use crate::scenario::{Kind, ORGS};
use crate::world::World;
use rtr_core::key::{ConnectionKey, PairKey, RecordKey};
use rtr_engine::seams::Outbound;
use serde_json::{Map, Value, json};

/// How late a search finds a change, in milliseconds, at the most.
const SEARCH_LAG_MS: i64 = 55_000;

/// Webhooks of each record in a flood.
const FLOOD: u64 = 12;

/// The value that act `id` gives to a field, which nothing else has.
fn value(id: u32, field: &str) -> String {
    match field {
        // CRMs give numbers back as they like.
        "size" => format!("{id}.50"),
        _ => format!("{CANARY}-{id}-{}", &field[..1]),
    }
}

/// The fields of a record that act `id` makes.
fn whole(id: u32, org: &str, kind: Kind) -> Map<String, Value> {
    let mut data: Map<String, Value> =
        fields(kind).iter().map(|field| (field.0.to_owned(), json!(value(id, field.0)))).collect();
    if kind == Kind::Contact {
        data.insert("email".to_owned(), json!(format!("{CANARY}-{org}-{id}@x.example")));
    }
    data
}

impl World<'_> {
    /// Somebody does what the story says.
    pub(super) fn act(&mut self, at: usize) {
        let Some(act) = self.both.as_ref().and_then(|both| both.story.acts.get(at)).copied() else { return };
        let now = self.core.kernel.now();
        self.core.trace.note(now, "act", || format!("{act:?}"));
        match act.deed {
            Deed::Makes => {
                let key = RecordKey::new(ORGS[act.org], act.kind.name(), format!("r{}", act.id));
                let mut data = whole(act.id, ORGS[act.org], act.kind);
                data.insert("title".to_owned(), json!(value(act.id, "title")));
                self.by_user(&key, Some(data));
            }
            Deed::Edits(field) => {
                let Some((key, mut data)) = self.inside(&act) else { return };
                // A change of what no CRM tells of, too.
                let name = if act.id % 5 == 0 { "title" } else { fields(act.kind)[field].0 };
                data.insert(name.to_owned(), json!(value(act.id, name)));
                self.by_user(&key, Some(data));
            }
            Deed::Deletes => {
                let Some((key, _)) = self.inside(&act) else { return };
                self.by_user(&key, None);
            }
            Deed::MakesAt(provider) => self.makes_at(&act, providers(ORGS[act.org])[provider]),
            Deed::EditsAt(provider, field, machine) => {
                let provider = providers(ORGS[act.org])[provider];
                let Some(id) = self.outside(&act, provider) else { return };
                self.edits_at(&act, provider, &id, field, machine);
            }
            Deed::EditsAllAt(provider, field) => {
                let provider = providers(ORGS[act.org])[provider];
                self.core.shape("OneStamp");
                for id in self.all_outside(&act, provider) {
                    self.edits_at(&act, provider, &id, field, false);
                }
            }
            Deed::DeletesAt(provider) => {
                let provider = providers(ORGS[act.org])[provider];
                let Some(id) = self.outside(&act, provider) else { return };
                let (org, object) = (ORGS[act.org], names(act.kind, provider).0);
                let path = match provider {
                    "hubspot" => format!("/hubspot/{org}/crm/v3/objects/{object}/{id}"),
                    _ => format!("/salesforce/{org}/services/data/v62.0/sobjects/{object}/{id}"),
                };
                self.by_hand("DELETE", &path, &Value::Null);
                self.heed(false);
            }
            Deed::FloodsAt(provider) => {
                let provider = providers(ORGS[act.org])[provider];
                self.core.shape("HookFlood");
                for id in self.all_outside(&act, provider) {
                    let object = names(act.kind, provider).0;
                    for _ in 0..FLOOD {
                        self.hook((provider, ORGS[act.org], object, &id), true, "CRM_UI");
                    }
                }
            }
        }
    }

    /// A change by a user of the internal system.
    fn by_user(&mut self, key: &RecordKey, data: Option<Map<String, Value>>) {
        let now = self.core.kernel.now();
        let Some(both) = &self.both else { return };
        let event = {
            let mut state = both.house.state();
            state.own += 1;
            state.change(key, data, now, now)
        };
        if both.watch.was_edited_lately(key, now) {
            self.core.shape("BothSides");
        }
        self.publish(key, &event);
    }

    /// The internal system's event goes to the queue: soon, late, or twice.
    pub(super) fn publish(&mut self, key: &RecordKey, event: &Value) {
        let version = event["version"].as_u64().unwrap_or(0);
        let message = |copy: Option<&str>| Outbound {
            trace: None,
            body: event.to_string(),
            group: key.message_group(self.producers_groups),
            deduplication_id: key.deduplication_id(copy, version),
            lane: None,
        };
        let core = &self.core;
        let delay = match core.kernel.draw(0..=9) {
            0 => core.kernel.draw(0..=60_000),
            1..=3 => core.kernel.draw(0..=2_000),
            _ => core.kernel.draw(1..=20),
        };
        core.kernel.after(delay, Happen::Both(Happening::Publishes(Box::new(message(None)))));
        if core.kernel.draw(0..=19) == 0 {
            let later = delay + core.kernel.draw(0..=600_000);
            core.kernel.after(later, Happen::Both(Happening::Publishes(Box::new(message(Some("again"))))));
        }
    }

    /// A record of the internal system that is there, and what it holds.
    fn inside(&self, act: &Act) -> Option<(RecordKey, Map<String, Value>)> {
        let state = self.both.as_ref()?.house.state();
        let there = state
            .records
            .iter()
            .filter(|(key, _)| key.org_id == ORGS[act.org] && key.record_type == act.kind.name());
        let there: Vec<_> = there.filter_map(|(key, record)| Some((key, record.data()?))).collect();
        let (key, data) = there.get(act.which as usize % there.len().max(1))?;
        Some(((*key).clone(), (*data).clone()))
    }

    fn all_outside(&self, act: &Act, provider: &str) -> Vec<String> {
        let live = self.core.oracle().live(provider, ORGS[act.org]);
        let ids = live.into_iter().filter(|(object, ..)| kind_of(object) == Some(act.kind));
        ids.map(|(_, id, _)| id).collect()
    }

    /// A record of a CRM that is there.
    fn outside(&self, act: &Act, provider: &str) -> Option<String> {
        let all = self.all_outside(act, provider);
        all.get(act.which as usize % all.len().max(1)).cloned()
    }

    fn makes_at(&mut self, act: &Act, provider: &str) {
        let (org, object) = (ORGS[act.org], names(act.kind, provider).0);
        let inside = whole(act.id, org, act.kind);
        let mut values = Map::new();
        for field in fields(act.kind) {
            values.insert(at_crm(field, provider).to_owned(), inside[field.0].clone());
        }
        if let Some(email) = inside.get("email") {
            values.insert(if provider == "hubspot" { "email" } else { "Email" }.to_owned(), email.clone());
        }
        let (path, body) = match provider {
            "hubspot" => (format!("/hubspot/{org}/crm/v3/objects/{object}"), json!({ "properties": values })),
            _ => (format!("/salesforce/{org}/services/data/v62.0/sobjects/{object}"), Value::Object(values)),
        };
        self.by_hand("POST", &path, &body);
        self.heed(false);
    }

    fn edits_at(&mut self, act: &Act, provider: &str, id: &str, field: usize, machine: bool) {
        let (org, object) = (ORGS[act.org], names(act.kind, provider).0);
        let field = &fields(act.kind)[field];
        let name = at_crm(field, provider);
        let value = value(act.id, field.0);
        let (path, body) = match provider {
            "hubspot" => {
                (format!("/hubspot/{org}/crm/v3/objects/{object}/{id}"), json!({"properties": {name: value}}))
            }
            _ => (
                format!("/salesforce/{org}/services/data/v62.0/sobjects/{object}/{id}"),
                json!({name: value}),
            ),
        };
        self.lag(provider, org);
        self.by_hand("PATCH", &path, &body);
        crate::place::control(&mut self.crm, self.core.kernel.now().0, "PUT", "/_sandbox/faults", &json!([]));
        if machine {
            self.core.shape("PersonByMachine");
        }
        self.heed(machine);
    }

    /// A change is found by searches some seconds after the stamp it bears.
    fn lag(&mut self, provider: &str, org: &str) {
        let ms = self.core.kernel.draw(0..=SEARCH_LAG_MS) * self.core.kernel.draw(0..=1);
        let lag =
            json!([{"fault": "search_lag", "value": ms, "provider": provider, "account": org, "count": 1}]);
        crate::place::control(&mut self.crm, self.core.kernel.now().0, "PUT", "/_sandbox/faults", &lag);
    }

    /// What people have just changed in the CRMs is seen by the watch, and told of by the CRM.
    fn heed(&mut self, machine: bool) {
        let now = self.core.kernel.now();
        for change in self.crm.changes() {
            self.core.trace.note(now, "people", || format!("{change:?}"));
            let item = |key: &RecordKey| {
                let connection = ConnectionKey::new(&change.account, &change.provider);
                self.records.item(&PairKey::new(key, &connection))
            };
            if let Some(both) = &mut self.both {
                both.watch.by_people(now, &change, item);
            }
            let at = format!("{}#{}", ConnectionKey::new(&change.account, &change.provider).key(), change.id);
            self.core.note_machine(at, machine);
            self.core.oracle().mirror(&change);
            let of = (&*change.provider, &*change.account, &*change.object, &*change.id);
            self.hook(of, change.values.is_some(), if machine { "INTEGRATION" } else { "CRM_UI" });
        }
    }
}
