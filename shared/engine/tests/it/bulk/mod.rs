//! The bulk flow: what is parked at a connection is drained in full calls, once, in the end with the newest; whatever stops
//! it, crashes it, or comes in between.

mod backfill;
mod batons;
mod by_hand;
mod crashes;
mod draining;
mod endings;
mod jobs;
mod meanwhile;
mod pauses;
mod stops;
mod telling;

use crate::CONTACT;
use async_trait::async_trait;
use rtr_connectors::http::{Http, NoAnswer, Outgoing, Response};
use rtr_core::key::ConnectionKey;
use rtr_core::lane::Lane;
use rtr_engine::batch::Received;
use rtr_engine::sync::{Caches, run};
use rtr_testkit::build;
use rtr_testkit::crm::BASE;
use rtr_testkit::limits::MemoryLimits;
use rtr_testkit::queue::{CHANGES, MemoryQueue};
use rtr_testkit::records::MemoryRecords;
use rtr_testkit::weather::{Fate, Op, Weather};
use rtr_testkit::world::{TIMEOUT_MS, World};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

fn here() -> ConnectionKey {
    ConnectionKey::new("acme", "hubspot")
}

/// The connection's lane as it stands.
fn lane(world: &World) -> Lane {
    world.limits.state().lanes.get(&here()).cloned().unwrap_or_default()
}

/// The baton that is worth something now.
fn baton(world: &World) -> Received {
    let body = json!({"baton": {"org_id": "acme", "connection": "hubspot", "n": lane(world).n}});
    build::message(&body, &here().key(), world.now())
}

/// Sets the connection's mode. Once that is live, so long passes that its lane has looked whether it may go on.
fn mode(world: &World, mode: &str) {
    configure(world, mode, CONTACT);
}

fn configure(world: &World, mode: &str, contact: &str) {
    let org = format!(
        "org: acme\nconnections:\n  hubspot:\n    mode: {mode}\n    base_url: {BASE}/hubspot/acme\nroutes:\n  contact: [hubspot]\n  company: [hubspot]\n"
    );
    let company = "object: companies\nfields:\n  name: name\n";
    let files = [
        ("mappings/hubspot/contact.yaml", contact),
        ("mappings/hubspot/company.yaml", company),
        ("orgs/acme.yaml", &org),
    ];
    world.configs.apply(&files).unwrap();
    if mode == "live" {
        world.clock.advance_ms(60_000);
    }
}

/// A contact's version, which names itself.
fn contact(world: &World, id: &str, version: u64) -> Received {
    world.contact(id, version, &json!({"email": format!("{id}@x.io"), "first_name": format!("v{version}")}))
}

fn ids(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("c{n:04}")).collect()
}

/// Brings `version` of each of `ids` in.
fn bring(world: &World, ids: &[String], version: u64) {
    for ids in ids.chunks(10) {
        let batch: Vec<Received> = ids.iter().map(|id| contact(world, id, version)).collect();
        assert!(world.sync(&batch).failed.is_empty());
    }
}

/// Parks `version` of each of `ids`: it comes while the connection is paused. Then that is live again.
fn park(world: &World, ids: &[String], version: u64) {
    mode(world, "paused");
    bring(world, ids, version);
    mode(world, "live");
    ids.iter().for_each(|id| assert_eq!(crate::parked(world, id).wanted_version, version));
}

/// A world where version 2 of `count` linked contacts is parked.
fn linked_and_parked(count: usize) -> World {
    let world = World::with_contact(CONTACT);
    bring(&world, &ids(count), 1);
    park(&world, &ids(count), 2);
    world
}

/// How many contacts have something left in their slots.
fn left(world: &World) -> usize {
    world.records.state().items.values().filter(|(item, _)| item.slot.is_some()).count()
}

/// The calls since there were `before`, those that only look aside.
fn writes_since(world: &World, before: usize) -> Vec<String> {
    let calls = world.calls().split_off(before);
    calls.into_iter().filter(|call| !call.contains("/read") && !call.contains("/search")).collect()
}

