//! Records that are at the CRM already: matched before the first create, adopted, never doubled.

use rtr_testkit::world::World;
use serde_json::{Value, json};

const BY_EMAIL: &str = "object: contacts\nmatch: email\nfields:\n  email: email\n  firstname: first_name\n";

fn seed(world: &World, object: &str, records: &Value) {
    let body = json!({"provider": "hubspot", "account": "acme", "object": object, "records": records});
    world.crm.control("POST", "/_sandbox/records", &body);
}

#[test]
fn given_contacts_already_in_the_crm_when_first_loaded_then_they_are_adopted_and_stamped_and_none_is_added() {
    let world = World::with_contact(BY_EMAIL);
    let records: Vec<Value> =
        (0..10).map(|n| json!({"properties": {"email": format!("c{n}@x.io")}})).collect();
    seed(&world, "contacts", &json!(records));
    let batch: Vec<_> = (0..10)
        .map(|n| {
            world.contact(&format!("c{n}"), 1, &json!({"email": format!("C{n}@x.io"), "first_name": "Ann"}))
        })
        .collect();
    assert_eq!(world.sync(&batch).counts["applied"], 10);
    assert_eq!(
        (world.contacts("email").len(), world.contacts("firstname")),
        (10, vec!["Ann".to_owned(); 10])
    );
    assert!(world.contacts("rtr_record_id").contains(&"c7".to_owned()));
    assert_eq!(world.calls(), ["POST contacts/batch/read 200", "POST contacts/batch/update 200"]);
}

#[test]
fn given_two_candidates_when_matched_then_the_record_is_dead_listing_them() {
    let contact = "object: contacts\nmatch: phone\nfields:\n  email: email\n  phone: phone\n";
    let world = World::with_contact(contact);
    seed(&world, "contacts", &json!([{"properties": {"phone": "555"}}, {"properties": {"phone": "555"}}]));
    let report = world.sync(&[world.contact("c", 1, &json!({"email": "c@x.io", "phone": "555"}))]);
    assert_eq!((report.counts["dead"], world.contacts("phone").len()), (1, 2));
    let reason = world.item("contact", "c").slot.map(|slot| slot.reason).unwrap();
    let ids: Vec<String> = world
        .crm
        .records("acme", "contacts")
        .iter()
        .map(|one| one["id"].as_str().unwrap_or("").to_owned())
        .collect();
    assert_eq!(reason.code.as_str(), "RTR3005");
    assert!(ids.iter().all(|id| reason.message.contains(id)), "{}", reason.message);
}

#[test]
fn given_a_crm_record_that_another_record_has_adopted_when_matched_then_the_second_is_dead_naming_it() {
    let world = World::with_contact(BY_EMAIL);
    seed(&world, "contacts", &json!([{"properties": {"email": "shared@x.io"}}]));
    world.sync(&[world.contact("one", 1, &json!({"email": "shared@x.io"}))]);
    let report = world.sync(&[world.contact("two", 1, &json!({"email": "shared@x.io"}))]);
    assert_eq!((report.counts["dead"], world.contacts("email").len()), (1, 1));
    let reason = world.item("contact", "two").slot.map(|slot| slot.reason).unwrap();
    assert_eq!(reason.code.as_str(), "RTR3006");
    assert_eq!(world.contacts("rtr_record_id"), ["one"]);
}

#[test]
fn given_two_new_records_that_match_one_in_a_batch_when_synced_then_one_gets_it_and_the_other_is_dead() {
    let world = World::with_contact(BY_EMAIL);
    seed(&world, "contacts", &json!([{"properties": {"email": "shared@x.io"}}]));
    let batch = [
        world.contact("one", 1, &json!({"email": "shared@x.io"})),
        world.contact("two", 1, &json!({"email": "shared@x.io"})),
    ];
    let report = world.sync(&batch);
    assert_eq!((report.counts["applied"], report.counts["dead"], world.contacts("email").len()), (1, 1, 1));
}

#[test]
fn given_a_unique_value_that_another_record_has_when_not_matched_then_the_record_is_dead_as_a_duplicate() {
    let world = World::with_contact("object: contacts\nfields:\n  email: email\n");
    seed(&world, "contacts", &json!([{"properties": {"email": "taken@x.io"}}]));
    world.sync(&[world.contact("c", 1, &json!({"email": "taken@x.io"}))]);
    let reason = world.item("contact", "c").slot.map(|slot| slot.reason).unwrap();
    assert_eq!((reason.code.as_str(), world.contacts("email").len()), ("RTR3004", 1));
}
