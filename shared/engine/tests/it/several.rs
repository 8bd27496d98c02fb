//! One event, several connections: each has its own fate, order and dead letter, and none holds another back.

#![allow(clippy::unwrap_used)]

use crate::CONTACT;
use crate::bulk::Meanwhile;
use futures::executor::block_on;
use rtr_core::item::{Body, SlotState};
use rtr_core::key::ConnectionKey;
use rtr_engine::batch::Received;
use rtr_engine::seams::Seams;
use rtr_engine::sync::{Caches, run};
use rtr_testkit::build;
use rtr_testkit::crm::BASE;
use rtr_testkit::world::{TIMEOUT_MS, World};
use serde_json::{Value, json};

fn two(mode: &str) -> World {
    let world = World::with_contact(CONTACT);
    let token = world.crm.token("eu");
    world.crm.create_key("eu", "contacts", &token);
    world.secrets.put("rtr/test/acme/eu", &json!({"type": "bearer", "token": token}).to_string());
    configure(&world, mode);
    world
}

fn configure(world: &World, mode: &str) {
    let org = format!(
        "org: acme\nconnections:\n  hubspot:\n    base_url: {BASE}/hubspot/acme\n  eu:\n    provider: hubspot\n    mode: {mode}\n    secret: rtr/test/acme/eu\n    base_url: {BASE}/hubspot/eu\nroutes:\n  contact: [hubspot, eu]\n"
    );
    world.configs.apply(&[("mappings/hubspot/contact.yaml", CONTACT), ("orgs/acme.yaml", &org)]).unwrap();
}

fn version(world: &World, version: u64) -> Received {
    world.contact("c", version, &json!({"email": "c@x.io", "first_name": format!("v{version}")}))
}

fn at(world: &World, account: &str) -> Vec<String> {
    let held = world.crm.records(account, "contacts");
    held.iter().map(|one| one["properties"]["firstname"].as_str().unwrap_or("-").to_owned()).collect()
}

fn eu(path: &str, fault: &str, value: &Value, count: u32) -> Value {
    json!([{"provider": "hubspot", "account": "eu", "match": {"path": path}, "fault": fault, "value": value, "count": count}])
}

fn writes_at_eu(world: &World) -> usize {
    let asked = world.crm.requests("eu");
    asked.iter().filter(|one| one["path"].as_str().unwrap().contains("/batch/")).count()
}

#[test]
fn given_one_crm_that_is_down_when_newer_versions_come_then_the_other_has_them_at_once_and_it_gets_the_newest_later()
 {
    let world = two("live");
    world.faults(&eu("*contacts*", "status", &json!(503), 1_000));
    for n in 1..=4 {
        let report = world.sync(&[version(&world, n)]);
        assert_eq!((report.counts["applied"], report.counts["parked"], report.failed.len()), (1, 1, 0));
        assert_eq!(at(&world, "acme"), [format!("v{n}")]);
    }
    world.faults(&json!([]));
    world.clock.advance_ms(600_000);
    world.sweep();
    assert_eq!((at(&world, "eu"), world.item_at("eu", "contact", "c").slot), (vec!["v4".to_owned()], None));
    // Never an older one on the way.
    let bodies = world.crm.control(
        "GET",
        "/_sandbox/requests?since=0&provider=hubspot&account=eu&bodies=true",
        &Value::Null,
    );
    let written: Vec<&Value> = bodies.as_array().unwrap().iter().filter(|one| one["status"] == 200).collect();
    assert!(written.iter().all(|one| !one["body"].to_string().contains("v1")), "{written:?}");
}

#[test]
fn given_an_answer_that_was_lost_at_one_when_a_newer_version_comes_then_it_is_held_there_and_goes_to_the_other()
 {
    let world = two("live");
    world.sync(&[version(&world, 1)]);
    world.faults(&eu("*batch/update*", "drop_then_commit", &json!(50_000), 1));
    assert!(world.sync(&[version(&world, 2)]).failed.is_empty());
    let (calls, held) = (writes_at_eu(&world), world.item_at("eu", "contact", "c").slot.unwrap());
    assert_eq!((held.state, held.not_before), (SlotState::Parked, world.now().plus_ms(60_000)));
    world.clock.advance_ms(10_000);
    world.sync(&[version(&world, 3)]);
    let slot = world.item_at("eu", "contact", "c").slot.unwrap();
    assert_eq!((slot.wanted_version, slot.not_before), (3, held.not_before), "the hold stays as it was");
    world.sweep();
    assert_eq!((writes_at_eu(&world), at(&world, "acme")), (calls, vec!["v3".to_owned()]));
    // The lost request lands; then the newest goes over it.
    world.clock.advance_ms(50_000);
    world.sweep();
    assert_eq!((at(&world, "eu"), world.item_at("eu", "contact", "c").slot), (vec!["v3".to_owned()], None));
}

