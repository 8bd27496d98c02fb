//! From a refusal to the mended record, with the commands that people use for it.

use crate::CONTACT;
use crate::config_commands::Folder;
use crate::stack::{Plan, Stack, eventually, same};
use serde_json::json;

#[test]
fn given_a_refused_value_when_the_crm_is_mended_and_it_is_redriven_then_it_is_applied_and_a_second_redrive_does_nothing()
 {
    let stack = Stack::here();
    let org = Plan::new("refused").mapping("contact", CONTACT).ready(&stack);
    let crm = org.crm();
    crm.property(json!({"object": "contacts", "name": "firstname", "options": ["Ann"]}));
    let private = format!("private-{}", org.id);
    let contact = |id: &str, name: &str| {
        org.contact(id, 1, &json!({"email": format!("{id}@x.example"), "first_name": name}))
    };
    stack.publish(&[
        contact("a", "Ann"),
        contact("b", &private),
        contact("c", "Ann"),
        contact("d", &private),
    ]);
    let dead = org.until_dead(2);
    let of = |id: &str| dead.iter().find(|letter| letter["record_id"] == id).unwrap();
    for id in ["b", "d"] {
        let letter = of(id);
        assert_eq!((&letter["code"], &letter["field"]), (&json!("RTR3001"), &json!("firstname")), "{letter}");
        assert_eq!((&letter["connection"], &letter["version"]), (&json!("hubspot"), &json!(1)), "{letter}");
    }
    eventually("the neighbours", || {
        same(crm.values("contacts", "rtr_record_id"), vec!["a".into(), "c".into()])
    });

    // The record's values show when asked for, and only then.
    let id = of("b")["id"].as_str().unwrap();
    let shown = stack.rtr(&["dlq", "show", id, "--json"]).ended(0);
    assert!(!shown.out.contains(&private), "{}", shown.out);
    let masked = shown.parsed();
    let redrive = &masked[0]["redrive"];
    assert_eq!(
        (&redrive["outcome"], &redrive["requests"][0]["method"]),
        (&json!("as_refused"), &json!("POST"))
    );
    let shown = stack.rtr(&["dlq", "show", id, "--show-data", "--json"]).json();
    assert_eq!(shown[0]["data"]["first_name"], private.as_str(), "{shown}");
    assert!(shown[0]["redrive"]["requests"].to_string().contains(&private), "{shown}");

    // Nobody asks the CRM, and what it refused would be the same again.
    let mark = crm.mark();
    let of_field = ["dlq", "preview", "--org", &org.id, "--field", "firstname", "--stored", "--json"];
    let previewed = stack.rtr(&of_field).json();
    assert_eq!((&previewed["looked_at"], &previewed["as_refused"]), (&json!(2), &json!(2)), "{previewed}");
    assert_eq!(stack.rtr(&["dlq", "list", "--org", &org.id, "--field", "phone", "--json"]).json(), json!([]));
    assert!(crm.requests(mark).is_empty());

    // Before it is mended a redrive ends as it did, and says so; nothing is lost.
    let again = org.redrive_waiting("60s").ended(1).parsed();
    let died = &again["outcomes"]["dead_again"][0];
    assert_eq!(
        (&died["code"], &died["field"], &died["count"]),
        (&json!("RTR3001"), &json!("firstname"), &json!(2)),
        "{again}"
    );
    let tried: u64 = crm.requests(mark).iter().map(|request| request.items).sum();
    assert!(tried >= 2, "{tried} tried");
    org.until_dead(2);

    crm.property(json!({"object": "contacts", "name": "firstname", "options": []}));
    let dry = stack.rtr(&["dlq", "redrive", "--org", &org.id, "--dry-run", "--json"]).json();
    assert_eq!((&dry["dry_run"], &dry["matched"]), (&json!(true), &json!(2)), "{dry}");
    let redriven = org.redrive().json();
    assert_eq!(redriven["redriven"], 2, "{redriven}");
    eventually("they are applied", || {
        same(crm.values("contacts", "rtr_record_id"), ["a", "b", "c", "d"].map(str::to_owned).to_vec())?;
        same(org.dead_letters(), vec![])
    });
    let mark = crm.mark();
    let again = org.redrive().json();
    assert_eq!((&again["matched"], &again["redriven"]), (&json!(0), &json!(0)), "{again}");
    assert!(crm.requests(mark).is_empty());
    assert_eq!(org.record("contact", "b")["applied_version"], 1);
}

