//! Creates, adoptions and deletes in their corners: no second record, no stranger overwritten, nothing left behind.

use super::*;

#[test]
fn given_an_unmatched_record_that_was_never_there_and_on_unmatched_delete_when_synced_then_none_is_made() {
    let world = World::with_contact(&format!("{CONTACT}when: status != 'draft'\non_unmatched: delete\n"));
    world.sync(&[world.contact("c", 1, &json!({"email": "c@x.io", "status": "draft"}))]);
    assert_eq!(world.contacts("rtr_record_id"), Vec::<String>::new());
}

#[test]
fn given_an_unmatched_record_that_landed_unrecorded_and_on_unmatched_delete_when_synced_then_it_is_removed() {
    let world = World::with_contact(&format!("{CONTACT}when: status != 'draft'\non_unmatched: delete\n"));
    let one = world.contact("c", 1, &json!({"email": "c@x.io", "status": "live"}));
    assert!(killed(&world, &Stuck { world: &world, text: "c@x.io", landed: true }, &[one.clone()]));
    let two = world.contact("c", 2, &json!({"email": "c@x.io", "status": "draft"}));
    world.clock.advance_ms(360_000);
    world.sync(&[build::again(one), two]);
    assert_eq!(world.contacts("email"), Vec::<String>::new());
}

#[test]
fn given_a_duplicate_that_does_not_match_by_the_rule_when_created_then_the_stranger_is_not_adopted() {
    let world = World::with_contact(
        "object: contacts\nmatch: phone\nfields:\n  email: email\n  phone: phone\n  firstname: first_name\n",
    );
    seed(
        &world,
        "contacts",
        &json!([{"properties": {"email": "stranger@x.io", "phone": "111", "firstname": "Stranger"}}]),
    );
    let id = world.crm.records("acme", "contacts")[0]["id"].as_str().unwrap_or("").to_owned();
    let words = json!({"status": "error", "category": "CONFLICT", "message": format!("Contact already exists. Existing ID: {id}")});
    world.faults(&json!([on("acme", "*batch/upsert*", "status", &json!({"status": 409, "body": words}), 1)]));
    let report = world.sync(&[world.contact(
        "c",
        1,
        &json!({"email": "stranger@x.io", "phone": "222", "first_name": "Ours"}),
    )]);
    assert_eq!(
        (report.counts.get("dead"), world.contacts("firstname")),
        (Some(&1), vec!["Stranger".to_owned()])
    );
}

#[test]
fn given_an_adoption_whose_update_had_to_wait_when_it_goes_at_last_then_our_key_is_stamped() {
    let world = World::with_contact(
        "object: contacts\nmatch: email\nfields:\n  email: email\n  firstname: first_name\n",
    );
    seed(&world, "contacts", &json!([{"properties": {"email": "c@x.io"}}]));
    world.faults(&json!([on("acme", "*batch/update*", "status", &throttled(5), 1)]));
    let message = world.contact("c", 1, &json!({"email": "c@x.io", "first_name": "Ann"}));
    assert!(world.sync(&[message]).failed.is_empty());
    assert_eq!(parked(&world, "c").not_before, world.now().plus_ms(5_000));
    world.clock.advance_ms(5_000);
    world.sweep();
    assert_eq!(
        (world.contacts("rtr_record_id"), world.contacts("firstname")),
        (vec!["c".to_owned()], vec!["Ann".to_owned()])
    );
}

#[test]
fn given_an_open_intent_when_deleted_then_what_its_create_made_does_not_stay_unnoticed() {
    let world = World::with_contact(WITHOUT_KEY);
    world.faults(&json!([on("acme", "*batch/create*", "drop_after_commit", &Value::Null, 1)]));
    let one = world.contact("c", 1, &json!({"email": "c@x.io"}));
    assert!(world.sync(&[one.clone()]).failed.is_empty());
    world.clock.advance_ms(300_000);
    let two = build::delete("acme", "contact", "c", 2, world.now());
    assert!(world.sync(&[build::again(one), two]).failed.is_empty());
    assert_eq!(parked(&world, "c").wanted_version, 2);
    world.sweep();
    let (left, item) = (world.contacts("email").len(), world.item("contact", "c"));
    let noticed = item.dead().is_some();
    assert!(noticed || (left == 0 && item.slot.is_none() && item.deleted), "{left} left, {item:?}");
}

#[test]
fn given_a_lost_create_of_a_record_without_a_match_value_when_the_hold_is_over_then_no_second_is_made() {
    let world = World::with_contact(WITHOUT_KEY);
    world.faults(&json!([on("acme", "*batch/create*", "drop_after_commit", &Value::Null, 1)]));
    let one = world.contact("c", 1, &json!({"first_name": "Ann"}));
    assert!(world.sync(&[one.clone()]).failed.is_empty());
    parked(&world, "c");
    world.clock.advance_ms(300_000);
    world.sync(&[build::again(one)]);
    world.sweep();
    assert_eq!(world.contacts("firstname"), ["Ann"]);
    // Nothing finds it: a person decides.
    let code = world.item("contact", "c").dead().map(|slot| slot.reason.code.as_str());
    assert_eq!(code, Some("RTR3005"));
}

