//! `rtr doctor` on a stack as it is deployed, and on orgs in trouble.

use crate::CONTACT;
use crate::stack::{Org, Plan, Said, Stack, unique, variable};
use serde_json::json;

/// The findings as `check about`.
fn found(said: &Said) -> Vec<String> {
    let said = said.parsed();
    let all = said["findings"].as_array().unwrap();
    for one in all {
        assert!(
            one["action"].as_str().is_some_and(|action| !action.is_empty()),
            "it says how to mend it: {one}"
        );
    }
    all.iter()
        .map(|one| format!("{} {}", one["check"].as_str().unwrap(), one["about"].as_str().unwrap()))
        .collect()
}

fn seen(org: &Org<'_>) -> Said {
    org.stack.rtr(&["doctor", "--org", &org.id, "--json"])
}

#[test]
fn given_the_stack_as_it_is_deployed_when_looked_at_then_the_doctor_finds_nothing() {
    let said = Stack::here().rtr(&["doctor", "--no-connections", "--json"]).parsed();
    assert_eq!((&said["findings"], &said["group_buckets"]), (&json!([]), &json!(0)), "{said}");
    assert_eq!(said["looked_at"].as_array().map(Vec::len), Some(35), "{said}");
    assert!(
        said["account"].is_string() && said["region"].is_string() && said["identity"].is_string(),
        "{said}"
    );
    assert!(said["clock_ahead_ms"].as_i64().is_none_or(|ahead| ahead.abs() <= 30_000), "{said}");
}

#[test]
fn given_an_org_in_order_when_looked_at_then_its_crm_is_asked_and_nothing_is_found_or_changed() {
    let stack = Stack::here();
    let org = Plan::new("healthy").mapping("contact", CONTACT).ready(&stack);
    let mark = org.crm().mark();
    let said = seen(&org).ended(0);
    assert_eq!(found(&said), Vec::<String>::new(), "{said:?}");
    let looked = said.parsed()["looked_at"].clone();
    assert!(looked.as_array().unwrap().contains(&json!(format!("CRM of {} hubspot", org.id))), "{looked}");
    let requests = org.crm().requests(mark);
    assert!(!requests.is_empty() && requests.iter().all(|one| one.what.starts_with("GET ")), "{requests:?}");
    assert!(said.err.is_empty(), "nothing is drawn where there is no terminal: {said:?}");
}

#[test]
fn given_a_table_that_cannot_be_read_when_looked_at_then_all_that_was_found_beside_it_is_told() {
    let stack = Stack::here();
    let org = Plan::new("half-seen").mapping("contact", CONTACT).ready(&stack);
    let asked = ["doctor", "--org", &org.id, "--json"];
    let said = stack.rtr_with(&asked, "", &[("RECORDS_TABLE_NAME", "rtr-no-such-table")]).ended(1);
    let all = found(&said);
    let wanted =
        ["environment RECORDS_TABLE_NAME", "unreadable dead letters", "unreadable how the connections stand"];
    for wanted in wanted {
        assert!(all.contains(&wanted.to_owned()), "{wanted}: {all:?}");
    }
    assert!(!all.iter().any(|one| one.contains("dynamodb:")), "that is no question of rights: {all:?}");
    assert!(said.out.contains("not looked at: RECORDS_TABLE_NAME names another table"), "{said:?}");
    let looked = said.parsed()["looked_at"].to_string();
    assert!(
        looked.contains("function sync") && looked.contains(&format!("CRM of {} hubspot", org.id)),
        "{looked}"
    );
    stack.rtr(&["doctor", "--config", "/no/such/folder"]).ended(4);
}

