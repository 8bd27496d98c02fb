//! Owners, pipelines and stages, looked up in the CRM: once for many records, from memory for a while, never between two
//! accounts, and never to a record's loss where the CRM does not answer.

mod together;

use rtr_core::code::Code;
use rtr_core::item::SlotState;
use rtr_engine::batch::Received;
use rtr_engine::report::BatchReport;
use rtr_testkit::build;
use rtr_testkit::crm::BASE;
use rtr_testkit::world::World;
use serde_json::{Value, json};

const CONTACT: &str =
    "object: contacts\nfields:\n  email: email\n  hubspot_owner_id: {from: owner, lookup: owner}\n";
const DEAL: &str = "object: deals\nfields:\n  dealname: name\n  pipeline: {from: pipeline, lookup: pipeline}\n  dealstage: {from: stage, lookup: stage, within: pipeline}\n";

/// A world whose HubSpot has the owners `ada@x.io` (51) and `bob@x.io` (52).
fn world(contact: &str) -> World {
    let world = World::with_contact(contact);
    owners(&world, &[("ada@x.io", "51"), ("bob@x.io", "52")]);
    world
}

fn set(world: &World, setting: &Value) {
    let mut body = json!({"provider": "hubspot", "account": "acme"});
    body.as_object_mut().unwrap().extend(setting.as_object().unwrap().clone());
    let answer = world.crm.control("PUT", "/_sandbox/settings", &body);
    assert!(answer.get("error").is_none(), "{answer}");
}

fn owners(world: &World, owners: &[(&str, &str)]) {
    let owners: Vec<Value> = owners.iter().map(|(email, id)| json!({"email": email, "id": id})).collect();
    set(world, &json!({ "owners": owners }));
}

fn contact(world: &World, id: &str, version: u64, owner: &str) -> Received {
    world.contact(id, version, &json!({"email": format!("{id}@x.io"), "owner": owner}))
}

/// Contacts' owners at the CRM, with their addresses.
fn owned(world: &World) -> Vec<String> {
    let contacts = world.crm.records("acme", "contacts");
    let text = |contact: &Value, name: &str| contact["properties"][name].as_str().unwrap_or("-").to_owned();
    let mut owned: Vec<String> = contacts
        .iter()
        .map(|one| format!("{} {}", text(one, "email"), text(one, "hubspot_owner_id")))
        .collect();
    owned.sort();
    owned
}

/// How often the CRM was asked for owners, and how often for pipelines.
fn asked(world: &World) -> (usize, usize) {
    let calls = world.calls();
    let count = |part: &str| calls.iter().filter(|call| call.contains(part)).count();
    (count("/crm/v3/owners"), count("/crm/v3/pipelines"))
}

fn configure(world: &World, contact: &str, more: &str) {
    let org = format!(
        "org: acme\nconnections:\n  hubspot:\n    base_url: {BASE}/hubspot/acme\n{more}routes:\n  contact: [hubspot]\n"
    );
    world.configs.apply(&[("mappings/hubspot/contact.yaml", contact), ("orgs/acme.yaml", &org)]).unwrap();
}

/// What of `batch` came back comes again, and what was parked is looked at, until ten minutes have passed.
fn come_back(world: &World, batch: &[Received], report: &BatchReport) {
    let mut left: Vec<Received> =
        batch.iter().filter(|message| report.failed.contains(&message.message_id)).cloned().collect();
    for _ in 0..10 {
        world.clock.advance_ms(60_000);
        left = left.into_iter().map(build::again).collect();
        if !left.is_empty() {
            let report = world.sync(&left);
            left.retain(|message| report.failed.contains(&message.message_id));
        }
        world.sweep();
    }
    assert_eq!(left, []);
}

fn fault(world: &World, path: &str, value: Value) {
    world.faults(&json!([{"provider": "hubspot", "account": "acme", "match": {"path": path}, "fault": "status", "value": value}]));
}

#[test]
fn given_contacts_with_owners_when_synced_then_ids_are_written_and_each_address_is_asked_for_once() {
    let world = world(CONTACT);
    let batch: Vec<Received> = [("a", "ada@x.io"), ("b", "Bob@X.io "), ("c", "ADA@x.io"), ("d", "ada@x.io")]
        .iter()
        .map(|(id, owner)| contact(&world, id, 1, owner))
        .collect();
    assert_eq!(world.sync(&batch).counts["applied"], 4);
    assert_eq!(owned(&world), ["a@x.io 51", "b@x.io 52", "c@x.io 51", "d@x.io 51"]);
    assert_eq!(world.calls().len(), 3, "two owners and one write: {:?}", world.calls());
    // From memory: a record without owner, one whose content is the same, one that changes hands.
    let batch = [
        world.contact("e", 1, &json!({"email": "e@x.io"})),
        contact(&world, "a", 2, "ada@x.io"),
        contact(&world, "b", 2, "ada@x.io"),
    ];
    let report = world.sync(&batch);
    assert_eq!((report.counts["applied"], report.counts["unchanged"], asked(&world)), (2, 1, (2, 0)));
    assert_eq!(owned(&world)[1..], ["b@x.io 51", "c@x.io 51", "d@x.io 51", "e@x.io -"]);
}

