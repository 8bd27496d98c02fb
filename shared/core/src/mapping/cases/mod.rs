//! The cases beside a mapping: a record and what it must become, run by `rtr config test`.
//!
//! - [`Case`] as it is written → [`run_case`] → every [`Difference`]
//! - `coverage.rs` what of a mapping no case looks at · `recorded.rs` a record as a case

mod coverage;
mod difference;
mod recorded;

pub use coverage::{Branch, Coverage, Tracer};
pub use difference::Difference;
pub use recorded::{Recorded, Values, record_case};

use super::{Answer, Mapped, Mapping, MappingError, Patch, Subject, WriteMode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// One case: a record, and what is expected of it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What the case shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The org whose mapping is tested: its own, over the one of all orgs. Default: the one of all orgs alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub org: Option<String>,
    /// The record, as an event's `data` carries it.
    #[schemars(with = "Map<String, Value>")]
    pub record: Value,
    /// What the CRM has for the look-ups, by their names: `owner: {ada@x.io: "51"}`. A look-up that is not listed writes
    /// `owner/ada@x.io`; of one that is, the CRM has nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lookups: Option<BTreeMap<String, BTreeMap<String, String>>>,
    /// `true`: the CRM has the record by now, so that what only a create writes (`on: create`) is left alone. Default:
    /// `false`, and `true` for a mapping that only updates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub existing: Option<bool>,
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

impl Case {
    /// The properties that it says something of.
    fn named(&self) -> impl Iterator<Item = &str> {
        self.expect.iter().flat_map(BTreeMap::keys).chain(self.untouched.iter().flatten()).map(String::as_str)
    }

    /// What its record becomes.
    fn mapped(&self, mapping: &Mapping) -> Result<Mapped, MappingError> {
        let subject = Subject { org_id: "test", record_type: &mapping.record_type, record_id: "test-1" };
        let mut mapped = mapping.apply(&subject, &self.record)?;
        let none = BTreeMap::new();
        let lookups = self.lookups.as_ref().unwrap_or(&none);
        mapped.look_up(mapping.provider_title, |wanted, _| match lookups.get(wanted.fact.name) {
            None => Answer::One(wanted.named()),
            Some(held) => {
                let same = |name: &&String| name.trim().to_lowercase() == wanted.value.to_lowercase();
                held.keys().find(same).map_or(Answer::None, |name| Answer::One(held[name].clone()))
            }
        })?;
        Ok(mapped)
    }
}

/// What differs from what `case` expects of `mapping`; empty when the case holds.
#[must_use]
pub fn run_case(mapping: &Mapping, case: &Case) -> Vec<Difference> {
    let mapped = match (case.mapped(mapping), &case.error) {
        (Ok(mapped), None) => mapped,
        (Ok(_), Some(wanted)) => {
            return vec![Difference::whole(format!(
                "expected the error `{wanted}`, but the record was mapped"
            ))];
        }
        (Err(error), Some(wanted)) if error.to_string().contains(wanted.as_str()) => return Vec::new(),
        (Err(error), Some(wanted)) => {
            return vec![Difference::whole(format!("expected the error `{wanted}`, got `{error}`"))];
        }
        (Err(error), None) => return vec![Difference::whole(format!("unexpected error: {error}"))],
    };
    if case.unmatched.unwrap_or_default() == mapped.selected {
        let held = if mapped.selected { "held" } else { "did not hold" };
        return vec![Difference::whole(format!("the mapping's `when` {held}"))];
    }
    let written = written(mapping, case, &mapped);
    let strangers = case.named().filter_map(|name| difference::stranger(mapping, name));
    let known = |name: &str| difference::stranger(mapping, name).is_none();
    let wanted = case.expect.iter().flatten().filter(|(name, _)| known(name));
    let wanted = wanted.filter_map(|(name, wanted)| match written.get(name) {
        Some(same) if same == wanted => None,
        Some(other) => Some(Difference::other(name, wanted, other)),
        None => Some(difference::left_alone(mapping, name, wanted)),
    });
    let untouched = case
        .untouched
        .iter()
        .flatten()
        .filter_map(|name| Some(Difference::touched(name, written.get(name)?)));
    strangers.chain(wanted).chain(untouched).collect()
}

/// What is written for `case`, by name: the value, null where it is cleared, `type/id` where it refers to another record.
pub(super) fn written(mapping: &Mapping, case: &Case, mapped: &Mapped) -> BTreeMap<String, Value> {
    let existing = case.existing.unwrap_or(mapping.write == WriteMode::Update);
    let (always, on_create) = match (mapping.write, existing) {
        (WriteMode::Create, true) | (WriteMode::Update, false) => (false, false),
        (_, existing) => (true, !existing),
    };
    let fields = mapped.fields.iter().filter(|_| always).chain(mapped.on_create.iter().filter(|_| on_create));
    let patches = fields.filter_map(|(name, patch)| match patch {
        Patch::Keep => None,
        Patch::Clear => Some((name.clone(), Value::Null)),
        Patch::Set(value) => Some((name.clone(), value.clone())),
    });
    let references = mapped.references.iter().filter(|_| always).map(|reference| {
        (reference.field.clone(), format!("{}/{}", reference.record_type, reference.record_id).into())
    });
    patches.chain(references).collect()
}
