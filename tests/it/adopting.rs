//! CRMs are seldom empty: what is there already is adopted rather than made a second time.

use crate::stack::{Plan, Stack, eventually, same};
use serde_json::{Value, json};

const COMPANY: &str = "object: companies\nmatch: domain\nfields:\n  name: name\n  domain: domain | domain\n";
const COMPANIES: usize = 300;

#[test]
fn given_three_hundred_companies_in_the_crm_when_ours_match_by_domain_then_there_are_still_three_hundred_all_ours()
 {
    let stack = Stack::here();
    let org = Plan::new("adopt").mapping("company", COMPANY).ready(&stack);
    let theirs: Vec<Value> = (0..COMPANIES)
        .map(|n| json!({"name": format!("Theirs {n}"), "domain": format!("firm{n:03}.example")}))
        .collect();
    let ids = org.crm().seed("companies", &theirs);
    let ours = |n: usize| json!({"name": format!("Ours {n}"), "domain": format!("https://www.Firm{n:03}.example/about")});
    stack.publish(&(0..COMPANIES).map(|n| org.company(&format!("k{n:03}"), 1, &ours(n))).collect::<Vec<_>>());

    let wanted: Vec<String> = (0..COMPANIES).map(|n| format!("k{n:03}")).collect();
    eventually("every company is linked", || {
        same(org.crm().values("companies", "rtr_record_id"), wanted.clone())
    });
    let records = org.crm().records("companies");
    assert_eq!(records.len(), COMPANIES);
    for (n, id) in ids.iter().enumerate() {
        let record = records.iter().find(|record| record["id"] == id.as_str()).unwrap();
        let properties = &record["properties"];
        assert_eq!(properties["rtr_record_id"], format!("k{n:03}"), "each found its own: {record}");
        assert_eq!(properties["name"], format!("Ours {n}"));
    }
    let known = eventually("the link is on record", || match org.record("company", "k123") {
        Value::Null => Err("nothing is known".to_owned()),
        known => Ok(known),
    });
    assert_eq!(known["external_id"], ids[123]);
}

#[test]
fn given_two_candidates_when_a_company_matches_both_then_it_is_dead_and_names_them_and_neither_is_touched() {
    let stack = Stack::here();
    let org = Plan::new("twins").mapping("company", COMPANY).ready(&stack);
    let twin = json!({"name": "Twin", "domain": "twin.example"});
    let ids = org.crm().seed("companies", &[twin.clone(), twin]);
    stack.publish(&[org.company("k", 1, &json!({"name": "Ours", "domain": "twin.example"}))]);
    let dead = org.until_dead(1);
    assert_eq!((&dead[0]["code"], &dead[0]["record_id"]), (&json!("RTR3005"), &json!("k")));
    let message = dead[0]["message"].as_str().unwrap();
    assert!(ids.iter().all(|id| message.contains(id)), "{message}");
    assert_eq!(org.crm().values("companies", "name"), ["Twin", "Twin"]);
}
