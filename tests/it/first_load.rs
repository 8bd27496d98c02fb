//! The first load of an org, with the mappings that the repository ships.

use crate::stack::{Org, Plan, Stack, eventually, same, shipped};
use serde_json::{Value, json};

const COMPANIES: usize = 12;
const CONTACTS: usize = 36;

fn company(n: usize) -> Value {
    json!({"name": format!("Firm {n}"), "domain": format!("firm{n}.example"), "industry": "Software", "employees": n})
}

fn contact(n: usize) -> Value {
    json!({"email": format!("Person{n:02}@Firm.example"), "first_name": " Ada ", "last_name": "Lovelace",
        "stage": "customer", "company_id": format!("f{:02}", n % COMPANIES), "source": "import"})
}

fn line(org: &Org<'_>, record_type: &str, id: &str, data: &Value) -> String {
    let event =
        json!({"org_id": org.id, "record_type": record_type, "record_id": id, "version": 1, "data": data});
    format!("{event}\n")
}

#[test]
fn given_an_empty_crm_when_everything_is_published_then_it_holds_exactly_that_under_our_keys_and_linked() {
    let stack = Stack::here();
    let plan =
        Plan::new("load").mapping("contact", &shipped("contact")).mapping("company", &shipped("company"));
    let org = plan.ready(&stack);
    // Contacts first: many come before the company they refer to, and wait for it.
    let contacts = (0..CONTACTS).map(|n| line(&org, "contact", &format!("c{n:02}"), &contact(n)));
    let companies = (0..COMPANIES).map(|n| line(&org, "company", &format!("f{n:02}"), &company(n)));
    let file: String = contacts.chain(companies).collect();
    let said = stack.rtr_with(&["publish", "-", "--json"], &file, &[]).json();
    assert_eq!(said["sent"], json!(COMPANIES + CONTACTS), "{said}");

    let ids = |stem: &str, count: usize| (0..count).map(|n| format!("{stem}{n:02}")).collect::<Vec<_>>();
    let crm = org.crm();
    eventually("the CRM holds everything", || {
        same(crm.values("companies", "rtr_record_id"), ids("f", COMPANIES))?;
        same(crm.values("contacts", "rtr_record_id"), ids("c", CONTACTS))
    });
    let contacts = crm.records("contacts");
    let person = contacts.iter().find(|record| record["properties"]["rtr_record_id"] == "c07").unwrap();
    let property = |name: &str| person["properties"][name].as_str().unwrap_or("null");
    assert_eq!(property("email"), "person07@firm.example");
    assert_eq!(
        (property("firstname"), property("lifecyclestage"), property("message")),
        ("Ada", "customer", "import")
    );
    // Linked with each other in the CRM …
    let companies = crm.records("companies");
    let firm = companies.iter().find(|record| record["properties"]["rtr_record_id"] == "f07").unwrap();
    assert!(
        person["associations"].to_string().contains(&format!("\"{}\"", firm["id"].as_str().unwrap())),
        "{person}"
    );
    // … and each with its record, as an operator sees it.
    let known = org.record("contact", "c07");
    assert_eq!(known["external_id"], person["id"]);
    assert_eq!((&known["status"], &known["applied_version"]), (&json!("applied"), &json!(1)));
    // A create each and nothing twice.
    let created: u64 = crm
        .requests(0)
        .iter()
        .filter(|it| it.what.ends_with("/contacts/batch/upsert"))
        .map(|it| it.items)
        .sum();
    assert_eq!(created, CONTACTS as u64);
}
