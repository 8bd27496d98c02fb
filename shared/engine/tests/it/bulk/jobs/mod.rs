//! Jobs of the CRM's: thousands of records by a handful of calls, once each, in the end with the newest, whatever becomes of
//! the job and of whoever began it.

mod crashes;
mod lookups;
mod troubles;

use super::*;
use rtr_core::code::Code;
use rtr_core::item::{Slot, SlotState};
use rtr_core::time::Instant;

const MAPPING: &str =
    "object: Contact\non_delete: archive\nfields:\n  LastName: first_name\n  Email: email\n  Title: title\n";
const HOUR_MS: i64 = 3_600_000;

/// Sets the mode of the connection, which leads to Salesforce. Once that is live, so long passes that its lane has looked
/// whether it may go on.
fn set_mode(world: &World, mode: &str, mapping: &str) {
    let org = format!(
        "org: acme\nconnections:\n  hubspot:\n    provider: salesforce\n    mode: {mode}\n    base_url: {BASE}/salesforce/acme\nroutes:\n  contact: [hubspot]\n"
    );
    let files = [("mappings/salesforce/contact.yaml", mapping), ("orgs/acme.yaml", &org)];
    world.configs.apply(&files).unwrap();
    if mode == "live" {
        world.clock.advance_ms(60_000);
    }
}

fn control(world: &World, path: &str, mut body: Value) {
    body["provider"] = json!("salesforce");
    body["account"] = json!("acme");
    let answer = world.crm.control("PUT", &format!("/_sandbox/{path}"), &body);
    assert!(answer.get("error").is_none(), "{answer}");
}

/// How long the jobs to come take, and after how many rows the next one fails.
fn ingest(world: &World, setting: &Value) {
    control(world, "settings", json!({ "ingest": setting }));
}

/// Makes the connection of `world` one to Salesforce, where `from` versions make a job that takes ten seconds.
fn lead_to_salesforce(world: &mut World, from: usize) {
    let token = world.crm.token_of("salesforce", "acme");
    world.secrets.put("rtr/test/acme/hubspot", &json!({"type": "bearer", "token": token}).to_string());
    let key =
        json!({"type": "Text", "length": 255, "externalId": true, "unique": true, "caseSensitive": true});
    control(world, "properties", json!({"object": "Contact", "name": "Rtr_Record_Id__c", "field": key}));
    ingest(world, &json!({"takes_ms": 10_000}));
    world.settings.job_from = from;
    set_mode(world, "live", MAPPING);
}

fn salesforce(from: usize) -> World {
    let mut world = World::with_contact(CONTACT);
    lead_to_salesforce(&mut world, from);
    world
}

/// Parks `version` of each of `ids`.
fn park_at_salesforce(world: &World, ids: &[String], version: u64) {
    set_mode(world, "paused", MAPPING);
    bring(world, ids, version);
    set_mode(world, "live", MAPPING);
}

/// What Salesforce was asked since there were `before` requests: `METHOD path status`, jobs' ids left out.
fn asked(world: &World, before: usize) -> Vec<String> {
    let calls = world.crm.requests_of("salesforce", "acme").split_off(before);
    let line = |call: &Value| {
        let path = call["path"].as_str().unwrap_or_default();
        let path = path.trim_start_matches("/services/data/v62.0");
        let parts: Vec<&str> =
            path.split('/').map(|part| if part.starts_with("750") { "JOB" } else { part }).collect();
        format!("{} {} {}", call["method"].as_str().unwrap_or_default(), parts.join("/"), call["status"])
    };
    calls.iter().map(line).collect()
}

fn count(calls: &[String], text: &str) -> usize {
    calls.iter().filter(|call| call.contains(text)).count()
}

/// Salesforce's value of `field` for each of its contacts, sorted.
fn values(world: &World, field: &str) -> Vec<String> {
    let held = world.crm.records_of("salesforce", "acme", "Contact");
    let value = |record: &Value| record["properties"][field].as_str().unwrap_or("-").to_owned();
    let mut values: Vec<String> = held.iter().map(value).collect();
    values.sort();
    values
}

fn slot(world: &World, id: &str) -> Slot {
    world.item("contact", id).slot.unwrap()
}

/// One baton taken.
fn once(world: &World) -> rtr_engine::report::BatchReport {
    world.bulk(&[baton(world)])
}

