//! Records that refer to others: parents first, waiting, being woken, going without, and being completed.

#![allow(clippy::unwrap_used)]

use rtr_core::item::{Ended, SlotState};
use rtr_engine::batch::Received;
use rtr_testkit::build;
use rtr_testkit::crm::BASE;
use rtr_testkit::world::World;
use serde_json::{Value, json};

pub(crate) const CONTACT: &str = "object: contacts\nreference_wait: 1h\nfields:\n  email: email\n  firstname: first_name\n  company: {reference: company, id: company_id, association: default}\n";
pub(crate) const HOUR_MS: i64 = 3_600_000;

pub(crate) fn contact(world: &World, id: &str, version: u64, company: &str) -> Received {
    let data =
        json!({"email": format!("{id}@x.io"), "first_name": format!("v{version}"), "company_id": company});
    world.contact(id, version, &data)
}

pub(crate) fn company(world: &World, id: &str) -> Received {
    world.company(id, 1, &json!({"name": id}))
}

/// The contacts of the CRM that are associated with the record `company`, by first name.
pub(crate) fn associated(world: &World, company: &str) -> Vec<String> {
    let Some(id) = world.item("company", company).external_id else { return Vec::new() };
    let contacts = world.crm.records("acme", "contacts");
    let with =
        contacts.iter().filter(|contact| contact["associations"].to_string().contains(&format!("\"{id}\"")));
    let mut names: Vec<String> =
        with.map(|contact| contact["properties"]["firstname"].as_str().unwrap_or("-").to_owned()).collect();
    names.sort();
    names
}

fn mappings(world: &World, contact: &str, company: &str) {
    let org = format!(
        "org: acme\nconnections:\n  hubspot:\n    base_url: {BASE}/hubspot/acme\nroutes:\n  contact: [hubspot]\n  company: [hubspot]\n"
    );
    let files = [
        ("mappings/hubspot/contact.yaml", contact),
        ("mappings/hubspot/company.yaml", company),
        ("orgs/acme.yaml", org.as_str()),
    ];
    world.configs.apply(&files).unwrap();
}

#[test]
fn given_a_company_that_another_links_while_this_batch_is_refused_it_when_its_contact_looks_then_it_goes_once()
 {
    let world = World::with_contact(CONTACT);
    let refused = json!({"status": 429, "headers": {"Retry-After": "60"}});
    world.faults(&json!([{"provider": "hubspot", "account": "acme", "match": {"path": "*companies*"}, "fault": "status", "value": refused, "count": 1}]));
    let newer = vec![world.company("k", 2, &json!({"name": "k2"}))];
    let http = crate::bulk::Meanwhile::new(&world, "\"k\"", newer);
    let batch = [company(&world, "k"), contact(&world, "c", 1, "k")];
    let seams = rtr_engine::seams::Seams { http: &http, ..world.seams() };
    let (caches, deadline) = (rtr_engine::sync::Caches::default(), world.now().plus_ms(50_000));
    let work = rtr_engine::sync::run(&seams, &world.settings, &caches, &batch, deadline);
    let report = futures::FutureExt::now_or_never(work).unwrap();
    assert!(report.counts.get("linked_meanwhile").is_some_and(|times| *times <= 1), "{:?}", report.counts);
    assert_eq!(world.item("company", "k").applied_version, Some(2));
    world.clock.advance_ms(61_000);
    world.sync(&[]);
    for _ in 0..20 {
        world.sweep();
        world.deliver();
        world.clock.advance_ms(10_000);
    }
    assert_eq!((associated(&world, "k"), world.item("contact", "c").slot), (vec!["v1".to_owned()], None));
}

#[test]
fn given_a_contact_before_its_company_when_the_company_is_linked_then_the_contact_is_woken_and_both_are_right()
 {
    let world = World::with_contact(CONTACT);
    let report = world.sync(&[contact(&world, "c", 1, "k")]);
    // The message is done: what waits does not sit in the queue, and nothing of it is at the CRM.
    assert_eq!((report.failed.len(), report.counts["parked"], world.contacts("email").len()), (0, 1, 0));
    assert_eq!(world.sync(&[company(&world, "k")]).counts["woken"], 1);
    assert_eq!(world.deliver()[0].counts["applied"], 1);
    assert_eq!((associated(&world, "k"), world.item("contact", "c").slot), (vec!["v1".to_owned()], None));
}

