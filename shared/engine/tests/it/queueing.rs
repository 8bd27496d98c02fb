//! Batches: compaction, strays, malformed bodies, what is returned and for how long.

use crate::{CONTACT, parked};
use rtr_core::dead_letter::DeadLetter;
use rtr_engine::batch::TOKENS_WITHIN_MS;
use rtr_engine::seams::QueueName;
use rtr_testkit::build;
use rtr_testkit::crm::BASE;
use rtr_testkit::world::World;
use serde_json::json;

#[test]
fn given_a_burst_on_one_record_when_synced_then_the_newest_goes_alone_and_its_predecessors_leave_the_queue_first()
 {
    let world = World::with_contact(CONTACT);
    let burst: Vec<_> = (1..=10)
        .map(|v| world.contact("c", v, &json!({"email": "c@x.io", "first_name": v.to_string()})))
        .collect();
    let report = world.sync(&burst);
    assert_eq!((report.counts["applied"], report.counts["superseded"]), (1, 9));
    assert_eq!((world.contacts("firstname"), world.calls().len()), (vec!["10".to_owned()], 1));
    assert_eq!(world.queue.state().deleted.len(), 9);
}

#[test]
fn given_a_newer_change_beside_the_wake_of_a_dead_version_when_synced_then_the_wake_leaves_the_queue_first() {
    let world = World::with_contact(CONTACT);
    world.sync(&[world.contact("c", 1, &json!({"email": "wrong"}))]);
    let wake = build::wake("acme", "contact", "c", "hubspot", 1, world.now());
    let (report, calls) = (
        world.sync(&[wake.clone(), world.contact("c", 2, &json!({"email": "c@x.io"}))]),
        world.queue.state().deleted.clone(),
    );
    assert_eq!((report.counts["applied"], calls), (1, vec![wake.receipt]));
}

#[test]
fn given_a_message_in_a_foreign_group_when_synced_then_it_is_sent_on_and_never_worked() {
    let world = World::with_contact(CONTACT);
    let mut stray = world.contact("c", 1, &json!({"email": "c@x.io"}));
    stray.group = "somewhere".to_owned();
    let report = world.sync(&[stray.clone()]);
    assert_eq!((report.counts["sent_on"], report.failed.len(), world.calls().len()), (1, 0, 0));
    let sent = world.queue.state().sent.clone();
    assert_eq!(
        (sent[0].0, sent[0].1.group.as_str(), &sent[0].1.body),
        (QueueName::Changes, "acme#contact#c", &stray.body)
    );
}

#[test]
fn given_a_stray_that_cannot_be_sent_on_when_synced_then_it_comes_back() {
    let world = World::with_contact(CONTACT);
    let mut stray = world.contact("c", 1, &json!({"email": "c@x.io"}));
    stray.group = "somewhere".to_owned();
    world.queue.state().down = true;
    assert_eq!(world.sync(&[stray.clone()]).failed, [stray.message_id]);
}

#[test]
fn given_malformed_bodies_among_good_ones_when_synced_then_each_gets_its_letter_and_the_good_ones_go() {
    let world = World::with_contact(CONTACT);
    let bad = build::raw("{\"org_id\": \"acme\",", "acme#contact#x", world.now());
    let report = world.sync(&[bad, world.contact("c", 1, &json!({"email": "c@x.io"}))]);
    assert_eq!((report.counts["malformed"], report.counts["applied"], report.failed.len()), (1, 1, 0));
    let sent = world.queue.state().sent.clone();
    let letter: DeadLetter = serde_json::from_str(&sent[0].1.body).unwrap();
    assert_eq!((sent[0].0, letter.code.as_str()), (QueueName::DeadLetter, "RTR1001"));
    assert_eq!(letter.message, "the body is not JSON: it ends too early at line 1 column 18");
}

#[test]
fn given_a_throttled_connection_when_synced_then_the_message_is_parked_until_the_time_and_nobody_calls_before_it()
 {
    let world = World::with_contact(CONTACT);
    world.faults(
        &json!([{"provider": "hubspot", "account": "acme", "match": {"path": "*contacts*"}, "fault": "status",
        "value": {"status": 429, "headers": {"Retry-After": "30"}}, "count": 1}]),
    );
    let one = world.contact("a", 1, &json!({"email": "a@x.io"}));
    assert!(world.sync(&[one]).failed.is_empty());
    assert_eq!(parked(&world, "a").not_before, world.now().plus_ms(30_000));
    // Nobody calls before the time, not even another environment.
    let calls = world.calls().len();
    let fresh = rtr_engine::sync::Caches::default();
    let two = world.company("k", 1, &json!({"name": "K"}));
    let deadline = world.now().plus_ms(60_000);
    futures::executor::block_on(rtr_engine::sync::run(
        &world.seams(),
        &world.settings,
        &fresh,
        &[two],
        deadline,
    ));
    world.clock.advance_ms(29_999);
    world.sweep();
    assert_eq!(world.calls().len(), calls);
    world.clock.advance_ms(1);
    world.sweep();
    assert_eq!(world.contacts("email"), ["a@x.io"]);
    // Each comes back at a moment of its own.
    world.clock.advance_ms(1_000);
    world.sweep();
    assert_eq!(world.item("company", "k").applied_version, Some(1), "what came meanwhile is not forgotten");
}

#[test]
fn given_a_crm_that_asks_for_a_second_when_synced_then_what_waits_is_parked_at_once_and_goes_when_it_is_over()
{
    let world = World::with_contact(CONTACT);
    world.faults(
        &json!([{"provider": "hubspot", "account": "acme", "match": {"path": "*contacts*"}, "fault": "status",
        "value": {"status": 429, "headers": {"Retry-After": "1"}}, "count": 99}]),
    );
    let one = world.contact("a", 1, &json!({"email": "a@x.io"}));
    assert!(world.sync(&[one]).failed.is_empty());
    parked(&world, "a");
    world.faults(&json!([]));
    world.clock.advance_ms(1_000);
    world.sweep();
    assert_eq!((world.contacts("email"), world.item("contact", "a").slot), (vec!["a@x.io".to_owned()], None));
}

