//! Associations to linked records.

use rtr_testkit::build;
use rtr_testkit::world::World;
use serde_json::json;

const WITH_COMPANY: &str = "object: contacts\nreference_wait: 1h\nfields:\n  email: email\n  company: {reference: company, id: company_id, association: default}\n";

#[test]
fn given_a_linked_company_when_its_contact_is_synced_then_they_are_associated_by_the_default_label() {
    let world = World::with_contact(WITH_COMPANY);
    world.sync(&[world.company("k", 1, &json!({"name": "K"}))]);
    let report = world.sync(&[world.contact("c", 1, &json!({"email": "c@x.io", "company_id": "k"}))]);
    assert_eq!(report.counts["applied"], 1);
    let company = world.item("company", "k").external_id.unwrap();
    let contact = &world.crm.records("acme", "contacts")[0];
    assert!(contact["associations"].to_string().contains(&company), "{contact}");
}

#[test]
fn given_an_association_that_fails_when_synced_then_the_record_keeps_its_link_and_is_tried_again() {
    let world = World::with_contact(WITH_COMPANY);
    world.sync(&[world.company("k", 1, &json!({"name": "K"}))]);
    world.faults(&json!([{"provider": "hubspot", "account": "acme", "match": {"path": "*associations*"},
        "fault": "status", "value": 503, "count": 20}]));
    let contact = world.contact("c", 1, &json!({"email": "c@x.io", "company_id": "k"}));
    assert_eq!(world.sync(&[contact.clone()]).failed.len(), 1);
    let item = world.item("contact", "c");
    assert_eq!((item.external_id.is_some(), item.applied_version, item.applied_hash), (true, None, None));
    world.faults(&json!([]));
    world.clock.advance_ms(60_000);
    assert_eq!(world.sync(&[build::again(contact)]).counts["applied"], 1);
    assert_eq!(world.contacts("email").len(), 1);
}
