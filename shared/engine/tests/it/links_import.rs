//! Moving in: links told by a file, and the events that come after.

// Helpers of tests fail as tests do.
#![allow(clippy::unwrap_used)]

use futures::executor::block_on;
use rtr_connectors::connector::Crm;
use rtr_connectors::registry;
use rtr_core::config::OrgConfig;
use rtr_core::item::Item;
use rtr_core::key::ConnectionKey;
use rtr_core::limit::Traffic;
use rtr_core::links::{Refusal, Told};
use rtr_engine::credentials::ConnectionAuth;
use rtr_engine::gate::LimiterGate;
use rtr_engine::links::{Outcome, Seen, Target, Writing, import, stamp, verify};
use rtr_engine::seams::Configs;
use rtr_testkit::build;
use rtr_testkit::world::{ORG, World};
use serde_json::{Value, json};
use std::sync::Arc;

fn told(record_id: &str, external_id: &str, version: Option<u64>) -> Told {
    Told { record_id: record_id.to_owned(), external_id: external_id.to_owned(), version }
}

fn config(world: &World) -> Arc<OrgConfig> {
    block_on(world.configs.org(ORG)).unwrap()
}

fn target<'a>(world: &World, config: &'a OrgConfig) -> Target<'a> {
    let at = config.mapping("hubspot", "contact").unwrap();
    Target {
        connection: ConnectionKey::new(ORG, "hubspot"),
        record_type: "contact".to_owned(),
        mapping: &at.mapping,
        mapping_revision: at.revision,
        linked_at: world.now().plus_ms(-60_000),
        by: "import".to_owned(),
    }
}

fn imported(world: &World, lines: &[Told], writing: Writing) -> Vec<Outcome> {
    let config = config(world);
    let lines: Vec<&Told> = lines.iter().collect();
    block_on(import(&world.records, &target(world, &config), &lines, writing)).unwrap()
}

