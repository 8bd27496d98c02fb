//! `rtr` as scripts use it: exit codes and shapes.

use crate::CONTACT;
use crate::dead_letters_many::seed;
use crate::stack::{Plan, ScratchQueue, ScratchTable, Stack, Worker, eventually, same, unique, variable};
use serde_json::{Value, json};

#[test]
fn given_no_such_things_when_asked_for_then_the_exit_codes_say_so() {
    let stack = Stack::here();
    let nobody = unique();
    for act in [&["list"][..], &["preview", "--stored"], &["redrive"], &["drop"]] {
        let said = stack.rtr(&[&["dlq"], act, &["--org", &nobody, "--json"]].concat()).ended(4);
        assert!(said.out.is_empty() && said.err.contains(&format!("org `{nobody}`")), "{said:?}");
    }
    stack.rtr(&["dlq", "list", "--org", &nobody, "--code", "RTR3001"]).ended(4);
    stack.rtr(&["explain", "RTR9999"]).ended(4);
    let explained = stack.rtr(&["explain", "RTR3001", "--json"]).json();
    assert_eq!(explained["code"], "RTR3001");
    stack.rtr(&["record", &nobody, "contact", "c"]).ended(4);
    for empty in [["record", "", "contact", "c"], ["record", &nobody, "contact", ""]] {
        assert!(stack.rtr(&empty).ended(2).err.contains("it is empty"));
    }
    let said = stack.rtr(&["audit", "--action", "dlq.drp"]).ended(2);
    assert!(said.err.contains("did you mean `dlq.drop`?"), "{said:?}");
    let said = stack.rtr(&["audit", "--by", &nobody, "--json"]).ended(0);
    assert!(said.parsed() == json!([]) && said.err.contains("no entry matches"), "{said:?}");
    stack.rtr(&["dlq", "show", "0123456789abcdef"]).ended(4);
    stack.rtr(&["no-such-command"]).ended(2);
    stack.rtr(&["dlq", "list", "--since", "whenever"]).ended(2);
    let said = stack.rtr(&["dlq", "list", "--reason", "nonsense"]).ended(2);
    assert!(said.err.contains("malformed, mapping, rejected, waiting, crash"), "{said:?}");
    stack.rtr(&["--stack", &format!("no-{nobody}"), "connection", "list", "--json"]).ended(4);
    // Nobody listens on port 1.
    let nowhere = [("AWS_ENDPOINT_URL", "http://127.0.0.1:1")];
    let said = stack.rtr_with(&["dlq", "list", "--json"], "", &nowhere).ended(3);
    assert!(said.err.contains("http://127.0.0.1:1"), "{said:?}");
    let said = stack.rtr_with(&["connection", "list", "--json"], "", &nowhere).ended(3);
    assert!(said.err.contains("check AWS_ENDPOINT_URL"), "{said:?}");
    // A CRM answers there, and no AWS.
    let crm = variable("SANDBOX_URL");
    let said = stack.rtr_with(&["doctor"], "", &[("AWS_ENDPOINT_URL", &crm)]).ended(3);
    assert!(said.err.contains("does not look like AWS"), "{said:?}");
    let said = stack.rtr_with(&["doctor"], "", &[("AWS_REGION", "eu-west-1")]).ended(4);
    assert!(said.err.contains("region eu-west-1") && said.err.contains("AWS_REGION if"), "{said:?}");
    let said =
        stack.rtr_with(&["dlq", "list"], "", &[("AWS_REGION", ""), ("AWS_DEFAULT_REGION", "")]).ended(2);
    assert!(said.err.contains("no AWS region is set"), "{said:?}");
}

#[test]
fn given_a_table_that_is_gone_when_asked_then_whoever_reads_it_says_so_and_nobody_else() {
    let stack = Stack::here();
    let org = Plan::new("unplugged").mapping("contact", CONTACT).ready(&stack);
    let all = [&["connection", "list", &org.id][..], &["audit"], &["config", "show"], &["dlq", "list"]];
    for (table, codes) in [("CONFIG_TABLE_NAME", [4, 4, 4, 0]), ("RECORDS_TABLE_NAME", [4, 0, 0, 4])] {
        for (args, code) in all.iter().zip(codes) {
            let said = stack.rtr_with(args, "", &[(table, "rtr-no-such-table")]).ended(code);
            let told = said.err.contains("rtr doctor says what is missing");
            assert_eq!(told, code == 4, "{args:?} without {table}: {said:?}");
        }
    }
}

