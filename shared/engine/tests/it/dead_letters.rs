//! What needs a person: filed with its record, listed, woken, cleared by something newer; crashes counted.

use crate::{CONTACT, parked};
use rtr_core::item::{Body, SlotState};
use rtr_testkit::build;
use rtr_testkit::world::World;
use serde_json::json;

fn rejected() -> World {
    let world = World::with_contact(CONTACT);
    world.sync(&[world.contact("c", 1, &json!({"email": "c@x.io"}))]);
    world.sync(&[world.contact("c", 2, &json!({"email": "wrong"}))]);
    world
}

#[test]
fn given_a_rejected_version_when_filed_then_the_item_holds_its_data_and_the_link_stays() {
    let item = rejected().item("contact", "c");
    let slot = item.slot.unwrap();
    assert_eq!((slot.state, slot.wanted_version, item.applied_version), (SlotState::Dead, 2, Some(1)));
    assert_eq!((slot.body, item.external_id.is_some()), (Body::Inline(json!({"email": "wrong"})), true));
}

#[test]
fn given_a_dead_version_when_a_newer_one_succeeds_then_it_is_cleared_by_itself() {
    let world = rejected();
    world.sync(&[world.contact("c", 3, &json!({"email": "right@x.io"}))]);
    let item = world.item("contact", "c");
    assert_eq!((item.slot, item.applied_version), (None, Some(3)));
}

#[test]
fn given_a_dead_version_when_woken_after_the_cause_is_mended_then_it_is_applied_from_its_own_data() {
    let world = rejected();
    world.configs.apply(&[
        ("mappings/hubspot/contact.yaml", "object: contacts\nfields:\n  firstname: email\n"),
        ("orgs/acme.yaml", "org: acme\nconnections:\n  hubspot:\n    base_url: http://sandbox/hubspot/acme\nroutes:\n  contact: [hubspot]\n"),
    ]).unwrap();
    let wake = build::wake("acme", "contact", "c", "hubspot", 2, world.now());
    let report = world.sync(&[wake.clone()]);
    assert_eq!((report.counts["applied"], world.contacts("firstname")), (1, vec!["wrong".to_owned()]));
    let calls = world.calls().len();
    assert_eq!(world.sync(&[wake]).counts["superseded"], 1, "a second wake finds nothing to wake");
    assert_eq!(world.calls().len(), calls);
}

#[test]
fn given_a_wake_of_an_older_version_when_synced_then_it_changes_nothing() {
    let world = rejected();
    world.sync(&[world.contact("c", 3, &json!({"email": "right@x.io"}))]);
    let wake = build::wake("acme", "contact", "c", "hubspot", 2, world.now());
    assert_eq!(
        (world.sync(&[wake]).counts["superseded"], world.contacts("email")),
        (1, vec!["right@x.io".to_owned()])
    );
}

#[test]
fn given_a_record_over_100_kib_when_it_dies_then_its_body_lies_outside_and_leaves_with_the_letter() {
    let world = World::with_contact(CONTACT);
    let data = json!({"email": "wrong", "notes": "n".repeat(200_000)});
    world.sync(&[world.contact("c", 1, &data)]);
    let stored = world.item("contact", "c").stored_body().map(str::to_owned).unwrap();
    assert!(world.records.state().bodies.contains_key(&stored));
    world.sync(&[world.contact("c", 2, &json!({"email": "c@x.io"}))]);
    assert!(world.records.state().bodies.is_empty());
}

#[test]
fn given_a_message_that_crashed_its_function_three_times_when_received_again_then_it_is_filed_before_the_crm_is_touched()
 {
    let world = World::with_contact(CONTACT);
    let mut message = world.contact("c", 1, &json!({"email": "c@x.io"}));
    message.receive_count = 3;
    // Three runs that began and never ended: the announcement is all that stands.
    world.faults(&json!([{"provider": "hubspot", "account": "acme", "match": {}, "fault": "status", "value": 503, "for_ms": 1}]));
    for crashes in 1..=3 {
        let (mut item, key) = (world.item("contact", "c"), key());
        let old = item.clone();
        (item.crashes, item.rev) = (crashes, old.rev + 1);
        let write =
            rtr_engine::seams::Write { key, names: rtr_engine::seams::Names::default(), old, new: item };
        futures::executor::block_on(rtr_engine::seams::Records::write(&world.records, &[write]));
    }
    let report = world.sync(&[message]);
    assert_eq!((report.counts["dead"], world.calls().len()), (1, 0));
    let item = world.item("contact", "c");
    assert_eq!(
        (item.slot.map(|slot| slot.reason.code.as_str().to_owned()), item.crashes),
        (Some("RTR5001".to_owned()), 0)
    );
}

