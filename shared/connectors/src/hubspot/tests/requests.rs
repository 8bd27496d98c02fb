//! What we send, word for word.

use super::super::{association, request};
use super::*;
use crate::connector::{Association, Call};
use crate::http::RequestBody;
use serde_json::json;

pub(super) fn shown(call: &Call) -> String {
    let body = match &call.request.body {
        RequestBody::Empty => String::new(),
        RequestBody::Csv(text) => text.clone(),
        RequestBody::Json(value) => serde_json::to_string(value).unwrap(),
    };
    let reads = if call.request.reads_only { " (reads)" } else { "" };
    format!("[{}] {} {}{reads}\n{body}", call.api, call.request.method.as_str(), call.request.path)
}

fn batch(call: &WriteCall) -> String {
    shown(&request::batch(call, &call.items.iter().collect::<Vec<_>>()))
}

#[test]
fn given_an_upsert_when_requested_then_the_key_stands_among_the_properties_too() {
    let mut changes = fields(&[("email", json!("ada@example.org")), ("firstname", json!("Ada"))]);
    changes.insert("phone".to_owned(), Patch::Clear);
    changes.insert("city".to_owned(), Patch::Keep);
    insta::assert_snapshot!(batch(&call(upsert(), vec![item("r-1", "t0", changes)])), @r#"
    [*] POST /crm/v3/objects/contacts/batch/upsert
    {"inputs":[{"id":"r-1","idProperty":"rtr_record_id","objectWriteTraceId":"t0","properties":{"email":"ada@example.org","firstname":"Ada","phone":"","rtr_record_id":"r-1"}}]}
    "#);
    let by_email = Kind::Upsert { property: "email".to_owned() };
    let own = fields(&[("email", json!("Ada@example.org"))]);
    insta::assert_snapshot!(batch(&call(by_email, vec![item("ada@example.org", "t0", own)])), @r#"
    [*] POST /crm/v3/objects/contacts/batch/upsert
    {"inputs":[{"id":"ada@example.org","idProperty":"email","objectWriteTraceId":"t0","properties":{"email":"Ada@example.org"}}]}
    "#);
}

#[test]
fn given_the_other_kinds_when_requested_then_each_has_its_shape() {
    let name = || fields(&[("firstname", json!("Ada"))]);
    insta::assert_snapshot!(batch(&call(Kind::Update, vec![item("501", "t0", name())])), @r#"
    [*] POST /crm/v3/objects/contacts/batch/update
    {"inputs":[{"id":"501","objectWriteTraceId":"t0","properties":{"firstname":"Ada"}}]}
    "#);
    insta::assert_snapshot!(batch(&call(Kind::Create, vec![item("", "t0", name()), item("", "t1", name())])), @r#"
    [*] POST /crm/v3/objects/contacts/batch/create
    {"inputs":[{"objectWriteTraceId":"t0","properties":{"firstname":"Ada"}},{"objectWriteTraceId":"t1","properties":{"firstname":"Ada"}}]}
    "#);
    insta::assert_snapshot!(batch(&call(Kind::Archive, vec![item("501", "t0", Fields::new())])), @r#"
    [*] POST /crm/v3/objects/contacts/batch/archive
    {"inputs":[{"id":"501"}]}
    "#);
    insta::assert_snapshot!(shown(&request::erase("contacts", "501")), @r#"
    [*] POST /crm/v3/objects/contacts/gdpr-delete
    {"objectId":"501"}
    "#);
}

#[test]
fn given_an_object_name_from_outside_when_requested_then_it_stays_in_its_segment() {
    insta::assert_snapshot!(request::properties("../a b/c?d+e").request.path, @"/crm/v3/properties/..%2Fa%20b%2Fc%3Fd%2Be");
}

#[test]
fn given_the_remaining_calls_when_requested_then_they_are_these() {
    insta::assert_snapshot!(shown(&request::properties("p7700123_cars")), @"[*] GET /crm/v3/properties/p7700123_cars (reads)");
    insta::assert_snapshot!(shown(&request::account()), @"[*] GET /account-info/v3/details (reads)");
    insta::assert_snapshot!(shown(&request::key_property("companies", "rtr_record_id").unwrap()), @r#"
    [*] POST /crm/v3/properties/companies
    {"description":"The record's id in the internal system. Written by rtr-sync; please leave it alone.","fieldType":"text","formField":false,"groupName":"companyinformation","hasUniqueValue":true,"label":"rtr-sync record id","name":"rtr_record_id","type":"string"}
    "#);
    let failure = request::key_property("2-33", "rtr_record_id").unwrap_err();
    assert_eq!(failure.class, rtr_core::failure::Class::Refused);
}

#[test]
fn given_values_when_written_as_text_then_they_are_as_hubspot_wants_them() {
    let cases = [
        (json!("plain"), "plain"),
        (json!(""), ""),
        (json!(null), ""),
        (json!(true), "true"),
        (json!(12), "12"),
        (json!(u64::MAX), "18446744073709551615"),
        (json!(i64::MIN), "-9223372036854775808"),
        (json!(0.1 + 0.2), "0.3"),
        (json!(19.99 * 3.0), "59.97"),
        (json!(1.0), "1"),
        (json!(-0.0), "0"),
        (json!(1e21), "1000000000000000000000"),
        (json!(1e-7), "0.0000001"),
        (json!(123_456_789.012_345), "123456789.012345"),
        (json!(["a", 2, true]), "a;2;true"),
        (json!([]), ""),
        (json!([["a"]]), "[\"a\"]"),
        (json!({"a": 1}), "{\"a\":1}"),
    ];
    for (value, text) in cases {
        assert_eq!(request::text(&value), text, "{value}");
    }
}

pub(super) fn link(from: (&str, &str), to: (&str, &str), label: &str) -> Association {
    Association {
        from_object: from.0.to_owned(),
        from_id: from.1.to_owned(),
        to_object: to.0.to_owned(),
        to_id: to.1.to_owned(),
        label: label.to_owned(),
    }
}

#[test]
fn given_associations_when_requested_then_the_label_decides_endpoint_and_type() {
    let plain = link(("contacts", "60413"), ("companies", "501"), "default");
    let type_id = association::type_id(&plain).unwrap();
    insta::assert_snapshot!(shown(&association::call(&plain, type_id, &[&plain])), @r#"
    [*] POST /crm/v4/associations/contacts/companies/batch/associate/default
    {"inputs":[{"from":{"id":"60413"},"to":{"id":"501"}}]}
    "#);
    let primary = link(("deals", "7"), ("companies", "501"), "primary");
    let type_id = association::type_id(&primary).unwrap();
    insta::assert_snapshot!(shown(&association::call(&primary, type_id, &[&primary])), @r#"
    [*] POST /crm/v4/associations/deals/companies/batch/create
    {"inputs":[{"from":{"id":"7"},"to":{"id":"501"},"types":[{"associationCategory":"HUBSPOT_DEFINED","associationTypeId":5}]}]}
    "#);
    let unknown = link(("deals", "7"), ("contacts", "8"), "primary");
    insta::assert_snapshot!(association::type_id(&unknown).unwrap_err().message, @"HubSpot has no association `primary` from deals to contacts that rtr-sync knows; there are `default` between any two objects, and `primary` from contacts or deals to companies");
}

#[test]
fn given_mixed_associations_when_grouped_then_objects_and_labels_stay_apart_and_no_pair_stands_twice() {
    let a = || link(("contacts", "1"), ("companies", "2"), "default");
    let b = || link(("contacts", "1"), ("companies", "2"), "primary");
    let c = || link(("contacts", "3"), ("companies", "2"), "default");
    assert_eq!(association::groups(&[a(), b(), c(), a()]), [vec![0, 2], vec![1], vec![3]]);
    let many: Vec<Association> =
        (0..250).map(|n| link(("contacts", &n.to_string()), ("companies", "2"), "default")).collect();
    assert_eq!(association::groups(&many).iter().map(Vec::len).collect::<Vec<_>>(), [100, 100, 50]);
}
