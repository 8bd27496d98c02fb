//! A CRM that is down, slow, cut off, or says nothing: never twice, never older over newer, never lost.

use crate::{CONTACT, parked};
use rtr_testkit::build;
use rtr_testkit::world::World;
use serde_json::{Value, json};

fn fault(fault: &str, value: &Value, count: u32) -> Value {
    json!([{"provider": "hubspot", "account": "acme", "match": {"path": "*contacts*"}, "fault": fault, "value": value,
        "count": count}])
}

#[test]
fn given_a_crm_that_says_503_once_when_synced_then_it_is_tried_again_in_place() {
    let world = World::with_contact(CONTACT);
    world.faults(&fault("status", &json!(503), 1));
    assert_eq!(world.sync(&[world.contact("c", 1, &json!({"email": "c@x.io"}))]).counts["applied"], 1);
}

#[test]
fn given_a_crm_that_is_down_when_synced_then_the_message_returns_and_applies_once_it_is_up() {
    let world = World::with_contact(CONTACT);
    world.faults(&fault("status", &json!(503), 100));
    let message = world.contact("c", 1, &json!({"email": "c@x.io"}));
    assert_eq!(world.sync(&[message.clone()]).failed.len(), 1);
    assert!(world.item("contact", "c").slot.is_none());
    world.faults(&json!([]));
    world.clock.advance_ms(10_000);
    assert!(world.sync(&[build::again(message)]).failed.is_empty());
    assert_eq!(world.contacts("email"), ["c@x.io"]);
}

#[test]
fn given_an_answer_lost_after_the_write_when_synced_then_the_call_is_not_repeated_in_place_and_no_second_record_comes()
 {
    let world = World::with_contact(CONTACT);
    world.faults(&fault("drop_after_commit", &Value::Null, 1));
    let message = world.contact("c", 1, &json!({"email": "c@x.io"}));
    let report = world.sync(&[message]);
    assert_eq!((report.failed.len(), world.calls().len()), (0, 1));
    assert_eq!(
        parked(&world, "c").not_before,
        world.now().plus_ms(60_000),
        "the hold: the life of a request"
    );
    world.clock.advance_ms(59_999);
    world.sweep();
    assert_eq!(world.calls().len(), 1, "nothing is sent while it may land");
    world.clock.advance_ms(1);
    world.sweep();
    assert!(
        world.calls()[1].starts_with("POST contacts/batch/read"),
        "it is looked for first: {:?}",
        world.calls()
    );
    assert_eq!((world.contacts("email"), world.item("contact", "c").slot), (vec!["c@x.io".to_owned()], None));
}

#[test]
fn given_a_lost_answer_to_an_update_when_synced_then_the_hash_is_gone_and_the_old_content_is_written_again() {
    let world = World::with_contact(CONTACT);
    let data = |name: &str| json!({"email": "c@x.io", "first_name": name});
    world.sync(&[world.contact("c", 1, &data("A"))]);
    world.faults(&fault("drop_after_commit", &Value::Null, 1));
    world.sync(&[world.contact("c", 2, &data("B"))]);
    assert_eq!(
        (world.item("contact", "c").applied_hash, world.contacts("firstname")),
        (None, vec!["B".to_owned()])
    );
    // The next version equals the one confirmed last; believing the old hash would leave B at the CRM.
    assert!(world.sync(&[world.contact("c", 3, &data("A"))]).failed.is_empty());
    assert_eq!((parked(&world, "c").wanted_version, world.contacts("firstname")), (3, vec!["B".to_owned()]));
    world.clock.advance_ms(60_000);
    world.sweep();
    assert_eq!((world.contacts("firstname"), world.item("contact", "c").slot), (vec!["A".to_owned()], None));
}

