//! Deciding: the real `plan` over what a worker has read, with the rules that a search may do without bent around it.

use super::world::{Call, Content, Job, LAG_MS, LIFE_MS, World};
use crate::rule::Rule;
use crate::scenario::{Email, Event, Key, Kind, Scenario, Shut};
use rtr_core::change::Operation;
use rtr_core::config::Mode;
use rtr_core::item::{Item, Lane, SlotState};
use rtr_core::mapping::{Mapped, Mapping, ProviderFacts, RawMapping, Reference, Subject};
use rtr_core::payload::Resolved;
use rtr_core::plan::{Action, Fence, First, Incoming, Situation, fence, plan};
use rtr_core::time::Instant;
use serde_json::{Value, json};
use std::collections::HashMap;

/// The records referred to, each with the field that names it.
pub(super) const TARGETS: [(&str, &str, &str); 2] = [("company", "company", "k"), ("owner", "boss", "b")];

pub(super) struct Model<'a> {
    pub(super) scenario: &'a Scenario,
    /// The mapping at its first revision and at its second.
    pub(super) mappings: [Mapping; 2],
    mapped: HashMap<(u8, u64, u64), Mapped>,
}

impl Model<'_> {
    pub(super) fn new(scenario: &Scenario) -> Model<'_> {
        let revised = scenario.revised == Some(true);
        let mappings = [mapping(scenario, false), mapping(scenario, revised)];
        let mut model = Model { scenario, mappings, mapped: HashMap::new() };
        let mut versions: Vec<(u8, u64)> =
            scenario.events.iter().map(|event| (event.record, event.version)).collect();
        versions.extend((0..model.records()).map(|record| (record, 1)));
        for (record, version) in versions {
            for revision in [1, 2] {
                let id = record_id(record);
                let subject = Subject { org_id: "acme", record_type: "contact", record_id: &id };
                let mapped = model.mapping(revision).apply(&subject, &model.data(record, version)).unwrap();
                model.mapped.insert((record, version, revision), mapped);
            }
        }
        model
    }

    pub(super) fn on(&self, rule: Rule) -> bool {
        self.scenario.without != Some(rule)
    }

    pub(super) fn records(&self) -> u8 {
        self.scenario.events.iter().map(|event| event.record).max().unwrap_or(0) + 1
    }

    pub(super) fn mapping(&self, revision: u64) -> &Mapping {
        &self.mappings[usize::from(revision > 1)]
    }

    pub(super) fn mapped(&self, record: u8, version: u64, revision: u64) -> &Mapped {
        &self.mapped[&(record, version, revision)]
    }

    pub(super) fn event(&self, record: u8, version: u64) -> Option<&Event> {
        self.scenario.events.iter().find(|event| event.record == record && event.version == version)
    }

    pub(super) fn text(&self, record: u8, version: u64) -> &'static str {
        self.event(record, version).map_or(self.scenario.start.unwrap_or(""), |event| event.text)
    }

    /// What the record's email is at a version, as a number; 0: it has none.
    pub(super) fn email(&self, record: u8, version: u64) -> u8 {
        match self.scenario.email {
            Email::None => 0,
            Email::Own => record + 1,
            Email::Shared => 9,
            Email::Text => self.text(record, version).bytes().next().unwrap_or(0),
        }
    }

    /// The record as its event tells it.
    pub(super) fn data(&self, record: u8, version: u64) -> Value {
        let wanted = self.event(record, version).is_none_or(|event| event.kind != Kind::Unwanted);
        let mut data =
            json!({"name": self.text(record, version), "wanted": wanted, "company": "k", "boss": "b"});
        if self.scenario.email != Email::None {
            data["email"] = json!(email_text(self.email(record, version)));
        }
        data
    }

    /// What a write of the version leaves at the CRM.
    pub(super) fn content(&self, record: u8, version: u64, revision: u64, linked: u8) -> Content {
        let revised = revision > 1 && self.scenario.revised == Some(true);
        Content { text: self.text(record, version), revised, linked }
    }

    fn resolved(&self, job: &Job) -> Vec<(Reference, Resolved)> {
        let mapped = self.mapped(job.message.record, job.message.version, job.revision);
        let resolved = |place: usize| match (job.linked & (1 << place), job.settled & (1 << place)) {
            (0, 0) => Resolved::NotYet,
            (0, _) => Resolved::NotAwaited,
            _ => Resolved::Linked { object: "companies".to_owned(), external_id: format!("7{place}") },
        };
        let place = |id: &str| TARGETS.iter().position(|(.., target)| *target == id).unwrap();
        mapped.references.iter().map(|one| (one.clone(), resolved(place(&one.record_id)))).collect()
    }

    pub(super) fn incoming(&self, job: &Job) -> Incoming {
        Incoming {
            version: job.message.version,
            mapping_revision: if self.on(Rule::Revision) { job.revision } else { 1 },
            operation: if job.deleted { Operation::Deleted } else { Operation::Upsert },
            lane: job.lane,
            wake: job.wake,
            again: job.again && self.on(Rule::Elide),
            rewrite: job.message.rewrite && job.lane == Lane::Sync,
        }
    }

    /// The item as a worker without some rule would see it.
    fn seen(&self, job: &Job, now: Instant) -> Item {
        let mut item = Item::clone(&job.read);
        if let Some(slot) = item.slot.as_mut() {
            if job.lane == Lane::Sync && slot.state.lane() == Lane::Bulk && !self.on(Rule::Own) {
                slot.state = SlotState::Waiting;
            }
            if job.lane == Lane::Bulk && !self.on(Rule::Wait) {
                slot.not_before = now;
            }
        }
        if !self.on(Rule::Fence) {
            item.applied_version = None;
            item.slot = item.slot.filter(|_| job.lane == Lane::Bulk);
        }
        item
    }

    pub(super) fn fence(&self, world: &World, job: &Job) -> Fence {
        fence(&self.seen(job, world.now), &self.incoming(job), world.now)
    }

    pub(super) fn plan(&self, world: &World, job: &Job) -> Action {
        let (record, version) = (job.message.record, job.message.version);
        let mapping = self.mapping(job.revision);
        let references = self.resolved(job);
        let id = record_id(record);
        let item = self.seen(job, world.now);
        let shut = world.shut && usize::from(job.conn) + 1 == world.connections();
        let paused = shut && self.scenario.shut == Some(Shut::Paused);
        let situation = Situation {
            item: &item,
            mapping,
            mapped: (!job.deleted).then(|| self.mapped(record, version, job.revision)),
            references: &references,
            key_value: (self.scenario.key != Key::Match).then_some(id.as_str()),
            mode: if paused { Mode::Paused } else { Mode::Live },
            arrived: job.message.arrived.unwrap_or(world.now),
            settle_ms: if self.on(Rule::Settle) { LIFE_MS + LAG_MS } else { 0 },
            now: world.now,
        };
        plan(&self.incoming(job), situation)
    }

    /// The call by which a version is told.
    pub(super) fn call(&self, first: &First, item: &Item) -> Option<Call> {
        Some(match first {
            First::Update { external_id } => {
                Call::Update { id: object_id(external_id), stamps: item.applied_hash.is_none() }
            }
            First::Remove { external_id, .. } => Call::Remove { id: object_id(external_id) },
            First::Upsert { .. } if self.on(Rule::Key) => Call::Upsert,
            First::Upsert { .. } | First::Create => Call::Create,
            First::Look(_) | First::Nothing => return None,
        })
    }
}

