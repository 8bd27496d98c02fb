//! Creates at a CRM without a unique key: one record, whatever gets lost.

use rtr_testkit::build;
use rtr_testkit::world::World;
use serde_json::{Value, json};

const WITHOUT_KEY: &str = "object: contacts\nkey: none\nmatch: email\nfields:\n  email: email\n";

#[test]
fn given_a_mapping_without_a_key_when_created_then_an_intent_stood_before_the_call_and_is_gone_after() {
    let world = World::with_contact(WITHOUT_KEY);
    assert_eq!(world.sync(&[world.contact("c", 1, &json!({"email": "c@x.io"}))]).counts["applied"], 1);
    assert_eq!(world.calls().last().map(String::as_str), Some("POST contacts/batch/create 201"));
    let item = world.item("contact", "c");
    assert_eq!((item.intent, item.external_id.is_some(), item.rev), (None, true, 2));
}

#[test]
fn given_a_create_whose_answer_was_lost_when_received_again_then_it_is_looked_for_and_linked_not_made_twice()
{
    let world = World::with_contact(WITHOUT_KEY);
    world.faults(&json!([{"provider": "hubspot", "account": "acme", "match": {"path": "*batch/create*"},
        "fault": "drop_after_commit", "value": Value::Null, "count": 1}]));
    let message = world.contact("c", 1, &json!({"email": "c@x.io"}));
    assert_eq!(world.sync(&[message.clone()]).failed.len(), 1);
    assert!(world.item("contact", "c").intent.is_some());
    // A moment later the create may still be under way, or not be found: nobody creates, nobody looks.
    let calls = world.calls().len();
    world.clock.advance_ms(10_000);
    assert_eq!((world.sync(&[build::again(message.clone())]).failed.len(), world.calls().len()), (1, calls));
    world.clock.advance_ms(300_000);
    assert!(world.sync(&[build::again(build::again(message))]).failed.is_empty());
    let item = world.item("contact", "c");
    assert_eq!((world.contacts("email").len(), item.intent, item.applied_version), (1, None, Some(1)));
}

#[test]
fn given_a_create_that_never_landed_when_received_again_then_the_intent_is_taken_over_and_it_is_made_once() {
    let world = World::with_contact(WITHOUT_KEY);
    world.faults(&json!([{"provider": "hubspot", "account": "acme", "match": {"path": "*batch/create*"},
        "fault": "status", "value": 502, "count": 1}]));
    let message = world.contact("c", 1, &json!({"email": "c@x.io"}));
    assert_eq!(world.sync(&[message.clone()]).failed.len(), 1);
    world.clock.advance_ms(300_000);
    assert!(world.sync(&[build::again(message)]).failed.is_empty());
    assert_eq!(world.contacts("email"), ["c@x.io"]);
}

#[test]
fn given_a_create_that_was_refused_when_mended_then_the_next_version_need_not_wait_for_the_intent() {
    let world = World::with_contact(WITHOUT_KEY);
    assert_eq!(world.sync(&[world.contact("c", 1, &json!({"email": "wrong"}))]).counts["dead"], 1);
    assert_eq!(world.item("contact", "c").intent, None);
    assert_eq!(world.sync(&[world.contact("c", 2, &json!({"email": "c@x.io"}))]).counts["applied"], 1);
}
