use crate::world::{CONTACTS, World, texts};
use serde_json::{Value, json};

fn create(emails: &[&str], traced: bool) -> Value {
    let inputs: Vec<Value> = emails
        .iter()
        .enumerate()
        .map(|(at, email)| {
            let mut input = json!({"properties": {"email": email}});
            if traced {
                input["objectWriteTraceId"] = json!(format!("t{at}"));
            }
            input
        })
        .collect();
    json!({"inputs": inputs})
}

fn upsert(emails: &[&str]) -> Value {
    let input = |(at, email): (usize, &&str)| {
        json!({"id": email, "idProperty": "email", "properties": {"zip": at.to_string()},
               "objectWriteTraceId": format!("t{at}")})
    };
    json!({"inputs": emails.iter().enumerate().map(input).collect::<Vec<_>>()})
}

#[test]
fn given_good_inputs_when_created_then_201_traces_are_echoed_and_the_order_is_another() {
    let mut world = World::new();
    let emails = ["a@x.io", "b@x.io", "c@x.io", "d@x.io"];
    let (status, body) = world.post(&format!("{CONTACTS}/batch/create"), create(&emails, true));
    assert_eq!((status, &body["status"]), (201, &json!("COMPLETE")));
    assert!(body.get("errors").is_none());
    let order = texts(&body["results"], "/properties/email");
    assert_ne!(order, emails);
    let mut traces = texts(&body["results"], "/objectWriteTraceId");
    traces.sort();
    assert_eq!(traces, ["t0", "t1", "t2", "t3"]);
}

#[test]
fn given_traces_when_some_inputs_are_bad_then_207_names_each_and_the_good_are_written() {
    let mut world = World::new();
    let id = world.create("contacts", json!({"email": "b@x.io"}));
    let (status, body) =
        world.post(&format!("{CONTACTS}/batch/create"), create(&["a@x.io", "b@x.io", "nope"], true));
    assert_eq!((status, &body["status"], &body["numErrors"]), (207, &json!("COMPLETE"), &json!(2)));
    assert_eq!(texts(&body["results"], "/objectWriteTraceId"), ["t0"]);
    let conflict = &body["errors"][0];
    assert_eq!(conflict["category"], "CONFLICT");
    assert_eq!(conflict["message"], format!("Contact already exists. Existing ID: {id}"));
    assert_eq!(conflict["context"], json!({"objectWriteTraceId": ["t1"], "existingId": [id]}));
    let invalid = &body["errors"][1];
    assert_eq!((&invalid["category"], &invalid["status"]), (&json!("VALIDATION_ERROR"), &json!("error")));
    assert_eq!(invalid["context"]["objectWriteTraceId"], json!(["t2"]));
    assert!(invalid["message"].as_str().unwrap().contains("INVALID_EMAIL"));
    assert_eq!(world.records("contacts").len(), 2);
}

#[test]
fn given_no_traces_when_one_input_is_bad_then_nothing_is_written() {
    let mut world = World::new();
    let (status, body) = world.post(&format!("{CONTACTS}/batch/create"), create(&["a@x.io", "nope"], false));
    assert_eq!((status, &body["category"]), (400, &json!("VALIDATION_ERROR")));
    assert_eq!(body["errors"][0]["code"], "INVALID_EMAIL");
    assert!(world.records("contacts").is_empty());
    world.create("contacts", json!({"email": "b@x.io"}));
    let (status, body) =
        world.post(&format!("{CONTACTS}/batch/create"), create(&["a@x.io", "b@x.io"], false));
    assert_eq!((status, &body["message"]), (409, &json!("Contact already exists")));
    assert_eq!(world.records("contacts").len(), 1);
}

#[test]
fn given_one_trace_missing_when_an_input_is_bad_then_the_whole_call_fails() {
    let mut world = World::new();
    let mut body = create(&["a@x.io", "nope"], true);
    body["inputs"][0].as_object_mut().unwrap().remove("objectWriteTraceId");
    assert_eq!(world.post(&format!("{CONTACTS}/batch/create"), body).0, 400);
    assert!(world.records("contacts").is_empty());
}

#[test]
fn given_new_and_known_addresses_when_upserted_then_new_says_which() {
    let mut world = World::new();
    let id = world.create("contacts", json!({"email": "a@x.io"}));
    let (status, body) = world.post(&format!("{CONTACTS}/batch/upsert"), upsert(&["A@x.io", "b@x.io"]));
    assert_eq!(status, 200);
    for result in body["results"].as_array().unwrap() {
        assert_eq!(result["new"], json!(result["id"] != json!(id)));
        assert!(result["properties"]["email"].is_string() || result["new"] == json!(false));
    }
    assert_eq!(world.records("contacts").len(), 2);
}

#[test]
fn given_traces_when_an_upsert_is_partly_bad_then_207() {
    let mut world = World::new();
    let (status, body) = world.post(&format!("{CONTACTS}/batch/upsert"), upsert(&["a@x.io", "nope"]));
    assert_eq!((status, &body["errors"][0]["context"]["objectWriteTraceId"]), (207, &json!(["t1"])));
    assert_eq!(world.records("contacts").len(), 1);
}