#[test]
fn given_a_contact_and_its_company_in_one_batch_when_synced_then_the_company_goes_first_whatever_their_order()
{
    let world = World::with_contact(CONTACT);
    let batch = [contact(&world, "a", 1, "k"), company(&world, "k"), contact(&world, "b", 1, "k")];
    let report = world.sync(&batch);
    assert_eq!(
        (report.counts["applied"], report.counts.get("parked"), report.counts.get("woken")),
        (3, None, None)
    );
    assert_eq!(associated(&world, "k").len(), 2);
}

#[test]
fn given_a_company_that_never_comes_when_the_wait_ends_then_the_contact_goes_without_it_and_says_so() {
    let world = World::with_contact(CONTACT);
    world.sync(&[contact(&world, "c", 1, "k")]);
    world.clock.advance_ms(HOUR_MS - 60_000);
    world.sweep();
    assert!(world.contacts("email").is_empty(), "it goes no earlier");
    world.clock.advance_ms(60_000);
    assert_eq!(world.sweep()[0].counts["applied"], 1);
    assert_eq!(world.contacts("email"), ["c@x.io"]);
    let item = world.item("contact", "c");
    let slot = item.slot.unwrap();
    assert_eq!((slot.state, item.applied_version), (SlotState::Incomplete, Some(1)));
    assert_eq!(
        slot.reason.message,
        "written without the company in `company`, which is not linked; completed when it is"
    );
}

#[test]
fn given_a_contact_that_went_without_its_company_when_that_is_linked_at_last_then_the_contact_is_completed() {
    let world = World::with_contact(CONTACT);
    world.sync(&[contact(&world, "c", 1, "k")]);
    world.clock.advance_ms(HOUR_MS);
    world.sweep();
    world.clock.advance_ms(30 * 24 * HOUR_MS);
    world.sync(&[company(&world, "k")]);
    assert_eq!(world.deliver()[0].counts["applied"], 1);
    let item = world.item("contact", "c");
    assert_eq!(
        (associated(&world, "k"), item.slot, item.applied_version),
        (vec!["v1".to_owned()], None, Some(1))
    );
    assert_eq!(world.contacts("email").len(), 1, "no second contact");
}

#[test]
fn given_a_newer_version_of_what_went_without_when_it_comes_then_it_goes_at_once_and_is_completed_too() {
    let world = World::with_contact(CONTACT);
    world.sync(&[contact(&world, "c", 1, "k")]);
    world.clock.advance_ms(HOUR_MS);
    world.sweep();
    assert_eq!(world.sync(&[contact(&world, "c", 2, "k")]).counts["applied"], 1);
    world.sync(&[company(&world, "k")]);
    world.deliver();
    assert_eq!((associated(&world, "k"), world.item("contact", "c").slot), (vec!["v2".to_owned()], None));
}

#[test]
fn given_a_contact_that_keeps_changing_while_it_waits_when_an_hour_is_over_then_its_newest_version_goes() {
    let world = World::with_contact(CONTACT);
    for version in 1..=6 {
        world.sync(&[contact(&world, "c", version, "never")]);
        world.clock.advance_ms(HOUR_MS / 6);
    }
    world.sweep();
    assert_eq!(world.contacts("firstname"), ["v6"], "{:?}", world.item("contact", "c").slot);
}

#[test]
fn given_a_record_whose_only_news_is_a_reference_when_it_goes_without_then_it_is_still_completed_later() {
    let world = World::with_contact(CONTACT);
    let plain = |version, company: &Value| {
        world.contact("c", version, &json!({"email": "c@x.io", "first_name": "A", "company_id": company}))
    };
    world.sync(&[plain(1, &Value::Null)]);
    world.sync(&[plain(2, &json!("k"))]);
    world.clock.advance_ms(HOUR_MS);
    world.sweep();
    world.sync(&[company(&world, "k")]);
    world.deliver();
    assert_eq!(associated(&world, "k"), ["A"]);
}

#[test]
fn given_a_deleted_contact_when_it_waited_then_nothing_is_written_and_nothing_waits_any_more() {
    let world = World::with_contact(CONTACT);
    world.sync(&[contact(&world, "c", 1, "k")]);
    world.sync(&[build::delete("acme", "contact", "c", 2, world.now())]);
    world.sync(&[company(&world, "k")]);
    world.deliver();
    assert_eq!((world.contacts("email").len(), world.item("contact", "c").slot), (0, None));
}

#[test]
fn given_a_company_that_this_crm_does_not_get_when_its_contact_comes_then_it_does_not_wait() {
    let world = World::with_contact(CONTACT);
    mappings(&world, CONTACT, "object: companies\nwhen: name != 'k'\nfields:\n  name: name\n");
    world.sync(&[company(&world, "k")]);
    assert_eq!(world.sync(&[contact(&world, "c", 1, "k")]).counts["applied"], 1);
    // Should it be wanted one day, the contact is completed.
    mappings(&world, CONTACT, "object: companies\nfields:\n  name: name\n");
    world.sync(&[company(&world, "k")]);
    world.deliver();
    assert_eq!(associated(&world, "k"), ["v1"]);
}

