//! Ids are any text, and bodies as large as the queue takes them.

use crate::CONTACT;
use crate::stack::{Plan, Stack, eventually, same};
use serde_json::json;

fn ids() -> Vec<String> {
    vec![
        "#".to_owned(),
        "a#b".to_owned(),
        "%23".to_owned(),
        "100 % sure, with spaces".to_owned(),
        "🦀 Ünï©ode".to_owned(),
        "'; \"quoted\" \\ {json}".to_owned(),
        "x".repeat(512),
        "🦀".repeat(512),
    ]
}

#[test]
fn given_ids_of_any_text_when_applied_and_changed_then_each_is_one_record_that_people_can_ask_for() {
    let stack = Stack::here();
    let org = Plan::new("ids").mapping("contact", CONTACT).ready(&stack);
    for version in 1..=2 {
        let data =
            |n: usize| json!({"email": format!("p{n}@x.example"), "first_name": format!("v{version}")});
        let events =
            ids().iter().enumerate().map(|(n, id)| org.contact(id, version, &data(n))).collect::<Vec<_>>();
        stack.publish(&events);
        let wanted = vec![format!("v{version}"); ids().len()];
        eventually("all of them are there", || {
            same(org.crm().values("contacts", "firstname"), wanted.clone())
        });
    }
    let records = org.crm().records("contacts");
    for (n, id) in ids().iter().enumerate() {
        let record =
            records.iter().find(|it| it["properties"]["email"] == format!("p{n}@x.example")).unwrap();
        eventually("it is on record", || {
            same(org.record("contact", id)["applied_version"].clone(), json!(2))
        });
        assert_eq!(org.record("contact", id)["external_id"], record["id"]);
        if id.chars().count() <= 255 {
            assert_eq!(record["properties"]["rtr_record_id"], id.as_str());
        }
    }
    assert!(org.dead_letters().is_empty());
}

#[test]
fn given_the_smallest_and_the_largest_version_when_sent_then_each_is_applied() {
    let stack = Stack::here();
    let org = Plan::new("versions").mapping("contact", CONTACT).ready(&stack);
    for version in [0, (1 << 53) - 1] {
        let name = format!("v{version}");
        stack.publish(&[org.contact("c", version, &json!({"email": "c@x.example", "first_name": name}))]);
        eventually("it is there", || same(org.crm().values("contacts", "firstname"), vec![name.clone()]));
    }
    eventually("it is on record", || {
        same(org.record("contact", "c")["applied_version"].as_u64(), Some((1 << 53) - 1))
    });
}

#[test]
fn given_a_body_of_900_kib_when_sent_then_it_is_applied() {
    let stack = Stack::here();
    let org = Plan::new("large").mapping("contact", CONTACT).ready(&stack);
    let data = json!({"email": "large@x.example", "first_name": "Ann", "history": "x".repeat(900 * 1_024)});
    let small = org.contact("small", 1, &json!({"email": "small@x.example"}));
    stack.publish(&[org.contact("large", 1, &data), small]);
    let wanted = vec!["large".to_owned(), "small".to_owned()];
    eventually("both are there", || same(org.crm().values("contacts", "rtr_record_id"), wanted.clone()));
}
