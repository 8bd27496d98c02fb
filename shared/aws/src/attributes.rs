//! DynamoDB attributes in and out. A wrong type is an error that names the attribute, never a default.

use aws_sdk_dynamodb::types::AttributeValue;
use std::collections::HashMap;
use std::fmt::Display;
use std::str::FromStr;

/// An item as the SDK gives it.
pub(crate) type Row = HashMap<String, AttributeValue>;

/// An attribute that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the stored attribute `{name}` is not {wanted}")]
pub(crate) struct Unreadable {
    /// Which.
    pub(crate) name: &'static str,
    /// What it should have been.
    pub(crate) wanted: &'static str,
}

/// A string.
pub(crate) fn s(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

/// A number.
pub(crate) fn n(number: impl Display) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

/// The string `name`; none when it is absent.
pub(crate) fn text<'a>(row: &'a Row, name: &'static str) -> Result<Option<&'a str>, Unreadable> {
    let wanted = "a string";
    row.get(name)
        .map(|value| value.as_s().map(String::as_str).map_err(|_| Unreadable { name, wanted }))
        .transpose()
}

/// The number `name`; none when it is absent.
pub(crate) fn number<T: FromStr>(row: &Row, name: &'static str) -> Result<Option<T>, Unreadable> {
    let wrong = Unreadable { name, wanted: "a number that fits" };
    let Some(value) = row.get(name) else { return Ok(None) };
    value.as_n().ok().and_then(|number| number.parse().ok()).map(Some).ok_or(wrong)
}

/// The map `name`; none when it is absent.
pub(crate) fn map<'a>(row: &'a Row, name: &'static str) -> Result<Option<&'a Row>, Unreadable> {
    row.get(name).map(|value| value.as_m().map_err(|_| Unreadable { name, wanted: "a map" })).transpose()
}

/// A value that has to be there.
pub(crate) fn required<T>(value: Option<T>, name: &'static str) -> Result<T, Unreadable> {
    value.ok_or(Unreadable { name, wanted: "there" })
}
