//! Whose result is whose: by place, and only when every place can be trusted.

use super::super::response::is_passing;
use super::*;
use proptest::prelude::*;
use rtr_core::failure::Class;
use serde_json::json;

#[test]
fn given_a_mixed_answer_when_read_then_each_item_has_what_stands_at_its_place() {
    let dotted = fields(&[("LastName", "King".into()), ("Account.Erp_Number__c", "CANARY".into())]);
    let ids: Vec<String> = (0..14).map(|n| format!("r-{n}")).collect();
    let items = ids.iter().map(|id| item(id, dotted.clone())).collect();
    insta::assert_snapshot!(lines(&read(&call(upsert(), items), 200, fixture!("200-items.json"))), @r#"
    Written { external_id: "003KX00000AbCd1YAF", created: true, held: {} }
    Invalid { field: Some("LastName") }: Salesforce refused the record's `LastName`: REQUIRED_FIELD_MISSING
    Invalid { field: None }: Salesforce has no record with an id that this one refers to
    Busy: Salesforce has the record, or its parent, locked
    Duplicate { existing: None }: 2 Salesforce records are the same one by a unique value: 003KX00000AbCd1YAF, 003KX00000AbCd2YAF
    Duplicate { existing: Some("003KX00000AbCd1YAF") }: Salesforce's record 003KX00000AbCd1YAF is the same one by a duplicate rule
    Invalid { field: Some("Account.Erp_Number__c") }: no Salesforce record has the external id that a relationship field names; for a parent that rtr-sync writes too, map the lookup field as a `reference`, which waits for it
    BatchRefused: Salesforce refused the call as a whole
    Throttled { until: Some(Instant(1795000900123)) }: Salesforce's storage is used up
    OutcomeUnknown: Salesforce failed while it worked on this
    Throttled { until: Some(Instant(1795000900123)) }: Salesforce's daily limit is used up
    Refused: Salesforce refused the record (SOMETHING_NEW)
    OutcomeUnknown: Salesforce did not say what became of this record
    OutcomeUnknown: Salesforce did not say what became of this record
    "#);
}

#[test]
fn given_an_upsert_when_read_then_ids_and_what_was_created_are_told() {
    let both = named(upsert(), &["r-1", "r-2"]);
    insta::assert_snapshot!(lines(&read(&both, 200, fixture!("200-upsert.json"))), @r#"
    Written { external_id: "003KX00000AbCd1YAF", created: true, held: {} }
    Written { external_id: "003KX00000AbCd2YAF", created: false, held: {} }
    "#);
    let lone = named(upsert(), &["r-1"]);
    let body = json!({"id": A, "success": true, "errors": []}).to_string();
    assert!(read(&lone, 201, &body)[0].as_ref().unwrap().created);
    assert!(!read(&lone, 200, &body)[0].as_ref().unwrap().created);
}

#[test]
fn given_an_answer_of_another_length_or_shape_when_read_then_nobody_knows_of_any_item() {
    let one = json!({"id": A, "success": true, "errors": []});
    let strange = [
        json!([]).to_string(),
        json!([one]).to_string(),
        json!([one, one, one]).to_string(),
        json!({"id": A, "success": true}).to_string(),
        r#"[{"id":"003KX00000AbCd1YAF","success":true,"err"#.to_owned(),
        "<html>maintenance</html>".to_owned(),
        String::new(),
    ];
    for body in strange {
        for outcome in read(&named(upsert(), &["r-1", "r-2"]), 200, &body) {
            assert_eq!(outcome.unwrap_err().class, Class::OutcomeUnknown, "{body}");
        }
    }
}

#[test]
fn given_ids_in_another_order_when_read_then_no_place_is_trusted() {
    let swapped = json!([{"id": B, "success": true}, {"id": A, "success": true}]).to_string();
    for kind in [Kind::Update, Kind::Archive] {
        for outcome in read(&named(kind, &[A, B]), 200, &swapped) {
            assert_eq!(outcome.unwrap_err().class, Class::OutcomeUnknown);
        }
    }
    let short = json!([{"id": A, "success": true}]).to_string();
    let written = read(&named(Kind::Update, &[&A[..15]]), 200, &short);
    assert_eq!(written[0].as_ref().unwrap().external_id, A, "15 characters are the same id as 18");
}

#[test]
fn given_a_delete_of_what_is_gone_when_read_then_it_is_done() {
    for code in ["ENTITY_IS_DELETED", "NOT_FOUND", "INVALID_CROSS_REFERENCE_KEY"] {
        let gone =
            json!([{"success": false, "errors": [{"statusCode": code, "message": "x", "fields": []}]}]);
        assert_eq!(
            read(&named(Kind::Archive, &[A]), 200, &gone.to_string())[0].as_ref().unwrap().external_id,
            A
        );
        let missed = read(&named(Kind::Update, &[A]), 200, &gone.to_string());
        assert_eq!(missed[0].as_ref().unwrap_err().class, Class::Missing, "{code}");
    }
    assert!(read(&named(Kind::Archive, &[A]), 404, fixture!("404-deleted.json"))[0].is_ok());
}

#[test]
fn given_several_records_with_the_key_when_upserted_then_a_person_reads_their_ids() {
    let lone = named(upsert(), &["r-1"]);
    insta::assert_snapshot!(lines(&read(&lone, 300, fixture!("300-several.json"))), @"Duplicate { existing: None }: 2 Salesforce records are the same one by a unique value: 003KX00000AbCd1YAF, 003KX00000AbCd2YAF");
    insta::assert_snapshot!(lines(&read(&lone, 300, fixture!("300-one.json"))), @r#"Duplicate { existing: Some("003KX00000AbCd1YAF") }: Salesforce's record 003KX00000AbCd1YAF is the same one by a unique value"#);
}

#[test]
fn given_a_whole_call_refused_for_values_when_read_then_it_is_divided_and_a_lone_item_has_the_failure() {
    let two = read(&named(upsert(), &["r-1", "r-2"]), 400, fixture!("400-parser.json"));
    assert!(two.iter().all(|outcome| outcome.as_ref().unwrap_err().class == Class::BatchRefused));
    let one = read(&named(upsert(), &["r-1"]), 400, fixture!("400-parser.json"));
    insta::assert_snapshot!(lines(&one), @"Invalid { field: None }: Salesforce refused the call as a whole");
    let config = read(&named(upsert(), &["r-1", "r-2"]), 404, fixture!("404-key-field.json"));
    insta::assert_snapshot!(lines(&config), @"
    Refused: the external-id field `Rtr_Record_Id__c` is not there, or the integration user may not see it
    Refused: the external-id field `Rtr_Record_Id__c` is not there, or the integration user may not see it
    ");
}

#[test]
fn given_a_field_that_only_the_words_name_when_read_then_the_items_own_field_is_told() {
    let with = item("r-1", fields(&[("Shoe__c", 44.into()), ("LastName", "King".into())]));
    let outcome = &read(&call(upsert(), vec![with]), 400, fixture!("400-no-column.json"))[0];
    assert_eq!(outcome.as_ref().unwrap_err().field(), Some("Shoe__c"));
}

#[test]
fn given_a_clash_of_the_key_itself_when_read_then_it_passes_and_another_fields_does_not() {
    let clash = |field: &str, kind| {
        let words =
            format!("duplicate value found: {field} duplicates value on record with id: 003KX00000AbCd1");
        let body = json!([{"success": false, "errors": [{"statusCode": "DUPLICATE_VALUE", "message": words, "fields": []}]}]);
        let call = named(kind, &["r-1"]);
        let failure = read(&call, 200, &body.to_string())[0].clone().unwrap_err();
        assert_eq!(failure.class, Class::Duplicate { existing: Some(A.to_owned()) });
        is_passing(&call, &failure)
    };
    assert!(clash("Rtr_Record_Id__c", upsert()), "another call made it just now");
    assert!(!clash("Badge__c", upsert()));
    assert!(!clash("Rtr_Record_Id__c", Kind::Update));
}

proptest! {
    #[test]
    fn given_any_results_when_read_then_a_success_is_only_ever_at_its_own_place(
        said in proptest::collection::vec(proptest::option::of(any::<bool>()), 0..8), sent in 1usize..8,
    ) {
        let ids: Vec<String> = (0..sent).map(|n| format!("003KX00000AbCd{n}AAA")).collect();
        let result = |(n, success): (usize, &Option<bool>)| json!({"id": format!("003KX00000AbCd{n}AAA"), "success": success});
        let body = Value::Array(said.iter().enumerate().map(result).collect()).to_string();
        let call = named(Kind::Update, &ids.iter().map(String::as_str).collect::<Vec<_>>());
        let outcomes = read(&call, 200, &body);
        prop_assert_eq!(outcomes.len(), sent);
        for (n, outcome) in outcomes.iter().enumerate() {
            let done = said.len() == sent && said[n] == Some(true);
            prop_assert_eq!(outcome.as_ref().ok().map(|w| w.external_id.clone()), done.then(|| ids[n].clone()));
        }
    }
}
