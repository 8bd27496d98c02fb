//! A shadowed connection: everything but the call.

#![allow(clippy::unwrap_used)]

use rtr_testkit::crm::BASE;
use rtr_testkit::world::World;
use serde_json::json;

const CONTACT: &str = "object: contacts\nfields:\n  email: email\n  firstname: first_name\n  company: {reference: company, id: company_id, association: default}\n";

fn mode(world: &World, mode: &str) {
    let org = format!(
        "org: acme\nconnections:\n  hubspot:\n    mode: {mode}\n    base_url: {BASE}/hubspot/acme\nroutes:\n  contact: [hubspot]\n"
    );
    let files = [
        ("mappings/hubspot/contact.yaml", CONTACT),
        (
            "mappings/hubspot/company.yaml",
            "object: companies
fields:
  name: name
",
        ),
        ("orgs/acme.yaml", org.as_str()),
    ];
    world.configs.apply(&files).unwrap();
}

#[test]
fn given_a_shadowed_connection_when_synced_then_hash_and_field_names_are_kept_and_nothing_is_sent() {
    let world = World::with_contact(CONTACT);
    mode(&world, "shadow");
    let event = world.contact("c", 3, &json!({"email": "c@x.io", "first_name": "Ann", "company_id": "k"}));
    let report = world.sync(&[event.clone()]);
    assert_eq!((report.counts["skipped"], report.failed.len(), world.calls().len()), (1, 0, 0));
    let item = world.item("contact", "c");
    let shadow = item.shadow.unwrap();
    assert_eq!(
        (shadow.version, shadow.fields, item.applied_version),
        (3, vec!["company".to_owned(), "email".to_owned(), "firstname".to_owned()], None)
    );
    assert!(!format!("{:?}", world.item("contact", "c")).contains("c@x.io"), "names and digests, no values");
    // Again, and an older one: nothing new to keep.
    let writes = world.records.state().writes;
    world.sync(&[event, world.contact("c", 2, &json!({"email": "old@x.io"}))]);
    assert_eq!(world.records.state().writes, writes);
    assert_eq!(world.item("contact", "c").shadow.unwrap().version, 3);
}

#[test]
fn given_a_shadowed_version_when_the_connection_is_live_and_it_comes_again_then_it_is_planned_and_written() {
    let world = World::with_contact(CONTACT);
    mode(&world, "shadow");
    let data = json!({"email": "c@x.io", "first_name": "Ann"});
    world.sync(&[world.contact("c", 1, &data)]);
    let kept = world.item("contact", "c").shadow.unwrap().hash;
    mode(&world, "live");
    assert_eq!(world.sync(&[world.contact("c", 1, &data)]).counts["applied"], 1);
    let item = world.item("contact", "c");
    assert_eq!(
        (world.contacts("email"), item.applied_hash, item.shadow),
        (vec!["c@x.io".to_owned()], Some(kept), None)
    );
}
