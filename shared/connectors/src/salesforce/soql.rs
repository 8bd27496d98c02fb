//! SOQL as text: what comes from a record is a literal and can be nothing else; what comes from the configuration is a
//! name or is refused.

use rtr_core::failure::{Class, Failure};
use serde_json::Value;

/// A string literal that holds exactly `text`, whatever is in it.
///
/// <https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/sforce_api_calls_soql_select_quotedstringescapes.htm>
#[must_use]
pub fn literal(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('\'');
    for c in text.chars() {
        match c {
            '\\' => quoted.push_str("\\\\"),
            '\'' => quoted.push_str("\\'"),
            '"' => quoted.push_str("\\\""),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{c}' => quoted.push_str("\\f"),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('\'');
    quoted
}

/// An object's name.
///
/// # Errors
/// When it is none: it would reach beyond its place in a path or a query.
pub fn object(name: &str) -> Result<&str, Failure> {
    if is_name(name) { Ok(name) } else { Err(refused("object")) }
}

/// A field's name, which may lead over relationships: `Account.Rtr_Record_Id__c`.
///
/// # Errors
/// When it is none.
pub fn field(name: &str) -> Result<&str, Failure> {
    if name.split('.').all(is_name) { Ok(name) } else { Err(refused("field")) }
}

/// What a record holds in `field`, over relationships too. Names are compared as Salesforce does, without case.
#[must_use]
pub fn value_of(record: &Value, field: &str) -> Option<String> {
    super::body::text_of(&at(record, field)?)
}

/// The same as Salesforce gives it.
#[must_use]
pub fn at(record: &Value, field: &str) -> Option<Value> {
    let step = |at: Option<Value>, name: &str| {
        let found = at?.as_object()?.iter().find(|(key, _)| key.eq_ignore_ascii_case(name))?.1.clone();
        Some(found)
    };
    field.split('.').fold(Some(record.clone()), step)
}

fn is_name(name: &str) -> bool {
    name.len() <= 120
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn refused(what: &str) -> Failure {
    let message =
        format!("the mapping's {what} name is none that Salesforce can have: letters, digits and `_`");
    Failure::new(Class::Refused, message)
}
