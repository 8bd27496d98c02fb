//! `rtr parked drop` and `drain`: what a person does with what waits.

use crate::CONTACT;
use crate::pausing::{contact, publish_until_parked};
use crate::stack::{Plan, Stack, eventually, same};
use serde_json::json;

const WAITING_CONTACT: &str = "object: contacts\nreference_wait: 1h\nfields:\n  email: email\n  firstname: first_name\n  \
                               company: {reference: company, id: company_id, association: primary}\n";
const COMPANY: &str = "object: companies\nfields:\n  name: name\n";

#[test]
fn given_parked_work_when_it_is_dropped_then_it_is_never_told_and_only_a_newer_version_goes() {
    let stack = Stack::here();
    let org = Plan::new("dropped").mapping("contact", CONTACT).ready(&stack);
    stack.publish(&[contact(&org, "a", 1), contact(&org, "b", 1)]);
    eventually("the first", || same(org.crm().values("contacts", "firstname"), vec!["v1".to_owned(); 2]));
    stack.rtr(&["connection", "pause", &org.id, "hubspot"]).ended(0);
    let version = publish_until_parked(&stack, &org, "a", 1);
    stack.publish(&[contact(&org, "b", version)]);
    let parked = || stack.rtr(&["parked", "list", "--org", &org.id, "--json"]).json();
    eventually("both are parked", || same(parked().as_array().unwrap().len(), 2));

    let drop = ["parked", "drop", "--org", &org.id, "--type", "contact", "--json"];
    // Nobody is there to be asked.
    stack.rtr(&drop).ended(2);
    let dry = stack.rtr(&[&drop[..], &["--dry-run"]].concat()).json();
    assert_eq!(
        (&dry["dry_run"], &dry["matched"], &dry["done"]),
        (&json!(true), &json!(2), &json!(2)),
        "{dry}"
    );
    let share = json!([{"org_id": org.id, "connection": "hubspot", "record_type": "contact", "versions": 2}]);
    assert_eq!(dry["of"], share);
    // Nor may it be anybody's, whatever else narrows it.
    for anybody in
        [&["--yes"][..], &["--type", "contact", "--yes"], &["--org", &org.id, "--all-orgs", "--yes"]]
    {
        stack.rtr(&[&["parked", "drop"], anybody].concat()).ended(2);
    }
    assert!(parked().as_array().unwrap().iter().all(|one| one["state"] == "parked"));
    let said =
        stack.rtr(&[&drop[..], &["--yes", "--because", "sent by mistake", "--author", "ada"]].concat());
    assert!(said.err.contains(&format!("{} hubspot, contact: 2 parked versions", org.id)), "{said:?}");
    let dropped = said.json();
    assert_eq!((&dropped["done"], &dropped["gone"]), (&json!(2), &json!(0)), "{dropped}");
    assert!(parked().as_array().unwrap().iter().all(|one| one["state"] == "drop"));
    let drained = stack.rtr(&["parked", "drain", "--org", &org.id, "--json"]).json();
    assert_eq!((&drained["done"], &drained["dropping"], &drained["gone"]), (&json!(0), &json!(2), &json!(0)));
    // A newer version is wanted again.
    stack.publish(&[contact(&org, "b", version + 1)]);
    eventually("it takes the place of what was dropped", || {
        let known = org.record("contact", "b");
        let found = parked()
            .as_array()
            .unwrap()
            .iter()
            .any(|one| one["version"] == version + 1 && one["state"] == "parked");
        if found { Ok(()) } else { Err(known.to_string()) }
    });

    stack.rtr(&["connection", "resume", &org.id, "hubspot"]).ended(0);
    eventually("nothing is parked", || same(parked(), json!([])));
    let known = org.record("contact", "a");
    assert_eq!(known["applied_version"], version, "the fence stands where it was dropped: {known}");
    eventually("the newer version, and none that was dropped", || {
        let names = org.crm().values("contacts", "firstname");
        let fine = names.contains(&format!("v{}", version + 1)) && !names.contains(&format!("v{version}"));
        if fine { Ok(()) } else { Err(format!("{names:?}")) }
    });
    let audit = stack.rtr(&["audit", "--org", &org.id, "--json"]).json();
    let entry = audit.as_array().unwrap().iter().find(|entry| entry["action"] == "parked.drop").unwrap();
    assert_eq!(
        (&entry["by"], &entry["count"], &entry["reason"]),
        (&json!("ada"), &json!(2), &json!("sent by mistake")),
        "{entry}"
    );
}

