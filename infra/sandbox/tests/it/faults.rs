use crate::world::{CONTACTS, World, texts};
use rtr_sandbox::{Ending, Reply};
use serde_json::{Value, json};

fn upsert(world: &mut World, emails: &[&str]) -> Reply {
    let input = |email: &&str| json!({"id": email, "idProperty": "email", "properties": {"zip": "1"}});
    let body = json!({"inputs": emails.iter().map(input).collect::<Vec<_>>()});
    let request = world.request("POST", &format!("{CONTACTS}/batch/upsert")).json(&body);
    world.send(&request)
}

#[test]
fn given_latency_when_called_then_the_answer_is_held_back_and_the_work_is_done() {
    let mut world = World::new();
    world.fault(json!({"fault": "latency", "value": 750, "count": 1}));
    assert_eq!(upsert(&mut world, &["a@x.io"]).delay_ms, 750);
    assert_eq!(upsert(&mut world, &["a@x.io"]).delay_ms, 0);
    assert_eq!(world.records("contacts").len(), 1);
}

#[test]
fn given_a_status_when_called_then_the_vendor_words_it_and_nothing_is_done() {
    let mut world = World::new();
    for status in [400, 401, 403, 404, 409, 423, 429, 477, 500, 502, 503, 504, 522] {
        world.fault(json!({"fault": "status", "value": status, "count": 1}));
        let reply = upsert(&mut world, &["a@x.io"]);
        assert_eq!((reply.status, &reply.value()["status"]), (status, &json!("error")));
        assert!(reply.value()["correlationId"].is_string());
    }
    world.fault(
        json!({"fault": "status", "value": {"status": 429, "body": {"x": 1}, "headers": {"Retry-After": 7}}}),
    );
    let reply = upsert(&mut world, &["a@x.io"]);
    assert_eq!((reply.status, reply.value()), (429, json!({"x": 1})));
    assert!(reply.headers.contains(&("retry-after".to_owned(), "7".to_owned())));
    assert!(world.records("contacts").is_empty());
}

#[test]
fn given_a_cut_after_the_commit_when_called_then_the_record_is_there() {
    let mut world = World::new();
    world.fault(json!({"fault": "drop_after_commit", "match": {"path": "batch/upsert"}, "count": 1}));
    assert_eq!(upsert(&mut world, &["a@x.io"]).ending, Ending::Cut);
    assert_eq!(world.records("contacts").len(), 1);
}

#[test]
fn given_a_cut_before_a_late_commit_when_time_passes_then_the_write_lands_even_over_a_newer_one() {
    let mut world = World::new();
    world.fault(json!({"fault": "drop_then_commit", "value": 3000, "count": 1, "match": {"body": "a@x.io"}}));
    assert_eq!(upsert(&mut world, &["a@x.io"]).ending, Ending::Cut);
    assert!(world.records("contacts").is_empty());
    assert_eq!(world.sandbox.next_due(), Some(world.now + 3000));
    world.now += 1000;
    let newer = json!({"inputs": [{"id": "a@x.io", "idProperty": "email", "properties": {"zip": "2"}}]});
    assert_eq!(world.post(&format!("{CONTACTS}/batch/upsert"), newer).0, 200);
    assert_eq!(world.records("contacts")[0]["properties"]["zip"], "2");
    world.now += 2000;
    assert_eq!(world.records("contacts")[0]["properties"]["zip"], "1");
    assert_eq!(world.sandbox.next_due(), None);
}

#[test]
fn given_a_refused_connection_when_called_then_nothing_ever_happens() {
    let mut world = World::new();
    world.fault(json!({"fault": "refuse", "count": 1}));
    assert_eq!(upsert(&mut world, &["a@x.io"]).ending, Ending::Cut);
    world.now += 1_000_000;
    assert!(world.records("contacts").is_empty());
}

#[test]
fn given_damaged_answers_when_called_then_the_work_is_done_all_the_same() {
    let mut world = World::new();
    world.fault(json!({"fault": "empty_2xx", "count": 1}));
    let reply = upsert(&mut world, &["a@x.io"]);
    assert_eq!((reply.status, reply.body.len()), (200, 0));
    world.fault(json!({"fault": "truncate", "value": 10, "count": 1}));
    let reply = upsert(&mut world, &["b@x.io"]);
    assert_eq!(reply.ending, Ending::Truncated(10));
    assert!(reply.body.len() > 10);
    assert_eq!(world.records("contacts").len(), 2);
}

#[test]
fn given_a_page_or_a_redirect_from_a_proxy_when_called_then_nothing_is_done() {
    let mut world = World::new();
    world.fault(json!({"fault": "html", "count": 1}));
    let reply = upsert(&mut world, &["a@x.io"]);
    assert_eq!((reply.status, reply.value()), (200, Value::Null));
    assert!(reply.headers.iter().any(|(_, value)| value.starts_with("text/html")));
    world.fault(json!({"fault": "redirect", "value": "http://169.254.169.254/latest", "count": 1}));
    let reply = upsert(&mut world, &["a@x.io"]);
    assert_eq!(reply.status, 302);
    assert!(reply.headers.contains(&("location".to_owned(), "http://169.254.169.254/latest".to_owned())));
    assert!(world.records("contacts").is_empty());
}

#[test]
fn given_reordered_or_missing_results_when_called_then_all_is_written() {
    let mut world = World::new();
    let emails = ["a@x.io", "b@x.io", "c@x.io"];
    let ids = |reply: Reply| texts(&reply.value()["results"], "/id");
    let plain = ids(upsert(&mut world, &emails));
    world.fault(json!({"fault": "reorder", "count": 1}));
    let mut turned = ids(upsert(&mut world, &emails));
    turned.reverse();
    assert_eq!(turned, plain);
    world.fault(json!({"fault": "omit", "count": 1}));
    assert_eq!(ids(upsert(&mut world, &emails)), plain[..2]);
    assert_eq!(world.records("contacts").len(), 3);
}

#[test]
fn given_a_token_that_expires_in_flight_when_called_then_401_from_then_on() {
    let mut world = World::new();
    world.fault(json!({"fault": "expire_token", "count": 1}));
    for _ in 0..2 {
        let reply = upsert(&mut world, &["a@x.io"]);
        assert_eq!((reply.status, &reply.value()["category"]), (401, &json!("EXPIRED_AUTHENTICATION")));
    }
}

#[test]
fn given_a_fault_of_another_account_when_called_then_it_does_not_apply() {
    let mut world = World::new();
    let other = json!([{"provider": "hubspot", "account": "other", "fault": "refuse"}]);
    world.control("PUT", "/faults", other);
    assert_eq!(upsert(&mut world, &["a@x.io"]).status, 200);
}