#[test]
fn given_a_dead_version_when_a_newer_one_is_applied_then_it_is_dead_no_longer_and_a_late_wake_does_nothing() {
    let stack = Stack::here();
    let org = Plan::new("overtaken").mapping("contact", CONTACT).ready(&stack);
    let crm = org.crm();
    crm.property(json!({"object": "contacts", "name": "firstname", "options": ["Ann"]}));
    let contact =
        |v: u64, name: &str| org.contact("c", v, &json!({"email": "c@x.example", "first_name": name}));
    stack.publish(&[contact(1, "Bob")]);
    org.until_dead(1);
    // The wake and the newer version race for the record's group; whichever comes first, the newer one stands.
    stack.publish(&[contact(2, "Ann")]);
    org.redrive().ended(0);
    eventually("the newer version", || {
        same(crm.values("contacts", "firstname"), vec!["Ann".to_owned()])?;
        same(org.dead_letters(), vec![])
    });
    let known = eventually("it is on record", || {
        let known = org.record("contact", "c");
        if known["applied_version"] == 2 { Ok(known) } else { Err(known.to_string()) }
    });
    assert_eq!(known["status"], "applied", "{known}");
}

#[test]
fn given_a_mapping_that_fails_when_it_is_mended_and_redriven_then_the_record_goes_by_the_new_one() {
    let stack = Stack::here();
    let failing =
        "object: contacts\nfields:\n  email: email\n  firstname: {from: first_name, map: {Ann: Anna}}\n";
    let mut org = Plan::new("mapping").mapping("contact", failing).ready(&stack);
    stack.publish(&[org.contact("c", 1, &json!({"email": "c@x.example", "first_name": "Bob"}))]);
    let dead = org.until_dead(1);
    assert_eq!((&dead[0]["code"], &dead[0]["field"]), (&json!("RTR2005"), &json!("firstname")), "{dead:?}");
    let bad = "object: contacts\nfields:\n  email: email\n  firstname: {from: first_name, map: {Eve: Eva}}\n";
    let folder = Folder::with(&[("orgs/one.yaml", &org.file())]);
    let preview = |code| {
        let args = ["dlq", "preview", "--org", &org.id, "--config", folder.path(), "--json"];
        stack.rtr(&args).ended(code).parsed()
    };
    assert_eq!(preview(1)["dead"], 1, "as it is it would die again");
    let said = stack.rtr(&["config", "apply", folder.path(), "--json"]).json();
    assert_eq!(said, json!([]), "nothing has changed, so nobody looks");
    org.replan("contact", bad);
    let folder = Folder::with(&[("orgs/one.yaml", &org.file())]);
    let said = stack.rtr(&["config", "apply", folder.path(), "--json"]).json();
    let foretold = &said[0]["dead_letters"];
    assert_eq!((&foretold["looked_at"], &foretold["dead"]), (&json!(1), &json!(1)), "{said}");
    org.replan("contact", CONTACT);
    let folder = Folder::with(&[("orgs/one.yaml", &org.file())]);
    let said = stack.rtr(&["config", "apply", folder.path(), "--json", "--no-dead"]).json();
    assert!(said[0].get("dead_letters").is_none(), "{said}");
    // A function sees a new configuration within five seconds: the redrive waits for that, and for what becomes of it.
    let redriven = org.redrive_waiting("60s").json();
    assert_eq!(redriven["outcomes"]["applied"], 1, "{redriven}");
    assert_eq!(org.crm().values("contacts", "firstname"), ["Bob"]);
}

