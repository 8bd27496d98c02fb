//! The examples of `events/`: every file through the real binaries under a Runtime API, and the samples' story.

use crate::both_ways::AT_HUBSPOT;
use crate::stack::{
    Event, Org, Plan, ScratchQueue, Stack, Worker, eventually, group, same, shipped, unique, variable,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rtr_core::key::RecordKey;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Every file for SyncFunction, in an order that tells a story, and the ending of all its messages.
const SYNC: [(&str, &str, u64); 13] = [
    ("company.json", "applied", 1),
    ("create-contact.json", "applied", 1),
    ("update-contact.json", "applied", 1),
    ("delete-contact.json", "applied", 1),
    ("deal-with-references.json", "applied", 1),
    ("batch-of-ten.json", "applied", 10),
    ("cloudevent.json", "applied", 1),
    ("bulk-lane.json", "parked", 1),
    ("malformed-json.json", "dead", 1),
    ("bad-version.json", "dead", 1),
    ("unknown-org.json", "skipped", 1),
    ("wake.json", "superseded", 1),
    ("wrong-group.json", "applied", 0),
];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../events").join(name)
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    // A publish that was cut off leaves its checkpoint beside the file.
    names.filter(|name| !name.ends_with(".rtr-state")).collect()
}

fn plan(name: &str) -> Plan {
    let plan = Plan::new(name);
    ["contact", "company", "deal"].into_iter().fold(plan, |plan, kind| plan.mapping(kind, &shipped(kind)))
}

/// The file's text with our orgs in the place of its own.
fn text(path: &Path, acme: &Org<'_>, globex: &str) -> String {
    std::fs::read_to_string(path).unwrap().replace("acme", &acme.id).replace("globex", globex)
}

/// Our org in the place of the file's in the encoded body of an envelope as well.
fn raw_too(mut event: Value, org: &Org<'_>) -> Value {
    for record in event["Records"].as_array_mut().unwrap() {
        let mut envelope: Value = serde_json::from_str(record["body"].as_str().unwrap()).unwrap();
        if let Some(raw) = envelope["raw_base64"].as_str() {
            let raw = String::from_utf8(BASE64.decode(raw).unwrap()).unwrap().replace("acme", &org.id);
            envelope["raw_base64"] = BASE64.encode(raw).into();
            record["body"] = envelope.to_string().into();
        }
    }
    event
}

/// What the event's records refer to, to be there before them.
fn referred(event: &Value) -> Vec<(RecordKey, Value)> {
    let mut found = Vec::new();
    for record in event["Records"].as_array().unwrap() {
        let body: Value = serde_json::from_str(record["body"].as_str().unwrap()).unwrap_or_default();
        let change = if body.get("specversion").is_some() { &body["data"] } else { &body };
        let org = change["org_id"].as_str().unwrap_or_default();
        if let Some(id) = change["data"]["company_id"].as_str() {
            found.push((RecordKey::new(org, "company", id), json!({"name": id})));
        }
        if let Some(id) = change["data"]["contact_id"].as_str() {
            found.push((
                RecordKey::new(org, "contact", id),
                json!({"email": format!("{id}@referred.example")}),
            ));
        }
    }
    found
}

/// The number of the last batch that ended so, by the function's own log line.
fn ended(worker: &Worker<'_>, how: &str) -> u64 {
    let log = worker.log();
    let mut lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let batch = lines.rfind(|line| line["event"] == "batch").expect("a line about the batch");
    batch[how].as_u64().unwrap_or_else(|| panic!("no {how} in {batch}"))
}

#[test]
fn given_every_example_for_sync_when_the_real_binary_gets_it_then_it_ends_as_the_page_says_and_nothing_comes_back()
 {
    let stack = Stack::here();
    let (acme, globex) = (plan("acme").ready(&stack), plan("globex").ready(&stack));
    let queue = ScratchQueue::new(&stack, 30);
    let worker = Worker::sync(&stack, &queue);
    assert_eq!(names(&folder("sync")), SYNC.iter().map(|(name, ..)| (*name).to_owned()).collect());
    for (name, how, count) in SYNC {
        let event: Value =
            serde_json::from_str(&text(&folder("sync").join(name), &acme, &globex.id)).unwrap();
        let first: Vec<_> = referred(&event).iter().map(|(key, data)| Event::upsert(key, 0, data)).collect();
        queue.send(&first);
        queue.drain(&worker, first.len());
        assert_eq!(worker.hand(&event), Vec::<String>::new(), "{name}");
        assert_eq!(ended(&worker, how), count, "{name}: {}", worker.log());
    }
    // The one in a foreign group was sent on, to its own.
    let sent_on = queue.receive(10);
    assert_eq!(sent_on.len(), 1);
    assert_eq!(group(&sent_on[0]), format!("{}#contact#c-2004", acme.id));
    // The contact of create, update and delete is in the bin; the deal stands.
    let contacts = acme.crm().values("contacts", "rtr_record_id");
    assert!(
        !contacts.contains(&"c-2001".to_owned()) && contacts.contains(&"c-2101".to_owned()),
        "{contacts:?}"
    );
    assert_eq!(acme.crm().values("deals", "rtr_record_id"), ["d-901"]);
}

