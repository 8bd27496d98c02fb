//! Events that are wrong: each is filed with what is wrong with it, and takes no neighbour along.

use crate::CONTACT;
use crate::stack::{Event, Org, Plan, Stack, eventually, now_ms, same, unique};
use serde_json::{Value, json};

/// A wrong event: what is changed in a right one, and the code, the field and a part of the message expected.
struct Case {
    change: (&'static str, Value),
    code: &'static str,
    field: &'static str,
    says: &'static str,
}

fn case(change: (&'static str, Value), code: &'static str, says: &'static str) -> Case {
    Case { field: change.0, change, code, says }
}

fn cases() -> Vec<Case> {
    vec![
        case(("record_type", Value::Null), "RTR1002", "`record_type` is missing"),
        case(("record_id", Value::Null), "RTR1002", "`record_id` is missing"),
        case(("version", Value::Null), "RTR1002", "`version` is missing"),
        case(("data", Value::Null), "RTR1002", "`data` is missing"),
        case(("record_id", json!(7)), "RTR1003", "a string is expected"),
        case(("data", json!([1])), "RTR1003", "an object is expected"),
        case(("operation", json!("merge")), "RTR1003", "none of upsert, created, updated, deleted"),
        case(("record_id", json!("")), "RTR1004", "0 characters"),
        case(("record_id", json!("x".repeat(513))), "RTR1004", "513 characters"),
        case(("record_id", json!("a\u{7}b")), "RTR1004", "control character at position 2"),
        case(("version", json!(-1)), "RTR1005", "below 0"),
        case(("version", json!(1_u64 << 53)), "RTR1005", "above 9007199254740991"),
        case(("version", json!("7")), "RTR1005", "a string, an integer is expected"),
        case(("version", json!(1.5)), "RTR1005", "not an integer"),
    ]
}

/// The letters whose body holds `text`, as `rtr dlq list` shows them.
fn letters_about(stack: &Stack, text: &str) -> Vec<(Value, String)> {
    let shown = stack.rtr(&["dlq", "show", "--reason", "malformed", "--show-data", "--json"]);
    let shown = if shown.code == 4 { json!([]) } else { shown.json() };
    let listed = stack.rtr(&["dlq", "list", "--reason", "malformed", "--json"]).json();
    let of = |letter: &Value| {
        let body = shown.as_array()?.iter().find(|shown| shown["id"] == letter["id"])?["data"].to_string();
        body.contains(text).then(|| (letter.clone(), body))
    };
    listed.as_array().unwrap().iter().filter_map(of).collect()
}

fn good(org: &Org<'_>, n: usize) -> Event {
    org.contact(&format!("good{n:02}"), 1, &json!({"email": format!("good{n:02}@x.example")}))
}

#[test]
fn given_wrong_events_among_right_ones_when_all_are_through_then_each_wrong_one_is_listed_with_its_reason() {
    let stack = Stack::here();
    let org = Plan::new("wrong").mapping("contact", CONTACT).ready(&stack);
    let mut events = Vec::new();
    for (n, case) in cases().iter().enumerate() {
        let mut body = json!({"org_id": org.id, "record_type": "contact", "record_id": "c", "version": 1,
            "data": {"case": format!("{}-case{n:02}.", org.id)}, "event_id": format!("{}-case{n:02}.", org.id)});
        match &case.change.1 {
            Value::Null => drop(body.as_object_mut().unwrap().remove(case.change.0)),
            value => body[case.change.0] = value.clone(),
        }
        events.push(Event::raw(&body.to_string(), &format!("{}#contact#wrong{n}", org.id)));
        events.push(good(&org, n));
    }
    let broken = format!("{{\"org_id\": \"{}-broken.\",", org.id);
    events.push(Event::raw(&broken, &format!("{}#contact#broken", org.id)));
    stack.publish(&events);

    let letters = eventually("every wrong event is filed", || {
        let letters = letters_about(&stack, &org.id);
        same(letters.len(), cases().len() + 1).map(|()| letters)
    });
    let about = |mark: &str| {
        let found = letters.iter().find(|(_, body)| body.contains(&format!("{}-{mark}.", org.id)));
        &found.unwrap_or_else(|| panic!("no letter about {mark}: {letters:#?}")).0
    };
    for (n, case) in cases().iter().enumerate() {
        let letter = about(&format!("case{n:02}"));
        assert_eq!((&letter["code"], &letter["field"]), (&json!(case.code), &json!(case.field)), "{letter}");
        assert!(letter["message"].as_str().unwrap().contains(case.says), "{letter}");
        assert_eq!(letter["org_id"], json!(org.id), "{letter}");
    }
    let broken = about("broken");
    assert_eq!((&broken["code"], &broken["org_id"]), (&json!("RTR1001"), &Value::Null));
    assert!(broken["message"].as_str().unwrap().contains("line 1 column"), "{broken}");

    let wanted: Vec<String> = (0..cases().len()).map(|n| format!("good{n:02}")).collect();
    eventually("the right ones are applied", || {
        same(org.crm().values("contacts", "rtr_record_id"), wanted.clone())
    });
}

#[test]
fn given_an_event_of_an_unknown_org_when_it_is_through_then_it_is_skipped_and_no_dead_letter() {
    let stack = Stack::here();
    let (nobody, began) = (format!("nobody-{}", unique()), now_ms());
    let key = rtr_core::key::RecordKey::new(&nobody, "contact", "c");
    stack.publish(&[Event::upsert(&key, 1, &json!({"email": "c@x.example"}))]);
    let line = eventually("the function says so", || {
        let lines = stack.function_logs(began - 1_000);
        lines.into_iter().find(|line| line.contains(&nobody)).ok_or_else(|| "no line".to_owned())
    });
    assert!(line.contains("\"outcome\":\"skipped\""), "{line}");
    let said = stack.rtr(&["dlq", "list", "--org", &nobody, "--json"]).ended(4);
    assert!(said.err.contains("no configuration"), "nothing is dead there, and it is nobody: {said:?}");
}
