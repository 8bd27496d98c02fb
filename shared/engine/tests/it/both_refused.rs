//! Both directions at once, where the internal system does not take what it is told.

use super::both::{ALL, everywhere};
use rtr_core::inbound::Operation;
use rtr_testkit::both::BothWays;
use rtr_testkit::house::Mood;
use serde_json::json;

#[test]
fn given_an_internal_system_that_refuses_when_it_is_mended_and_the_letter_redriven_then_what_the_crm_holds_by_then_is_told()
 {
    let both = BothWays::default();
    let ids = everywhere(&both, "c-1");
    both.house.state().mood = Mood::Says(422);
    both.person("hubspot", Some(&ids[0]), &json!({"phone": "2"}));
    both.webhook("hubspot", &ids[0], Operation::Upsert);
    both.pass(10_000);
    let dead = both.told("hubspot", &ids[0]);
    assert_eq!(dead.dead().map(|slot| slot.reason.code.as_str()), Some("RTR3010"));
    both.house.state().mood = Mood::Takes;
    both.person("hubspot", Some(&ids[0]), &json!({"firstname": "Anna", "phone": "3"}));
    both.wake("hubspot", &ids[0]);
    both.pass(60_000);
    let data = both.house.record("contact", "c-1").unwrap().data.unwrap();
    assert_eq!((&data["phone"], &data["name"]["first"]), (&json!("3"), &json!("Anna")));
    assert_eq!(both.told("hubspot", &ids[0]).slot, None);
}

#[test]
fn given_a_value_that_the_map_does_not_have_when_told_then_it_is_a_dead_letter_of_that_field() {
    let both = BothWays::default();
    let ids = everywhere(&both, "c-1");
    both.person("hubspot", Some(&ids[0]), &json!({"lifecyclestage": "opportunity"}));
    both.webhook("hubspot", &ids[0], Operation::Upsert);
    both.pass(10_000);
    let told = both.told("hubspot", &ids[0]);
    let reason = told.dead().map(|slot| slot.reason.clone()).unwrap();
    assert_eq!((reason.code.as_str(), reason.field.as_deref()), ("RTR2005", Some("lifecyclestage")));
}

#[test]
fn given_a_deletion_that_was_refused_when_the_letter_is_redriven_then_it_is_told() {
    let both = BothWays::default();
    let ids = everywhere(&both, "c-1");
    both.pass(120_000);
    both.house.state().mood = Mood::Says(422);
    both.deletes("salesforce", &ids[1]);
    both.webhook("salesforce", &ids[1], Operation::Deleted);
    both.pass(10_000);
    assert!(both.told("salesforce", &ids[1]).dead().is_some());
    both.house.state().mood = Mood::Takes;
    both.wake("salesforce", &ids[1]);
    both.pass(60_000);
    assert_eq!(both.house.record("contact", "c-1").unwrap().data, None);
    assert_eq!(both.told("salesforce", &ids[1]).slot, None);
    assert_eq!(ALL.map(|name| both.count_at(name)), [0, 0, 0]);
}

#[test]
fn given_a_refused_deletion_of_a_record_that_was_made_again_when_the_letter_is_redriven_then_it_ends() {
    let both = BothWays::default();
    let ids = everywhere(&both, "c-1");
    both.pass(120_000);
    both.house.state().mood = Mood::Says(422);
    both.deletes("hubspot", &ids[0]);
    both.webhook("hubspot", &ids[0], Operation::Deleted);
    both.pass(10_000);
    both.house.state().mood = Mood::Takes;
    both.house.edit("acme", "contact", "c-1", &json!({"title": "Boss"}));
    both.pass(60_000);
    assert_ne!(both.linked("hubspot", "c-1").unwrap(), ids[0], "it was made again");
    both.wake("hubspot", &ids[0]);
    both.pass(60_000);
    assert_eq!(both.told("hubspot", &ids[0]).slot, None);
    assert!(both.house.record("contact", "c-1").unwrap().data.is_some());
}

#[test]
fn given_a_refused_change_when_the_record_is_deleted_and_that_is_told_then_nothing_stays_dead() {
    let both = BothWays::default();
    let ids = everywhere(&both, "c-1");
    both.pass(120_000);
    both.house.state().mood = Mood::Says(422);
    both.person("salesforce", Some(&ids[1]), &json!({"Phone": "2"}));
    both.webhook("salesforce", &ids[1], Operation::Upsert);
    both.pass(10_000);
    assert!(both.told("salesforce", &ids[1]).dead().is_some());
    both.house.state().mood = Mood::Takes;
    both.deletes("salesforce", &ids[1]);
    both.webhook("salesforce", &ids[1], Operation::Deleted);
    both.pass(60_000);
    assert_eq!(both.told("salesforce", &ids[1]).slot, None);
    assert_eq!(both.house.record("contact", "c-1").unwrap().data, None);
}

#[test]
fn given_a_letter_that_waits_to_be_looked_at_when_another_look_is_put_off_then_it_is_told_all_the_same() {
    let both = BothWays::default();
    let ids = everywhere(&both, "c-1");
    both.pass(60_000);
    both.house.state().mood = Mood::Says(422);
    both.person("hubspot", Some(&ids[0]), &json!({"phone": "2"}));
    both.webhook("hubspot", &ids[0], Operation::Upsert);
    both.pass(10_000);
    assert!(both.told("hubspot", &ids[0]).dead().is_some());
    both.house.state().mood = Mood::Takes;
    both.world.faults(&json!([{"provider": "hubspot", "account": "acme",
        "match": {"path": "/crm/v3/objects/contacts/batch/read"}, "fault": "status", "value": 503, "for_ms": 40_000}]));
    both.wake("hubspot", &ids[0]);
    both.settle();
    for _ in 0..3 {
        both.webhook("hubspot", &ids[0], Operation::Upsert);
        both.settle();
    }
    both.pass(900_000);
    assert_eq!(both.house.record("contact", "c-1").unwrap().data.unwrap()["phone"], "2");
    assert_eq!(both.told("hubspot", &ids[0]).slot, None);
}

