//! Limits are kept by all workers together, and a CRM that refuses all the same is obeyed.

use crate::CONTACT;
use crate::stack::{Event, Org, Plan, ScratchQueue, Stack, Worker, eventually, same};
use serde_json::json;
use std::sync::atomic::AtomicUsize;

fn contacts(org: &Org<'_>, count: usize) -> Vec<Event> {
    let data = |n: usize| json!({"email": format!("p{n:03}@x.example"), "first_name": "Ann"});
    (0..count).map(|n| org.contact(&format!("c{n:03}"), 1, &data(n))).collect()
}

/// Two workers at one queue, each with `most` messages at a time, until all is done or parked.
fn by_two(stack: &Stack, events: &[Event], most: i32) {
    let queue = ScratchQueue::new(stack, 30);
    queue.send(events);
    let settled = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let worker = Worker::sync(stack, &queue);
                queue.work_off(&worker, most, &settled, events.len());
            });
        }
    });
}

#[test]
fn given_a_limit_when_two_workers_have_more_to_say_then_together_they_stay_within_it() {
    let stack = Stack::here();
    let limits = json!([{"api": "*", "requests": 8, "per": "1s", "burst": 4}]);
    let org = Plan::new("limit").mapping("contact", CONTACT).limits(limits).ready(&stack);
    let mark = org.crm().mark();
    // One message a batch is one call each: far more than the limit lets through.
    by_two(&stack, &contacts(&org, 40), 1);
    eventually("everything arrives", || same(org.crm().records("contacts").len(), 40));
    let times: Vec<i64> = org.crm().requests(mark).iter().map(|request| request.at_ms).collect();
    let most =
        times.iter().map(|from| times.iter().filter(|at| (*from..from + 1_000).contains(*at)).count()).max();
    // The burst and the rate make twelve; the rest is for calls that a busy machine held up on their way.
    assert!(most.unwrap() <= 16, "{most:?} calls within a second: {times:?}");
}

#[test]
fn given_a_crm_that_says_too_many_when_it_is_asked_again_then_everything_arrives_once() {
    let stack = Stack::here();
    let org = Plan::new("toomany").mapping("contact", CONTACT).ready(&stack);
    org.crm().limits(json!([{"api": "*", "requests": 3, "per_ms": 1_000, "retry_after": 1}]));
    let mark = org.crm().mark();
    by_two(&stack, &contacts(&org, 80), 10);
    let wanted: Vec<String> = (0..80).map(|n| format!("c{n:03}")).collect();
    eventually("everything arrives", || same(org.crm().values("contacts", "rtr_record_id"), wanted.clone()));
    let requests = org.crm().requests(mark);
    assert!(requests.iter().any(|request| request.status == 429), "{requests:#?}");
    assert!(requests.len() <= 40, "a refusal is no reason to hammer: {requests:#?}");
    let records = org.crm().records("contacts");
    assert_eq!(records.len(), 80, "each once");
    assert!(org.dead_letters().is_empty());
}