#[test]
fn given_an_org_in_trouble_when_looked_at_then_each_trouble_is_found_with_what_mends_it() {
    let stack = Stack::here();
    let mut org = Plan::new("unwell").mapping("contact", CONTACT).ready(&stack);
    // What the CRM describes is kept, and then one of its properties takes other values than it did.
    let folder = std::env::temp_dir().join(format!("rtr-doctor-{}", org.id));
    std::fs::create_dir_all(&folder).unwrap();
    let saved = format!("--save={}", folder.display());
    stack.rtr(&["connection", "test", &org.id, "hubspot", &saved]).ended(0);
    org.crm().property(json!({"object": "contacts", "name": "firstname", "options": ["Ann"]}));
    stack.publish(&[org.contact("c", 1, &json!({"email": "c@x.example", "first_name": "Bob"}))]);
    org.until_dead(1);
    org.remap("contact", "object: contacts\nfields:\n  email: email\n  fristname: first_name\n");
    let id = org.id.clone();
    let config = folder.to_str().unwrap();
    let said = stack.rtr(&["doctor", "--org", &id, "--config", config, "--json"]).ended(1);
    let all = found(&said);
    let looked = said.parsed()["looked_at"].to_string();
    assert!(looked.contains(&format!("saved description of {id} hubspot contacts")), "{looked}");
    for wanted in [
        format!("dead {id} hubspot"),
        format!("schema {id} hubspot contacts.fristname"),
        format!("schema_drift {id} hubspot contacts.firstname"),
    ] {
        assert!(all.contains(&wanted), "{wanted}: {said:?}");
    }
    std::fs::remove_dir_all(&folder).unwrap();
    // Among everybody's too, whatever the others' are.
    let everybodys = found(&stack.rtr(&["doctor", "--json"]).ended(1));
    assert!(everybodys.contains(&format!("dead {id} hubspot")), "{everybodys:?}");
    org.drop_secret();
    let all = found(&seen(&org).ended(1));
    assert!(all.contains(&format!("secret secret of {id} hubspot")), "{all:?}");
    assert!(all.contains(&format!("credentials {id} hubspot")), "{all:?}");
    let told = seen(&org);
    assert!(
        told.out.contains(&format!("rtr connection connect {id} hubspot")),
        "the mend is named: {told:?}"
    );
    stack.rtr(&["connection", "pause", &id, "hubspot"]).ended(0);
    let all = found(&stack.rtr(&["doctor", "--org", &id, "--json"]).ended(1));
    assert!(all.contains(&format!("paused {id} hubspot")), "{all:?}");
    assert!(
        !all.iter().any(|one| one.starts_with("secret ")),
        "what is paused needs none before it goes on: {all:?}"
    );
    // The whole page of it says the same of what waits and what is dead.
    let shown = stack.rtr(&["org", "show", &id, "--json"]).json();
    let hubspot = &shown["connections"][0];
    assert_eq!((&hubspot["state"], &hubspot["dead"]), (&json!("paused"), &json!(1)), "{shown}");
    assert_eq!(
        (&shown["routes"]["contact"], &shown["mappings"][0]["own"]),
        (&json!(["hubspot"]), &json!(true)),
        "{shown}"
    );
    let actions: Vec<&str> =
        shown["audit"].as_array().unwrap().iter().filter_map(|one| one["action"].as_str()).collect();
    assert!(actions.contains(&"connection.pause") && actions.contains(&"config.apply"), "{shown}");
}

#[test]
fn given_the_secret_that_deliveries_are_signed_with_when_it_is_garbage_or_gone_then_it_is_found_with_its_mend()
 {
    let stack = Stack::here();
    let secret = format!("rtr/{}/{}/inbound", variable("RTR_STAGE"), unique());
    let target = format!(
        "{{target: {{http: {{url: 'https://internal.example/changes', secret: {secret}}}}}, poll: 1h}}"
    );
    let org = Plan::new("unsigned").mapping("contact", CONTACT).inbound(&target).ready(&stack);
    let finding = |said: &Said| {
        let all = said.parsed()["findings"].as_array().unwrap().clone();
        all.into_iter().find(|one| one["about"] == format!("secret of {} inbound", org.id))
    };
    let missing = finding(&seen(&org).ended(1)).unwrap();
    assert_eq!(missing["message"], format!("there is no secret {secret}"), "{missing}");
    assert!(missing["action"].as_str().unwrap().contains("whsec_"), "{missing}");
    stack.wait(stack.secrets.create_secret().name(&secret).secret_string("{}").send()).unwrap();
    let garbage = finding(&seen(&org).ended(1)).unwrap();
    assert!(garbage["message"].as_str().unwrap().contains("nothing in it to sign with"), "{garbage}");
    let put = stack.secrets.put_secret_value().secret_id(&secret);
    stack.wait(put.secret_string(r#"{"secrets": ["whsec_a"]}"#).send()).unwrap();
    assert_eq!(finding(&seen(&org)), None);
    // Nobody has to have one by which events are handed in; what stands there must be of use.
    let ingest = format!("rtr/{}/{}/ingest", variable("RTR_STAGE"), org.id);
    stack.wait(stack.secrets.create_secret().name(&ingest).secret_string("no JSON").send()).unwrap();
    let all = found(&seen(&org).ended(1));
    assert!(all.contains(&format!("secret secret of {} ingest", org.id)), "{all:?}");
}
