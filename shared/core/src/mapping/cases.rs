//! The cases beside a mapping: a record and what it must become, run by `rtr config test`.

use super::{Mapped, Mapping, Patch, Subject};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// One case: a record, and what is expected of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What the case shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The record, as an event's `data` carries it.
    #[schemars(with = "Map<String, Value>")]
    pub record: Value,
    /// What must be written, by the CRM's names: the value, null where the property is cleared, `type/id` where it
    /// refers to another record. What is not listed may be anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<BTreeMap<String, Value>>,
    /// The properties that must be left alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub untouched: Option<Vec<String>>,
    /// `true`: the mapping's `when` does not hold, and nothing is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unmatched: Option<bool>,
    /// A part of the error that the record must give.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// How a case ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CaseResult {
    /// The case's name, or its number from 1.
    pub name: String,
    /// What differs; empty when the case holds.
    pub differences: Vec<String>,
}

impl CaseResult {
    /// Whether the case holds.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.differences.is_empty()
    }
}

/// Runs every case against `mapping`.
#[must_use]
pub fn run_cases(mapping: &Mapping, cases: &[Case]) -> Vec<CaseResult> {
    let run = |(at, case): (usize, &Case)| CaseResult {
        name: case.name.clone().unwrap_or_else(|| format!("case {}", at + 1)),
        differences: differences(mapping, case),
    };
    cases.iter().enumerate().map(run).collect()
}

fn differences(mapping: &Mapping, case: &Case) -> Vec<String> {
    let subject = Subject { org_id: "test", record_type: &mapping.record_type, record_id: "test-1" };
    let mapped = match (mapping.apply(&subject, &case.record), &case.error) {
        (Ok(mapped), None) => mapped,
        (Ok(_), Some(wanted)) => {
            return vec![format!("expected the error `{wanted}`, but the record was mapped")];
        }
        (Err(error), Some(wanted)) if error.to_string().contains(wanted.as_str()) => return Vec::new(),
        (Err(error), Some(wanted)) => return vec![format!("expected the error `{wanted}`, got `{error}`")],
        (Err(error), None) => return vec![format!("unexpected error: {error}")],
    };
    if case.unmatched.unwrap_or_default() == mapped.selected {
        let held = if mapped.selected { "held" } else { "did not hold" };
        return vec![format!("the mapping's `when` {held}")];
    }
    let written = written(&mapped);
    let wanted = case.expect.iter().flatten().filter_map(|(name, wanted)| match written.get(name) {
        Some(same) if same == wanted => None,
        Some(other) => Some(format!("{name}: expected {wanted}, got {other}")),
        None => Some(format!("{name}: expected {wanted}, but it is left alone")),
    });
    let untouched = case.untouched.iter().flatten().filter_map(|name| {
        written.get(name).map(|value| format!("{name}: expected to be left alone, got {value}"))
    });
    wanted.chain(untouched).collect()
}

/// Everything that a create would write, by name.
fn written(mapped: &Mapped) -> BTreeMap<String, Value> {
    let patches = mapped.on_create.iter().chain(&mapped.fields).filter_map(|(name, patch)| match patch {
        Patch::Keep => None,
        Patch::Clear => Some((name.clone(), Value::Null)),
        Patch::Set(value) => Some((name.clone(), value.clone())),
    });
    let references = mapped.references.iter().map(|reference| {
        (reference.field.clone(), format!("{}/{}", reference.record_type, reference.record_id).into())
    });
    patches.chain(references).collect()
}
