use super::{Org, code};
use serde_json::{Value, json};

fn refused(org: &mut Org, kind: &str, values: Value) -> Value {
    let (status, body) = org.post(&format!("/sobjects/{kind}"), values);
    assert_eq!(status, 400, "{body}");
    body
}

#[test]
fn given_required_fields_when_missing_or_cleared_then_they_are_named() {
    let mut org = Org::new();
    let expected = json!([{"message": "Required fields are missing: [LastName]", "errorCode": "REQUIRED_FIELD_MISSING",
                           "fields": ["LastName"]}]);
    assert_eq!(refused(&mut org, "Contact", json!({"FirstName": "Ada"})), expected);
    let lead = refused(&mut org, "Lead", json!({}));
    assert_eq!(lead[0]["fields"], json!(["LastName", "Company"]));
    let opportunity = refused(&mut org, "Opportunity", json!({"Name": "Deal", "CloseDate": null}));
    assert_eq!(opportunity[0]["fields"], json!(["StageName", "CloseDate"]));
    let id = org.create("Contact", json!({"LastName": "A"}));
    for value in [Value::Null, json!(""), json!("  ")] {
        assert_eq!(
            org.patch(&format!("/sobjects/Contact/{id}"), json!({"LastName": value})),
            (400, expected.clone())
        );
    }
}

#[test]
fn given_fields_that_are_not_there_or_not_to_be_set_when_written_then_the_words_differ() {
    let mut org = Org::new();
    let body = refused(&mut org, "Contact", json!({"LastName": "A", "foo": 1}));
    assert_eq!(
        body,
        json!([{"message": "No such column 'foo' on sobject of type Contact", "errorCode": "INVALID_FIELD"}])
    );
    let body = refused(
        &mut org,
        "Contact",
        json!({"LastName": "A", "Name": "x", "CreatedDate": "2026-01-01T00:00:00Z"}),
    );
    assert_eq!(code(&body), "INVALID_FIELD_FOR_INSERT_UPDATE");
    assert_eq!(body[0]["fields"], json!(["CreatedDate", "Name"]));
    assert!(
        body[0]["message"]
            .as_str()
            .unwrap()
            .starts_with("Unable to create/update fields: CreatedDate, Name.")
    );
}

#[test]
fn given_values_that_do_not_fit_when_written_then_code_and_field_say_which() {
    let mut org = Org::new();
    let long = "x".repeat(81);
    for (name, value, expected) in [
        ("Email", json!("nope"), "INVALID_EMAIL_ADDRESS"),
        ("LastName", json!(long), "STRING_TOO_LONG"),
        ("AccountId", json!("23foo"), "MALFORMED_ID"),
    ] {
        let mut values = json!({"LastName": "A"});
        values[name] = value;
        let body = refused(&mut org, "Contact", values);
        assert_eq!((code(&body), &body[0]["fields"]), (expected, &json!([name])));
    }
    let email = refused(&mut org, "Contact", json!({"LastName": "A", "Email": "nope"}));
    assert_eq!(email[0]["message"], "Email: invalid email address: nope");
    for (name, value) in [
        ("Birthdate", json!("28.02.2026")),
        ("FirstName", json!(12)),
        ("HasOptedOutOfEmail", json!("maybe")),
        ("HasOptedOutOfEmail", Value::Null),
        ("Department", json!({"a": 1})),
    ] {
        let mut values = json!({"LastName": "A"});
        values[name] = value;
        assert_eq!(code(&refused(&mut org, "Contact", values)), "JSON_PARSER_ERROR", "{name}");
    }
    let number = refused(&mut org, "Account", json!({"Name": "A", "NumberOfEmployees": 3_000_000_000_u64}));
    assert_eq!(code(&number), "NUMBER_OUTSIDE_VALID_RANGE");
}

#[test]
fn given_rules_of_the_account_when_broken_then_the_vendor_words_them() {
    let mut org = Org::new();
    org.rule(json!({"object": "Contact", "name": "Department", "required": true}));
    assert_eq!(refused(&mut org, "Contact", json!({"LastName": "A"}))[0]["fields"], json!(["Department"]));
    org.rule(json!({"object": "Contact", "name": "Department", "required": false, "rejects": true}));
    let body = refused(&mut org, "Contact", json!({"LastName": "A", "Department": "IT"}));
    assert_eq!(
        (code(&body), &body[0]["fields"]),
        ("FIELD_CUSTOM_VALIDATION_EXCEPTION", &json!(["Department"]))
    );
    org.rule(json!({"object": "Account", "name": "Industry", "options": ["Retail"]}));
    let body = refused(&mut org, "Account", json!({"Name": "A", "Industry": "Magic"}));
    assert_eq!(code(&body), "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST");
    assert_eq!(body[0]["message"], "Industry: bad value for restricted picklist field: Magic");
    org.create("Account", json!({"Name": "A", "Industry": "Retail"}));
    org.rule(json!({"object": "Account", "name": "Industry", "options": []}));
    org.create("Account", json!({"Name": "A", "Industry": "Magic"}));
}

#[test]
fn given_a_lookup_when_it_leads_nowhere_then_it_is_refused() {
    let mut org = Org::new();
    let account = org.create("Account", json!({"Name": "Acme"}));
    let contact = org.create("Contact", json!({"LastName": "A", "AccountId": account}));
    assert_eq!(
        code(&refused(&mut org, "Contact", json!({"LastName": "A", "AccountId": contact}))),
        "MALFORMED_ID"
    );
    org.delete(&format!("/sobjects/Account/{account}"));
    let body = refused(&mut org, "Contact", json!({"LastName": "A", "AccountId": account}));
    assert_eq!((code(&body), &body[0]["fields"]), ("ENTITY_IS_DELETED", &json!(["AccountId"])));
    org.own("POST", "/actions", json!({"action": "purge", "id": account}));
    let body = refused(&mut org, "Contact", json!({"LastName": "A", "AccountId": account}));
    assert_eq!((code(&body), &body[0]["fields"]), ("INVALID_CROSS_REFERENCE_KEY", &json!(["AccountId"])));
}

#[test]
fn given_a_parent_by_its_external_id_when_written_then_it_is_found_or_named() {
    let mut org = Org::keyed();
    let account = org.create("Account", json!({"Name": "Acme", super::KEY: "A1"}));
    let contact = org.create("Contact", json!({"LastName": "A", "Account": {super::KEY: "a1"}}));
    assert_eq!(org.get(&format!("/sobjects/Contact/{contact}")).1["AccountId"], json!(account));
    let body = refused(&mut org, "Contact", json!({"LastName": "A", "Account": {super::KEY: "A2"}}));
    let message = "Foreign key external ID: a2 not found for field Rtr_Key__c in entity Account";
    assert_eq!((code(&body), &body[0]["message"]), ("INVALID_FIELD", &json!(message)));
    let body = refused(&mut org, "Contact", json!({"LastName": "A", "Account": {"Industry": "x"}}));
    let message = "Field name provided, Industry does not match an External ID, Salesforce Id, or indexed field for Account";
    assert_eq!((code(&body), &body[0]["message"]), ("INVALID_FIELD", &json!(message)));
    assert_eq!(org.patch(&format!("/sobjects/Contact/{contact}"), json!({"Account": null})).0, 204);
    assert_eq!(org.get(&format!("/sobjects/Contact/{contact}")).1["AccountId"], Value::Null);
}
