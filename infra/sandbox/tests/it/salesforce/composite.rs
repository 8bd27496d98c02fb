use super::{KEY, Org, code, encode};
use serde_json::{Value, json};

const DATA: &str = "/services/data/v62.0";

fn one(method: &str, path: &str, name: &str, body: Value) -> Value {
    json!({"method": method, "url": format!("{DATA}{path}"), "referenceId": name, "body": body})
}

#[test]
fn given_calls_that_refer_to_each_other_when_sent_then_each_sees_what_came_before() {
    let mut org = Org::keyed();
    let soql = encode("SELECT Id, AccountId FROM Contact");
    let calls = json!([
        one("PATCH", &format!("/sobjects/Account/{KEY}/A1"), "parent", json!({"Name": "Acme"})),
        one("POST", "/sobjects/Contact", "child", json!({"LastName": "A", "AccountId": "@{parent.id}"})),
        one("GET", &format!("/query?q={soql}"), "all", Value::Null),
        one("PATCH", "/sobjects/Contact/@{all.records[0].Id}", "change", json!({"Title": "of @{parent.id}"})),
    ]);
    let (status, body) = org.post("/composite", json!({"compositeRequest": calls}));
    let list = body["compositeResponse"].as_array().unwrap();
    let statuses: Vec<&Value> = list.iter().map(|answer| &answer["httpStatusCode"]).collect();
    assert_eq!((status, statuses), (200, vec![&json!(201), &json!(201), &json!(200), &json!(204)]), "{body}");
    let account = list[0]["body"]["id"].as_str().unwrap();
    assert_eq!(
        (&list[2]["body"]["records"][0]["AccountId"], &list[1]["referenceId"]),
        (&json!(account), &json!("child"))
    );
    assert!(list[1]["httpHeaders"]["Location"].as_str().unwrap().starts_with(DATA));
    assert_eq!(org.records("Contact")[0]["properties"]["Title"], json!(format!("of {account}")));
}

#[test]
fn given_all_or_none_when_one_call_fails_then_all_is_undone() {
    let mut org = Org::new();
    let calls = json!([
        one("POST", "/sobjects/Account", "a", json!({"Name": "Acme"})),
        one("POST", "/sobjects/Contact", "b", json!({})),
        one("POST", "/sobjects/Contact", "c", json!({"LastName": "A"})),
    ]);
    let (_, body) = org.post("/composite", json!({"allOrNone": true, "compositeRequest": calls}));
    let list = body["compositeResponse"].as_array().unwrap();
    let codes: Vec<&str> = list.iter().map(|answer| code(&answer["body"])).collect();
    assert_eq!(codes, ["PROCESSING_HALTED", "REQUIRED_FIELD_MISSING", "PROCESSING_HALTED"]);
    assert!(org.records("Account").is_empty());
    let (_, body) = org.post("/composite", json!({"allOrNone": false, "compositeRequest": calls}));
    assert_eq!(body["compositeResponse"][2]["httpStatusCode"], 201);
    assert_eq!(org.records("Account").len(), 1);
}

#[test]
fn given_a_reference_to_a_call_that_failed_when_sent_then_it_is_halted() {
    let mut org = Org::new();
    let calls = json!([
        one("POST", "/sobjects/Account", "a", json!({})),
        one("POST", "/sobjects/Contact", "b", json!({"LastName": "A", "AccountId": "@{a.id}"})),
    ]);
    let (_, body) = org.post("/composite", json!({"compositeRequest": calls}));
    assert_eq!(code(&body["compositeResponse"][1]["body"]), "PROCESSING_HALTED");
    assert!(org.records("Contact").is_empty());
}

#[test]
fn given_a_composite_call_when_made_then_it_is_one_request_of_the_limit() {
    let mut org = Org::new();
    let calls: Vec<Value> =
        (0..20).map(|n| one("POST", "/sobjects/Account", &format!("r{n}"), json!({"Name": "A"}))).collect();
    let request = org.request("POST", "/composite").json(&json!({"compositeRequest": calls}));
    let reply = org.send(&request);
    assert!(reply.headers.contains(&("sforce-limit-info".to_owned(), "api-usage=1/100000".to_owned())));
    assert_eq!(org.records("Account").len(), 20);
}

#[test]
fn given_what_a_composite_call_may_not_hold_when_sent_then_it_is_refused_whole() {
    let mut org = Org::new();
    let account = |name: &str| one("POST", "/sobjects/Account", name, json!({"Name": "A"}));
    let many: Vec<Value> = (0..26).map(|n| account(&format!("r{n}"))).collect();
    let queries: Vec<Value> = (0..6)
        .map(|n| one("GET", "/query?q=SELECT+Id+FROM+Account", &format!("r{n}"), Value::Null))
        .collect();
    let elsewhere = json!({"method": "GET", "url": "/elsewhere", "referenceId": "a"});
    for calls in
        [vec![], many, queries, vec![account("a"), account("a")], vec![account("a b")], vec![elsewhere]]
    {
        assert_eq!(org.post("/composite", json!({"compositeRequest": calls})).0, 400);
    }
    assert!(org.records("Account").is_empty());
}

#[test]
fn given_a_batch_when_one_call_fails_then_the_rest_goes_on_unless_told_to_halt() {
    let mut org = Org::new();
    let calls = json!([
        {"method": "POST", "url": "v62.0/sobjects/Contact", "richInput": {}},
        {"method": "POST", "url": "v62.0/sobjects/Contact", "richInput": {"LastName": "A"}},
    ]);
    let (status, body) = org.post("/composite/batch", json!({"batchRequests": calls}));
    assert_eq!(
        (status, &body["hasErrors"], &body["results"][0]["statusCode"]),
        (200, &json!(true), &json!(400))
    );
    assert_eq!(body["results"][1]["statusCode"], 201);
    let (_, body) = org.post("/composite/batch", json!({"haltOnError": true, "batchRequests": calls}));
    assert_eq!(
        (&body["results"][1]["statusCode"], code(&body["results"][1]["result"])),
        (&json!(412), "BATCH_PROCESSING_HALTED")
    );
}
