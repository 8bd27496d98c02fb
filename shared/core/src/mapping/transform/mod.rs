//! The transformers: what an expression may do to a value, each one pure.
//!
//! Invariant: a filter hands undefined and none on unless its purpose is to replace them ([`Missing::Handles`]), and an
//! error never repeats the value, since values are the customers' data.

mod html;
mod kinds;
mod list;
mod money;
mod number;
mod person;
mod phone;
mod predicate;
mod table;
mod text;
mod time;
mod value;

pub(crate) use kinds::Kinds;
pub(crate) use number::{Number, number};
pub use predicate::TESTS;
pub(crate) use predicate::{arguments as test_arguments, holds};
pub use table::TRANSFORMERS;
pub(crate) use table::{all, find, names};

use minijinja::{Error, ErrorKind, Value};

/// Whether it is written `value | name` or `name(value)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `value | name`.
    Filter,
    /// `name(value, …)`.
    Function,
}

/// What a filter does with undefined and none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// Hands them on untouched; the filter never sees them.
    PassesThrough,
    /// Sees them, because it replaces them.
    Handles,
}

/// One transformer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Transformer {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) doc: &'static str,
    pub(crate) example: &'static str,
    pub(crate) least: usize,
    pub(crate) most: usize,
    pub(crate) missing: Missing,
    pub(crate) run: fn(&Value, &[Value]) -> Result<Value, Error>,
}

/// An error in constant words: it must not hold a value of the record.
pub(crate) fn fail(message: &'static str) -> Error {
    Error::new(ErrorKind::InvalidOperation, message)
}

/// Undefined when one of `values` is, else none when one is, else nothing.
pub(crate) fn missing_of<'a>(values: impl IntoIterator<Item = &'a Value>) -> Option<Value> {
    let mut none = None;
    for value in values {
        if value.is_undefined() {
            return Some(Value::UNDEFINED);
        }
        if value.is_none() {
            none = Some(Value::from(()));
        }
    }
    none
}

/// The items of a list, or the error that it is none.
fn items(value: &Value) -> Result<Vec<Value>, Error> {
    use minijinja::value::ValueKind;
    match value.kind() {
        ValueKind::Seq | ValueKind::Iterable => Ok(value.try_iter()?.collect()),
        _ => Err(fail("the value is not a list")),
    }
}

/// A text, number or truth value in words; anything else has none.
fn words(value: &Value) -> Result<String, Error> {
    use minijinja::value::ValueKind;
    match value.kind() {
        // As JSON writes it and CRMs want it; minijinja says True, as Python does.
        ValueKind::Bool => Ok(value.is_true().to_string()),
        ValueKind::String | ValueKind::Number => Ok(value.to_string()),
        _ => Err(fail("the value is neither a text, a number nor true or false")),
    }
}

/// The argument at `index` as text.
fn text_argument(arguments: &[Value], index: usize) -> Result<&str, Error> {
    arguments
        .get(index)
        .and_then(Value::as_str)
        .ok_or_else(|| fail("the filter takes a text as its argument"))
}

/// The argument at `index` as a whole number of at least 0.
fn count_argument(arguments: &[Value], index: usize) -> Result<usize, Error> {
    let number = arguments.get(index).and_then(Value::as_usize);
    number.ok_or_else(|| fail("the filter takes a whole number as its argument"))
}

#[cfg(test)]
mod tests;
