//! Corners: histories that once went wrong, or nearly did. Each stays shut.

// What a test cannot do without is its own mistake.
#![allow(clippy::unwrap_used)]

mod creates;
mod tokens;
mod waits;

use crate::{CONTACT, parked};
use async_trait::async_trait;
use futures::FutureExt as _;
use rtr_connectors::http::{Http, NoAnswer, Outgoing, Response};
use rtr_core::item::Body;
use rtr_engine::batch::Received;
use rtr_engine::seams::{Seams, SecretText, Secrets, Unavailable};
use rtr_engine::sync::{Caches, run};
use rtr_testkit::build;
use rtr_testkit::crm::BASE;
use rtr_testkit::world::{TIMEOUT_MS, World};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering};

/// Stops the function (its future is dropped) at a request whose body holds `text`: before it is sent, or after it landed.
struct Stuck<'a> {
    world: &'a World,
    text: &'static str,
    landed: bool,
}

#[async_trait]
impl Http for Stuck<'_> {
    async fn send(&self, outgoing: Outgoing) -> Result<Response, NoAnswer> {
        if String::from_utf8_lossy(&outgoing.body).contains(self.text) {
            if self.landed {
                let _ = self.world.crm.send(outgoing).await;
            }
            std::future::pending::<()>().await;
        } else {
            return self.world.crm.send(outgoing).await;
        }
        Err(NoAnswer::Unknown(String::new()))
    }
}

/// One invocation that may be killed in the middle; whether it was.
fn killed(world: &World, http: &dyn Http, batch: &[Received]) -> bool {
    let seams = Seams { http, ..world.seams() };
    let caches = Caches::default();
    run(&seams, &world.settings, &caches, batch, world.now().plus_ms(TIMEOUT_MS)).now_or_never().is_none()
}

fn received(mut message: Received, times: u32) -> Received {
    message.receive_count = times;
    message
}

fn on(account: &str, path: &str, fault: &str, value: &Value, count: u32) -> Value {
    json!({"provider": "hubspot", "account": account, "match": {"path": path}, "fault": fault, "value": value, "count": count})
}

fn throttled(seconds: u32) -> Value {
    json!({"status": 429, "headers": {"Retry-After": seconds.to_string()}})
}

fn seed(world: &World, object: &str, records: &Value) {
    let body = json!({"provider": "hubspot", "account": "acme", "object": object, "records": records});
    world.crm.control("POST", "/_sandbox/records", &body);
}

fn wait_of(world: &World, message: &Received) -> i32 {
    let state = world.queue.state();
    state.visibility.iter().rev().find(|(receipt, _)| *receipt == message.receipt).map_or(-1, |one| one.1)
}

fn two_connections() -> World {
    let world = World::with_contact(CONTACT);
    let token = world.crm.token("eu");
    world.crm.create_key("eu", "contacts", &token);
    world.secrets.put("rtr/test/acme/eu", &json!({"type": "bearer", "token": token}).to_string());
    world.configs.apply(&[
        ("mappings/hubspot/contact.yaml", CONTACT),
        ("orgs/acme.yaml", &format!("org: acme\nconnections:\n  hubspot:\n    base_url: {BASE}/hubspot/acme\n  eu:\n    provider: hubspot\n    secret: rtr/test/acme/eu\n    base_url: {BASE}/hubspot/eu\nroutes:\n  contact: [hubspot, eu]\n")),
    ]).unwrap();
    world
}

fn refreshes(world: &World) -> usize {
    world.calls().iter().filter(|call| call.contains("/oauth/")).count()
}

fn oauth(world: &World, rotate: bool) -> Value {
    let issued = world.crm.control("POST", "/_sandbox/tokens",
        &json!({"provider": "hubspot", "account": "acme", "action": "issue", "expires_in": 1800, "rotate": rotate}));
    let secret = json!({"type": "oauth2", "client_id": issued["client_id"], "client_secret": issued["client_secret"],
        "refresh_token": issued["refresh_token"], "access_token": issued["access_token"], "expires_at": "2026-11-18T11:36:40Z"});
    world.secrets.put("rtr/test/acme/hubspot", &secret.to_string());
    issued
}