#[test]
fn given_letters_of_an_org_that_is_not_configured_when_a_filter_finds_none_then_that_is_an_answer_and_no_slip()
 {
    let stack = Stack::here();
    let org = Plan::new("unknown").mapping("contact", CONTACT).ready(&stack);
    seed(&stack, &org, 1);
    // Under this configuration there is no org at all.
    let empty = ScratchTable::like(&stack, "CONFIG_TABLE_NAME");
    let elsewhere = [("CONFIG_TABLE_NAME", empty.name.as_str())];
    let listed = |more: &[&str]| {
        let args = [&["dlq", "list", "--org", &org.id, "--json"], more].concat();
        stack.rtr_with(&args, "", &elsewhere).ended(0)
    };
    assert_eq!(listed(&[]).parsed().as_array().unwrap().len(), 1);
    let said = listed(&["--code", "RTR1001"]);
    assert!(said.parsed() == json!([]) && said.err.contains("is configured"), "{said:?}");
}

#[test]
fn given_what_needs_no_stack_when_asked_for_then_it_is_told_without_one() {
    let stack = Stack::here();
    let nowhere = [("AWS_ENDPOINT_URL", "http://127.0.0.1:1")];
    let told = |args: &[&str]| stack.rtr_with(args, "", &nowhere);
    let listed = told(&["schema", "--json"]).json();
    assert!(
        listed.as_array().unwrap().contains(&json!({"command": "dlq list", "file": "dlq-list.json"})),
        "{listed}"
    );
    let schema = told(&["schema", "dlq", "list"]).json();
    let kept = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/schema/dlq-list.json");
    assert_eq!(schema, serde_json::from_str::<Value>(&std::fs::read_to_string(kept).unwrap()).unwrap());
    told(&["schema", "dlq", "lst"]).ended(4);
    let cost = told(&["cost", "--syncs-per-day", "100000", "--json"]).json();
    assert!(cost["usd"].as_f64().is_some_and(|usd| usd > 1.0 && usd < 1_000.0), "{cost}");
    told(&["cost", "--syncs-per-day", "1", "--region-prices", "/none/at/all"]).ended(4);
    told(&["preview", "/none/at/all"]).ended(4);
    told(&["config", "init", "acme", "nocrm"]).ended(4);
    // Half an answer must not pass for the whole.
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = std::process::Command::new(stack.binaries.join("rtr"));
    let cut = command.args(["explain", "--list", "--json"]).stdout(full).output().unwrap();
    let err = String::from_utf8_lossy(&cut.stderr);
    assert_eq!(cut.status.code(), Some(3), "{err}");
    assert!(err.starts_with("rtr: stdout cannot be written: "), "{err}");
    assert!(told(&["completions", "bash"]).ended(0).out.contains("complete -F _rtr"));
    assert!(told(&["dlq", "redrive", "--help"]).ended(0).out.contains("Examples:\n  rtr dlq redrive"));
}

#[test]
fn given_an_org_when_asked_for_then_the_shapes_are_those_of_the_contract() {
    let stack = Stack::here();
    let org = Plan::new("shapes").mapping("contact", CONTACT).ready(&stack);
    stack.rtr(&["connection", "test", &org.id, "hubspot"]).ended(0);
    let listed = stack.rtr(&["connection", "list", &org.id, "--json"]).json();
    let listed = listed.as_array().unwrap();
    assert_eq!(listed.len(), 1);
    let one = &listed[0];
    assert_eq!(
        (&one["org_id"], &one["connection"], &one["provider"]),
        (&json!(org.id), &json!("hubspot"), &json!("hubspot"))
    );
    assert_eq!(one["mode"], "live");
    assert!(
        one["state"].is_string() && one.get("parked").is_some() && one.get("webhook_url").is_some(),
        "{one}"
    );

    stack.publish(&[org.contact("c", 4, &json!({"email": "c@x.example", "first_name": "Ann"}))]);
    let record = eventually("the record is applied", || {
        let said = stack.rtr(&["record", &org.id, "contact", "c", "--json"]);
        if said.code == 0 { Ok(said.json()) } else { Err(said.err) }
    });
    let known = &record["connections"]["hubspot"];
    assert_eq!((&known["status"], &known["applied_version"]), (&json!("applied"), &json!(4)), "{record}");
    assert_eq!(known["external_id"], org.crm().records("contacts")[0]["id"]);
    let line = &known["recent"][0];
    assert_eq!((&line["version"], &line["outcome"]), (&json!(4), &json!("applied")), "{record}");
    for name in ["at", "code", "message", "field"] {
        assert!(line.get(name).is_some(), "{name} is not in {line}");
    }
    assert_eq!(line["code"], Value::Null);
}