#[test]
fn given_results_that_are_reordered_or_missing_when_synced_then_each_record_gets_its_own_outcome() {
    let world = World::with_contact(CONTACT);
    world.faults(&fault("reorder", &Value::Null, 1));
    let batch: Vec<_> =
        (0..5).map(|n| world.contact(&format!("c{n}"), 1, &json!({"email": format!("c{n}@x.io")}))).collect();
    assert_eq!(world.sync(&batch).counts["applied"], 5);
    let held = world.crm.records("acme", "contacts");
    for n in 0..5 {
        let id = world.item("contact", &format!("c{n}")).external_id;
        let record =
            held.iter().find(|one| one["properties"]["rtr_record_id"] == json!(format!("c{n}"))).unwrap();
        assert_eq!(id.as_deref(), record["id"].as_str());
    }
    world.faults(&fault("omit", &Value::Null, 1));
    let batch: Vec<_> =
        (5..9).map(|n| world.contact(&format!("c{n}"), 1, &json!({"email": format!("c{n}@x.io")}))).collect();
    let report = world.sync(&batch);
    assert_eq!((report.counts["applied"], report.counts["parked"], report.failed.len()), (3, 1, 0));
    let unsure: Vec<_> = (5..9).filter(|n| world.item("contact", &format!("c{n}")).slot.is_some()).collect();
    assert_eq!(unsure.len(), 1);
    world.clock.advance_ms(60_000);
    world.sweep();
    assert_eq!(world.contacts("email").len(), 9, "it was written, and is found");
    assert_eq!(world.item("contact", &format!("c{}", unsure[0])).slot, None);
}

#[test]
fn given_a_2xx_with_nothing_in_it_when_synced_then_it_is_not_taken_for_success() {
    let world = World::with_contact(CONTACT);
    world.faults(&fault("empty_2xx", &Value::Null, 1));
    assert!(world.sync(&[world.contact("c", 1, &json!({"email": "c@x.io"}))]).failed.is_empty());
    assert_eq!(parked(&world, "c").reason.code.as_str(), "RTR4003");
    assert_eq!(world.item("contact", "c").applied_version, None);
    world.clock.advance_ms(60_000);
    world.sweep();
    assert_eq!(
        (world.contacts("email"), world.item("contact", "c").applied_version),
        (vec!["c@x.io".to_owned()], Some(1))
    );
}

#[test]
fn given_one_bad_record_in_a_batch_when_synced_then_only_it_is_dead_with_the_crms_field() {
    let world = World::with_contact(CONTACT);
    let mut batch: Vec<_> =
        (0..9).map(|n| world.contact(&format!("c{n}"), 1, &json!({"email": format!("c{n}@x.io")}))).collect();
    batch.push(world.contact("bad", 1, &json!({"email": "not an address"})));
    let report = world.sync(&batch);
    assert_eq!((report.counts["applied"], report.counts["dead"], report.failed.len()), (9, 1, 0));
    let reason = world.item("contact", "bad").slot.map(|slot| slot.reason).unwrap();
    assert_eq!((reason.code.as_str(), reason.field.as_deref()), ("RTR3001", Some("email")));
    assert!(!reason.message.contains("not an address"), "{}", reason.message);
}

#[test]
fn given_a_commit_whose_answer_was_lost_when_synced_then_our_own_write_counts_as_done() {
    let world = World::with_contact(CONTACT);
    world.sync(&[world.contact("c", 1, &json!({"email": "c@x.io"}))]);
    world.records.state().lose_answers = 1;
    let report = world.sync(&[world.contact("c", 2, &json!({"email": "d@x.io"}))]);
    assert_eq!((report.counts["applied"], report.failed.len(), report.counts.get("overtaken")), (1, 0, None));
}

#[test]
fn given_a_record_deleted_in_the_crm_when_updated_then_it_is_made_anew_once() {
    let world = World::with_contact(CONTACT);
    world.sync(&[world.contact("c", 1, &json!({"email": "c@x.io"}))]);
    let id = world.item("contact", "c").external_id.unwrap();
    let token = world.crm.token("acme");
    let gone = rtr_sandbox_delete(&world, &id, &token);
    assert_eq!(gone, 204);
    world.clock.advance_ms(300_000);
    let report = world.sync(&[world.contact("c", 2, &json!({"email": "c@x.io", "first_name": "B"}))]);
    assert_eq!((report.counts["applied"], world.contacts("firstname")), (1, vec!["B".to_owned()]));
    assert_ne!(world.item("contact", "c").external_id.as_deref(), Some(id.as_str()));
}

