//! In what a case and its mapping differ, for people and for scripts.

use crate::mapping::field::Source;
use crate::mapping::raw::{Direction, WriteOn};
use crate::mapping::suggest::{listed, nearest};
use crate::mapping::{Key, Mapping};
use serde::Serialize;
use serde_json::Value;
use std::fmt;

/// One thing that is not as a case expects.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// The CRM's property; none: the case as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub property: Option<String>,
    /// What is wrong.
    pub message: String,
    /// The value expected, null where it must be cleared.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "shown")]
    pub expected: Option<Value>,
    /// The value written, null where it is cleared.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "shown")]
    pub got: Option<Value>,
    /// The nearest right name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<String>,
}

impl Difference {
    /// One of the case as a whole.
    #[must_use]
    pub fn whole(message: String) -> Self {
        Self { property: None, message, expected: None, got: None, suggestion: None }
    }

    fn of(property: &str, message: impl Into<String>) -> Self {
        Self { property: Some(property.to_owned()), ..Self::whole(message.into()) }
    }

    pub(super) fn other(property: &str, expected: &Value, got: &Value) -> Self {
        let message = match (kind(expected), kind(got)) {
            (wanted, found) if wanted == found => "another value is written".to_owned(),
            (wanted, found) => format!("{wanted} is expected, {found} is written"),
        };
        Self { expected: Some(expected.clone()), got: Some(got.clone()), ..Self::of(property, message) }
    }

    pub(super) fn touched(property: &str, got: &Value) -> Self {
        let message = match got {
            Value::Null => "it must be left alone, and is cleared",
            _ => "it must be left alone, and is written",
        };
        Self { got: Some(got.clone()), ..Self::of(property, message) }
    }
}

/// A property that is expected and not written.
pub(super) fn left_alone(mapping: &Mapping, property: &str, expected: &Value) -> Difference {
    let field = mapping.fields.iter().find(|field| field.name == property);
    let message = match field {
        Some(field) if field.direction == Direction::In => {
            "it is left alone: its direction is `in`, so it is never written"
        }
        Some(field) if field.on == WriteOn::Create => {
            "it is left alone; a create alone writes it (`on: create`)"
        }
        Some(field) if matches!(field.source, Source::Reference { .. }) => {
            "it is left alone: the record refers to nothing there"
        }
        _ => "it is left alone: the record says nothing of it",
    };
    Difference { expected: Some(expected.clone()), ..Difference::of(property, message) }
}

/// A property that the mapping does not have, so that nothing can be expected of it.
pub(super) fn stranger(mapping: &Mapping, property: &str) -> Option<Difference> {
    let names = || mapping.fields.iter().map(|field| field.name.as_str());
    if names().any(|name| name == property) {
        return None;
    }
    let holds_id = matches!(&mapping.key, Key::Property { name } if name == property)
        || mapping.marker.as_deref() == Some(property);
    if holds_id {
        return Some(Difference::of(
            property,
            "it holds our record id and is no field; take it out of the case",
        ));
    }
    let meant = nearest(property, names()).map(str::to_owned);
    let hint = if meant.is_some() { String::new() } else { format!("; it has {}", listed(names())) };
    let found = Difference::of(property, format!("the mapping has no field of this name{hint}"));
    Some(Difference { suggestion: meant, ..found })
}

/// What a value is, in a word: 1 and "1" look alike.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing (cleared)",
        Value::Bool(_) => "true or false",
        Value::Number(number) if number.is_f64() => "a number with a fraction",
        Value::Number(_) => "a whole number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// A value that is null is told as null, and one that is not there is left out.