#[test]
fn given_thousands_of_parked_contacts_when_drained_then_one_job_writes_them_by_a_handful_of_calls() {
    for linked in [false, true] {
        let world = salesforce(0);
        let ids = ids(5_000);
        if linked {
            park_at_salesforce(&world, &ids, 1);
            pass_minutes(&world, 3);
            assert_eq!(left(&world), 0);
        }
        let before = world.crm.requests_of("salesforce", "acme").len();
        park_at_salesforce(&world, &ids, 2);
        pass_minutes(&world, 3);
        let calls = asked(&world, before);
        assert_eq!((left(&world), values(&world, "LastName")), (0, vec!["v2".to_owned(); 5_000]));
        assert_eq!(count(&calls, "POST /jobs/ingest 200"), 1, "{calls:?}");
        assert_eq!(count(&calls, "/composite/"), 0, "{calls:?}");
        assert!(calls.len() * 1_000 <= 5_000 * 7, "{} calls: {calls:?}", calls.len());
        let item = world.item("contact", &ids[4_321]);
        assert!(item.external_id.is_some() && item.applied_hash.is_some() && item.linked_at.is_some());
        assert_eq!((item.applied_version, lane(&world).note), (Some(2), None));
        assert_eq!(world.records.state().claims.len(), 5_000);
        assert!(world.records.state().bodies.is_empty(), "the list is gone with its job");
    }
}

#[test]
fn given_fewer_than_make_a_job_when_drained_then_they_go_by_ordinary_calls() {
    let world = salesforce(0);
    park_at_salesforce(&world, &ids(450), 1);
    pass_minutes(&world, 1);
    let calls = asked(&world, 0);
    assert_eq!((left(&world), count(&calls, "/jobs/"), values(&world, "Email").len()), (0, 0, 450));
}

#[test]
fn given_a_job_that_was_begun_when_looked_at_then_its_records_wait_for_it_and_everything_else_goes() {
    let world = salesforce(5);
    park_at_salesforce(&world, &ids(5), 1);
    let report = once(&world);
    assert_eq!((report.counts["jobs_begun"], report.counts["job_rows"]), (1, 5));
    let held = slot(&world, "c0000");
    assert_eq!((held.state, held.reason.code), (SlotState::Parked, Code::InJob));
    assert!(held.not_before >= world.now().plus_ms(5 * HOUR_MS));
    let note = lane(&world).note.unwrap();
    assert!(note.contains("\"upsert\"") && world.records.state().bodies.len() == 1, "{note}");
    // Others of the connection go meanwhile, by ordinary calls.
    let other: Vec<String> = (10..12).map(|n| format!("d{n:04}")).collect();
    set_mode(&world, "paused", MAPPING);
    bring(&world, &other, 1);
    set_mode(&world, "live", MAPPING);
    pass_minutes(&world, 2);
    assert_eq!((left(&world), values(&world, "LastName").len()), (0, 7));
}

#[test]
fn given_newer_versions_when_they_come_during_the_job_then_they_go_after_it_and_never_before() {
    let world = salesforce(5);
    ingest(&world, &json!({"takes_ms": 50_000}));
    park_at_salesforce(&world, &ids(5), 1);
    once(&world);
    let held = slot(&world, "c0002").not_before;
    let before = world.crm.requests_of("salesforce", "acme").len();
    assert!(world.sync(&[contact(&world, "c0002", 2)]).failed.is_empty());
    world.clock.advance_ms(20_000);
    once(&world);
    assert_eq!((slot(&world, "c0002").wanted_version, slot(&world, "c0002").not_before), (2, held));
    assert_eq!(asked(&world, before), ["GET /jobs/ingest/JOB 200"], "nothing is called for it");
    pass_minutes(&world, 3);
    assert_eq!(
        (left(&world), values(&world, "LastName")),
        (0, ["v1", "v1", "v1", "v1", "v2"].map(str::to_owned).to_vec())
    );
    let item = world.item("contact", "c0002");
    assert_eq!(item.applied_version, Some(2));
    assert!(item.applied_hash.is_some() && item.external_id.is_some());
}

#[test]
fn given_a_version_that_is_dropped_during_the_job_when_that_ends_then_the_crm_has_it() {
    let world = salesforce(5);
    park_at_salesforce(&world, &ids(5), 1);
    once(&world);
    let key =
        rtr_core::key::PairKey::new(&rtr_core::key::RecordKey::new("acme", "contact", "c0001"), &here());
    if let Some((item, _)) = world.records.state().items.get_mut(&key) {
        item.slot.as_mut().unwrap().state = SlotState::Drop;
    }
    pass_minutes(&world, 2);
    assert_eq!((left(&world), values(&world, "LastName").len()), (0, 5));
    assert!(world.item("contact", "c0001").external_id.is_some());
}

