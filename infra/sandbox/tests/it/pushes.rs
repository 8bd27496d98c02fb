//! What HubSpot accounts push, how it is signed, and what becomes of it on its way.

use crate::world::{CONTACTS, World};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rtr_sandbox::{Push, Request};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const URL: &str = "http://127.0.0.1:4566/_aws/execute-api/a1/$default/webhooks/acme/hubspot";
const SECRET: &str = "b1946ac9-2492-4d23-8c5a-4f6c4f1d7e62";

/// A world whose account pushes to [`URL`].
fn pushing(extra: Value) -> World {
    let mut world = World::new();
    let mut address = json!({"provider": "hubspot", "account": "acme", "url": URL, "secret": SECRET});
    address.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    world.control("PUT", "/webhooks", address);
    world
}

fn due(world: &mut World) -> Vec<Push> {
    world.sandbox.pushes(world.now)
}

fn events(push: &Push) -> Vec<Value> {
    serde_json::from_slice(&push.body).unwrap()
}

/// Takes what is due, says yes to all of it, and gives its events.
fn delivered(world: &mut World) -> Vec<Value> {
    let due = due(world);
    due.iter().for_each(|push| world.sandbox.pushed(world.now, push.id, Some((204, b""))));
    due.iter().flat_map(events).collect()
}

fn log(world: &mut World) -> Vec<Value> {
    world.control("GET", "/pushes", Value::Null).as_array().unwrap().clone()
}

/// Each event in a line.
fn lines(events: &[Value]) -> String {
    let line = |event: &Value| {
        let text = |name: &str| event[name].as_str().unwrap_or("-").to_owned();
        let by = format!("{}:{}", text("changeSource"), text("sourceId"));
        format!(
            "{} {} {}={} {by}",
            text("subscriptionType"),
            event["objectId"],
            text("propertyName"),
            text("propertyValue")
        )
    };
    events.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// HMAC-SHA256 as RFC 2104 describes it.
fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    assert!(key.len() <= 64);
    let padded = |pad: u8| (0..64).map(|at| key.get(at).copied().unwrap_or(0) ^ pad).collect::<Vec<u8>>();
    let digest = |parts: [&[u8]; 2]| Sha256::new().chain_update(parts[0]).chain_update(parts[1]).finalize();
    digest([&padded(0x5c), &digest([&padded(0x36), text])]).to_vec()
}

#[test]
fn given_a_push_when_verified_as_the_vendor_describes_it_then_the_signature_is_right_at_every_attempt() {
    let mut world = pushing(json!({}));
    world.create("contacts", json!({"email": "ada@x.io", "firstname": "Adä"}));
    let verify = |world: &mut World| {
        let push = due(world).pop().unwrap();
        let header = |name: &str| push.headers.iter().find(|(key, _)| key == name).unwrap().1.clone();
        let timestamp = header("x-hubspot-request-timestamp");
        assert_eq!(timestamp, world.now.to_string());
        // 1. method + URI + body + timestamp, 2. HMAC SHA-256 with the app secret, 3. Base64.
        let text = format!("POST{}{}{timestamp}", push.url, String::from_utf8(push.body.clone()).unwrap());
        let expected = BASE64.encode(hmac(SECRET.as_bytes(), text.as_bytes()));
        assert_eq!(header("x-hubspot-signature-v3"), expected);
        assert_eq!((push.url.as_str(), header("content-type")), (URL, "application/json".to_owned()));
        world.sandbox.pushed(world.now, push.id, Some((500, b"")));
        world.now = world.sandbox.next_push().unwrap();
        events(&push)[0]["attemptNumber"].clone()
    };
    assert_eq!([verify(&mut world), verify(&mut world)], [json!(0), json!(1)]);
}