fn shown<S: serde::Serializer>(value: &Option<Value>, serializer: S) -> Result<S::Ok, S::Error> {
    value.as_ref().unwrap_or(&Value::Null).serialize(serializer)
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(property) = &self.property {
            write!(f, "{property}: ")?;
        }
        write!(f, "{}", self.message)?;
        if let Some(name) = &self.suggestion {
            write!(f, "; did you mean `{name}`?")?;
        }
        if let Some(value) = &self.expected {
            write!(f, "; expected {value}")?;
        }
        match &self.got {
            Some(value) => write!(f, "; got {value}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::mapping::{Case, Mapping, ProviderFacts, run_case};
    use serde_json::{Value, json};

    fn mapping(mapping: Value) -> Mapping {
        let facts = ProviderFacts {
            name: "hubspot",
            title: "HubSpot",
            default_key: Some("rtr_record_id"),
            default_limits: &[],
            lookups: &[],
        };
        Mapping::compile(&facts, "contact", &serde_json::from_value(mapping).unwrap()).unwrap()
    }

    fn told(mapping: &Mapping, case: Value) -> String {
        let case: Case = serde_json::from_value(case).unwrap();
        run_case(mapping, &case).iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn given_a_case_that_fails_when_run_then_kinds_are_told_apart_and_names_that_are_none_are_told() {
        let mapping = mapping(json!({"object": "contacts", "when": "email", "fields": {
            "email": "email", "zip": "zip", "city": "city", "company": {"reference": "company", "id": "company_id"},
            "message": {"from": "source", "on": "create"},
        }}));
        let record = json!({"email": "a@x.io", "zip": 1, "city": null, "source": "fair"});
        let expect = json!({
            "email": "b@x.io", "zip": "1", "city": "Ulm", "company": "company/7", "emial": "a@x.io", "rtr_record_id": "1",
        });
        let case = json!({"record": record, "expect": expect, "untouched": ["city", "message", "colour"]});
        insta::assert_snapshot!(told(&mapping, case), @r#"
        emial: the mapping has no field of this name; did you mean `email`?
        rtr_record_id: it holds our record id and is no field; take it out of the case
        colour: the mapping has no field of this name; it has `city`, `company`, `email`, `message` and `zip`
        city: a text is expected, nothing (cleared) is written; expected "Ulm"; got null
        company: it is left alone: the record refers to nothing there; expected "company/7"
        email: another value is written; expected "b@x.io"; got "a@x.io"
        zip: a text is expected, a whole number is written; expected "1"; got 1
        city: it must be left alone, and is cleared; got null
        message: it must be left alone, and is written; got "fair"
        "#);
        assert_eq!(told(&mapping, json!({"record": {}})), "the mapping's `when` did not hold");
        assert_eq!(told(&mapping, json!({"record": record, "unmatched": true})), "the mapping's `when` held");
    }

    #[test]
    fn given_a_record_that_the_crm_has_when_run_then_what_a_create_alone_writes_is_left_alone() {
        let of = |write: &str| {
            mapping(json!({"object": "contacts", "write": write, "fields": {
                "email": "email", "message": {"from": "source", "on": "create"},
            }}))
        };
        let case = |existing: Option<bool>, expect: &[&str], untouched: &[&str]| {
            let record = json!({"email": "a", "source": "a"});
            let expect: serde_json::Map<String, Value> =
                expect.iter().map(|name| ((*name).to_owned(), json!("a"))).collect();
            let mut case = json!({"record": record, "expect": expect, "untouched": untouched});
            if let Some(existing) = existing {
                case["existing"] = existing.into();
            }
            case
        };
        for (write, existing, expect, untouched) in [
            ("upsert", None, &["email", "message"][..], &[][..]),
            ("upsert", Some(true), &["email"], &["message"]),
            ("create", None, &["email", "message"], &[]),
            ("create", Some(true), &[], &["email", "message"]),
            ("update", None, &["email"], &["message"]),
            ("update", Some(false), &[], &["email", "message"]),
        ] {
            assert_eq!(told(&of(write), case(existing, expect, untouched)), "", "{write} {existing:?}");
        }
        let wrong = told(&of("upsert"), case(Some(true), &["message"], &[]));
        assert_eq!(
            wrong,
            "message: it is left alone; a create alone writes it (`on: create`); expected \"a\""
        );
    }
}
