//! What comes back and when: holds, crashes, throttles; healthy records are never taken for broken ones.

use super::*;

#[test]
fn given_an_unknown_outcome_and_another_connection_throttled_when_returned_then_the_hold_is_kept() {
    let world = two_connections();
    let data = |name: &str| json!({"email": "c@x.io", "first_name": name});
    assert_eq!(world.sync(&[world.contact("c", 1, &data("1"))]).counts["applied"], 2);
    world.faults(&json!([
        on("acme", "*batch/update*", "drop_then_commit", &json!(50_000), 1),
        on("eu", "*batch/update*", "status", &throttled(5), 1),
    ]));
    assert!(world.sync(&[world.contact("c", 2, &data("2"))]).failed.is_empty());
    // The other is woken after its five seconds; that must not cut the hold short.
    world.clock.advance_ms(5_000);
    world.sweep();
    let slot = world.item("contact", "c").slot.unwrap();
    assert_eq!(
        (slot.not_before.since_ms(world.now()), world.item_at("eu", "contact", "c").slot),
        (55_000, None)
    );
    world.clock.advance_ms(60_000);
    world.sweep();
    assert!(world.sync(&[world.contact("c", 3, &data("3"))]).failed.is_empty());
    world.clock.advance_ms(120_000);
    world.sync(&[world.contact("nobody", 1, &json!({"email": "n@x.io", "first_name": "n"}))]);
    assert_eq!(world.contacts("firstname"), ["3", "n"]);
}

#[test]
fn given_an_unknown_outcome_behind_a_short_wait_in_a_coarse_group_when_both_come_back_then_the_hold_is_kept()
{
    let mut world = World::with_contact(CONTACT);
    world.sync(&[world.contact("a", 1, &json!({"email": "a@x.io"}))]);
    world.settings.group_buckets = 1;
    let in_group = |mut message: Received, id: &str| {
        message.group = rtr_core::key::RecordKey::new("acme", "contact", id).message_group(1);
        message
    };
    world.faults(&json!([
        on("acme", "*batch/upsert*", "drop_after_commit", &Value::Null, 1),
        on("acme", "*batch/update*", "status", &json!(503), 9),
    ]));
    let a = in_group(world.contact("a", 2, &json!({"email": "a2@x.io"})), "a");
    let b = in_group(world.contact("b", 1, &json!({"email": "b@x.io"})), "b");
    let began = world.now();
    assert_eq!(
        world.sync(&[a.clone(), b.clone()]).failed.len(),
        2,
        "what is behind the first returns with it"
    );
    assert!(wait_of(&world, &b) < 10, "not for the hold: {} s", wait_of(&world, &b));
    let held = parked(&world, "b").not_before;
    assert!(held >= began.plus_ms(60_000), "{held:?}");
    let upserts = || world.calls().iter().filter(|call| call.contains("upsert")).count();
    let before = upserts();
    world.faults(&json!([]));
    world.clock.advance_ms(10_000);
    assert!(world.sync(&[build::again(a), build::again(b)]).failed.is_empty());
    world.sweep();
    assert_eq!((upserts(), world.item("contact", "a").applied_version), (before, Some(2)));
    assert_eq!(parked(&world, "b").not_before, held);
    world.clock.advance_ms(held.since_ms(world.now()));
    world.sweep();
    assert_eq!(
        (world.contacts("email"), world.item("contact", "b").slot),
        (vec!["a2@x.io".to_owned(), "b@x.io".to_owned()], None)
    );
}

#[test]
fn given_one_poison_record_when_its_batch_crashes_again_and_again_then_its_neighbours_are_not_filed_as_crashes()
 {
    let world = World::with_contact(CONTACT);
    let batch: Vec<Received> = ["poison", "a", "b"]
        .iter()
        .map(|id| world.contact(id, 1, &json!({"email": format!("{id}@x.io")})))
        .collect();
    let stuck = Stuck { world: &world, text: "poison@", landed: false };
    let mut receives = 3;
    while killed(
        &world,
        &stuck,
        &batch.iter().cloned().map(|one| received(one, receives)).collect::<Vec<_>>(),
    ) {
        receives += 1;
        world.clock.advance_ms(360_000);
        assert!(receives < 10);
    }
    assert_eq!(world.item("contact", "poison").slot.map(|slot| slot.reason.code.as_str()), Some("RTR5001"));
    for id in ["a", "b"] {
        let item = world.item("contact", id);
        assert_eq!(
            (item.slot.map(|slot| slot.reason.code.as_str()), item.applied_version),
            (None, Some(1)),
            "{id}"
        );
    }
}

#[test]
fn given_a_wake_that_crashed_and_was_given_up_when_a_newer_version_comes_then_it_is_tried() {
    let world = World::with_contact(CONTACT);
    world.sync(&[world.contact("c", 1, &json!({"email": "wrong"}))]);
    let wake = build::wake("acme", "contact", "c", "hubspot", 1, world.now());
    let stuck = Stuck { world: &world, text: "wrong", landed: false };
    for receives in 1..=5 {
        assert!(killed(&world, &stuck, &[received(wake.clone(), receives)]));
        world.clock.advance_ms(360_000);
    }
    assert!(world.redrive(&[wake]).failed.is_empty());
    let report = world.sync(&[world.contact("c", 2, &json!({"email": "right@x.io"}))]);
    assert_eq!(
        report.counts.get("applied"),
        Some(&1),
        "{:?}",
        world.item("contact", "c").slot.map(|s| s.reason)
    );
}

