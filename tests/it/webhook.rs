//! What CRMs push, through the deployed API and function to `inbound.fifo`; and the examples of `events/webhook`.

use crate::CONTACT;
use crate::both_ways::AT_HUBSPOT;
use crate::config_commands::Folder;
use crate::stack::{
    Org, Plan, ScratchQueue, Stack, Worker, eventually, group, now_ms, same, unique, variable,
};
use rtr_connectors::hubspot::webhook::{SIGNATURE, TIMESTAMP, sign};
use rtr_core::inbound::Notice;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;

/// What HubSpot signs with in these tests.
const SECRET: &str = "canary-webhook-secret";

/// The connection's secret with what its webhooks are signed with.
fn sign_with(org: &Org<'_>, secrets: &[&str]) {
    let mut secret = org.secret_value();
    secret["webhook"] = json!({"secrets": secrets});
    let put = org.stack.secrets.put_secret_value().secret_id(org.secret()).secret_string(secret.to_string());
    org.stack.wait(put.send()).unwrap();
}

/// The address that people enter at the CRM.
fn listed(org: &Org<'_>) -> String {
    let said = org.stack.rtr(&["connection", "list", &org.id, "--json"]).json();
    said[0]["webhook_url"].as_str().expect("the list tells where the CRM pushes to").to_owned()
}

fn changed(ids: &[&str], attempt: u64) -> Value {
    let event = |id: &&str| {
        json!({"eventId": 1, "subscriptionId": 2, "portalId": 62515, "occurredAt": 1_795_000_000_000_i64, "attemptNumber": attempt,
            "subscriptionType": "contact.propertyChange", "objectId": id, "propertyName": "email", "propertyValue": "private"})
    };
    json!(ids.iter().map(event).collect::<Vec<_>>())
}

/// What the API answers to `body`, signed by `secret` if there is one.
fn push(stack: &Stack, url: &str, secret: Option<&str>, body: &Value) -> u16 {
    let (text, at_ms) = (body.to_string(), now_ms());
    let mut headers = vec![("content-type", "application/json".to_owned())];
    if let Some(secret) = secret {
        headers.push((SIGNATURE, sign(&secret.into(), "POST", url, text.as_bytes(), at_ms)));
        headers.push((TIMESTAMP, at_ms.to_string()));
    }
    stack.post(url, &headers, text).0
}

#[test]
fn given_hubspots_calls_when_pushed_then_what_signed_ones_tell_of_goes_on_once_and_others_are_refused() {
    let stack = Stack::here();
    let heard = ScratchQueue::new(&stack, 30);
    let inbound = format!("{{target: {{sqs: {{url: '{}'}}}}, poll: 1d}}", heard.url);
    let org = Plan::new("hook").mapping("contact", AT_HUBSPOT).inbound(&inbound).ready(&stack);
    sign_with(&org, &["canary-new", SECRET]);
    let url = listed(&org);
    assert!(url.starts_with(&variable("WEBHOOK_URL")), "{url}");
    let person = |n: u32| {
        org.crm().edit("contacts", None, &json!({"email": format!("{n}@x.example"), "firstname": "Bo"}))
    };
    let ids: Vec<String> = (0..3).map(person).collect();
    let told = |at: &[usize]| changed(&at.iter().map(|at| ids[*at].as_str()).collect::<Vec<_>>(), 0);
    assert_eq!(push(&stack, &url, None, &told(&[0])), 401);
    assert_eq!(push(&stack, &url, Some("other"), &told(&[0])), 401);
    assert_eq!(push(&stack, &format!("{url}x"), Some(SECRET), &told(&[0])), 401);
    assert_eq!(push(&stack, &url, Some(SECRET), &json!({"no": "list"})), 400);
    assert_eq!(push(&stack, &url, Some(SECRET), &json!("x".repeat(1_100_000))), 413);
    // By the secret that is being replaced, then the same again by the new one.
    assert_eq!(push(&stack, &url, Some(SECRET), &told(&[0, 1, 0])), 204);
    assert_eq!(push(&stack, &url, Some("canary-new"), &told(&[0, 1, 0])), 204);
    assert_eq!(push(&stack, &url, Some(SECRET), &told(&[2])), 204);
    let mut found: Vec<Value> = Vec::new();
    eventually("all that was signed has gone on", || {
        let batch = heard.receive(10);
        heard.settle(&batch, &[]);
        found.extend(batch.iter().map(|message| serde_json::from_str(message.body().unwrap()).unwrap()));
        same(found.iter().any(|one: &Value| one["external_id"] == ids[2].as_str()), true)
    });
    stack.rtr(&["wait", "--idle", "--timeout", "60s"]).ended(0);
    let batch = heard.receive(10);
    found.extend(batch.iter().map(|message| serde_json::from_str::<Value>(message.body().unwrap()).unwrap()));
    let mut whose: Vec<&str> = found.iter().map(|one| one["external_id"].as_str().unwrap()).collect();
    whose.sort_unstable();
    let mut wanted: Vec<&str> = ids.iter().map(String::as_str).collect();
    wanted.sort_unstable();
    assert_eq!(whose, wanted);
    assert!(
        found.iter().all(|one| one["record_id"].is_null() && one["data"]["name"]["first"] == "Bo"),
        "{found:#?}"
    );
}

