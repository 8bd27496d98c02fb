//! What a person does in HubSpot.

use crate::world::{CONTACTS, World};
use rtr_sandbox::Request;
use serde_json::{Value, json};

fn edit(world: &mut World, extra: Value) -> (u16, Value) {
    let mut body = json!({"provider": "hubspot", "account": "acme", "object": "contacts"});
    body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    let reply = world.send(&Request::new("POST", "/_sandbox/edit").json(&body));
    (reply.status, reply.value())
}

/// What was refused, and why.
fn refused(world: &mut World, extra: Value) -> String {
    let (status, body) = edit(world, extra);
    assert_eq!(status, 400, "{body}");
    body["error"].as_str().unwrap().to_owned()
}

#[test]
fn given_a_person_when_they_make_change_and_delete_a_record_then_it_is_as_the_account_keeps_such_values() {
    let mut world = World::new();
    let (status, made) = edit(&mut world, json!({"values": {"email": "ADA@X.io", "city": "Rome"}}));
    let id = made["id"].as_str().unwrap().to_owned();
    assert_eq!(status, 200);
    world.now += 5_000;
    edit(&mut world, json!({"id": id, "values": {"firstname": "Ada", "city": null}}));
    let record = world.records("contacts").remove(0);
    let properties = &record["properties"];
    assert_eq!((&properties["email"], &properties["firstname"]), (&json!("ada@x.io"), &json!("Ada")));
    assert!(properties.get("city").is_none());
    assert_eq!(record["updated_at"], "2026-09-21T14:13:25.000Z");
    assert_eq!(edit(&mut world, json!({"id": id, "values": null})), (200, json!({"id": id})));
    assert!(world.records("contacts").is_empty());
    assert_eq!(world.get(&format!("{CONTACTS}/{id}?archived=true")).0, 200);
    // Nobody called the API but the last time.
    let asked = world.control("GET", "/requests?since=0", Value::Null);
    assert_eq!(asked.as_array().unwrap().len(), 1);
}

#[test]
fn given_an_edit_when_pushed_then_a_user_of_the_crm_did_it_and_a_program_did_the_next() {
    let mut world = World::new();
    let address =
        json!({"provider": "hubspot", "account": "acme", "url": "http://127.0.0.1:1/x", "secret": "s"});
    world.control("PUT", "/webhooks", address);
    let id = edit(&mut world, json!({"values": {"email": "ada@x.io"}})).1["id"].as_str().unwrap().to_owned();
    world.patch(&format!("{CONTACTS}/{id}"), json!({"properties": {"city": "Rome"}}));
    edit(&mut world, json!({"id": id, "values": null}));
    let push = world.sandbox.pushes(world.now).remove(0);
    let events: Vec<Value> = serde_json::from_slice(&push.body).unwrap();
    let by = |event: &Value| {
        let (what, source) =
            (event["subscriptionType"].as_str().unwrap(), event["changeSource"].as_str().unwrap());
        let user = event["sourceId"].as_str().unwrap().starts_with("userId:");
        format!("{what} {source} {user}")
    };
    let by: Vec<String> = events.iter().map(by).collect();
    let expected = [
        "contact.creation CRM_UI true",
        "contact.propertyChange CRM_UI true",
        "contact.propertyChange CRM_UI true",
        "contact.propertyChange INTEGRATION false",
        "contact.deletion CRM_UI true",
    ];
    assert_eq!(by, expected);
}

#[test]
fn given_what_the_account_refuses_when_edited_then_the_field_is_named_and_nothing_changes() {
    let mut world = World::new();
    let id = world.create("contacts", json!({"email": "ada@x.io"}));
    world.create("contacts", json!({"email": "bob@x.io"}));
    let before = world.records("contacts");
    let bad = json!({"id": id, "values": {"email": "nobody", "lifecyclestage": "guest"}});
    let told = refused(&mut world, bad);
    assert!(
        told.starts_with("values.email: Email address nobody is invalid; values.lifecyclestage: guest"),
        "{told}"
    );
    let told = refused(&mut world, json!({"id": id, "values": {"email": "bob@x.io"}}));
    assert!(told.starts_with("values: Contact already exists. Existing ID: "), "{told}");
    assert!(
        refused(&mut world, json!({"id": id, "values": {"createdate": "1"}}))
            .starts_with("values.createdate: ")
    );
    assert!(refused(&mut world, json!({"id": id, "values": {"nosuch": "1"}})).starts_with("values.nosuch: "));
    assert_eq!(refused(&mut world, json!({"id": "7", "values": {"city": "Rome"}})), "id: no record \"7\"");
    assert_eq!(refused(&mut world, json!({"id": "7", "values": null})), "id: no record \"7\"");
    assert!(refused(&mut world, json!({"id": id})).starts_with("values: expected"));
    assert!(refused(&mut world, json!({"values": null})).starts_with("id: missing"));
    assert!(refused(&mut world, json!({"id": "", "values": {}})).starts_with("id: empty"));
    assert!(refused(&mut world, json!({"ids": [], "values": {}})).starts_with("body.ids: unknown"));
    assert!(
        refused(&mut world, json!({"object": "cats", "values": {}})).starts_with("object: no object type")
    );
    assert_eq!(world.records("contacts"), before);
}

#[test]
fn given_a_type_when_its_fields_are_asked_for_then_those_that_may_be_written_come_with_their_choices() {
    let mut world = World::new();
    let path = "/fields?provider=hubspot&account=acme&object=contacts";
    let fields = world.control("GET", path, Value::Null).as_array().unwrap().clone();
    let field = |name: &str| fields.iter().find(|field| field["name"] == name);
    assert_eq!((field("createdate"), field("email").unwrap()["type"].clone()), (None, json!("string")));
    let stage = field("lifecyclestage").unwrap();
    assert_eq!((&stage["restricted"], &stage["options"][0]["value"]), (&json!(true), &json!("subscriber")));
}