#[test]
fn given_a_file_with_wrong_lines_when_published_then_they_are_named_and_the_others_go() {
    let stack = Stack::here();
    let org = Plan::new("publish").mapping("contact", CONTACT).ready(&stack);
    let good = |id: &str| {
        json!({"org_id": org.id, "record_type": "contact", "record_id": id, "version": 1,
            "data": {"email": format!("{id}@x.example")}})
    };
    let file = format!("{}\n{{\"org_id\": 7}}\n{}\n", good("a"), good("b"));
    let said = stack.rtr_with(&["publish", "-", "--json"], &file, &[]).ended(1);
    let answer = said.parsed();
    assert_eq!(answer["sent"], 2, "{answer}");
    assert!(answer.to_string().contains("RTR1003"), "{answer}");
    eventually("both right ones", || {
        same(org.crm().values("contacts", "rtr_record_id"), vec!["a".to_owned(), "b".to_owned()])
    });
}

#[test]
fn given_a_message_in_the_queue_when_waiting_for_idleness_then_it_is_not_idle_until_the_message_is_worked_off()
 {
    let stack = Stack::here();
    let org = Plan::new("idle").mapping("contact", CONTACT).ready(&stack);
    // Queues and records of its own: the stack's are kept busy by the tests beside.
    let queue = || ScratchQueue::new(&stack, 30);
    let (changes, letters, batons) = (queue(), queue(), queue());
    let records = ScratchTable::like(&stack, "RECORDS_TABLE_NAME");
    let limits = ScratchTable::like(&stack, "LIMITS_TABLE_NAME");
    let own = [
        ("CHANGES_QUEUE_URL", changes.url.as_str()),
        ("DEAD_LETTER_QUEUE_URL", letters.url.as_str()),
        ("BULK_QUEUE_URL", batons.url.as_str()),
        ("RECORDS_TABLE_NAME", records.name.as_str()),
        ("LIMITS_TABLE_NAME", limits.name.as_str()),
    ];
    let tables = [("RTR_RECORDS_TABLE", records.name.as_str()), ("RTR_LIMITS_TABLE", limits.name.as_str())];
    let wait = |timeout| stack.rtr_with(&["wait", "--idle", "--timeout", timeout, "--json"], "", &own);
    changes.send(&[org.contact("c", 1, &json!({"email": "c@x.example"}))]);
    let busy = wait("1s").ended(1);
    assert_eq!(busy.parsed()["idle"], false, "{busy:?}");
    assert!(busy.err.contains("changes.fifo: 1 waiting"), "{busy:?}");
    changes.drain(&Worker::sync_with(&stack, &changes, &tables), 1);
    assert_eq!(wait("20s").json()["idle"], true);
    stack.rtr(&["wait"]).ended(2);

    // What is parked where a person has stopped the connection waits for that person, and keeps nobody else waiting.
    stack.rtr(&["connection", "pause", &org.id, "hubspot"]).ended(0);
    changes.send(&[org.contact("c", 2, &json!({"email": "c2@x.example"}))]);
    changes.drain(&Worker::sync_with(&stack, &changes, &tables), 1);
    let listed = || stack.rtr_with(&["parked", "list", "--org", &org.id, "--json"], "", &own).json();
    assert_eq!((listed().as_array().unwrap().len(), &listed()[0]["version"]), (1, &json!(2)));
    assert_eq!(wait("20s").json()["idle"], true);
    // Nobody is at these queues: once it may go on, its lane is to be started and is not.
    stack.rtr_with(&["connection", "resume", &org.id, "hubspot"], "", &own).ended(0);
    let busy = wait("1s").ended(1);
    assert!(busy.err.contains("1 parked and due; 1 bulk lane about to be looked at"), "{busy:?}");
}
