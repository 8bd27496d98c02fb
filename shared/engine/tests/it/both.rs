//! Both directions at once: an internal system, three CRMs, and people on either side.

use rtr_core::inbound::Operation;
use rtr_testkit::both::BothWays;
use rtr_testkit::house::Mood;
use serde_json::{Value, json};

pub(super) const ALL: [&str; 3] = ["hubspot", "salesforce", "hubspot-eu"];

/// A contact of the internal system that is at all three CRMs; the ids there.
pub(super) fn everywhere(both: &BothWays, id: &str) -> [String; 3] {
    let data = json!({"email": format!("{id}@x.io"), "name": {"first": "Ann", "last": "Lee"}, "phone": "1", "stage": "new"});
    both.house.edit("acme", "contact", id, &data);
    both.settle();
    ALL.map(|name| {
        both.linked(name, id)
            .unwrap_or_else(|| panic!("{name}: {:?}\n{:?}", both.item(name, id), both.counts))
    })
}

fn writes(both: &BothWays) -> [u64; 3] {
    ALL.map(|name| both.writes_at(name))
}

#[test]
fn given_three_crms_when_a_person_edits_in_one_then_the_internal_system_changes_once_and_each_other_is_written_once()
 {
    let both = BothWays::default();
    let ids = everywhere(&both, "c-1");
    both.pass(60_000);
    let before = writes(&both);
    both.person("hubspot", Some(&ids[0]), &json!({"phone": "+49 30 1234"}));
    both.webhook("hubspot", &ids[0], Operation::Upsert);
    both.pass(600_000);
    let record = both.house.record("contact", "c-1").unwrap();
    assert_eq!((record.version, record.data.unwrap()["phone"].clone()), (2, json!("+49 30 1234")));
    assert_eq!(both.house.state().told.len(), 1);
    let told = both.house.state().told[0].clone();
    assert_eq!((&told["changed"], &told["data"]), (&json!(["phone"]), &json!({"phone": "+49 30 1234"})));
    let after = writes(&both);
    assert_eq!(
        [0, 1, 2].map(|at| after[at] - before[at]),
        [1, 1, 1],
        "its person's own, and one at each other"
    );
    assert_eq!(both.at_crm("salesforce", &ids[1])["Phone"], "+49 30 1234");
    assert_eq!(both.at_crm("hubspot-eu", &ids[2])["phone"], "+49 30 1234");
    let recent = both.item("hubspot", "c-1").recent;
    assert_eq!(recent.last().map(|one| one.ended.as_str()), Some("unchanged"));
}

#[test]
fn given_our_own_writes_when_crms_tell_of_them_late_twice_and_in_any_order_then_nothing_comes_of_it() {
    let both = BothWays::default();
    let ids = everywhere(&both, "c-1");
    for _ in 0..2 {
        for (name, id) in ALL.iter().zip(&ids).rev() {
            both.webhook(name, id, Operation::Upsert);
        }
    }
    both.pass(900_000);
    assert!(both.house.state().told.is_empty(), "{:?}", both.counts.borrow());
    assert_eq!(both.house.record("contact", "c-1").unwrap().version, 1);
    assert!(both.counted("sync", "echoes") >= 3, "{:?}", both.counts.borrow());
}

#[test]
fn given_no_webhook_at_all_when_a_person_edits_then_the_poll_finds_it() {
    let both = BothWays::default();
    let ids = everywhere(&both, "c-1");
    both.pass(400_000);
    for (name, id) in ALL.iter().zip(&ids) {
        let field = if *name == "salesforce" { "FirstName" } else { "firstname" };
        both.person(name, Some(id), &json!({ field: format!("by {name}") }));
        both.pass(900_000);
        let record = both.house.record("contact", "c-1").unwrap();
        assert_eq!(record.data.unwrap()["name"]["first"], format!("by {name}"), "{:?}", both.counts.borrow());
    }
    assert_eq!(both.house.state().told.len(), 3);
    assert_eq!(both.house.record("contact", "c-1").unwrap().version, 4);
    for (name, id) in ALL.iter().zip(&ids) {
        let field = if *name == "salesforce" { "FirstName" } else { "firstname" };
        assert_eq!(both.at_crm(name, id)[field], "by hubspot-eu");
    }
}

