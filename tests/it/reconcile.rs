//! `rtr reconcile`: people change, delete and double records in the CRM behind our back; exactly these are found, and writing again
//! mends what can be mended so.

use crate::stack::{Org, Plan, Said, Stack, eventually, same};
use serde_json::{Value, json};
use std::path::PathBuf;

const COMPANY: &str = "object: companies\nmatch: domain\nfields:\n  name: name\n  domain: domain\n";
const ACCOUNT: &str = "object: Account\nfields:\n  Name: name\n  Website: domain\n";
const IDS: [&str; 6] = ["k0", "k1", "k2", "k3", "k4", "k5"];

/// A file of one test.
struct File(PathBuf);

impl File {
    fn of(org: &Org<'_>, lines: &str) -> Self {
        let path = std::env::temp_dir().join(format!("rtr-reconcile-{}.jsonl", org.id));
        std::fs::write(&path, lines).unwrap();
        Self(path)
    }

    fn name(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn data(id: &str) -> Value {
    json!({"name": format!("Company {id}"), "domain": format!("{id}.example")})
}

fn lines(org: &Org<'_>, ids: &[&str]) -> String {
    let line = |id: &&str| {
        let event = json!({"org_id": org.id, "record_type": "company", "record_id": id, "version": 3, "data": data(id)});
        format!("{event}\n")
    };
    ids.iter().map(line).collect()
}

/// Everything is synced to both CRMs; one of the records was there before: of what was made a moment ago nobody says that it is gone.
fn synced<'a>(stack: &'a Stack, test: &str) -> Org<'a> {
    let org = Plan::new(test).mapping("company", COMPANY).salesforce("company", ACCOUNT).ready(stack);
    let there = org.crm().seed("companies", &[json!({"name": "Company k2"})]);
    let there =
        [("hubspot", there), ("salesforce", org.salesforce().seed("Account", &[json!({"Name": "k2"})]))];
    for (connection, ids) in there {
        let import = ["links", "import", &org.id, connection, "company", "-"];
        stack.rtr_with(&import, &format!("k2,{}\n", ids[0]), &[]).ended(0);
    }
    stack.publish(&IDS.iter().map(|id| org.company(id, 3, &data(id))).collect::<Vec<_>>());
    eventually("both CRMs have all, and that is noted", || {
        let applied =
            |connection, id: &&str| org.record_at(connection, "company", id)["applied_version"] == 3;
        let count = |connection| IDS.iter().filter(|id| applied(connection, id)).count();
        same((count("hubspot"), count("salesforce")), (IDS.len(), IDS.len()))
    });
    org
}

fn linked(org: &Org<'_>, connection: &str, id: &str) -> String {
    org.record_at(connection, "company", id)["external_id"].as_str().unwrap().to_owned()
}

/// A person in the CRM changes a record; null: deletes it.
fn person(org: &Org<'_>, connection: &str, id: &str, values: &Value) {
    let at = linked(org, connection, id);
    match connection {
        "hubspot" => org.crm().edit("companies", Some(&at), values),
        _ => org.salesforce().edit("Account", Some(&at), values),
    };
}

fn reconcile(org: &Org<'_>, connection: &str, more: &[&str]) -> Said {
    org.stack.rtr(&[&["reconcile", &org.id, connection, "company", "--json"], more].concat())
}

/// `k1 different(name)`, sorted.
fn findings(said: &Value) -> Vec<String> {
    let finding = |found: &Value| {
        let fields: Vec<&str> =
            found["fields"].as_array().unwrap().iter().map(|one| one["field"].as_str().unwrap()).collect();
        let text = |name: &str| found[name].as_str().unwrap().to_owned();
        format!("{} {}({})", text("record_id"), text("kind"), fields.join(", "))
    };
    let mut all: Vec<String> = said["findings"].as_array().unwrap().iter().map(finding).collect();
    all.sort();
    all
}