const EACH_OTHER: &str = "object: companies\nfields:\n  name: name\n  owner: {reference: contact, id: owner_id, association: default}\n";

#[test]
fn given_two_that_refer_to_each_other_when_synced_together_or_apart_then_both_are_complete_without_waiting() {
    for together in [true, false] {
        let world = World::with_contact(CONTACT);
        mappings(&world, CONTACT, EACH_OTHER);
        let owned = world.company("k", 1, &json!({"name": "k", "owner_id": "c"}));
        let batch = [contact(&world, "c", 1, "k"), owned];
        if together {
            world.sync(&batch);
        } else {
            batch.into_iter().for_each(|one| drop(world.sync(&[one])));
        }
        world.deliver();
        assert_eq!((associated(&world, "k"), world.item("contact", "c").slot), (vec!["v1".to_owned()], None));
        assert_eq!(world.item("company", "k").slot, None);
    }
}

const BOSS: &str = "object: contacts\nfields:\n  email: email\n  jobtitle: {reference: contact, id: boss}\n";

fn reports_to(world: &World, id: &str, boss: &str) -> Received {
    world.contact(id, 1, &json!({"email": format!("{id}@x.io"), "boss": boss}))
}

#[test]
fn given_circles_of_one_and_of_three_when_synced_then_each_names_its_boss() {
    for circle in [vec!["a"], vec!["a", "b", "c"]] {
        let world = World::with_contact(BOSS);
        let boss = |at: usize| circle[(at + 1) % circle.len()];
        let batch: Vec<_> =
            circle.iter().enumerate().map(|(at, id)| reports_to(&world, id, boss(at))).collect();
        world.sync(&batch);
        world.deliver();
        for (at, id) in circle.iter().enumerate() {
            let (own, boss) = (world.item("contact", id), world.item("contact", boss(at)));
            let held = world.crm.records("acme", "contacts");
            let mine = held.iter().find(|one| one["id"].as_str() == own.external_id.as_deref()).unwrap();
            assert_eq!(
                mine["properties"]["jobtitle"].as_str(),
                boss.external_id.as_deref(),
                "{id} of {circle:?}"
            );
            assert_eq!(own.slot, None);
        }
    }
}

#[test]
fn given_a_circle_of_three_that_comes_apart_when_the_wait_ends_then_each_names_its_boss() {
    let world = World::with_contact(BOSS);
    for (id, boss) in [("a", "b"), ("b", "c"), ("c", "a")] {
        world.sync(&[reports_to(&world, id, boss)]);
    }
    world.clock.advance_ms(HOUR_MS);
    world.sweep();
    assert!(["a", "b", "c"].iter().all(|id| world.item("contact", id).slot.is_none()));
}

#[test]
fn given_a_wake_up_that_is_lost_when_the_waiting_record_looks_for_itself_then_it_goes() {
    let world = World::with_contact(CONTACT);
    world.sync(&[contact(&world, "c", 1, "k")]);
    world.records.state().index_lags = true;
    world.sync(&[company(&world, "k")]);
    world.records.state().index_lags = false;
    assert!(world.deliver().is_empty());
    world.clock.advance_ms(60_000);
    world.sweep();
    assert_eq!(associated(&world, "k"), ["v1"]);
}

#[test]
fn given_a_function_that_died_after_the_link_when_the_company_comes_again_then_those_that_wait_are_told() {
    let world = World::with_contact(CONTACT);
    world.sync(&[contact(&world, "c", 1, "k")]);
    let linked = company(&world, "k");
    world.sync(&[linked.clone()]);
    world.queue.take_changes();
    assert_eq!(world.sync(&[build::again(linked)]).counts["woken"], 1);
    world.deliver();
    assert_eq!(associated(&world, "k"), ["v1"]);
}

#[test]
fn given_five_hundred_that_wait_when_their_company_is_linked_then_all_are_woken() {
    let world = World::with_contact(CONTACT);
    let all: Vec<_> = (0..500).map(|n| contact(&world, &format!("c{n}"), 1, "k")).collect();
    all.chunks(10).for_each(|batch| drop(world.sync(batch)));
    assert_eq!(world.sync(&[company(&world, "k")]).counts["woken"], 500);
    world.deliver();
    assert_eq!(associated(&world, "k").len(), 500);
}

