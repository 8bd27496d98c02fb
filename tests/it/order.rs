//! Many versions of one record: the newest stands, whatever comes in between and afterwards.

use crate::CONTACT;
use crate::stack::{Event, Org, Plan, ScratchQueue, Stack, Worker, eventually, same};
use serde_json::json;

fn version(org: &Org<'_>, version: u64) -> Event {
    org.contact("c", version, &json!({"email": "c@x.example", "first_name": format!("v{version}")}))
}

#[test]
fn given_thirty_versions_sent_at_once_when_they_are_through_then_the_crm_has_the_newest_and_never_went_back()
{
    let stack = Stack::here();
    let org = Plan::new("burst").mapping("contact", CONTACT).ready(&stack);
    stack.publish(&(1..=30).map(|v| version(&org, v)).collect::<Vec<_>>());
    eventually("the newest version", || {
        same(org.crm().values("contacts", "firstname"), vec!["v30".to_owned()])
    });
    let known = eventually("the newest version is on record", || {
        let known = org.record("contact", "c");
        if known["applied_version"] == 30 { Ok(known) } else { Err(known.to_string()) }
    });
    let applied: Vec<u64> = known["recent"]
        .as_array()
        .unwrap()
        .iter()
        // The newest outcome stands first.
        .rev()
        .filter(|line| line["outcome"] == "applied")
        .map(|line| line["version"].as_u64().unwrap())
        .collect();
    assert!(applied.is_sorted() && applied.contains(&30), "{known}");
}

#[test]
fn given_a_newer_version_at_the_crm_when_an_older_one_comes_late_then_nothing_is_called_or_written() {
    let stack = Stack::here();
    let org = Plan::new("late").mapping("contact", CONTACT).ready(&stack);
    let queue = ScratchQueue::new(&stack, 30);
    let worker = Worker::sync(&stack, &queue);
    queue.send(&[version(&org, 7)]);
    queue.drain(&worker, 1);

    let (crm_mark, aws_mark) = (org.crm().mark(), stack.aws_mark());
    queue.send(&[version(&org, 3), Event::deleted(&org.key("contact", "c"), 6)]);
    queue.drain(&worker, 2);
    assert!(org.crm().requests(crm_mark).is_empty());
    let calls = stack.aws_calls(aws_mark, &org.id);
    assert!(calls.calls("DynamoDB.BatchGetItem") >= 1, "they were looked at");
    assert_eq!(calls.record_writes(), 0, "{:?}", calls.by_operation());
    assert_eq!(org.crm().values("contacts", "firstname"), ["v7"]);
}
