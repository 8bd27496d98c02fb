//! One compiled property: its expression, its value map, and what to do with what is missing.

use super::apply::MappingError;
use super::lookup::Lookup;
use super::raw::{Direction, NullRule, Wins, WriteOn};
use super::result::to_json;
use super::{Expression, Patch};
use serde_json::Value;
use std::collections::BTreeMap;

/// One property of the CRM.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) source: Source,
    pub(super) on: WriteOn,
    pub(super) null: NullRule,
    pub(super) direction: Direction,
    pub(super) wins: Wins,
}

/// Where the property's value comes from.
#[derive(Debug)]
pub(super) enum Source {
    /// An expression over the record.
    Value { from: Expression, map: Option<BTreeMap<String, Value>>, default: Option<Value> },
    /// What the CRM has for an expression over the record.
    Lookup { from: Expression, lookup: Lookup },
    /// Another record.
    Reference { record_type: String, id: Expression, association: Option<String> },
}

/// What a reference says.
pub(super) enum Pointer {
    /// The record does not say.
    Unknown,
    /// It refers to nothing.
    Nothing,
    /// It refers to the record of this id.
    To(String),
}

impl Field {
    /// Whether it is a property of the object itself, rather than an association beside it.
    pub(super) fn is_property(&self) -> bool {
        !matches!(&self.source, Source::Reference { association: Some(_), .. })
    }

    pub(super) fn referenced_type(&self) -> Option<&str> {
        match &self.source {
            Source::Reference { record_type, .. } => Some(record_type),
            Source::Value { .. } | Source::Lookup { .. } => None,
        }
    }

    /// What to write, for a record that `scope` wraps.
    pub(super) fn value(
        &self,
        from: &Expression,
        map: Option<&BTreeMap<String, Value>>,
        default: Option<&Value>,
        scope: &minijinja::Value,
    ) -> Result<Patch<Value>, MappingError> {
        let value = from.evaluate(scope).map_err(|message| MappingError::new(Some(&self.name), message))?;
        let patch = if value.is_undefined() {
            Patch::Keep
        } else {
            let json = to_json(&value).map_err(|message| MappingError::new(Some(&self.name), message))?;
            if json.is_null() { Patch::Clear } else { Patch::Set(json) }
        };
        let patch = match (patch, map, default) {
            (Patch::Set(value), Some(map), _) => self.mapped(&value, map, default)?,
            // With a map the default is for values that it does not list; what is missing stays missing.
            (Patch::Keep | Patch::Clear, None, Some(default)) if !default.is_null() => {
                Patch::Set(default.clone())
            }
            (patch, _, _) => patch,
        };
        Ok(self.ruled(patch))
    }

    fn mapped(
        &self,
        value: &Value,
        map: &BTreeMap<String, Value>,
        default: Option<&Value>,
    ) -> Result<Patch<Value>, MappingError> {
        let Some(key) = map_key(value) else {
            return Err(MappingError::new(
                Some(&self.name),
                "`map` takes a text, a number, true or false, not a list or object",
            ));
        };
        match map.get(&key).or(default) {
            Some(Value::Null) => Ok(Patch::Clear),
            Some(written) => Ok(Patch::Set(written.clone())),
            None => Err(MappingError::new(
                Some(&self.name),
                "the record's value is not one that `map` lists, and there is no `default`",
            )),
        }
    }

    /// What the reference points at, for a record that `scope` wraps.
    pub(super) fn pointer(&self, id: &Expression, scope: &minijinja::Value) -> Result<Pointer, MappingError> {
        let error = |message: &str| MappingError::new(Some(&self.name), message);
        let value = id.evaluate(scope).map_err(|message| error(&message))?;
        if value.is_undefined() {
            return Ok(Pointer::Unknown);
        }
        match to_json(&value).map_err(error)? {
            Value::Null => Ok(Pointer::Nothing),
            Value::String(id) if id.is_empty() => Ok(Pointer::Nothing),
            Value::String(id) => Ok(Pointer::To(id)),
            Value::Number(number) if !number.is_f64() => Ok(Pointer::To(number.to_string())),
            _ => Err(error("the id of a reference is a text or a whole number")),
        }
    }

    /// A patch under the field's rule for what is empty.
    pub(super) fn ruled(&self, patch: Patch<Value>) -> Patch<Value> {
        match (patch, self.null) {
            (Patch::Clear, NullRule::Ignore) => Patch::Keep,
            (patch, _) => patch,
        }
    }
}

/// What a value is looked up by in a `map`.
pub(super) fn map_key(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
