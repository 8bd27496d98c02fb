//! A rehearsal is the lane itself: what it says would be sent is what is sent when the event comes.

use futures::executor::block_on;
use rtr_connectors::http::{NoAnswer, Outgoing, Response};
use rtr_core::code::Code;
use rtr_core::config::OrgConfig;
use rtr_core::item::{Ended, Item};
use rtr_core::key::{ConnectionKey, RecordKey};
use rtr_engine::batch::Received;
use rtr_engine::rehearsal::{Letterhead, MESSAGE_ID, Rehearsed, Scene, Sent, State, id_of, rehearse};
use rtr_engine::seams::{Configs, Http, Records, Seams};
use rtr_engine::sync::run;
use rtr_testkit::build;
use rtr_testkit::crm::BASE;
use rtr_testkit::world::{ORG, TIMEOUT_MS, World};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

const HUBSPOT_CONTACT: &str = "object: contacts\nmatch: email\nwhen: status != \"draft\"\nfields:\n  email: email\n  firstname: first_name\n  lifecyclestage: {from: stage, map: {won: customer}}\n  company: {reference: company, id: company_id, association: primary}\n";
const HUBSPOT_COMPANY: &str = "object: companies\nfields:\n  name: name\n";
const CONTACT: &str = "object: Contact\nmatch: Email\nwhen: status != \"draft\"\nfields:\n  Email: email\n  LastName: last_name\n  FirstName: first_name\n  Description: {from: stage, map: {won: customer}}\n  AccountId: {reference: company, id: company_id}\n";
const ACCOUNT: &str = "object: Account\nfields:\n  Name: name\n";

fn world() -> World {
    let world = World::with_contact(HUBSPOT_CONTACT);
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
        ("mappings/hubspot/company.yaml", HUBSPOT_COMPANY),
        ("mappings/salesforce/contact.yaml", CONTACT),
        ("mappings/salesforce/company.yaml", ACCOUNT),
        ("orgs/acme.yaml", org.as_str()),
    ];
    world.configs.apply(&files).unwrap();
    world
}

fn config(world: &World) -> Arc<OrgConfig> {
    block_on(world.configs.org(ORG)).unwrap()
}

fn rehearsed(world: &World, state: &State<'_>, connection: &str, event: &Received) -> Rehearsed {
    let letterhead = Letterhead {
        base_url: format!("{BASE}/{connection}/{ORG}"),
        header: "authorization".to_owned(),
        scheme: "Bearer ",
    };
    let config = config(world);
    let scene = Scene {
        config: &config,
        connection,
        letterhead: &letterhead,
        state,
        questions: None,
        clock: world.clock.as_ref(),
    };
    block_on(rehearse(&scene, &event.body)).unwrap()
}

/// The carrier of real requests, which keeps a copy of each.
struct Tap<'a> {
    crm: &'a dyn Http,
    sent: Mutex<Vec<(String, Value)>>,
}

#[async_trait::async_trait]
impl Http for Tap<'_> {
    async fn send(&self, outgoing: Outgoing) -> Result<Response, NoAnswer> {
        let header = |(name, value): &(String, secrecy::SecretString)| {
            let value = if name == "authorization" { "Bearer ***" } else { value.expose_secret() };
            json!([name, value])
        };
        let mut headers: Vec<Value> = outgoing.headers.iter().map(header).collect();
        headers.sort_by_key(Value::to_string);
        let body: Value = serde_json::from_slice(&outgoing.body).unwrap_or_default();
        let line = json!([outgoing.method.as_str(), outgoing.url, headers, body]);
        let provider = if outgoing.url.contains("/salesforce/") { "salesforce" } else { "hubspot" };
        self.sent.lock().unwrap().push((provider.to_owned(), line));
        self.crm.send(outgoing).await
    }
}

/// Runs the event for real; what each CRM got.
fn synced(world: &World, event: &Received) -> Vec<(String, Value)> {
    let tap = Tap { crm: &world.crm, sent: Mutex::default() };
    let seams = Seams { http: &tap, ..world.seams() };
    let deadline = world.now().plus_ms(TIMEOUT_MS);
    block_on(run(&seams, &world.settings, &world.caches, std::slice::from_ref(event), deadline));
    tap.sent.into_inner().unwrap()
}

/// The rehearsed requests in the tap's form.
fn lines(rehearsed: &Rehearsed) -> Vec<Value> {
    let line = |sent: &Sent| {
        let body: Value = serde_json::from_slice(&sent.body).unwrap_or_default();
        json!([sent.method.as_str(), sent.url, sent.headers, body])
    };
    rehearsed.requests.iter().map(line).collect()
}

fn calls(world: &World) -> usize {
    world.crm.requests(ORG).len()
}

/// What nobody knows before: the message's id, and the ids that the CRM gives.
fn filled(world: &World, connection: &str, event: &Received, lines: &[Value]) -> Vec<Value> {
    let change: Value = serde_json::from_str(&event.body).unwrap();
    let record =
        RecordKey::new(ORG, change["record_type"].as_str().unwrap(), change["record_id"].as_str().unwrap());
    let item = world.item_at(connection, &record.record_type, &record.record_id);
    let text = Value::from(lines.to_vec()).to_string().replace(MESSAGE_ID, &event.message_id);
    let text = text.replace(&id_of(&record), item.external_id.as_deref().unwrap_or("none"));
    serde_json::from_str(&text).unwrap()
}