fn rtr_sandbox_delete(world: &World, id: &str, token: &str) -> u16 {
    use rtr_connectors::http::{Http, Method, Outgoing};
    let request = Outgoing {
        method: Method::Delete,
        url: format!("{}/hubspot/acme/crm/v3/objects/contacts/{id}", rtr_testkit::crm::BASE),
        headers: vec![("authorization".to_owned(), format!("Bearer {token}").into())],
        body: Vec::new(),
        timeout: std::time::Duration::from_secs(1),
        question: None,
    };
    futures::executor::block_on(world.crm.send(request)).map(|answer| answer.status).unwrap_or(0)
}

#[test]
fn given_an_invocation_with_no_time_left_when_synced_then_nothing_is_called_and_no_breaker_is_set() {
    let world = World::with_contact(CONTACT);
    let message = world.contact("c", 1, &json!({"email": "c@x.io"}));
    let deadline = world.now().plus_ms(3_500);
    let caches = rtr_engine::sync::Caches::default();
    let (seams, batch) = (world.seams(), [message.clone()]);
    let run = rtr_engine::sync::run(&seams, &world.settings, &caches, &batch, deadline);
    let report = futures::executor::block_on(run);
    assert_eq!((report.failed.len(), world.calls().len()), (1, 0));
    assert_eq!(world.sync(&[build::again(message)]).counts["applied"], 1);
}

#[test]
fn given_a_crm_slower_than_a_call_may_last_when_synced_then_the_outcome_counts_as_unknown() {
    let world = World::with_contact(CONTACT);
    world.faults(&fault("latency", &json!(40_000), 1));
    let message = world.contact("c", 1, &json!({"email": "c@x.io"}));
    assert!(world.sync(&[message]).failed.is_empty());
    assert_eq!(parked(&world, "c").reason.code.as_str(), "RTR4003");
    let calls = world.calls().len();
    world.clock.advance_ms(59_999);
    world.sweep();
    assert_eq!(world.calls().len(), calls);
    world.clock.advance_ms(1);
    world.sweep();
    assert_eq!((world.contacts("email").len(), world.item("contact", "c").applied_version), (1, Some(1)));
}

#[test]
fn given_one_record_that_waits_in_a_coarse_group_when_synced_then_all_behind_it_return_and_none_is_applied_twice()
 {
    let mut world = World::with_contact(CONTACT);
    world.settings.group_buckets = 1;
    let in_group = |mut message: rtr_engine::batch::Received, id: &str| {
        message.group = rtr_core::key::RecordKey::new("acme", "contact", id).message_group(1);
        message
    };
    let batch = [
        in_group(world.contact("a", 1, &json!({"email": "a@x.io"})), "a"),
        in_group(build::again(world.contact("b", 1, &json!({"email": "b@x.io"}))), "b"),
        in_group(world.contact("c", 1, &json!({"email": "c@x.io"})), "c"),
    ];
    world.faults(
        &json!([{"provider": "hubspot", "account": "acme", "match": {"body": "b@x.io"}, "fault": "status",
        "value": 503, "count": 10}]),
    );
    let report = world.sync(&batch);
    assert!(!report.failed.is_empty());
    world.faults(&json!([]));
    world.clock.advance_ms(60_000);
    let again: Vec<_> = batch
        .iter()
        .filter(|one| report.failed.contains(&one.message_id))
        .cloned()
        .map(build::again)
        .collect();
    assert!(world.sync(&again).failed.is_empty());
    assert_eq!(world.contacts("email"), ["a@x.io", "b@x.io", "c@x.io"]);
}
