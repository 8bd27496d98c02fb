//! Why a record is not in the CRM, or how it got there: one command, `rtr record`, whatever the reason.

use crate::stack::{Event, Org, Plan, Stack, eventually};
use serde_json::{Value, json};

const PERSON: &str = "object: contacts\nwhen: status != \"draft\"\nreference_wait: 1h\nfields:\n  email: email\n  firstname: \
                      first_name\n  company: {reference: company, id: company_id, association: primary}\n";

fn person(org: &Org<'_>, id: &str, data: Value) -> Event {
    let mut all = json!({"email": format!("{id}@x.example"), "first_name": "zq-a-value"});
    all.as_object_mut().unwrap().extend(data.as_object().unwrap().clone());
    org.contact(id, 1, &all)
}

fn explained(stack: &Stack, org: &str, record_type: &str, id: &str, status: &str) -> String {
    eventually("the record has ended", || {
        let said = stack.rtr(&["record", org, record_type, id, "--json"]);
        let found: Value = serde_json::from_str(&said.out).unwrap_or_default();
        if found["connections"]["hubspot"]["status"] == status { Ok(()) } else { Err(format!("{said:?}")) }
    });
    let said = stack.rtr(&["record", org, record_type, id]).ended(0);
    assert!(!said.out.contains("zq-a-value"), "values only with --show-data: {said:?}");
    said.out
}

#[test]
fn given_each_reason_why_a_record_is_not_in_the_crm_when_asked_then_one_command_tells_it() {
    let stack = Stack::here();
    let company = "object: companies\nfields:\n  name: name\n";
    let org = Plan::new("why").mapping("contact", PERSON).mapping("company", company).ready(&stack);
    stack.publish(&[
        person(&org, "well", json!({})),
        person(&org, "bad", json!({"email": "zq-no-address"})),
        person(&org, "draft", json!({"status": "draft"})),
        person(&org, "waits", json!({"company_id": "nobody"})),
    ]);

    let well = explained(&stack, &org.id, "contact", "well", "applied");
    for step in ["event", "route", "mapping", "decision", "tokens", "request", "answer", "committed"] {
        let line = well.lines().find(|line| line.contains(&format!("  {step} ")));
        assert!(line.is_some_and(|line| line.trim_end().ends_with('.')), "{step}: {well}");
    }
    assert!(well.contains("The CRM answered 20"), "{well}");

    let bad = explained(&stack, &org.id, "contact", "bad", "dead");
    assert!(bad.contains("RTR3001") && bad.contains("email") && bad.contains("waits for a person"), "{bad}");
    assert!(!bad.contains("zq-no-address"), "{bad}");
    let shown = stack.rtr(&["record", &org.id, "contact", "bad", "--show-data"]).ended(0).out;
    assert!(shown.contains("zq-no-address") && shown.contains("the CRM says"), "{shown}");

    let draft = explained(&stack, &org.id, "contact", "draft", "skipped");
    assert!(draft.contains("RTR4021") && draft.contains("`when` does not hold"), "{draft}");
    let waits = explained(&stack, &org.id, "contact", "waits", "parked");
    assert!(waits.contains("RTR4005") && waits.contains("(waits for company nobody, until 20"), "{waits}");

    let letter = org.until_dead(1)[0]["id"].as_str().unwrap().to_owned();
    assert!(bad.contains(&format!("hubspot: rtr dlq show --id {letter}")), "{bad}");
    let drop = ["dlq", "drop", "--id", &letter, "--yes", "--because", "test data", "--author", "ada"];
    stack.rtr(&drop).ended(0);
    let given_up = explained(&stack, &org.id, "contact", "bad", "skipped");
    assert!(given_up.contains("1 (skipped)") && given_up.contains("RTR4023"), "{given_up}");
    assert!(given_up.contains(&format!("rtr audit --org {} says who did", org.id)), "{given_up}");
    // What it was refused for stands there still.
    assert!(given_up.contains("`email`: The CRM refused a value."), "{given_up}");
    let audit = stack.rtr(&["audit", "--org", &org.id, "--action", "dlq.drop", "--json"]).json();
    assert_eq!(audit[0]["target"], format!("{} hubspot contact bad", org.id), "{audit}");

    let nothing =
        |org: &str, record_type: &str| stack.rtr(&["record", org, record_type, "nobody"]).ended(4).err;
    assert!(nothing(&org.id, "contact").contains("No event of the record has come there that could be read"));
    assert!(nothing(&org.id, "invoice").contains("Records of type invoice have no route"));
    assert!(nothing(&org.id, "contct").contains("did you mean contact?"));
    assert!(nothing("nobody-at-all", "contact").contains("has no configuration"));
}

#[test]
fn given_an_event_that_nobody_could_use_when_its_record_is_asked_for_then_that_is_why() {
    let stack = Stack::here();
    let org = Plan::new("unread").mapping("contact", PERSON).ready(&stack);
    let body = json!({"org_id": org.id, "record_type": "contact", "record_id": "m/1 é", "data": {"email": "zq-a-value"}});
    stack.publish(&[Event::raw(&body.to_string(), &format!("unread-{}", org.id))]);
    let said = eventually("the record tells of it", || {
        let said = stack.rtr(&["record", &org.id, "contact", "m/1 é"]);
        if said.code == 0 { Ok(said.out) } else { Err(format!("{said:?}")) }
    });
    assert!(said.contains("RTR1002") && said.contains("`version` is missing"), "{said}");
    assert!(said.contains("rtr dlq show --id ") && !said.contains("zq-a-value"), "{said}");
    let told = stack.rtr(&["record", &org.id, "contact", "m/1 é", "--json"]).json();
    assert_eq!(
        (&told["unread"][0]["code"], &told["unread"][0]["field"]),
        (&json!("RTR1002"), &json!("version"))
    );
}