#[test]
fn given_every_example_for_redrive_when_the_real_binary_gets_it_then_each_is_filed_and_listed() {
    let stack = Stack::here();
    let org = plan("acme-dead").ready(&stack);
    let worker = Worker::start(&stack, "redrive", &variable("REDRIVE_FUNCTION_NAME"), &[]);
    let files = names(&folder("redrive"));
    assert_eq!(
        files.iter().map(String::as_str).collect::<Vec<_>>(),
        ["malformed.json", "native-crash.json", "no-mapping.json"]
    );
    for name in &files {
        let event: Value =
            serde_json::from_str(&text(&folder("redrive").join(name), &org, "globex")).unwrap();
        assert_eq!(worker.hand(&raw_too(event, &org)), Vec::<String>::new(), "{name}");
    }
    let letters = org.dead_letters();
    let of = |record: &str| {
        letters.iter().find(|letter| letter["record_id"] == record).cloned().unwrap_or_default()
    };
    assert_eq!(of("c-2006")["code"], "RTR5005", "{letters:?}");
    assert_eq!(of("i-1")["code"], "RTR2006", "{letters:?}");
    let shown = stack.rtr(&["dlq", "show", "--reason", "malformed", "--show-data", "--json"]).json();
    let broken = shown.as_array().unwrap().iter().find(|letter| letter["data"].to_string().contains(&org.id));
    assert_eq!(broken.expect("the broken body is filed")["code"], "RTR1001");
    // What the queue gave up is a record like any other: sent again it is applied.
    let id = of("c-2006")["id"].as_str().unwrap().to_owned();
    let company = json!({"name": "Referred"});
    let body: Value =
        serde_json::from_str(&text(&folder("redrive").join("native-crash.json"), &org, "globex")).unwrap();
    if let Some((key, _)) = referred(&body).first() {
        stack.publish(&[Event::upsert(key, 1, &company)]);
    }
    stack.rtr(&["dlq", "redrive", "--id", &id, "--yes", "--wait", "0s"]).ended(0);
    eventually("it is applied", || {
        same(org.crm().values("contacts", "rtr_record_id"), vec!["c-2006".to_owned()])
    });
}

/// Publishes a sample by `rtr publish` into a queue of the test's own, and works it off.
fn play(org: &Org<'_>, queue: &ScratchQueue<'_>, worker: &Worker<'_>, name: &str) {
    let events = text(&folder("samples").join(name), org, "globex");
    let to = [("CHANGES_QUEUE_URL", queue.url.as_str())];
    let said = org.stack.rtr_with(&["publish", "-", "--force", "--json"], &events, &to).json();
    assert_eq!(said["sent"], json!(events.lines().count()), "{said}");
    queue.drain(worker, events.lines().count());
}