#[test]
fn given_a_lost_create_and_a_newer_version_with_another_match_value_when_synced_then_no_second_is_made() {
    let world = World::with_contact(WITHOUT_KEY);
    world.faults(&json!([on("acme", "*batch/create*", "drop_after_commit", &Value::Null, 1)]));
    let one = world.contact("c", 1, &json!({"email": "old@x.io"}));
    assert!(world.sync(&[one.clone()]).failed.is_empty());
    world.clock.advance_ms(300_000);
    world.sync(&[build::again(one), world.contact("c", 2, &json!({"email": "new@x.io"}))]);
    assert_eq!(parked(&world, "c").wanted_version, 2);
    world.sweep();
    assert_eq!(
        (world.contacts("email"), world.item("contact", "c").slot),
        (vec!["new@x.io".to_owned()], None)
    );
}

#[test]
fn given_a_large_record_whose_match_is_anothers_when_filed_then_its_body_lies_outside() {
    let world = World::with_contact("object: contacts\nkey: none\nmatch: email\nfields:\n  email: email\n");
    seed(&world, "contacts", &json!([{"properties": {"email": "shared@x.io"}}]));
    world.sync(&[world.contact("one", 1, &json!({"email": "shared@x.io"}))]);
    world.sync(&[world.contact("two", 1, &json!({"email": "shared@x.io", "notes": "n".repeat(900_000)}))]);
    let slot = world.item("contact", "two").slot.unwrap();
    assert!(
        matches!(slot.body, Body::Stored(_)),
        "{} of {} inline",
        slot.reason.code,
        json!(slot.body).to_string().len()
    );
}

#[test]
fn given_a_stored_body_that_is_gone_for_now_when_woken_then_the_letter_still_names_it() {
    let world = World::with_contact(CONTACT);
    world.sync(&[world.contact("c", 1, &json!({"email": "wrong", "notes": "n".repeat(200_000)}))]);
    let key = world.item("contact", "c").stored_body().map(str::to_owned).unwrap();
    world.records.state().bodies.remove(&key);
    world.sync(&[build::wake("acme", "contact", "c", "hubspot", 1, world.now())]);
    assert_eq!(world.item("contact", "c").stored_body(), Some(key.as_str()), "nobody can restore it now");
}

#[test]
fn given_a_404_for_a_record_made_a_moment_ago_when_erased_then_it_is_lag_not_absence() {
    let world = World::with_contact(&format!("{CONTACT}on_delete: erase\n"));
    world.sync(&[world.contact("c", 1, &json!({"email": "c@x.io"}))]);
    let words = json!({"status": "error", "category": "OBJECT_NOT_FOUND", "message": "not found"});
    world.faults(&json!([on("acme", "*gdpr*", "status", &json!({"status": 404, "body": words}), 1)]));
    let gone = build::delete("acme", "contact", "c", 2, world.now());
    assert!(world.sync(&[gone]).failed.is_empty());
    let (slot, item) = (parked(&world, "c"), world.item("contact", "c"));
    assert_eq!((slot.reason.code.as_str(), item.deleted), ("RTR4008", false), "{:?}", world.calls());
    world.clock.advance_ms(60_000);
    world.sweep();
    assert_eq!((world.contacts("email").len(), world.item("contact", "c").deleted), (0, true));
}

#[test]
fn given_one_value_that_the_crm_will_not_search_for_when_looked_up_in_a_batch_then_only_its_record_is_dead() {
    let world =
        World::with_contact("object: contacts\nmatch: phone\nfields:\n  email: email\n  phone: phone\n");
    let words = json!({"status": "error", "category": "VALIDATION_ERROR", "message": "There was a problem with the request."});
    world.faults(&json!([{"provider": "hubspot", "account": "acme", "match": {"path": "*search*", "body": "odd"}, "fault": "status",
        "value": {"status": 400, "body": words}, "count": 99}]));
    let batch: Vec<Received> = ["1", "2", "odd"]
        .iter()
        .map(|n| world.contact(n, 1, &json!({"email": format!("{n}@x.io"), "phone": n})))
        .collect();
    let report = world.sync(&batch);
    assert_eq!(
        (report.counts.get("applied"), report.counts.get("dead")),
        (Some(&2), Some(&1)),
        "{:?}",
        world.calls()
    );
}

#[test]
fn given_one_value_too_long_to_search_for_when_looked_up_in_a_batch_then_only_its_record_is_dead() {
    let world =
        World::with_contact("object: contacts\nmatch: phone\nfields:\n  email: email\n  phone: phone\n");
    let batch: Vec<Received> = ["1".to_owned(), "2".to_owned(), "9".repeat(20_000)]
        .iter()
        .enumerate()
        .map(|(n, phone)| {
            world.contact(&format!("c{n}"), 1, &json!({"email": format!("{n}@x.io"), "phone": phone}))
        })
        .collect();
    let report = world.sync(&batch);
    assert_eq!(
        (report.counts.get("applied"), report.counts.get("dead")),
        (Some(&2), Some(&1)),
        "{:?} {:?}",
        world.calls(),
        world.item("contact", "c0").slot.map(|s| s.reason)
    );
}
