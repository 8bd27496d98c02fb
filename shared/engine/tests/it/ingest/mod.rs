//! What producers hand in, over the twins: nothing lost, nothing twice, nothing out of order.

mod admitted;
mod from_bridge;
mod from_kafka;
mod limited;
mod requests;

use futures::executor::block_on;
use rtr_core::ingest::http::Kind;
use rtr_core::ingest::secret::Presented;
use rtr_core::ingest::{Answer, Entry};
use rtr_engine::ingest::http::{Request, Way, run};
use rtr_engine::ingest::{Caches, Settings, Ways};
use rtr_engine::seams::{NotTaken, Outbound, Outlet, QueueName};
use rtr_testkit::world::World;
use serde_json::{Value, json};
use std::sync::Mutex;

/// Time that an invocation has, in milliseconds.
const TIME_MS: i64 = 29_000;

/// A world, and the function's memory.
struct Hall {
    world: World,
    settings: Settings,
    caches: Caches,
}

impl Hall {
    fn new() -> Self {
        let world = World::with_contact(crate::CONTACT);
        let settings = Settings {
            stage: "test".to_owned(),
            group_buckets: 0,
            cache_ms: 60_000,
            limiter_budget_ms: 50,
            per_org_rps: 0,
        };
        Self { world, settings, caches: Caches::default() }
    }

    fn limited_to(per_org_rps: u64) -> Self {
        let mut hall = Self::new();
        hall.settings.per_org_rps = per_org_rps;
        hall
    }

    fn ways(&self) -> Ways<'_> {
        self.ways_over(&self.world.queue)
    }

    fn ways_over<'a>(&'a self, outlet: &'a dyn Outlet) -> Ways<'a> {
        let world = &self.world;
        Ways {
            outlet,
            queue: &world.queue,
            records: &world.records,
            limits: &world.limits,
            secrets: &world.secrets,
            clock: world.clock.as_ref(),
        }
    }

    fn ask(&self, request: &Request<'_>) -> Answer {
        self.ask_over(&self.world.queue, request)
    }

    fn ask_over(&self, outlet: &dyn Outlet, request: &Request<'_>) -> Answer {
        let deadline = self.world.now().plus_ms(TIME_MS);
        let ways = self.ways_over(outlet);
        block_on(run(&ways, &self.settings, &self.caches, request, deadline)).0
    }

    /// Signed events, as an array.
    fn post(&self, events: &[Value]) -> Answer {
        self.ask(&signed(json!(events).to_string().as_bytes()))
    }

    /// What the queue of changes was sent, as record and version.
    fn sent(&self) -> Vec<String> {
        self.world.queue.take_changes().iter().map(name).collect()
    }

    /// The dead letters so far.
    fn letters(&self) -> Vec<Value> {
        let sent = self.world.queue.take_sent(QueueName::DeadLetter);
        sent.iter().map(|letter| serde_json::from_str(&letter.body).unwrap()).collect()
    }
}

fn signed(body: &[u8]) -> Request<'_> {
    Request { way: Way::Signed, kind: Kind::default(), presented: Presented::default(), trace: None, body }
}

fn contact(org: &str, id: &str, version: u64) -> Value {
    json!({"org_id": org, "record_type": "contact", "record_id": id, "version": version, "data": {"email": "a@x.example"}})
}

fn name(sent: &Outbound) -> String {
    let event: Value = serde_json::from_str(&sent.body).unwrap();
    format!(
        "{}/{}@{}",
        event["org_id"].as_str().unwrap(),
        event["record_id"].as_str().unwrap(),
        event["version"]
    )
}

/// The statuses of an answer's items.
fn statuses(answer: &Answer) -> Vec<u64> {
    answer.body["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| result["status"].as_u64().unwrap())
        .collect()
}

/// What a queue has against an entry.
type Fails = Box<dyn Fn(&Entry) -> Option<NotTaken> + Send + Sync>;

/// A queue that answers as it is told, entry by entry, and notes each call.
struct Scripted {
    fails: Fails,
    calls: Mutex<Vec<Vec<String>>>,
}

impl Scripted {
    fn new(fails: impl Fn(&Entry) -> Option<NotTaken> + Send + Sync + 'static) -> Self {
        Self { fails: Box::new(fails), calls: Mutex::default() }
    }

    fn calls(&self) -> Vec<Vec<String>> {
        self.calls.lock().unwrap().clone()
    }
}

#[async_trait::async_trait]
impl Outlet for Scripted {
    async fn offer(&self, entries: &[&Entry]) -> Vec<Result<String, NotTaken>> {
        let name = |entry: &Entry| format!("{}@{}", entry.key.record_id, entry.version);
        self.calls.lock().unwrap().push(entries.iter().map(|entry| name(entry)).collect());
        entries.iter().map(|entry| (self.fails)(entry).map_or_else(|| Ok(name(entry)), Err)).collect()
    }
}

fn throttled() -> NotTaken {
    NotTaken::Throttled("RequestThrottled".to_owned())
}