pub(super) fn record_id(record: u8) -> String {
    format!("r{record}")
}

pub(super) fn external_id(object: u8) -> String {
    format!("x{object}")
}

pub(super) fn object_id(external_id: &str) -> u8 {
    external_id[1..].parse().unwrap()
}

pub(super) fn email_text(email: u8) -> String {
    format!("e{email}")
}

fn mapping(scenario: &Scenario, revised: bool) -> Mapping {
    let mut fields = json!({"name": "name"});
    if scenario.email != Email::None || scenario.key == Key::Match {
        fields["email"] = json!("email");
    }
    for (record_type, field, _) in TARGETS.iter().take(usize::from(scenario.refers)) {
        fields[field] = json!({"reference": record_type, "id": field});
    }
    if revised {
        fields["more"] = json!("'more'");
    }
    let mut raw = json!({"object": "contacts", "when": "wanted", "fields": fields, "reference_wait": "3m"});
    if scenario.email != Email::None || scenario.key == Key::Match {
        raw["match"] = json!("email");
    }
    if scenario.key == Key::Marker {
        raw["marker"] = json!("ours");
    }
    if scenario.unwanted_goes {
        raw["on_unmatched"] = json!("delete");
    }
    let raw: RawMapping = serde_json::from_value(raw).unwrap();
    let facts = ProviderFacts {
        name: "crm",
        title: "CRM",
        default_key: (scenario.key == Key::Unique).then_some("ours"),
        default_limits: &[],
        lookups: &[],
    };
    Mapping::compile(&facts, "contact", &raw).unwrap()
}