/// Looks again and again for so many minutes, as the sweep does.
fn pass_minutes(world: &World, minutes: i64) {
    for _ in 0..minutes * 6 {
        world.clock.advance_ms(10_000);
        world.sweep();
    }
}

fn fault(path: &str, fault: &str, value: &Value, count: u32) -> Value {
    json!({"provider": "hubspot", "account": "acme", "match": {"path": path}, "fault": fault, "value": value, "count": count})
}

fn throttled(seconds: u32) -> Value {
    json!({"status": 429, "headers": {"Retry-After": seconds.to_string()}})
}

/// One invocation of the bulk flow over another carrier; none when it never ended.
fn bulk_by(world: &World, http: &dyn Http, batch: &[Received]) -> Option<rtr_engine::report::BatchReport> {
    use futures::FutureExt as _;
    let seams = rtr_engine::seams::Seams { http, ..world.seams() };
    let caches = Caches::default();
    let deadline = world.now().plus_ms(TIMEOUT_MS);
    rtr_engine::bulk::run(&seams, &world.settings, &caches, batch, deadline).now_or_never()
}

/// A carrier during whose first call that holds `text` the sync lane works a batch: while the request is under way.
pub(crate) struct Meanwhile<'a> {
    world: &'a World,
    text: &'static str,
    batch: Mutex<Option<Vec<Received>>>,
}

impl<'a> Meanwhile<'a> {
    pub(crate) fn new(world: &'a World, text: &'static str, batch: Vec<Received>) -> Self {
        Self { world, text, batch: Mutex::new(Some(batch)) }
    }
}

#[async_trait]
impl Http for Meanwhile<'_> {
    async fn send(&self, outgoing: Outgoing) -> Result<Response, NoAnswer> {
        let is_it = String::from_utf8_lossy(&outgoing.body).contains(self.text);
        let answer = self.world.crm.send(outgoing).await;
        let batch = if is_it { self.batch.lock().unwrap().take() } else { None };
        if let Some(batch) = batch {
            let deadline = self.world.now().plus_ms(TIMEOUT_MS);
            let (seams, settings) = (self.world.seams(), &self.world.settings);
            let report = run(&seams, settings, &Caches::default(), &batch, deadline).await;
            assert!(report.failed.is_empty(), "{:?}", report.failed);
        }
        answer
    }
}

/// What may go wrong with the stores: they go silent after so many requests, or answer one kind of them otherwise.
#[derive(Debug)]
struct Storm {
    left: AtomicI64,
    fates: Mutex<Vec<(&'static str, Fate)>>,
}

const CALM: i64 = i64::MAX;

impl Storm {
    /// Waits for ever when the power is off.
    async fn step(&self) {
        if self.left.load(Ordering::SeqCst) != CALM && self.left.fetch_sub(1, Ordering::SeqCst) <= 0 {
            std::future::pending::<()>().await;
        }
    }

    /// From now on requests of this kind end so.
    fn set(&self, fate: Option<(&'static str, Fate)>) {
        self.set_all(fate.as_slice());
    }

    /// The same, for requests of several kinds.
    fn set_all(&self, fates: &[(&'static str, Fate)]) {
        *self.fates.lock().unwrap() = fates.to_vec();
    }
}

#[async_trait]
impl Weather for Storm {
    async fn there(&self, op: Op) -> Fate {
        self.step().await;
        let fates = self.fates.lock().unwrap();
        fates.iter().find(|(name, _)| *name == op.name).map_or(Fate::Done, |(_, fate)| *fate)
    }
    async fn back(&self, _: Op) {
        self.step().await;
    }
    fn index_shows(&self, _: i64) -> bool {
        true
    }
}

/// A world under a storm that has not begun.
fn under_a_storm(contact: &str) -> (World, Arc<Storm>) {
    let storm = Arc::new(Storm { left: AtomicI64::new(CALM), fates: Mutex::default() });
    let mut world = World::with_contact(contact);
    world.records = MemoryRecords::under(world.clock.clone(), storm.clone());
    world.limits = MemoryLimits::under(world.clock.clone(), storm.clone());
    world.queue = MemoryQueue::under(world.clock.clone(), storm.clone(), CHANGES);
    (world, storm)
}
