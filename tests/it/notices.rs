//! What operators are told by events: once, in time, and with what to do.

use crate::CONTACT;
use crate::stack::{Plan, ScratchQueue, Stack, Worker, eventually_within};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

#[test]
fn given_a_revoked_token_when_it_is_found_out_then_one_notification_says_so_within_a_minute_and_one_that_it_is_mended()
 {
    let stack = Stack::here();
    let org = Plan::new("told").mapping("contact", CONTACT).oauth().ready(&stack);
    let pattern = json!({"source": ["rtr"], "detail": {"org_id": [org.id]}});
    let heard = stack.listen(&format!("{}-notices", org.id), &pattern);
    let queue = ScratchQueue::new(&stack, 30);
    org.crm().tokens(json!({"action": "revoke"}));
    // Two environments find it out, again and again.
    let workers = [Worker::sync(&stack, &queue), Worker::sync(&stack, &queue)];
    let began = Instant::now();
    for (n, worker) in workers.iter().cycle().take(6).enumerate() {
        queue.send(&[org.contact(&format!("c{n}"), 1, &json!({"email": format!("p{n}@x.example")}))]);
        assert_eq!(queue.turn(worker, 10), 1);
    }
    let mut told: Vec<Value> = Vec::new();
    let mut listen = |wanted: usize| {
        eventually_within(Duration::from_secs(55), "a notification comes", || {
            told.extend(heard.take());
            if told.len() >= wanted { Ok(told.clone()) } else { Err(format!("{told:?}")) }
        })
    };
    let first = listen(1);
    assert!(began.elapsed() < Duration::from_secs(60));
    assert_eq!(first[0]["detail-type"], "connection.suspended", "{first:?}");
    let detail = &first[0]["detail"];
    assert_eq!(
        (&detail["connection"], &detail["provider"], &detail["code"], &detail["count"]),
        (&json!("hubspot"), &json!("hubspot"), &json!("RTR4004"), &json!(1)),
        "{detail}"
    );
    assert!(
        detail["action"].as_str().is_some_and(|action| action.contains("rtr connection connect")),
        "{detail}"
    );

    let token = format!("{}new-{}", crate::stack::CANARY, org.id);
    org.crm().tokens(json!({"expires_in": null, "token": token}));
    let text = json!({"type": "bearer", "token": token}).to_string();
    let put = stack.secrets.put_secret_value().secret_id(org.secret()).secret_string(text);
    stack.wait(put.send()).unwrap();
    for n in 0..2 {
        let worker = Worker::sync(&stack, &queue);
        queue.send(&[org.contact(&format!("n{n}"), 1, &json!({"email": format!("n{n}@x.example")}))]);
        queue.drain(&worker, 1);
    }
    let both = listen(2);
    assert_eq!(both[1]["detail-type"], "connection.resumed", "{both:?}");
    assert_eq!(both[1]["detail"]["since"], detail["since"], "it is of that suspension");
    // Each look waits a second for something to come.
    let more: Vec<Value> = (0..5).flat_map(|_| heard.take()).collect();
    assert!(more.is_empty(), "nothing is told twice: {more:?}");
}
