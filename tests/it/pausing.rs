//! `rtr connection pause` and `resume`: calls stop within the caches' expiry, nothing is lost, and all of it arrives.

use crate::CONTACT;
use crate::stack::{Org, Plan, Stack, eventually, same};
use serde_json::{Value, json};

/// Sends newer and newer versions of the contact `id` until one is parked; which.
pub(crate) fn publish_until_parked(stack: &Stack, org: &Org<'_>, id: &str, from: u64) -> u64 {
    let mut version = from;
    // The function sees the pause within five seconds: until then versions are applied.
    eventually("a version is parked", || {
        version += 1;
        stack.publish(&[contact(org, id, version)]);
        eventually("the version has ended", || {
            let known = org.record("contact", id);
            let done = known["applied_version"] == version || known["status"] == "parked";
            if done { Ok(()) } else { Err(known.to_string()) }
        });
        let known = org.record("contact", id);
        if known["status"] == "parked" { Ok(version) } else { Err(known.to_string()) }
    })
}

pub(crate) fn contact(org: &Org<'_>, id: &str, version: u64) -> crate::stack::Event {
    org.contact(
        id,
        version,
        &json!({"email": format!("{id}@x.example"), "first_name": format!("v{version}")}),
    )
}

fn listed(stack: &Stack, org: &Org<'_>) -> Value {
    stack.rtr(&["connection", "list", &org.id, "--json"]).json()[0].clone()
}

#[test]
fn given_a_paused_connection_when_events_come_then_the_newest_is_parked_and_goes_when_it_is_resumed() {
    let stack = Stack::here();
    let mut org = Plan::new("paused").mapping("contact", CONTACT).ready(&stack);
    stack.publish(&[contact(&org, "a", 1)]);
    eventually("the first", || same(org.crm().values("contacts", "firstname"), vec!["v1".to_owned()]));

    let pause = [
        "connection",
        "pause",
        &org.id.clone(),
        "hubspot",
        "--reason",
        "they asked",
        "--author",
        "ada",
        "--json",
    ];
    let paused = stack.rtr(&pause).json();
    assert_eq!((&paused["paused"][0]["changed"], &paused["within_s"]), (&json!(true), &json!(5)), "{paused}");
    let again = stack.rtr(&[&pause[..6], &["--author", "bob", "--json"]].concat()).json();
    assert_eq!(
        (&again["paused"][0]["changed"], &again["paused"][0]["by"]),
        (&json!(false), &json!("ada")),
        "{again}"
    );

    let version = publish_until_parked(&stack, &org, "a", 1);
    // Applying the files ends no pause.
    org.remap("contact", CONTACT);
    let mark = org.crm().mark();
    stack.publish(&[contact(&org, "a", version + 1), contact(&org, "b", 1)]);
    let parked = || stack.rtr(&["parked", "list", "--org", &org.id, "--json"]).json();
    let versions = |listed: &Value| -> Vec<(String, u64)> {
        let all = listed.as_array().unwrap().iter();
        let mut all: Vec<_> = all
            .map(|one| (one["record_id"].as_str().unwrap().to_owned(), one["version"].as_u64().unwrap()))
            .collect();
        all.sort();
        all
    };
    eventually("the newest of each is parked", || {
        same(versions(&parked()), vec![("a".to_owned(), version + 1), ("b".to_owned(), 1)])
    });
    let one = &parked()[0];
    for name in [
        "id",
        "org_id",
        "connection",
        "record_type",
        "reason",
        "code",
        "message",
        "since",
        "not_before",
        "attempts",
    ] {
        assert!(one.get(name).is_some(), "{name} is not in {one}");
    }
    assert_eq!((&one["code"], &one["attempts"]), (&json!("RTR4006"), &json!(1)), "{one}");
    assert!(org.crm().requests(mark).is_empty(), "the CRM is left alone");

    let connection = listed(&stack, &org);
    assert_eq!((&connection["state"], &connection["parked"]), (&json!("paused"), &json!(2)), "{connection}");
    assert_eq!(
        (&connection["paused"][0]["by"], &connection["paused"][0]["reason"]),
        (&json!("ada"), &json!("they asked"))
    );
    assert!(connection["parked_since"].is_string() && connection["lane_at"].is_string(), "{connection}");
    let groups = stack.rtr(&["parked", "list", "--org", &org.id, "--group-by", "code", "--json"]).json();
    assert_eq!((&groups[0]["code"], &groups[0]["count"]), (&json!("RTR4006"), &json!(2)));
    assert_eq!(org.dead_letters(), Vec::<Value>::new());
    let why = stack.rtr(&["record", &org.id, "contact", "a"]).ended(0).out;
    assert!(why.contains("Parked, and waits for a person"), "{why}");
    assert!(
        why.contains(&format!("hubspot: when it may go on: rtr connection resume {} hubspot", org.id)),
        "{why}"
    );

    let resumed = stack.rtr(&["connection", "resume", &org.id, "--author", "bob", "--json"]).json();
    assert_eq!(
        (&resumed["connections"], &resumed["resumed"][0]["was"]["by"]),
        (&json!(1), &json!("ada")),
        "{resumed}"
    );
    // Once more there is nothing to do, which is said and not written down.
    let again = stack.rtr(&["connection", "resume", &org.id, "--author", "eve"]).ended(0);
    assert!(again.out.contains("nothing was to be resumed") && !again.out.contains("goes"), "{again:?}");
    eventually("both arrive", || {
        same(org.crm().values("contacts", "firstname"), vec!["v1".to_owned(), format!("v{}", version + 1)])
    });
    eventually("nothing is parked", || same(parked(), json!([])));
    assert_eq!(listed(&stack, &org)["state"], "ok");
    let audit = stack.rtr(&["audit", "--org", &org.id, "--json"]).json();
    let own: Vec<(&Value, &Value)> = audit
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["org_id"] == org.id.as_str())
        .filter(|entry| entry["action"] == "connection.pause" || entry["action"] == "connection.resume")
        .map(|entry| (&entry["action"], &entry["by"]))
        .collect();
    let (pause, resume) = (json!("connection.pause"), json!("connection.resume"));
    assert_eq!(own, [(&resume, &json!("bob")), (&pause, &json!("bob")), (&pause, &json!("ada"))]);
    // The newest of this org, whatever others have done since.
    let newest = stack.rtr(&["audit", "--org", &org.id, "--most", "1", "--json"]).json();
    assert_eq!(newest.as_array().map(Vec::len), Some(1), "{newest}");
}