#[test]
fn given_changes_on_both_sides_when_a_version_is_about_to_overwrite_then_what_the_internal_system_did_not_change_stands()
 {
    let both = BothWays::default();
    let ids = everywhere(&both, "c-1");
    both.pass(60_000);
    // Nobody tells of it: the version that is written finds it.
    both.person("hubspot", Some(&ids[0]), &json!({"phone": "2"}));
    both.world.clock.advance_ms(1_000);
    both.house.edit("acme", "contact", "c-1", &json!({"title": "Boss"}));
    both.pass(60_000);
    for (name, id) in ALL.iter().zip(&ids) {
        let (phone, title) = if *name == "salesforce" { ("Phone", "Title") } else { ("phone", "jobtitle") };
        let held = both.at_crm(name, id);
        assert_eq!((&held[phone], &held[title]), (&json!("2"), &json!("Boss")), "{name}");
    }
    assert_eq!(both.house.record("contact", "c-1").unwrap().data.unwrap()["phone"], "2");
}

#[test]
fn given_the_same_field_changed_on_both_sides_when_they_meet_then_the_later_one_stands_everywhere() {
    for crm_is_later in [false, true] {
        let both = BothWays::default();
        let ids = everywhere(&both, "c-1");
        both.pass(60_000);
        let crm = || {
            both.person("hubspot", Some(&ids[0]), &json!({"phone": "crm"}));
        };
        let house = || both.house.edit("acme", "contact", "c-1", &json!({"phone": "house"}));
        if crm_is_later {
            house()
        } else {
            crm()
        }
        both.world.clock.advance_ms(2_000);
        if crm_is_later {
            crm()
        } else {
            house()
        }
        both.webhook("hubspot", &ids[0], Operation::Upsert);
        both.pass(900_000);
        let wanted = if crm_is_later { "crm" } else { "house" };
        assert_eq!(both.house.record("contact", "c-1").unwrap().data.unwrap()["phone"], wanted);
        for (name, id) in ALL.iter().zip(&ids) {
            let field = if *name == "salesforce" { "Phone" } else { "phone" };
            assert_eq!(both.at_crm(name, id)[field], wanted, "{name}, the CRM later: {crm_is_later}");
        }
    }
}

#[test]
fn given_a_new_record_in_a_crm_when_told_then_it_is_offered_linked_and_made_once_at_each_other() {
    let both = BothWays::default();
    everywhere(&both, "c-1");
    let values = json!({"email": "new@x.io", "firstname": "Bo", "lastname": "Ek"});
    let id = both.person("hubspot", None, &values);
    both.webhook("hubspot", &id, Operation::Upsert);
    both.webhook("hubspot", &id, Operation::Upsert);
    both.pass(900_000);
    assert_eq!(both.house.state().told.len(), 1, "{:?}", both.counts.borrow());
    let record = both.house.record("contact", "made-1").unwrap();
    assert_eq!(
        record.data.unwrap(),
        json!({"email": "new@x.io", "name": {"first": "Bo", "last": "Ek"}, "stage": "new"})
    );
    assert_eq!(both.linked("hubspot", "made-1"), Some(id.clone()));
    assert_eq!(ALL.map(|name| both.count_at(name)), [2, 2, 2]);
    assert_eq!(both.at_crm("hubspot", &id)["rtr_record_id"], "made-1");
    // From then on it is like any other.
    both.person("hubspot", Some(&id), &json!({"firstname": "Bob"}));
    both.webhook("hubspot", &id, Operation::Upsert);
    both.pass(900_000);
    assert_eq!(both.house.record("contact", "made-1").unwrap().data.unwrap()["name"]["first"], "Bob");
    assert_eq!(ALL.map(|name| both.count_at(name)), [2, 2, 2]);
}

#[test]
fn given_a_record_that_a_person_deletes_when_told_then_the_internal_system_hears_once_and_the_others_follow()
{
    let both = BothWays::default();
    let ids = everywhere(&both, "c-1");
    both.pass(120_000);
    both.deletes("salesforce", &ids[1]);
    both.pass(1_800_000);
    let told = both.house.state().told.clone();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["operation"], "deleted");
    assert_eq!(ALL.map(|name| both.count_at(name)), [0, 0, 0]);
}

