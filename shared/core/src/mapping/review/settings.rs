//! Settings for what the mapping does not do.

use super::Reviewer;
use crate::mapping::raw::{Direction, RawField, WriteOn};
use crate::mapping::{ProviderFacts, RawMapping, WriteMode};

impl Reviewer {
    pub(super) fn settings(&mut self, provider: &ProviderFacts, raw: &RawMapping) {
        if raw.on_unmatched.is_some() && raw.when.is_none() {
            self.idle(
                &["on_unmatched"],
                "without `when` every record matches; add `when: …`, or take `on_unmatched` away",
            );
        }
        if raw.reference_wait.is_some() && raw.fields.values().all(|field| field.reference.is_none()) {
            self.idle(&["reference_wait"], "no field refers to another record, so that nothing is waited for; take `reference_wait` away");
        }
        let has_key = match raw.key.as_deref() {
            Some(name) => name != "none",
            None => provider.default_key.is_some(),
        };
        if raw.key_value.is_some() && !has_key && raw.marker.is_none() {
            self.idle(&["key_value"], "there is neither a key property nor a marker that would hold this; add `key` or `marker`, or take `key_value` away");
        }
        if raw.marker.is_some() && has_key {
            self.idle(&["marker"], "the key property holds our record id already, and a marker is for a CRM without one; write key: none, or take `marker` away");
        }
    }

    /// What a field says of writes that never come.
    pub(super) fn field_settings(&mut self, name: &str, field: &RawField, raw: &RawMapping) {
        let direction = field.direction.unwrap_or_default();
        let mut idle = |key: &str, given: bool, message: &str| {
            if given {
                self.idle(&["fields", name, key], message);
            }
        };
        idle(
            "wins",
            field.wins.is_some() && direction != Direction::Both,
            "only with direction: both can two sides change the value; write that, or take `wins` away",
        );
        if direction == Direction::In {
            let message = "a field with direction: in is never written to the CRM; write direction: both, or take this away";
            idle("on", field.on.is_some(), message);
            idle("null", field.null.is_some(), message);
            idle("default", field.default.is_some(), message);
            return;
        }
        if raw.write == Some(WriteMode::Update) && field.on == Some(WriteOn::Create) {
            idle(
                "on",
                true,
                "with write: update nothing is created, so that this field is never written; take `on` away",
            );
        }
        if field.association.is_some() {
            idle("on", field.on.is_some(), "an association is made with every write; take `on` away");
            idle("null", field.null.is_some(), "an association that ends is left as it is; take `null` away");
        }
        let replaced = field.map.is_none()
            && field.lookup.is_none()
            && field.default.as_ref().is_some_and(|value| !value.is_null());
        idle(
            "null",
            replaced && field.null.is_some(),
            "the value is never empty, since `default` takes its place; take `null` or `default` away",
        );
    }
}
