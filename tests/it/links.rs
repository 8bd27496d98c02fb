//! Moving in: links brought from another sync, then events, and not one record made or looked for.

use crate::CONTACT;
use crate::stack::{Org, Plan, Stack, eventually, same};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::{Command, Stdio};

const LINKS: usize = 10_000;
const CREATES: [&str; 3] = ["/batch/upsert", "/batch/create", "/search"];

/// A file of one test, with what stands beside it.
struct File(PathBuf);

impl File {
    fn of(org: &Org<'_>, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("rtr-links-{}.csv", org.id));
        std::fs::write(&path, text).unwrap();
        Self(path)
    }

    fn name(&self) -> &str {
        self.0.to_str().unwrap()
    }

    fn checkpoint(&self) -> PathBuf {
        PathBuf::from(format!("{}.rtr-state", self.name()))
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
        let _ = std::fs::remove_file(self.checkpoint());
    }
}

fn import(org: &Org<'_>, lines: &str, options: &[&str]) -> crate::stack::Said {
    let args = [&["links", "import", &org.id, "hubspot", "contact", "-", "--json"], options].concat();
    org.stack.rtr_with(&args, lines, &[])
}

fn seeded(org: &Org<'_>, count: usize) -> Vec<String> {
    let theirs: Vec<Value> = (0..count).map(|n| json!({"email": format!("p{n:05}@x.example")})).collect();
    theirs.chunks(1_000).flat_map(|some| org.crm().seed("contacts", some)).collect()
}

#[test]
fn given_ten_thousand_links_when_imported_and_an_event_comes_for_each_then_none_is_created_or_searched_for() {
    let stack = Stack::here();
    let mapping = "object: contacts\nmatch: email\nfields:\n  email: email\n  firstname: first_name\n";
    let org = Plan::new("moving").mapping("contact", mapping).ready(&stack);
    let ids = seeded(&org, LINKS);
    let lines: String = ids.iter().enumerate().map(|(n, id)| format!("r{n:05},{id}\n")).collect();
    let said = import(&org, &lines, &[]).json();
    assert_eq!((&said["imported"], &said["refused"]), (&json!(LINKS), &json!([])), "{said}");

    let mark = org.crm().mark();
    // The stack's own functions get to a part of them in a test's time; every kind of batch is among them.
    let some: Vec<usize> = (0..LINKS).step_by(10).collect();
    let event = |n: usize| {
        org.contact(
            &format!("r{n:05}"),
            1,
            &json!({"email": format!("p{n:05}@x.example"), "first_name": "Ann"}),
        )
    };
    stack.publish(&some.iter().map(|n| event(*n)).collect::<Vec<_>>());
    eventually("each is written", || {
        let written: u64 = org
            .crm()
            .requests(mark)
            .iter()
            .filter(|it| it.what.ends_with("/batch/update"))
            .map(|it| it.items)
            .sum();
        same(written >= some.len() as u64, true)
    });
    let requests = org.crm().requests(mark);
    let others: Vec<_> =
        requests.iter().filter(|it| CREATES.iter().any(|what| it.what.ends_with(what))).collect();
    assert!(others.is_empty(), "{others:?}");
    assert_eq!(org.crm().records("contacts").len(), LINKS);
}

#[test]
fn given_lines_that_contradict_each_other_when_imported_then_both_are_listed_and_the_rest_is_in() {
    let stack = Stack::here();
    let org = Plan::new("twice").mapping("contact", CONTACT).ready(&stack);
    let lines = "record_id,external_id,version\na,1,3\nb,2,\nc,2,\nd,3,\nd,4,\nbad\n";
    let said = import(&org, lines, &[]).ended(1).parsed();
    let refused: Vec<_> = said["refused"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["line"].as_u64().unwrap(), it["reason"].as_str().unwrap()))
        .collect();
    assert_eq!(
        refused,
        [
            (3, "shared_external_id"),
            (4, "shared_external_id"),
            (5, "shared_record_id"),
            (6, "shared_record_id"),
            (7, "malformed")
        ]
    );
    assert_eq!(said["imported"], 1, "{said}");
    assert_eq!(
        (&org.record("contact", "a")["external_id"], &org.record("contact", "a")["applied_version"]),
        (&json!("1"), &json!(3))
    );
    assert_eq!(org.record("contact", "b"), Value::Null);
    // Again: known. Another record on it: refused, naming the owner.
    assert_eq!(import(&org, "a,1\n", &[]).json()["same"], 1);
    let said = import(&org, "e,1\n", &[]).ended(1).parsed();
    assert!(said["refused"][0]["message"].as_str().unwrap().ends_with("#contact#a"), "{said}");
    // What does not exist is told apart from what is wrong.
    let none =
        |args: [&str; 3]| stack.rtr_with(&[&["links", "import"], &args[..], &["-"]].concat(), "a,1\n", &[]);
    none([&org.id, "hubspot", "contcat"]).ended(4);
    none([&org.id, "hubspott", "contact"]).ended(4);
    none([&format!("no-{}", org.id), "hubspot", "contact"]).ended(4);
    // Links that cannot be written are no slip of the command line.
    let export = ["links", "export", &org.id, "hubspot", "contact"];
    let said = stack.rtr(&[&export[..], &["--out", "/dev/full"]].concat()).ended(3);
    assert!(said.err.contains("/dev/full cannot be written"), "{said:?}");
    stack.rtr(&[&export[..], &["--out", "/none/at/all"]].concat()).ended(2);
}