#[test]
fn given_ids_of_any_text_when_pushed_then_the_address_that_is_listed_is_theirs() {
    let stack = Stack::here();
    let worker_queue = ScratchQueue::new(&stack, 30);
    let odd = format!("a/b?c#d 100% ü~🦀 {}", unique());
    let secret = format!("rtr/{}/odd-{}", variable("RTR_STAGE"), unique());
    let text = json!({"type": "bearer", "token": "canary-t", "webhook": {"secrets": [SECRET]}}).to_string();
    stack.wait(stack.secrets.create_secret().name(&secret).secret_string(text).send()).unwrap();
    let file = format!(
        "org: {}\nconnections:\n  hub-spot: {{provider: hubspot, secret: {secret}}}\nroutes:\n  contact: [hub-spot]\n\
         mappings:\n  hubspot:\n    contact: {{object: contacts, fields: {{email: email}}}}\n",
        json!(odd)
    );
    let segment = rtr_core::inbound::address::segment(&odd);
    assert!(segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte)), "{segment}");
    let folder = Folder::with(&[("orgs/odd.yaml", &file)]);
    stack.apply(Path::new(folder.path())).ended(0);
    let said = stack.rtr(&["connection", "list", &odd, "--json"]).json();
    let url = said[0]["webhook_url"].as_str().unwrap().to_owned();
    assert!(url.ends_with(&format!("/webhooks/{segment}/hub-spot")), "{url}");
    // Through the API, whatever it decodes; its queue is the other test's, so nothing is enqueued here.
    assert_eq!(push(&stack, &url, Some("other"), &json!([])), 401);
    assert_eq!(push(&stack, &url, Some(SECRET), &json!([])), 204);
    assert_eq!(push(&stack, &url.replace("hub-spot", "hub~2dspot"), Some(SECRET), &json!([])), 401);
    // And from the call to the queue by a copy of the function.
    let worker = Worker::start(
        &stack,
        "webhook",
        &variable("WEBHOOK_FUNCTION_NAME"),
        &[("RTR_INBOUND_QUEUE_URL", &worker_queue.url)],
    );
    let (body, at_ms) = (changed(&["7"], 0).to_string(), now_ms());
    let signature = sign(&SECRET.into(), "POST", &url, body.as_bytes(), at_ms);
    let call = json!({"requestContext": {"http": {"method": "POST"}}, "pathParameters": {"org": segment, "connection": "hub-spot"},
        "headers": {SIGNATURE: signature, TIMESTAMP: at_ms.to_string()}, "body": body});
    assert_eq!(worker.ask(&call)["statusCode"], 204);
    let messages = worker_queue.receive(10);
    assert_eq!(messages.len(), 1);
    assert_eq!(Notice::parse(messages[0].body().unwrap()).unwrap().connection.org_id, odd);
    assert!(group(&messages[0]).starts_with("sha256:"));
}

/// Every file for WebhookFunction, the status or `safe`, and what is on the queue then.
const EXAMPLES: [(&str, u64, usize); 5] = [
    ("hubspot-stale.json", 401, 0),
    ("hubspot-unsigned.json", 401, 0),
    ("salesforce-change-event.json", 0, 2),
    ("salesforce-outbound.json", 200, 2),
    ("unknown-connection.json", 401, 0),
];

#[test]
fn given_every_example_for_webhook_when_the_real_binary_gets_it_then_it_ends_as_the_page_says() {
    let stack = Stack::here();
    let contact = "object: Contact\nfields:\n  Email: email\n  LastName: last_name\n";
    let org = Plan::new("acme-hook").mapping("contact", CONTACT).salesforce("contact", contact).ready(&stack);
    sign_with(&org, &[SECRET]);
    let name = org.secret().replace("/hubspot", "/salesforce");
    let text = json!({"type": "bearer", "token": "canary-t", "instance_url": "https://acme.my.salesforce.com",
        "webhook": {"secrets": ["a-word-that-both-know"]}});
    stack
        .wait(stack.secrets.put_secret_value().secret_id(name).secret_string(text.to_string()).send())
        .unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../events/webhook");
    let files: BTreeSet<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(files, EXAMPLES.iter().map(|(name, ..)| (*name).to_owned()).collect());
    for (name, status, count) in EXAMPLES {
        let queue = ScratchQueue::new(&stack, 30);
        let inbound = [("RTR_INBOUND_QUEUE_URL", queue.url.as_str())];
        let worker = Worker::start(&stack, "webhook", &variable("WEBHOOK_FUNCTION_NAME"), &inbound);
        let text = std::fs::read_to_string(folder.join(name))
            .unwrap()
            .replace("\"acme\"", &format!("\"{}\"", org.id));
        let answer = worker.ask(&serde_json::from_str(&text).unwrap());
        assert_eq!(answer["statusCode"].as_u64().unwrap_or(0), status, "{name}: {answer}\n{}", worker.log());
        let messages = queue.receive(10);
        assert_eq!(messages.len(), count, "{name}: {}", worker.log());
        for message in &messages {
            let notice = Notice::parse(message.body().unwrap()).unwrap();
            assert_eq!(notice.connection.connection, "salesforce");
        }
    }
}
