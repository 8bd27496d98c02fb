//! The words of a mapping that say what to do: how to write, what a deletion does, what to do with what is gone.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// What a mapping says about one property of the CRM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Patch<T> {
    /// Leave it as it is.
    Keep,
    /// Empty it.
    Clear,
    /// Write this value.
    Set(T),
}

/// How a CRM record is found again by our record id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// A unique property of the CRM holds it, and the CRM upserts by it.
    Property {
        /// The CRM's name of the property.
        name: String,
    },
    /// There is no such property: an intent is written before a create.
    Intent,
}

/// Which writes a mapping allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum WriteMode {
    /// Create what is not there, update what is.
    #[default]
    Upsert,
    /// Create only: what exists is left alone.
    Create,
    /// Update only: what is not there is not created.
    Update,
}

/// What a deleted record does to its CRM record.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum OnDelete {
    /// Moved to the CRM's bin, or deleted where it has none.
    #[default]
    Archive,
    /// Left as it is.
    Ignore,
    /// Deleted for good, as a person's right to erasure asks for.
    Erase,
    /// These properties are written instead, by their CRM names.
    Set(BTreeMap<String, Value>),
}

/// What to do when the CRM record of a linked record is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum OnMissing {
    /// Create it again.
    #[default]
    Recreate,
    /// Leave it gone.
    Ignore,
    /// Make the record dead, for a person to decide.
    Fail,
}

/// What to do with a record that stops matching `when`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum OnUnmatched {
    /// Leave the CRM record as it last was.
    #[default]
    Ignore,
    /// Treat the record as deleted.
    Delete,
}
