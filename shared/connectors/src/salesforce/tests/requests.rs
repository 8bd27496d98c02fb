//! What we ask, as it goes over the wire.

use super::super::body::id18;
use super::super::request::{parents, record, write};
use super::*;
use crate::http::RequestBody;
use serde_json::json;

fn wire(call: &WriteCall) -> String {
    let items: Vec<&WriteItem> = call.items.iter().collect();
    let records: Vec<Value> = call.items.iter().map(|item| record(call, item).unwrap()).collect();
    let request = write(call, &items, &records).request;
    let headers: Vec<String> =
        request.headers.iter().map(|(name, value)| format!("\n{name}: {value}")).collect();
    let body = match &request.body {
        RequestBody::Empty => String::new(),
        RequestBody::Csv(text) => text.clone(),
        RequestBody::Json(value) => value.to_string(),
    };
    format!("{} {}{}\n{body}", request.method.as_str(), request.path, headers.concat())
}

#[test]
fn given_each_kind_when_asked_then_the_request_is_this() {
    let mut both = named(upsert(), &["r-1", "acme/contact:r 2"]);
    both.items[0].fields.insert("Title".to_owned(), Patch::Clear);
    both.items[1].fields =
        fields(&[("Score__c", 1.5.into()), ("Vip__c", true.into()), ("Tags__c", json!(["a", "b"]))]);
    insta::assert_snapshot!(wire(&both), @r#"
    PATCH /services/data/v62.0/composite/sobjects/Contact/Rtr_Record_Id__c
    sforce-call-options: client=rtr-sync
    {"allOrNone":false,"records":[{"LastName":"King","Rtr_Record_Id__c":"r-1","Title":null,"attributes":{"type":"Contact"}},{"Rtr_Record_Id__c":"acme/contact:r 2","Score__c":1.5,"Tags__c":"a;b","Vip__c":true,"attributes":{"type":"Contact"}}]}
    "#);
    insta::assert_snapshot!(wire(&named(upsert(), &["r-1"])), @r#"
    PATCH /services/data/v62.0/sobjects/Contact/Rtr_Record_Id__c/r-1
    sforce-call-options: client=rtr-sync
    {"LastName":"King"}
    "#);
    insta::assert_snapshot!(wire(&named(upsert(), &["acme/contact:r.1"])), @r#"
    PATCH /services/data/v62.0/composite/sobjects/Contact/Rtr_Record_Id__c
    sforce-call-options: client=rtr-sync
    {"allOrNone":false,"records":[{"LastName":"King","Rtr_Record_Id__c":"acme/contact:r.1","attributes":{"type":"Contact"}}]}
    "#);
    insta::assert_snapshot!(wire(&named(Kind::Update, &[A, B])), @r#"
    PATCH /services/data/v62.0/composite/sobjects
    sforce-call-options: client=rtr-sync
    sforce-duplicate-rule-header: allowSave=true
    {"allOrNone":false,"records":[{"LastName":"King","attributes":{"type":"Contact"},"id":"003KX00000AbCd1YAF"},{"LastName":"King","attributes":{"type":"Contact"},"id":"003KX00000AbCd2YAF"}]}
    "#);
    insta::assert_snapshot!(wire(&named(Kind::Create, &[""])), @r#"
    POST /services/data/v62.0/composite/sobjects
    sforce-call-options: client=rtr-sync
    {"allOrNone":false,"records":[{"LastName":"King","attributes":{"type":"Contact"}}]}
    "#);
    insta::assert_snapshot!(wire(&named(Kind::Archive, &[A, B])), @"
    DELETE /services/data/v62.0/composite/sobjects?ids=003KX00000AbCd1YAF,003KX00000AbCd2YAF&allOrNone=false
    sforce-call-options: client=rtr-sync
    ");
}

#[test]
fn given_a_relationship_field_when_written_then_the_parent_is_named_or_the_lookup_emptied() {
    let of = |pairs: &[(&str, Patch<Value>)]| {
        let fields = pairs.iter().map(|(name, patch)| ((*name).to_owned(), patch.clone())).collect();
        record(&named(Kind::Create, &[]), &item("", fields))
    };
    let set = |text: &str| Patch::Set(json!(text));
    let record = of(&[("Account.Erp__c", set("A1")), ("Firm__r.Erp__c", set("F1"))]).unwrap();
    assert_eq!(
        (&record["Account"], &record["Firm__r"]),
        (&json!({"Erp__c": "A1"}), &json!({"Erp__c": "F1"}))
    );
    let cleared = of(&[("Account.Erp__c", Patch::Clear), ("Firm__r.Erp__c", Patch::Clear)]).unwrap();
    assert_eq!(cleared, json!({"attributes": {"type": "Contact"}, "AccountId": null, "Firm__c": null}));
    for wrong in [
        vec![("Account.Erp__c", set("A1")), ("Account.Tax__c", set("T1"))],
        vec![("Account.Erp__c", set("A1")), ("AccountId", set("001"))],
        vec![("Firm__r.Erp__c", set("A1")), ("Firm__c", set("a01"))],
        vec![("Account.Erp__c", Patch::Clear), ("AccountId", set("001"))],
        vec![("Account.Owner.Erp__c", set("A1"))],
        vec![("Na me", set("x"))],
    ] {
        assert!(of(&wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn given_references_when_told_apart_then_children_of_one_parent_have_one_mark() {
    let of = |name: &str, value: &str| {
        parents(&item("", fields(&[(name, value.into()), ("LastName", "K".into())])))
    };
    assert_eq!(of("AccountId", A), of("AccountId", A));
    assert_ne!(of("AccountId", A), of("AccountId", B));
    assert_eq!(of("Note__c", "just a text"), "");
    assert_ne!(of("Account.Erp__c", "A1"), "");
}

#[test]
fn given_ids_of_15_characters_when_lengthened_then_they_are_the_18_of_the_api() {
    assert_eq!(id18("001D000000IqhSL").as_deref(), Some("001D000000IqhSLIAZ"));
    assert_eq!(id18(A).as_deref(), Some(A));
    assert_eq!((id18("Contact"), id18("not-an-id-12345"), id18("abcdefghijklmno")), (None, None, None));
}

/// The address of 200 deletes must fit the 16 KB that Salesforce takes.
#[test]
fn given_200_deletes_when_asked_then_the_address_is_short_enough() {
    let ids: Vec<String> = (0..200).map(|n| format!("003KX00000Ab{n:03}AAA")).collect();
    let all = named(Kind::Archive, &ids.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(wire(&all).len() < 6_000);
}
