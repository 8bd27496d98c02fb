//! What a change costs once its record is linked, with the real binary and one batch at a time.

use crate::CONTACT;
use crate::stack::{Event, Org, Plan, ScratchQueue, Stack, Worker, size_of};
use serde_json::{Value, json};
use std::fmt::Write as _;

fn contacts(org: &Org<'_>, count: usize, version: u64) -> Vec<Event> {
    let data = |n: usize| json!({"email": format!("p{n}@x.example"), "first_name": format!("v{version}")});
    (0..count).map(|n| org.contact(&format!("c{n}"), version, &data(n))).collect()
}

/// Hands `events` over as one batch, all of which has to be done; fails if the queue gives them in several.
fn in_one_batch(queue: &ScratchQueue<'_>, worker: &Worker<'_>, events: &[Event]) {
    queue.send(events);
    assert_eq!(queue.turn(worker, 10), events.len());
}

#[test]
fn given_a_linked_record_when_it_changes_then_one_key_is_read_strongly_one_statement_written_and_one_call_made()
 {
    let stack = Stack::here();
    let org = Plan::new("steady").mapping("contact", CONTACT).ready(&stack);
    let queue = ScratchQueue::new(&stack, 30);
    let worker = Worker::sync(&stack, &queue);
    in_one_batch(&queue, &worker, &contacts(&org, 1, 1));

    let (crm_mark, aws_mark) = (org.crm().mark(), stack.aws_mark());
    in_one_batch(&queue, &worker, &contacts(&org, 1, 2));
    let calls = stack.aws_calls(aws_mark, &org.id);
    assert_eq!(calls.items("DynamoDB.BatchGetItem"), [1], "{:?}", calls.by_operation());
    assert_eq!(calls.items("DynamoDB.BatchExecuteStatement"), [1], "{:?}", calls.by_operation());
    assert_eq!(calls.record_writes(), 1, "{:?}", calls.by_operation());
    let strong = stack.aws_calls(aws_mark, "\"ConsistentRead\":true").also_in(&calls);
    assert_eq!(strong.calls("DynamoDB.BatchGetItem"), 1);
    let requests = org.crm().requests(crm_mark);
    assert_eq!(requests.iter().map(|it| (it.what.as_str(), it.status)).collect::<Vec<_>>(), [(UPDATE, 200)]);
    assert_eq!(org.crm().values("contacts", "firstname"), ["v2"]);
}

#[test]
fn given_ten_linked_records_when_they_change_in_one_batch_then_it_costs_one_of_each_request() {
    let stack = Stack::here();
    let org = Plan::new("batch").mapping("contact", CONTACT).ready(&stack);
    let queue = ScratchQueue::new(&stack, 30);
    let worker = Worker::sync(&stack, &queue);
    in_one_batch(&queue, &worker, &contacts(&org, 10, 1));

    let (crm_mark, aws_mark) = (org.crm().mark(), stack.aws_mark());
    in_one_batch(&queue, &worker, &contacts(&org, 10, 2));
    let requests = org.crm().requests(crm_mark);
    assert_eq!(requests.iter().map(|it| (it.what.as_str(), it.items)).collect::<Vec<_>>(), [(UPDATE, 10)]);
    let calls = stack.aws_calls(aws_mark, &org.id);
    assert_eq!(calls.items("DynamoDB.BatchGetItem"), [10]);
    assert_eq!(calls.items("DynamoDB.BatchExecuteStatement"), [10]);
    let mut others = calls.by_operation();
    others.remove("DynamoDB.BatchGetItem");
    others.remove("DynamoDB.BatchExecuteStatement");
    let leases = others.remove("DynamoDB.UpdateItem").unwrap_or(0);
    assert!(leases <= 1, "{leases} leases");
    // The configuration may be looked up again: it is cached for five seconds here, a minute elsewhere.
    others.remove("DynamoDB.Query");
    others.remove("DynamoDB.GetItem");
    others.remove("SecretsManager.GetSecretValue");
    others.remove("secretsmanager.GetSecretValue");
    assert!(others.is_empty(), "{others:?}");
    assert_eq!(org.crm().values("contacts", "firstname"), ["v2"; 10]);
}

#[test]
fn given_fifteen_fields_and_long_ids_when_five_outcomes_stand_in_the_item_then_it_is_one_write_unit() {
    let stack = Stack::here();
    let mut mapping = "object: contacts\nfields:\n".to_owned();
    let mut data = serde_json::Map::new();
    for (n, field) in FIELDS.iter().enumerate() {
        let _ = writeln!(mapping, "  {field}: f{n}");
        data.insert(format!("f{n}"), format!("value {n} of some length").into());
    }
    data.insert("f0".to_owned(), "someone@a-company.example".into());
    let org = Plan::new("size").id_of(64).mapping("contact", &mapping).ready(&stack);
    let queue = ScratchQueue::new(&stack, 30);
    let worker = Worker::sync(&stack, &queue);
    let id = format!("{:a<64}", "record-");
    for version in 1_700_000_000_001..=1_700_000_000_006_u64 {
        data.insert("f1".to_owned(), format!("name {version}").into());
        in_one_batch(&queue, &worker, &[org.contact(&id, version, &Value::Object(data.clone()))]);
    }
    let item = stack.item(&org.key("contact", &id));
    let outcomes: Vec<&String> =
        item["recent"].as_l().unwrap().iter().map(|line| line.as_s().unwrap()).collect();
    assert_eq!(outcomes.len(), 5);
    assert!(outcomes.iter().all(|line| line.starts_with("applied 1700000000")), "{outcomes:?}");
    let size = size_of(&item);
    assert!(size <= 1_024, "{size} bytes: {item:#?}");
}

const UPDATE: &str = "POST /crm/v3/objects/contacts/batch/update";
const FIELDS: [&str; 15] = [
    "email",
    "firstname",
    "lastname",
    "jobtitle",
    "address",
    "city",
    "zip",
    "country",
    "state",
    "company",
    "website",
    "message",
    "salutation",
    "annualrevenue",
    "date_of_birth",
];
