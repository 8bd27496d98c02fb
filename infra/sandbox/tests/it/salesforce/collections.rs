use super::{KEY, Org, code, record};
use serde_json::{Value, json};

fn contact(values: Value) -> Value {
    record("Contact", values)
}

#[test]
fn given_good_and_bad_records_when_created_then_each_has_its_result_in_order() {
    let mut org = Org::new();
    let records = json!([
        contact(json!({"LastName": "A"})),
        contact(json!({"FirstName": "B"})),
        contact(json!({"LastName": "C", "foo": 1}))
    ]);
    let items = org.items("POST", "", records);
    assert_eq!(items[0], json!({"id": items[0]["id"], "success": true, "errors": []}));
    let missing = json!({"statusCode": "REQUIRED_FIELD_MISSING", "message": "Required fields are missing: [LastName]", "fields": ["LastName"]});
    assert_eq!(items[1], json!({"success": false, "errors": [missing]}));
    let unknown = json!({"statusCode": "INVALID_FIELD", "message": "No such column 'foo' on sobject of type Contact", "fields": []});
    assert_eq!(items[2], json!({"success": false, "errors": [unknown]}));
    assert_eq!(org.records("Contact").len(), 1);
}

#[test]
fn given_all_or_none_when_one_is_bad_then_nothing_is_written_and_the_others_say_so() {
    let mut org = Org::keyed();
    let id = org.create("Contact", json!({"LastName": "A"}));
    let records = json!([contact(json!({"id": id, "LastName": "B"})), contact(json!({"id": id, "foo": 1}))]);
    let (status, items) = org.patch("/composite/sobjects", json!({"allOrNone": true, "records": records}));
    assert_eq!(
        (status, code(&items[0]), code(&items[1])),
        (200, "ALL_OR_NONE_OPERATION_ROLLED_BACK", "INVALID_FIELD")
    );
    assert_eq!(org.records("Contact")[0]["properties"]["LastName"], "A");
    let records = json!([contact(json!({"LastName": "X", KEY: "K9"})), contact(json!({}))]);
    org.post("/composite/sobjects", json!({"allOrNone": true, "records": records}));
    assert_eq!(org.records("Contact").len(), 1);
    assert!(org.found(&format!("SELECT Id FROM Contact WHERE {KEY} = 'K9'"), "Id").is_empty());
}

#[test]
fn given_ids_that_are_missing_malformed_gone_or_unknown_when_updated_then_each_item_says_so() {
    let mut org = Org::new();
    let ids: Vec<String> = (0..3).map(|_| org.create("Contact", json!({"LastName": "A"}))).collect();
    org.delete(&format!("/sobjects/Contact/{}", ids[1]));
    org.own("POST", "/actions", json!({"action": "purge", "id": ids[2]}));
    let with = |id: &str| contact(json!({"Id": id, "Title": "x"}));
    let records =
        json!([with(&ids[0]), contact(json!({"Title": "x"})), with("23foo"), with(&ids[1]), with(&ids[2])]);
    let items = org.items("PATCH", "", records);
    assert_eq!(items[0], json!({"id": ids[0], "success": true, "errors": []}));
    assert_eq!(items[1]["errors"][0]["message"], "Id not specified in an update call");
    let codes: Vec<&str> = items[1..].iter().map(code).collect();
    assert_eq!(
        codes,
        ["MISSING_ARGUMENT", "MALFORMED_ID", "ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY"]
    );
    assert_eq!(items[2]["errors"][0]["message"], "malformed id 23foo");
}

#[test]
fn given_keys_when_upserted_then_created_tells_and_repeated_ones_are_refused_every_one() {
    let mut org = Org::keyed();
    org.create("Contact", json!({"LastName": "A", KEY: "K1"}));
    let with = |key: &str| contact(json!({"LastName": "N", KEY: key}));
    let records = json!([with("K1"), with("K2"), with("K3"), contact(json!({"LastName": "N"})), with("k3")]);
    let items = org.items("PATCH", &format!("/Contact/{KEY}"), records);
    let created: Vec<&Value> = items.iter().map(|item| &item["created"]).collect();
    assert_eq!(created, [&json!(false), &json!(true), &json!(false), &json!(false), &json!(false)]);
    for at in [2, 4] {
        assert_eq!(
            (code(&items[at]), &items[at]["errors"][0]["fields"]),
            ("DUPLICATE_EXTERNAL_ID", &json!([KEY]))
        );
    }
    assert_eq!(code(&items[3]), "MISSING_ARGUMENT");
    assert_eq!(org.records("Contact").len(), 2);
}

#[test]
fn given_an_id_beside_the_key_when_upserted_then_only_that_item_is_refused() {
    let mut org = Org::keyed();
    let id = org.create("Contact", json!({"LastName": "A", KEY: "K1"}));
    let records = json!([
        contact(json!({"id": id, KEY: "K1", "LastName": "B"})),
        contact(json!({KEY: "K2", "LastName": "C"}))
    ]);
    let items = org.items("PATCH", &format!("/Contact/{KEY}"), records);
    assert_eq!((code(&items[0]), &items[1]["success"]), ("INVALID_FIELD_FOR_INSERT_UPDATE", &json!(true)));
}