#[test]
fn given_the_samples_when_published_one_after_another_then_the_crm_goes_through_their_story() {
    let stack = Stack::here();
    let org = plan("samples").ready(&stack);
    let queue = ScratchQueue::new(&stack, 30);
    let worker = Worker::sync(&stack, &queue);
    let play = |name| play(&org, &queue, &worker, name);
    let files =
        ["deletes.jsonl", "first-load.jsonl", "late-and-repeated.jsonl", "rejected.jsonl", "updates.jsonl"];
    assert_eq!(names(&folder("samples")).iter().map(String::as_str).collect::<Vec<_>>(), files);
    let contact = |id: &str, property: &str| {
        let records = org.crm().records("contacts");
        let record = records.iter().find(|record| record["properties"]["rtr_record_id"] == id).cloned();
        record
            .and_then(|record| record["properties"][property].as_str().map(str::to_owned))
            .unwrap_or_default()
    };

    play("first-load.jsonl");
    let counts = ["companies", "contacts", "deals"].map(|object| org.crm().records(object).len());
    assert_eq!(counts, [3, 6, 2]);
    assert!(!contact("sample-c-1", "phone").is_empty());

    let mark = org.crm().mark();
    play("updates.jsonl");
    assert_eq!(contact("sample-c-1", "phone"), "", "emptied by null");
    assert_eq!(contact("sample-c-2", "jobtitle"), "Chief Engineer");
    let told: u64 =
        org.crm().requests(mark).iter().filter(|it| it.what.contains("/batch/")).map(|it| it.items).sum();
    assert!(told >= 2, "{:#?}", org.crm().requests(mark));

    let mark = org.crm().mark();
    play("late-and-repeated.jsonl");
    assert!(org.crm().requests(mark).is_empty(), "{:#?}", org.crm().requests(mark));

    play("deletes.jsonl");
    assert!(!org.crm().values("contacts", "rtr_record_id").contains(&"sample-c-6".to_owned()));

    play("rejected.jsonl");
    assert_eq!(contact("sample-c-8", "firstname"), "Margaret");
    let dead = org.dead_letters();
    assert_eq!(dead.len(), 1);
    assert_eq!(
        (&dead[0]["record_id"], &dead[0]["field"]),
        (&json!("sample-c-7"), &json!("email")),
        "{dead:?}"
    );
}

/// Every file for AuthorizeFunction, and what stands on the page.
const AUTHORIZE: [(&str, &str); 3] = [
    ("denied.json", "This link no longer counts"),
    ("no-answer.json", "Nothing to do here"),
    ("unknown-state.json", "This link no longer counts"),
];

#[test]
fn given_every_example_for_authorize_when_the_real_binary_gets_it_then_the_page_says_what_to_do() {
    let stack = Stack::here();
    let worker = Worker::start(&stack, "authorize", &variable("AUTHORIZE_FUNCTION_NAME"), &[]);
    let known = AUTHORIZE.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names(&folder("authorize")), known);
    for (name, title) in AUTHORIZE {
        let text = std::fs::read_to_string(folder("authorize").join(name)).unwrap();
        let page = worker.ask(&serde_json::from_str(&text).unwrap());
        assert_eq!(page["statusCode"], 400, "{name}: {page}");
        let body = page["body"].as_str().unwrap();
        assert!(body.contains(&format!("<h1>{title}</h1>")), "{name}: {body}");
        assert!(
            !body.contains("example-code") && !body.contains("user said no"),
            "nothing is repeated: {body}"
        );
        assert_eq!(page["headers"]["cache-control"], "no-store");
    }
}

/// The files for AdminFunction in their order, each with the statuses of asking twice.
const ADMIN: [(&str, [u16; 2]); 4] = [
    ("put.json", [201, 200]),
    ("put-wrong.json", [422, 422]),
    ("get.json", [200, 200]),
    ("delete.json", [200, 404]),
];

#[test]
fn given_every_example_for_admin_when_the_real_binary_gets_it_then_the_org_comes_is_told_and_goes() {
    let stack = Stack::here();
    let worker = Worker::start(&stack, "admin", &variable("ADMIN_FUNCTION_NAME"), &[]);
    let org = format!("acme-{}", unique());
    let known = ADMIN.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names(&folder("admin")), known);
    for (name, statuses) in ADMIN {
        let text = std::fs::read_to_string(folder("admin").join(name)).unwrap();
        let event: Value = serde_json::from_str(&text.replace("acme-by-hand", &org)).unwrap();
        for status in statuses {
            let answer = worker.ask(&event);
            assert_eq!(answer["statusCode"], status, "{name}: {answer}");
            let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
            match (name, status) {
                ("get.json", _) => {
                    assert_eq!(
                        body["document"]["mappings"]["hubspot"]["contact"]["object"], "contacts",
                        "{body}"
                    );
                    assert_eq!(
                        (&body["reason"], &body["author"]),
                        (&"by hand".into(), &"arn:aws:iam::000000000000:user/connect-page".into())
                    );
                    assert_eq!(answer["headers"]["etag"], format!("\"{}\"", body["revision"]));
                }
                ("put-wrong.json", _) => {
                    let told: Vec<String> = body["errors"]
                        .as_array()
                        .unwrap()
                        .iter()
                        .map(|one| format!("{}:{}", one["line"], one["suggestion"]))
                        .collect();
                    assert_eq!(told, ["10:\"hubspot\"", "19:\"lower\""], "{body}");
                }
                ("put.json", 200) => assert_eq!(body["changes"], serde_json::json!([])),
                _ => {}
            }
        }
    }
}

