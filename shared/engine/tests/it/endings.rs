//! Applied, unchanged, superseded, skipped: what each costs.

use crate::CONTACT;
use crate::lines::lines;
use rtr_core::item::Ended;
use rtr_testkit::build;
use rtr_testkit::world::World;
use serde_json::json;

fn loaded(contacts: usize) -> World {
    let world = World::with_contact(CONTACT);
    let batch: Vec<_> = (0..contacts)
        .map(|n| {
            world.contact(&format!("c{n}"), 1, &json!({"email": format!("c{n}@x.io"), "first_name": "Ann"}))
        })
        .collect();
    for batch in batch.chunks(10) {
        assert_eq!(world.sync(batch).failed, Vec::<String>::new());
    }
    world
}

#[test]
fn given_a_new_record_when_synced_then_the_crm_has_it_once_under_our_key_and_it_is_linked() {
    let world = loaded(1);
    assert_eq!(world.contacts("rtr_record_id"), ["c0"]);
    let item = world.item("contact", "c0");
    assert_eq!((item.applied_version, item.external_id.is_some()), (Some(1), true));
    assert_eq!(world.records.state().claims.len(), 1);
}

#[test]
fn given_ten_linked_records_when_updated_in_one_batch_then_it_costs_one_of_each_request() {
    let world = loaded(10);
    let before = world.calls().len();
    {
        let mut state = world.records.state();
        (state.reads, state.write_batches, state.writes, state.transactions) = (0, 0, 0, 0);
    }
    world.limits.state().leases = 0;
    let batch: Vec<_> = (0..10)
        .map(|n| {
            world.contact(&format!("c{n}"), 2, &json!({"email": format!("c{n}@x.io"), "first_name": "Bob"}))
        })
        .collect();
    assert!(world.sync(&batch).failed.is_empty());
    assert_eq!(world.calls()[before..], ["POST contacts/batch/update 200"]);
    let state = world.records.state();
    assert_eq!((state.reads, state.write_batches, state.writes, state.transactions), (1, 1, 10, 0));
    assert!(world.limits.state().leases <= 1);
    drop(state);
    assert_eq!(world.contacts("firstname"), vec!["Bob"; 10]);
}

#[test]
fn given_events_sent_again_when_synced_then_nothing_is_called_or_written() {
    let world = loaded(10);
    let (calls, writes) = (world.calls().len(), world.records.state().writes);
    let batch: Vec<_> = (0..10)
        .map(|n| {
            world.contact(&format!("c{n}"), 1, &json!({"email": format!("c{n}@x.io"), "first_name": "Ann"}))
        })
        .collect();
    let report = world.sync(&batch);
    assert_eq!((report.counts["superseded"], report.failed.len()), (10, 0));
    assert_eq!((world.calls().len(), world.records.state().writes), (calls, writes));
}

#[test]
fn given_an_equal_newer_version_when_synced_then_only_the_fence_moves() {
    let world = loaded(1);
    let calls = world.calls().len();
    let report = world.sync(&[world.contact("c0", 5, &json!({"email": "c0@x.io", "first_name": "Ann"}))]);
    assert_eq!((report.counts["unchanged"], world.calls().len()), (1, calls));
    assert_eq!(world.item("contact", "c0").applied_version, Some(5));
    let late = world.sync(&[world.contact("c0", 4, &json!({"email": "late@x.io"}))]);
    assert_eq!((late.counts["superseded"], world.calls().len()), (1, calls));
}

#[test]
fn given_an_equal_version_received_again_when_synced_then_the_crm_is_asked_all_the_same() {
    let world = loaded(1);
    let calls = world.calls().len();
    let message = build::again(world.contact("c0", 5, &json!({"email": "c0@x.io", "first_name": "Ann"})));
    assert_eq!(world.sync(&[message]).counts["applied"], 1);
    assert_eq!(world.calls().len(), calls + 1);
}

#[test]
fn given_the_same_version_with_other_content_when_synced_then_it_is_counted_and_not_applied() {
    let world = loaded(1);
    let report = world.sync(&[world.contact("c0", 1, &json!({"email": "c0@x.io", "first_name": "Other"}))]);
    assert_eq!((report.counts["version_reused"], world.contacts("firstname")), (1, vec!["Ann".to_owned()]));
}

#[test]
fn given_a_record_the_mapping_does_not_want_when_synced_then_the_fence_moves_even_without_an_item() {
    let world = World::with_contact(&format!("{CONTACT}when: status != 'draft'\n"));
    let lines = lines("record", || {
        let report = world.sync(&[world.contact("c0", 5, &json!({"email": "a@x.io", "status": "draft"}))]);
        assert_eq!((report.counts["skipped"], world.calls().len()), (1, 0));
    });
    let said: Vec<_> = lines.iter().map(|line| (line["outcome"].as_str(), line["code"].as_str())).collect();
    assert_eq!(said, [("skipped", "RTR4021")]);
    let late = world.sync(&[world.contact("c0", 4, &json!({"email": "a@x.io", "status": "live"}))]);
    assert_eq!((late.counts["superseded"], world.contacts("email").len()), (1, 0));
}

#[test]
fn given_an_unknown_org_or_an_unrouted_type_when_synced_then_it_is_skipped_without_a_write() {
    let world = World::with_contact(CONTACT);
    let foreign = build::event("nobody", "contact", "1", 1, &json!({}), world.now());
    let unrouted = build::event("acme", "invoice", "1", 1, &json!({}), world.now());
    let report = world.sync(&[foreign, unrouted]);
    assert_eq!((report.counts["skipped"], report.failed.len(), world.records.state().writes), (2, 0, 0));
}

#[test]
fn given_a_delete_when_synced_then_the_record_is_archived_and_a_late_version_cannot_revive_it() {
    let world = loaded(1);
    world.sync(&[build::delete("acme", "contact", "c0", 3, world.now())]);
    assert_eq!(world.contacts("email").len(), 0);
    let item = world.item("contact", "c0");
    assert_eq!((item.deleted, item.external_id, world.records.state().claims.len()), (true, None, 0));
    world.sync(&[world.contact("c0", 2, &json!({"email": "c0@x.io"}))]);
    assert_eq!(world.contacts("email").len(), 0);
    world.sync(&[world.contact("c0", 4, &json!({"email": "c0@x.io"}))]);
    assert_eq!(world.contacts("email"), ["c0@x.io"]);
}

#[test]
fn given_ids_of_any_letters_when_synced_then_each_is_its_own_record() {
    let world = World::with_contact(CONTACT);
    let long = "é".repeat(512);
    let ids = ["a#b", "a%23b", "a b", "🦀", "%", &long];
    let batch: Vec<_> = ids
        .iter()
        .enumerate()
        .map(|(n, id)| world.contact(id, 1, &json!({"email": format!("n{n}@x.io")})))
        .collect();
    let report = world.sync(&batch);
    assert_eq!((report.counts["applied"], world.contacts("email").len()), (6, 6));
}

#[test]
fn given_five_outcomes_when_listed_then_the_newest_is_last() {
    let world = loaded(1);
    for version in 2..9 {
        world.sync(&[world.contact(
            "c0",
            version,
            &json!({"email": "c0@x.io", "first_name": version.to_string()}),
        )]);
    }
    let recent = world.item("contact", "c0").recent;
    assert_eq!(recent.iter().map(|one| (one.ended, one.version)).next_back(), Some((Ended::Applied, 8)));
    assert_eq!(recent.len(), 5);
}
