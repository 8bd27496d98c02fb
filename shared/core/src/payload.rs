//! What one version of a record means at one CRM: fields and associations, with the digests that tell two apart.

use crate::digest;
use crate::mapping::{Mapped, Patch, Reference};
use crate::marks::Marks;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// An association to a record that is linked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Association {
    /// The label: `default`, or one the CRM has a name for.
    pub label: String,
    /// The CRM's object of the record referred to.
    pub object: String,
    /// Its id at the CRM.
    pub external_id: String,
}

/// A reference, looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolved {
    /// The record referred to has this object and id at the connection.
    Linked {
        /// The CRM's object.
        object: String,
        /// The CRM's id.
        external_id: String,
    },
    /// It is not linked there yet, and may be before long.
    NotYet,
    /// It is not linked there, and waiting would not help: it waits for this very record, is gone, or is not for this CRM.
    NotAwaited,
}

/// What to write.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Payload {
    /// Fields written always.
    pub fields: BTreeMap<String, Patch<Value>>,
    /// Fields written on create only.
    pub on_create: BTreeMap<String, Patch<Value>>,
    /// Associations to make.
    pub associations: Vec<Association>,
}

impl Payload {
    /// The payload of `mapped` with what is known of its references; those not linked yet are left out.
    #[must_use]
    pub fn build(mapped: &Mapped, resolved: &[(Reference, Resolved)]) -> Self {
        let mut payload = Self {
            fields: mapped.fields.clone(),
            on_create: mapped.on_create.clone(),
            associations: Vec::new(),
        };
        for (reference, state) in resolved {
            let Resolved::Linked { object, external_id } = state else { continue };
            match &reference.association {
                Some(label) => payload.associations.push(Association {
                    label: label.clone(),
                    object: object.clone(),
                    external_id: external_id.clone(),
                }),
                None => {
                    payload
                        .fields
                        .insert(reference.field.clone(), Patch::Set(Value::from(external_id.clone())));
                }
            }
        }
        payload
    }

    /// The digest of operation, object and payload: equal digests mean that the CRM need not be told again. Fields
    /// written on create only do not count, since they are never written again.
    #[must_use]
    pub fn hash(&self, operation: &str, object: &str) -> String {
        let fields: BTreeMap<&str, Value> = self
            .fields
            .iter()
            .filter_map(|(name, patch)| Some((name.as_str(), patch_value(patch)?)))
            .collect();
        let mut associations: Vec<_> =
            self.associations.iter().map(|a| json!([a.label, a.object, a.external_id])).collect();
        associations.sort_by_key(Value::to_string);
        digest::short_hex(json!([operation, object, fields, associations]).to_string().as_bytes())
    }

    /// The marks of what every write says; nothing of a field that is left alone.
    #[must_use]
    pub fn marks(&self) -> Marks {
        Marks::of(self.fields.iter().filter_map(|(name, patch)| Some((name.as_str(), written(patch)?))))
    }
}

/// What a field holds once it is written; none when it is left alone.
#[must_use]
pub fn written(patch: &Patch<Value>) -> Option<&Value> {
    match patch {
        Patch::Keep => None,
        Patch::Clear => Some(&Value::Null),
        Patch::Set(value) => Some(value),
    }
}

fn patch_value(patch: &Patch<Value>) -> Option<Value> {
    match patch {
        Patch::Keep => None,
        Patch::Clear => Some(json!({"clear": true})),
        Patch::Set(value) => Some(json!({ "set": value })),
    }
}