#[test]
fn given_dead_versions_when_they_are_dropped_then_they_count_as_done_and_the_audit_names_who_and_why() {
    let stack = Stack::here();
    let org = Plan::new("given-up").mapping("contact", CONTACT).ready(&stack);
    let crm = org.crm();
    crm.property(json!({"object": "contacts", "name": "firstname", "options": ["Ann"]}));
    let contact = |id: &str, v: u64, name: &str| {
        org.contact(id, v, &json!({"email": format!("{id}@x.example"), "first_name": name}))
    };
    stack.publish(&[contact("a", 1, "Bob"), contact("b", 1, "Bob")]);
    org.until_dead(2);
    let dropped = || {
        let entries = stack.rtr(&["audit", "--org", &org.id, "--json"]).json();
        entries
            .as_array()
            .unwrap()
            .iter()
            .filter(|one| one["action"] == "dlq.drop")
            .cloned()
            .collect::<Vec<_>>()
    };

    let drop = ["dlq", "drop", "--org", &org.id, "--json"];
    // A slip finds nothing, which is no good news.
    let slip = format!("{}x", org.id);
    let said = stack.rtr(&["dlq", "list", "--org", &slip, "--json"]).ended(4);
    assert!(said.out.is_empty() && said.err.contains(&format!("did you mean `{}`?", org.id)), "{said:?}");
    let said = stack.rtr(&["dlq", "list", "--connection", "hubspott", "--json"]).ended(0);
    assert!(said.parsed() == json!([]) && said.err.contains("no connection `hubspott`"), "{said:?}");
    // Whose all of them would be is not guessed.
    stack.rtr(&["dlq", "drop", "--yes"]).ended(2);
    let dry = stack.rtr(&[&drop[..], &["--dry-run"]].concat()).ended(0);
    assert!(dry.err.contains("firstname"), "what they died of is told: {dry:?}");
    let dry = dry.parsed();
    assert_eq!((&dry["matched"], &dry["dropped"]), (&json!(2), &json!(2)), "{dry}");
    org.until_dead(2);
    assert!(dropped().is_empty(), "nothing was done, and nothing is said to be");

    let said = [&drop[..], &["--yes", "--because", "test data", "--author", "ada"]].concat();
    let done = stack.rtr(&said).ended(0);
    assert!(done.err.contains("firstname"), "without a question too: {done:?}");
    let done = done.parsed();
    assert_eq!((&done["dropped"], &done["gone"]), (&json!(2), &json!(0)), "{done}");
    org.until_dead(0);
    assert_eq!(org.record("contact", "a")["applied_version"], 1, "the fence stands where it was dropped");
    let audit = dropped();
    assert_eq!(audit.len(), 1, "{audit:?}");
    let (entry, target) = (&audit[0], format!("{0} hubspot --org {0}", org.id));
    assert_eq!(
        (&entry["by"], &entry["reason"], &entry["count"], &entry["target"]),
        (&json!("ada"), &json!("test data"), &json!(2), &json!(target)),
    );
    // Nothing is left to drop: that is no act.
    stack.rtr(&said).ended(0);
    assert_eq!(dropped().len(), 1);

    stack.publish(&[contact("a", 2, "Ann")]);
    eventually("only a newer version goes", || {
        same(crm.values("contacts", "firstname"), vec!["Ann".to_owned()])
    });
}

#[test]
fn given_what_the_crm_refused_when_its_mapping_changes_again_and_again_then_it_is_known_to_be_the_same_until_its_field_is()
 {
    let stack = Stack::here();
    let mapping = |email: &str, first_name: &str| {
        format!("object: contacts\nfields:\n  email: {email}\n  firstname: {first_name}\n")
    };
    let plan = Plan::new("refused-then").mapping("contact", &mapping("email", "first_name"));
    let mut org = plan.ready(&stack);
    org.crm().property(json!({"object": "contacts", "name": "firstname", "options": ["Ann"]}));
    stack.publish(&[org.contact("c", 1, &json!({"email": "c@x.example", "first_name": "Bob"}))]);
    org.until_dead(1);
    let mut foretold = |first_name: &str, email: &str| {
        org.replan("contact", &mapping(email, first_name));
        let folder = Folder::with(&[("orgs/one.yaml", &org.file())]);
        let said = stack.rtr(&["config", "apply", folder.path(), "--json"]).json();
        let preview = ["dlq", "preview", "--org", &org.id, "--stored", "--json"];
        let previewed = stack.rtr(&preview).json();
        let of = |outlook: &serde_json::Value| [outlook["as_refused"].clone(), outlook["applied"].clone()];
        assert_eq!(of(&said[0]["dead_letters"]), of(&previewed), "{said} {previewed}");
        of(&previewed)
    };
    for email in ["email | lower", "email | upper", "email | trim"] {
        assert_eq!(foretold("first_name", email), [json!(1), json!(0)], "{email}");
    }
    assert_eq!(foretold("{from: first_name, map: {Bob: Ann}}", "email"), [json!(0), json!(1)]);
    let redriven = org.redrive_waiting("60s").json();
    assert_eq!(redriven["outcomes"]["applied"], 1, "{redriven}");
}
