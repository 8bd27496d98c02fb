//! Both directions at once: an internal system, several CRMs, and every queue between them, worked off in rounds until nothing
//! is left.

mod org;

pub use self::org::{AT_HUBSPOT, AT_SALESFORCE, CONNECTIONS};
use crate::counting;
use crate::crm::BASE;
use crate::house::MemoryHouse;
use crate::world::{ORG, TIMEOUT_MS, World};
use futures::executor::block_on;
use rtr_connectors::http::Clock as _;
use rtr_core::inbound::{self, Notice, Operation, Seen};
use rtr_core::item::Item;
use rtr_core::key::{ConnectionKey, PairKey, RecordKey};
use rtr_engine::apply::{self, Signing, Ways};
use rtr_engine::batch::Received;
use rtr_engine::report::BatchReport;
use rtr_engine::seams::{Outbound, Queue as _, QueueName};
use rtr_engine::{bulk, poll, sweep, sync};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Rounds after which somebody is going in circles.
const ROUNDS: usize = 400;

/// The whole of it.
pub struct BothWays {
    /// Time, stores, queues and CRMs.
    pub world: World,
    /// The internal system.
    pub house: MemoryHouse,
    signing: Signing,
    tokens: BTreeMap<&'static str, String>,
    /// Rounds within which there must be nothing left to do.
    pub rounds: std::cell::Cell<usize>,
    /// Whether the internal system's changes are published.
    pub publishes: std::cell::Cell<bool>,
    /// What the flows counted so far, by flow and name.
    pub counts: std::cell::RefCell<BTreeMap<(&'static str, &'static str), u64>>,
}

impl Default for BothWays {
    fn default() -> Self {
        Self::with(AT_HUBSPOT, AT_SALESFORCE, "poll: 5m")
    }
}

impl BothWays {
    /// Contacts at HubSpot alone.
    #[must_use]
    pub fn at_hubspot_alone() -> Self {
        Self::routed(AT_HUBSPOT, AT_SALESFORCE, "poll: 5m", "hubspot")
    }

    /// Contacts under these mappings, and more about the way back.
    #[must_use]
    pub fn with(hubspot: &str, salesforce: &str, inbound: &str) -> Self {
        Self::routed(hubspot, salesforce, inbound, "hubspot, salesforce, hubspot-eu")
    }

    /// The same to some of the connections.
    ///
    /// # Panics
    /// When the YAML is refused: a test's own mistake.
    #[allow(clippy::panic)]
    fn routed(hubspot: &str, salesforce: &str, inbound: &str, route: &str) -> Self {
        let world = World::with_contact("object: contacts\nfields:\n  email: email\n");
        let mut tokens = BTreeMap::new();
        for (name, provider, account) in CONNECTIONS {
            let token = world.crm.token_of(provider, account);
            let secret = json!({"type": "bearer", "token": token}).to_string();
            world.secrets.put(&format!("rtr/test/{ORG}/{name}"), &secret);
            match provider {
                "hubspot" => world.crm.create_key(account, "contacts", &token),
                _ => {
                    let field = json!({"type": "Text", "length": 255, "externalId": true, "unique": true});
                    let rule = json!({"provider": provider, "account": account, "object": "Contact",
                        "name": "Rtr_Record_Id__c", "field": field});
                    world.crm.control("PUT", "/_sandbox/properties", &rule);
                }
            }
            tokens.insert(name, token);
        }
        let mut org = format!(
            "org: {ORG}\ninbound: {{target: {{lambda: {{function: house}}}}, {inbound}}}\nconnections:\n"
        );
        for (name, provider, account) in CONNECTIONS {
            org.push_str(&format!(
                "  {name}: {{provider: {provider}, base_url: '{BASE}/{provider}/{account}'}}\n"
            ));
        }
        org.push_str(&format!("routes:\n  contact: [{route}]\n"));
        let files = [
            ("mappings/hubspot/contact.yaml", hubspot),
            ("mappings/salesforce/contact.yaml", salesforce),
            ("orgs/acme.yaml", &org),
        ];
        if let Err(problems) = world.configs.apply(&files) {
            panic!("{problems}");
        }
        let house = MemoryHouse::new(world.clock.clone());
        let (signing, publishes) = (Signing::new(60_000), std::cell::Cell::new(true));
        let rounds = std::cell::Cell::new(ROUNDS);
        Self { world, house, signing, tokens, rounds, publishes, counts: std::cell::RefCell::default() }
    }

    fn place(name: &str) -> (&'static str, &'static str, &'static str) {
        CONNECTIONS.into_iter().find(|(one, ..)| *one == name).unwrap_or(CONNECTIONS[0])
    }