#[test]
fn given_an_internal_system_that_is_down_when_it_is_back_then_all_that_changed_meanwhile_is_told_once() {
    let both = BothWays::default();
    let ids = everywhere(&both, "c-1");
    both.pass(60_000);
    both.house.state().mood = Mood::Down;
    for phone in ["2", "3"] {
        both.person("hubspot", Some(&ids[0]), &json!({ "phone": phone }));
        both.webhook("hubspot", &ids[0], Operation::Upsert);
        both.pass(30_000);
    }
    both.person("hubspot", Some(&ids[0]), &json!({"firstname": "Anna"}));
    both.webhook("hubspot", &ids[0], Operation::Upsert);
    both.pass(30_000);
    assert!(both.told("hubspot", &ids[0]).slot.is_some());
    both.house.state().mood = Mood::Takes;
    both.pass(900_000);
    let data = both.house.record("contact", "c-1").unwrap().data.unwrap();
    assert_eq!((&data["phone"], &data["name"]["first"]), (&json!("3"), &json!("Anna")));
    assert_eq!(both.told("hubspot", &ids[0]).slot, None);
    assert_eq!(both.at_crm("salesforce", &ids[1])["Phone"], "3");
}

#[test]
fn given_an_answer_that_was_lost_when_told_again_then_it_is_known_by_its_id() {
    let both = BothWays::default();
    let ids = everywhere(&both, "c-1");
    both.house.state().mood = Mood::Forgetful;
    both.person("hubspot", Some(&ids[0]), &json!({"phone": "2"}));
    both.webhook("hubspot", &ids[0], Operation::Upsert);
    both.pass(3_000);
    both.house.state().mood = Mood::Takes;
    both.pass(900_000);
    assert_eq!(both.house.state().told.len(), 1);
    assert!(both.house.state().repeats >= 1);
    assert_eq!(both.house.record("contact", "c-1").unwrap().version, 2);
}

#[test]
fn given_conflicts_and_what_is_not_wanted_when_answered_so_then_it_is_not_told_again() {
    for status in [409, 410] {
        let both = BothWays::default();
        let ids = everywhere(&both, "c-1");
        both.house.state().mood = Mood::Says(status);
        both.person("hubspot", Some(&ids[0]), &json!({"phone": "2"}));
        both.webhook("hubspot", &ids[0], Operation::Upsert);
        both.pass(10_000);
        both.house.state().mood = Mood::Takes;
        both.webhook("hubspot", &ids[0], Operation::Upsert);
        both.pass(900_000);
        assert!(both.house.state().told.is_empty());
        // The next version brings the CRM back to what the internal system has.
        both.house.edit("acme", "contact", "c-1", &json!({"title": "Boss"}));
        both.pass(60_000);
        assert_eq!(both.at_crm("hubspot", &ids[0])["phone"], "1", "{status}");
    }
}

#[test]
fn given_a_parked_record_when_a_person_edits_it_then_it_is_looked_at_after_it_has_gone() {
    let both = BothWays::default();
    let ids = everywhere(&both, "c-1");
    both.pass(60_000);
    both.world.faults(&json!([{"provider": "hubspot", "account": "acme", "match": {"path": "/crm/v3/objects/contacts/batch/update"},
        "fault": "status", "value": 503, "for_ms": 60_000}]));
    both.house.edit("acme", "contact", "c-1", &json!({"title": "Boss"}));
    both.pass(20_000);
    both.person("hubspot", Some(&ids[0]), &json!({"phone": "2"}));
    both.webhook("hubspot", &ids[0], Operation::Upsert);
    both.pass(1_200_000);
    assert_eq!(both.house.record("contact", "c-1").unwrap().data.unwrap()["phone"], "2");
    assert_eq!(both.at_crm("hubspot", &ids[0])["jobtitle"], "Boss");
    assert_eq!(both.at_crm("salesforce", &ids[1])["Phone"], "2");
}

