//! Queries: what a record's value can do to one, which is nothing.

use super::super::lookup::queries;
use super::super::request::encoded;
use super::super::soql::{field, literal, object, value_of};
use super::*;
use crate::connector::{Lookup, LookupBy};
use proptest::prelude::*;
use serde_json::json;

fn by(property: &str, values: &[&str]) -> Lookup {
    Lookup {
        object: "Contact".to_owned(),
        property: property.to_owned(),
        by: LookupBy::Any,
        values: values.iter().map(|value| (*value).to_owned()).collect(),
        also: Some("Rtr_Record_Id__c".to_owned()),
    }
}

#[test]
fn given_a_look_up_when_asked_then_the_query_is_this() {
    insta::assert_snapshot!(queries(&by("Email", &["a@x.io", "o'neil@x.io", "a@x.io"])).unwrap().join("\n"), @r#"SELECT Id, Email, Rtr_Record_Id__c FROM Contact WHERE Email IN ('a@x.io','o\'neil@x.io')"#);
    insta::assert_snapshot!(queries(&by("Id", &[A])).unwrap().join("\n"), @"SELECT Id, Rtr_Record_Id__c FROM Contact WHERE Id IN ('003KX00000AbCd1YAF')");
    insta::assert_snapshot!(queries(&by("Account.Erp__c", &["E1"])).unwrap().join("\n"), @"SELECT Id, Account.Erp__c, Rtr_Record_Id__c FROM Contact WHERE Account.Erp__c IN ('E1')");
}

#[test]
fn given_many_long_values_when_asked_then_each_address_is_short_enough_and_all_are_asked_for() {
    let values: Vec<String> = (0..200).map(|n| format!("{n:03}{}", "ü".repeat(50))).collect();
    let lookup = by("Email", &values.iter().map(String::as_str).collect::<Vec<_>>());
    let queries = queries(&lookup).unwrap();
    assert!(queries.len() > 1 && queries.iter().all(|query| encoded(query).len() <= 12_100));
    assert!(
        values.iter().all(|value| queries.iter().filter(|query| query.contains(value.as_str())).count() == 1)
    );
    assert_eq!(
        super::super::lookup::queries(&by("Email", &[&"x".repeat(20_000)])).unwrap_err().field(),
        Some("Email")
    );
}

#[test]
fn given_names_that_are_none_when_asked_then_they_are_refused() {
    for name in ["", "Email FROM User", "Email'", "1st", "A..B", ".A", "Id)", "Em\u{e4}il"] {
        assert!(queries(&by(name, &["x"])).is_err(), "{name}");
        assert!(field(name).is_err() && object(name).is_err(), "{name}");
    }
    assert!(field("Account.Erp__c").is_ok() && object("Account.Erp__c").is_err());
}

#[test]
fn given_a_record_when_a_field_is_read_then_relationships_and_case_are_followed() {
    let record = json!({"Email": "a@x.io", "Size__c": 7, "Account": {"Erp__c": "E1"}, "Owner": null});
    let read = |name| value_of(&record, name);
    assert_eq!(read("email").as_deref(), Some("a@x.io"));
    assert_eq!((read("Size__c").as_deref(), read("Account.erp__c").as_deref()), (Some("7"), Some("E1")));
    assert_eq!((read("Owner.Name"), read("Missing")), (None, None));
}

/// How Salesforce reads a quoted string; nothing when it ends early or not at all.
fn read_back(literal: &str) -> Option<String> {
    let mut chars = literal.strip_prefix('\'')?.chars();
    let mut text = String::new();
    loop {
        match chars.next()? {
            '\'' => return chars.next().is_none().then_some(text),
            '\\' => text.push(match chars.next()? {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'b' => '\u{8}',
                'f' => '\u{c}',
                'u' => char::from_u32(
                    u32::from_str_radix(&chars.by_ref().take(4).collect::<String>(), 16).ok()?,
                )?,
                same @ ('\\' | '\'' | '"') => same,
                _ => return None,
            }),
            c if c.is_control() => return None,
            c => text.push(c),
        }
    }
}

proptest! {
    #[test]
    fn given_any_text_when_quoted_then_it_is_one_literal_that_reads_as_that_text(text in any::<String>()) {
        prop_assert_eq!(read_back(&literal(&text)), Some(text));
    }

    #[test]
    fn given_quotes_and_backslashes_in_any_order_when_quoted_then_none_ends_the_literal(
        text in r#"['\\"\n\r\t\x00-\x1f) OR]{0,40}"#,
    ) {
        prop_assert_eq!(read_back(&literal(&text)), Some(text));
    }
}