#[test]
fn given_a_message_received_before_when_it_will_be_called_then_its_visibility_is_renewed_first() {
    let world = World::with_contact(CONTACT);
    let message = build::again(world.contact("c", 1, &json!({"email": "c@x.io"})));
    world.sync(&[message.clone()]);
    assert_eq!(world.queue.state().visibility.first(), Some(&(message.receipt.clone(), 360)));
    world.queue.state().down = true;
    let two = build::again(world.contact("d", 1, &json!({"email": "d@x.io"})));
    let calls = world.calls().len();
    assert_eq!((world.sync(&[two.clone()]).failed, world.calls().len()), (vec![two.message_id], calls));
}

#[test]
fn given_a_table_that_does_not_answer_when_synced_then_everything_returns_untouched_and_nothing_is_called() {
    let world = World::with_contact(CONTACT);
    world.records.state().down = true;
    let message = world.contact("c", 1, &json!({"email": "c@x.io"}));
    assert_eq!(world.sync(&[message.clone()]).failed, [message.message_id]);
    assert_eq!((world.calls().len(), world.queue.state().visibility.len()), (0, 0));
}

#[test]
fn given_a_configuration_that_cannot_be_read_when_synced_then_the_messages_return() {
    let world = World::with_contact(CONTACT);
    world.configs.set_down(true);
    let message = world.contact("c", 1, &json!({"email": "c@x.io"}));
    assert_eq!(world.sync(&[message.clone()]).failed, [message.message_id]);
}

#[test]
fn given_a_limiter_that_never_answers_when_synced_then_the_call_goes_through_and_is_counted() {
    let world = World::with_contact(CONTACT);
    world.limits.state().hangs = true;
    let report = world.sync(&[world.contact("c", 1, &json!({"email": "c@x.io"}))]);
    assert_eq!((report.counts["applied"], report.counts["limiter_unavailable"] > 0), (1, true));
}

#[test]
fn given_a_letter_that_cannot_be_posted_when_it_comes_again_then_it_is_counted_once() {
    let world = World::with_contact(CONTACT);
    let bad = build::raw("{", "x", world.now());
    world.queue.state().down = true;
    let report = world.sync(&[bad.clone()]);
    assert_eq!((report.failed.len(), report.counts.get("dead")), (1, None));
    world.queue.state().down = false;
    assert_eq!(world.sync(&[build::again(bad)]).counts["dead"], 1);
}

#[test]
fn given_a_change_beside_a_wake_of_its_version_when_the_table_does_not_answer_then_both_come_back_and_nothing_is_lost()
 {
    let world = World::with_contact(CONTACT);
    let change = world.contact("c", 1, &json!({"email": "c@x.io"}));
    let wake = build::wake("acme", "contact", "c", "hubspot", 1, world.now());
    world.records.state().down = true;
    let failed = world.sync(&[change.clone(), wake.clone()]).failed;
    assert_eq!(failed, [change.message_id.clone(), wake.message_id.clone()]);
    world.records.state().down = false;
    // The wake comes back first, and finds nothing to wake.
    world.sync(&[build::again(wake)]);
    world.sync(&[build::again(change)]);
    assert_eq!(world.contacts("email"), ["c@x.io"]);
}

#[test]
fn given_a_connection_with_more_work_than_tokens_when_synced_then_the_next_is_parked_within_a_quarter_of_a_second()
 {
    for (within_ms, waits) in [(TOKENS_WITHIN_MS, false), (u32::MAX, true)] {
        let mut world = World::with_contact(CONTACT);
        world.settings.tokens_within_ms = within_ms;
        let org = format!(
            "org: acme\nconnections:\n  hubspot:\n    base_url: {BASE}/hubspot/acme\n    limits: [{{api: '*', requests: 1, per: 1s}}]\nroutes:\n  contact: [hubspot]\n"
        );
        world.configs.apply(&[("mappings/hubspot/contact.yaml", CONTACT), ("orgs/acme.yaml", &org)]).unwrap();
        let contact = |id: &str| world.contact(id, 1, &json!({"email": format!("{id}@x.io")}));
        world.sync(&[contact("a")]);
        let began = world.now();
        world.sync(&[contact("b")]);
        let took_ms = world.now().since_ms(began);
        assert_eq!(took_ms > i64::from(TOKENS_WITHIN_MS), waits, "{took_ms} ms");
        assert_eq!(world.item("contact", "b").slot.is_none(), waits);
    }
}

#[test]
fn given_a_crm_that_refuses_for_its_limit_when_synced_then_its_first_refusal_is_not_waited_out_among_others_work()
 {
    for (within_ms, waits) in [(TOKENS_WITHIN_MS, false), (u32::MAX, true)] {
        let mut world = World::with_contact(CONTACT);
        world.settings.tokens_within_ms = within_ms;
        let refusal = json!({"status": 429, "headers": {"Retry-After": "1"}});
        world.faults(&json!([{"provider": "hubspot", "account": "acme", "match": {"path": "*batch/upsert"},
            "fault": "status", "value": refusal, "count": 1}]));
        let began = world.now();
        world.sync(&[world.contact("a", 1, &json!({"email": "a@x.io"}))]);
        let took_ms = world.now().since_ms(began);
        assert_eq!(took_ms > i64::from(TOKENS_WITHIN_MS), waits, "{took_ms} ms");
        assert_eq!(world.contacts("email").len(), usize::from(waits));
    }
}
