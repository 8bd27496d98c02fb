//! What a person does in Salesforce.

use super::Org;
use rtr_sandbox::Request;
use serde_json::{Value, json};

fn edit(org: &mut Org, extra: Value) -> (u16, Value) {
    let mut body = json!({"provider": "salesforce", "account": "acme", "object": "Contact"});
    body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    let reply = org.send(&Request::new("POST", "/_sandbox/edit").json(&body));
    (reply.status, reply.value())
}

/// Who made the record, who owns it, and who changed it last, by their user names.
fn who(org: &mut Org, id: &str) -> Vec<String> {
    let soql = "SELECT Id, CreatedById, OwnerId, LastModifiedById FROM Contact";
    let record =
        org.query(soql).1["records"].as_array().unwrap().iter().find(|one| one["Id"] == id).unwrap().clone();
    let names = ["CreatedById", "OwnerId", "LastModifiedById"];
    let name = |name: &&str| {
        let user = record[*name].as_str().unwrap();
        org.found(&format!("SELECT Username FROM User WHERE Id = '{user}'"), "Username").remove(0)
    };
    names.iter().map(name).collect()
}

#[test]
fn given_a_person_and_a_program_when_they_save_in_turn_then_each_is_named_by_who_changed_it_last() {
    let (mut org, ada, program) = (Org::new(), "ada@acme.example", "integration@acme.example");
    let id = edit(&mut org, json!({"values": {"LastName": "Ann"}})).1["id"].as_str().unwrap().to_owned();
    assert_eq!(who(&mut org, &id), [ada, ada, ada]);
    org.patch(&format!("/sobjects/Contact/{id}"), json!({"Title": "Dr"}));
    assert_eq!(who(&mut org, &id), [ada, ada, program]);
    let (status, _) =
        edit(&mut org, json!({"id": id, "values": {"Title": null, "HasOptedOutOfEmail": "true"}}));
    assert_eq!((status, who(&mut org, &id)), (200, vec![ada.to_owned(); 3]));
    let record = org.get(&format!("/sobjects/Contact/{id}")).1;
    assert_eq!((&record["Title"], &record["HasOptedOutOfEmail"]), (&Value::Null, &json!(true)));
    let other = org.create("Contact", json!({"LastName": "Bob"}));
    assert_eq!(who(&mut org, &other), [program; 3]);
    edit(&mut org, json!({"id": other, "values": null}));
    assert_eq!(org.get(&format!("/sobjects/Contact/{other}")).0, 404);
}

#[test]
fn given_users_that_were_replaced_when_a_person_edits_then_it_is_the_first_who_is_active() {
    let mut org = Org::new();
    let user = |name: &str, active: bool| json!({"username": name, "email": "x@x.io", "active": active});
    org.own("PUT", "/settings", json!({"users": [user("gone", false), user("eve", true)]}));
    let id = edit(&mut org, json!({"values": {"LastName": "Ann"}})).1["id"].as_str().unwrap().to_owned();
    assert_eq!(who(&mut org, &id), ["eve"; 3]);
}

#[test]
fn given_a_merge_by_a_person_when_done_then_they_changed_the_winner_last() {
    let mut org = Org::new();
    let (kept, gone) =
        (org.create("Contact", json!({"LastName": "A"})), org.create("Contact", json!({"LastName": "B"})));
    org.own("POST", "/actions", json!({"action": "merge", "winner": kept, "loser": gone}));
    assert_eq!(who(&mut org, &kept)[2], "ada@acme.example");
}

#[test]
fn given_what_the_account_refuses_when_edited_then_the_reason_is_told_and_nothing_is_pushed() {
    let mut org = Org::new();
    org.own("PUT", "/webhooks", json!({"url": "http://127.0.0.1:1/x", "secret": "word"}));
    let mut refused = |extra: Value| {
        let (status, body) = edit(&mut org, extra);
        assert_eq!(status, 400, "{body}");
        body["error"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        refused(json!({"values": {"FirstName": "Ann"}})),
        "values: Required fields are missing: [LastName]"
    );
    assert!(refused(json!({"values": {"LastName": "A", "Email": "a"}})).starts_with("values: "));
    assert_eq!(refused(json!({"id": "003", "values": {}})), "id: no record \"003\"");
    assert_eq!(refused(json!({"object": "User", "values": {}})), "object: people do not edit User");
    assert!(org.sandbox.pushes(org.now).is_empty());
}

#[test]
fn given_an_edit_when_pushed_then_the_message_names_the_person() {
    let mut org = Org::new();
    org.own("PUT", "/webhooks", json!({"url": "http://127.0.0.1:1/x", "secret": "word"}));
    edit(&mut org, json!({"values": {"LastName": "Ann"}}));
    let ada = org.found("SELECT Id FROM User WHERE Username = 'ada@acme.example'", "Id").remove(0);
    let body = String::from_utf8(org.sandbox.pushes(org.now).remove(0).body).unwrap();
    assert!(body.contains(&format!("<sf:LastModifiedById>{ada}</sf:LastModifiedById>")), "{body}");
}

#[test]
fn given_a_type_when_its_fields_are_asked_for_then_those_that_may_be_written_come() {
    let mut org = Org::new();
    let path = "/fields?provider=salesforce&account=acme&object=Contact";
    let fields = org.control("GET", path, Value::Null).as_array().unwrap().clone();
    let field = |name: &str| fields.iter().find(|field| field["name"] == name);
    assert_eq!((field("Id"), field("LastModifiedDate")), (None, None));
    assert_eq!(field("LastName").unwrap()["required"], true);
    assert_eq!(field("HasOptedOutOfEmail").unwrap()["type"], "boolean");
    let source = field("LeadSource").unwrap();
    assert_eq!((&source["restricted"], &source["options"][0]["value"]), (&json!(false), &json!("Web")));
}
