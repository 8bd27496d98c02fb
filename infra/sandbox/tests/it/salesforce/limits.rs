use super::{Org, code};
use serde_json::{Value, json};

const DAY: u64 = 86_400_000;

fn usage(org: &mut Org, path: &str) -> String {
    let request = org.request("GET", path);
    let reply = org.send(&request);
    let header = reply.headers.iter().find(|(name, _)| name == "sforce-limit-info");
    header.expect("on every answer").1.clone()
}

#[test]
fn given_calls_when_answered_then_each_tells_what_24_hours_used_even_in_an_error() {
    let mut org = Org::new();
    assert_eq!(usage(&mut org, "/sobjects"), "api-usage=1/100000");
    assert_eq!(usage(&mut org, "/nowhere"), "api-usage=2/100000");
    org.now += i64::try_from(DAY).unwrap();
    org.token = org.issue(json!({}))["access_token"].as_str().unwrap().to_owned();
    assert_eq!(usage(&mut org, "/sobjects"), "api-usage=1/100000");
    assert_eq!(org.get("/limits").1["DailyApiRequests"], json!({"Max": 100_000, "Remaining": 99_998}));
}

#[test]
fn given_the_days_limit_when_reached_then_403_total_requests_without_retry_after() {
    let mut org = Org::new();
    org.own("PUT", "/limits", json!({"limits": [{"requests": 2, "per_ms": DAY}]}));
    assert_eq!(usage(&mut org, "/sobjects"), "api-usage=1/2");
    assert_eq!(org.get("/limits").1["DailyApiRequests"], json!({"Max": 2, "Remaining": 0}));
    let request = org.request("GET", "/sobjects");
    let reply = org.send(&request);
    let expected =
        json!([{"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}]);
    assert_eq!((reply.status, reply.value()), (403, expected));
    assert!(!reply.headers.iter().any(|(name, _)| name == "retry-after"));
}

#[test]
fn given_a_shorter_limit_when_reached_then_403_concurrent_requests() {
    let mut org = Org::new();
    org.own("PUT", "/limits", json!({"limits": [{"requests": 1, "per_ms": 1000}]}));
    assert_eq!(org.get("/sobjects").0, 200);
    let (status, body) = org.get("/sobjects");
    assert_eq!((status, code(&body)), (403, "REQUEST_LIMIT_EXCEEDED"));
    assert_eq!(body[0]["message"], "ConcurrentRequests (Concurrent API Requests) Limit exceeded.");
    org.now += 1000;
    assert_eq!(org.get("/sobjects").0, 200);
}

#[test]
fn given_a_limit_of_everything_when_reached_then_tokens_are_still_given() {
    let mut org = Org::new();
    org.own("PUT", "/limits", json!({"limits": [{"requests": 0, "per_ms": 1000}]}));
    assert_eq!(org.get("/sobjects").0, 403);
    let reply = org.send(&rtr_sandbox::Request::new("POST", "/salesforce/acme/services/oauth2/token"));
    assert_eq!((reply.status, &reply.value()["error"]), (400, &Value::from("invalid_request")));
}