#[test]
fn given_a_field_that_is_no_key_when_upserted_then_the_whole_call_is_refused() {
    let mut org = Org::new();
    let body = json!({"records": [contact(json!({"LastName": "A", "Title": "x"}))]});
    let (status, body) = org.patch("/composite/sobjects/Contact/Title", body);
    assert_eq!((status, code(&body)), (404, "NOT_FOUND"));
}

#[test]
fn given_ids_when_deleted_then_each_has_its_result() {
    let mut org = Org::new();
    let ids: Vec<String> = (0..2).map(|_| org.create("Contact", json!({"LastName": "A"}))).collect();
    let path = format!("/composite/sobjects?ids={},{},{}&allOrNone=false", ids[0], ids[0], ids[1]);
    let (status, items) = org.delete(&path);
    assert_eq!((status, &items[0]), (200, &json!({"id": ids[0], "success": true, "errors": []})));
    assert_eq!((code(&items[1]), &items[2]["success"]), ("ENTITY_IS_DELETED", &json!(true)));
    let rest = org.create("Contact", json!({"LastName": "A"}));
    let (_, items) = org.delete(&format!("/composite/sobjects?ids={rest},{}&allOrNone=true", ids[0]));
    assert_eq!(code(&items[0]), "ALL_OR_NONE_OPERATION_ROLLED_BACK");
    assert_eq!(org.records("Contact").len(), 1);
}

#[test]
fn given_ids_when_read_then_what_is_missing_is_null_in_its_place() {
    let mut org = Org::new();
    let ids: Vec<String> = ["A", "B"].map(|name| org.create("Contact", json!({"LastName": name}))).to_vec();
    org.delete(&format!("/sobjects/Contact/{}", ids[0]));
    let body = json!({"ids": [ids[0], ids[1]], "fields": ["LastName"]});
    let (status, found) = org.post("/composite/sobjects/Contact", body);
    assert_eq!((status, &found[0], &found[1]["LastName"]), (200, &Value::Null, &json!("B")));
    let (_, found) =
        org.get(&format!("/composite/sobjects/Contact?ids={},{}&fields=Id,LastName", ids[1], ids[0]));
    assert_eq!((&found[0]["Id"], &found[1]), (&json!(ids[1]), &Value::Null));
    let (status, body) = org.post("/composite/sobjects/Contact", json!({"ids": [ids[1]], "fields": ["foo"]}));
    assert_eq!((status, code(&body)), (400, "INVALID_FIELD"));
}

#[test]
fn given_none_or_too_many_when_sent_then_the_whole_call_is_refused() {
    let mut org = Org::keyed();
    let expected =
        json!([{"message": "At least 1 record is required", "errorCode": "REQUIRED_FIELD_MISSING"}]);
    for (method, path) in [
        ("POST", "/composite/sobjects"),
        ("PATCH", "/composite/sobjects"),
        ("PATCH", "/composite/sobjects/Contact/Rtr_Key__c"),
    ] {
        assert_eq!(org.call(method, path, json!({"records": []})), (400, expected.clone()));
        let many: Vec<Value> =
            (0..201).map(|n| contact(json!({"LastName": "A", KEY: n.to_string()}))).collect();
        let (status, body) = org.call(method, path, json!({"records": many}));
        assert_eq!((status, code(&body)), (400, "EXCEEDED_ID_LIMIT"));
    }
    assert_eq!(org.delete("/composite/sobjects?ids="), (400, expected));
    let ids = vec!["003000000000001AAA"; 2001];
    assert_eq!(org.post("/composite/sobjects/Contact", json!({"ids": ids, "fields": ["Id"]})).0, 400);
    let (status, body) = org.post("/composite/sobjects", json!({"records": [{"LastName": "A"}]}));
    assert_eq!((status, code(&body)), (400, "INVALID_INPUT"));
    assert!(org.records("Contact").is_empty());
}

#[test]
fn given_types_that_take_turns_when_created_then_ten_runs_pass_and_eleven_do_not() {
    let mut org = Org::new();
    let records = |count: usize| -> Vec<Value> {
        let one = |at: usize| {
            if at.is_multiple_of(2) {
                contact(json!({"LastName": "A"}))
            } else {
                record("Account", json!({"Name": "B"}))
            }
        };
        (0..count).map(one).collect()
    };
    assert!(org.items("POST", "", json!(records(10))).iter().all(|item| item["success"] == true));
    let (status, body) = org.post("/composite/sobjects", json!({"records": records(11)}));
    assert_eq!(status, 400);
    assert!(body[0]["message"].as_str().unwrap().starts_with("Cannot have more than 10 chunks"));
}