#[test]
fn given_a_large_malformed_body_when_synced_then_its_letter_fits_a_message() {
    let world = World::with_contact(CONTACT);
    let body = format!("{{\"org_id\": \"acme\", \"record_id\": \"{}", "x".repeat(900_000));
    world.sync(&[build::raw(&body, "acme#contact#x", world.now())]);
    let size = world.queue.state().sent[0].1.body.len();
    assert!(size <= 1_048_576, "{size} bytes: SQS refuses it for ever");
}

#[test]
fn given_a_connection_without_limits_of_its_own_when_throttled_then_nobody_calls_before_the_time() {
    let world = World::with_contact(CONTACT);
    world.configs.apply(&[
        ("mappings/hubspot/contact.yaml", CONTACT),
        ("orgs/acme.yaml", &format!("org: acme\nconnections:\n  hubspot:\n    base_url: {BASE}/hubspot/acme\n    limits: [{{api: search, requests: 5, per: 1s}}]\nroutes:\n  contact: [hubspot]\n")),
    ]).unwrap();
    world.faults(&json!([on("acme", "*contacts*", "status", &throttled(30), 1)]));
    world.sync(&[world.contact("a", 1, &json!({"email": "a@x.io"}))]);
    let calls = world.calls().len();
    world.sync(&[world.contact("b", 1, &json!({"email": "b@x.io"}))]);
    assert_eq!(world.calls().len(), calls, "{:?}", world.calls());
}

#[test]
fn given_a_second_wake_beside_the_same_version_sent_again_under_a_new_mapping_when_synced_then_the_version_is_planned()
 {
    let world = World::with_contact("object: contacts\nfields:\n  firstname: first_name\n");
    let data = json!({"email": "c@x.io", "first_name": "Ann"});
    world.sync(&[world.contact("c", 1, &data)]);
    world.configs.apply(&[
        ("mappings/hubspot/contact.yaml", CONTACT),
        ("orgs/acme.yaml", &format!("org: acme\nconnections:\n  hubspot:\n    base_url: {BASE}/hubspot/acme\nroutes:\n  contact: [hubspot]\n")),
    ]).unwrap();
    let late = build::wake("acme", "contact", "c", "hubspot", 1, world.now());
    assert!(world.sync(&[world.contact("c", 1, &data), late]).failed.is_empty());
    assert_eq!(world.contacts("email"), ["c@x.io"]);
}

#[test]
fn given_a_version_that_landed_unrecorded_and_comes_again_in_shadow_when_live_again_then_the_hash_is_not_believed()
 {
    let world = World::with_contact(CONTACT);
    let data = |name: &str| json!({"email": "c@x.io", "first_name": name});
    let mode = |mode: &str| {
        world.configs.apply(&[
        ("mappings/hubspot/contact.yaml", CONTACT),
        ("orgs/acme.yaml", &format!("org: acme\nconnections:\n  hubspot:\n    mode: {mode}\n    base_url: {BASE}/hubspot/acme\nroutes:\n  contact: [hubspot]\n")),
    ]).unwrap()
    };
    mode("live");
    world.sync(&[world.contact("c", 1, &data("A"))]);
    let two = world.contact("c", 2, &data("B"));
    assert!(killed(&world, &Stuck { world: &world, text: "\"B\"", landed: true }, &[two.clone()]));
    mode("shadow");
    world.clock.advance_ms(360_000);
    world.sync(&[build::again(two)]);
    mode("live");
    world.sync(&[world.contact("c", 3, &data("A"))]);
    assert_eq!(world.contacts("firstname"), ["A"]);
}

#[test]
fn given_commits_that_the_table_refuses_when_received_often_then_nobody_takes_that_for_crashes() {
    let world = World::with_contact(CONTACT);
    let records = NoTransactions(&world, AtomicBool::new(true));
    let message = world.contact("c", 1, &json!({"email": "c@x.io"}));
    let sync = |receives: u32| {
        let seams = Seams { records: &records, ..world.seams() };
        let batch = [received(message.clone(), receives)];
        let caches = Caches::default();
        futures::executor::block_on(run(
            &seams,
            &world.settings,
            &caches,
            &batch,
            world.now().plus_ms(TIMEOUT_MS),
        ))
    };
    for receives in 1..=5 {
        assert_eq!(sync(receives).failed.len(), 1);
        world.clock.advance_ms(300_000);
    }
    records.1.store(false, Ordering::SeqCst);
    let report = sync(6);
    assert_eq!(
        report.counts.get("applied"),
        Some(&1),
        "{:?}",
        world.item("contact", "c").slot.map(|s| s.reason)
    );
}

#[test]
fn given_a_version_sent_again_under_a_new_mapping_that_the_queue_gave_up_when_redriven_then_it_is_filed() {
    let world = World::with_contact("object: contacts\nfields:\n  firstname: first_name\n");
    let message = world.contact("c", 1, &json!({"email": "c@x.io", "first_name": "Ann"}));
    world.sync(&[message.clone()]);
    world.configs.apply(&[
        ("mappings/hubspot/contact.yaml", CONTACT),
        ("orgs/acme.yaml", &format!("org: acme\nconnections:\n  hubspot:\n    base_url: {BASE}/hubspot/acme\nroutes:\n  contact: [hubspot]\n")),
    ]).unwrap();
    assert!(world.redrive(&[message]).failed.is_empty());
    assert_eq!(world.item("contact", "c").slot.map(|slot| slot.reason.code.as_str()), Some("RTR5005"));
}