#[test]
fn given_records_changed_behind_our_back_when_reconciled_then_exactly_these_are_found_and_repair_mends_them()
{
    let stack = Stack::here();
    let org = synced(&stack, "reconcile");
    let file = File::of(&org, &lines(&org, &IDS));
    let from = ["--from", file.name()];
    for connection in ["hubspot", "salesforce"] {
        let said = reconcile(&org, connection, &from).json();
        assert_eq!((&said["findings"], &said["types"][0]["same"]), (&json!([]), &json!(6)), "{said}");
    }

    person(&org, "hubspot", "k1", &json!({"name": "Somebody else's"}));
    person(&org, "hubspot", "k2", &Value::Null);
    person(&org, "salesforce", "k1", &json!({"Website": "elsewhere.example"}));
    person(&org, "salesforce", "k2", &Value::Null);
    org.crm().seed("companies", &[json!({"name": "Double", "domain": "K3.example"})]);
    // The source does not list one of them any more.
    std::fs::write(&file.0, lines(&org, &IDS[..5])).unwrap();

    let mark = org.crm().mark();
    let said = reconcile(&org, "hubspot", &from).ended(1).parsed();
    let found = ["k1 different(name)", "k2 missing()", "k3 duplicate()", "k5 extra()"];
    assert_eq!(findings(&said), found, "{said}");
    assert_eq!(said["drift"].as_array().unwrap().len(), 4, "{said}");
    assert!(!said.to_string().contains("Somebody"), "no value is shown: {said}");
    let writes = ["/batch/upsert", "/batch/update", "/batch/create", "/batch/archive"];
    let wrote = |mark| {
        let requests = org.crm().requests(mark);
        requests
            .iter()
            .filter(|it| writes.iter().any(|path| it.what.ends_with(path)))
            .map(|it| it.items)
            .sum::<u64>()
    };
    assert_eq!(wrote(mark), 0, "nothing is written by looking");
    let said = reconcile(&org, "salesforce", &from).ended(1).parsed();
    assert_eq!(findings(&said), ["k1 different(Website)", "k2 missing()", "k5 extra()"], "{said}");

    // In part: the one that is not listed is not looked for; and the same records each time.
    let partial = [&from[..], &["--partial", "--show-values"]].concat();
    let said = reconcile(&org, "hubspot", &partial).ended(1).parsed();
    assert_eq!(findings(&said), found[..3], "{said}");
    assert_eq!(said["findings"][0]["fields"][0]["held"], "Somebody else's", "{said}");
    let sampled = [&from[..], &["--sample", "2", "--seed", "3"]].concat();
    let [one, two] = [(); 2].map(|()| reconcile(&org, "hubspot", &sampled).parsed());
    assert_eq!((&one, &one["types"][0]["looked_at"]), (&two, &json!(2)));

    // Nobody is there to be asked; how much it would be is said without asking.
    let repair = [&from[..], &["--repair"]].concat();
    reconcile(&org, "hubspot", &repair).ended(2);
    // That is told before anything is read, and not when it is found out what there is to repair.
    let unasked = [&["reconcile", &org.id, "hubspot"][..], &repair, &["--json"]].concat();
    let nowhere = [("AWS_ENDPOINT_URL", "http://127.0.0.1:1")];
    org.stack.rtr_with(&unasked, "", &nowhere).ended(2);
    let said = reconcile(&org, "hubspot", &[&repair[..], &["--dry-run"]].concat()).ended(1).parsed();
    assert_eq!((&said["repair"]["records"], &said["repair"]["sent"]), (&json!(2), &json!(0)), "{said}");
    assert_eq!(wrote(mark), 0, "nothing is written without leave");

    let yes = [&repair[..], &["--yes"]].concat();
    let said = reconcile(&org, "hubspot", &yes).ended(1).parsed();
    assert_eq!((&said["repair"]["sent"], &said["repair"]["done"]), (&json!(2), &json!(true)), "{said}");
    reconcile(&org, "salesforce", &[&yes[..], &["--partial"]].concat()).ended(0);
    // What a person has to see to is left, and nothing else.
    assert_eq!(findings(&reconcile(&org, "hubspot", &from).ended(1).parsed()), found[2..]);
    assert_eq!(findings(&reconcile(&org, "salesforce", &from).ended(1).parsed()), ["k5 extra()"]);
    let names = org.crm().values("companies", "name");
    assert!(
        names.contains(&"Company k1".to_owned()) && names.contains(&"Company k2".to_owned()),
        "{names:?}"
    );
    assert_eq!(names.len(), 7, "{names:?}");
    assert_eq!(org.record("company", "k1")["applied_version"], 3, "the fence is where it was");
}

#[test]
fn given_what_is_not_there_or_cannot_be_reached_when_reconciled_then_the_exit_code_says_which() {
    let stack = Stack::here();
    let org = Plan::new("reconcile-codes").mapping("company", COMPANY).ready(&stack);
    let file = File::of(&org, &lines(&org, &IDS[..1]));
    let run = |args: &[&str]| stack.rtr(&[&["reconcile"], args, &["--from", file.name()]].concat());
    run(&["nobody", "hubspot"]).ended(4);
    run(&[&org.id, "salesforce"]).ended(4);
    run(&[&org.id, "hubspot", "deal"]).ended(4);
    stack.rtr(&["reconcile", &org.id, "hubspot", "--from", "/none"]).ended(4);
    // There is no list, and nothing else is named.
    for args in [&[][..], &["--json"]] {
        let said = stack.rtr(&[&["reconcile", &org.id, "hubspot"], args].concat()).ended(2);
        assert!(said.err.contains("has no `source`") && said.out.is_empty(), "{said:?}");
    }
    stack.rtr(&["reconcile", &org.id, "hubspot", "--sample", "0"]).ended(2);
    let missing = run(&[&org.id, "hubspot"]).ended(1);
    assert!(missing.out.contains("missing"), "{missing:?}");
    stack.rtr(&["connection", "pause", &org.id, "hubspot"]).ended(0);
    run(&[&org.id, "hubspot"]).ended(2);
    stack.rtr(&["connection", "resume", &org.id, "hubspot"]).ended(0);
    org.drop_secret();
    run(&[&org.id, "hubspot"]).ended(3);
}