#[test]
fn given_a_look_under_many_more_edits_when_all_is_quiet_then_all_sides_have_the_last_and_nothing_goes_on() {
    let both = BothWays::default();
    let ids = everywhere(&both, "c-1");
    for n in 0..6 {
        let (name, id) = (ALL[n % 3], &ids[n % 3]);
        let field = if name == "salesforce" { "Phone" } else { "phone" };
        both.person(name, Some(id), &json!({ field: format!("p{n}") }));
        both.webhook(name, id, Operation::Upsert);
        if n % 2 == 0 {
            both.pass(1_500);
        }
    }
    both.pass(1_800_000);
    let phone = both.house.record("contact", "c-1").unwrap().data.unwrap()["phone"].clone();
    for (name, id) in ALL.iter().zip(&ids) {
        let field = if *name == "salesforce" { "Phone" } else { "phone" };
        assert_eq!(both.at_crm(name, id)[field], phone, "{name}");
    }
    let (version, calls) = (both.house.record("contact", "c-1").unwrap().version, writes(&both));
    both.pass(1_800_000);
    assert_eq!((both.house.record("contact", "c-1").unwrap().version, writes(&both)), (version, calls));
    assert!(version <= 7, "one for each edit at the most: {version}");
    assert_ne!(phone, Value::Null);
}

#[test]
fn given_an_offer_that_is_put_off_when_offered_again_then_it_is_the_same_one_and_nobody_waits_for_it_meanwhile()
 {
    for mood in [Mood::Says(503), Mood::Forgetful] {
        let both = BothWays::default();
        everywhere(&both, "c-1");
        both.house.state().mood = mood;
        let id = both.person("hubspot", None, &json!({"email": "new@x.io", "firstname": "Bo"}));
        both.webhook("hubspot", &id, Operation::Upsert);
        both.settle();
        if mood == Mood::Says(503) {
            both.house.edit("acme", "contact", "c-2", &json!({"email": "c-2@x.io", "stage": "new"}));
            both.pass(3_000);
            assert!(both.linked("hubspot", "c-2").is_some(), "{:?}", both.item("hubspot", "c-2"));
        }
        both.house.state().mood = Mood::Takes;
        both.pass(900_000);
        let state = both.house.state();
        let offers = state.told.iter().filter(|one| one["external_id"] == json!(id)).count();
        assert_eq!((offers, state.repeats > 0), (1, mood == Mood::Forgetful), "{mood:?}: {:?}", state.told);
        drop(state);
        let made = both.house.state().records.len();
        assert_eq!(made, if mood == Mood::Forgetful { 2 } else { 3 });
    }
}

#[test]
fn given_two_records_of_a_crm_that_are_one_to_the_internal_system_when_told_then_a_person_is_asked_about_the_second()
 {
    let both = BothWays::default();
    let ids = everywhere(&both, "c-1");
    let id = both.person("hubspot", None, &json!({"email": "second@x.io", "firstname": "Ann"}));
    both.house.state().takes_for = Some("c-1".to_owned());
    both.webhook("hubspot", &id, Operation::Upsert);
    both.pass(60_000);
    assert_eq!(both.linked("hubspot", "c-1").as_ref(), Some(&ids[0]));
    let slot = both.told("hubspot", &id).slot.expect("it is kept");
    assert_eq!((slot.state, slot.reason.code.as_str()), (rtr_core::item::SlotState::Dead, "RTR3006"));
    assert_eq!(both.counted("apply", "duplicates"), 1);
}

#[test]
fn given_a_change_that_was_taken_unheard_when_others_come_after_it_then_it_is_told_again_as_it_was_and_they_after_it()
 {
    let both = BothWays::default();
    let ids = everywhere(&both, "c-1");
    both.pass(60_000);
    both.house.state().mood = Mood::Forgetful;
    both.person("hubspot", Some(&ids[0]), &json!({"phone": "2"}));
    both.webhook("hubspot", &ids[0], Operation::Upsert);
    both.pass(1_000);
    both.publishes.set(false);
    both.house.edit("acme", "contact", "c-1", &json!({"phone": "3"}));
    both.publishes.set(true);
    both.person("hubspot", Some(&ids[0]), &json!({"firstname": "Anna"}));
    both.webhook("hubspot", &ids[0], Operation::Upsert);
    both.pass(2_000);
    both.house.state().mood = Mood::Takes;
    both.pass(900_000);
    let told: Vec<Value> = both.house.state().told.iter().map(|one| one["changed"].clone()).collect();
    assert_eq!(told, [json!(["phone"]), json!(["name.first"])], "no value twice");
    let data = both.house.record("contact", "c-1").unwrap().data.unwrap();
    assert_eq!((&data["phone"], &data["name"]["first"]), (&json!("3"), &json!("Anna")));
}
