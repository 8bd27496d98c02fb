//! A record that refers to another waits for it, and takes nothing along.

use crate::stack::{Plan, Stack, eventually, same};
use serde_json::json;

const CONTACT: &str = "object: contacts\nreference_wait: 1h\nfields:\n  email: email\n  company: {reference: company, \
                       id: company_id, association: primary}\n";
const COMPANY: &str = "object: companies\nfields:\n  name: name\n";

#[test]
fn given_a_contact_before_its_company_when_the_company_comes_then_both_are_there_and_associated() {
    let stack = Stack::here();
    let org = Plan::new("refers").mapping("contact", CONTACT).mapping("company", COMPANY).ready(&stack);
    let waits = org.contact("waits", 1, &json!({"email": "waits@x.example", "company_id": "k"}));
    let free = org.contact("free", 1, &json!({"email": "free@x.example"}));
    stack.publish(&[waits, free]);
    // Its neighbour is not held up, and what waits is not written by halves.
    eventually("the contact without a company", || {
        same(org.crm().values("contacts", "rtr_record_id"), vec!["free".to_owned()])
    });
    stack.publish(&[org.company("k", 1, &json!({"name": "K"}))]);
    let contact = eventually("the contact that waited", || {
        let records = org.crm().records("contacts");
        let found = records.iter().find(|record| record["properties"]["rtr_record_id"] == "waits").cloned();
        let associated = found.filter(|record| record["associations"].to_string().contains("compan"));
        associated.ok_or_else(|| format!("{records:?}"))
    });
    let company = org.crm().records("companies").remove(0);
    let id = format!("\"{}\"", company["id"].as_str().unwrap());
    assert!(contact["associations"].to_string().contains(&id), "{contact}");
}

#[test]
fn given_a_company_that_does_not_come_in_time_when_the_wait_ends_then_the_contact_goes_without_it_and_is_completed_when_it_comes()
 {
    let stack = Stack::here();
    let soon = CONTACT.replace("1h", "1s");
    let org = Plan::new("lacks").mapping("contact", &soon).mapping("company", COMPANY).ready(&stack);
    stack.publish(&[org.contact("c", 1, &json!({"email": "c@x.example", "company_id": "k"}))]);
    // Nobody does anything: the scheduled sweep wakes it.
    eventually("the contact without its company", || {
        same(org.crm().values("contacts", "rtr_record_id"), vec!["c".to_owned()])
    });
    let said = eventually("what is missing", || {
        let at = org.record("contact", "c");
        if at["slot"]["state"] == "incomplete" { Ok(at) } else { Err(at.to_string()) }
    });
    assert_eq!(
        (&said["status"], &said["slot"]["code"], &said["slot"]["field"]),
        (&json!("applied"), &json!("RTR4005"), &json!("company"))
    );
    let words = stack.rtr(&["record", &org.id, "contact", "c"]).out;
    assert!(words.contains("written without the company in `company`"), "{words}");
    stack.publish(&[org.company("k", 1, &json!({"name": "K"}))]);
    eventually("the contact with its company", || {
        let records = org.crm().records("contacts");
        let complete = records[0]["associations"].to_string().contains("compan");
        if complete && org.record("contact", "c")["slot"].is_null() {
            Ok(())
        } else {
            Err(format!("{records:?}"))
        }
    });
}