#[test]
fn given_a_message_received_often_when_it_is_returned_or_parked_in_order_then_no_crash_is_counted() {
    let world = World::with_contact(CONTACT);
    world.sync(&[world.contact("c", 1, &json!({"email": "c@x.io"}))]);
    let fail = |value: serde_json::Value| {
        world.faults(&json!([{"provider": "hubspot", "account": "acme", "match": {}, "fault": "status", "value": value, "count": 50}]));
    };
    let mut message = world.contact("c", 2, &json!({"email": "d@x.io"}));
    fail(json!(423));
    for receives in [3, 4] {
        message.receive_count = receives;
        assert_eq!(world.sync(&[message.clone()]).failed.len(), 1);
        let item = world.item("contact", "c");
        assert_eq!((item.crashes, item.slot), (0, None));
        world.clock.advance_ms(10_000);
    }
    fail(json!({"status": 429, "headers": {"Retry-After": "20"}}));
    message.receive_count = 9;
    assert!(world.sync(&[message]).failed.is_empty(), "waiting never uses up the receive count");
    assert_eq!(parked(&world, "c").not_before, world.now().plus_ms(20_000));
    assert_eq!(world.item("contact", "c").crashes, 0);
    world.faults(&json!([]));
    world.clock.advance_ms(20_000);
    world.sweep();
    assert_eq!((world.contacts("email"), world.item("contact", "c").slot), (vec!["d@x.io".to_owned()], None));
}

#[test]
fn given_a_body_the_queue_gave_up_when_redriven_then_it_is_filed_with_its_record_and_can_be_woken() {
    let world = World::with_contact(CONTACT);
    let message = world.contact("c", 1, &json!({"email": "c@x.io"}));
    assert!(world.redrive(&[message.clone()]).failed.is_empty());
    let slot = world.item("contact", "c").slot.unwrap();
    assert_eq!((slot.reason.code.as_str(), slot.wanted_version), ("RTR5005", 1));
    assert_eq!(world.redrive(&[message]).counts.get("filed"), Some(&1), "filing twice is filing once");
    world.sync(&[build::wake("acme", "contact", "c", "hubspot", 1, world.now())]);
    assert_eq!(world.contacts("email"), ["c@x.io"]);
}

#[test]
fn given_a_letter_nobody_can_attribute_when_redriven_then_it_is_filed_under_its_body() {
    let world = World::with_contact(CONTACT);
    let bad = build::raw("{\"org_id\":", "x", world.now());
    world.sync(&[bad]);
    let sent = world.queue.state().sent[0].1.clone();
    let letter = build::raw(&sent.body, &sent.group, world.now());
    let nonsense = build::raw("not json at all", "y", world.now());
    let report = world.redrive(&[letter, nonsense]);
    assert_eq!((report.counts["filed"], report.failed.len()), (2, 0));
    let state = world.records.state();
    assert!(state.items.keys().all(|key| key.pk.starts_with("!unattributed#")));
}

fn key() -> rtr_core::key::PairKey {
    use rtr_core::key::{ConnectionKey, PairKey, RecordKey};
    PairKey::new(&RecordKey::new("acme", "contact", "c"), &ConnectionKey::new("acme", "hubspot"))
}

#[test]
fn given_a_wake_with_nothing_to_wake_beside_a_change_when_synced_then_the_change_is_not_lost() {
    let world = World::with_contact(CONTACT);
    world.sync(&[world.contact("c", 1, &json!({"email": "c@x.io"}))]);
    let wake = build::wake("acme", "contact", "c", "hubspot", 9, world.now());
    let change = world.contact("c", 2, &json!({"email": "new@x.io"}));
    let report = world.sync(&[change, wake]);
    assert_eq!((report.failed.len(), world.contacts("email")), (0, vec!["new@x.io".to_owned()]));
}

#[test]
fn given_a_body_too_large_for_a_letter_when_it_cannot_be_read_then_it_is_filed_whole_all_the_same() {
    let world = World::with_contact(CONTACT);
    let body = format!("{{\"org_id\": \"acme\", \"notes\": \"{}", "é".repeat(400_000));
    assert!(world.sync(&[build::raw(&body, "acme#contact#x", world.now())]).failed.is_empty());
    let sent = world.queue.state().sent[0].1.clone();
    assert!(world.redrive(&[build::raw(&sent.body, &sent.group, world.now())]).failed.is_empty());
    let state = world.records.state();
    let filed: Vec<_> = state.items.values().filter_map(|(item, _)| item.stored_body()).collect();
    assert_eq!((filed.len(), state.bodies.len()), (1, 1), "one letter, one body: the parcel is gone");
    assert!(String::from_utf8_lossy(&state.bodies[filed[0]]).contains("ééé"));
}