#[test]
fn given_what_becomes_of_records_when_pushed_then_each_is_told_in_the_vendors_words() {
    let mut world = pushing(json!({"app_id": 51_879_189}));
    let ada = world.create("contacts", json!({"email": "ada@x.io", "firstname": "Ada"}));
    let bob = world.create("contacts", json!({"email": "bob@x.io"}));
    let mut told = lines(&delivered(&mut world));
    world.patch(&format!("{CONTACTS}/{ada}"), json!({"properties": {"firstname": "", "city": "Rome"}}));
    world.patch(&format!("{CONTACTS}/{ada}"), json!({"properties": {"city": "Rome"}}));
    world.post(&format!("{CONTACTS}/merge"), json!({"primaryObjectId": ada, "objectIdToMerge": bob}));
    told += &format!("\n{}", lines(&delivered(&mut world)));
    world.call("DELETE", &format!("{CONTACTS}/{ada}"), Value::Null);
    let cat = world.create("contacts", json!({"email": "cat@x.io"}));
    world.post(&format!("{CONTACTS}/gdpr-delete"), json!({"objectId": cat}));
    let last = delivered(&mut world);
    told += &format!("\n{}", lines(&last));
    let told = [(ada, "ADA"), (bob, "BOB"), (cat, "CAT")]
        .into_iter()
        .fold(told, |told, (id, name)| told.replace(&id, name));
    insta_like(
        &told,
        "
        contact.creation ADA -=- INTEGRATION:51879189
        contact.propertyChange ADA email=ada@x.io INTEGRATION:51879189
        contact.propertyChange ADA firstname=Ada INTEGRATION:51879189
        contact.propertyChange ADA lifecyclestage=lead INTEGRATION:51879189
        contact.creation BOB -=- INTEGRATION:51879189
        contact.propertyChange BOB email=bob@x.io INTEGRATION:51879189
        contact.propertyChange BOB lifecyclestage=lead INTEGRATION:51879189
        contact.propertyChange ADA city=Rome INTEGRATION:51879189
        contact.propertyChange ADA firstname= INTEGRATION:51879189
        contact.propertyChange ADA hs_merged_object_ids=BOB INTEGRATION:51879189
        contact.merge ADA -=- INTEGRATION:51879189
        contact.deletion ADA -=- INTEGRATION:51879189
        contact.creation CAT -=- INTEGRATION:51879189
        contact.propertyChange CAT email=cat@x.io INTEGRATION:51879189
        contact.propertyChange CAT lifecyclestage=lead INTEGRATION:51879189
        contact.privacyDeletion CAT -=- INTEGRATION:51879189
        ",
    );
    let event = &last[0];
    assert_eq!(event["portalId"], world.get("/account-info/v3/details").1["portalId"]);
    assert_eq!((&event["appId"], &event["occurredAt"]), (&json!(51_879_189), &json!(world.now)));
    assert!(event["eventId"].is_u64() && event["subscriptionId"].is_u64() && event["objectId"].is_u64());
}

