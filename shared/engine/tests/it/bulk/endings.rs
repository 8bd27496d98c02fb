//! How what was parked ends: applied, dead, held, waiting, dropped, orphaned.

use super::*;
use crate::references;
use rtr_core::code::Code;
use rtr_core::item::{Item, SlotState};
use rtr_core::key::{PairKey, RecordKey};
use rtr_engine::seams::{Names, Records as _, Write, Wrote};

#[test]
fn given_one_record_of_a_hundred_that_the_crm_refuses_when_drained_then_it_is_dead_and_the_others_are_applied()
 {
    let world = linked_and_parked(100);
    mode(&world, "paused");
    let bad = json!({"email": "not an address", "first_name": "v3"});
    world.sync(&[world.contact("c0042", 3, &bad)]);
    mode(&world, "live");
    let counts = world.sweep()[0].counts.clone();
    assert_eq!((counts["applied"], counts["dead"], left(&world)), (99, 1, 1));
    let slot = world.item("contact", "c0042").slot.unwrap();
    assert_eq!((slot.state, slot.reason.code, slot.wanted_version), (SlotState::Dead, Code::Invalid, 3));
    // A person wakes it, as any other; and the next version clears it.
    world.sync(&[build::wake("acme", "contact", "c0042", "hubspot", 3, world.now())]);
    assert_eq!(world.item("contact", "c0042").slot.unwrap().state, SlotState::Dead);
    world.sync(&[contact(&world, "c0042", 4)]);
    assert_eq!(left(&world), 0);
}

#[test]
fn given_an_answer_that_is_lost_when_drained_then_all_of_that_call_is_put_off_for_the_life_of_a_request() {
    let world = linked_and_parked(150);
    world.faults(&json!([fault("*batch/update*", "drop_then_commit", &json!(50_000), 1)]));
    world.sweep();
    assert_eq!(left(&world), 100);
    let held: Vec<Item> =
        ids(150).iter().map(|id| world.item("contact", id)).filter(|item| item.slot.is_some()).collect();
    let until = held[0].slot.as_ref().unwrap().not_before;
    assert!((59_000..=60_000).contains(&until.since_ms(world.now())), "{until:?}");
    for item in &held {
        let slot = item.slot.as_ref().unwrap();
        assert_eq!((slot.state, slot.reason.code), (SlotState::Parked, Code::OutcomeUnknown));
        assert_eq!((slot.not_before, item.applied_hash.as_deref()), (until, None));
    }
    let calls = world.calls().len();
    while world.now() < until.plus_ms(-1_000) {
        world.clock.advance_ms(1_000);
        world.sweep();
        assert_eq!(world.calls().len(), calls, "nothing is sent while it may land");
    }
    world.clock.advance_ms(1_000);
    world.sweep();
    assert_eq!((left(&world), world.contacts("firstname")), (0, vec!["v2".to_owned(); 150]));
}

#[test]
fn given_a_lost_upsert_of_what_the_crm_never_had_when_drained_then_no_second_is_made_whatever_came_of_it() {
    for fate in ["drop_after_commit", "refuse", "drop_then_commit"] {
        for mapping in [CONTACT, crashes::WITHOUT_KEY] {
            let world = World::with_contact(mapping);
            configure(&world, "paused", mapping);
            bring(&world, &ids(3), 1);
            configure(&world, "live", mapping);
            let value = if fate == "drop_then_commit" { json!(50_000) } else { Value::Null };
            world.faults(&json!([
                fault("*batch/upsert*", fate, &value, 1),
                fault("*batch/create*", fate, &value, 1)
            ]));
            world.sweep();
            assert_eq!(left(&world), 3, "{fate}");
            pass_minutes(&world, 5);
            assert_eq!((left(&world), world.contacts("email").len()), (0, 3), "{fate} {mapping}");
        }
    }
}

#[test]
fn given_an_index_that_lags_when_something_is_put_off_then_it_is_looked_at_all_the_same() {
    let world = linked_and_parked(3);
    // Long after anybody parked: that is no reason to look again.
    mode(&world, "paused");
    pass_minutes(&world, 5);
    mode(&world, "live");
    world.clock.advance_ms(60_000);
    struct Lags<'a>(&'a World);
    #[async_trait]
    impl Http for Lags<'_> {
        async fn send(&self, outgoing: Outgoing) -> Result<Response, NoAnswer> {
            self.0.records.state().index_lags = true;
            self.0.crm.send(outgoing).await
        }
    }
    world.faults(&json!([fault("*batch/update*", "drop_after_commit", &Value::Null, 1)]));
    assert!(bulk_by(&world, &Lags(&world), &[baton(&world)]).is_some());
    world.clock.advance_ms(1_000);
    world.records.state().index_lags = false;
    pass_minutes(&world, 3);
    assert_eq!(left(&world), 0, "{:?}", lane(&world));
}