#[test]
fn given_every_example_for_bulk_when_the_real_binary_gets_it_then_it_takes_the_baton_and_nothing_comes_back()
{
    let stack = Stack::here();
    let org = plan("acme-bulk").ready(&stack);
    let worker = Worker::start(&stack, "bulk", &variable("BULK_FUNCTION_NAME"), &[]);
    assert_eq!(names(&folder("bulk")).iter().map(String::as_str).collect::<Vec<_>>(), ["baton.json"]);
    let text = text(&folder("bulk").join("baton.json"), &org, "globex");
    let event: Value = serde_json::from_str(&text).unwrap();
    // The first takes the lane, where nothing is parked; the second is worth nothing.
    for _ in 0..2 {
        assert_eq!(worker.hand(&event), Vec::<String>::new());
        assert_eq!((ended(&worker, "messages"), ended(&worker, "applied")), (1, 0), "{}", worker.log());
    }
}

/// The number of `name` in the last invocation's metrics.
fn counted(worker: &Worker<'_>, name: &str) -> u64 {
    let log = worker.log();
    let mut lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let metrics = lines.rfind(|line| line.get("_aws").is_some()).expect("a line of metrics");
    metrics[name].as_u64().unwrap_or_default()
}

/// Every file for ApplyFunction, and how its message is counted.
const APPLY: [(&str, &str); 4] = [
    ("webhook-notice.json", "looks_asked"),
    ("poll-notice.json", "echoes"),
    ("delivery.json", "delivered"),
    ("wake.json", "superseded"),
];

#[test]
fn given_every_example_for_apply_when_the_real_binary_gets_it_then_it_looks_asks_and_tells_and_nothing_comes_back()
 {
    let stack = Stack::here();
    let told = ScratchQueue::new(&stack, 30);
    let org = Plan::new("acme-apply")
        .mapping("contact", AT_HUBSPOT)
        .inbound(&format!("{{target: {{sqs: {{url: '{}'}}}}, poll: 1h}}", told.url))
        .ready(&stack);
    let worker = Worker::start(&stack, "apply", &variable("APPLY_FUNCTION_NAME"), &[]);
    assert_eq!(names(&folder("apply")), APPLY.iter().map(|(name, _)| (*name).to_owned()).collect());
    let ada = json!({"email": "ada@apply.example", "name": {"first": "Ada"}, "phone": "1"});
    stack.publish(&[org.contact("c-2301", 1, &ada)]);
    let linked = eventually("the contact is linked", || {
        let found = org.record("contact", "c-2301");
        found["external_id"].as_str().map(str::to_owned).ok_or_else(|| found.to_string())
    });
    for (name, how) in APPLY {
        // The one in the files is ours; the other one is not at the CRM.
        let text = text(&folder("apply").join(name), &org, "globex").replace("77301", &linked);
        let event: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(worker.hand(&event), Vec::<String>::new(), "{name}");
        assert_eq!((counted(&worker, "messages"), counted(&worker, how)), (1, 1), "{name}: {}", worker.log());
    }
    let bodies: Vec<Value> = told
        .receive(10)
        .iter()
        .map(|message| serde_json::from_str(message.body().unwrap()).unwrap())
        .collect();
    assert_eq!(bodies.len(), 1, "{bodies:#?}");
    assert_eq!(
        (&bodies[0]["record_id"], &bodies[0]["external_id"], &bodies[0]["data"], &bodies[0]["occurred_at"]),
        (
            &json!("c-2301"),
            &json!(linked),
            &json!({"phone": "+12125550199"}),
            &json!("2026-11-23T10:00:00.000Z")
        )
    );
    assert!(org.dead_letters().is_empty(), "{:?}", org.dead_letters());
}

#[test]
fn given_every_example_for_poll_when_the_real_binary_gets_it_then_a_poll_that_never_began_is_left_alone() {
    let stack = Stack::here();
    let org = plan("acme-poll").ready(&stack);
    let worker = Worker::start(&stack, "poll", &variable("POLL_FUNCTION_NAME"), &[]);
    assert_eq!(names(&folder("poll")).iter().map(String::as_str).collect::<Vec<_>>(), ["wake.json"]);
    let text = text(&folder("poll").join("wake.json"), &org, "globex");
    let mark = org.crm().mark();
    assert_eq!(worker.hand(&serde_json::from_str(&text).unwrap()), Vec::<String>::new());
    assert_eq!((ended(&worker, "messages"), ended(&worker, "superseded")), (1, 1), "{}", worker.log());
    assert!(org.crm().requests(mark).is_empty(), "{:?}", org.crm().requests(mark));
}