/// A refused phone of `c-1` at HubSpot, whose letter is being redriven while the CRM cannot be asked.
fn redriven_in_an_outage(both: &BothWays, id: &str) {
    both.pass(60_000);
    both.house.state().mood = Mood::Says(422);
    both.person("hubspot", Some(id), &json!({"phone": "2"}));
    both.webhook("hubspot", id, Operation::Upsert);
    both.pass(10_000);
    assert!(both.told("hubspot", id).dead().is_some());
    both.house.state().mood = Mood::Takes;
    both.world.faults(&json!([{"provider": "hubspot", "account": "acme",
        "match": {"path": "/crm/v3/objects/contacts/batch/read"}, "fault": "status", "value": 503, "times": 1}]));
    both.wake("hubspot", id);
    both.settle();
}

#[test]
fn given_a_letter_that_waits_to_be_looked_at_when_another_field_is_told_meanwhile_then_it_is_told_too() {
    let both = BothWays::default();
    let ids = everywhere(&both, "c-1");
    redriven_in_an_outage(&both, &ids[0]);
    both.person("hubspot", Some(&ids[0]), &json!({"firstname": "Anna"}));
    both.webhook("hubspot", &ids[0], Operation::Upsert);
    both.pass(900_000);
    let data = both.house.record("contact", "c-1").unwrap().data.unwrap();
    assert_eq!((&data["phone"], &data["name"]["first"]), (&json!("2"), &json!("Anna")));
    assert_eq!(both.told("hubspot", &ids[0]).slot, None);
}

#[test]
fn given_a_refused_field_when_another_has_to_wait_then_neither_is_refused_for_the_other() {
    let both = BothWays::default();
    let ids = everywhere(&both, "c-1");
    both.pass(60_000);
    both.house.state().refuses = Some("phone".to_owned());
    both.person("hubspot", Some(&ids[0]), &json!({"phone": "2"}));
    both.webhook("hubspot", &ids[0], Operation::Upsert);
    both.pass(10_000);
    assert!(both.told("hubspot", &ids[0]).dead().is_some());
    both.house.state().mood = Mood::Says(503);
    both.person("hubspot", Some(&ids[0]), &json!({"firstname": "Anna"}));
    both.webhook("hubspot", &ids[0], Operation::Upsert);
    both.pass(3_000);
    both.house.state().mood = Mood::Takes;
    both.pass(900_000);
    assert_eq!(both.house.record("contact", "c-1").unwrap().data.unwrap()["name"]["first"], "Anna");
    let dead = both.told("hubspot", &ids[0]);
    assert!(dead.dead().is_some(), "the phone still needs a person");
}

#[test]
fn given_a_value_that_the_map_does_not_have_when_others_change_too_then_they_are_told_and_it_alone_is_a_letter()
 {
    let both = BothWays::default();
    let ids = everywhere(&both, "c-1");
    both.pass(60_000);
    both.person("hubspot", Some(&ids[0]), &json!({"lifecyclestage": "opportunity", "phone": "2"}));
    both.webhook("hubspot", &ids[0], Operation::Upsert);
    both.pass(30_000);
    assert_eq!(both.house.record("contact", "c-1").unwrap().data.unwrap()["phone"], "2");
    let field = |id: &str| both.told("hubspot", id).slot.and_then(|slot| slot.reason.field);
    assert_eq!(field(&ids[0]).as_deref(), Some("lifecyclestage"));
    let new = json!({"email": "new@x.io", "firstname": "Bo", "lifecyclestage": "opportunity"});
    let id = both.person("hubspot", None, &new);
    both.webhook("hubspot", &id, Operation::Upsert);
    both.pass(30_000);
    assert_eq!(both.linked("hubspot", "made-1"), Some(id.clone()));
    assert_eq!(field(&id).as_deref(), Some("lifecyclestage"));
}

#[test]
fn given_a_refused_change_that_a_version_was_written_over_when_the_letter_is_redriven_then_it_ends_untold() {
    let both = BothWays::default();
    let ids = everywhere(&both, "c-1");
    both.pass(60_000);
    both.house.state().mood = Mood::Says(422);
    both.person("hubspot", Some(&ids[0]), &json!({"phone": "2", "lastname": "Low"}));
    both.webhook("hubspot", &ids[0], Operation::Upsert);
    both.pass(30_000);
    assert!(both.told("hubspot", &ids[0]).dead().is_some());
    both.house.state().mood = Mood::Takes;
    both.house.edit(
        "acme",
        "contact",
        "c-1",
        &json!({"phone": "3", "name": {"first": "Ann", "last": "Lee"}}),
    );
    both.pass(30_000);
    both.person("hubspot", Some(&ids[0]), &json!({"lastname": "Low"}));
    both.pass(1_000);
    both.wake("hubspot", &ids[0]);
    both.pass(60_000);
    let data = both.house.record("contact", "c-1").unwrap().data.unwrap();
    assert_eq!((&data["phone"], &data["name"]["last"]), (&json!("3"), &json!("Low")), "{:?}", both.counts);
    assert_eq!(both.told("hubspot", &ids[0]).slot, None);
    assert_eq!(both.house.state().told.len(), 1);
    assert_eq!(both.counted("sync", "looks_overwritten"), 1);
}
