use super::{KEY, Org, code, record};
use rtr_sandbox::{Ending, Reply};
use serde_json::{Value, json};

fn upsert(org: &mut Org, keys: &[&str]) -> Reply {
    let one = |key: &&str| record("Contact", json!({"LastName": "A", KEY: key}));
    let body = json!({"records": keys.iter().map(one).collect::<Vec<Value>>()});
    let request = org.request("PATCH", &format!("/composite/sobjects/Contact/{KEY}")).json(&body);
    org.send(&request)
}

#[test]
fn given_reordered_or_missing_results_when_called_then_all_is_written() {
    let mut org = Org::keyed();
    let ids = |reply: Reply| -> Vec<Value> {
        reply.value().as_array().unwrap().iter().map(|item| item["id"].clone()).collect()
    };
    let plain = ids(upsert(&mut org, &["a", "b", "c"]));
    org.fault(json!({"fault": "reorder", "count": 1}));
    let mut turned = ids(upsert(&mut org, &["a", "b", "c"]));
    turned.reverse();
    assert_eq!(turned, plain);
    org.fault(json!({"fault": "omit", "count": 1}));
    assert_eq!(ids(upsert(&mut org, &["a", "b", "c"])), plain[..2]);
    org.fault(json!({"fault": "omit", "count": 1}));
    assert_eq!(org.get("/nowhere").1.as_array().unwrap().len(), 1, "an error stays whole");
}

#[test]
fn given_a_bare_status_when_called_then_the_vendor_words_it_and_nothing_is_done() {
    let mut org = Org::keyed();
    for (status, expected) in [
        (400, "UNABLE_TO_LOCK_ROW"),
        (401, "INVALID_SESSION_ID"),
        (403, "REQUEST_LIMIT_EXCEEDED"),
        (404, "NOT_FOUND"),
        (500, "UNKNOWN_EXCEPTION"),
        (502, "SERVER_UNAVAILABLE"),
        (503, "SERVER_UNAVAILABLE"),
    ] {
        org.fault(json!({"fault": "status", "value": status, "count": 1}));
        let reply = upsert(&mut org, &["a"]);
        assert_eq!((reply.status, code(&reply.value())), (status, expected));
    }
    assert!(org.records("Contact").is_empty());
}

#[test]
fn given_a_cut_before_or_after_the_commit_when_called_then_the_record_is_there_in_the_end() {
    let mut org = Org::keyed();
    org.fault(json!({"fault": "drop_after_commit", "count": 1}));
    assert_eq!(upsert(&mut org, &["a"]).ending, Ending::Cut);
    assert_eq!(org.records("Contact").len(), 1);
    org.fault(json!({"fault": "drop_then_commit", "value": 500, "count": 1}));
    assert_eq!(upsert(&mut org, &["b"]).ending, Ending::Cut);
    assert_eq!(org.records("Contact").len(), 1);
    org.now += 500;
    assert_eq!(org.records("Contact").len(), 2);
}

#[test]
fn given_a_token_that_expires_in_flight_when_called_then_401_until_it_is_refreshed() {
    let mut org = Org::keyed();
    org.fault(json!({"fault": "expire_token", "count": 1}));
    for _ in 0..2 {
        let reply = upsert(&mut org, &["a"]);
        assert_eq!((reply.status, code(&reply.value())), (401, "INVALID_SESSION_ID"));
    }
    org.token = org.issue(json!({}))["access_token"].as_str().unwrap().to_owned();
    assert_eq!(upsert(&mut org, &["a"]).status, 200);
}