#[test]
fn given_a_reference_that_is_not_linked_when_drained_then_it_waits_for_it_and_is_completed() {
    let world = World::with_contact(references::CONTACT);
    configure(&world, "paused", references::CONTACT);
    assert!(world.sync(&[references::contact(&world, "c", 1, "k")]).failed.is_empty());
    // It waits for its company, which nobody needs to send for; its wait ends at a paused connection.
    assert_eq!(world.item("contact", "c").slot.unwrap().state, SlotState::Waiting);
    world.clock.advance_ms(references::HOUR_MS);
    world.sweep();
    assert_eq!(crate::parked(&world, "c").reason.code, Code::Paused);
    // A newer one refers to another company, and waits anew.
    assert!(world.sync(&[references::contact(&world, "c", 2, "new")]).failed.is_empty());
    configure(&world, "live", references::CONTACT);
    pass_minutes(&world, 2);
    let slot = world.item("contact", "c").slot;
    world.sync(&[references::company(&world, "new")]);
    world.deliver();
    pass_minutes(&world, 2);
    assert_eq!((references::associated(&world, "new"), left(&world)), (vec!["v2".to_owned()], 0), "{slot:?}");
}

#[test]
fn given_a_parked_record_whose_reference_is_new_when_drained_within_the_wait_then_it_waits_in_its_slot() {
    let world = World::with_contact(references::CONTACT);
    configure(&world, "paused", references::CONTACT);
    assert!(world.sync(&[references::contact(&world, "c", 1, "")]).failed.is_empty());
    crate::parked(&world, "c");
    assert!(world.sync(&[references::contact(&world, "c", 2, "k")]).failed.is_empty());
    assert_eq!(crate::parked(&world, "c").wanted_version, 2);
    configure(&world, "live", references::CONTACT);
    world.sweep();
    let slot = world.item("contact", "c").slot.unwrap();
    assert_eq!((slot.state, world.contacts("email").len()), (SlotState::Waiting, 0));
    world.sync(&[references::company(&world, "k")]);
    world.deliver();
    assert_eq!((references::associated(&world, "k"), left(&world)), (vec!["v2".to_owned()], 0));
}

#[test]
fn given_a_contact_and_its_company_both_parked_when_drained_then_the_company_goes_first() {
    let world = World::with_contact(references::CONTACT);
    configure(&world, "paused", references::CONTACT);
    let batch = [references::contact(&world, "c", 1, "k"), references::company(&world, "k")];
    assert!(world.sync(&batch).failed.is_empty());
    configure(&world, "live", references::CONTACT);
    pass_minutes(&world, 2);
    assert_eq!((references::associated(&world, "k"), left(&world)), (vec!["v1".to_owned()], 0));
}

/// A person drops what is parked of `id`.
fn give_up(world: &World, id: &str) {
    let key = PairKey::new(&RecordKey::new("acme", "contact", id), &here());
    let (old, names): (Item, Names) = world.records.state().items[&key].clone();
    let mut new = Item { rev: old.rev + 1, ..old.clone() };
    new.slot.as_mut().unwrap().state = SlotState::Drop;
    let write = Write { key, names, old, new };
    assert_eq!(futures::executor::block_on(world.records.write(&[write])), [Wrote::Done]);
}

#[test]
fn given_what_a_person_gave_up_when_due_then_the_fence_moves_past_it_and_nothing_is_called() {
    let world = linked_and_parked(3);
    let calls = world.calls().len();
    ids(3).iter().for_each(|id| give_up(&world, id));
    assert_eq!(world.sweep()[0].counts["dropped"], 3);
    let item = world.item("contact", "c0000");
    assert_eq!((item.applied_version, item.applied_hash, item.slot), (Some(2), None, None));
    assert_eq!((world.calls().len(), world.contacts("firstname")), (calls, vec!["v1".to_owned(); 3]));
    // What was given up does not come back; the next version goes.
    world.sync(&[contact(&world, "c0000", 2), contact(&world, "c0001", 3)]);
    assert_eq!(world.contacts("firstname"), ["v1", "v1", "v3"]);
}

