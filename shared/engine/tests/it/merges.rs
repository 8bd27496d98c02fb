//! Two CRM records that are both ours, merged into one by somebody in the CRM.

#![allow(clippy::unwrap_used)]

use crate::CONTACT;
use rtr_core::code::Code;
use rtr_testkit::build;
use rtr_testkit::world::World;
use serde_json::json;

/// Contacts `a` and `b`, `b`'s CRM record merged into `a`'s.
fn merged() -> World {
    let world = World::with_contact(CONTACT);
    world.sync(&[named(&world, "a", 1), named(&world, "b", 1)]);
    let id = |record: &str| world.item("contact", record).external_id.unwrap();
    let token = world.crm.token("acme");
    let body = json!({"primaryObjectId": id("a"), "objectIdToMerge": id("b")});
    let answer = world.crm.ask("POST", "/hubspot/acme/crm/v3/objects/contacts/merge", &token, &body);
    assert!(answer["id"].is_string(), "{answer}");
    world
}

fn named(world: &World, id: &str, version: u64) -> rtr_engine::batch::Received {
    world.contact(
        id,
        version,
        &json!({"email": format!("{id}@x.io"), "first_name": format!("{id}{version}")}),
    )
}

fn dead_code(world: &World, id: &str) -> Option<Code> {
    world.item("contact", id).dead().map(|slot| slot.reason.code)
}

#[test]
fn given_two_of_ours_merged_when_the_loser_changes_again_and_again_then_the_winner_is_not_written_over() {
    let world = merged();
    // HubSpot itself sends the first write on to the record that was kept.
    world.sync(&[named(&world, "b", 2)]);
    assert_eq!(dead_code(&world, "b"), Some(Code::Owned));
    world.sync(&[named(&world, "a", 2)]);
    let calls = world.calls().len();
    world.sync(&[named(&world, "b", 3)]);
    let slot = world.item("contact", "b").slot.unwrap();
    assert_eq!((dead_code(&world, "b"), slot.wanted_version), (Some(Code::Owned), 3));
    assert_eq!((world.calls().len(), world.contacts("firstname")), (calls, vec!["a2".to_owned()]));
}

#[test]
fn given_a_loser_whose_version_is_dead_when_it_is_deleted_then_the_winner_stays() {
    let world = merged();
    world.sync(&[named(&world, "b", 2)]);
    world.sync(&[named(&world, "a", 2)]);
    let calls = world.calls().len();
    world.sync(&[build::delete("acme", "contact", "b", 3, world.now())]);
    let item = world.item("contact", "b");
    assert_eq!((item.external_id, item.applied_version, item.slot), (None, Some(3), None));
    assert_eq!((world.calls().len(), world.contacts("firstname")), (calls, vec!["a2".to_owned()]));
}

#[test]
fn given_a_loser_whose_version_is_dead_when_a_person_redrives_it_then_the_crm_is_asked_again() {
    let world = merged();
    world.sync(&[named(&world, "b", 2)]);
    let calls = world.calls().len();
    world.sync(&[build::wake("acme", "contact", "b", "hubspot", 2, world.now())]);
    assert!(world.calls().len() > calls);
}