/// Records that the CRM had before us, one per address; their ids.
fn seed(world: &World, addresses: std::ops::Range<usize>, key: Option<&str>) -> Vec<String> {
    let record = |n: usize| match key {
        Some(key) => json!({"properties": {"email": format!("c{n}@x.io"), "rtr_record_id": key}}),
        None => json!({"properties": {"email": format!("c{n}@x.io")}}),
    };
    let records: Vec<Value> = addresses.map(record).collect();
    let body = json!({"provider": "hubspot", "account": ORG, "object": "contacts", "records": records});
    let answer = world.crm.control("POST", "/_sandbox/records", &body);
    answer["ids"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect()
}

/// Asks the CRM, as a command does.
fn asking<T>(
    world: &World,
    ask: impl AsyncFnOnce(&'static dyn Crm, &rtr_connectors::session::Session<'_>, &Target<'_>) -> T,
) -> T {
    let config = config(world);
    let settings = &config.connections["hubspot"];
    let connector = registry::by_name("hubspot").unwrap();
    let seams = world.seams();
    let auth = ConnectionAuth {
        seams,
        cache: &world.caches.credentials,
        connection: ConnectionKey::new(ORG, "hubspot"),
        connector,
        secret: &settings.secret,
        base_url: settings.base_url.as_deref(),
        cache_ms: 60_000,
        deadline: world.now().plus_ms(60_000),
    };
    let key = ConnectionKey::new(ORG, "hubspot");
    let pools = &world.caches.pools;
    let gate = LimiterGate::new(seams.limits, seams.clock, pools, key, &settings.limits, Traffic::Live);
    let session = rtr_connectors::session::Session {
        http: seams.http,
        clock: seams.clock,
        gate: &gate,
        auth: &auth,
        deadline: world.now().plus_ms(60_000),
        call_timeout_ms: connector.capabilities().call_timeout_ms,
        quota: connector.quota(),
        tape: rtr_connectors::session::Tape::default(),
        retries: rtr_connectors::session::Retries::default(),
        reserved: rtr_connectors::session::Reserved::default(),
        classify: connector.classify(),
    };
    block_on(ask(connector, &session, &target(world, &config)))
}

#[test]
fn given_imported_links_when_events_come_then_each_is_an_update_of_the_linked_record_and_nothing_is_made_or_sought()
 {
    let world = World::with_contact(
        "object: contacts\nmatch: email\nfields:\n  email: email\n  firstname: first_name\n",
    );
    let ids = seed(&world, 0..10, None);
    let lines: Vec<Told> = ids.iter().enumerate().map(|(n, id)| told(&format!("r{n}"), id, None)).collect();
    assert_eq!(imported(&world, &lines, Writing::Links), vec![Outcome::Imported; 10]);
    let data = |n: usize| json!({"email": format!("c{n}@x.io"), "first_name": format!("A{n}")});
    let events: Vec<_> = (0..10).map(|n| world.contact(&format!("r{n}"), 1, &data(n))).collect();
    assert_eq!(world.sync(&events).counts["applied"], 10);
    assert_eq!(world.calls(), ["POST contacts/batch/update 200"]);
    assert_eq!(world.contacts("email").len(), 10);
    for (n, id) in ids.iter().enumerate() {
        assert_eq!(world.item("contact", &format!("r{n}")).external_id.as_ref(), Some(id));
    }
    assert!(
        world.contacts("rtr_record_id").contains(&"r7".to_owned()),
        "an update stamps what was brought in"
    );
}

#[test]
fn given_a_version_when_imported_then_events_up_to_it_are_superseded_and_the_next_one_goes() {
    let world = World::with_contact(crate::CONTACT);
    let ids = seed(&world, 0..1, None);
    imported(&world, &[told("r", &ids[0], Some(7))], Writing::Links);
    let event = |version| world.contact("r", version, &json!({"email": "c0@x.io", "first_name": "Ann"}));
    assert_eq!(world.sync(&[event(6)]).counts["superseded"], 1);
    assert_eq!(world.sync(&[event(7)]).counts["superseded"], 1);
    assert!(world.calls().is_empty());
    assert_eq!(world.sync(&[event(8)]).counts["applied"], 1);
    assert_eq!(world.calls(), ["POST contacts/batch/update 200"]);
}

#[test]
fn given_links_that_are_known_when_imported_again_then_nothing_is_written_and_others_are_refused_with_the_owner()
 {
    let world = World::with_contact(crate::CONTACT);
    let first = [told("a", "1", Some(3)), told("b", "2", None)];
    imported(&world, &first, Writing::Links);
    let before = world.records.state().items.clone();
    let again = [told("a", "1", Some(9)), told("b", "3", None), told("c", "1", None), told("d", "4", None)];
    let outcomes = imported(&world, &again, Writing::Links);
    let owner = "acme#contact#a".to_owned();
    assert_eq!(
        outcomes,
        [
            Outcome::Same,
            Outcome::Refused(Refusal::Linked("2".to_owned())),
            Outcome::Refused(Refusal::Owned(owner)),
            Outcome::Imported,
        ]
    );
    for (key, (item, _)) in before {
        assert_eq!(world.records.item(&key), item, "what was known is as it was");
    }
    assert_eq!(world.item("contact", "c"), Item::default(), "neither item nor claim is half there");
}

#[test]
fn given_a_record_that_was_deleted_here_when_its_link_is_told_then_it_is_refused() {
    let world = World::with_contact(crate::CONTACT);
    let now = world.now();
    world.sync(&[world.contact("r", 1, &json!({"email": "r@x.io"}))]);
    world.sync(&[build::delete(ORG, "contact", "r", 2, now)]);
    let outcomes = imported(&world, &[told("r", "77", Some(9))], Writing::Links);
    assert_eq!(outcomes, [Outcome::Refused(Refusal::Deleted)]);
}

#[test]
fn given_a_dead_letter_when_its_link_is_told_then_redriving_it_updates_that_record() {
    let world = World::with_contact(crate::CONTACT);
    let ids = seed(&world, 0..1, None);
    // The address is the seeded record's: as a create it is a duplicate.
    world.sync(&[world.contact("r", 1, &json!({"email": "c0@x.io", "first_name": "Ann"}))]);
    assert!(world.item("contact", "r").dead().is_some());
    imported(&world, &[told("r", &ids[0], Some(5))], Writing::Links);
    let wake = build::wake(ORG, "contact", "r", "hubspot", 1, world.now());
    assert_eq!(world.sync(&[wake]).counts["applied"], 1);
    assert_eq!(
        (world.contacts("firstname"), world.item("contact", "r").slot),
        (vec!["Ann".to_owned()], None)
    );
}

#[test]
fn given_a_rehearsal_when_run_then_it_says_the_same_and_writes_nothing() {
    let world = World::with_contact(crate::CONTACT);
    imported(&world, &[told("a", "1", None)], Writing::Links);
    let before = world.records.state().writes;
    let lines = [told("a", "2", None), told("b", "3", None)];
    let outcomes = imported(&world, &lines, Writing::Nothing);
    assert_eq!(outcomes, [Outcome::Refused(Refusal::Linked("1".to_owned())), Outcome::Imported]);
    assert_eq!(world.records.state().writes, before);
}

#[test]
fn given_writes_whose_answers_are_lost_when_imported_then_every_link_stands_once() {
    let world = World::with_contact(crate::CONTACT);
    world.records.state().lose_answers = 2;
    let lines = [told("a", "1", None), told("b", "2", None), told("c", "3", None)];
    let outcomes = imported(&world, &lines, Writing::Links);
    assert_eq!(outcomes, [Outcome::Same, Outcome::Same, Outcome::Imported]);
    assert_eq!(world.item("contact", "a").rev, 1);
}

#[test]
fn given_links_when_verified_then_what_is_missing_or_anothers_is_refused_and_the_rest_says_whether_to_stamp()
{
    let world = World::with_contact(crate::CONTACT);
    let (bare, other) = (seed(&world, 0..1, None).remove(0), seed(&world, 1..2, Some("someone")).remove(0));
    let lines = [
        told("r", &bare, None),
        told("s", &other, None),
        told("someone", &other, None),
        told("t", "999999999", None),
    ];
    let lines: Vec<&Told> = lines.iter().collect();
    let answers =
        asking(&world, async |crm, session, target| verify(crm, session, target, &lines).await.unwrap());
    let seen = |external_id: &str, to_stamp| Ok(Seen { external_id: external_id.to_owned(), to_stamp });
    assert_eq!(
        answers,
        [
            seen(&bare, true),
            Err(Refusal::Stamped("someone".to_owned())),
            seen(&other, false),
            Err(Refusal::Missing)
        ]
    );
    assert_eq!(world.calls(), ["POST contacts/batch/read 207"]);
}

#[test]
fn given_records_without_our_key_when_stamped_then_they_carry_it_and_nothing_else_is_changed() {
    let world = World::with_contact(crate::CONTACT);
    let ids = seed(&world, 0..2, None);
    seed(&world, 2..3, Some("taken"));
    let lines = [told("r", &ids[0], None), told("taken", &ids[1], None)];
    let lines: Vec<&Told> = lines.iter().collect();
    let answers =
        asking(&world, async |crm, session, target| stamp(crm, session, target, &lines).await.unwrap());
    assert_eq!(answers[0], Ok(()));
    assert!(matches!(&answers[1], Err(Refusal::NotStamped(why)) if why.starts_with("RTR3")), "{answers:?}");
    assert_eq!(world.contacts("rtr_record_id"), ["-", "r", "taken"]);
    assert_eq!(world.contacts("email"), ["c0@x.io", "c1@x.io", "c2@x.io"]);
}
