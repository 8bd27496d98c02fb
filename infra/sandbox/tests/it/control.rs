use crate::world::{CONTACTS, World};
use rtr_sandbox::Request;
use serde_json::{Value, json};

#[test]
fn given_calls_when_requests_are_asked_for_then_each_has_its_items_and_status() {
    let mut world = World::new();
    let inputs: Vec<Value> = (0..3).map(|n| json!({"properties": {"email": format!("c{n}@x.io")}})).collect();
    world.post(&format!("{CONTACTS}/batch/create"), json!({"inputs": inputs}));
    world.fault(json!({"fault": "refuse", "count": 1}));
    let request = world.request("GET", &format!("{CONTACTS}?limit=5"));
    world.send(&request);
    let list = world.control("GET", "/requests?since=0&provider=hubspot&account=acme", Value::Null);
    assert_eq!(list.as_array().unwrap().len(), 2);
    assert_eq!((&list[0]["items"], &list[0]["status"]), (&json!(3), &json!(201)));
    assert_eq!((&list[1]["path"], &list[1]["status"]), (&json!(CONTACTS), &json!(0)));
    assert_eq!((&list[1]["fault"], list[0].get("fault")), (&json!("refuse"), None));
    assert!(list[0].get("body").is_none());
    let since = format!("/requests?since={}&bodies=true", list[0]["seq"]);
    assert_eq!(world.control("GET", &since, Value::Null).as_array().unwrap().len(), 1);
    let bodies = world.control("GET", "/requests?bodies=true", Value::Null);
    assert_eq!(bodies[0]["body"]["inputs"][0]["properties"]["email"], "c0@x.io");
    assert!(!bodies.to_string().contains(&world.token));
}

#[test]
fn given_a_token_call_when_bodies_are_asked_for_then_its_secrets_are_not_there() {
    let mut world = World::new();
    let request = Request::new("POST", "/hubspot/acme/oauth/v3/token?x=hush");
    world.send(&Request { body: b"client_secret=hush&refresh_token=hush".to_vec(), ..request });
    let bodies = world.control("GET", "/requests?bodies=true", Value::Null);
    assert_eq!(bodies[0]["path"], "/oauth/v3/token");
    assert!(!bodies.to_string().contains("hush"));
}

#[test]
fn given_seeded_records_when_read_then_they_are_there_and_all_or_none_are_written() {
    let mut world = World::new();
    let seed = |email: &str| {
        json!({"provider": "hubspot", "account": "acme", "object": "contacts",
               "records": [{"properties": {"email": "a@x.io"}}, {"properties": {"email": email}}]})
    };
    let bad = world.send(&Request::new("POST", "/_sandbox/records").json(&seed("nope")));
    assert_eq!(bad.status, 400);
    assert!(bad.value()["error"].as_str().unwrap().starts_with("records[1]: "));
    assert!(world.records("contacts").is_empty());
    let ids = world.control("POST", "/records", seed("b@x.io"))["ids"].clone();
    assert_eq!(world.get(&format!("{CONTACTS}/{}", ids[1].as_str().unwrap())).0, 200);
}

#[test]
fn given_archived_records_when_asked_for_then_they_are_shown_on_request_only() {
    let mut world = World::new();
    let id = world.create("contacts", json!({"email": "a@x.io"}));
    world.call("DELETE", &format!("{CONTACTS}/{id}"), Value::Null);
    let path = "/records?provider=hubspot&account=acme&object=contacts";
    assert_eq!(world.control("GET", path, Value::Null), json!([]));
    let all = world.control("GET", &format!("{path}&archived=true"), Value::Null);
    assert_eq!((&all[0]["archived"], &all[0]["properties"]["email"]), (&json!(true), &json!("a@x.io")));
}

#[test]
fn given_a_rule_when_set_and_lifted_then_records_are_refused_and_accepted() {
    let mut world = World::new();
    let rule = |extra: Value| {
        let mut body =
            json!({"provider": "hubspot", "account": "acme", "object": "contacts", "name": "city"});
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        body
    };
    let create = |world: &mut World, properties: Value| {
        let (status, body) = world.post(CONTACTS, json!({"properties": properties}));
        (status, body)
    };
    world.control("PUT", "/properties", rule(json!({"required": true})));
    let (status, body) = create(&mut world, json!({"email": "a@x.io"}));
    assert_eq!((status, &body["context"]["properties"]), (400, &json!(["city"])));
    world.control("PUT", "/properties", rule(json!({"required": false, "options": ["rome"]})));
    assert_eq!(
        create(&mut world, json!({"email": "a@x.io", "city": "bonn"})).1["errors"][0]["code"],
        "INVALID_OPTION"
    );
    world.control("PUT", "/properties", rule(json!({"options": [], "rejects": true})));
    assert_eq!(create(&mut world, json!({"email": "a@x.io", "city": "bonn"})).0, 400);
    world.control("PUT", "/properties", rule(json!({"rejects": false})));
    assert_eq!(create(&mut world, json!({"email": "a@x.io", "city": "bonn"})).0, 201);
}

