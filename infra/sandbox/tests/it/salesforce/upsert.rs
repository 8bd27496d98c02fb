use super::{KEY, Org, code};
use serde_json::{Value, json};

#[test]
fn given_a_key_when_upserted_twice_then_201_and_200_say_which() {
    let mut org = Org::keyed();
    let path = format!("/sobjects/Contact/{KEY}/K1");
    let (status, body) = org.patch(&path, json!({"LastName": "A"}));
    let id = body["id"].clone();
    assert_eq!((status, &body), (201, &json!({"id": id, "success": true, "errors": [], "created": true})));
    let (status, body) = org.patch(&path.replace("K1", "k1"), json!({"LastName": "B"}));
    assert_eq!((status, body), (200, json!({"id": id, "success": true, "errors": [], "created": false})));
    let (status, body) = org.get(&path);
    assert_eq!((status, &body["LastName"], &body[KEY]), (200, &json!("B"), &json!("K1")));
    assert_eq!(org.delete(&path), (204, Value::Null));
    assert_eq!(org.get(&path).0, 404);
    assert_eq!(org.patch(&path, json!({"LastName": "C"})).0, 201);
}

#[test]
fn given_the_key_or_an_id_in_the_body_too_when_upserted_then_it_is_refused() {
    let mut org = Org::keyed();
    for name in [KEY, "Id"] {
        let (status, body) =
            org.patch(&format!("/sobjects/Contact/{KEY}/K1"), json!({"LastName": "A", name: "K1"}));
        let message = format!("The {name} field should not be specified in the sobject data.");
        assert_eq!((status, code(&body), &body[0]["message"]), (400, "INVALID_FIELD", &json!(message)));
    }
}

#[test]
fn given_a_field_that_is_no_key_when_upserted_then_404_names_it() {
    let mut org = Org::keyed();
    for name in ["Namez", "Title"] {
        let (status, body) = org.patch(&format!("/sobjects/Contact/{name}/x"), json!({"LastName": "A"}));
        let message = format!("Provided external ID field does not exist or is not accessible: {name}");
        assert_eq!((status, body), (404, json!([{"message": message, "errorCode": "NOT_FOUND"}])));
    }
}

#[test]
fn given_several_holders_of_a_key_when_upserted_then_300_lists_them() {
    let mut org = Org::new();
    org.field("Contact", "Old__c", json!({"type": "Text", "length": 10, "externalId": true}));
    let ids: Vec<String> =
        (0..2).map(|_| org.create("Contact", json!({"LastName": "A", "Old__c": "x"}))).collect();
    let urls: Vec<String> =
        ids.iter().map(|id| format!("/services/data/v62.0/sobjects/Contact/{id}")).collect();
    assert_eq!(org.patch("/sobjects/Contact/Old__c/X", json!({"LastName": "B"})), (300, json!(urls)));
    assert_eq!(org.get("/sobjects/Contact/Old__c/x"), (300, json!(urls)));
    let items = org.items(
        "PATCH",
        "/Contact/Old__c",
        json!([super::record("Contact", json!({"LastName": "B", "Old__c": "x"}))]),
    );
    assert_eq!(code(&items[0]), "DUPLICATE_EXTERNAL_ID");
    let message = format!("more than one record found for external id field: [{}, {}]", ids[0], ids[1]);
    assert_eq!(items[0]["errors"][0]["message"], json!(message));
}

#[test]
fn given_a_unique_value_when_another_record_takes_it_then_the_holder_is_named_by_its_short_id() {
    let mut org = Org::keyed();
    let id = org.create("Contact", json!({"LastName": "A", KEY: "K1"}));
    let (status, body) = org.post("/sobjects/Contact", json!({"LastName": "B", KEY: "k1"}));
    let message = format!("duplicate value found: {KEY} duplicates value on record with id: {}", &id[..15]);
    assert_eq!(
        (status, body),
        (400, json!([{"message": message, "errorCode": "DUPLICATE_VALUE", "fields": []}]))
    );
}

#[test]
fn given_a_key_that_tells_upper_from_lower_when_upserted_then_both_are_kept() {
    let mut org = Org::new();
    let metadata =
        json!({"type": "Text", "length": 10, "externalId": true, "unique": true, "caseSensitive": true});
    org.field("Contact", "Exact__c", metadata);
    assert_eq!(org.patch("/sobjects/Contact/Exact__c/a", json!({"LastName": "A"})).0, 201);
    assert_eq!(org.patch("/sobjects/Contact/Exact__c/A", json!({"LastName": "B"})).0, 201);
    assert_eq!(org.found("SELECT LastName FROM Contact WHERE Exact__c = 'A'", "LastName"), ["B"]);
}

#[test]
fn given_an_address_when_upserted_by_it_then_it_names_the_record() {
    let mut org = Org::new();
    assert_eq!(org.patch("/sobjects/Contact/Email/ada%40x.io", json!({"LastName": "A"})).0, 201);
    assert_eq!(org.patch("/sobjects/Contact/Email/Ada%40x.io", json!({"LastName": "B"})).0, 200);
    assert_eq!(org.records("Contact").len(), 1);
}
