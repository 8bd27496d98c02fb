//! The breaker of a connection: a dead CRM is left alone by all environments, one call tries whether it is back, and
//! nobody falls on it then. A slow one is held to few calls at once, and delays nobody else.

mod dead;
mod hall;
mod hanging;
mod lanes;
mod neighbours;
mod own;
mod races;
mod silent;
mod slow;

use crate::CONTACT;
use rtr_core::breaker::Breaker;
use rtr_core::key::ConnectionKey;
use rtr_core::limit::general_bucket;
use rtr_core::time::Instant;
use rtr_engine::batch::Received;
use rtr_engine::report::BatchReport;
use rtr_engine::sync::{Caches, run};
use rtr_testkit::world::{TIMEOUT_MS, World};
use serde_json::{Value, json};

fn here() -> ConnectionKey {
    ConnectionKey::new("acme", "hubspot")
}

/// The breaker as the table has it.
fn breaker(world: &World) -> Breaker {
    world.limits.state().breakers.get(&general_bucket(&here())).cloned().unwrap_or_default()
}

fn contact(world: &World, id: &str, version: u64) -> Received {
    world.contact(id, version, &json!({"email": format!("{id}@x.io"), "first_name": format!("v{version}")}))
}

/// One batch in the environment that has `caches`.
fn sync(world: &World, caches: &Caches, batch: &[Received]) -> BatchReport {
    let deadline = world.now().plus_ms(TIMEOUT_MS);
    futures::executor::block_on(run(&world.seams(), &world.settings, caches, batch, deadline))
}

fn environments(count: usize) -> Vec<Caches> {
    (0..count).map(|_| Caches::default()).collect()
}

/// Every call of the account is answered so.
fn down(world: &World, fault: &str, value: &Value) {
    world.faults(
        &json!([{"provider": "hubspot", "account": "acme", "match": {}, "fault": fault, "value": value}]),
    );
}

/// When the calls came, in milliseconds since `began`.
fn times(world: &World, began: Instant) -> Vec<i64> {
    let calls = world.crm.requests("acme");
    let at = |call: &Value| Instant(call["at_ms"].as_i64().unwrap()).since_ms(began);
    calls.iter().map(at).filter(|ms| *ms >= 0).collect()
}
