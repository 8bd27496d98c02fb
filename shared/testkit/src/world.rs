//! Everything at once: one org `acme` with one HubSpot connection, ready to run batches.

use crate::bus::MemoryBus;
use crate::clock::TestClock;
use crate::configs::MemoryConfigs;
use crate::counting;
use crate::crm::{BASE, SandboxHttp};
use crate::limits::MemoryLimits;
use crate::queue::MemoryQueue;
use crate::records::MemoryRecords;
use crate::secrets::MemorySecrets;
use rtr_connectors::http::Clock;
use rtr_core::item::Item;
use rtr_core::key::{ConnectionKey, PairKey, RecordKey};
use rtr_core::limit::LIMITER_BUDGET_MS;
use rtr_core::time::Instant;
use rtr_engine::batch::{Received, Settings};
use rtr_engine::bulk;
use rtr_engine::report::BatchReport;
use rtr_engine::seams::{Outbound, QueueName, Seams};
use rtr_engine::sync::{Caches, run};
use serde_json::{Value, json};
use std::sync::Arc;

/// The org of every world.
pub const ORG: &str = "acme";
/// The time at which every world begins.
pub const BEGIN: Instant = Instant(1_795_000_000_000);
/// The time an invocation has, in milliseconds.
pub const TIMEOUT_MS: i64 = 60_000;

/// The twins, and the function's settings.
pub struct World {
    /// Time.
    pub clock: Arc<TestClock>,
    /// Items.
    pub records: MemoryRecords,
    /// Buckets.
    pub limits: MemoryLimits,
    /// Configuration.
    pub configs: MemoryConfigs,
    /// Secrets.
    pub secrets: MemorySecrets,
    /// Where notices go.
    pub bus: MemoryBus,
    /// Queues.
    pub queue: MemoryQueue,
    /// The CRM.
    pub crm: SandboxHttp,
    /// What outlives an invocation.
    pub caches: Caches,
    /// The function's settings.
    pub settings: Settings,
}

impl World {
    /// A world whose org maps contacts with `contact` (YAML) beside a plain company mapping.
    ///
    /// # Panics
    /// When the YAML is refused: a test's own mistake.
    #[must_use]
    #[allow(clippy::panic)]
    pub fn with_contact(contact: &str) -> Self {
        let world = Self::empty();
        let org = format!(
            "org: {ORG}\nconnections:\n  hubspot:\n    base_url: {BASE}/hubspot/{ORG}\nroutes:\n  contact: [hubspot]\n  company: [hubspot]\n"
        );
        let company = "object: companies\nfields:\n  name: name\n  domain: domain\n";
        let files = [
            ("mappings/hubspot/contact.yaml", contact),
            ("mappings/hubspot/company.yaml", company),
            ("orgs/acme.yaml", &org),
        ];
        if let Err(problems) = world.configs.apply(&files) {
            panic!("{problems}");
        }
        world
    }

    fn empty() -> Self {
        let clock = Arc::new(TestClock::at(BEGIN.0));
        let crm = SandboxHttp::new(clock.clone());
        let secrets = MemorySecrets::default();
        let token = crm.token(ORG);
        secrets.put("rtr/test/acme/hubspot", &json!({"type": "bearer", "token": token}).to_string());
        for object in ["contacts", "companies", "deals"] {
            crm.create_key(ORG, object, &token);
        }
        Self {
            limits: MemoryLimits::new(clock.clone()),
            records: MemoryRecords::default(),
            configs: MemoryConfigs::default(),
            queue: MemoryQueue::new(clock.clone()),
            caches: Caches::default(),
            settings: Settings {
                stage: "test".to_owned(),
                group_buckets: 0,
                strict_orgs: false,
                timeout_ms: TIMEOUT_MS,
                visibility_ms: 360_000,
                cache_ms: 60_000,
                connection_share: 25,
                // Patient: a test's batches come at once, and its clock goes by waits alone.
                tokens_within_ms: u32::MAX,
                limiter_budget_ms: LIMITER_BUDGET_MS,
                job_from: 0,
            },
            clock,
            crm,
            secrets,
            bus: MemoryBus::default(),
        }
    }