#[test]
fn given_what_a_person_gave_up_under_a_hold_when_looked_at_then_it_ends_when_the_hold_does_and_a_newer_one_replaces_it()
 {
    let world = linked_and_parked(2);
    world.faults(&json!([fault("*batch/update*", "drop_then_commit", &json!(50_000), 1)]));
    world.sweep();
    let until = crate::parked(&world, "c0000").not_before;
    ids(2).iter().for_each(|id| give_up(&world, id));
    assert!(world.sync(&[contact(&world, "c0001", 3)]).failed.is_empty());
    let slot = crate::parked(&world, "c0001");
    assert_eq!((slot.wanted_version, slot.not_before), (3, until));
    while world.now() < until.plus_ms(-1_000) {
        world.clock.advance_ms(1_000);
        world.sweep();
        assert_eq!(left(&world), 2, "not before the hold is over");
    }
    world.clock.advance_ms(1_000);
    world.sweep();
    assert_eq!((left(&world), world.item("contact", "c0000").applied_version), (0, Some(2)));
    assert_eq!(world.contacts("firstname"), ["v2", "v3"], "the lost request landed, and nothing after it");
}

#[test]
fn given_a_connection_or_a_mapping_that_is_gone_when_due_then_each_is_dead_and_can_be_woken_when_it_is_back()
{
    let no_connection = "org: acme\nconnections: {}\nroutes: {}\n".to_owned();
    // Another CRM stands behind its name, and nobody has mapped contacts for that one.
    let no_mapping = format!(
        "org: acme\nconnections:\n  hubspot:\n    provider: salesforce\n    base_url: {BASE}/salesforce/acme\nroutes: {{}}\n"
    );
    let company = ("mappings/hubspot/company.yaml", "object: companies\nfields:\n  name: name\n");
    for (gone, files) in [
        (
            "connection",
            vec![("mappings/hubspot/contact.yaml", CONTACT), ("orgs/acme.yaml", no_connection.as_str())],
        ),
        ("mapping", vec![company, ("orgs/acme.yaml", no_mapping.as_str())]),
    ] {
        let world = linked_and_parked(5);
        world.configs.apply(&files).unwrap();
        let reports = world.sweep();
        assert_eq!(
            reports[0].counts.get("dead"),
            Some(&5),
            "{gone}: {reports:?} {:?}",
            world.item("contact", "c0000").slot
        );
        let slot = world.item("contact", "c0000").slot.unwrap();
        assert_eq!((slot.state, slot.reason.code), (SlotState::Dead, Code::NoMapping), "{gone}");
        pass_minutes(&world, 5);
        assert_eq!(lane(&world).due_at, None, "{gone}: nobody looks for ever");
        mode(&world, "live");
        world.sync(&[build::wake("acme", "contact", "c0000", "hubspot", 2, world.now())]);
        assert_eq!(world.item("contact", "c0000").applied_version, Some(2), "{gone}");
    }
}

#[test]
fn given_a_stored_body_that_is_gone_when_drained_then_its_record_is_dead_and_its_neighbours_go() {
    let world = linked_and_parked(3);
    mode(&world, "paused");
    let large = json!({"email": "c0001@x.io", "first_name": "v3", "notes": "x".repeat(200_000)});
    world.sync(&[world.contact("c0001", 3, &large)]);
    world.records.state().bodies.clear();
    mode(&world, "live");
    world.sweep();
    let slot = world.item("contact", "c0001").slot.unwrap();
    assert_eq!((slot.state, slot.reason.code, left(&world)), (SlotState::Dead, Code::BodyGone, 1));
}

#[test]
fn given_parked_deletes_when_drained_then_the_records_are_gone_at_the_crm() {
    let world = linked_and_parked(3);
    mode(&world, "paused");
    world.sync(&[build::delete("acme", "contact", "c0001", 3, world.now())]);
    mode(&world, "live");
    world.sweep();
    assert_eq!(
        (world.contacts("rtr_record_id"), left(&world)),
        (vec!["c0000".to_owned(), "c0002".to_owned()], 0)
    );
    assert!(world.item("contact", "c0001").deleted);
}
