//! Tokens, and environments that die in the midst of a refresh: kill -9 at each place where it could matter.

use crate::CONTACT;
use crate::stack::{
    Door, Event, Hold, Org, Plan, ScratchQueue, Stack, Worker, batch_of, eventually, eventually_within, same,
};
use serde_json::json;
use std::time::Duration;

const STORE: &str = "AWS_ENDPOINT_URL_SECRETS_MANAGER";

fn contact(org: &Org<'_>, id: &str) -> Event {
    org.contact(id, 1, &json!({"email": format!("{id}@x.example")}))
}

fn refreshes(org: &Org<'_>, mark: u64) -> usize {
    org.crm().requests(mark).iter().filter(|request| request.what.contains("/oauth/")).count()
}

/// An org whose access token has just ended.
fn expired<'a>(stack: &'a Stack, name: &str, rotate: bool) -> Org<'a> {
    let org = Plan::new(name).mapping("contact", CONTACT).oauth().ready(stack);
    org.crm().tokens(json!({"action": "expire", "rotate": rotate}));
    org
}

/// Hands a contact to a worker that dies where `door` holds it; the message stays out until its visibility ends.
fn dies_at(stack: &Stack, org: &Org<'_>, door: &Door) {
    let queue = ScratchQueue::new(stack, 30);
    queue.send(&[contact(org, "first")]);
    let worker = Worker::sync_with(stack, &queue, &[(STORE, &door.url)]);
    worker.begin(&batch_of(&queue.receive(10)));
    door.held();
    worker.kill();
}

/// The lock of the dead ends after 20 s; until then others give their messages back, or park what waited for long.
fn goes_on(stack: &Stack, org: &Org<'_>) {
    let queue = ScratchQueue::new(stack, 1);
    let worker = Worker::sync(stack, &queue);
    queue.send(&[contact(org, "second")]);
    queue.drain(&worker, 1);
    eventually("it is there", || {
        same(org.crm().values("contacts", "rtr_record_id"), vec!["second".to_owned()])
    });
}

#[test]
fn given_a_worker_killed_when_the_store_has_the_rotated_token_then_the_next_one_uses_it_and_asks_for_none() {
    let stack = Stack::here();
    let org = expired(&stack, "kept", true);
    let (mark, before) = (org.crm().mark(), org.secret_value());
    dies_at(&stack, &org, &Door::new(Hold::After));
    assert_ne!(org.secret_value()["refresh_token"], before["refresh_token"]);
    goes_on(&stack, &org);
    assert_eq!(refreshes(&org, mark), 1, "{:#?}", org.crm().requests(mark));
}

#[test]
fn given_a_worker_killed_before_the_store_has_an_echoed_token_then_the_next_one_refreshes_again() {
    let stack = Stack::here();
    let org = expired(&stack, "echoed", false);
    let (mark, before) = (org.crm().mark(), org.secret_value());
    dies_at(&stack, &org, &Door::new(Hold::Before));
    assert_eq!(org.secret_value(), before);
    goes_on(&stack, &org);
    assert_eq!(refreshes(&org, mark), 2, "{:#?}", org.crm().requests(mark));
}

#[test]
fn given_a_worker_killed_between_a_rotated_token_and_the_store_then_a_person_is_asked_and_no_event_is_lost() {
    let stack = Stack::here();
    let org = expired(&stack, "between", true);
    dies_at(&stack, &org, &Door::new(Hold::Before));
    // The CRM took the old token and gave the new one to the dead: what no sync can mend, it must say.
    let queue = ScratchQueue::new(&stack, 1);
    queue.send(&[contact(&org, "second")]);
    let worker = Worker::sync(&stack, &queue);
    eventually("the connection is suspended", || {
        queue.turn(&worker, 10);
        let listed = stack.rtr(&["connection", "list", &org.id, "--json"]).json();
        if listed[0]["state"] == "suspended" { Ok(()) } else { Err(format!("{listed}")) }
    });
    assert!(org.dead_letters().is_empty());
    assert!(org.crm().values("contacts", "rtr_record_id").is_empty());
    org.connect_anew();
    // Another environment looks at the secret at once; what waited goes when its turn comes.
    let worker = Worker::sync(&stack, &queue);
    queue.send(&[contact(&org, "third")]);
    queue.drain(&worker, 1);
    let both = ["second", "third"].map(str::to_owned).to_vec();
    assert!(org.crm().values("contacts", "rtr_record_id").contains(&both[1]));
    eventually_within(Duration::from_secs(150), "what waited arrives", || {
        queue.turn(&worker, 10);
        same(org.crm().values("contacts", "rtr_record_id"), both.clone())
    });
    let listed = stack.rtr(&["connection", "list", &org.id, "--json"]).json();
    assert_ne!(listed[0]["state"], "suspended", "{listed}");
}
