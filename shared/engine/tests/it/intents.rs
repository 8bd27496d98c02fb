//! Creates at a CRM without a unique key: one record, whatever gets lost.

use crate::parked;
use rtr_engine::seams::Limits as _;
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
fn given_no_token_when_a_record_without_a_key_is_new_then_it_is_parked_by_one_write_and_made_by_an_intent_and_its_end()
 {
    let world =
        World::with_contact("object: contacts\nkey: none\nmarker: jobtitle\nfields:\n  email: email\n");
    let stopped = world.limits.block("acme#hubspot#*", world.now().plus_ms(60_000));
    futures::FutureExt::now_or_never(stopped).unwrap().unwrap();
    world.sync(&[world.contact("c", 1, &json!({"email": "c@x.io"}))]);
    let item = world.item("contact", "c");
    assert_eq!((item.rev, item.intent, item.slot.is_some(), world.calls().len()), (1, None, true, 0));
    world.clock.advance_ms(61_000);
    world.sweep();
    assert_eq!((world.item("contact", "c").rev, world.contacts("email").len()), (3, 1));
}

#[test]
fn given_a_create_whose_answer_was_lost_when_the_hold_is_over_then_it_is_looked_for_and_linked_not_made_twice()
 {
    let world = World::with_contact(WITHOUT_KEY);
    world.faults(&json!([{"provider": "hubspot", "account": "acme", "match": {"path": "*batch/create*"},
        "fault": "drop_after_commit", "value": Value::Null, "count": 1}]));
    let message = world.contact("c", 1, &json!({"email": "c@x.io"}));
    assert!(world.sync(&[message.clone()]).failed.is_empty());
    parked(&world, "c");
    assert!(world.item("contact", "c").intent.is_some());
    // The create may still be under way, or not be found, for as long as a request lives and an index lags: nobody
    // creates, nobody looks.
    let calls = world.calls().len();
    for _ in 0..11 {
        world.clock.advance_ms(10_000);
        world.sync(&[build::again(message.clone())]);
        world.sweep();
        assert_eq!((parked(&world, "c").wanted_version, world.calls().len()), (1, calls));
    }
    world.clock.advance_ms(10_000);
    world.sweep();
    let item = world.item("contact", "c");
    assert_eq!((world.contacts("email").len(), item.intent, item.applied_version), (1, None, Some(1)));
}

#[test]
fn given_a_create_that_never_landed_when_the_hold_is_over_then_the_intent_is_taken_over_and_it_is_made_once()
{
    let world = World::with_contact(WITHOUT_KEY);
    world.faults(&json!([{"provider": "hubspot", "account": "acme", "match": {"path": "*batch/create*"},
        "fault": "status", "value": 502, "count": 1}]));
    let message = world.contact("c", 1, &json!({"email": "c@x.io"}));
    assert!(world.sync(&[message]).failed.is_empty());
    world.clock.advance_ms(300_000);
    world.sweep();
    let item = world.item("contact", "c");
    assert_eq!((world.contacts("email"), item.slot, item.intent), (vec!["c@x.io".to_owned()], None, None));
}

#[test]
fn given_a_create_that_was_refused_when_mended_then_the_next_version_need_not_wait_for_the_intent() {
    let world = World::with_contact(WITHOUT_KEY);
    assert_eq!(world.sync(&[world.contact("c", 1, &json!({"email": "wrong"}))]).counts["dead"], 1);
    assert_eq!(world.item("contact", "c").intent, None);
    assert_eq!(world.sync(&[world.contact("c", 2, &json!({"email": "c@x.io"}))]).counts["applied"], 1);
}
