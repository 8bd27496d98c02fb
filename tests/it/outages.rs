//! A CRM that is down for a while: everything waits, and nothing is lost or made twice.

use crate::CONTACT;
use crate::stack::{Plan, Stack, eventually, same};
use serde_json::json;

#[test]
fn given_a_crm_that_is_down_for_a_while_when_it_is_back_then_everything_arrives_once() {
    let stack = Stack::here();
    let org = Plan::new("outage").mapping("contact", CONTACT).ready(&stack);
    let crm = org.crm();
    crm.fault(json!({"match": {"path": "*/objects/*"}, "fault": "status", "value": 503, "count": 6}));
    let mark = crm.mark();
    let data = |n: usize| json!({"email": format!("p{n:02}@x.example"), "first_name": "Ann"});
    stack.publish(&(0..25).map(|n| org.contact(&format!("c{n:02}"), 1, &data(n))).collect::<Vec<_>>());
    let wanted: Vec<String> = (0..25).map(|n| format!("c{n:02}")).collect();
    eventually("everything arrives", || same(crm.values("contacts", "rtr_record_id"), wanted.clone()));
    let requests = crm.requests(mark);
    assert!(requests.iter().any(|request| request.status == 503), "it was down: {requests:#?}");
    assert!(requests.len() < 40, "an outage is no reason to hammer: {requests:#?}");
    assert!(org.dead_letters().is_empty());
}

#[test]
fn given_a_crm_that_is_down_when_its_connection_is_listed_then_the_breaker_says_so_until_it_is_back() {
    let stack = Stack::here();
    let org = Plan::new("breaker").mapping("contact", CONTACT).ready(&stack);
    let listed = || stack.rtr(&["connection", "list", &org.id, "--json"]).json()[0].clone();
    let healthy = listed();
    assert_eq!(
        (&healthy["state"], &healthy["breaker"]["state"]),
        (&json!("ok"), &json!("closed")),
        "{healthy}"
    );
    org.crm()
        .fault(json!({"match": {"path": "*/objects/*"}, "fault": "status", "value": 503, "count": 1_000}));
    let data = |n: usize| json!({"email": format!("p{n}@x.example"), "first_name": "Ann"});
    stack.publish(&(0..3).map(|n| org.contact(&format!("c{n}"), 1, &data(n))).collect::<Vec<_>>());
    let open = eventually("its breaker is open", || {
        let one = listed();
        if one["breaker"]["state"] == "open" { Ok(one) } else { Err(one.to_string()) }
    });
    assert_eq!(open["state"], "stopped", "{open}");
    assert!(
        open["breaker"]["until"].is_string() && open["breaker"]["until"] == open["blocked_until"],
        "{open}"
    );
    assert!(open["message"].as_str().is_some_and(|text| text.contains("failed")), "{open}");
    org.crm().calm();
    eventually("everything arrives", || same(org.crm().values("contacts", "rtr_record_id").len(), 3));
    eventually("its breaker is closed", || {
        let one = listed();
        let fine = one["state"] == "ok" && one["parked"] == 0 && one["breaker"]["state"] == "closed";
        if fine { Ok(()) } else { Err(one.to_string()) }
    });
}