#[test]
fn given_an_owner_who_was_found_when_his_time_is_over_then_he_is_asked_for_again_and_the_hash_is_of_the_id() {
    let world = world(CONTACT);
    world.sync(&[contact(&world, "a", 1, "ada@x.io")]);
    owners(&world, &[("ada@x.io", "77")]);
    world.clock.advance_ms(4 * 60_000);
    assert_eq!(world.sync(&[contact(&world, "a", 2, "ada@x.io")]).counts["unchanged"], 1);
    world.clock.advance_ms(60_000);
    assert_eq!(world.sync(&[contact(&world, "a", 3, "ada@x.io")]).counts["applied"], 1);
    assert_eq!((owned(&world), asked(&world).0), (vec!["a@x.io 77".to_owned()], 2));
}

#[test]
fn given_many_owners_when_synced_then_the_list_of_all_is_read_once() {
    let world = world(CONTACT);
    let all: Vec<(String, String)> = (0..9).map(|n| (format!("o{n}@x.io"), format!("9{n}"))).collect();
    owners(&world, &all.iter().map(|(email, id)| (email.as_str(), id.as_str())).collect::<Vec<_>>());
    let batch: Vec<Received> =
        (0..8).map(|n| contact(&world, &format!("c{n}"), 1, &format!("o{n}@x.io"))).collect();
    assert_eq!(world.sync(&batch).counts["applied"], 8);
    assert_eq!((owned(&world)[7].as_str(), asked(&world).0), ("c7@x.io 97", 1));
    world.sync(&[contact(&world, "c8", 1, "o8@x.io")]);
    assert_eq!(asked(&world).0, 1, "the list told of all");
}

#[test]
fn given_an_owner_whom_the_crm_does_not_have_when_synced_then_the_record_is_dead_by_field_and_kind_and_others_go_on()
 {
    let world = world(CONTACT);
    let report = world.sync(&[contact(&world, "a", 1, "canary@x.io"), contact(&world, "b", 1, "bob@x.io")]);
    assert_eq!((report.counts["dead"], report.counts["applied"], report.failed.len()), (1, 1, 0));
    assert_eq!(owned(&world), ["b@x.io 52"]);
    let slot = world.item("contact", "a").slot.unwrap();
    assert_eq!(
        (slot.state, slot.reason.code, slot.reason.field.as_deref()),
        (SlotState::Dead, Code::NotInCrm, Some("hubspot_owner_id"))
    );
    assert_eq!(
        slot.reason.message,
        "HubSpot has no owner with the e-mail in `hubspot_owner_id`; add the user in HubSpot, or give the field a `default`"
    );
    assert!(!format!("{:?}", slot.reason).contains("canary"));
    // A thousand more of them cost no more calls, for a minute.
    for n in 0..20 {
        world.sync(&[contact(&world, &format!("m{n}"), 1, "canary@x.io")]);
    }
    assert_eq!(asked(&world).0, 2);
    world.clock.advance_ms(60_000);
    world.sync(&[contact(&world, "n", 1, "canary@x.io")]);
    assert_eq!(asked(&world).0, 3);
    // Who adds the user and wakes the record need not wait.
    owners(&world, &[("canary@x.io", "53")]);
    world.clock.advance_ms(5_000);
    let wake = build::wake("acme", "contact", "a", "hubspot", 1, world.now());
    assert_eq!(world.sync(&[wake]).counts["applied"], 1);
    assert_eq!(owned(&world), ["a@x.io 53", "b@x.io 52"]);
}

#[test]
fn given_a_default_when_the_crm_has_no_such_owner_then_it_is_written_and_null_clears() {
    for (default, written) in [("\"9\"", "a@x.io 9"), ("null", "a@x.io -")] {
        let mapping = CONTACT.replace("lookup: owner}", &format!("lookup: owner, default: {default}}}"));
        let world = world(&mapping);
        world.sync(&[contact(&world, "a", 1, "ada@x.io")]);
        assert_eq!(owned(&world), ["a@x.io 51"]);
        assert_eq!(world.sync(&[contact(&world, "a", 2, "nobody@x.io")]).counts["applied"], 1);
        assert_eq!(owned(&world), [written]);
    }
}

