use crate::world::World;
use serde_json::{Value, json};

const COMPANIES: &str = "/crm/v3/properties/companies";

fn key(name: &str) -> Value {
    json!({"name": name, "label": "Key", "type": "string", "fieldType": "text", "groupName": "companyinformation",
           "hasUniqueValue": true})
}

#[test]
fn given_standard_properties_when_read_then_email_is_unique_and_domain_is_not() {
    let mut world = World::new();
    let (_, email) = world.get("/crm/v3/properties/contacts/email");
    assert_eq!((&email["hasUniqueValue"], &email["hubspotDefined"]), (&json!(true), &json!(true)));
    let (_, list) = world.get("/crm/properties/2026-03/0-2");
    let domain = list["results"].as_array().unwrap().iter().find(|one| one["name"] == "domain").unwrap();
    assert_eq!(domain["hasUniqueValue"], false);
    assert_eq!(world.get(&format!("{COMPANIES}/ghost")).0, 404);
    assert_eq!(world.patch(&format!("{COMPANIES}/domain"), json!({"label": "D"})).0, 400);
}

#[test]
fn given_a_unique_property_when_made_then_records_upsert_by_it_and_conflict_on_it() {
    let mut world = World::new();
    let (status, body) = world.post(COMPANIES, key("rtr_id"));
    assert_eq!((status, &body["hasUniqueValue"]), (201, &json!(true)));
    let input = json!({"id": "K-1", "idProperty": "rtr_id", "properties": {"name": "Acme"}});
    let path = "/crm/v3/objects/companies";
    let (_, first) = world.post(&format!("{path}/batch/upsert"), json!({"inputs": [input]}));
    assert_eq!(
        (&first["results"][0]["new"], &first["results"][0]["properties"]["rtr_id"]),
        (&json!(true), &json!("K-1"))
    );
    let (_, again) = world.post(&format!("{path}/batch/upsert"), json!({"inputs": [input]}));
    assert_eq!(
        (&again["results"][0]["new"], &again["results"][0]["id"]),
        (&json!(false), &first["results"][0]["id"])
    );
    let (status, body) = world.post(path, json!({"properties": {"rtr_id": "K-1"}}));
    assert_eq!((status, &body["category"]), (409, &json!("CONFLICT")));
}

#[test]
fn given_an_existing_name_when_made_again_then_409_and_in_a_batch_207() {
    let mut world = World::new();
    assert_eq!(world.post(COMPANIES, key("rtr_id")).0, 201);
    assert_eq!(world.post(COMPANIES, key("rtr_id")).0, 409);
    let inputs = json!({"inputs": [key("rtr_id"), key("other_id")]});
    let (status, body) = world.post(&format!("{COMPANIES}/batch/create"), inputs);
    assert_eq!((status, &body["results"][0]["name"]), (207, &json!("other_id")));
    let error = &body["errors"][0];
    assert_eq!(error["category"], "OBJECT_ALREADY_EXISTS");
    assert_eq!(error["subCategory"], "Properties.PROPERTY_WITH_NAME_EXISTS");
    assert_eq!(error["message"], "A property named 'rtr_id' already exists.");
    assert_eq!(error["context"]["name"], json!(["rtr_id"]));
}

#[test]
fn given_ten_unique_properties_when_another_is_made_then_400() {
    let mut world = World::new();
    for n in 0..10 {
        assert_eq!(world.post(COMPANIES, key(&format!("key_{n}"))).0, 201);
    }
    assert_eq!(world.post(COMPANIES, key("key_10")).0, 400);
}

#[test]
fn given_a_definition_that_is_wrong_when_made_then_400() {
    let mut world = World::new();
    for (name, value) in [
        ("name", json!("With Space")),
        ("type", json!("money")),
        ("fieldType", json!("dropdown")),
        ("groupName", json!("nowhere")),
        ("label", json!("")),
        ("type", json!("enumeration")),
    ] {
        let mut body = key("rtr_id");
        body[name] = value;
        assert_eq!(world.post(COMPANIES, body.clone()).0, 400, "{body}");
    }
}

#[test]
fn given_groups_when_made_then_they_are_listed_and_hold_properties() {
    let mut world = World::new();
    let group = json!({"name": "rtr", "label": "Kept by rtr"});
    assert_eq!(world.post(&format!("{COMPANIES}/groups"), group.clone()).0, 201);
    assert_eq!(world.post(&format!("{COMPANIES}/groups"), group).0, 409);
    assert_eq!(world.get(&format!("{COMPANIES}/groups")).1["results"].as_array().unwrap().len(), 2);
    let mut property = key("rtr_id");
    property["groupName"] = json!("rtr");
    assert_eq!(world.post(COMPANIES, property).0, 201);
}

#[test]
fn given_a_custom_property_when_archived_then_it_no_longer_exists_for_records() {
    let mut world = World::new();
    world.post(COMPANIES, key("rtr_id"));
    assert_eq!(world.patch(&format!("{COMPANIES}/rtr_id"), json!({"label": "New"})).1["label"], "New");
    assert_eq!(world.patch(&format!("{COMPANIES}/rtr_id"), json!({"hasUniqueValue": false})).0, 400);
    assert_eq!(world.call("DELETE", &format!("{COMPANIES}/rtr_id"), Value::Null).0, 204);
    let (status, body) = world.post("/crm/v3/objects/companies", json!({"properties": {"rtr_id": "1"}}));
    assert_eq!((status, &body["errors"][0]["code"]), (400, &json!("PROPERTY_DOESNT_EXIST")));
}
