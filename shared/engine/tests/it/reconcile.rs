//! What CRMs hold against what they should: found over both of them, mended by writing once more, and nothing written before that.

use futures::executor::block_on;
use rtr_core::change::{Change, Message, parse};
use rtr_core::code::Code;
use rtr_core::config::OrgConfig;
use rtr_core::key::RecordKey;
use rtr_engine::batch::Received;
use rtr_engine::reconcile::judge::{Kind, Standing};
use rtr_engine::reconcile::{Judged, Reconciliation, Stopped, With};
use rtr_engine::seams::Configs;
use rtr_testkit::both::BothWays;
use rtr_testkit::build;
use rtr_testkit::crm::BASE;
use rtr_testkit::world::{ORG, World};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const HUBSPOT_CONTACT: &str = "object: contacts\nmatch: email\nwhen: status != \"draft\"\non_unmatched: delete\nfields:\n  email: email\n  firstname: first_name\n  lastname: {from: last_name, on: create}\n  hubspot_owner_id: {from: owner, lookup: owner}\n";
const CONTACT: &str = "object: Contact\nmatch: Email\nfields:\n  Email: email\n  LastName: last_name\n  FirstName: first_name\n  AccountId: {reference: company, id: company_id}\n";
const COMPANY: &str = "object: companies\nfields:\n  name: name\n";
const ACCOUNT: &str = "object: Account\nfields:\n  Name: name\n";
const CONNECTIONS: [(&str, &str); 2] = [("hubspot", "contacts"), ("salesforce", "Contact")];

fn world() -> (World, String) {
    let world = World::with_contact(CONTACT_ALONE);
    let token = world.crm.token_of("salesforce", ORG);
    world.secrets.put("rtr/test/acme/salesforce", &json!({"type": "bearer", "token": token}).to_string());
    for object in ["Contact", "Account"] {
        let field = json!({"type": "Text", "length": 255, "externalId": true, "unique": true});
        let rule = json!({"provider": "salesforce", "account": ORG, "object": object, "name": "Rtr_Record_Id__c", "field": field});
        world.crm.control("PUT", "/_sandbox/properties", &rule);
    }
    let org = format!(
        "org: acme\nconnections:\n  hubspot:\n    base_url: {BASE}/hubspot/acme\n  salesforce:\n    base_url: {BASE}/salesforce/acme\nroutes:\n  contact: [hubspot, salesforce]\n  company: [hubspot, salesforce]\n"
    );
    let files = [
        ("mappings/hubspot/contact.yaml", HUBSPOT_CONTACT),
        ("mappings/hubspot/company.yaml", COMPANY),
        ("mappings/salesforce/contact.yaml", CONTACT),
        ("mappings/salesforce/company.yaml", ACCOUNT),
        ("orgs/acme.yaml", org.as_str()),
    ];
    world.configs.apply(&files).unwrap();
    (world, token)
}

const CONTACT_ALONE: &str = "object: contacts\nfields:\n  email: email\n";

fn config(world: &World) -> Arc<OrgConfig> {
    block_on(world.configs.org(ORG)).unwrap()
}

fn opened<'a>(
    world: &'a World,
    connection: &str,
    waiting: &'a (dyn Fn(rtr_core::time::Instant) + Sync),
) -> Result<Reconciliation<'a>, Stopped> {
    let with = With { seams: world.seams(), settings: &world.settings, caches: &world.caches, waiting };
    block_on(Reconciliation::open(with, &config(world), connection, "contact"))
}

fn change(received: &Received) -> Change {
    let change = match parse(&received.body) {
        Ok(Message::Change(change)) => Some(change),
        _ => None,
    };
    change.unwrap()
}

fn look(world: &World, connection: &str, events: &[Received]) -> Vec<Judged> {
    let open = opened(world, connection, &|_| {}).unwrap();
    let changes: Vec<Change> = events.iter().map(change).collect();
    block_on(open.look(&changes)).unwrap()
}

/// `c-1 different(firstname)`, one a record that is not as it should be.
fn drift(judged: &[Judged]) -> Vec<String> {
    let finding = |one: &Judged| {
        let all = one.findings.iter().map(|finding| {
            let fields: Vec<&str> = finding.fields.iter().map(|field| field.field.as_str()).collect();
            format!("{}({})", finding.kind.as_str(), fields.join(", "))
        });
        format!("{} {}", one.record.record_id, all.collect::<Vec<_>>().join(" "))
    };
    let mut lines: Vec<String> =
        judged.iter().filter(|one| one.standing == Standing::Drift).map(finding).collect();
    lines.sort();
    lines
}