#[test]
fn given_a_crm_that_is_down_when_an_owner_is_needed_then_the_record_is_parked_and_comes_after() {
    for value in [json!(503), json!({"status": 429, "headers": {"Retry-After": "30"}})] {
        let world = world(CONTACT);
        fault(&world, "*owners*", value.clone());
        let batch = [contact(&world, "a", 1, "ada@x.io"), world.contact("b", 1, &json!({"email": "b@x.io"}))];
        let report = world.sync(&batch);
        assert_eq!(report.counts.get("dead"), None, "{value}");
        assert_eq!(
            world.crm.records("acme", "contacts").len(),
            usize::from(value == json!(503)),
            "a neighbour that needs no owner goes on, unless the account rests"
        );
        world.faults(&json!([]));
        come_back(&world, &batch, &report);
        assert_eq!(owned(&world), ["a@x.io 51", "b@x.io -"], "{value}");
        assert!(world.item("contact", "a").slot.is_none());
    }
}

#[test]
fn given_an_app_without_the_scope_when_an_owner_is_needed_then_the_record_is_dead_and_says_what_is_missing() {
    let world = world(CONTACT);
    fault(
        &world,
        "*owners*",
        json!({"status": 403, "body": {"status": "error", "category": "MISSING_SCOPES", "message": "no", "errors": [{"message": "x", "context": {"requiredGranularScopes": ["crm.objects.owners.read"]}}]}}),
    );
    let report = world
        .sync(&[contact(&world, "a", 1, "ada@x.io"), world.contact("b", 1, &json!({"email": "b@x.io"}))]);
    assert_eq!((report.counts["dead"], report.counts["applied"]), (1, 1));
    let reason = world.item("contact", "a").slot.unwrap().reason;
    assert_eq!(reason.code, Code::Forbidden);
    assert!(
        reason.message.starts_with("the owner in `hubspot_owner_id` could not be looked up: "),
        "{}",
        reason.message
    );
    assert!(reason.message.contains("crm.objects.owners.read"), "{}", reason.message);
}

#[test]
fn given_a_connection_with_two_tokens_when_an_owner_is_asked_for_then_he_takes_one_and_the_write_the_other() {
    let world = world(CONTACT);
    configure(&world, CONTACT, "    limits: [{api: \"*\", requests: 1, per: 60s, burst: 1}]\n");
    let batch = [contact(&world, "a", 1, "ada@x.io")];
    let report = world.sync(&batch);
    assert_eq!(
        (report.counts["crm_calls"], asked(&world).0),
        (1, 1),
        "the write waits for its own: {:?}",
        world.calls()
    );
    assert_eq!((report.counts.get("dead"), report.counts.get("applied")), (None, None));
    come_back(&world, &batch, &report);
    assert_eq!((owned(&world), asked(&world).0), (vec!["a@x.io 51".to_owned()], 1));
}

#[test]
fn given_a_shadowed_or_paused_connection_when_synced_then_nobody_is_asked_for_anything() {
    let world = world(CONTACT);
    configure(&world, CONTACT, "    mode: shadow\n");
    assert_eq!(world.sync(&[contact(&world, "a", 1, "ada@x.io")]).counts["skipped"], 1);
    let shadow = world.item("contact", "a").shadow.unwrap();
    assert_eq!(shadow.fields, ["email", "hubspot_owner_id"]);
    configure(&world, CONTACT, "    mode: paused\n");
    assert_eq!(world.sync(&[contact(&world, "b", 1, "ada@x.io")]).counts.get("dead"), None);
    assert_eq!(world.calls().len(), 0);
    configure(&world, CONTACT, "");
    world.clock.advance_ms(60_000);
    world.sync(&[build::again(contact(&world, "b", 1, "ada@x.io"))]);
    world.sweep();
    assert_eq!(owned(&world), ["b@x.io 51"]);
}

#[test]
fn given_a_superseded_version_when_synced_then_nothing_is_asked_and_it_is_not_taken_for_other_content() {
    let world = world(CONTACT);
    world.sync(&[contact(&world, "a", 2, "ada@x.io")]);
    let cold = World { caches: rtr_engine::sync::Caches::default(), ..world };
    let report = cold.sync(&[build::again(contact(&cold, "a", 2, "ada@x.io"))]);
    assert_eq!((report.counts["superseded"], report.counts.get("version_reused")), (1, None));
    assert_eq!(cold.sync(&[contact(&cold, "a", 1, "bob@x.io")]).counts["superseded"], 1);
    assert_eq!(asked(&cold).0, 1, "before the cache was cold");
    assert_eq!(cold.item("contact", "a").applied_version, Some(2));
}