#[test]
fn given_links_when_verified_and_stamped_then_the_crm_has_our_keys_and_what_it_lacks_is_refused() {
    let stack = Stack::here();
    let org = Plan::new("stamp").mapping("contact", CONTACT).ready(&stack);
    let ids = seeded(&org, 150);
    let other = org.crm().seed("contacts", &[json!({"email": "o@x.example", "rtr_record_id": "someone"})]);
    let mut lines: String = ids.iter().enumerate().map(|(n, id)| format!("r{n:03},{id}\n")).collect();
    lines += &format!("gone,999999999\nthief,{}\n", other[0]);
    let rejects = std::env::temp_dir().join(format!("rtr-rejects-{}", org.id));
    let said = import(&org, &lines, &["--stamp", "--rejects", rejects.to_str().unwrap()]).ended(1).parsed();
    assert_eq!((&said["imported"], &said["stamped"]), (&json!(150), &json!(150)), "{said}");
    let reasons: Vec<_> =
        said["refused"].as_array().unwrap().iter().map(|it| it["reason"].as_str().unwrap()).collect();
    assert_eq!(reasons, ["missing", "stamped"]);
    assert_eq!(std::fs::read_to_string(&rejects).unwrap(), format!("gone,999999999\nthief,{}\n", other[0]));
    std::fs::remove_file(rejects).unwrap();
    let mut keys: Vec<String> = (0..150).map(|n| format!("r{n:03}")).collect();
    keys.push("someone".to_owned());
    assert_eq!(org.crm().values("contacts", "rtr_record_id"), keys);
    // Once more costs the CRM reads and no write.
    let mark = org.crm().mark();
    assert_eq!(import(&org, &lines, &["--stamp"]).ended(1).parsed()["same"], 150);
    assert!(org.crm().requests(mark).iter().all(|it| it.what.ends_with("/batch/read")));
}

#[test]
fn given_a_limit_at_the_crm_when_verified_then_it_is_waited_for_and_every_link_is_in() {
    let stack = Stack::here();
    let limits = json!([{"api": "*", "requests": 2, "per": "1s"}]);
    let org = Plan::new("slow").limits(limits).mapping("contact", CONTACT).ready(&stack);
    let ids = seeded(&org, 700);
    let lines: String = ids.iter().enumerate().map(|(n, id)| format!("r{n:03},{id}\n")).collect();
    let said = import(&org, &lines, &["--verify"]).json();
    assert_eq!(said["imported"], 700, "{said}");
    assert!(org.crm().requests(0).iter().all(|it| it.status != 429));
}

#[test]
fn given_an_import_that_is_killed_when_resumed_then_it_goes_on_and_every_link_is_in_once() {
    let stack = Stack::here();
    let org = Plan::new("killed").mapping("contact", CONTACT).ready(&stack);
    let file = File::of(&org, &(0..20_000).map(|n| format!("r{n:05},{n}\n")).collect::<String>());
    let args = ["links", "import", &org.id, "hubspot", "contact", file.name(), "--json"];
    let mut child =
        Command::new(stack.binaries.join("rtr")).args(args).stdout(Stdio::null()).spawn().unwrap();
    eventually("a checkpoint is written", || same(file.checkpoint().exists(), true));
    child.kill().unwrap();
    let died = child.wait().unwrap();
    assert!(!died.success(), "it was killed before its end");
    let said = stack.rtr(&[&args[..], &["--resume"]].concat()).json();
    let after = said["resumed_after"].as_u64().unwrap();
    let done = said["imported"].as_u64().unwrap() + said["same"].as_u64().unwrap();
    assert!(after > 0 && done <= 20_000 - after, "{said}");
    assert!(!file.checkpoint().exists());
    // All of them are there, each as it was told.
    let exported = stack.rtr(&["links", "export", &org.id, "hubspot", "contact"]).ended(0);
    let mut lines: Vec<&str> = exported.out.lines().skip(1).collect();
    lines.sort_unstable();
    assert_eq!(lines.len(), 20_000);
    assert_eq!((lines[0], lines[19_999]), ("r00000,0,", "r19999,19999,"));
}

#[test]
fn given_links_when_exported_and_imported_elsewhere_then_they_are_the_same() {
    let stack = Stack::here();
    let (org, other) = (
        Plan::new("out").mapping("contact", CONTACT).ready(&stack),
        Plan::new("in").mapping("contact", CONTACT).ready(&stack),
    );
    let long = "#%".repeat(256);
    let lines = format!("plain,1,7\n\"a,\"\"b\"\"\",2\n{long},3\n");
    import(&org, &lines, &[]).ended(0);
    let export = |org: &Org<'_>, options: &[&str]| {
        let said =
            stack.rtr(&[&["links", "export", &org.id, "hubspot", "contact"], options].concat()).ended(0);
        let mut lines: Vec<String> = said.out.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let csv = export(&org, &[]);
    assert_eq!(csv.len(), 4, "{csv:?}");
    for form in [&["--format", "jsonl"][..], &[]] {
        // A header stands first, wherever it was sorted to.
        let mut text = export(&org, form);
        text.sort_by_key(|line| !line.starts_with("record_id,"));
        let said = import(&other, &text.join("\n"), &[]).json();
        assert_eq!(said["imported"].as_u64().unwrap() + said["same"].as_u64().unwrap(), 3, "{said}");
        assert_eq!(export(&other, &[]), csv);
    }
}
