use super::{Org, code, record};
use serde_json::{Value, json};

fn children(parent: &str, count: usize) -> Value {
    let one = |n: usize| record("Contact", json!({"LastName": format!("{n}"), "AccountId": parent}));
    json!((0..count).map(one).collect::<Vec<Value>>())
}

fn locking() -> (Org, String, String) {
    let mut org = Org::new();
    let parents = ["A", "B"].map(|name| org.create("Account", json!({"Name": name})));
    org.own("PUT", "/settings", json!({"row_locks": {"hold_ms": 50}}));
    let [one, other] = parents;
    (org, one, other)
}

#[test]
fn given_children_of_one_parent_when_written_by_two_calls_at_once_then_the_second_ones_items_are_locked() {
    let (mut org, one, other) = locking();
    let body = json!({"records": children(&one, 4)});
    let request = org.request("POST", "/composite/sobjects").json(&body);
    let reply = org.send(&request);
    assert!(reply.value().as_array().unwrap().iter().all(|item| item["success"] == true));
    assert_eq!(reply.delay_ms, 200, "the write goes on for as long as its locks are held");
    org.now += 199;
    let mut mixed = children(&one, 1);
    mixed.as_array_mut().unwrap().extend(children(&other, 1).as_array().unwrap().clone());
    let items = org.items("POST", "", mixed);
    assert_eq!((code(&items[0]), &items[1]["success"]), ("UNABLE_TO_LOCK_ROW", &json!(true)));
    let message = format!("unable to obtain exclusive access to this record or 1 records: {one}");
    assert_eq!(items[0]["errors"][0]["message"], json!(message));
    org.now += 1;
    assert_eq!(org.items("POST", "", children(&one, 1))[0]["success"], true);
}

#[test]
fn given_a_parent_that_is_locked_when_it_or_a_child_is_touched_alone_then_400() {
    let (mut org, one, _) = locking();
    let child = org.create("Contact", json!({"LastName": "A", "AccountId": one}));
    for path in [format!("/sobjects/Account/{one}"), format!("/sobjects/Contact/{child}")] {
        let (status, body) = org.patch(&path, json!({"Description": "x"}));
        assert_eq!((status, code(&body)), (400, "UNABLE_TO_LOCK_ROW"));
    }
    org.now += 50;
    assert_eq!(org.patch(&format!("/sobjects/Account/{one}"), json!({"Description": "x"})).0, 204);
}

#[test]
fn given_one_caller_that_waits_for_its_answers_when_it_writes_in_turn_then_nothing_is_locked() {
    let (mut org, one, _) = locking();
    for _ in 0..3 {
        let request =
            org.request("POST", "/composite/sobjects").json(&json!({"records": children(&one, 200)}));
        let reply = org.send(&request);
        assert!(reply.value().as_array().unwrap().iter().all(|item| item["success"] == true));
        org.now += i64::try_from(reply.delay_ms).unwrap();
    }
    assert_eq!(org.records("Contact").len(), 600);
}

#[test]
fn given_no_locks_set_when_written_then_no_call_takes_time() {
    let mut org = Org::new();
    let parent = org.create("Account", json!({"Name": "A"}));
    let request = org.request("POST", "/composite/sobjects").json(&json!({"records": children(&parent, 3)}));
    assert_eq!(org.send(&request).delay_ms, 0);
    assert_eq!(org.items("POST", "", children(&parent, 1))[0]["success"], true);
}
