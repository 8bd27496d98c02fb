//! What one record that never succeeds can cost: calls in one receive, and over its life in the queue.

#![allow(clippy::unwrap_used, clippy::panic)]

use crate::{CONTACT, references};
use rtr_core::item::SlotState;
use rtr_testkit::build;
use rtr_testkit::world::World;
use serde_json::{Value, json};

/// Calls of one receive at most.
const PER_RECEIVE: usize = 8;
/// Calls over a record's life on the fast lane at most.
const PER_LIFE: usize = 25;

/// Every way in which a call can fail for good, at every path.
fn ways() -> Vec<(&'static str, Value)> {
    let mut ways = vec![
        ("refuse", Value::Null),
        ("drop_after_commit", Value::Null),
        ("html", json!(200)),
        ("empty_2xx", json!(200)),
        ("truncate", Value::Null),
    ];
    ways.extend([400, 401, 403, 404, 409, 423, 429, 500, 502, 503].map(|status| ("status", json!(status))));
    let rest = |status: u16| json!({"status": status, "headers": {"Retry-After": "20"}});
    ways.extend([("status", rest(429)), ("status", rest(503))]);
    ways
}

/// Mappings by what they need of the CRM: an upsert, a look and a create, an upsert and an association.
const MAPPINGS: [&str; 3] = [
    CONTACT,
    "object: contacts\nkey: none\nmatch: email\nfields:\n  email: email\n",
    "object: contacts\nfields:\n  email: email\n  company: {reference: company, id: company_id, association: default}\n",
];

/// Receives the message again and again, each time when it is visible, until the queue is rid of it.
fn live_on_the_fast_lane(world: &World) -> (usize, usize) {
    let mut message =
        world.contact("c", 1, &json!({"email": "c@x.io", "first_name": "Ann", "company_id": "k"}));
    let (mut most, mut all) = (0, 0);
    for _ in 0..100 {
        let before = world.calls().len();
        let failed = !world.sync(&[message.clone()]).failed.is_empty();
        let calls = world.calls().len() - before;
        (most, all) = (most.max(calls), all + calls);
        if !failed {
            return (most, all);
        }
        message = build::again(message);
        world.clock.advance_ms(900_000);
    }
    panic!("it stays in the queue");
}

#[test]
fn given_a_record_that_fails_in_any_way_when_received_again_and_again_then_its_calls_are_bounded() {
    let paths = ["*", "*/batch/upsert", "*/batch/read", "*/search", "*/batch/create", "*/associations/*"];
    for (mapping, path) in MAPPINGS.iter().flat_map(|mapping| paths.map(|path| (mapping, path))) {
        for (fault, value) in ways() {
            let world = World::with_contact(mapping);
            world.sync(&[world.company("k", 1, &json!({"name": "k"}))]);
            world.faults(&json!([{"provider": "hubspot", "account": "acme", "match": {"path": path}, "fault": fault, "value": value}]));
            let (most, all) = live_on_the_fast_lane(&world);
            assert!(
                most <= PER_RECEIVE && all <= PER_LIFE,
                "{fault} {value} at {path} of `{mapping}`: {most} a receive, {all} in all"
            );
        }
    }
}

#[test]
fn given_a_crm_that_is_down_for_a_record_with_one_connection_when_received_five_times_then_it_waits_in_its_slot()
 {
    let world = World::with_contact(CONTACT);
    world.faults(&json!([{"provider": "hubspot", "account": "acme", "fault": "status", "value": 503}]));
    live_on_the_fast_lane(&world);
    assert_eq!(world.item("contact", "c").slot.unwrap().state, SlotState::Parked);
    world.faults(&json!([]));
    world.clock.advance_ms(600_000);
    world.sweep();
    assert_eq!(
        (world.contacts("firstname"), world.item("contact", "c").slot),
        (vec!["Ann".to_owned()], None)
    );
}

#[test]
fn given_a_limiter_that_never_answers_when_asked_for_many_calls_then_it_is_waited_for_once_in_five_seconds() {
    let world = World::with_contact(CONTACT);
    world.limits.state().hangs = true;
    let asked = |id: &str| {
        let began = world.now();
        world.sync(&[world.contact(id, 1, &json!({"email": format!("{id}@x.io")}))]);
        world.now().since_ms(began)
    };
    let first = asked("a");
    // Time for the local backstop, which gives a call a second.
    world.clock.advance_ms(2_000);
    let second = asked("b");
    assert!(first >= 50 && second < 50, "{first} ms, then {second} ms");
    world.clock.advance_ms(5_000);
    assert!(asked("c") >= 50, "the limiter is asked again");
}

#[test]
fn given_a_wake_whose_predecessor_came_again_when_worked_then_the_work_is_announced_so_that_crashes_count() {
    for (came_again, writes) in [(false, 1), (true, 2)] {
        let world = World::with_contact(references::CONTACT);
        world.sync(&[references::contact(&world, "c", 1, "k")]);
        assert_eq!(world.item("contact", "c").slot.unwrap().state, SlotState::Waiting);
        world.sync(&[references::company(&world, "k")]);
        // The function died of it, and the record it waits for has woken it anew while the first wake lay hidden.
        let wake = build::wake("acme", "contact", "c", "hubspot", 1, world.now());
        let first = if came_again { vec![build::again(wake.clone())] } else { Vec::new() };
        let before = world.item("contact", "c").rev;
        assert_eq!(world.sync(&[first, vec![wake]].concat()).counts["applied"], 1);
        let item = world.item("contact", "c");
        assert_eq!((item.rev - before, item.crashes), (writes, 0));
    }
}