#[test]
fn given_a_record_that_one_crm_refuses_when_synced_then_it_is_dead_there_alone_and_redriven_there_alone() {
    let world = two("live");
    let rule = |rejects: bool| {
        world.crm.control(
            "PUT",
            "/_sandbox/properties",
            &json!({"provider": "hubspot", "account": "eu",
            "object": "contacts", "name": "firstname", "rejects": rejects}),
        );
    };
    rule(true);
    let report = world.sync(&[version(&world, 1)]);
    assert_eq!((report.counts["applied"], report.counts["dead"]), (1, 1));
    assert_eq!(world.item("contact", "c").slot, None);
    rule(false);
    let calls = world.calls().len();
    world.sync(&[build::wake("acme", "contact", "c", "eu", 1, world.now())]);
    assert_eq!((at(&world, "eu"), world.calls().len()), (vec!["v1".to_owned()], calls));
}

#[test]
fn given_a_paused_connection_when_events_come_then_the_other_goes_on_and_it_catches_up_when_it_is_live() {
    let world = two("paused");
    for n in 1..=3 {
        assert!(world.sync(&[version(&world, n)]).failed.is_empty());
    }
    assert_eq!((at(&world, "acme"), at(&world, "eu").len()), (vec!["v3".to_owned()], 0));
    configure(&world, "live");
    world.clock.advance_ms(300_000);
    world.sweep();
    assert_eq!(at(&world, "eu"), ["v3"]);
}

#[test]
fn given_one_connection_whose_secret_is_gone_when_it_is_back_then_what_was_parked_goes() {
    let world = two("live");
    let secret = world.secrets.take("rtr/test/acme/eu");
    assert!(world.sync(&[version(&world, 1)]).failed.is_empty());
    assert_eq!(world.item_at("eu", "contact", "c").slot.unwrap().reason.code.as_str(), "RTR4007");
    world.secrets.put("rtr/test/acme/eu", &secret);
    world.clock.advance_ms(300_000);
    world.sweep();
    assert_eq!(at(&world, "eu"), ["v1"]);
}

#[test]
fn given_a_parked_version_that_is_refused_when_it_is_woken_then_it_is_dead_and_a_newer_one_clears_it() {
    let world = two("live");
    world.faults(&eu("*contacts*", "status", &json!(503), 20));
    world.sync(&[version(&world, 1)]);
    world.crm.control(
        "PUT",
        "/_sandbox/properties",
        &json!({"provider": "hubspot", "account": "eu",
        "object": "contacts", "name": "firstname", "options": ["v2"]}),
    );
    world.faults(&json!([]));
    world.clock.advance_ms(600_000);
    world.sweep();
    let slot = world.item_at("eu", "contact", "c").slot.unwrap();
    assert_eq!((slot.state, slot.reason.code.as_str()), (SlotState::Dead, "RTR3001"));
    world.sync(&[version(&world, 2)]);
    assert_eq!((at(&world, "eu"), world.item_at("eu", "contact", "c").slot), (vec!["v2".to_owned()], None));
}

#[test]
fn given_a_record_with_one_connection_when_it_cannot_go_then_it_waits_in_the_queue_and_costs_no_write() {
    let world = World::with_contact(CONTACT);
    world.faults(&json!([{"provider": "hubspot", "account": "acme", "match": {"path": "*contacts*"}, "fault": "status", "value": 503, "count": 20}]));
    let report = world.sync(&[version(&world, 1)]);
    assert_eq!((report.failed.len(), world.records.state().writes), (1, 0));
}

#[test]
fn given_a_large_body_when_it_is_parked_and_goes_then_it_lies_outside_meanwhile_and_is_removed() {
    let world = two("live");
    world.faults(&eu("*contacts*", "status", &json!(503), 1_000));
    let large =
        world.contact("c", 1, &json!({"email": "c@x.io", "first_name": "v1", "notes": "x".repeat(200_000)}));
    world.sync(&[large]);
    assert_eq!(world.records.state().bodies.len(), 1);
    world.clock.advance_ms(10_000);
    world.sweep();
    assert_eq!(world.records.state().bodies.len(), 1, "parked again, not stored again");
    world.faults(&json!([]));
    world.clock.advance_ms(600_000);
    world.sweep();
    assert_eq!((at(&world, "eu"), world.records.state().bodies.len()), (vec!["v1".to_owned()], 0));
}

#[test]
fn given_a_large_body_when_a_newer_version_is_parked_before_it_can_be_then_only_the_newer_ones_stays() {
    let world = two("live");
    world.faults(&eu("*contacts*", "status", &json!(503), 1_000));
    let large = |n: u64| {
        let data = json!({"email": "c@x.io", "first_name": format!("v{n}"), "notes": "x".repeat(200_000)});
        world.contact("c", n, &data)
    };
    let http = Meanwhile::new(&world, "v1", vec![large(2)]);
    let seams = Seams { http: &http, ..world.seams() };
    let deadline = world.now().plus_ms(TIMEOUT_MS);
    block_on(run(&seams, &world.settings, &Caches::default(), &[large(1)], deadline));
    let slot = world.item_at("eu", "contact", "c").slot.unwrap();
    let bodies: Vec<String> = world.records.state().bodies.keys().cloned().collect();
    assert_eq!((slot.wanted_version, slot.body), (2, Body::Stored(bodies.concat())), "{bodies:?}");
}

