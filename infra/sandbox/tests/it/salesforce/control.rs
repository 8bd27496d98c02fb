use super::{KEY, Org, record};
use rtr_sandbox::Request;
use serde_json::{Value, json};

#[test]
fn given_records_when_looked_at_then_they_have_the_shape_every_vendor_has() {
    let mut org = Org::keyed();
    let account = org.create("Account", json!({"Name": "Acme"}));
    let id = org.create("Contact", json!({"LastName": "A", KEY: "K1", "AccountId": account}));
    let found = &org.records("Contact")[0];
    assert_eq!(
        (&found["id"], &found["archived"], &found["created_at"]),
        (&json!(id), &json!(false), &json!("2026-09-21T14:13:20.000Z"))
    );
    assert_eq!((&found["properties"][KEY], &found["properties"]["LastName"]), (&json!("K1"), &json!("A")));
    assert_eq!(found["associations"], json!({"Account": [{"id": account}]}));
    org.delete(&format!("/sobjects/Contact/{id}"));
    assert!(org.records("Contact").is_empty());
    let path = "/records?provider=salesforce&account=acme&object=Contact&archived=true";
    assert_eq!(org.control("GET", path, Value::Null)[0]["archived"], true);
}

#[test]
fn given_seeded_records_when_read_then_they_are_there_and_all_or_none_are_written() {
    let mut org = Org::new();
    let seed = |email: &str| {
        json!({"provider": "salesforce", "account": "acme", "object": "Contact", "records": [
        {"properties": {"LastName": "A"}}, {"properties": {"LastName": "B", "Email": email}}]})
    };
    let reply = org.send(&Request::new("POST", "/_sandbox/records").json(&seed("nope")));
    assert_eq!(reply.status, 400);
    assert_eq!(reply.value()["error"], "records[1]: Email: invalid email address: nope");
    assert!(org.records("Contact").is_empty());
    let ids = org.control("POST", "/records", seed("b@x.io"))["ids"].clone();
    assert_eq!(org.get(&format!("/sobjects/Contact/{}", ids[1].as_str().unwrap())).0, 200);
}

#[test]
fn given_calls_of_many_items_when_requests_are_asked_for_then_items_are_counted() {
    let mut org = Org::keyed();
    org.items(
        "POST",
        "",
        json!([record("Contact", json!({"LastName": "A"})), record("Contact", json!({"LastName": "B"}))]),
    );
    org.delete("/composite/sobjects?ids=a,b,c");
    let path = "/requests?provider=salesforce&account=acme";
    let items: Vec<Value> = org
        .control("GET", path, Value::Null)
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["items"].clone())
        .collect();
    assert_eq!(items, [2, 3]);
    org.send(&Request {
        body: b"client_secret=hush".to_vec(),
        ..Request::new("POST", "/salesforce/acme/services/oauth2/token")
    });
    assert!(!org.control("GET", "/requests?bodies=true", Value::Null).to_string().contains("hush"));
}

#[test]
fn given_two_accounts_when_used_then_neither_ids_nor_records_are_shared() {
    let mut org = Org::new();
    let id = org.create("Contact", json!({"LastName": "A"}));
    let seed = json!({"provider": "salesforce", "account": "other", "object": "Contact", "records": [{"properties": {"LastName": "A"}}]});
    let ids = org.control("POST", "/records", seed)["ids"].clone();
    assert_ne!(ids[0], json!(id));
    assert_eq!(org.records("Contact").len(), 1);
    let state = org.control("GET", "/state", Value::Null);
    let shown: Vec<&Value> =
        state["accounts"][0]["objects"].as_array().unwrap().iter().map(|object| &object["object"]).collect();
    assert_eq!(shown, ["Account", "Contact", "Lead", "Opportunity", "Task"]);
}

#[test]
fn given_an_account_that_begins_anew_when_records_are_made_then_no_id_comes_back() {
    let mut org = Org::new();
    let before = org.create("Contact", json!({"LastName": "A"}));
    org.own("POST", "/reset", json!({}));
    org.now += 1000;
    org.token = org.issue(json!({}))["access_token"].as_str().unwrap().to_owned();
    assert!(org.create("Contact", json!({"LastName": "A"})) > before);
}

#[test]
fn given_bad_settings_when_set_then_400_says_where_and_nothing_changes() {
    let mut org = Org::new();
    for (setting, start) in [
        (json!({"row_lock": {}}), "body.row_lock: unknown"),
        (json!({"row_locks": {"hold_ms": -1}}), "row_locks.hold_ms: "),
        (json!({"duplicate_rule": {"object": "X", "fields": []}}), "duplicate_rule.object: "),
        (json!({"duplicate_rule": {"object": "Contact", "fields": ["X"]}}), "duplicate_rule.fields: "),
    ] {
        let mut body = setting;
        body["provider"] = json!("salesforce");
        body["account"] = json!("acme");
        let reply = org.send(&Request::new("PUT", "/_sandbox/settings").json(&body));
        assert_eq!(reply.status, 400);
        assert!(reply.value()["error"].as_str().unwrap().starts_with(start), "{}", reply.value());
    }
    let rule = json!({"provider": "salesforce", "account": "acme", "object": "Contact", "name": "Foo"});
    let reply = org.send(&Request::new("PUT", "/_sandbox/properties").json(&rule));
    assert_eq!((reply.status, &reply.value()["error"]), (400, &json!("name: Contact has no field \"Foo\"")));
}
