//! Layers: what an org says of a mapping, over the one that all have.
//!
//! An org's mapping that names its `object` stands alone. One that does not is a layer: each setting and each field that it
//! has takes the place of the global one, a field that is null is left out, and all else stays as it is there.

use super::raw::{RawField, RawMapping};
use super::{OnDelete, ProviderFacts};
use serde_json::{Value, json};

/// Where a part of a mapping is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The org says so.
    Org,
    /// The mapping of all orgs does.
    Global,
    /// Nobody does: it is what the provider or rtr-sync takes it for.
    Default,
}

/// A setting or a field of a mapping, and who says so.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// The path in the mapping's file, such as `fields.email`.
    pub name: String,
    /// What is said; null: a field that the org leaves out.
    pub value: Value,
    /// Who does.
    pub origin: Origin,
}

impl RawMapping {
    /// Whether it is a layer over another.
    #[must_use]
    pub fn is_layer(&self) -> bool {
        self.object.is_empty()
    }

    /// This over `base`, or itself where it is no layer.
    #[must_use]
    pub fn over(&self, base: &Self) -> Self {
        if !self.is_layer() {
            return self.clone();
        }
        let mut fields = base.fields.clone();
        fields.extend(self.fields.clone());
        fields.retain(|_, field| !field.is_left_out());
        Self {
            object: base.object.clone(),
            key: self.key.clone().or_else(|| base.key.clone()),
            key_value: self.key_value.clone().or_else(|| base.key_value.clone()),
            match_on: self.match_on.clone().or_else(|| base.match_on.clone()),
            marker: self.marker.clone().or_else(|| base.marker.clone()),
            write: self.write.or(base.write),
            when: self.when.clone().or_else(|| base.when.clone()),
            fields,
            reference_wait: self.reference_wait.clone().or_else(|| base.reference_wait.clone()),
            on_delete: self.on_delete.clone().or_else(|| base.on_delete.clone()),
            on_missing: self.on_missing.or(base.on_missing),
            on_unmatched: self.on_unmatched.or(base.on_unmatched),
        }
    }

    /// Its parts by name, in the order of a file.
    fn parts(&self) -> Vec<(String, Value)> {
        // All its keys are texts, so this cannot fail.
        let whole = serde_json::to_value(self).unwrap_or_default();
        let setting = |name: &'static str| {
            whole.get(name).filter(|value| **value != "").map(|value| (name.to_owned(), value.clone()))
        };
        let fields = whole.get("fields").and_then(Value::as_object).into_iter().flatten();
        let fields = fields.map(|(name, value)| (format!("fields.{name}"), value.clone()));
        FIRST
            .into_iter()
            .filter_map(setting)
            .chain(fields)
            .chain(LAST.into_iter().filter_map(setting))
            .collect()
    }
}

const FIRST: [&str; 7] = ["object", "key", "key_value", "match", "marker", "write", "when"];
const LAST: [&str; 4] = ["reference_wait", "on_delete", "on_missing", "on_unmatched"];

impl RawField {
    /// Whether the field is null: a layer's word for leaving it out.
    #[must_use]
    pub fn is_left_out(&self) -> bool {
        *self == Self::default()
    }
}

/// The mapping of an org, part by part, with who says so: its `own` over that of all.
#[must_use]
pub fn parts(own: Option<&RawMapping>, global: Option<&RawMapping>, facts: &ProviderFacts) -> Vec<Part> {
    let below = global.filter(|_| own.is_none_or(RawMapping::is_layer));
    let told = |raw: Option<&RawMapping>| raw.map(RawMapping::parts).unwrap_or_default();
    let (own, below) = (told(own), told(below));
    let find = |parts: &[(String, Value)], name: &str| {
        parts.iter().find(|(found, _)| found == name).map(|(_, value)| value.clone())
    };
    let part = |name: &str, default: Option<Value>| {
        let said = find(&own, name).map(|value| (value, Origin::Org));
        let said = said.or_else(|| find(&below, name).map(|value| (value, Origin::Global)));
        let (value, origin) = said.or_else(|| Some((default?, Origin::Default)))?;
        Some(Part { name: name.to_owned(), value, origin })
    };
    let mut fields: Vec<&str> = own.iter().chain(&below).map(|(name, _)| name.as_str()).collect();
    fields.retain(|name| name.starts_with("fields."));
    fields.sort_unstable();
    fields.dedup();
    let fields = fields.into_iter().filter_map(|name| part(name, None));
    let setting = |name: &&str| part(name, default(name, facts));
    FIRST.iter().filter_map(setting).chain(fields).chain(LAST.iter().filter_map(setting)).collect()
}

/// What a setting is where nobody says anything.
fn default(name: &str, facts: &ProviderFacts) -> Option<Value> {
    match name {
        "key" => Some(json!(facts.default_key.unwrap_or("none"))),
        "key_value" => Some(json!("{record_id}")),
        "write" => Some(json!(super::WriteMode::default())),
        "reference_wait" => Some(json!("1h")),
        "on_delete" => Some(json!(OnDelete::default())),
        "on_missing" => Some(json!(super::OnMissing::default())),
        "on_unmatched" => Some(json!(super::OnUnmatched::default())),
        _ => None,
    }
}