#[test]
fn given_a_connection_that_is_taken_away_when_what_it_parked_is_due_then_it_is_dead_and_not_due_for_ever() {
    let world = two("paused");
    world.sync(&[version(&world, 1)]);
    let org = format!(
        "org: acme\nconnections:\n  hubspot:\n    base_url: {BASE}/hubspot/acme\nroutes:\n  contact: [hubspot]\n"
    );
    world.configs.apply(&[("mappings/hubspot/contact.yaml", CONTACT), ("orgs/acme.yaml", &org)]).unwrap();
    world.clock.advance_ms(300_000);
    assert_eq!(world.sweep()[0].counts["dead"], 1);
    let slot = world.item_at("eu", "contact", "c").slot.unwrap();
    assert_eq!((slot.state, slot.reason.code.as_str()), (SlotState::Dead, "RTR2006"));
    // Its lane looks a few times more, whatever anybody's clock says, and then nobody does.
    for _ in 0..4 {
        world.clock.advance_ms(60_000);
        world.sweep();
    }
    world.clock.advance_ms(600_000);
    assert!(world.sweep().is_empty());
    // It is back: a person sends it again.
    configure(&world, "live");
    world.sync(&[build::wake("acme", "contact", "c", "eu", 1, world.now())]);
    assert_eq!(at(&world, "eu"), ["v1"]);
}

#[test]
fn given_a_connection_that_is_shadowed_when_what_it_parked_is_due_then_it_sleeps_on_and_goes_when_it_is_live()
{
    let world = two("live");
    world.faults(&eu("*contacts*", "status", &json!(503), 20));
    world.sync(&[version(&world, 1)]);
    world.faults(&json!([]));
    configure(&world, "shadow");
    let (calls, slot) = (writes_at_eu(&world), world.item_at("eu", "contact", "c").slot);
    assert_eq!(slot.as_ref().unwrap().state, SlotState::Parked);
    for _ in 0..10 {
        world.clock.advance_ms(10_000);
        world.sweep();
    }
    assert_eq!((writes_at_eu(&world), world.item_at("eu", "contact", "c").slot), (calls, slot));
    configure(&world, "live");
    world.clock.advance_ms(600_000);
    world.sweep();
    assert_eq!(at(&world, "eu"), ["v1"]);
}

/// The other connection's write whose answer was lost: it is held, since the request may land yet.
fn held() -> World {
    let world = two("live");
    world.sync(&[version(&world, 1)]);
    world.faults(&eu("*contacts*", "drop_after_commit", &Value::Null, 1));
    world.sync(&[version(&world, 2)]);
    assert_eq!(world.item_at("eu", "contact", "c").slot.unwrap().state, SlotState::Parked);
    world
}

#[test]
fn given_a_clock_ahead_of_the_queues_when_a_hold_seems_over_then_nothing_is_sent_before_it_is() {
    let world = held();
    let (calls, received) = (writes_at_eu(&world), world.now());
    let baton = |sent| {
        let eu = ConnectionKey::new("acme", "eu");
        let n = world.limits.state().lanes[&eu].n;
        let body = json!({"baton": {"org_id": "acme", "connection": "eu", "n": n}});
        build::message(&body, &eu.key(), sent)
    };
    // By our clock the hold is long over; by the queue's, which stamped the messages, it is not.
    world.clock.advance_ms(300_000);
    world.sync(&[build::wake("acme", "contact", "c", "eu", 2, received)]);
    world.bulk(&[baton(received)]);
    assert_eq!(
        (writes_at_eu(&world), world.item_at("eu", "contact", "c").slot.unwrap().wanted_version),
        (calls, 2)
    );
    let newer = build::event("acme", "contact", "c", 3, &json!({"email": "c@x.io"}), received);
    world.sync(&[newer]);
    world.bulk(&[baton(received)]);
    assert_eq!(writes_at_eu(&world), calls);
    let slot = world.item_at("eu", "contact", "c").slot.unwrap();
    assert_eq!((slot.state, slot.wanted_version), (SlotState::Parked, 3));
    // What is parked is no wake-up's to send.
    world.sync(&[build::wake("acme", "contact", "c", "eu", 3, world.now())]);
    assert_eq!(writes_at_eu(&world), calls);
    world.bulk(&[baton(world.now())]);
    assert_eq!((writes_at_eu(&world), world.item_at("eu", "contact", "c").slot), (calls + 1, None));
}

#[test]
fn given_a_clock_behind_the_queues_when_an_answer_is_lost_then_the_hold_is_counted_from_the_queues_time() {
    let world = two("live");
    world.sync(&[version(&world, 1)]);
    world.faults(&eu("*contacts*", "drop_after_commit", &Value::Null, 1));
    let true_now = world.now().plus_ms(300_000);
    world.sync(&[build::event("acme", "contact", "c", 2, &json!({"email": "c@x.io"}), true_now)]);
    let slot = world.item_at("eu", "contact", "c").slot.unwrap();
    assert!(slot.not_before >= true_now.plus_ms(60_000), "{:?}", slot.not_before);
}