fn standings(judged: &[Judged]) -> Vec<Standing> {
    judged.iter().map(|one| one.standing).collect()
}

fn data(id: &str, name: &str) -> Value {
    json!({"email": format!("{id}@x.io"), "first_name": name, "last_name": "L", "status": "live"})
}

fn events(world: &World) -> Vec<Received> {
    ["a", "b", "c", "d", "e"].into_iter().map(|id| world.contact(id, 3, &data(id, "Ann"))).collect()
}

/// The event again for one connection, to be written whatever is applied.
fn rewrite(received: &Received, connection: &str, now: rtr_core::time::Instant) -> Received {
    let event: Value = serde_json::from_str(&received.body).unwrap();
    let body = json!({"backfill": {"connection": connection, "rewrite": true, "event": event}});
    Received { lane: Some("bulk".to_owned()), ..build::message(&body, &received.group, now) }
}

fn id_of(world: &World, connection: &str, id: &str) -> String {
    world.item_at(connection, "contact", id).external_id.unwrap()
}

/// A person in the CRM.
fn person(world: &World, token: &str, connection: &str, method: &str, id: &str, values: &Value) {
    let (path, body) = match connection {
        "hubspot" => (format!("/hubspot/acme/crm/v3/objects/contacts/{id}"), json!({ "properties": values })),
        _ => (format!("/salesforce/acme/services/data/v66.0/sobjects/Contact/{id}"), values.clone()),
    };
    let path = path.trim_end_matches('/');
    let body = if method == "DELETE" { Value::Null } else { body };
    let token = if connection == "hubspot" { world.crm.token(ORG) } else { token.to_owned() };
    world.crm.ask(method, path, &token, &body);
}

fn writes(world: &World, provider: &str) -> usize {
    let is_write = |call: &Value| {
        let (method, path) = (call["method"].as_str().unwrap_or(""), call["path"].as_str().unwrap_or(""));
        method != "GET" && !["/read", "/search"].iter().any(|end| path.ends_with(end))
    };
    world.crm.requests_of(provider, ORG).iter().filter(|call| is_write(call)).count()
}

#[test]
fn given_edits_behind_our_back_when_reconciled_then_exactly_these_are_found_and_writing_once_more_mends_them()
{
    for (connection, object) in CONNECTIONS {
        let (world, token) = world();
        let events = events(&world);
        world.sync(&events);
        world.deliver();
        world.clock.advance_ms(120_000);
        assert_eq!(standings(&look(&world, connection, &events)), vec![Standing::Same; 5], "{connection}");

        let first = if connection == "hubspot" { "firstname" } else { "FirstName" };
        let last = if connection == "hubspot" { "lastname" } else { "LastName" };
        person(
            &world,
            &token,
            connection,
            "PATCH",
            &id_of(&world, connection, "a"),
            &json!({first: "Eve", last: "M"}),
        );
        person(&world, &token, connection, "DELETE", &id_of(&world, connection, "c"), &Value::Null);
        // HubSpot keeps an e-mail address for one contact alone.
        if connection == "salesforce" {
            person(&world, &token, connection, "POST", "", &json!({"Email": "D@x.io", "LastName": "Double"}));
            world.clock.advance_ms(120_000);
        }
        let before = world.crm.records_of(connection, ORG, object);
        let judged = look(&world, connection, &events);
        let expected: &[&str] = match connection {
            "hubspot" => &["a different(firstname)", "c missing()"],
            _ => &["a different(FirstName, LastName)", "c missing()", "d duplicate()"],
        };
        assert_eq!(drift(&judged), expected, "{connection}");
        assert_eq!(world.crm.records_of(connection, ORG, object), before, "nothing is written by looking");

        // The same version as a backfill sends it changes nothing; to be written once more it does.
        let mended: Vec<&Received> = judged
            .iter()
            .zip(&events)
            .filter(|(one, _)| one.is_mended_by_writing())
            .map(|(_, event)| event)
            .collect();
        assert_eq!(mended.len(), 2);
        let fences = |id: &str| {
            let item = world.item_at(connection, "contact", id);
            (item.applied_version, item.mapping_revision)
        };
        let before = (fences("a"), fences("c"));
        let again: Vec<Received> =
            mended.iter().map(|event| rewrite(event, connection, world.now())).collect();
        let report = world.sync(&again);
        assert_eq!(report.counts.get("parked"), Some(&2), "{connection}: {:?}", report.counts);
        assert_eq!((fences("a"), fences("c")), before, "the fence stays");
        assert_eq!(standings(&look(&world, connection, &events))[0], Standing::Pending, "it is on its way");
        world.clock.advance_ms(1_000);
        world.sweep();
        world.clock.advance_ms(120_000);
        let left: &[&str] = if connection == "hubspot" { &[] } else { &["d duplicate()"] };
        assert_eq!(drift(&look(&world, connection, &events)), left, "{connection}");
        let there = world.crm.records_of(connection, ORG, object).len();
        assert_eq!(there, if connection == "hubspot" { 5 } else { 6 }, "{connection}");
        // Sent once more: it is written once more, and nothing else comes of it.
        let report = world.sync(&again);
        assert_eq!(report.counts.get("parked"), Some(&2));
    }
}

