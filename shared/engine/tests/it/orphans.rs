//! Versions that sleep at a connection which is gone.

#![allow(clippy::unwrap_used)]

use crate::references::{CONTACT, contact};
use rtr_core::code::Code;
use rtr_core::item::SlotState;
use rtr_testkit::build;
use rtr_testkit::world::World;
use serde_json::json;

/// Version 1 waits for its company at a connection that is then taken away.
fn left_alone() -> World {
    let world = World::with_contact(CONTACT);
    world.sync(&[contact(&world, "c", 1, "k")]);
    world.configs.apply(&[("orgs/acme.yaml", "org: acme\nconnections: {}\nroutes: {}\n")]).unwrap();
    world.clock.advance_ms(60_000);
    world
}

#[test]
fn given_the_same_version_beside_its_wake_when_the_connection_is_gone_then_it_is_dead_once() {
    let world = left_alone();
    let wake = build::wake("acme", "contact", "c", "hubspot", 1, world.now());
    let report = world.sync(&[build::again(contact(&world, "c", 1, "k")), wake]);
    assert_eq!((report.counts["dead"], report.failed.len()), (1, 0));
    let slot = world.item("contact", "c").slot.unwrap();
    assert_eq!((slot.state, slot.reason.code), (SlotState::Dead, Code::NoMapping));
    assert_eq!(world.queue.state().dead_letter.len(), 0, "and lies in no queue besides");
}

#[test]
fn given_a_newer_version_beside_the_wake_of_an_older_one_when_the_connection_is_gone_then_the_newer_one_is_dead()
 {
    let world = left_alone();
    let wake = build::wake("acme", "contact", "c", "hubspot", 1, world.now());
    let report = world.sync(&[world.contact("c", 2, &json!({"email": "c@x.io"})), wake]);
    assert_eq!((report.counts["dead"], report.failed.len()), (1, 0));
    let letters = world.queue.receive(rtr_engine::seams::QueueName::DeadLetter, 10);
    world.redrive(&letters);
    assert_eq!(world.item("contact", "c").slot.unwrap().wanted_version, 2);
}
