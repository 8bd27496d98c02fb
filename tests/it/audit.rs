//! Every operator's act leaves a line, found again by who did it and what it was.

use crate::CONTACT;
use crate::stack::{Plan, Stack};
use serde_json::{Value, json};

#[test]
fn given_what_operators_do_when_looked_for_then_each_act_has_its_line_with_who_what_and_why() {
    let stack = Stack::here();
    let org = Plan::new("audited").mapping("contact", CONTACT).ready(&stack);
    let (id, who) = (org.id.as_str(), ["--author", "ada", "--because", "moving in"]);
    let contact =
        |n: u64| org.contact(&format!("c-{n}"), n, &json!({"email": format!("c{n}@x.example")})).body;
    let run = |args: &[&str], stdin: &str| stack.rtr_with(&[args, &who[..]].concat(), stdin, &[]).ended(0);
    run(&["publish", "-", "--strict"], &contact(1));
    run(&["links", "import", id, "hubspot", "contact", "-"], "record_id,external_id\nc-9,909\n");
    run(&["backfill", id, "contact", "--from", "-", "--yes", "--no-wait"], &contact(2));
    run(&["connection", "pause", id, "hubspot"], "");
    // The older name of --because.
    stack.rtr(&["connection", "resume", id, "hubspot", "--author", "ada", "--reason", "moving in"]).ended(0);
    let entries = |more: &[&str]| -> Vec<Value> {
        let said = stack.rtr(&[&["audit", "--org", id, "--json"], more].concat()).json();
        said.as_array().unwrap().iter().filter(|one| one["org_id"] == id).cloned().collect()
    };
    let actions =
        |all: &[Value]| all.iter().map(|one| one["action"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    let by_ada = entries(&["--by", "ada"]);
    assert_eq!(
        actions(&by_ada),
        ["connection.resume", "connection.pause", "backfill", "links.import", "publish"],
        "{by_ada:?}"
    );
    assert!(by_ada.iter().all(|one| one["reason"] == "moving in"), "{by_ada:?}");
    assert_eq!(by_ada[4]["count"], 1, "it was read before it was sent");
    assert_eq!(by_ada[3]["target"], format!("{id} hubspot contact stdin"));
    assert_eq!(
        actions(&entries(&["--action", "connection", "--by", "ada"])),
        ["connection.resume", "connection.pause"]
    );
    assert_eq!(actions(&entries(&["--by", "nobody-at-all"])), Vec::<String>::new());
    let applied = entries(&["--action", "config.apply"]);
    assert!(!applied.is_empty() && applied.iter().all(|one| one["target"] == id), "{applied:?}");
    // What was only asked for leaves none.
    let dry = ["links", "import", id, "hubspot", "contact", "-", "--dry-run", "--author", "eve"];
    stack.rtr_with(&dry, "record_id,external_id\nc-8,808\n", &[]).ended(0);
    assert_eq!(entries(&["--by", "eve"]), Vec::<Value>::new());
    // Nor does a consent that cannot be asked for.
    let connect = ["connection", "connect", id, "hubspot", "--app", "no-such-app", "--author", "eve"];
    stack.rtr(&connect).ended(2);
    assert_eq!(entries(&["--by", "eve"]), Vec::<Value>::new());
}