#[test]
fn given_a_property_that_is_not_unique_when_upserted_by_then_it_is_refused() {
    let mut world = World::new();
    for (kind, property) in
        [("companies", "domain"), ("contacts", "hs_object_id"), ("companies", "hs_object_id")]
    {
        let body = json!({"inputs": [{"id": "1", "idProperty": property, "properties": {"city": "x"}}]});
        let (status, body) = world.post(&format!("/crm/v3/objects/{kind}/batch/upsert"), body);
        assert_eq!(status, 400);
        let message = body["message"].as_str().unwrap();
        assert!(message.starts_with("Unable to perform update/upsert by non-unique 0-"), "{message}");
        assert!(message.contains(&format!("property {property} in portal ID ")), "{message}");
    }
    let body = json!({"inputs": [{"id": "1", "properties": {"city": "x"}}]});
    assert_eq!(world.post(&format!("{CONTACTS}/batch/upsert"), body).0, 400);
}

#[test]
fn given_an_id_twice_when_batched_then_the_whole_call_fails() {
    let mut world = World::new();
    let id = world.create("contacts", json!({"email": "a@x.io"}));
    let input = json!({"id": id, "properties": {"zip": "1"}});
    let (status, body) = world.post(&format!("{CONTACTS}/batch/update"), json!({"inputs": [input, input]}));
    assert_eq!(status, 400);
    assert_eq!(body["message"], format!("Duplicate IDs found in batch input: [{id}]. IDs must be unique"));
    assert_eq!(body["context"]["ids"], json!([id]));
    assert_eq!(world.post(&format!("{CONTACTS}/batch/upsert"), upsert(&["a@x.io", "A@x.io"])).0, 400);
}

#[test]
fn given_more_than_a_hundred_inputs_when_batched_then_400() {
    let mut world = World::new();
    let emails: Vec<String> = (0..101).map(|n| format!("c{n}@x.io")).collect();
    let emails: Vec<&str> = emails.iter().map(String::as_str).collect();
    assert_eq!(world.post(&format!("{CONTACTS}/batch/upsert"), upsert(&emails)).0, 400);
    assert_eq!(world.post(&format!("{CONTACTS}/batch/upsert"), upsert(&emails[1..])).0, 200);
    assert_eq!(world.post(&format!("{CONTACTS}/batch/upsert"), json!({"inputs": []})).0, 400);
}

#[test]
fn given_unknown_ids_when_updated_or_read_then_one_error_has_them_all() {
    let mut world = World::new();
    let id = world.create("contacts", json!({"email": "a@x.io"}));
    let input = |id: &str| json!({"id": id, "properties": {"zip": "1"}, "objectWriteTraceId": id});
    let inputs = json!({"inputs": [input(&id), input("77"), input("ghost")]});
    for operation in ["update", "read"] {
        let (status, body) = world.post(&format!("{CONTACTS}/batch/{operation}"), inputs.clone());
        assert_eq!((status, &body["numErrors"]), (207, &json!(1)));
        let error = &body["errors"][0];
        assert_eq!(error["category"], "OBJECT_NOT_FOUND");
        assert!(error["message"].as_str().unwrap().starts_with("Could not get some CONTACT objects"));
        assert_eq!(error["context"], json!({"ids": ["77", "ghost"]}));
        assert_eq!(texts(&body["results"], "/id"), [id.as_str()]);
    }
}

#[test]
fn given_addresses_when_read_by_them_then_archived_records_are_unknown() {
    let mut world = World::new();
    let id = world.create("contacts", json!({"email": "a@x.io", "zip": "1"}));
    world.create("contacts", json!({"email": "b@x.io"}));
    world.call("DELETE", &format!("{CONTACTS}/{id}"), Value::Null);
    let body = json!({"inputs": [{"id": "a@x.io"}, {"id": "B@x.io"}], "idProperty": "email", "properties": ["email"]});
    let (status, body) = world.post(&format!("{CONTACTS}/batch/read"), body);
    assert_eq!((status, &body["errors"][0]["context"]["ids"]), (207, &json!(["a@x.io"])));
    assert_eq!(body["results"][0]["properties"]["email"], "b@x.io");
}

#[test]
fn given_ids_when_archived_then_204_whatever_they_are() {
    let mut world = World::new();
    let id = world.create("contacts", json!({"email": "a@x.io"}));
    let body = json!({"inputs": [{"id": id}, {"id": "77"}]});
    assert_eq!(world.post(&format!("{CONTACTS}/batch/archive"), body), (204, Value::Null));
    assert!(world.records("contacts").is_empty());
}

#[test]
fn given_two_inputs_for_one_address_when_created_then_the_second_conflicts_with_the_first() {
    let mut world = World::new();
    let (status, body) = world.post(&format!("{CONTACTS}/batch/create"), create(&["a@x.io", "a@x.io"], true));
    assert_eq!(status, 207);
    assert_eq!(body["errors"][0]["context"]["existingId"][0], body["results"][0]["id"]);
}
