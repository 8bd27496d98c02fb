//! What producers hand in by HTTP, Kafka and EventBridge, by the real binary. HTTP and EventBridge go through the local AWS's own
//! API Gateway and bus; it has no Kafka that feeds a function, so its batches are handed to the binary as Lambda would.

use crate::CONTACT;
use crate::stack::{
    Answered, CANARY, Org, Plan, ScratchQueue, Stack, Worker, eventually, group, same, unique, variable,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rtr_core::ingest::secret::sign;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;

/// Seconds that the function has.
const TIMEOUT_S: u64 = 29;

fn event(org: &str, id: &str, version: u64) -> Value {
    json!({"org_id": org, "record_type": "contact", "record_id": id, "version": version,
        "data": {"email": format!("{id}@x.example"), "first_name": format!("v{version}")}})
}

fn repository(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)).unwrap()
}

/// Holds an answer against what the document promises for its path and status.
fn as_documented(path: &str, status: u64, body: &Value) {
    let document: Value = serde_json::from_str(&repository("docs/ingest-openapi.json")).unwrap();
    let at = format!(
        "/paths/{}/post/responses/{status}/content/application~1json/schema",
        path.replace('/', "~1")
    );
    let mut schema =
        document.pointer(&at).unwrap_or_else(|| panic!("{path} does not promise {status}: {body}")).clone();
    schema["components"] = document["components"].clone();
    let validator = jsonschema::validator_for(&schema).unwrap();
    assert!(validator.is_valid(body), "{path} {status}: {body}");
    assert!(!validator.is_valid(&json!({"something": "else"})), "the check can fail");
}