    /// The CRM's name of contacts at a connection.
    #[must_use]
    pub fn object(name: &str) -> &'static str {
        if Self::place(name).1 == "hubspot" { "contacts" } else { "Contact" }
    }

    /// A person changes a record in the CRM; none: makes one. The record's id.
    pub fn person(&self, name: &str, id: Option<&str>, values: &Value) -> String {
        let (name, provider, account) = Self::place(name);
        let token = &self.tokens[name];
        let answer = match (provider, id) {
            ("hubspot", Some(id)) => {
                let path = format!("/hubspot/{account}/crm/v3/objects/contacts/{id}");
                self.world.crm.ask("PATCH", &path, token, &json!({ "properties": values }))
            }
            ("hubspot", None) => {
                let path = format!("/hubspot/{account}/crm/v3/objects/contacts");
                self.world.crm.ask("POST", &path, token, &json!({ "properties": values }))
            }
            (_, Some(id)) => {
                let path = format!("/salesforce/{account}/services/data/v66.0/sobjects/Contact/{id}");
                self.world.crm.ask("PATCH", &path, token, values)
            }
            (_, None) => {
                let path = format!("/salesforce/{account}/services/data/v66.0/sobjects/Contact");
                self.world.crm.ask("POST", &path, token, values)
            }
        };
        let made = answer["id"].as_str().map(str::to_owned);
        made.or_else(|| id.map(str::to_owned)).unwrap_or_default()
    }

    /// A person deletes a record in the CRM.
    pub fn deletes(&self, name: &str, id: &str) {
        let (name, provider, account) = Self::place(name);
        let path = match provider {
            "hubspot" => format!("/hubspot/{account}/crm/v3/objects/contacts/{id}"),
            _ => format!("/salesforce/{account}/services/data/v66.0/sobjects/Contact/{id}"),
        };
        self.world.crm.ask("DELETE", &path, &self.tokens[name], &Value::Null);
    }

    /// The CRM tells by a webhook that the record has changed.
    pub fn webhook(&self, name: &str, id: &str, operation: Operation) {
        let now = self.world.now();
        let notice = Notice {
            connection: ConnectionKey::new(ORG, name),
            object: Self::object(name).to_owned(),
            external_id: id.to_owned(),
            operation,
            at: Some(now),
            seen: Seen::Webhook,
            received_at: now,
            origin: None,
            record: None,
        };
        let message = Outbound {
            trace: None,
            body: notice.to_body().to_string(),
            group: notice.message_group(),
            deduplication_id: self.world.clock.nonce(),
            lane: None,
        };
        let sent = block_on(self.world.queue.send(QueueName::Inbound, &[message]));
        assert!(sent.iter().all(Result::is_ok), "the queue took it");
    }

    /// What the CRM holds of the record.
    #[must_use]
    pub fn at_crm(&self, name: &str, id: &str) -> Value {
        let (_, provider, account) = Self::place(name);
        let records = self.world.crm.records_of(provider, account, Self::object(name));
        let found = records.iter().find(|record| record["id"] == id || record["Id"] == id);
        found
            .map(
                |record| {
                    if record["properties"].is_object() {
                        record["properties"].clone()
                    } else {
                        record.clone()
                    }
                },
            )
            .unwrap_or_default()
    }

    /// Records of the CRM that are there.
    #[must_use]
    pub fn count_at(&self, name: &str) -> usize {
        let (_, provider, account) = Self::place(name);
        self.world.crm.records_of(provider, account, Self::object(name)).len()
    }

    /// Writes of contacts that the CRM has got so far, in records.
    #[must_use]
    pub fn writes_at(&self, name: &str) -> u64 {
        let (_, provider, account) = Self::place(name);
        let is_write = |call: &Value| {
            let (method, path) = (call["method"].as_str().unwrap_or(""), call["path"].as_str().unwrap_or(""));
            let reads = ["/search", "/batch/read", "/query", "/queryAll", "/token"];
            method != "GET" && !reads.iter().any(|end| path.ends_with(end)) && !path.contains("/properties/")
        };
        let calls = self.world.crm.requests_of(provider, account);
        calls.iter().filter(|call| is_write(call)).map(|call| call["items"].as_u64().unwrap_or(1)).sum()
    }

    /// The id of the record at the CRM, once it is linked.
    #[must_use]
    pub fn linked(&self, name: &str, id: &str) -> Option<String> {
        self.item(name, id).external_id
    }

    /// What is kept of the record at the connection.
    #[must_use]
    pub fn item(&self, name: &str, id: &str) -> Item {
        let record = RecordKey::new(ORG, "contact", id);
        self.world.records.item(&PairKey::new(&record, &ConnectionKey::new(ORG, name)))
    }

    /// What is kept of the CRM's record on its way back.
    #[must_use]
    pub fn told(&self, name: &str, id: &str) -> Item {
        self.world.records.item(&PairKey::inbound(&ConnectionKey::new(ORG, name), Self::object(name), id))
    }

    /// The token by which the CRM of a connection is asked.
    #[must_use]
    pub fn token(&self, name: &str) -> &str {
        self.tokens.get(name).map_or("", String::as_str)
    }

    /// How often a flow counted something so far.
    #[must_use]
    pub fn counted(&self, flow: &'static str, name: &'static str) -> u64 {
        self.counts.borrow().get(&(flow, name)).copied().unwrap_or(0)
    }

    /// Works off everything that is there now, without letting time pass but by calls.
    ///
    /// # Panics
    /// When it never ends.
    pub fn settle(&self) {
        for _ in 0..self.rounds.get() {
            if !self.round() {
                return;
            }
        }
        assert!(!self.round(), "it goes in circles: {:?}", self.counts.borrow());
    }

    /// The same, and lets `ms` pass after that, with what becomes due in the meantime.
    pub fn pass(&self, ms: i64) {
        let until = self.world.now().plus_ms(ms);
        self.settle();
        while self.world.now() < until {
            self.world.clock.advance_ms(5_000.min(until.since_ms(self.world.now())));
            self.sweep();
            self.settle();
        }
    }

    /// A person wakes what is kept of the CRM's record on its way back.
    pub fn wake(&self, name: &str, id: &str) {
        let connection = ConnectionKey::new(ORG, name);
        let version = self.told(name, id).slot.map_or(0, |slot| slot.wanted_version);
        let wake = inbound::Wake {
            connection: connection.clone(),
            object: Self::object(name).to_owned(),
            external_id: id.to_owned(),
            version,
        };
        let message = Outbound {
            trace: None,
            body: inbound::Message::Wake(wake).to_body().to_string(),
            group: inbound::delivery::group(&connection, id),
            deduplication_id: self.world.clock.nonce(),
            lane: None,
        };
        block_on(self.world.queue.send(QueueName::Inbound, &[message]));
    }

    /// One look of the sweep.
    pub fn sweep(&self) {
        let (seams, settings) = (self.world.seams(), &self.world.settings);
        let report = block_on(sweep::run(&seams, settings, &self.world.bus, self.world.now()));
        self.note("sweep", &report);
    }

    /// One message of each queue; false when there was none.
    fn round(&self) -> bool {
        let mut any = self.publish();
        let queues =
            [QueueName::Changes, QueueName::Inbound, QueueName::Bulk, QueueName::Poll, QueueName::DeadLetter];
        for queue in queues {
            let most = if matches!(queue, QueueName::Bulk | QueueName::Poll) { 1 } else { 10 };
            let batch = self.world.queue.receive(queue, most);
            if batch.is_empty() {
                continue;
            }
            any = true;
            let report = self.invoke(queue, &batch);
            self.settle_batch(queue, &batch, &report);
        }
        any
    }

    /// The internal system's changes, onto the queue.
    fn publish(&self) -> bool {
        let mut events = self.house.take_events();
        if !self.publishes.get() {
            events.clear();
        }
        let any = !events.is_empty();
        for event in events {
            let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
            let key = RecordKey::new(text("org_id"), text("record_type"), text("record_id"));
            let message = Outbound {
                trace: None,
                body: event.to_string(),
                group: key.message_group(0),
                deduplication_id: key.deduplication_id(None, event["version"].as_u64().unwrap_or(0)),
                lane: None,
            };
            block_on(self.world.queue.send(QueueName::Changes, &[message]));
        }
        any
    }

    /// Runs the function of `queue`.
    pub fn invoke(&self, queue: QueueName, batch: &[Received]) -> BatchReport {
        let World { settings, caches, .. } = &self.world;
        let (seams, deadline) = (self.world.seams(), self.world.now().plus_ms(TIMEOUT_MS));
        let ways = Ways { settings, caches, signing: &self.signing, courier: &self.house };
        let (name, report) = match queue {
            QueueName::Changes => ("sync", block_on(sync::run(&seams, settings, caches, batch, deadline))),
            QueueName::Inbound => ("apply", block_on(apply::run(&seams, ways, batch, deadline))),
            QueueName::Bulk => ("bulk", block_on(bulk::run(&seams, settings, caches, batch, deadline))),
            QueueName::Poll => ("poll", block_on(poll::run(&seams, settings, caches, batch, deadline))),
            QueueName::DeadLetter => ("redrive", block_on(rtr_engine::redrive::run(&seams, batch))),
        };
        self.note(name, &report);
        report
    }

    fn note(&self, flow: &'static str, report: &BatchReport) {
        counting::check(flow, report);
        let mut counts = self.counts.borrow_mut();
        for (name, n) in &report.counts {
            *counts.entry((flow, name)).or_default() += n;
        }
    }

    /// Takes off the queue what `report` does not name.
    pub fn settle_batch(&self, queue: QueueName, batch: &[Received], report: &BatchReport) {
        let now = self.world.now();
        let mut state = self.world.queue.state();
        let fifo = match queue {
            QueueName::Changes => &mut state.changes,
            QueueName::DeadLetter => &mut state.dead_letter,
            QueueName::Bulk => &mut state.bulk,
            QueueName::Inbound => &mut state.inbound,
            QueueName::Poll => &mut state.poll,
        };
        for received in batch.iter().filter(|received| !report.failed.contains(&received.message_id)) {
            fifo.delete(&received.receipt, now);
        }
    }
}