    /// The seams.
    #[must_use]
    pub fn seams(&self) -> Seams<'_> {
        Seams {
            records: &self.records,
            limits: &self.limits,
            notices: &self.limits,
            configs: &self.configs,
            secrets: &self.secrets,
            queue: &self.queue,
            http: &self.crm,
            clock: self.clock.as_ref(),
        }
    }

    /// The time now.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Runs one batch through the sync flow.
    pub fn sync(&self, batch: &[Received]) -> BatchReport {
        let deadline = self.now().plus_ms(TIMEOUT_MS);
        let report =
            futures::executor::block_on(run(&self.seams(), &self.settings, &self.caches, batch, deadline));
        counting::of("sync", report)
    }

    /// Runs one batch through the bulk flow.
    pub fn bulk(&self, batch: &[Received]) -> BatchReport {
        let deadline = self.now().plus_ms(TIMEOUT_MS);
        let (seams, settings) = (self.seams(), &self.settings);
        let report = futures::executor::block_on(bulk::run(&seams, settings, &self.caches, batch, deadline));
        counting::of("bulk", report)
    }

    /// Delivers what the flows sent to `changes.fifo` and `bulk.fifo`, one message a batch, until nothing more comes; the
    /// reports.
    pub fn deliver(&self) -> Vec<BatchReport> {
        let mut reports = Vec::new();
        loop {
            let changes = self.queue.take_sent(QueueName::Changes);
            let batons = self.queue.take_sent(QueueName::Bulk);
            if changes.is_empty() && batons.is_empty() {
                return reports;
            }
            let received = |message: &Outbound| crate::build::raw(&message.body, &message.group, self.now());
            for message in changes {
                reports.push(self.sync(&[received(&message)]));
            }
            for message in batons {
                reports.push(self.bulk(&[received(&message)]));
            }
        }
    }

    /// One look of the sweep, and the delivery of what it woke.
    pub fn sweep(&self) -> Vec<BatchReport> {
        let (seams, settings) = (self.seams(), &self.settings);
        let swept = rtr_engine::sweep::run(&seams, settings, &self.bus, self.now());
        counting::check("sweep", &futures::executor::block_on(swept));
        self.deliver()
    }

    /// Runs one batch through the redrive flow.
    pub fn redrive(&self, batch: &[Received]) -> BatchReport {
        let report = futures::executor::block_on(rtr_engine::redrive::run(&self.seams(), batch));
        counting::of("redrive", report)
    }

    /// A contact's event.
    #[must_use]
    pub fn contact(&self, id: &str, version: u64, data: &Value) -> Received {
        crate::build::event(ORG, "contact", id, version, data, self.now())
    }

    /// A company's event.
    #[must_use]
    pub fn company(&self, id: &str, version: u64, data: &Value) -> Received {
        crate::build::event(ORG, "company", id, version, data, self.now())
    }

    /// What is kept of a record at the connection `hubspot`.
    #[must_use]
    pub fn item(&self, record_type: &str, id: &str) -> Item {
        self.item_at("hubspot", record_type, id)
    }

    /// What is kept of a record at `connection`.
    #[must_use]
    pub fn item_at(&self, connection: &str, record_type: &str, id: &str) -> Item {
        let record = RecordKey::new(ORG, record_type, id);
        self.records.item(&PairKey::new(&record, &ConnectionKey::new(ORG, connection)))
    }

    /// The CRM's value of `property` for each of its contacts, sorted.
    #[must_use]
    pub fn contacts(&self, property: &str) -> Vec<String> {
        let mut values: Vec<String> = self
            .crm
            .records(ORG, "contacts")
            .iter()
            .map(|record| record["properties"][property].as_str().unwrap_or("-").to_owned())
            .collect();
        values.sort();
        values
    }

    /// The CRM's calls so far, as `METHOD path status`.
    #[must_use]
    pub fn calls(&self) -> Vec<String> {
        let calls = self.crm.requests(ORG);
        let line = |call: &Value| {
            let path = call["path"].as_str().unwrap_or("");
            let path = path.trim_start_matches("/hubspot/acme").trim_start_matches("/crm/v3/objects/");
            format!("{} {path} {}", call["method"].as_str().unwrap_or(""), call["status"])
        };
        calls.iter().map(line).filter(|line| !line.contains("/crm/v3/properties/")).collect()
    }

    /// Sets the sandbox's faults of the account.
    pub fn faults(&self, faults: &Value) {
        self.crm.control("PUT", "/_sandbox/faults", faults);
    }
}
