//! Owners, pipelines and stages by the names that people use, in both CRMs.

use crate::stack::{Event, Org, Plan, Stack, eventually, same};
use serde_json::{Value, json};

const DEAL: &str = "object: deals\nfields:\n  dealname: name\n  hubspot_owner_id: {from: owner, lookup: owner}\n  pipeline: {from: pipeline, lookup: pipeline}\n  dealstage: {from: stage, lookup: stage, within: pipeline}\n";
const OPPORTUNITY: &str = "object: Opportunity\nfields:\n  Name: name\n  CloseDate: close_date\n  OwnerId: {from: owner, lookup: owner}\n  StageName: {from: stage, lookup: stage}\n";

fn deal(org: &Org<'_>, id: &str, version: u64, owner: &str, stage: &str) -> Event {
    let data = json!({"name": id, "owner": owner, "pipeline": "Renewals", "stage": stage, "close_date": "2026-12-01"});
    Event::upsert(&org.key("deal", id), version, &data)
}

fn people(org: &Org<'_>, names: &[&str]) {
    let owners: Vec<Value> =
        names.iter().enumerate().map(|(at, email)| json!({"email": email, "id": format!("5{at}")})).collect();
    org.crm().setting(json!({"owners": owners, "pipelines": {"deals": [
        {"id": "p1", "label": "Sales", "stages": [{"id": "won-1", "label": "Won"}]},
        {"id": "p2", "label": "Renewals", "stages": [{"id": "won-2", "label": "Won"}, {"id": "lost-2", "label": "Lost"}]},
    ]}}));
    let users: Vec<Value> =
        names.iter().map(|email| json!({"email": email, "username": format!("{email}.acme")})).collect();
    org.salesforce().setting(json!({"users": users, "stages": [
        {"api_name": "Closed Won", "label": "Won"}, {"api_name": "Closed Lost", "label": "Lost"},
    ]}));
}

/// How many requests for people or stages there were since `mark`, at either CRM.
fn asked(org: &Org<'_>, mark: u64) -> usize {
    let of =
        |what: &str| ["/crm/v3/owners", "/crm/v3/pipelines", "/query"].iter().any(|part| what.contains(part));
    let seen = [org.crm().requests(mark), org.salesforce().requests(mark)].concat();
    seen.iter().filter(|request| of(&request.what)).count()
}

#[test]
fn given_deals_by_peoples_names_when_published_then_both_crms_hold_ids_and_who_is_missing_is_a_persons_matter()
 {
    let stack = Stack::here();
    let org = Plan::new("lookups").mapping("deal", DEAL).salesforce("deal", OPPORTUNITY).ready(&stack);
    people(&org, &["ada@x.example", "bob@x.example"]);
    let tested = stack.rtr(&["connection", "test", &org.id]);
    assert_eq!(tested.code, 0, "{}", tested.out);
    let mark = org.crm().mark();
    stack.publish(&[
        deal(&org, "a", 1, "ada@x.example", "Won"),
        deal(&org, "b", 1, "Bob@x.example", "lost"),
        deal(&org, "c", 1, "carl@x.example", "Won"),
    ]);
    eventually("HubSpot's deals", || {
        same(org.crm().values("deals", "hubspot_owner_id"), vec!["50".to_owned(), "51".to_owned()])
    });
    assert_eq!(org.crm().values("deals", "dealstage"), ["lost-2", "won-2"]);
    assert_eq!(org.crm().values("deals", "pipeline"), ["p2", "p2"]);
    eventually("Salesforce's opportunities", || {
        same(
            org.salesforce().values("Opportunity", "StageName"),
            vec!["Closed Lost".to_owned(), "Closed Won".to_owned()],
        )
    });
    let users: Vec<String> = org
        .salesforce()
        .records("User")
        .iter()
        .filter_map(|user| user["id"].as_str().map(str::to_owned))
        .collect();
    let owners = org.salesforce().values("Opportunity", "OwnerId");
    assert!(owners[0] != owners[1] && owners.iter().all(|owner| users.contains(owner)), "{owners:?}");
    let dead = org.until_dead(2);
    for letter in &dead {
        let field = letter["field"].as_str().unwrap();
        assert!(letter["code"] == "RTR3009" && ["hubspot_owner_id", "OwnerId"].contains(&field), "{letter}");
        assert!(!letter.to_string().contains("carl@"), "{letter}");
    }
    assert!(asked(&org, mark) < 20, "{} questions", asked(&org, mark));
    people(&org, &["ada@x.example", "bob@x.example", "carl@x.example"]);
    // What was not found is asked for again after some seconds, locally.
    eventually("the third deal", || {
        org.redrive();
        same(
            org.crm().values("deals", "hubspot_owner_id"),
            vec!["50".to_owned(), "51".to_owned(), "52".to_owned()],
        )?;
        same(org.salesforce().records("Opportunity").len(), 3)
    });
    assert!(org.dead_letters().is_empty());
}
