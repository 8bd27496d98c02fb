//! Mappings: from a record of the internal system to the properties of a CRM's object, decided per property.
//!
//! Invariants: the same record under the same mapping always gives the same result; what a record does not say is left
//! alone ([`Patch::Keep`]), and only what it says to be empty is cleared; no error repeats a value of the record.
//!
//! - [`RawMapping`] as written and stored → [`Mapping::compile`] → [`Mapping::apply`] → [`Mapped`]
//! - `expression/` the language, `transform/` its filters and functions, listed in [`TRANSFORMERS`] and [`TESTS`]
//! - `review/` what of a mapping fails, or has no effect, whatever the record holds: asked when a folder is checked
//! - `lookup.rs` what only the CRM can tell: declared here, answered elsewhere
//! - `layer.rs` an org's mapping over the one that all have
//! - `fit.rs` a mapping held against what the CRM describes
//! - `back.rs` the way back for fields that flow both ways · `cases/` the test cases beside a mapping, and what they look at ·
//!   `mask.rs` records without their values, to make cases of

mod apply;
mod back;
mod cases;
mod compile;
mod duration;
mod expression;
mod facts;
mod field;
mod fit;
mod key_value;
mod layer;
mod lookup;
mod mask;
mod precision;
mod problem;
mod property;
mod raw;
mod result;
mod review;
mod rules;
mod suggest;
mod transform;

pub use apply::{Mapped, MappingError, Reference, Subject};
pub use back::{Back, InboundField, inbound_value};
pub use cases::{Branch, Case, Coverage, Difference, Recorded, Tracer, Values, record_case, run_case};
pub use duration::{DurationError, DurationText, MAX_DURATION_MS, parse_ms};
pub use expression::{Expression, ExpressionError, FUEL};
pub use facts::{LimitFact, LookupFact, Objects, ProviderFacts, Read};
pub use fit::{Fit, Misfit, unfit_key};
pub use key_value::{KeyTemplate, MAX_KEY_VALUE_CHARS};
pub use layer::{Origin, Part, parts};
pub use lookup::{Answer, Wanted};
pub use mask::mask;
pub(crate) use precision::is_kept;
pub use problem::{Place, Problem, Spot};
pub use property::Property;
pub use raw::{Direction, NullRule, RawField, RawMapping, Wins, WriteOn};
pub use result::MAX_VALUE_BYTES;
pub use review::review;
pub use rules::{Key, OnDelete, OnMissing, OnUnmatched, Patch, WriteMode};
pub use suggest::{listed, nearest};
pub use transform::{TESTS, TRANSFORMERS};

use field::{Field, Source};

/// A compiled mapping: how records of one type are written to one object of a provider.
#[derive(Debug)]
pub struct Mapping {
    /// The provider, such as `hubspot`.
    pub provider: String,
    /// The provider's name in sentences, such as `HubSpot`.
    pub provider_title: &'static str,
    /// The internal record type, such as `contact`.
    pub record_type: String,
    /// The provider's name of the object, such as `contacts`.
    pub object: String,
    /// How a CRM record is found again by our record id.
    pub key: Key,
    /// The property by which an existing CRM record is adopted before a first create; one of the fields.
    pub match_on: Option<String>,
    /// A property, not unique, that holds our record id: how a create is found whose answer was lost.
    pub marker: Option<String>,
    /// Which writes are allowed.
    pub write: WriteMode,
    /// How long a write waits for a referenced record that is not linked yet.
    pub reference_wait_ms: i64,
    /// What a deleted record does to its CRM record.
    pub on_delete: OnDelete,
    /// What to do when the CRM record is gone.
    pub on_missing: OnMissing,
    /// What to do with a record that stops matching `when`.
    pub on_unmatched: OnUnmatched,
    key_template: KeyTemplate,
    when: Option<Expression>,
    fields: Vec<Field>,
}

impl Mapping {
    /// The CRM's names of all properties that are written, references that are properties included; sorted.
    pub fn field_names(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().filter(|field| field.is_property()).map(|field| field.name.as_str())
    }

    /// What stands in the key property, or in the marker, for `subject`; nothing when the mapping has neither.
    ///
    /// # Errors
    /// When the value would be empty.
    pub fn key_value(&self, subject: &Subject) -> Result<Option<String>, MappingError> {
        match (&self.key, &self.marker) {
            (Key::Intent, None) => Ok(None),
            _ => self.key_template.fill(subject).map(Some),
        }
    }

    /// The template of the key property's value.
    #[must_use]
    pub fn key_template(&self) -> &KeyTemplate {
        &self.key_template
    }

    /// The fields that refer to another record: name, record type, and the association if it is one.
    pub fn references(&self) -> impl Iterator<Item = (&str, &str, Option<&str>)> {
        self.fields.iter().filter_map(|field| {
            let Source::Reference { record_type, association, .. } = &field.source else { return None };
            Some((field.name.as_str(), record_type.as_str(), association.as_deref()))
        })
    }

    /// The fields that are looked up in the CRM, and how.
    pub fn lookups(&self) -> impl Iterator<Item = (&str, &'static LookupFact)> {
        self.fields.iter().filter_map(|field| {
            let Source::Lookup { lookup, .. } = &field.source else { return None };
            Some((field.name.as_str(), lookup.fact))
        })
    }

    /// The record types that this mapping's fields refer to.
    pub fn referenced_types(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().filter_map(Field::referenced_type)
    }
}

#[cfg(test)]
mod tests;
