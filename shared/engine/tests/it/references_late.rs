//! References that are linked just when a record goes without them, or looks for the last time: nobody is told then.

#![allow(clippy::unwrap_used)]

use crate::references::{CONTACT, HOUR_MS, associated, company, contact};
use crate::references_meanwhile::Earlier;
use rtr_core::item::SlotState;
use rtr_core::time::Instant;
use rtr_engine::batch::Received;
use rtr_engine::seams::Seams;
use rtr_engine::sync::{Caches, run};
use rtr_testkit::build;
use rtr_testkit::world::{TIMEOUT_MS, World};
use serde_json::json;
use std::sync::atomic::AtomicBool;

/// Works `message` as one whose worker reads just before the company is linked, and writes just after it.
fn sync_meanwhile(world: &World, message: Received) {
    let records = Earlier(world, AtomicBool::new(false), None);
    let seams = Seams { records: &records, ..world.seams() };
    let deadline = world.now().plus_ms(TIMEOUT_MS);
    futures::executor::block_on(run(&seams, &world.settings, &Caches::default(), &[message], deadline));
}

/// A contact that came three days ago.
fn old_contact(world: &World) -> Received {
    let came = world.now().plus_ms(-72 * HOUR_MS);
    Received { first_received_at: came, receive_count: 2, ..contact(world, "c", 1, "k") }
}

/// When the contact is looked at next, and what it waits as.
fn slot(world: &World) -> Option<(SlotState, Instant)> {
    world.item("contact", "c").slot.map(|slot| (slot.state, slot.waits.unwrap().look_at))
}

#[test]
fn given_a_contact_of_three_days_when_its_company_is_linked_while_it_goes_without_then_it_looks_once_more() {
    let world = World::with_contact(CONTACT);
    world.sync(&[company(&world, "k")]);
    sync_meanwhile(&world, old_contact(&world));
    let (state, look_at) = slot(&world).unwrap();
    assert!(state == SlotState::Incomplete && look_at > world.now(), "{state:?} {look_at:?}");
    world.clock.advance_ms(25 * HOUR_MS);
    world.sweep();
    assert_eq!((associated(&world, "k"), slot(&world)), (vec!["v1".to_owned()], None));
}

#[test]
fn given_a_contact_that_looks_for_the_last_time_when_its_company_is_linked_meanwhile_then_it_is_written() {
    let world = World::with_contact(CONTACT);
    world.sync(&[old_contact(&world)]);
    world.records.state().index_lags = true;
    world.sync(&[company(&world, "k")]);
    world.records.state().index_lags = false;
    sync_meanwhile(&world, build::wake("acme", "contact", "c", "hubspot", 1, world.now()));
    assert_eq!((associated(&world, "k"), slot(&world)), (vec!["v1".to_owned()], None));
}

#[test]
fn given_a_contact_whose_company_was_deleted_when_it_looks_for_it_then_the_look_ends() {
    let world = World::with_contact(CONTACT);
    world.sync(&[company(&world, "k")]);
    world.sync(&[build::delete("acme", "company", "k", 2, world.now())]);
    world.sync(&[contact(&world, "c", 1, "k")]);
    let (state, _) = slot(&world).unwrap();
    assert_eq!(state, SlotState::Incomplete);
    let calls = world.calls().len();
    world.clock.advance_ms(HOUR_MS);
    world.sweep();
    assert_eq!((world.calls().len(), slot(&world).unwrap().0), (calls, SlotState::Incomplete));
    world.sync(&[world.company("k", 3, &serde_json::json!({"name": "k"}))]);
    world.deliver();
    assert_eq!(associated(&world, "k"), ["v1"]);
}

#[test]
fn given_a_newer_version_that_landed_without_a_trace_when_the_older_one_that_waits_is_woken_then_it_is_not_told()
 {
    let world = World::with_contact(CONTACT);
    world.sync(&[contact(&world, "c", 1, "k")]);
    // The CRM's answer is lost, and the message is never seen again: the queue gave it up.
    let lost = json!([{"provider": "hubspot", "account": "acme", "match": {"path": "*contacts*"},
        "fault": "drop_after_commit", "value": null, "count": 1}]);
    world.faults(&lost);
    world.sync(&[world.contact("c", 2, &json!({"email": "c@x.io", "first_name": "v2"}))]);
    assert_eq!(world.contacts("firstname"), ["v2"]);
    world.clock.advance_ms(2 * HOUR_MS);
    let wake = build::wake("acme", "contact", "c", "hubspot", 1, world.now());
    assert_eq!(world.sync(&[wake]).counts["superseded"], 1);
    assert_eq!(world.contacts("firstname"), ["v2"]);
}