#[test]
fn given_a_reset_of_one_account_when_done_then_others_stay() {
    let mut world = World::new();
    world.create("contacts", json!({"email": "a@x.io"}));
    let other = json!({"provider": "hubspot", "account": "other", "object": "contacts",
                       "records": [{"properties": {"email": "a@x.io"}}]});
    world.control("POST", "/records", other);
    world.control("POST", "/reset", json!({"provider": "hubspot", "account": "acme"}));
    assert!(world.records("contacts").is_empty());
    let path = "/records?provider=hubspot&account=other&object=contacts";
    assert_eq!(world.control("GET", path, Value::Null).as_array().unwrap().len(), 1);
    world.control("POST", "/reset", json!({}));
    assert_eq!(world.control("GET", path, Value::Null), json!([]));
}

#[test]
fn given_faults_when_replaced_then_only_the_named_accounts_change_and_an_empty_list_clears_all() {
    let mut world = World::new();
    let fault = |account: &str, value: u64| json!({"provider": "hubspot", "account": account, "fault": "latency", "value": value, "for_ms": 1000});
    world.control("PUT", "/faults", json!([fault("acme", 1), fault("other", 2)]));
    world.control("PUT", "/faults", json!([fault("acme", 3)]));
    let set = world.control("GET", "/faults", Value::Null);
    let values: Vec<&Value> = set.as_array().unwrap().iter().map(|fault| &fault["value"]).collect();
    assert_eq!(values, [&json!(2), &json!(3)]);
    world.control("DELETE", "/faults?provider=hubspot&account=other", Value::Null);
    assert_eq!(world.control("GET", "/faults", Value::Null).as_array().unwrap().len(), 1);
    assert_eq!(world.control("PUT", "/faults", json!([])), json!([]));
}

#[test]
fn given_bad_input_when_sent_then_400_says_what_and_where() {
    let mut world = World::new();
    let mut refused = |method: &str, path: &str, body: Value| {
        let reply = world.send(&Request::new(method, &format!("/_sandbox{path}")).json(&body));
        assert_eq!(reply.status, 400);
        reply.value()["error"].as_str().unwrap().to_owned()
    };
    assert_eq!(refused("POST", "/tokens", json!({"account": "a"})), "provider: missing");
    assert!(
        refused("POST", "/tokens", json!({"provider": "x", "account": "a"})).starts_with("provider: \"x\"")
    );
    assert!(refused("PUT", "/faults", json!({})).starts_with("body: expected a list"));
    assert!(refused("PUT", "/faults", json!([{"fault": "x"}])).starts_with("[0].fault"));
    assert!(
        refused("PUT", "/limits", json!({"provider": "hubspot", "account": "a", "limits": [{}]}))
            .starts_with("limits[0]")
    );
    assert!(
        refused("GET", "/records?provider=hubspot&account=a", Value::Null).starts_with("object: missing")
    );
    assert!(
        refused("GET", "/records?provider=hubspot&account=a&object=x", Value::Null)
            .starts_with("object: no object")
    );
    let rule = json!({"provider": "hubspot", "account": "a", "object": "contacts", "name": "x"});
    assert!(refused("PUT", "/properties", rule).starts_with("name: contacts have no property"));
}

#[test]
fn given_the_page_when_opened_then_it_needs_nothing_from_elsewhere() {
    let mut world = World::new();
    let reply = world.send(&Request::new("GET", "/"));
    let page = String::from_utf8(reply.body).unwrap();
    assert_eq!(reply.status, 200);
    assert!(!page.contains("https://") && !page.contains("src="));
    assert_eq!(world.control("GET", "/health", Value::Null), json!({"status": "ok"}));
    let state = world.control("GET", "/state", Value::Null);
    assert_eq!(state["accounts"][0]["account"], "acme");
    assert_eq!(world.send(&Request::new("GET", "/nowhere/at/all")).status, 404);
}