#[test]
fn given_a_record_type_that_nothing_refers_to_when_linked_then_nobody_is_asked_who_waits() {
    let world = World::with_contact(CONTACT);
    world.sync(&[world.contact("c", 1, &json!({"email": "c@x.io"}))]);
    assert_eq!(world.records.state().queries, 0);
    world.sync(&[company(&world, "k")]);
    assert_eq!(world.records.state().queries, 1);
    world.sync(&[world.company("k", 2, &json!({"name": "K2"}))]);
    assert_eq!(world.records.state().queries, 1, "only a first link has news");
}

#[test]
fn given_a_wait_that_is_looked_at_when_nothing_has_changed_then_it_looks_less_and_less_often() {
    let world = World::with_contact(CONTACT);
    world.sync(&[contact(&world, "c", 1, "never")]);
    let mut looks = 0;
    for _ in 0..59 {
        world.clock.advance_ms(60_000);
        looks += world.sweep().len();
    }
    assert!((3..=8).contains(&looks), "{looks} looks in an hour");
    world.clock.advance_ms(60_000);
    world.sweep();
    for _ in 0..30 {
        world.clock.advance_ms(24 * HOUR_MS);
        looks += world.sweep().len();
    }
    assert!(looks <= 20, "{looks} looks in a month");
    let recent = world.item("contact", "c").recent.iter().filter(|one| one.ended == Ended::Applied).count();
    assert!(recent >= 1);
}

#[test]
fn given_a_contact_without_its_company_when_it_looks_in_vain_then_the_crm_is_not_told_again() {
    let world = World::with_contact(CONTACT);
    world.sync(&[contact(&world, "c", 1, "never")]);
    world.clock.advance_ms(HOUR_MS);
    world.sweep();
    let (calls, outcomes) = (world.calls().len(), world.item("contact", "c").recent.len());
    for _ in 0..40 {
        world.clock.advance_ms(HOUR_MS);
        world.sweep();
    }
    let item = world.item("contact", "c");
    assert_eq!((world.calls().len(), item.recent.len()), (calls, outcomes), "no call, no news");
    assert_eq!(item.slot.map(|slot| slot.state), Some(SlotState::Incomplete));
}

const TWO: &str = "object: contacts\nreference_wait: 1h\nfields:\n  email: email\n  jobtitle: {reference: contact, id: boss}\n  company: {reference: company, id: company_id, association: default}\n";

#[test]
fn given_a_contact_that_lacks_two_when_the_wait_ends_and_they_come_late_then_each_is_written_in_its_turn() {
    let world = World::with_contact(TWO);
    let data = json!({"email": "c@x.io", "boss": "b", "company_id": "k"});
    world.sync(&[world.contact("c", 1, &data)]);
    // One hour for both, not one for each.
    world.clock.advance_ms(HOUR_MS);
    world.sweep();
    assert_eq!(world.contacts("email"), ["c@x.io"]);
    world.clock.advance_ms(20 * 24 * HOUR_MS);
    world.sweep();
    for (comes, event) in [(0, company(&world, "k")), (1, world.contact("b", 1, &json!({"email": "b@x.io"})))]
    {
        world.sync(&[event]);
        for _ in 0..3 {
            world.deliver();
            world.clock.advance_ms(25 * HOUR_MS);
            world.sweep();
        }
        let held = world.crm.records("acme", "contacts");
        let mine = held.iter().find(|one| one["properties"]["email"] == "c@x.io").unwrap();
        let linked = mine["associations"].to_string().contains("compan");
        assert_eq!((linked, mine["properties"]["jobtitle"].is_string()), (true, comes == 1), "{mine}");
    }
    assert_eq!(world.item("contact", "c").slot, None);
}

#[test]
fn given_a_contact_without_its_company_when_its_connection_is_gone_for_a_while_then_it_is_completed_all_the_same()
 {
    let world = World::with_contact(CONTACT);
    world.sync(&[contact(&world, "c", 1, "k")]);
    world.clock.advance_ms(HOUR_MS);
    world.sweep();
    assert_eq!(world.item("contact", "c").slot.unwrap().state, SlotState::Incomplete);
    world.configs.apply(&[("orgs/acme.yaml", "org: acme\nconnections: {}\nroutes: {}\n")]).unwrap();
    for _ in 0..3 {
        world.clock.advance_ms(24 * HOUR_MS);
        world.sweep();
    }
    assert_eq!(world.item("contact", "c").slot.unwrap().due_at(), None, "nobody looks in vain");
    mappings(&world, CONTACT, "object: companies\nfields:\n  name: name\n");
    world.sync(&[company(&world, "k")]);
    world.deliver();
    assert_eq!(associated(&world, "k"), ["v1"]);
}