#[test]
fn given_a_newer_version_when_an_older_one_is_to_be_written_once_more_then_it_never_is() {
    let (world, _) = world();
    let old = world.contact("a", 3, &data("a", "Old"));
    world.sync(std::slice::from_ref(&old));
    world.sync(&[world.contact("a", 4, &data("a", "New"))]);
    let before = writes(&world, "hubspot");
    let report = world.sync(&[rewrite(&old, "hubspot", world.now())]);
    assert_eq!(report.counts.get("superseded"), Some(&1), "{:?}", report.counts);
    world.deliver();
    assert_eq!(writes(&world, "hubspot"), before);
    // The source is behind: nothing can be said of what the CRM holds of a newer version.
    assert_eq!(standings(&look(&world, "hubspot", &[old])), [Standing::Older]);
}

#[test]
fn given_records_that_are_new_deleted_unmatched_or_dead_when_reconciled_then_each_is_what_it_is() {
    let (world, _) = world();
    let draft = json!({"email": "f@x.io", "status": "draft"});
    world.sync(&[world.contact("e", 3, &data("e", "Ann")), world.contact("f", 3, &data("f", "Ann"))]);
    let nobody = json!({"email": "g@x.io", "owner": "nobody@x.io", "status": "live"});
    world.sync(&[world.contact("g", 1, &nobody)]);
    assert_eq!(world.item("contact", "g").dead().map(|slot| slot.reason.code), Some(Code::NotInCrm));
    let events = [
        world.contact("new", 1, &data("new", "Ann")),
        build::delete(ORG, "contact", "e", 3, world.now()),
        world.contact("f", 3, &draft),
        world.contact("g", 1, &nobody),
        world.contact("h", 1, &draft),
    ];
    let judged = look(&world, "hubspot", &events);
    assert_eq!(drift(&judged), ["e extra()", "f extra()", "new missing()"]);
    assert_eq!(standings(&judged)[3..], [Standing::Unjudged, Standing::Same]);
    assert!(!judged[1].is_mended_by_writing() && judged[0].is_mended_by_writing());
    assert_eq!(judged[3].unjudged.as_ref().map(|reason| reason.code), Some(Code::NotInCrm));
}

#[test]
fn given_records_that_nobody_lists_any_more_when_looked_for_then_those_that_the_crm_has_are_extra() {
    for (connection, _) in CONNECTIONS {
        let (world, token) = world();
        world.sync(&events(&world));
        person(&world, &token, connection, "DELETE", &id_of(&world, connection, "b"), &Value::Null);
        world.clock.advance_ms(1_000);
        let began = world.now();
        world.clock.advance_ms(1_000);
        world.sync(&[world.contact("late", 1, &data("late", "Ann"))]);
        let open = opened(&world, connection, &|_| {}).unwrap();
        let records = ["a", "b", "late"].map(|id| RecordKey::new(ORG, "contact", id));
        let judged = block_on(open.strays(&records, began)).unwrap();
        assert_eq!(drift(&judged), ["a extra()"], "{connection}");
        assert_eq!(judged[0].findings[0].kind, Kind::Extra);
    }
}

