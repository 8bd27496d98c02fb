//! Thousands of records parked at a CRM that has jobs: the real bulk function hands them over by one.

use crate::stack::{Event, Field, Plan, Stack, Worker, eventually, eventually_within, same, variable};
use serde_json::{Value, json};
use std::time::Duration;

const CONTACT: &str = "object: Contact\nfields:\n  Email: email\n  LastName: last_name\n";
const OTHER: &str = "object: companies\nfields:\n  name: name\n";
/// A few more than make a job.
const RECORDS: usize = 2_100;
/// Processes that park them.
const POLLERS: usize = 4;
/// The CRM works so long on the job, in milliseconds, until it is told to end: while it is looked what is said of it meanwhile.
const TAKES_MS: u64 = 3_600_000;
/// What a bulk function has in production: reading and writing so many items takes the local stack its time.
const TIMEOUT_S: u64 = 60;
const LONG: Duration = Duration::from_secs(200);

#[test]
fn given_thousands_parked_at_salesforce_when_it_may_go_on_then_one_job_lands_them_all_and_people_see_it_meanwhile()
 {
    let stack = Stack::here();
    let field = Field::new(&stack);
    let org = Plan::new("job").salesforce("contact", CONTACT).mapping("other", OTHER).ready(&stack);
    stack.rtr(&["connection", "pause", &org.id, "salesforce"]).ended(0);
    let contact = |n: usize| {
        let id = format!("c{n:05}");
        org.contact(&id, 1, &json!({"email": format!("{id}@x.example"), "last_name": id}))
    };
    stack.send_to(&field.changes, &(0..RECORDS).map(contact).collect::<Vec<Event>>());
    let own = field.variables();
    let own: Vec<(&str, &str)> = own.iter().map(|(name, value)| (*name, value.as_str())).collect();
    std::thread::scope(|scope| {
        for _ in 0..POLLERS {
            scope.spawn(|| {
                let worker = Worker::start(&stack, "sync", &variable("SYNC_FUNCTION_NAME"), &own);
                while field.turn(&field.changes, &worker, 10) > 0 {}
            });
        }
    });
    let by_code = || -> Vec<(String, u64)> {
        let groups = stack.rtr(&["parked", "list", "--org", &org.id, "--group-by", "code", "--json"]).json();
        let of =
            |group: &Value| (group["code"].as_str().unwrap().to_owned(), group["count"].as_u64().unwrap());
        groups.as_array().unwrap().iter().map(of).collect()
    };
    assert_eq!((by_code(), field.messages()), (vec![("RTR4006".to_owned(), RECORDS as u64)], 0));

    let crm = org.salesforce();
    crm.setting(json!({"ingest": {"takes_ms": TAKES_MS}}));
    let mark = crm.mark();
    stack.rtr(&["connection", "resume", &org.id, "salesforce"]).ended(0);
    let sweep = Worker::start(&stack, "sweep", &variable("SWEEP_FUNCTION_NAME"), &own);
    let timeout = TIMEOUT_S.to_string();
    let patient = [("RTR_FUNCTION_TIMEOUT_S", timeout.as_str()), ("RTR_VISIBILITY_S", "130")];
    let function = variable("BULK_FUNCTION_NAME");
    let bulk = Worker::start_for(&stack, "bulk", &function, &[&own[..], &patient].concat(), TIMEOUT_S);
    let turn = || {
        sweep.ask(&json!({"once": true}));
        field.turn(&field.batons, &bulk, 1);
    };
    eventually("a job has them", || {
        turn();
        same(by_code(), vec![("RTR4014".to_owned(), RECORDS as u64)])
    });
    let explained = stack.rtr(&["explain", "RTR4014", "--json"]).json();
    assert!(explained.to_string().contains("bulk job"), "{explained}");
    let known = org.record_at("salesforce", "contact", "c00007");
    assert_eq!(known["status"], "parked", "{known}");
    let listed = stack.rtr(&["connection", "list", &org.id, "--json"]).json();
    let listed = listed.as_array().unwrap().iter().find(|one| one["connection"] == "salesforce").unwrap();
    assert_eq!((&listed["state"], &listed["parked"]), (&json!("ok"), &json!(RECORDS)), "{listed}");
    assert!(crm.records("Contact").is_empty(), "the job is at work");

    crm.setting(json!({"ingest": {"finish": true}}));
    eventually_within(LONG, "all of it is there, and nothing is parked", || {
        turn();
        same((crm.records("Contact").len(), by_code()), (RECORDS, vec![]))
    });
    let there = crm.values("Contact", "LastName");
    assert_eq!(there, (0..RECORDS).map(|n| format!("c{n:05}")).collect::<Vec<_>>());
    let calls = crm.requests(mark);
    let made =
        calls.iter().filter(|call| call.what.starts_with("POST") && call.what.ends_with("/jobs/ingest"));
    assert_eq!(made.count(), 1, "{calls:#?}");
    println!("{} calls for {RECORDS} records: {:.4} each", calls.len(), calls.len() as f64 / RECORDS as f64);
    assert!(calls.len() * 1_000 <= RECORDS * 7, "{} calls: {calls:#?}", calls.len());
    assert_eq!(org.record_at("salesforce", "contact", "c00007")["applied_version"], 1);
    assert!(org.dead_letters().is_empty());
}
