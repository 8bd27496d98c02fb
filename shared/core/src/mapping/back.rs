//! The way back: a change in the CRM as a change of the internal record, for fields that flow `in` or `both` ways.
//!
//! Only what can be inverted flows back: a plain path (`address.city`), with a value map in which no two values are
//! written alike. Anything else is refused when the mapping is compiled.

use super::field::{Field, Source};
use super::raw::Direction;
use super::{Mapping, MappingError, Wins};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A field that flows back.
#[derive(Debug, Clone, Copy)]
pub struct InboundField<'a> {
    /// The CRM's name of the property.
    pub field: &'a str,
    /// Where it stands in the internal record.
    pub path: &'a [String],
    /// Whether it flows `in` alone or `both` ways.
    pub direction: Direction,
    /// Who wins when both sides changed.
    pub wins: Wins,
    map: Option<&'a BTreeMap<String, Value>>,
}

impl Mapping {
    /// The fields that flow back.
    pub fn inbound(&self) -> impl Iterator<Item = InboundField<'_>> {
        self.fields.iter().filter(|field| field.direction != Direction::Out).filter_map(|field| match &field
            .source
        {
            Source::Value { from, map, .. } => Some(InboundField {
                field: &field.name,
                path: from.path()?,
                direction: field.direction,
                wins: field.wins,
                map: map.as_ref(),
            }),
            Source::Lookup { .. } | Source::Reference { .. } => None,
        })
    }
}

/// What changes in the internal record.
#[derive(Debug, Clone, PartialEq)]
pub struct Back {
    /// The part of the record that changes, with its new values.
    pub data: Value,
    /// The paths that change, such as `address.city`; sorted.
    pub changed: Vec<String>,
}

impl Mapping {
    /// What the CRM's `values` of the properties `taken` mean for the internal record.
    ///
    /// # Errors
    /// When a value is none that a field's `map` has.
    pub fn back(&self, values: &BTreeMap<String, Value>, taken: &[String]) -> Result<Back, MappingError> {
        let mut back = Back { data: Value::Object(Map::new()), changed: Vec::new() };
        for field in self.inbound().filter(|field| taken.iter().any(|name| name == field.field)) {
            let Some(external) = values.get(field.field) else { continue };
            let external = if is_empty(external) { &Value::Null } else { external };
            let value = inbound_value(&field, external).ok_or_else(|| {
                let why = "the CRM's value is none that `map` lists; list it, and what it stands for";
                MappingError::new(Some(field.field), why)
            })?;
            put(&mut back.data, field.path, value);
            back.changed.push(field.path.join("."));
        }
        back.changed.sort();
        back.changed.dedup();
        Ok(back)
    }

    /// Whether anything flows back.
    #[must_use]
    pub fn flows_back(&self) -> bool {
        self.inbound().next().is_some()
    }
}

/// CRMs have an empty text where nothing is.
fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(str::is_empty)
}

fn put(data: &mut Value, path: &[String], value: Value) {
    let Some((first, rest)) = path.split_first() else {
        *data = value;
        return;
    };
    if !data.is_object() {
        *data = Value::Object(Map::new());
    }
    if let Some(members) = data.as_object_mut() {
        put(members.entry(first.clone()).or_insert(Value::Null), rest, value);
    }
}

/// The internal value for the CRM's `external` value of `field`; `None`: the field's map does not know it.
#[must_use]
pub fn inbound_value(field: &InboundField, external: &Value) -> Option<Value> {
    let Some(map) = field.map else { return Some(external.clone()) };
    if external.is_null() {
        return Some(Value::Null);
    }
    map.iter()
        .find(|(_, written)| same(written, external))
        .map(|(internal, _)| Value::String(internal.clone()))
}

/// Why `field` cannot flow the way it says; nothing when it can.
pub(super) fn not_invertible(field: &Field) -> Option<String> {
    if field.direction == Direction::Out {
        return None;
    }
    let (from, map) = match &field.source {
        Source::Value { from, map, .. } => (from, map),
        Source::Lookup { .. } => return Some("a look-up flows out only; take `direction` away".to_owned()),
        Source::Reference { .. } => {
            return Some("a reference flows out only; take `direction` away".to_owned());
        }
    };
    if from.path().is_none() {
        let message =
            "only a plain path such as address.city flows back; make `from` one, or write direction: out";
        return Some(message.to_owned());
    }
    let entries: Vec<(&String, &Value)> = map.iter().flatten().collect();
    let earlier = |at: usize, value: &Value| entries[..at].iter().find(|(_, other)| same(other, value));
    let twice = entries.iter().enumerate().find_map(|(at, (key, value))| Some((earlier(at, value)?.0, *key)));
    twice.map(|(one, two)| {
        format!("`{one}` and `{two}` of `map` write the same value, so the way back is not clear; write direction: out")
    })
}

/// CRMs answer numbers and truth values as text, too.
fn same(a: &Value, b: &Value) -> bool {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    a == b || text(a) == text(b)
}