#[test]
fn given_nothing_to_pause_when_asked_for_then_the_exit_codes_say_so() {
    let stack = Stack::here();
    let org = Plan::new("nopause").mapping("contact", CONTACT).ready(&stack);
    stack.rtr(&["connection", "pause"]).ended(2);
    stack.rtr(&["connection", "pause", &org.id, "hubspott"]).ended(4);
    stack.rtr(&["connection", "pause", "--provider", "hubspott"]).ended(4);
    stack.rtr(&["connection", "pause", &org.id, "--all"]).ended(2);
    let said = stack.rtr(&["connection", "resume", &org.id, "hubspot", "--json"]).json();
    assert_eq!((&said["resumed"][0]["was"], &said["still_paused"]), (&Value::Null, &json!([])), "{said}");
}

#[test]
fn given_a_suspended_connection_when_it_gets_new_credentials_and_is_tested_then_what_is_parked_goes() {
    let stack = Stack::here();
    let org = Plan::new("suspended").mapping("contact", CONTACT).ready(&stack);
    org.crm().tokens(json!({"action": "revoke"}));
    stack.publish(&[contact(&org, "a", 1), contact(&org, "b", 1)]);
    eventually("it is suspended", || {
        let one = listed(&stack, &org);
        same((one["state"].clone(), one["parked"].clone()), (json!("suspended"), json!(2)))
    });
    stack.rtr(&["connection", "test", &org.id, "hubspot"]).ended(1);
    assert_eq!(listed(&stack, &org)["state"], "suspended");
    org.connect_anew();
    stack.rtr(&["connection", "test", &org.id, "hubspot", "--author", "ada"]).ended(0);
    let said = stack.rtr(&["audit", "--org", &org.id, "--action", "connection.test", "--json"]).json();
    let own: Vec<&Value> = said
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["org_id"] == org.id.as_str())
        .map(|one| &one["by"])
        .collect();
    assert_eq!(
        (own.len(), own[0]),
        (2, &json!("ada")),
        "each try at a suspended connection is somebody's act: {said}"
    );
    // Of one that is not suspended nothing is changed, and nothing said.
    stack.rtr(&["connection", "test", &org.id, "hubspot"]).ended(0);
    let again = stack.rtr(&["audit", "--org", &org.id, "--action", "connection.test", "--json"]).json();
    assert_eq!(again, said);
    eventually("both arrive", || {
        same(org.crm().values("contacts", "rtr_record_id"), vec!["a".to_owned(), "b".to_owned()])
    });
    assert_eq!((listed(&stack, &org)["state"].clone(), org.dead_letters().len()), (json!("ok"), 0));
}

#[test]
fn given_what_is_held_for_longest_and_goes_last_when_listed_then_the_age_is_that_of_the_oldest() {
    let stack = Stack::here();
    let org = Plan::new("oldest").mapping("contact", CONTACT).ready(&stack);
    org.crm().fault(json!({"match": {"path": "*/batch/*"}, "fault": "drop_after_commit", "count": 1}));
    stack.publish(&[contact(&org, "old", 1)]);
    let parked = || stack.rtr(&["parked", "list", "--org", &org.id, "--json"]).json();
    eventually("the first is held", || same(parked()[0]["code"].clone(), json!("RTR4003")));
    stack.rtr(&["connection", "pause", &org.id, "hubspot"]).ended(0);
    publish_until_parked(&stack, &org, "new", 0);
    // Some in each partition of the index, before what is held.
    let more: Vec<_> = (0..120).map(|n| contact(&org, &format!("n{n}"), 1)).collect();
    stack.publish(&more);
    eventually("they are parked", || same(parked().as_array().unwrap().len(), 122));
    let all = parked();
    let oldest = all.as_array().unwrap().iter().map(|one| one["since"].as_str().unwrap()).min().unwrap();
    let listed = listed(&stack, &org);
    assert_eq!(listed["parked_since"], oldest, "{listed}");
    assert_eq!(listed["parked_since_at_latest"], false, "{listed}");
}