#[test]
fn given_nothing_parked_when_listed_drained_or_dropped_then_the_answers_say_so() {
    let stack = Stack::here();
    let org = Plan::new("unparked").mapping("contact", CONTACT).ready(&stack);
    let of = |what: &str| stack.rtr(&["parked", what, "--org", &org.id, "--json"]);
    assert_eq!(of("list").json(), json!([]));
    assert_eq!(of("drain").json()["matched"], 0);
    assert_eq!(of("drop").json()["matched"], 0);
    stack.rtr(&["parked", "list", "--org", &org.id, "--id", "0123456789abcdef"]).ended(4);
    // A slip in a name is no good news.
    let slip = format!("{}x", org.id);
    for what in ["list", "drain", "drop"] {
        let said = stack.rtr(&["parked", what, "--org", &slip, "--json"]).ended(4);
        assert!(said.err.contains("has no configuration") && said.out.is_empty(), "{said:?}");
    }
    stack.rtr(&["parked", "list", "--org", &org.id, "--connection", "hubspott"]).ended(4);
    let said = stack.rtr(&["audit", "--org", &slip]).ended(4);
    assert!(said.err.contains(&format!("did you mean `{}`", org.id)), "{said:?}");
    // One that is known and of which there is nothing to say is another matter.
    stack.rtr(&["audit", "--org", &org.id]).ended(0);
    stack.rtr(&["audit", "--most", "0"]).ended(2);
    stack.rtr(&["audit", "--since", "1h", "--until", "2h"]).ended(2);
}

#[test]
fn given_what_waits_for_another_record_when_dropped_then_it_is_left_alone_and_neither_asked_for_nor_audited()
{
    let stack = Stack::here();
    let org = Plan::new("dropped-waits")
        .mapping("contact", WAITING_CONTACT)
        .mapping("company", COMPANY)
        .ready(&stack);
    let waiting: Vec<_> = (0..3)
        .map(|n| org.contact(&format!("w{n}"), 1, &json!({"email": "w@x.example", "company_id": "k"})))
        .collect();
    stack.publish(&waiting);
    let parked = || stack.rtr(&["parked", "list", "--org", &org.id, "--json"]).json();
    eventually("they wait", || same(parked().as_array().unwrap().len(), 3));
    let drop = || {
        let args =
            ["parked", "drop", "--org", &org.id, "--yes", "--because", "x", "--author", "ada", "--json"];
        let said = stack.rtr(&args);
        assert!(said.err.contains("left alone: 3 versions waiting for another record"), "{said:?}");
        said.json()
    };
    let audited = || {
        let audit = stack.rtr(&["audit", "--org", &org.id, "--json"]).json();
        let drops = audit.as_array().unwrap().iter().filter(|entry| entry["action"] == "parked.drop");
        drops.map(|entry| entry["count"].clone()).collect::<Vec<_>>()
    };
    let dropped = drop();
    let of = |dropped: &serde_json::Value| {
        ["matched", "done", "waiting"].map(|name| dropped[name].as_u64().unwrap_or(u64::MAX))
    };
    assert_eq!((of(&dropped), &dropped["of"]), ([3, 0, 3], &json!([])), "{dropped}");
    assert_eq!(audited(), Vec::<serde_json::Value>::new());

    stack.rtr(&["connection", "pause", &org.id, "hubspot"]).ended(0);
    publish_until_parked(&stack, &org, "a", 0);
    eventually("it is parked beside them", || same(parked().as_array().unwrap().len(), 4));
    let dropped = drop();
    assert_eq!((of(&dropped), &dropped["of"][0]["versions"]), ([4, 1, 3], &json!(1)), "{dropped}");
    assert_eq!(audited(), [json!(1)]);
}
