use super::{Org, code};
use serde_json::{Value, json};

#[test]
fn given_a_contact_when_created_then_it_has_an_id_a_place_and_system_fields() {
    let mut org = Org::new();
    let request =
        org.request("POST", "/sobjects/Contact").json(&json!({"LastName": "Lovelace", "firstname": "Ada"}));
    let reply = org.send(&request);
    let id = reply.value()["id"].as_str().unwrap().to_owned();
    assert_eq!((reply.status, reply.value()), (201, json!({"id": id, "success": true, "errors": []})));
    assert!(id.starts_with("003") && id.len() == 18);
    let place = format!("/services/data/v62.0/sobjects/Contact/{id}");
    assert!(reply.headers.contains(&("location".to_owned(), place.clone())));
    let (status, body) = org.get(&format!("/sobjects/Contact/{id}"));
    assert_eq!((status, &body["attributes"]), (200, &json!({"type": "Contact", "url": place})));
    assert_eq!(
        (&body["Name"], &body["FirstName"], &body["Email"]),
        (&json!("Ada Lovelace"), &json!("Ada"), &Value::Null)
    );
    assert_eq!(
        (&body["IsDeleted"], &body["CreatedDate"]),
        (&json!(false), &json!("2026-09-21T14:13:20.000+0000"))
    );
    assert_eq!(body["HasOptedOutOfEmail"], false);
}

#[test]
fn given_fields_when_read_then_only_those_come_and_an_unknown_one_is_refused() {
    let mut org = Org::new();
    let id = org.create("Account", json!({"Name": "Acme", "AnnualRevenue": 50_000}));
    let (_, body) = org.get(&format!("/sobjects/Account/{id}?fields=name,AnnualRevenue"));
    let names: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(names, ["AnnualRevenue", "Id", "Name", "attributes"]);
    assert_eq!(body["AnnualRevenue"], 50_000.0);
    let (status, body) = org.get(&format!("/sobjects/Account/{id}?fields=Nmae"));
    let expected = json!([{"message": "No such column 'Nmae' on sobject of type Account", "errorCode": "INVALID_FIELD"}]);
    assert_eq!((status, body), (400, expected));
}

#[test]
fn given_either_form_of_an_id_when_used_then_the_long_one_comes_back() {
    let mut org = Org::new();
    let id = org.create("Contact", json!({"LastName": "A"}));
    for form in [id[..15].to_owned(), id.clone(), id.to_uppercase()] {
        assert_eq!(org.get(&format!("/sobjects/Contact/{form}")).1["Id"], json!(id));
        assert_eq!(
            org.patch(&format!("/sobjects/Contact/{form}"), json!({"Title": "Dr"})),
            (204, Value::Null)
        );
    }
}

#[test]
fn given_a_record_when_updated_then_null_clears_and_time_moves_on() {
    let mut org = Org::new();
    let id = org.create("Contact", json!({"LastName": "A", "Title": "x", "Phone": "1"}));
    org.now += 90_000;
    let path = format!("/sobjects/Contact/{id}");
    assert_eq!(org.patch(&path, json!({"Title": null, "Phone": "", "Department": "IT"})), (204, Value::Null));
    let (_, body) = org.get(&path);
    assert_eq!(
        (&body["Title"], &body["Phone"], &body["Department"]),
        (&Value::Null, &Value::Null, &json!("IT"))
    );
    assert_eq!(body["LastModifiedDate"], "2026-09-21T14:14:50.000+0000");
    assert_eq!(body["CreatedDate"], "2026-09-21T14:13:20.000+0000");
}

#[test]
fn given_a_deleted_record_when_touched_then_it_is_deleted_and_only_query_all_sees_it() {
    let mut org = Org::new();
    let id = org.create("Contact", json!({"LastName": "A"}));
    let path = format!("/sobjects/Contact/{id}");
    assert_eq!(org.delete(&path), (204, Value::Null));
    let expected = json!([{"message": "entity is deleted", "errorCode": "ENTITY_IS_DELETED", "fields": []}]);
    assert_eq!(org.delete(&path), (404, expected.clone()));
    assert_eq!(org.patch(&path, json!({"Title": "x"})), (404, expected));
    assert_eq!(org.get(&path).0, 404);
    assert!(org.found("SELECT Id FROM Contact", "Id").is_empty());
    let (_, all) = org.get("/queryAll?q=SELECT+Id,IsDeleted+FROM+Contact+WHERE+IsDeleted=true");
    assert_eq!((&all["totalSize"], &all["records"][0]["Id"]), (&json!(1), &json!(id)));
}

#[test]
fn given_ids_that_name_nothing_when_used_then_they_are_told_apart() {
    let mut org = Org::new();
    let account = org.create("Account", json!({"Name": "Acme"}));
    let contact = org.create("Contact", json!({"LastName": "A"}));
    org.own("POST", "/actions", json!({"action": "purge", "id": contact}));
    let gone = format!("/sobjects/Contact/{contact}");
    let (status, body) = org.get(&gone);
    assert_eq!((status, &body[0]["message"]), (404, &json!("The requested resource does not exist")));
    let (status, body) = org.patch(&gone, json!({"Title": "x"}));
    assert_eq!((status, code(&body)), (404, "INVALID_CROSS_REFERENCE_KEY"));
    for id in ["23foo", account.as_str()] {
        let (status, body) = org.get(&format!("/sobjects/Contact/{id}"));
        let message = format!("Provided external ID field does not exist or is not accessible: {id}");
        assert_eq!((status, &body[0]["message"], code(&body)), (404, &json!(message), "NOT_FOUND"));
    }
}

#[test]
fn given_an_id_in_the_body_when_written_then_it_is_refused() {
    let mut org = Org::new();
    let id = org.create("Contact", json!({"LastName": "A"}));
    let (status, body) = org.post("/sobjects/Contact", json!({"LastName": "B", "Id": id}));
    assert_eq!((status, code(&body)), (400, "INVALID_FIELD_FOR_INSERT_UPDATE"));
    let (status, body) = org.patch(&format!("/sobjects/Contact/{id}"), json!({"LastName": "B", "Id": id}));
    assert_eq!((status, code(&body)), (400, "INVALID_FIELD"));
}

#[test]
fn given_changes_and_deletes_when_asked_for_by_time_then_ids_come_by_the_minute() {
    let mut org = Org::new();
    let kept = org.create("Contact", json!({"LastName": "A"}));
    let gone = org.create("Contact", json!({"LastName": "B"}));
    org.delete(&format!("/sobjects/Contact/{gone}"));
    let span = "start=2026-09-21T14:13:50%2B00:00&end=2026-09-21T14:20:00%2B00:00";
    let (_, updated) = org.get(&format!("/sobjects/Contact/updated/?{span}"));
    assert_eq!(updated, json!({"ids": [kept], "latestDateCovered": "2026-09-21T14:20:00.000+0000"}));
    let (_, deleted) = org.get(&format!("/sobjects/Contact/deleted/?{span}"));
    let expected = json!([{"id": gone, "deletedDate": "2026-09-21T14:13:20.000+0000"}]);
    assert_eq!(
        (&deleted["deletedRecords"], &deleted["earliestDateAvailable"]),
        (&expected, &json!("2026-09-06T14:13:20.000+0000"))
    );
    let (status, body) = org.get("/sobjects/Contact/updated/?start=2026-09-21T14:13:50Z&end=x");
    assert_eq!((status, code(&body)), (400, "INVALID_REPLICATION_DATE"));
}
