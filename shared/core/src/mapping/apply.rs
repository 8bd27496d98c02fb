//! A record under a mapping: what to write, what only on create, what it refers to, and by what value it is matched.

use super::field::{Field, Pointer, Source};
use super::lookup::{Sought, Wanted};
use super::raw::{Direction, WriteOn};
use super::{Mapping, Patch, expression};
use crate::code::Code;
use serde_json::Value;
use std::collections::BTreeMap;

/// The most bytes that a record's values may have together: no CRM's request is half as large.
const MAX_RECORD_BYTES: usize = 16 * 1_024 * 1_024;

/// Whose record it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subject<'a> {
    /// The tenant.
    pub org_id: &'a str,
    /// The internal record type.
    pub record_type: &'a str,
    /// The internal id.
    pub record_id: &'a str,
}

/// What a record becomes.
#[derive(Debug, Clone, PartialEq)]
pub struct Mapped {
    /// Whether the mapping's `when` held; without it the rest is empty.
    pub selected: bool,
    /// What every write does, by the CRM's names.
    pub fields: BTreeMap<String, Patch<Value>>,
    /// What a create writes besides.
    pub on_create: BTreeMap<String, Patch<Value>>,
    /// The records that it refers to.
    pub references: Vec<Reference>,
    /// What the CRM has to be asked for before there is anything to write; nothing once [`Mapped::look_up`] knew it all.
    pub wanted: Vec<Wanted>,
    /// The value of the property that `match` names, when the record has one.
    pub match_value: Option<String>,
}

/// A reference to another record of the internal system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The mapping's name of the field.
    pub field: String,
    /// The type of the record referred to.
    pub record_type: String,
    /// Its id.
    pub record_id: String,
    /// The provider's name of the association; `None`: the field is a property that holds the reference.
    pub association: Option<String>,
}

/// Why a record cannot be mapped. Never holds a value of the record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", self.field.as_ref().map_or_else(String::new, |field| format!("field `{field}`: ")))]
pub struct MappingError {
    /// The CRM's name of the field at fault.
    pub field: Option<String>,
    /// What is wrong and what to do.
    pub message: String,
    /// The code people look up.
    pub code: Code,
}

impl MappingError {
    pub(super) fn new(field: Option<&str>, message: impl Into<String>) -> Self {
        Self { field: field.map(str::to_owned), message: message.into(), code: Code::MappingFailed }
    }
}

impl Mapping {
    /// What `record` becomes; `record` is the event's `data`.
    ///
    /// # Errors
    /// When an expression fails on this record or a value is not one that a `map` lists.
    pub fn apply(&self, _subject: &Subject, record: &Value) -> Result<Mapped, MappingError> {
        let scope = expression::scope(record);
        let _work = expression::Work::begin();
        let mut mapped = Mapped {
            selected: self.selects(&scope)?,
            fields: BTreeMap::new(),
            on_create: BTreeMap::new(),
            references: Vec::new(),
            wanted: Vec::new(),
            match_value: None,
        };
        if !mapped.selected {
            return Ok(mapped);
        }
        let mut bytes: usize = 0;
        for field in self.fields.iter().filter(|field| field.direction != Direction::In) {
            write(field, &scope, &mut mapped)?;
            let written = mapped.fields.get(&field.name).or_else(|| mapped.on_create.get(&field.name));
            bytes = bytes.saturating_add(written.map_or(0, patch_bytes));
            if bytes > MAX_RECORD_BYTES {
                let why = "with this field the record's values are larger together than a CRM takes";
                return Err(MappingError::new(Some(&field.name), why));
            }
        }
        mapped.match_value = self.match_on.as_ref().and_then(|name| {
            let patch = mapped.fields.get(name).or_else(|| mapped.on_create.get(name));
            patch.and_then(match_text)
        });
        Ok(mapped)
    }

    fn selects(&self, scope: &minijinja::Value) -> Result<bool, MappingError> {
        let Some(when) = &self.when else { return Ok(true) };
        let held =
            when.evaluate(scope).map_err(|message| MappingError::new(None, format!("`when`: {message}")))?;
        Ok(held.is_true())
    }
}

fn write(field: &Field, scope: &minijinja::Value, mapped: &mut Mapped) -> Result<(), MappingError> {
    let patch = match &field.source {
        Source::Value { from, map, default } => field.value(from, map.as_ref(), default.as_ref(), scope)?,
        Source::Lookup { from, lookup } => match field.sought(from, lookup, scope)? {
            Sought::Settled(patch) => patch,
            Sought::Open(wanted) => {
                mapped.wanted.push(wanted);
                return Ok(());
            }
        },
        Source::Reference { record_type, id, association } => {
            match (field.pointer(id, scope)?, association) {
                (Pointer::To(record_id), _) => {
                    mapped.references.push(Reference {
                        field: field.name.clone(),
                        record_type: record_type.clone(),
                        record_id,
                        association: association.clone(),
                    });
                    return Ok(());
                }
                // A property that refers to nothing is emptied; an association that ended is not ours to remove.
                (Pointer::Nothing, None) => field.ruled(Patch::Clear),
                _ => return Ok(()),
            }
        }
    };
    let target = if field.on == WriteOn::Create { &mut mapped.on_create } else { &mut mapped.fields };
    target.insert(field.name.clone(), patch);
    Ok(())
}

/// The bytes of a value's texts.
fn patch_bytes(patch: &Patch<Value>) -> usize {
    fn bytes(value: &Value) -> usize {
        match value {
            Value::String(text) => text.len(),
            Value::Array(items) => items.iter().map(bytes).sum(),
            Value::Object(entries) => entries.iter().map(|(key, value)| key.len() + bytes(value)).sum(),
            Value::Null | Value::Bool(_) | Value::Number(_) => 8,
        }
    }
    match patch {
        Patch::Set(value) => bytes(value),
        Patch::Keep | Patch::Clear => 0,
    }
}

fn match_text(patch: &Patch<Value>) -> Option<String> {
    match patch {
        Patch::Set(Value::String(text)) if !text.trim().is_empty() => Some(text.clone()),
        Patch::Set(value @ Value::Number(_)) => Some(value.to_string()),
        _ => None,
    }
}