#[test]
fn given_linked_contacts_when_many_are_deleted_then_a_job_removes_them_and_those_that_are_gone_do_no_harm() {
    let world = salesforce(5);
    park_at_salesforce(&world, &ids(6), 1);
    pass_minutes(&world, 2);
    let gone = world.item("contact", "c0003").external_id.unwrap();
    let token = world.crm.token_of("salesforce", "acme");
    world.crm.ask(
        "DELETE",
        &format!("/salesforce/acme/services/data/v62.0/sobjects/Contact/{gone}"),
        &token,
        &Value::Null,
    );
    set_mode(&world, "paused", MAPPING);
    for id in ids(6) {
        world.sync(&[build::delete("acme", "contact", &id, 2, world.now())]);
    }
    set_mode(&world, "live", MAPPING);
    let before = world.crm.requests_of("salesforce", "acme").len();
    pass_minutes(&world, 2);
    assert_eq!((left(&world), values(&world, "LastName").len()), (0, 0));
    assert_eq!(count(&asked(&world, before), "POST /jobs/ingest 200"), 1);
    let item = world.item("contact", "c0003");
    assert_eq!((item.deleted, item.external_id, item.applied_version), (true, None, Some(2)));
    assert!(world.records.state().claims.is_empty());
}

#[test]
fn given_what_a_cell_cannot_say_when_drained_then_that_record_goes_by_a_call_of_its_own() {
    let world = salesforce(5);
    set_mode(&world, "paused", MAPPING);
    for (n, id) in ids(6).iter().enumerate() {
        let title = if n == 2 { "#N/A" } else { "a \"b\",\nc" };
        let data = json!({"email": format!("{id}@x.io"), "first_name": "é🦀", "title": title});
        world.sync(&[world.contact(id, 1, &data)]);
    }
    set_mode(&world, "live", MAPPING);
    pass_minutes(&world, 2);
    let calls = asked(&world, 0);
    assert_eq!((left(&world), count(&calls, "POST /jobs/ingest 200")), (0, 1), "{calls:?}");
    let mut titles = vec!["a \"b\",\nc".to_owned(); 6];
    titles[0] = "#N/A".to_owned();
    assert_eq!((values(&world, "Title"), values(&world, "LastName")), (titles, vec!["é🦀".to_owned(); 6]));
}

#[test]
fn given_a_person_who_wants_it_now_when_a_job_has_the_record_then_it_is_held() {
    let world = salesforce(5);
    park_at_salesforce(&world, &ids(5), 1);
    once(&world);
    let item = world.item("contact", "c0000");
    let seen = rtr_core::parked::Seen::of(item.slot.as_ref().unwrap());
    let act = rtr_core::parked::hasten(&item, seen, "me", world.now());
    assert_eq!(act, rtr_core::parked::Act::Held(held_until(&world)));
}

#[test]
fn given_backfilled_contacts_when_nothing_live_is_due_then_a_job_takes_them() {
    let world = salesforce(0);
    for ids in ids(2_100).chunks(10) {
        let lane = Some("bulk".to_owned());
        let backfilled = |id: &String| Received { lane: lane.clone(), ..contact(&world, id, 1) };
        let batch: Vec<Received> = ids.iter().map(backfilled).collect();
        assert!(world.sync(&batch).failed.is_empty());
    }
    assert_eq!((left(&world), asked(&world, 0).len()), (2_100, 0));
    pass_minutes(&world, 3);
    let calls = asked(&world, 0);
    assert_eq!((left(&world), values(&world, "LastName")), (0, vec!["v1".to_owned(); 2_100]));
    assert_eq!((count(&calls, "POST /jobs/ingest 200"), count(&calls, "/composite/")), (1, 0), "{calls:?}");
}

#[test]
fn given_records_of_two_ways_when_a_job_is_begun_then_it_takes_those_of_the_larger_and_the_others_are_called_for()
 {
    let world = salesforce(5);
    park_at_salesforce(&world, &ids(4), 1);
    pass_minutes(&world, 2);
    let before = world.crm.requests_of("salesforce", "acme").len();
    // Four are linked, and six are not.
    park_at_salesforce(&world, &ids(10), 2);
    pass_minutes(&world, 2);
    let calls = asked(&world, before);
    assert_eq!((left(&world), values(&world, "LastName")), (0, vec!["v2".to_owned(); 10]));
    assert_eq!((count(&calls, "POST /jobs/ingest"), count(&calls, "PATCH /composite/")), (1, 1), "{calls:?}");
}

/// The time until which the records of the job are put off.
fn held_until(world: &World) -> Instant {
    let note: Value = serde_json::from_str(&lane(world).note.unwrap()).unwrap();
    Instant(note["held"].as_i64().unwrap())
}
