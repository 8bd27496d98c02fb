//! One event, two very different CRMs: each record has its own fate at each.

use crate::stack::{Event, Org, Plan, ScratchQueue, Stack, Worker, eventually, same};
use serde_json::json;
use std::sync::atomic::AtomicUsize;

const HUBSPOT_CONTACT: &str = "object: contacts\nfields:\n  email: email\n  firstname: first_name\n  company: {reference: company, id: company_id, association: primary}\n";
const HUBSPOT_COMPANY: &str = "object: companies\nfields:\n  name: name\n";
const CONTACT: &str = "object: Contact\nfields:\n  Email: email\n  LastName: last_name\n  FirstName: first_name\n  AccountId: {reference: company, id: company_id}\n";
const ACCOUNT: &str = "object: Account\nfields:\n  Name: name\n";

fn plan(test: &str) -> Plan {
    Plan::new(test)
        .mapping("contact", HUBSPOT_CONTACT)
        .mapping("company", HUBSPOT_COMPANY)
        .salesforce("contact", CONTACT)
        .salesforce("company", ACCOUNT)
}

fn contact(org: &Org<'_>, id: &str, version: u64) -> Event {
    org.contact(
        id,
        version,
        &json!({"email": format!("{id}@x.example"), "last_name": id, "first_name": format!("v{version}"), "company_id": "k"}),
    )
}

#[test]
fn given_contacts_before_their_company_when_it_comes_then_both_crms_have_them_with_it_and_no_person_did_anything()
 {
    let stack = Stack::here();
    let org = plan("both").ready(&stack);
    stack.publish(&["a", "b", "c"].map(|id| contact(&org, id, 1)));
    stack.publish(&[org.company("k", 1, &json!({"name": "K"}))]);
    eventually("the contacts of HubSpot with their company", || {
        let held = org.crm().records("contacts");
        let linked = held.iter().filter(|one| one["associations"].to_string().contains("compan")).count();
        same((held.len(), linked), (3, 3))
    });
    eventually("the contacts of Salesforce with their account", || {
        let accounts = org.salesforce().records("Account");
        let of_it = accounts.first().and_then(|one| one["id"].as_str()).unwrap_or("none").to_owned();
        same(org.salesforce().values("Contact", "AccountId"), vec![of_it; 3])
    });
    assert!(org.dead_letters().is_empty());
}

#[test]
fn given_one_crm_that_is_down_when_newer_versions_come_then_the_other_has_them_and_it_catches_up_with_the_newest()
 {
    let stack = Stack::here();
    let org = plan("halfdown").ready(&stack);
    stack.publish(&[org.company("k", 1, &json!({"name": "K"})), contact(&org, "a", 1)]);
    eventually("both have it", || {
        same(org.salesforce().values("Contact", "FirstName"), vec!["v1".to_owned()])
    });
    let mark = org.salesforce().mark();
    org.salesforce()
        .fault(json!({"match": {"path": "*composite*"}, "fault": "status", "value": 503, "count": 6}));
    for version in 2..=4 {
        stack.publish(&[contact(&org, "a", version)]);
        eventually("HubSpot has it", || {
            same(org.crm().values("contacts", "firstname"), vec![format!("v{version}")])
        });
    }
    let seen = org.salesforce().requests(mark);
    assert!(seen.iter().any(|request| request.status == 503), "it was down: {seen:#?}");
    eventually("Salesforce has the newest", || {
        same(org.salesforce().values("Contact", "FirstName"), vec!["v4".to_owned()])
    });
    eventually("nothing is left over", || {
        let at = org.record_at("salesforce", "contact", "a");
        if at["slot"].is_null() && at["applied_version"] == 4 { Ok(()) } else { Err(at.to_string()) }
    });
    assert!(org.dead_letters().is_empty());
}

/// Salesforce locks a parent while one of its children is written, for longer than two workers take turns.
#[test]
fn given_five_hundred_children_of_one_parent_when_two_workers_write_them_then_no_lock_failure_is_left_to_a_person()
 {
    let stack = Stack::here();
    let org = Plan::new("locks")
        .salesforce("contact", CONTACT)
        .salesforce("company", ACCOUNT)
        .mapping("other", HUBSPOT_COMPANY)
        .ready(&stack);
    let (queue, total) = (ScratchQueue::new(&stack, 30), 500);
    let settled = AtomicUsize::new(0);
    queue.send(&[org.company("k", 1, &json!({"name": "K"}))]);
    assert_eq!(queue.turn(&Worker::sync(&stack, &queue), 1), 1);
    org.salesforce().setting(json!({"row_locks": {"hold_ms": 10}}));
    let mark = org.salesforce().mark();
    let events: Vec<Event> = (0..total).map(|n| contact(&org, &format!("c{n:03}"), 1)).collect();
    queue.send(&events);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let worker = Worker::sync(&stack, &queue);
                queue.work_off(&worker, 10, &settled, total);
            });
        }
    });
    let written = org.salesforce().values("Contact", "LastName");
    assert_eq!(written, (0..total).map(|n| format!("c{n:03}")).collect::<Vec<_>>());
    assert!(org.dead_letters().is_empty(), "{:?}", org.dead_letters());
    // What was locked was sent again: else this shows nothing.
    let sent: u64 = org.salesforce().requests(mark).iter().map(|request| request.items).sum();
    assert!(sent > total as u64, "{sent} records sent: nothing was ever locked");
}