/// Lines, without what indents them here.
#[track_caller]
fn insta_like(found: &str, expected: &str) {
    let expected: Vec<&str> = expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    assert_eq!(found.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn given_newer_apps_and_one_object_when_pushed_then_that_alone_is_told_by_its_type_id() {
    let mut world = pushing(json!({"generic": true, "object": "companies"}));
    world.create("contacts", json!({"email": "ada@x.io"}));
    world.create("companies", json!({"name": "Acme"}));
    let told = delivered(&mut world);
    let seen = |event: &Value| format!("{} {}", event["subscriptionType"], event["objectTypeId"]);
    let seen: Vec<String> = told.iter().map(seen).collect();
    assert_eq!(seen, [r#""object.creation" "0-2""#, r#""object.propertyChange" "0-2""#]);
}

#[test]
fn given_a_batch_when_pushed_then_a_hundred_events_at_most_go_at_once_and_what_was_undone_is_never_told() {
    let mut world = pushing(json!({}));
    let inputs = |count: usize| -> Vec<Value> {
        (0..count).map(|n| json!({"properties": {"email": format!("c{n}@x.io")}})).collect()
    };
    let mut refused = inputs(3);
    refused.push(json!({"properties": {"email": "nobody"}}));
    assert_eq!(world.post(&format!("{CONTACTS}/batch/create"), json!({"inputs": refused})).0, 400);
    assert!(due(&mut world).is_empty());
    world.post(&format!("{CONTACTS}/batch/create"), json!({"inputs": inputs(70)}));
    let sizes: Vec<usize> = due(&mut world).iter().map(|push| events(push).len()).collect();
    assert_eq!(sizes, [100, 100, 10]);
}

#[test]
fn given_more_than_the_vendor_sends_at_once_when_due_then_the_rest_waits_and_gathers() {
    let mut world = pushing(json!({}));
    let change = |world: &mut World, n: usize| {
        let ids = world.control("GET", "/records?provider=hubspot&account=acme&object=contacts", Value::Null);
        let id = ids[0]["id"].as_str().unwrap().to_owned();
        world.patch(&format!("{CONTACTS}/{id}"), json!({"properties": {"city": format!("c{n}")}}));
    };
    world.create("contacts", json!({"email": "ada@x.io"}));
    let mut under_way = due(&mut world);
    for n in 0..12 {
        change(&mut world, n);
        under_way.extend(due(&mut world));
    }
    assert_eq!(under_way.len(), 10);
    world.sandbox.pushed(world.now, under_way[0].id, Some((200, b"")));
    let rest = due(&mut world);
    assert_eq!(rest.iter().map(|push| events(push).len()).collect::<Vec<_>>(), [3]);
}

#[test]
fn given_a_receiver_that_fails_when_pushed_then_it_is_tried_eleven_times_and_given_up() {
    let mut world = pushing(json!({}));
    world.create("contacts", json!({"email": "ada@x.io"}));
    let (begin, mut tries) = (world.now, Vec::new());
    while let Some(at) = world.sandbox.next_push() {
        world.now = at;
        let push = due(&mut world).pop().unwrap();
        let answer: Option<(u16, &[u8])> = if tries.len() == 1 { None } else { Some((503, b"busy")) };
        world.sandbox.pushed(world.now, push.id, answer);
        tries.push((at - begin) / 1000);
    }
    assert_eq!(tries, [0, 0, 1, 3, 8, 18, 48, 108, 228, 408, 588]);
    let log = log(&mut world);
    let ended = |entry: &Value| format!("{} {} {}", entry["outcome"], entry["status"], entry["again_at"]);
    assert_eq!(ended(&log[0]), "\"refused\" 503 \"2026-09-21T14:13:20.500Z\"".to_owned());
    assert!(ended(&log[1]).starts_with("\"unanswered\" null"));
    assert_eq!(ended(&log[10]), "\"refused\" 503 null");
}

#[test]
fn given_faults_of_pushes_when_they_strike_then_each_is_lost_doubled_late_or_behind() {
    let mut world = pushing(json!({}));
    let fault = |name: &str, value: Value, skip: u64| {
        json!({"provider": "hubspot", "account": "acme", "match": {"method": "PUSH", "path": "/webhooks/acme/"},
               "fault": name, "value": value, "skip": skip, "count": 1})
    };
    let faults = [
        fault("lost", Value::Null, 0),
        fault("twice", Value::Null, 1),
        fault("late", json!(700), 2),
        fault("reorder", Value::Null, 3),
    ];
    world.control("PUT", "/faults", json!(faults));
    let mut left = Vec::new();
    for n in 0..5 {
        world.create("companies", json!({"name": format!("n{n}")}));
        left.extend(delivered(&mut world));
    }
    let names = |events: &[Value]| -> Vec<String> {
        let named = events.iter().filter(|event| event["propertyName"] == "name");
        named.map(|event| event["propertyValue"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&left), ["n1", "n1", "n4", "n3"]);
    // Told backwards: first what changed, then that it is new.
    let behind = &left[left.len() - 2..];
    assert_eq!(
        (&behind[0]["propertyValue"], &behind[1]["subscriptionType"]),
        (&json!("n3"), &json!("company.creation"))
    );
    world.now += 699;
    assert!(delivered(&mut world).is_empty());
    world.now += 1;
    assert_eq!(names(&delivered(&mut world)), ["n2"]);
    let log = log(&mut world);
    let faults: Vec<&str> = log.iter().map(|entry| entry["fault"].as_str().unwrap_or("-")).collect();
    assert_eq!(faults, ["lost", "twice", "twice", "-", "reorder", "late"]);
    assert_eq!((&log[0]["outcome"], &log[0]["status"]), (&json!("lost"), &Value::Null));
    assert_eq!(world.sandbox.next_push(), None);
}

#[test]
fn given_a_push_behind_when_no_other_comes_then_it_goes_after_its_time() {
    let mut world = pushing(json!({}));
    world.fault(json!({"match": {"method": "PUSH"}, "fault": "reorder", "value": 300, "count": 1}));
    world.create("companies", json!({"name": "n"}));
    assert!(delivered(&mut world).is_empty());
    assert_eq!(world.sandbox.next_push(), Some(world.now + 300));
    world.now += 300;
    assert_eq!(delivered(&mut world).len(), 2);
}

#[test]
fn given_pushes_when_listed_then_they_say_what_was_told_and_no_secret() {
    let mut world = pushing(json!({}));
    let id = world.create("companies", json!({"name": "Acme"}));
    delivered(&mut world);
    let list = world.control("GET", "/pushes?provider=hubspot&account=acme&bodies=true", Value::Null);
    let entry = &list[0];
    assert_eq!((&entry["outcome"], &entry["status"]), (&json!("acknowledged"), &json!(204)));
    assert_eq!((&entry["attempt"], &entry["url"]), (&json!(0), &json!(URL)));
    assert_eq!(entry["changes"][0], json!({"object": "companies", "id": id, "change": "creation"}));
    assert_eq!(entry["body"][1]["propertyValue"], "Acme");
    let addresses = world.control("GET", "/webhooks", Value::Null);
    assert_eq!((&addresses[0]["url"], &addresses[0]["waiting"]), (&json!(URL), &json!(0)));
    let state = world.control("GET", "/state", Value::Null);
    for shown in [list.to_string(), addresses.to_string(), state.to_string()] {
        assert!(!shown.contains(SECRET), "{shown}");
    }
    assert_eq!(world.control("GET", &format!("/pushes?since={}", entry["seq"]), Value::Null), json!([]));
    assert_eq!(world.control("GET", "/pushes?account=other", Value::Null), json!([]));
    // The journal is of what was asked of the CRM.
    let asked = world.control("GET", "/requests?since=0", Value::Null);
    assert_eq!(asked.as_array().unwrap().len(), 1);
}

#[test]
fn given_an_account_when_its_addresses_are_removed_or_it_is_reset_then_nothing_more_is_pushed() {
    let mut world = pushing(json!({}));
    world.create("companies", json!({"name": "Acme"}));
    world.control("DELETE", "/webhooks?provider=hubspot&account=acme", Value::Null);
    assert!(due(&mut world).is_empty());
    world.create("companies", json!({"name": "Before"}));
    let address = json!([{"provider": "hubspot", "account": "acme", "url": URL, "secret": SECRET}]);
    world.control("PUT", "/webhooks", address.clone());
    assert!(due(&mut world).is_empty(), "what came before the address is not told to it");
    world.create("companies", json!({"name": "After"}));
    let under_way = due(&mut world);
    assert_eq!(world.control("PUT", "/webhooks", json!([])), json!([]));
    world.sandbox.pushed(world.now, under_way[0].id, Some((500, b"")));
    assert_eq!((world.sandbox.next_push(), log(&mut world)[0]["outcome"].clone()), (None, json!("refused")));
    world.control("PUT", "/webhooks", address);
    world.control("POST", "/reset", json!({"provider": "hubspot", "account": "acme"}));
    assert_eq!(world.control("GET", "/webhooks", Value::Null), json!([]));
    assert!(log(&mut world).is_empty());
}

#[test]
fn given_seeded_records_and_a_write_that_lands_late_when_pushed_then_the_late_one_alone_is_told() {
    let mut world = pushing(json!({}));
    let seed = json!({"provider": "hubspot", "account": "acme", "object": "companies",
                      "records": [{"properties": {"name": "Old"}}]});
    world.control("POST", "/records", seed);
    world.fault(json!({"fault": "drop_then_commit", "value": 400, "count": 1}));
    let request =
        world.request("POST", "/crm/v3/objects/companies").json(&json!({"properties": {"name": "New"}}));
    world.send(&request);
    assert!(due(&mut world).is_empty());
    world.now += 400;
    world.sandbox.advance(world.now);
    let told = delivered(&mut world);
    assert_eq!((told.len(), &told[1]["propertyValue"]), (2, &json!("New")));
}

#[test]
fn given_bad_addresses_when_put_then_400_says_what_and_where_and_nothing_changes() {
    let mut world = pushing(json!({}));
    let before = world.control("GET", "/webhooks", Value::Null);
    let mut refused = |body: Value| {
        let reply = world.send(&Request::new("PUT", "/_sandbox/webhooks").json(&body));
        assert_eq!(reply.status, 400);
        reply.value()["error"].as_str().unwrap().to_owned()
    };
    let with = |extra: Value| {
        let mut address = json!({"provider": "hubspot", "account": "acme", "url": URL, "secret": SECRET});
        address.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        address
    };
    assert_eq!(refused(json!({"account": "acme"})), "body.provider: missing");
    assert_eq!(refused(with(json!({"secret": null}))), "body.secret: missing");
    assert!(refused(with(json!({"secret": "a b"}))).starts_with("body.secret: ' ' cannot"));
    assert!(refused(with(json!({"url": "https://x.io/"}))).starts_with("body.url: expected http://"));
    assert!(refused(with(json!({"url": "/webhooks"}))).starts_with("body.url: expected http://"));
    assert!(
        refused(with(json!({"object": "Contact"})))
            .starts_with("body.object: \"Contact\" is not one of contacts")
    );
    assert!(refused(with(json!({"urls": URL}))).starts_with("body.urls: unknown"));
    let of_another = with(json!({"provider": "salesforce", "app_id": 7}));
    assert!(refused(json!([with(json!({})), of_another])).starts_with("[1].app_id: unknown"));
    assert!(refused(with(json!({"provider": "x"}))).starts_with("body.provider: \"x\" is not one of"));
    assert_eq!(world.control("GET", "/webhooks", Value::Null), before);
}
