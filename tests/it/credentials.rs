//! OAuth: an expired token is refreshed once, whoever notices; a revoked one stops the calls and loses nothing.

use crate::CONTACT;
use crate::stack::{Event, Org, Plan, ScratchQueue, Stack, Worker, eventually_within, same};
use serde_json::json;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

fn contacts(org: &Org<'_>, count: usize) -> Vec<Event> {
    let data = |n: usize| json!({"email": format!("p{n:02}@x.example"), "first_name": "Ann"});
    (0..count).map(|n| org.contact(&format!("c{n:02}"), 1, &data(n))).collect()
}

fn refreshes(org: &Org<'_>, mark: u64) -> usize {
    org.crm().requests(mark).iter().filter(|request| request.what.contains("/oauth/")).count()
}

#[test]
fn given_an_expired_token_when_two_workers_notice_then_it_is_refreshed_exactly_once_and_kept() {
    let stack = Stack::here();
    let org = Plan::new("oauth").mapping("contact", CONTACT).oauth().ready(&stack);
    // A refresh token that serves once: a second refresh with it would be refused.
    org.crm().tokens(json!({"action": "expire", "rotate": true}));
    let (before, mark) = (org.secret_value(), org.crm().mark());
    let queue = ScratchQueue::new(&stack, 30);
    queue.send(&contacts(&org, 40));
    let settled = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| queue.work_off(&Worker::sync(&stack, &queue), 10, &settled, 40));
        }
    });
    assert_eq!(org.crm().records("contacts").len(), 40);
    assert_eq!(refreshes(&org, mark), 1, "{:#?}", org.crm().requests(mark));
    let after = org.secret_value();
    assert_ne!(after["access_token"], before["access_token"]);
    assert_ne!(after["refresh_token"], before["refresh_token"]);
}

#[test]
fn given_a_revoked_token_when_events_come_then_they_are_parked_until_there_is_a_new_one() {
    let stack = Stack::here();
    let org = Plan::new("revoked").mapping("contact", CONTACT).oauth().ready(&stack);
    let queue = ScratchQueue::new(&stack, 30);
    let worker = Worker::sync(&stack, &queue);
    org.crm().tokens(json!({"action": "revoke"}));
    queue.send(&contacts(&org, 3));
    assert_eq!(queue.turn(&worker, 10), 3, "none of them holds up the queue");
    let mark = org.crm().mark();
    queue.send(&[org.contact("later", 1, &json!({"email": "later@x.example"}))]);
    assert_eq!(queue.turn(&worker, 10), 1);
    assert!(org.crm().requests(mark).is_empty(), "a suspended connection is left alone");
    let listed = stack.rtr(&["connection", "list", &org.id, "--json"]).json();
    assert_eq!(
        (&listed[0]["connection"], &listed[0]["state"], &listed[0]["parked"]),
        (&json!("hubspot"), &json!("suspended"), &json!(4)),
        "{listed}"
    );
    assert!(org.dead_letters().is_empty(), "and nothing is dead");
    let seen = stack.rtr(&["doctor", "--org", &org.id, "--json"]).ended(1).parsed();
    let checks: Vec<&str> =
        seen["findings"].as_array().unwrap().iter().filter_map(|one| one["check"].as_str()).collect();
    assert!(checks.contains(&"suspended") && !checks.contains(&"credentials"), "{seen}");

    let token = format!("{}new-{}", crate::stack::CANARY, org.id);
    org.crm().tokens(json!({"expires_in": null, "token": token}));
    let text = json!({"type": "bearer", "token": token}).to_string();
    let put = stack.secrets.put_secret_value().secret_id(org.secret()).secret_string(text);
    stack.wait(put.send()).unwrap();
    // A fresh worker looks at the secret at once. What is parked goes when its lane is looked at again, within a minute.
    let worker = Worker::sync(&stack, &queue);
    queue.send(&[org.contact("new", 1, &json!({"email": "new@x.example"}))]);
    queue.drain(&worker, 1);
    let all = ["c00", "c01", "c02", "later", "new"].map(str::to_owned).to_vec();
    assert!(org.crm().values("contacts", "rtr_record_id").contains(&all[4]));
    eventually_within(Duration::from_secs(150), "what was parked arrives", || {
        same(org.crm().values("contacts", "rtr_record_id"), all.clone())
    });
    let listed = stack.rtr(&["connection", "list", &org.id, "--json"]).json();
    assert_ne!(listed[0]["state"], "suspended", "{listed}");
    assert_eq!(listed[0]["parked"], 0, "{listed}");
}
