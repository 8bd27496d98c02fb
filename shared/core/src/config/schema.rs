//! The JSON Schemas of the files: made from the types, kept in `config/schema/`, given to editors and to the check.

use super::file::OrgFile;
use crate::mapping::{Case, RawMapping};
use schemars::JsonSchema;
use serde_json::{Value, json};
use std::sync::OnceLock;

/// The kinds of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SchemaKind {
    /// `orgs/<org>.yaml`.
    Org,
    /// `mappings/<provider>/<record_type>.yaml`.
    Mapping,
    /// `mappings/<provider>/tests/*.yaml`.
    MappingTest,
}

impl SchemaKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Org, Self::Mapping, Self::MappingTest];

    /// The name of its file in `config/schema/`.
    #[must_use]
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Org => "org.json",
            Self::Mapping => "mapping.json",
            Self::MappingTest => "mapping-tests.json",
        }
    }
}

/// The JSON Schema of `kind`.
#[must_use]
pub fn schema(kind: SchemaKind) -> Value {
    cached(kind).clone()
}

/// The same without a copy.
pub(super) fn cached(kind: SchemaKind) -> &'static Value {
    static SCHEMAS: OnceLock<[Value; 3]> = OnceLock::new();
    let [org, mapping, tests] =
        SCHEMAS.get_or_init(|| [of::<OrgFile>("An org of rtr-sync"), mapping(), cases()]);
    match kind {
        SchemaKind::Org => org,
        SchemaKind::Mapping => mapping,
        SchemaKind::MappingTest => tests,
    }
}

fn of<T: JsonSchema>(title: &str) -> Value {
    let mut schema = schemars::schema_for!(T).to_value();
    if let Value::Object(keys) = &mut schema {
        keys.insert("title".to_owned(), title.into());
    }
    schema
}

/// A global mapping: there is nothing that it could be a layer of.
fn mapping() -> Value {
    let mut schema = of::<RawMapping>("A mapping of rtr-sync");
    schema["required"] = json!(["object"]);
    schema
}

/// A list of cases, or a single one.
fn cases() -> Value {
    let mut case = of::<Case>("One case");
    let mut whole = json!({ "title": "Cases of a mapping of rtr-sync" });
    for key in ["$schema", "$defs"] {
        if let Some(value) = case.as_object_mut().and_then(|case| case.remove(key)) {
            whole[key] = value;
        }
    }
    whole["$defs"]["Case"] = case;
    whole["anyOf"] =
        json!([{ "type": "array", "items": { "$ref": "#/$defs/Case" } }, { "$ref": "#/$defs/Case" }]);
    whole
}
