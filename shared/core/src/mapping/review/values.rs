//! Values of a mapping's own that no CRM takes.

use super::Reviewer;
use crate::mapping::raw::RawField;
use crate::mapping::{OnDelete, RawMapping};
use serde_json::Value;

impl Reviewer {
    /// The values that a field writes of itself.
    pub(super) fn own_values(&mut self, name: &str, field: &RawField) {
        for (key, value) in field.map.iter().flatten() {
            self.taken(&["fields", name, "map", key], value);
        }
        if let Some(value) = &field.default {
            self.taken(&["fields", name, "default"], value);
        }
    }

    pub(super) fn on_delete(&mut self, raw: &RawMapping) {
        let Some(OnDelete::Set(set)) = &raw.on_delete else { return };
        for (name, value) in set {
            self.taken(&["on_delete", "set", name], value);
        }
    }

    fn taken(&mut self, path: &[&str], value: &Value) {
        let nested = value
            .as_array()
            .is_some_and(|items| items.iter().any(|item| item.is_array() || item.is_object()));
        if value.is_object() || nested {
            let what = if nested { "a list of lists or objects" } else { "an object" };
            self.never(path, format!("no property of a CRM takes {what}; write a text, a number, true or false, or a list of them"));
        }
    }
}
