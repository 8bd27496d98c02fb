//! Transformers of lists.

use super::number::{Number, number};
use super::{fail, items, text_argument, words};
use minijinja::value::ValueKind;
use minijinja::{Error, Value};
use std::cmp::Ordering;
use std::collections::HashSet;

type Answer = Result<Value, Error>;

/// A single value is a list of one, so that a property of many values takes either.
pub(super) fn join(value: &Value, arguments: &[Value]) -> Answer {
    let between = if arguments.is_empty() { "" } else { text_argument(arguments, 0)? };
    if value.kind() != ValueKind::Seq && value.kind() != ValueKind::Iterable {
        return Ok(words(value)?.into());
    }
    let present = items(value)?.into_iter().filter(|item| !item.is_none() && !item.is_undefined());
    let mut joined = String::new();
    for (at, item) in present.enumerate() {
        let (word, between) = (words(&item)?, if at == 0 { "" } else { between });
        // Before it is made: twenty thousand items with a long text between them would fill the memory.
        if joined.len() + between.len() + word.len() > super::super::MAX_VALUE_BYTES {
            return Err(fail("join: the result is larger than a value may be"));
        }
        joined.push_str(between);
        joined.push_str(&word);
    }
    Ok(joined.into())
}

pub(super) fn first(value: &Value, _: &[Value]) -> Answer {
    Ok(items(value)?.into_iter().next().unwrap_or_default())
}

pub(super) fn last(value: &Value, _: &[Value]) -> Answer {
    Ok(items(value)?.pop().unwrap_or_default())
}

pub(super) fn length(value: &Value, _: &[Value]) -> Answer {
    let length = match (value.as_str(), value.kind()) {
        (Some(text), _) => Some(text.chars().count()),
        (None, ValueKind::Seq | ValueKind::Iterable | ValueKind::Map) => value.len(),
        _ => None,
    };
    length.map(Value::from).ok_or_else(|| fail("length: the value is neither a text, a list nor an object"))
}

pub(super) fn sort(value: &Value, arguments: &[Value]) -> Answer {
    let mut sorted = items(value)?;
    match arguments.first() {
        None => sorted.sort_by(order),
        Some(_) => {
            let key = text_argument(arguments, 0)?;
            let of = |item: &Value| item.get_attr(key).unwrap_or_default();
            sorted.sort_by_cached_key(|item| Ordered(of(item)));
        }
    }
    Ok(sorted.into())
}

pub(super) fn min(value: &Value, _: &[Value]) -> Answer {
    Ok(present(value)?.into_iter().min_by(order).unwrap_or_default())
}

pub(super) fn max(value: &Value, _: &[Value]) -> Answer {
    Ok(present(value)?.into_iter().max_by(order).unwrap_or_default())
}

pub(super) fn unique(value: &Value, _: &[Value]) -> Answer {
    let mut seen = HashSet::new();
    Ok(items(value)?.into_iter().filter(|item| seen.insert(item.clone())).collect())
}

pub(super) fn reverse(value: &Value, _: &[Value]) -> Answer {
    Ok(items(value)?.into_iter().rev().collect())
}

pub(super) fn compact(value: &Value, _: &[Value]) -> Answer {
    let full = |item: &Value| !item.is_none() && !item.is_undefined() && item.as_str() != Some("");
    Ok(items(value)?.into_iter().filter(full).collect())
}

pub(super) fn pluck(value: &Value, arguments: &[Value]) -> Answer {
    let key = text_argument(arguments, 0)?;
    let found = items(value)?.into_iter().filter_map(|item| item.get_attr(key).ok());
    Ok(found.filter(|found| !found.is_undefined()).collect())
}

pub(super) fn with(value: &Value, arguments: &[Value]) -> Answer {
    let (key, wanted) = (text_argument(arguments, 0)?, arguments.get(1).cloned().unwrap_or_default());
    let matches = |item: &Value| item.get_attr(key).is_ok_and(|found| found == wanted);
    Ok(items(value)?.into_iter().filter(matches).collect())
}

pub(super) fn sum(value: &Value, _: &[Value]) -> Answer {
    let mut sum = Number::Int(0);
    for item in items(value)? {
        let Some(item) = number(&item) else { return Err(fail("sum: an item is not a number")) };
        sum = match (sum, item) {
            (Number::Int(a), Number::Int(b)) => {
                Number::Int(a.checked_add(b).ok_or_else(|| fail("the result is beyond 64 bits"))?)
            }
            (a, b) => Number::Float(a.as_f64() + b.as_f64()),
        };
    }
    sum.into_value()
}

fn order(a: &Value, b: &Value) -> Ordering {
    match (number(a), number(b)) {
        (Some(a), Some(b)) => a.compare(b),
        _ => a.cmp(b),
    }
}

fn present(value: &Value) -> Result<Vec<Value>, Error> {
    Ok(items(value)?.into_iter().filter(|item| !item.is_none() && !item.is_undefined()).collect())
}

/// What is sorted by.
struct Ordered(Value);

impl PartialEq for Ordered {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Ordered {}

impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ordered {
    fn cmp(&self, other: &Self) -> Ordering {
        order(&self.0, &other.0)
    }
}