#[test]
fn given_a_record_without_a_link_when_its_key_or_match_is_found_then_it_is_held_against_that() {
    let (world, token) = world();
    let mine = json!({"email": "k@x.io", "firstname": "Ann", "rtr_record_id": "k"});
    for values in [mine, json!({"email": "m@x.io", "firstname": "Bob"})] {
        person(&world, &token, "hubspot", "POST", "", &values);
    }
    world.clock.advance_ms(120_000);
    let judged = look(
        &world,
        "hubspot",
        &[world.contact("k", 1, &data("k", "Ann")), world.contact("m", 1, &data("m", "Ann"))],
    );
    assert_eq!(standings(&judged), [Standing::Same, Standing::Drift]);
    assert!(judged[0].unlinked && !judged[1].unlinked);
    assert_eq!(drift(&judged), ["m different(firstname)"]);
}

#[test]
fn given_a_reference_when_reconciled_then_it_is_compared_as_the_id_that_it_is_linked_to() {
    let (world, token) = world();
    world.sync(&[world.company("k", 1, &json!({"name": "K"})), world.company("l", 1, &json!({"name": "L"}))]);
    let mut with = data("a", "Ann");
    with["company_id"] = json!("k");
    let event = world.contact("a", 1, &with);
    world.sync(std::slice::from_ref(&event));
    assert_eq!(standings(&look(&world, "salesforce", std::slice::from_ref(&event))), [Standing::Same]);
    let other = world.item_at("salesforce", "company", "l").external_id.unwrap();
    let id = id_of(&world, "salesforce", "a");
    person(&world, &token, "salesforce", "PATCH", &id, &json!({"AccountId": other}));
    assert_eq!(drift(&look(&world, "salesforce", &[event])), ["a different(AccountId)"]);
}

#[test]
fn given_a_crm_that_says_not_now_when_reconciled_then_it_is_waited_for_within_the_share_of_backfills() {
    let (world, _) = world();
    let events = events(&world);
    world.sync(&events);
    world.deliver();
    world.faults(&json!([{"provider": "hubspot", "account": "acme", "match": {"path": "*/batch/read"},
        "fault": "status", "value": 429, "count": 3}]));
    let waits = AtomicUsize::new(0);
    let waiting = |_| {
        waits.fetch_add(1, Ordering::Relaxed);
    };
    let open = opened(&world, "hubspot", &waiting).unwrap();
    let changes: Vec<Change> = events.iter().map(change).collect();
    let judged = block_on(open.look(&changes)).unwrap();
    assert_eq!(standings(&judged), vec![Standing::Same; 5]);
    assert!(waits.load(Ordering::Relaxed) > 0);
    // What does not pass by itself ends it.
    world.secrets.put("rtr/test/acme/hubspot", &json!({"type": "bearer", "token": "wrong"}).to_string());
    world.clock.advance_ms(120_000);
    assert!(matches!(opened(&world, "hubspot", &|_| {}), Err(Stopped::Failed(_))));
    assert!(matches!(opened(&world, "none", &|_| {}), Err(Stopped::Refused(_))));
}

#[test]
fn given_values_that_flow_back_when_a_person_changes_one_then_only_what_is_ours_to_say_is_drift() {
    for connection in ["hubspot", "salesforce"] {
        let world = BothWays::default();
        let data = json!({"email": "a@x.io", "name": {"first": "Ann", "last": "L"}, "title": "CEO"});
        let event = world.world.contact("a", 1, &data);
        world.world.sync(std::slice::from_ref(&event));
        world.settle();
        let id = world.linked(connection, "a").unwrap();
        let (theirs, ours) =
            if connection == "hubspot" { ("firstname", "jobtitle") } else { ("FirstName", "Title") };
        world.world.clock.advance_ms(120_000);
        world.person(connection, Some(&id), &json!({theirs: "Eve", ours: "CTO"}));
        let judged = look(&world.world, connection, std::slice::from_ref(&event));
        assert_eq!(drift(&judged), [format!("a different({ours})")], "{connection}");
        assert!(judged[0].left_out >= 1, "{connection}: {judged:?}");
        // Written once more, what is the CRM's to say stays.
        world.world.sync(&[rewrite(&event, connection, world.world.now())]);
        world.world.clock.advance_ms(1_000);
        world.sweep();
        world.settle();
        let held = world.at_crm(connection, &id);
        assert_eq!((&held[theirs], &held[ours]), (&json!("Eve"), &json!("CEO")), "{connection}: {held}");
        assert_eq!(drift(&look(&world.world, connection, &[event])), Vec::<String>::new(), "{connection}");
    }
}
