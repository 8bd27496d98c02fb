//! A producer's trace goes with its event: from the request that hands it in, over the queue, to the line of the CRM's call and to
//! X-Ray.

use crate::CONTACT;
use crate::stack::{Plan, ScratchQueue, Stack, Worker, variable};
use serde_json::{Value, json};
use std::net::UdpSocket;
use std::time::Duration;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";

fn request(org: &str, id: &str, sampled: u8) -> Value {
    let body = json!({"org_id": org, "record_type": "contact", "record_id": id, "version": 1,
        "data": {"email": format!("{id}@x.example")}});
    let headers =
        json!({"content-type": "application/json", "traceparent": format!("00-{TRACE}-{SPAN}-0{sampled}")});
    json!({"version": "2.0", "routeKey": "POST /events", "headers": headers, "body": body.to_string(),
        "isBase64Encoded": false, "requestContext": {"http": {"method": "POST"}}})
}

#[test]
fn given_a_traced_request_when_its_event_reaches_the_crm_then_the_call_is_told_in_that_trace() {
    let stack = Stack::here();
    let org = Plan::new("traced").mapping("contact", CONTACT).ready(&stack);
    let queue = ScratchQueue::new(&stack, 30);
    let to_it = [("RTR_CHANGES_QUEUE_URL", queue.url.as_str())];
    let ingest = Worker::start(&stack, "ingest", &variable("INGEST_FUNCTION_NAME"), &to_it);
    for (id, sampled) in [("kept", 1), ("passed", 0)] {
        let answer = ingest.ask(&request(&org.id, id, sampled));
        assert!([200, 202].contains(&answer["statusCode"].as_u64().unwrap()), "{answer}");
    }
    let daemon = UdpSocket::bind("127.0.0.1:0").unwrap();
    daemon.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let address = daemon.local_addr().unwrap().to_string();
    let worker = Worker::sync_with(&stack, &queue, &[("AWS_XRAY_DAEMON_ADDRESS", &address)]);
    queue.drain(&worker, 2);
    assert_eq!(org.crm().records("contacts").len(), 2);

    let log = worker.log();
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let calls: Vec<Value> = lines.filter(|line| line["event"] == "call").collect();
    let writes: Vec<&Value> = calls
        .iter()
        .filter(|call| call["path"].as_str().is_some_and(|path| path.contains("upsert")))
        .collect();
    assert!(!writes.is_empty(), "{log}");
    for call in &calls {
        assert_eq!((&call["trace_id"], &call["parent_id"]), (&json!(TRACE), &json!(SPAN)), "{call}");
        assert_eq!((&call["org_id"], &call["provider"]), (&json!(org.id), &json!("hubspot")), "{call}");
    }
    let mut packet = [0; 65_536];
    let size = daemon.recv(&mut packet).unwrap();
    let text = String::from_utf8_lossy(&packet[..size]).into_owned();
    let segment: Value = serde_json::from_str(text.split_once('\n').unwrap().1).unwrap();
    assert_eq!(segment["trace_id"], format!("1-{}-{}", &TRACE[..8], &TRACE[8..]), "{segment}");
    assert_eq!(segment["parent_id"], SPAN);
    assert_eq!(segment["subsegments"][0]["annotations"]["org_id"], org.id.as_str());
}
