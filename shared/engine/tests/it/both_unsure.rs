//! Both directions at once, where nobody knows what has become of a call: to a CRM, to the internal system.

use rtr_core::inbound::Operation;
use rtr_testkit::both::BothWays;
use rtr_testkit::house::Mood;
use serde_json::json;

#[test]
fn given_a_write_that_lands_after_the_next_version_was_made_when_that_is_written_then_ours_is_no_change_of_the_crms()
 {
    for both in [BothWays::at_hubspot_alone(), BothWays::default()] {
        both.house.edit("acme", "contact", "c-1", &json!({"email": "a@x.io", "phone": "1", "stage": "new"}));
        both.settle();
        let id = both.linked("hubspot", "c-1").unwrap();
        both.pass(60_000);
        let late = json!([{"account": "acme", "match": {"path": "*batch/update*"}, "fault": "drop_then_commit",
            "value": 50_000, "count": 1}]);
        both.world.crm.control("PUT", "/_sandbox/faults", &late);
        both.house.edit("acme", "contact", "c-1", &json!({"phone": "2"}));
        both.settle();
        both.world.clock.advance_ms(1_000);
        both.house.edit("acme", "contact", "c-1", &json!({"phone": "3"}));
        both.pass(55_000);
        both.webhook("hubspot", &id, Operation::Upsert);
        both.pass(900_000);
        let record = both.house.record("contact", "c-1").unwrap();
        assert_eq!((record.version, &record.data.unwrap()["phone"]), (3, &json!("3")), "{:?}", both.counts);
        assert!(both.house.state().told.is_empty());
        assert_eq!(both.at_crm("hubspot", &id)["phone"], "3");
        assert!(both.item("hubspot", "c-1").sent.is_empty(), "what came after it was confirmed");
        // What a person writes after that is the person's, though it be what we once sent.
        both.person("hubspot", Some(&id), &json!({"phone": "2"}));
        both.webhook("hubspot", &id, Operation::Upsert);
        both.pass(60_000);
        assert_eq!(both.house.record("contact", "c-1").unwrap().data.unwrap()["phone"], "2");
    }
}

#[test]
fn given_an_internal_system_that_hangs_when_much_changes_then_it_is_asked_by_few_and_gets_all_when_it_is_back()
 {
    let both = BothWays::at_hubspot_alone();
    let ids: Vec<String> = (0..40).map(|n| format!("c-{n}")).collect();
    for id in &ids {
        both.house.edit("acme", "contact", id, &json!({"email": format!("{id}@x.io"), "stage": "new"}));
    }
    both.pass(60_000);
    both.house.state().mood = Mood::Down;
    for id in &ids {
        let external = both.linked("hubspot", id).unwrap();
        both.person("hubspot", Some(&external), &json!({"phone": "2"}));
        both.webhook("hubspot", &external, Operation::Upsert);
    }
    both.pass(600_000);
    let asked = both.house.state().asked;
    assert!((1..=20).contains(&asked), "{asked} times in ten minutes, of forty records");
    both.house.state().mood = Mood::Takes;
    both.pass(600_000);
    for id in &ids {
        assert_eq!(both.house.record("contact", id).unwrap().data.unwrap()["phone"], "2");
    }
    assert_eq!(both.house.state().told.len(), ids.len());
}
