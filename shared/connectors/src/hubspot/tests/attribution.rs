//! Whose result is whose.

use super::super::association;
use super::requests::link;
use super::*;
use proptest::prelude::*;
use rtr_core::failure::Class;
use serde_json::json;

#[test]
fn given_a_partly_created_batch_when_read_then_errors_go_by_trace_and_the_result_to_who_is_left() {
    let call = named(Kind::Create, &["", "", ""]);
    insta::assert_snapshot!(lines(&read(&call, 207, fixture!("207-create.json"))), @r#"
    Written { external_id: "884200000001", created: true, held: {} }
    Invalid { field: Some("shoe_size") }: HubSpot refused the value of `shoe_size`: PROPERTY_DOESNT_EXIST
    Duplicate { existing: Some("60412") }: HubSpot's record 60412 has this unique value already
    "#);
}

#[test]
fn given_aggregated_ids_when_read_then_each_id_has_its_failure() {
    let call = named(Kind::Update, &["60412", "60413", "60414"]);
    insta::assert_snapshot!(lines(&read(&call, 207, fixture!("207-update.json"))), @r#"
    Missing: HubSpot has no such record: archived, deleted or never there
    Written { external_id: "60413", created: false, held: {"firstname": String("Bea")} }
    Missing: HubSpot has no such record: archived, deleted or never there
    "#);
}

#[test]
fn given_unordered_upserts_when_read_then_they_go_by_key_and_new_ones_are_told_apart() {
    let call = named(upsert(), &["r-1", "r-2", "r-3"]);
    insta::assert_snapshot!(lines(&read(&call, 200, fixture!("200-upsert.json"))), @r#"
    Written { external_id: "884200000002", created: true, held: {} }
    Written { external_id: "60413", created: false, held: {} }
    OutcomeUnknown: HubSpot did not say what became of this record
    "#);
}

#[test]
fn given_an_email_key_in_another_case_when_read_then_it_is_the_same_key() {
    let by_email = Kind::Upsert { property: "email".to_owned() };
    let call = named(by_email, &["Bea@Example.org", "ADA@example.org", "cyd@example.org"]);
    insta::assert_snapshot!(lines(&read(&call, 200, fixture!("200-upsert.json"))), @r#"
    Written { external_id: "60413", created: false, held: {} }
    Written { external_id: "884200000002", created: true, held: {} }
    OutcomeUnknown: HubSpot did not say what became of this record
    "#);
}

#[test]
fn given_a_merged_record_when_read_then_the_id_is_the_one_that_answered() {
    let call = named(Kind::Update, &["60412", "60413"]);
    insta::assert_snapshot!(lines(&read(&call, 200, fixture!("207-update-merged.json"))), @r#"
    Written { external_id: "70001", created: false, held: {"firstname": String("Ada")} }
    Written { external_id: "60413", created: false, held: {"firstname": String("Bea")} }
    "#);
    let body = json!({"results": [{"id": 70001, "properties": {}}]}).to_string();
    insta::assert_snapshot!(lines(&read(&named(Kind::Update, &["60412"]), 200, &body)), @r#"Written { external_id: "70001", created: false, held: {} }"#);
}

#[test]
fn given_a_complaint_about_nobody_when_read_then_what_may_be_repeated_is_and_a_create_is_not() {
    let body = fixture!("207-nameless.json");
    insta::assert_snapshot!(lines(&read(&named(Kind::Update, &["60412", "60413", "60414"]), 207, body)), @r#"
    BatchRefused: HubSpot refused the value of `email`: INVALID_EMAIL
    Written { external_id: "60413", created: false, held: {"firstname": String("Bea")} }
    BatchRefused: HubSpot refused the value of `email`: INVALID_EMAIL
    "#);
    insta::assert_snapshot!(lines(&read(&named(Kind::Update, &["60412", "60413"]), 207, body)), @r#"
    Invalid { field: Some("email") }: HubSpot refused the value of `email`: INVALID_EMAIL
    Written { external_id: "60413", created: false, held: {"firstname": String("Bea")} }
    "#);
    insta::assert_snapshot!(lines(&read(&named(Kind::Create, &["", "", ""]), 207, body)), @"
    OutcomeUnknown: HubSpot did not say what became of this record
    OutcomeUnknown: HubSpot did not say what became of this record
    OutcomeUnknown: HubSpot did not say what became of this record
    ");
}

#[test]
fn given_success_with_nothing_in_it_when_read_then_nobody_is_taken_for_written() {
    for kind in [upsert(), Kind::Update, Kind::Create] {
        for body in [fixture!("200-nothing.json"), "", "{}", "<html>", r#"{"results":[{"properties":{}}]}"#] {
            let outcomes = read(&named(kind.clone(), &["1", "2"]), 200, body);
            assert!(
                outcomes.iter().all(|o| matches!(o, Err(f) if f.class == Class::OutcomeUnknown)),
                "{body}"
            );
        }
    }
}

#[test]
fn given_values_that_hubspot_took_otherwise_when_read_then_what_is_held_is_told_of_what_was_written() {
    let written =
        [("email", json!("Ada@Example.org")), ("lifecyclestage", json!("lead")), ("city", json!("Turin"))];
    let mut fields = fields(&written);
    fields.insert("phone".to_owned(), Patch::Clear);
    fields.insert("zip".to_owned(), Patch::Keep);
    let call = call(Kind::Update, vec![item("501", "t0", fields)]);
    let properties = json!({"email": "ada@example.org", "lifecyclestage": "customer", "phone": null, "zip": "10121",
        "hs_object_id": "501", "lastmodifieddate": "2026-11-18T11:06:40.123Z"});
    for trace in [json!("t0"), Value::Null] {
        let result = json!({"id": "501", "properties": properties, "objectWriteTraceId": trace});
        let outcomes = read(&call, 200, &json!({"results": [result]}).to_string());
        let held = &outcomes[0].as_ref().unwrap().held;
        let wanted = json!({"email": "ada@example.org", "lifecyclestage": "customer", "phone": null});
        assert_eq!(json!(held), wanted, "what was written and is told of, and nothing else");
    }
}

#[test]
fn given_an_archive_when_read_then_what_is_gone_counts_as_done() {
    insta::assert_snapshot!(lines(&read(&named(Kind::Archive, &["1", "2"]), 204, "")), @r#"
    Written { external_id: "1", created: false, held: {} }
    Written { external_id: "2", created: false, held: {} }
    "#);
    insta::assert_snapshot!(lines(&read(&named(Kind::Archive, &["1"]), 404, fixture!("404-object.json"))), @r#"Written { external_id: "1", created: false, held: {} }"#);
    insta::assert_snapshot!(lines(&read(&named(Kind::Archive, &["1"]), 404, "<html>")), @"Refused: HubSpot knows nothing at this address");
    insta::assert_snapshot!(lines(&read(&named(Kind::Erase, &["1"]), 404, fixture!("404-object.json"))), @"Missing: HubSpot has no such record: archived, deleted or never there");
}

#[test]
fn given_a_batch_refused_as_a_whole_when_read_then_only_the_blameless_are_tried_again() {
    let mut call = named(upsert(), &["r-1", "r-2", "r-3"]);
    call.items[1].fields = fields(&[("shoe_size", json!(44))]);
    insta::assert_snapshot!(lines(&read(&call, 400, fixture!("400-validation-in-errors.json"))), @r#"
    BatchRefused: HubSpot refused the value of `shoe_size`: PROPERTY_DOESNT_EXIST
    Invalid { field: Some("shoe_size") }: HubSpot refused the property `shoe_size`: it is not there or read-only
    BatchRefused: HubSpot refused the value of `shoe_size`: PROPERTY_DOESNT_EXIST
    "#);
    insta::assert_snapshot!(lines(&read(&call, 400, fixture!("400-unknown-object.json"))), @"
    Refused: HubSpot has no such object
    Refused: HubSpot has no such object
    Refused: HubSpot has no such object
    ");
    let one = named(Kind::Create, &[""]);
    insta::assert_snapshot!(lines(&read(&one, 409, fixture!("409-conflict-with-id.json"))), @r#"Duplicate { existing: Some("60412") }: HubSpot's record 60412 has this unique value already"#);
    insta::assert_snapshot!(lines(&read(&one, 400, fixture!("400-empty-patch.json"))), @"Invalid { field: None }: HubSpot refused the request as invalid");
}

#[test]
fn given_associations_when_read_then_numbers_and_texts_are_the_same_ids() {
    let to = |from: &str, to: &str| link(("contacts", from), ("companies", to), "default");
    let (a, b) = (to("60413", "501"), to("60414", "501"));
    let made = |status, body, wanted: &[&crate::connector::Association]| {
        lines(&association::outcomes(wanted, &answer(status, body), NOW))
    };
    insta::assert_snapshot!(made(200, fixture!("200-associate-default.json"), &[&a, &b]), @"
    ()
    OutcomeUnknown: HubSpot did not say what became of this association
    ");
    insta::assert_snapshot!(made(201, fixture!("201-associate-primary.json"), &[&a]), @"()");
    // The company was merged into another, whose id is in the answer.
    let merged = to("60413", "777");
    insta::assert_snapshot!(made(201, fixture!("201-associate-primary.json"), &[&merged]), @"()");
    insta::assert_snapshot!(made(201, fixture!("201-associate-primary.json"), &[&merged, &b]), @"
    OutcomeUnknown: HubSpot did not say what became of this association
    OutcomeUnknown: HubSpot did not say what became of this association
    ");
    let (c, d, e) = (to("60x", "501"), to("60415", "599"), to("60416", "60416"));
    insta::assert_snapshot!(made(207, fixture!("207-associate.json"), &[&e, &d, &c, &b, &a]), @"
    BatchRefused: HubSpot refused the record's values
    Missing: HubSpot has no such record: archived, deleted or never there
    Invalid { field: None }: HubSpot refused the record's values
    BatchRefused: HubSpot refused the record's values
    ()
    ");
    insta::assert_snapshot!(made(200, fixture!("200-nothing.json"), &[&a]), @"OutcomeUnknown: HubSpot did not say what became of this association");
    insta::assert_snapshot!(made(400, fixture!("400-unknown-object.json"), &[&a, &b]), @"
    Refused: HubSpot has no such object
    Refused: HubSpot has no such object
    ");
    insta::assert_snapshot!(made(404, fixture!("404-object.json"), &[&a, &b]), @"
    BatchRefused: HubSpot has no such record: archived, deleted or never there
    BatchRefused: HubSpot has no such record: archived, deleted or never there
    ");
}

/// How HubSpot might tell of one item.
#[derive(Debug, Clone, Copy)]
enum Told {
    ResultWithTrace,
    ResultWithKey,
    ResultBare,
    ErrorWithTrace,
    ErrorWithId,
    ErrorBare,
    Nothing,
}

fn told() -> impl Strategy<Value = Told> {
    prop::sample::select(vec![
        Told::ResultWithTrace,
        Told::ResultWithKey,
        Told::ResultBare,
        Told::ErrorWithTrace,
        Told::ErrorWithId,
        Told::ErrorBare,
        Told::Nothing,
    ])
}

fn answer_about(kind: &Kind, told: &[(usize, Told)]) -> String {
    let (mut results, mut errors) = (Vec::new(), Vec::new());
    for (n, how) in told {
        // Of an update the id is the one asked; bare, the record was merged into another.
        let id = if matches!((kind, how), (Kind::Update, Told::ResultBare)) { n + 5_000 } else { n + 1_000 };
        let key = format!("K-{n}");
        match how {
            Told::ResultWithTrace => {
                results.push(json!({"id": id, "objectWriteTraceId": format!("t{n}"), "properties": {}}));
            }
            Told::ResultWithKey => results.push(json!({"id": id, "properties": {"rtr_record_id": key}})),
            Told::ResultBare => results.push(json!({"id": id, "properties": {}})),
            Told::ErrorWithTrace => errors.push(json!({"category": "CONFLICT",
                "message": format!("Existing ID: {n}"), "context": {"objectWriteTraceId": [format!("t{n}")]}})),
            Told::ErrorWithId => {
                let named = if *kind == Kind::Update { id.to_string() } else { key };
                errors.push(json!({"category": "CONFLICT", "message": format!("Existing ID: {n}"),
                    "context": {"ids": [named]}}));
            }
            Told::ErrorBare => {
                errors.push(json!({"category": "CONFLICT", "message": format!("Existing ID: {n}")}));
            }
            Told::Nothing => {}
        }
    }
    json!({"status": "COMPLETE", "results": results, "errors": errors}).to_string()
}

proptest! {
    #[test]
    fn given_any_answer_in_any_order_when_read_then_nobody_has_anothers_outcome(
        told in prop::collection::vec(told(), 1..12).prop_map(|t| t.into_iter().enumerate().collect::<Vec<_>>()).prop_shuffle(),
        kind in prop::sample::select(vec![upsert(), Kind::Update, Kind::Create]),
    ) {
        let count = told.len();
        let items = (0..count).map(|n| {
            let id = match &kind {
                Kind::Update => (n + 1_000).to_string(),
                Kind::Create => String::new(),
                _ => format!("k-{n}"),
            };
            let fields = if kind == Kind::Create { fields(&[("rtr_record_id", json!(format!("k-{n}")))]) } else { Fields::new() };
            item(&id, &format!("t{n}"), fields)
        }).collect();
        let call = call(kind.clone(), items);
        let outcomes = read(&call, 207, &answer_about(&kind, &told));
        prop_assert_eq!(outcomes.len(), count);
        for (n, how) in &told {
            match (&outcomes[*n], how) {
                (Ok(written), Told::ResultWithTrace | Told::ResultWithKey | Told::ResultBare) => {
                    prop_assert!([(n + 1_000).to_string(), (n + 5_000).to_string()].contains(&written.external_id));
                }
                (Ok(_), _) => prop_assert!(false, "{n} was not written"),
                (Err(Failure { class: Class::Duplicate { existing }, .. }), how) => {
                    prop_assert!(matches!(how, Told::ErrorWithTrace | Told::ErrorWithId | Told::ErrorBare), "{how:?}");
                    prop_assert_eq!(existing.clone(), Some(n.to_string()));
                }
                (Err(failure), how) => {
                    prop_assert!(matches!(failure.class, Class::OutcomeUnknown | Class::BatchRefused));
                    prop_assert!(!matches!(how, Told::ResultWithTrace | Told::ErrorWithTrace), "{how:?}");
                }
            }
        }
    }
}

use rtr_core::failure::Failure;