fn statuses(answered: &Answered) -> Vec<u64> {
    answered.body["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| result["status"].as_u64().unwrap())
        .collect()
}

fn until_there(org: &Org<'_>, wanted: &[&str]) {
    let wanted: BTreeSet<String> = wanted.iter().map(|id| (*id).to_owned()).collect();
    eventually("the contacts", || {
        same(org.crm().values("contacts", "rtr_record_id").into_iter().collect(), wanted.clone())
    });
}

#[test]
fn given_signed_requests_of_every_kind_when_posted_then_their_events_reach_the_crm_and_bad_ones_are_told() {
    let stack = Stack::here();
    let org = Plan::new("ingest").mapping("contact", CONTACT).ready(&stack);
    let one = stack.hand_in("application/json", &event(&org.id, "a", 1).to_string());
    assert_eq!((one.status, &one.body["accepted"]), (200, &json!(1)), "{one:?}");
    assert_eq!(one.headers["content-type"], "application/json");
    let mut bad = event(&org.id, "b", 1);
    bad["version"] = json!("1");
    let array = json!([event(&org.id, "c", 1), bad, event(&org.id, "c", 2)]).to_string();
    let several = stack.hand_in("application/json; charset=utf-8", &array);
    assert_eq!((several.status, statuses(&several)), (200, vec![200, 400, 200]), "{several:?}");
    assert_eq!(several.body["results"][1]["code"], "RTR1005");
    let lines = format!("{}\n\n{{\n{}\n", event(&org.id, "d", 1), event(&org.id, "e", 1));
    let lines = stack.hand_in("application/x-ndjson", &lines);
    assert_eq!((lines.status, statuses(&lines)), (200, vec![200, 400, 200]), "{lines:?}");
    let cloud =
        json!({"specversion": "1.0", "id": "1", "source": "/a", "type": "t", "data": event(&org.id, "f", 1)});
    let cloud = stack.hand_in("application/cloudevents-batch+json", &json!([cloud]).to_string());
    assert_eq!(cloud.status, 200, "{cloud:?}");
    let broken = stack.hand_in("application/json", &array[..array.len() - 3]);
    let odd = stack.hand_in("text/csv", "a,b");
    assert_eq!((broken.status, odd.status), (400, 415));
    for answered in [&one, &several, &lines, &cloud, &broken, &odd] {
        as_documented("/events", answered.status.into(), &answered.body);
    }
    assert_eq!(stack.hand_in_unsigned(&event(&org.id, "g", 1).to_string()), 403);
    until_there(&org, &["a", "c", "d", "e", "f"]);
    eventually("the newest version", || {
        let names = org.crm().values("contacts", "firstname");
        same(names.iter().any(|name| name == "v2"), true)
    });
}

#[test]
fn given_a_token_when_events_come_by_it_then_its_orgs_reach_the_crm_and_no_others() {
    let stack = Stack::here();
    let org = Plan::new("token").mapping("contact", CONTACT).ready(&stack);
    let token = format!("{CANARY}ingest-{}", unique());
    stack.put_ingest_secret(&org.id, &json!({"type": "bearer", "token": token}));
    let bearer = format!("Bearer {token}");
    let body = json!([event(&org.id, "a", 1), event("another", "b", 1)]).to_string();
    let answered = stack.hand_in_for(&org.id, &[("authorization", &bearer)], &body);
    assert_eq!((answered.status, statuses(&answered)), (200, vec![200, 403]), "{answered:?}");
    as_documented("/orgs/{org}/events", 200, &answered.body);
    let wrong = format!("{bearer}x");
    for (org, headers) in [
        (&*org.id, vec![("authorization", &*wrong)]),
        (&*org.id, vec![]),
        ("nobody", vec![("authorization", &*bearer)]),
    ] {
        let refused = stack.hand_in_for(org, &headers, &event("nobody", "c", 1).to_string());
        assert_eq!(refused.status, 401, "{refused:?}");
        as_documented("/orgs/{org}/events", 401, &refused.body);
    }
    until_there(&org, &["a"]);
}

#[test]
fn given_signatures_when_one_is_forged_stale_or_of_another_body_then_it_changes_nothing() {
    let stack = Stack::here();
    let org = Plan::new("hmac").mapping("contact", CONTACT).ready(&stack);
    let [new, old] = ["new", "old"].map(|name| format!("{CANARY}{name}-{}", unique()));
    stack.put_ingest_secret(&org.id, &json!({"type": "hmac", "secrets": [new, old]}));
    let now = crate::stack::now_ms() / 1_000;
    let post = |key: &str, at: i64, signed: &Value, sent: &Value| {
        let (id, timestamp) = (unique(), at.to_string());
        let signature = sign(key.as_bytes(), &id, at, signed.to_string().as_bytes());
        let headers =
            [("webhook-id", &*id), ("webhook-timestamp", &*timestamp), ("webhook-signature", &*signature)];
        stack.hand_in_for(&org.id, &headers, &sent.to_string()).status
    };
    let bad = event(&org.id, "bad", 1);
    assert_eq!(post("a-key-that-nobody-has-given-out", now, &bad, &bad), 401);
    assert_eq!(post(&new, now - 400, &bad, &bad), 401);
    assert_eq!(post(&new, now + 400, &bad, &bad), 401);
    assert_eq!(post(&new, now, &event(&org.id, "good", 1), &bad), 401);
    // Both secrets count while one takes the other's place; what is beyond ASCII is signed as it is sent.
    let mut umlaut = event(&org.id, "umlaut", 1);
    umlaut["data"]["first_name"] = json!("Jürgen 😀");
    assert_eq!(post(&new, now, &umlaut, &umlaut), 200);
    let last = event(&org.id, "last", 1);
    assert_eq!(post(&old, now, &last, &last), 200);
    until_there(&org, &["umlaut", "last"]);
}

#[test]
fn given_an_org_that_hands_in_too_much_when_posted_then_the_rest_is_put_off_with_a_time() {
    let stack = Stack::here();
    let queue = ScratchQueue::new(&stack, 30);
    let variables = [("RTR_CHANGES_QUEUE_URL", queue.url.as_str()), ("RTR_INGEST_PER_ORG_RPS", "1")];
    let worker =
        Worker::start_for(&stack, "ingest", &variable("INGEST_FUNCTION_NAME"), &variables, TIMEOUT_S);
    let org = format!("eager-{}", unique());
    let events: Vec<Value> = (0..15).map(|n| event(&org, &format!("c-{n}"), 1)).collect();
    let request = json!({"routeKey": "POST /events", "requestContext": {"http": {"method": "POST"}},
        "headers": {"content-type": "application/json"}, "body": json!(events).to_string()});
    let answer = worker.ask(&request);
    let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    assert_eq!((&answer["statusCode"], &body["accepted"]), (&json!(200), &json!(10)), "{answer}");
    assert_eq!(
        (&body["results"][14]["status"], &body["results"][14]["code"]),
        (&json!(429), &json!("RTR4015"))
    );
    assert!(answer["headers"]["retry-after"].is_string(), "{answer}");
    let later = worker.ask(&request);
    assert_eq!(later["statusCode"], 429, "{later}");
    let body: Value = serde_json::from_str(later["body"].as_str().unwrap()).unwrap();
    as_documented("/events", 429, &body);
    assert_eq!(queue.receive(10).len(), 10);
}

#[test]
fn given_an_event_on_the_bus_when_the_rule_takes_it_then_it_reaches_the_crm_and_a_bad_one_is_filed() {
    let stack = Stack::here();
    let org = Plan::new("bus").mapping("contact", CONTACT).ready(&stack);
    let mut bad = event(&org.id, "bad", 1);
    bad.as_object_mut().unwrap().remove("version");
    stack.put_on_bus(&bad);
    stack.put_on_bus(&event(&org.id, "a", 1));
    until_there(&org, &["a"]);
    let letters = org.until_dead(1);
    assert_eq!(
        (&letters[0]["code"], &letters[0]["record_id"]),
        (&json!("RTR1002"), &json!("bad")),
        "{letters:?}"
    );
}

fn folder_text(name: &str, org: &str) -> Value {
    let text = repository(&format!("events/ingest/{name}")).replace("acme", org);
    let mut event: Value = serde_json::from_str(&text).unwrap();
    for record in event["records"]
        .as_object_mut()
        .into_iter()
        .flat_map(|all| all.values_mut())
        .flat_map(|list| list.as_array_mut().unwrap())
    {
        if let Some(value) = record["value"].as_str() {
            let text = String::from_utf8(BASE64.decode(value).unwrap()).unwrap().replace("acme", org);
            record["value"] = BASE64.encode(text).into();
        }
    }
    event
}

/// Every file for IngestFunction that is a request: its status and those of its items.
const REQUESTS: [(&str, u64, &[u64]); 6] = [
    ("one.json", 200, &[200]),
    ("array-with-a-bad-one.json", 200, &[200, 400, 200]),
    ("lines.json", 200, &[200, 200]),
    ("cloudevents.json", 200, &[200]),
    ("not-json.json", 400, &[]),
    ("org-token.json", 200, &[200, 403]),
];

#[test]
fn given_every_example_when_the_real_binary_gets_it_then_it_ends_as_the_page_says() {
    let stack = Stack::here();
    let queue = ScratchQueue::new(&stack, 30);
    let own = [("RTR_CHANGES_QUEUE_URL", queue.url.as_str())];
    let worker = Worker::start_for(&stack, "ingest", &variable("INGEST_FUNCTION_NAME"), &own, TIMEOUT_S);
    let org = Plan::new("acme-in").mapping("contact", CONTACT).ready(&stack);
    let files = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../events/ingest")).unwrap();
    let files: BTreeSet<String> =
        files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    let others = ["kafka.json", "eventbridge.json", "eventbridge-bad.json"];
    let known: BTreeSet<String> =
        REQUESTS.iter().map(|(name, ..)| *name).chain(others).map(str::to_owned).collect();
    assert_eq!(files, known);

    let refused = worker.ask(&folder_text("org-token.json", &org.id));
    assert_eq!(refused["statusCode"], 401, "{refused}");
    stack.put_ingest_secret(&org.id, &json!({"type": "bearer", "token": "a-token-of-this-example"}));
    let worker = Worker::start_for(&stack, "ingest", &variable("INGEST_FUNCTION_NAME"), &own, TIMEOUT_S);
    for (name, status, items) in REQUESTS {
        let event = folder_text(name, &org.id);
        let answer = worker.ask(&event);
        let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
        assert_eq!(answer["statusCode"], status, "{name}: {answer}");
        let told: Vec<u64> = body["results"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|item| item["status"].as_u64().unwrap())
            .collect();
        assert_eq!(told, items, "{name}: {body}");
        let path = event["routeKey"].as_str().unwrap().trim_start_matches("POST ");
        as_documented(path, status, &body);
    }
    let kafka = worker.ask(&folder_text("kafka.json", &org.id));
    assert_eq!(kafka, json!({"batchItemFailures": []}));
    for name in ["eventbridge.json", "eventbridge-bad.json"] {
        assert_eq!(worker.ask(&folder_text(name, &org.id)), json!({}), "{name}");
    }
    // Records of one are in the order of the partition, and all are in their groups.
    let mut sent: Vec<(String, Value)> = Vec::new();
    eventually("all that was taken", || {
        let received = queue.receive(10);
        sent.extend(received.iter().map(|message| {
            (group(message).to_owned(), serde_json::from_str(message.body.as_ref().unwrap()).unwrap())
        }));
        queue.settle(&received, &[]);
        same(sent.len(), 11)
    });
    let of = |id: &str| -> Vec<&Value> {
        sent.iter()
            .filter(|(group, _)| *group == format!("{}#contact#{id}", org.id))
            .map(|(_, event)| &event["version"])
            .collect()
    };
    assert_eq!((of("c-3002"), of("c-3009")), (vec![&json!(1), &json!(2)], vec![&json!(1), &json!(2)]));
    let letters = org.until_dead(1);
    assert_eq!(letters[0]["record_id"], "c-3012", "{letters:?}");
    let shown = stack.rtr(&["dlq", "show", "--reason", "malformed", "--show-data", "--json"]).json();
    let cut_off = shown.as_array().unwrap().iter().find(|letter| {
        letter["message"].as_str().is_some_and(|text| text.starts_with("changes-0 offset 41"))
            && letter["data"].to_string().contains(&org.id)
    });
    assert_eq!(cut_off.expect("the record that was cut off is filed")["code"], "RTR1001");
}