#[test]
fn given_the_life_of_a_record_when_rehearsed_and_then_synced_then_the_crms_get_exactly_those_requests() {
    let world = world();
    let ann = json!({"email": "ann@x.io", "last_name": "Lee", "first_name": "Ann", "stage": "won", "company_id": "k"});
    let bob = json!({"email": "ann@x.io", "last_name": "Lee", "first_name": "Bob", "stage": null, "company_id": "k"});
    let events = [
        (world.company("k", 1, &json!({"name": "K"})), Ended::Applied),
        (world.contact("c", 1, &ann), Ended::Applied),
        (world.contact("c", 1, &ann), Ended::Superseded),
        (world.contact("c", 2, &ann), Ended::Unchanged),
        (world.contact("c", 3, &bob), Ended::Applied),
        (build::delete(ORG, "contact", "c", 4, world.now()), Ended::Applied),
        (world.contact("c", 5, &ann), Ended::Applied),
        (world.contact("d", 1, &json!({"email": "d@x.io", "status": "draft"})), Ended::Skipped),
    ];
    for (event, ended) in events {
        let shown = ["hubspot", "salesforce"].map(|connection| {
            let state = State::over(Some(&world.records));
            let rehearsed = rehearsed(&world, &state, connection, &event);
            assert_eq!((rehearsed.ended, &rehearsed.unasked), (ended, &None), "{connection} {}", event.body);
            (connection, lines(&rehearsed))
        });
        let sent = synced(&world, &event);
        for (connection, shown) in shown {
            let sent: Vec<Value> =
                sent.iter().filter(|(to, _)| to == connection).map(|(_, line)| line.clone()).collect();
            assert_eq!(sent.is_empty(), ended != Ended::Applied, "{connection} {}", event.body);
            assert_eq!(filled(&world, connection, &event, &shown), sent, "{connection} {}", event.body);
        }
    }
}

#[test]
fn given_an_event_when_rehearsed_then_nothing_is_written_and_no_secret_is_near() {
    let world = world();
    let event = world.contact("c", 1, &json!({"email": "c@x.io", "last_name": "Lee"}));
    let state = State::over(Some(&world.records));
    let before = calls(&world);
    let first = rehearsed(&world, &state, "hubspot", &event);
    assert_eq!(world.item("contact", "c"), Item::default());
    assert_eq!(calls(&world), before);
    for sent in &first.requests {
        assert!(sent.headers.contains(&("authorization".to_owned(), "Bearer ***".to_owned())), "{sent:?}");
    }
    // The next one builds on what the first would have done.
    assert_eq!(rehearsed(&world, &state, "hubspot", &event).ended, Ended::Superseded);
    let newer = world.contact("c", 2, &json!({"email": "c@x.io", "first_name": "Ann"}));
    let second = rehearsed(&world, &state, "hubspot", &newer);
    assert_eq!(second.linked_before.as_deref(), Some("id-of:contact:c"));
    assert_eq!(lines(&second).len(), 1, "{second:?}");
}

#[test]
fn given_what_stands_in_the_way_when_rehearsed_then_the_reason_is_the_lanes() {
    let world = world();
    let state = State::over(None);
    let of = |event: &Received| {
        let told = rehearsed(&world, &state, "hubspot", event);
        assert_eq!(told.requests, []);
        let reason = told.reason.unwrap();
        (told.ended, reason.code, reason.field)
    };
    let unmapped = world.contact("a", 1, &json!({"email": "a@x.io", "stage": "lost"}));
    let field = Some("lifecyclestage".to_owned());
    assert_eq!(of(&unmapped), (Ended::Dead, Code::MappingFailed, field));
    let waits = world.contact("b", 1, &json!({"email": "b@x.io", "company_id": "k"}));
    let field = Some("company".to_owned());
    assert_eq!(of(&waits), (Ended::Parked, Code::WaitingForReference, field));
    // Unless it is taken to be there.
    let company = RecordKey::new(ORG, "company", "k");
    state.assume(&company, &ConnectionKey::new(ORG, "hubspot"), "companies", "512");
    let again = world.contact("e", 1, &json!({"email": "e@x.io", "company_id": "k"}));
    let told = rehearsed(&world, &state, "hubspot", &again);
    assert_eq!((told.ended, lines(&told).len()), (Ended::Applied, 3));
    assert!(lines(&told)[2].to_string().contains("512"));
    // A record that is taken to be written already is updated, without our key.
    state.assume(
        &RecordKey::new(ORG, "contact", "f"),
        &ConnectionKey::new(ORG, "hubspot"),
        "contacts",
        "600",
    );
    let linked = rehearsed(&world, &state, "hubspot", &world.contact("f", 1, &json!({"email": "f@x.io"})));
    let sent = json!(lines(&linked)).to_string();
    assert!(
        sent.contains("batch/update") && sent.contains("600") && !sent.contains("rtr_record_id"),
        "{sent}"
    );
    let deal = build::event(ORG, "deal", "d", 1, &json!({}), world.now());
    assert_eq!(of(&deal), (Ended::Dead, Code::NoMapping, None));
    assert_eq!(block_on(world.records.read(&[])).unwrap().len(), 0);
}
