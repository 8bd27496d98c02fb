//! Look-ups, properties, the account: what is asked, and what is read of the answers.

use super::super::lookup::{Plan, found, next_page, plan, properties};
use super::requests::shown;
use super::*;
use crate::connector::{Call, Lookup, LookupBy};
use rtr_core::failure::Class;
use serde_json::json;

fn lookup(object: &str, property: &str, by: LookupBy, values: &[&str]) -> Lookup {
    Lookup {
        object: object.to_owned(),
        property: property.to_owned(),
        by,
        values: values.iter().map(|value| (*value).to_owned()).collect(),
        also: Some("rtr_record_id".to_owned()),
    }
}

fn calls(lookup: &Lookup) -> Vec<Call> {
    match plan(lookup).unwrap() {
        Plan::Read(calls) | Plan::Search(calls) => calls,
    }
}

fn json_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn given_a_unique_property_when_looked_up_then_it_is_read_by_key_and_else_searched() {
    let key = lookup("companies", "rtr_record_id", LookupBy::Unique, &["c-1", "c-2"]);
    insta::assert_snapshot!(shown(&calls(&key)[0]), @r#"
    [*] POST /crm/v3/objects/companies/batch/read (reads)
    {"idProperty":"rtr_record_id","inputs":[{"id":"c-1"},{"id":"c-2"}],"properties":["rtr_record_id"]}
    "#);
    let email = lookup(
        "contacts",
        "email",
        LookupBy::Any,
        &["Ada@example.org", "ada@example.org", "bea@example.org"],
    );
    assert_eq!(calls(&email).len(), 2, "one key, however it is spelt, stands in a call once");
    insta::assert_snapshot!(shown(&calls(&email)[0]), @r#"
    [*] POST /crm/v3/objects/contacts/batch/read (reads)
    {"idProperty":"email","inputs":[{"id":"Ada@example.org"},{"id":"bea@example.org"}],"properties":["email","hs_additional_emails","rtr_record_id"]}
    "#);
    let id = lookup("deals", "hs_object_id", LookupBy::Unique, &["501"]);
    insta::assert_snapshot!(shown(&calls(&id)[0]), @r#"
    [*] POST /crm/v3/objects/deals/batch/read (reads)
    {"inputs":[{"id":"501"}],"properties":["hs_object_id","hs_merged_object_ids","rtr_record_id"]}
    "#);
    let domain = lookup("companies", "domain", LookupBy::Any, &["Example.org", "example.org", "example.net"]);
    insta::assert_snapshot!(shown(&calls(&domain)[0]), @r#"
    [search] POST /crm/v3/objects/companies/search (reads)
    {"filterGroups":[{"filters":[{"operator":"IN","propertyName":"domain","values":["example.org","example.net"]}]}],"limit":200,"properties":["domain","rtr_record_id"],"sorts":[{"direction":"ASCENDING","propertyName":"hs_object_id"}]}
    "#);
}

#[test]
fn given_many_or_long_values_when_searched_then_every_body_fits_and_every_value_is_asked_once() {
    let long: Vec<String> = (0..150).map(|n| format!("{n}-{}", "ü\"".repeat(n % 40))).collect();
    let values: Vec<&str> = long.iter().map(String::as_str).collect();
    let calls = calls(&lookup("companies", "domain", LookupBy::Any, &values));
    let mut asked = Vec::new();
    for call in &calls {
        let crate::http::RequestBody::Json(body) = &call.request.body else { panic!("no body") };
        assert!(body.to_string().chars().count() <= 3_000);
        let values = body["filterGroups"][0]["filters"][0]["values"].as_array().unwrap();
        assert!(values.len() <= 100);
        asked.extend(values.iter().map(|value| value.as_str().unwrap().to_owned()));
    }
    assert_eq!(asked, long);
    let endless = "x".repeat(3_000);
    let failure = plan(&lookup("companies", "domain", LookupBy::Any, &[&endless])).unwrap_err();
    assert!(matches!(failure.class, Class::Invalid { field: Some(_) }));
    assert!(!failure.message.contains("xxx"));
}

#[test]
fn given_a_contact_with_further_addresses_when_read_then_it_is_found_by_any_of_them() {
    let email = lookup(
        "contacts",
        "email",
        LookupBy::Unique,
        &["B@example.net", "bea@example.org", "nobody@example.org"],
    );
    let found = found(&email, &json_of(fixture!("207-read.json"))).unwrap();
    insta::assert_debug_snapshot!(found, @r#"
    [
        Found {
            external_id: "60413",
            value: "bea@example.org",
            also: Some(
                "r-2",
            ),
        },
        Found {
            external_id: "60413",
            value: "b@example.net",
            also: Some(
                "r-2",
            ),
        },
    ]
    "#);
}

#[test]
fn given_a_read_that_failed_in_part_when_read_then_nobody_is_taken_for_absent() {
    let email = lookup("contacts", "email", LookupBy::Unique, &["bea@example.org"]);
    let failure = found(&email, &json_of(fixture!("207-read-failed.json"))).unwrap_err();
    assert_eq!(failure.class, Class::Unavailable);
}

#[test]
fn given_a_merged_id_when_read_then_the_survivor_is_found_by_it() {
    let id = lookup("contacts", "hs_object_id", LookupBy::Unique, &["60412"]);
    let answer = serde_json::json!({"results": [{"id": "70001",
        "properties": {"hs_object_id": "70001", "hs_merged_object_ids": "60411;60412"}}]});
    let found = found(&id, &answer).unwrap();
    assert_eq!((found[0].external_id.as_str(), found[0].value.as_str()), ("70001", "60412"));
}

#[test]
fn given_pages_when_searched_then_they_are_followed_up_to_hubspots_end() {
    let domain = lookup("companies", "domain", LookupBy::Any, &["example.org"]);
    let call = &calls(&domain)[0];
    let next = next_page(call, &json_of(fixture!("200-search-1.json"))).unwrap().unwrap();
    assert!(shown(&next).contains(r#""after":"2""#));
    assert_eq!(next_page(&next, &json_of(fixture!("200-search-2.json"))), Ok(None));
    let endless = serde_json::json!({"paging": {"next": {"after": "10000"}}});
    assert_eq!(next_page(call, &endless).unwrap_err().class, Class::Refused);
}

#[test]
fn given_properties_when_read_then_email_counts_as_unique_for_contacts_alone() {
    let answer = json_of(fixture!("200-properties.json"));
    insta::assert_debug_snapshot!(properties("contacts", &answer), @r#"
    [
        Property {
            name: "email",
            kind: "string",
            unique: true,
            writable: true,
            searchable: true,
            options: [],
            refers_to: [],
        },
        Property {
            name: "hs_object_id",
            kind: "number",
            unique: true,
            writable: false,
            searchable: true,
            options: [],
            refers_to: [],
        },
        Property {
            name: "rtr_record_id",
            kind: "string",
            unique: true,
            writable: true,
            searchable: true,
            options: [],
            refers_to: [],
        },
        Property {
            name: "num_notes",
            kind: "number",
            unique: false,
            writable: false,
            searchable: true,
            options: [],
            refers_to: [],
        },
    ]
    "#);
    assert!(!properties("companies", &answer)[0].unique);
    let listed = |kind: &str| {
        let options = json!([{"value": "lead", "label": "Lead"}, {"value": "7", "label": "Seven"}]);
        let answer = json!({"results": [{"name": "stage", "type": kind, "options": options}]});
        properties("contacts", &answer)[0].options.clone()
    };
    assert_eq!(listed("enumeration"), ["lead", "7"]);
    assert!(listed("string").is_empty(), "options of a text bind nothing");
}

#[test]
fn given_an_answer_without_a_list_when_read_then_nobody_is_taken_for_absent() {
    let email = lookup("contacts", "email", LookupBy::Unique, &["bea@example.org"]);
    for answer in [Value::Null, serde_json::json!({}), serde_json::json!({"results": null})] {
        assert_eq!(found(&email, &answer).unwrap_err().class, Class::Unavailable, "{answer}");
    }
    assert_eq!(found(&email, &serde_json::json!({"results": []})), Ok(Vec::new()));
}