/// Secrets that can be read and, for a while, not written.
struct ReadOnly<'a>(&'a World, AtomicBool);

#[async_trait]
impl Secrets for ReadOnly<'_> {
    async fn read(&self, name: &str) -> Result<Option<SecretText>, Unavailable> {
        self.0.secrets.read(name).await
    }
    async fn write(&self, name: &str, text: &secrecy::SecretString) -> Result<String, Unavailable> {
        if self.1.load(Ordering::SeqCst) {
            return Err(Unavailable("throttled".to_owned()));
        }
        self.0.secrets.write(name, text).await
    }
    async fn create_or_write(&self, name: &str, text: &secrecy::SecretString) -> Result<String, Unavailable> {
        self.write(name, text).await
    }
}

const WITHOUT_KEY: &str =
    "object: contacts\nkey: none\nmatch: email\nfields:\n  email: email\n  firstname: first_name\n";

/// A table whose transactions are refused for a while, as by a hot claim; single writes go through.
struct NoTransactions<'a>(&'a World, AtomicBool);

#[async_trait]
impl rtr_engine::seams::Records for NoTransactions<'_> {
    async fn read(
        &self,
        keys: &[rtr_core::key::PairKey],
    ) -> Result<std::collections::HashMap<rtr_core::key::PairKey, rtr_core::item::Item>, Unavailable> {
        self.0.records.read(keys).await
    }
    async fn write(&self, writes: &[rtr_engine::seams::Write]) -> Vec<rtr_engine::seams::Wrote> {
        self.0.records.write(writes).await
    }
    async fn write_with_claims(
        &self,
        write: &rtr_engine::seams::Write,
        claims: &[rtr_engine::seams::ClaimChange],
    ) -> rtr_engine::seams::Wrote {
        if self.1.load(Ordering::SeqCst) {
            return rtr_engine::seams::Wrote::Failed(Unavailable("throttled".to_owned()));
        }
        self.0.records.write_with_claims(write, claims).await
    }
    async fn waiting_for(
        &self,
        connection: &rtr_core::key::ConnectionKey,
        record: &rtr_core::key::RecordKey,
        limit: usize,
    ) -> Result<Vec<rtr_engine::seams::Sleeper>, Unavailable> {
        self.0.records.waiting_for(connection, record, limit).await
    }
    async fn due(
        &self,
        now: rtr_core::time::Instant,
        limit: usize,
    ) -> Result<Vec<rtr_engine::seams::Sleeper>, Unavailable> {
        self.0.records.due(now, limit).await
    }
    async fn parked(
        &self,
        connection: &rtr_core::key::ConnectionKey,
        limit: usize,
    ) -> Result<Vec<rtr_engine::seams::Parked>, Unavailable> {
        self.0.records.parked(connection, limit).await
    }
    async fn backfilled(
        &self,
        connection: &rtr_core::key::ConnectionKey,
        limit: usize,
    ) -> Result<Vec<rtr_engine::seams::Parked>, Unavailable> {
        self.0.records.backfilled(connection, limit).await
    }
    async fn owners(
        &self,
        claims: &[rtr_core::key::PairKey],
    ) -> Result<std::collections::HashMap<rtr_core::key::PairKey, String>, Unavailable> {
        self.0.records.owners(claims).await
    }
    async fn read_named(
        &self,
        keys: &[rtr_core::key::PairKey],
    ) -> Result<Vec<rtr_engine::seams::Named>, Unavailable> {
        self.0.records.read_named(keys).await
    }
    async fn put_body(&self, key: &str, body: &[u8]) -> Result<(), Unavailable> {
        self.0.records.put_body(key, body).await
    }
    async fn body(&self, key: &str) -> Result<Option<Vec<u8>>, Unavailable> {
        self.0.records.body(key).await
    }
    async fn delete_body(&self, key: &str) -> Result<(), Unavailable> {
        self.0.records.delete_body(key).await
    }
}
