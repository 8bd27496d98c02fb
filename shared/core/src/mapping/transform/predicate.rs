//! The tests of expressions: what may follow `is`.

use super::fail;
use super::number::{Number, number};
use crate::mapping::expression::contains;
use minijinja::value::ValueKind;
use minijinja::{Error, Value};

/// Every test: name, what it asks, how many arguments it takes.
pub const TESTS: &[(&str, &str, usize)] = &[
    ("defined", "the record has the key", 0),
    ("undefined", "the record lacks the key", 0),
    ("none", "it is null", 0),
    ("empty", "it is missing, null, empty text, or a list or object without items", 0),
    ("boolean", "it is true or false", 0),
    ("string", "it is a text", 0),
    ("number", "it is a number", 0),
    ("integer", "it is a whole number", 0),
    ("sequence", "it is a list", 0),
    ("mapping", "it is an object", 0),
    ("in", "it is in the given list, object or text", 1),
    ("startingwith", "the text starts with the given one", 1),
    ("endingwith", "the text ends with the given one", 1),
    ("divisibleby", "the whole number is a multiple of the given one", 1),
];

/// How many arguments the test takes, when there is one of this name.
pub(crate) fn arguments(name: &str) -> Option<usize> {
    TESTS.iter().find(|(test, _, _)| *test == name).map(|(_, _, arguments)| *arguments)
}

/// Whether the test of this name holds for `value`.
pub(crate) fn holds(name: &str, value: &Value, arguments: &[Value]) -> Result<bool, Error> {
    let other = arguments.first().cloned().unwrap_or_default();
    let kind = value.kind();
    Ok(match name {
        "defined" => !value.is_undefined(),
        "undefined" => value.is_undefined(),
        "none" => value.is_none(),
        "empty" => is_empty(value),
        "boolean" => kind == ValueKind::Bool,
        "string" => kind == ValueKind::String,
        "number" => kind == ValueKind::Number,
        "integer" => value.is_integer(),
        "sequence" => matches!(kind, ValueKind::Seq | ValueKind::Iterable),
        "mapping" => kind == ValueKind::Map,
        "in" => contains(&other, value)?,
        "startingwith" => both(value, &other).is_some_and(|(text, part)| text.starts_with(part)),
        "endingwith" => both(value, &other).is_some_and(|(text, part)| text.ends_with(part)),
        "divisibleby" => match (number(value), number(&other)) {
            (_, Some(Number::Int(0))) => return Err(fail("division by zero")),
            (Some(Number::Int(number)), Some(Number::Int(other))) => number % other == 0,
            _ => false,
        },
        _ => return Err(fail("there is no such test")),
    })
}

fn is_empty(value: &Value) -> bool {
    match value.kind() {
        ValueKind::Undefined | ValueKind::None => true,
        ValueKind::String => value.as_str() == Some(""),
        ValueKind::Seq | ValueKind::Iterable | ValueKind::Map => value.len() == Some(0),
        _ => false,
    }
}

fn both<'a>(value: &'a Value, other: &'a Value) -> Option<(&'a str, &'a str)> {
    value.as_str().zip(other.as_str())
}
