//! A property of a CRM's object, as far as the CRM describes it.

use serde::{Deserialize, Serialize};

/// One property. What the CRM does not say stands as in the default, which refuses nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Property {
    /// Its internal name.
    #[serde(skip)]
    pub name: String,
    /// The CRM's type name.
    pub kind: String,
    /// Whether values are unique.
    #[serde(skip_serializing_if = "is_false")]
    pub unique: bool,
    /// Whether it can be written.
    #[serde(skip_serializing_if = "is_true")]
    pub writable: bool,
    /// Whether records can be searched by it.
    #[serde(skip_serializing_if = "is_true")]
    pub searchable: bool,
    /// The only values it takes, by their internal names; empty: any of its type.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// The objects that it may refer to; empty: it is no reference.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub refers_to: Vec<String>,
}

impl Default for Property {
    fn default() -> Self {
        Self {
            name: String::new(),
            kind: String::new(),
            unique: false,
            writable: true,
            searchable: true,
            options: Vec::new(),
            refers_to: Vec::new(),
        }
    }
}

// What serde asks for.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_false(flag: &bool) -> bool {
    !flag
}

#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_true(flag: &bool) -> bool {
    *flag
}
