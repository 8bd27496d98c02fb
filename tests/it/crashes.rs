//! A function that is killed in the midst of a call: the message comes back, and the CRM has one record.

use crate::CONTACT;
use crate::stack::{Plan, ScratchQueue, Stack, Worker, batch_of, eventually, receive_count, same};
use serde_json::json;

#[test]
fn given_a_function_killed_during_its_call_when_the_message_comes_back_then_the_crm_has_one_record_and_it_is_right()
 {
    let stack = Stack::here();
    let org = Plan::new("crash").mapping("contact", CONTACT).ready(&stack);
    let queue = ScratchQueue::new(&stack, 2);
    let contact = json!({"email": "c@x.example", "first_name": "Ann"});
    queue.send(&[org.contact("c", 1, &contact)]);

    // The CRM does it and takes its time to say so: the function is killed before it hears.
    org.crm().fault(json!({"match": {"path": "*/batch/*"}, "fault": "latency", "value": 20_000, "count": 1}));
    let worker = Worker::sync(&stack, &queue);
    let first = queue.receive(10);
    assert_eq!((first.len(), receive_count(&first[0])), (1, 1));
    worker.begin(&batch_of(&first));
    eventually("the CRM has the record", || same(org.crm().records("contacts").len(), 1));
    assert!(worker.answered().is_none());
    worker.kill();
    assert!(org.record("contact", "c").is_null(), "nothing of it was written down");

    let again = eventually("the message comes back", || {
        let again = queue.receive(10);
        if again.len() == 1 { Ok(again) } else { Err("not yet".to_owned()) }
    });
    assert_eq!((receive_count(&again[0]), &again[0].body), (2, &first[0].body));
    let worker = Worker::sync(&stack, &queue);
    assert!(worker.hand(&batch_of(&again)).is_empty(), "{}", worker.log());
    assert_eq!(queue.settle(&again, &[]), 1);
    assert_eq!(org.crm().values("contacts", "rtr_record_id"), ["c"]);
    let known = org.record("contact", "c");
    assert_eq!(known["external_id"], org.crm().records("contacts")[0]["id"]);

    // And the link holds: the next version goes to the same record.
    queue.send(&[org.contact("c", 2, &json!({"email": "c@x.example", "first_name": "Bea"}))]);
    queue.drain(&worker, 1);
    assert_eq!(org.crm().values("contacts", "firstname"), ["Bea"]);
}

#[test]
fn given_a_function_killed_while_updating_when_a_newer_version_waits_behind_then_the_newer_one_stands() {
    let stack = Stack::here();
    let org = Plan::new("crash2").mapping("contact", CONTACT).ready(&stack);
    let queue = ScratchQueue::new(&stack, 2);
    let version =
        |v: u64| org.contact("c", v, &json!({"email": "c@x.example", "first_name": format!("v{v}")}));
    queue.send(&[version(1)]);
    queue.drain(&Worker::sync(&stack, &queue), 1);

    org.crm().fault(json!({"match": {"path": "*/batch/*"}, "fault": "latency", "value": 20_000, "count": 1}));
    queue.send(&[version(2)]);
    let worker = Worker::sync(&stack, &queue);
    worker.begin(&batch_of(&queue.receive(10)));
    eventually("the CRM has version 2", || {
        same(org.crm().values("contacts", "firstname"), vec!["v2".to_owned()])
    });
    worker.kill();
    queue.send(&[version(3)]);
    queue.drain(&Worker::sync(&stack, &queue), 2);
    assert_eq!(org.crm().values("contacts", "firstname"), ["v3"]);
    assert_eq!(org.record("contact", "c")["applied_version"], 3);
}
