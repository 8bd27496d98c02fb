//! The shapes of what other crates define and our answers carry. Those crates need no
//! schemas; that they are what is serialised is for the tests that validate answers.

use rtr_connectors::shape::Compared;
use rtr_core::item::{Ended, SlotState};
use rtr_engine::reconcile::judge::Kind;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// What codes look like.
const CODE: &str = "^RTR[0-9]{4}$";

/// One of a few words.
fn one_of<T: Serialize>(words: &[T]) -> Schema {
    json_schema!({ "type": "string", "enum": words })
}

/// A code that `rtr explain` explains. Which there are is not said: newer functions may know more.
pub(crate) fn code(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "pattern": CODE })
}

/// The same, or null.
pub(crate) fn code_or_null(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": ["string", "null"], "pattern": CODE })
}

/// How an event ended at a connection.
pub(crate) fn ended(_: &mut SchemaGenerator) -> Schema {
    one_of(&Ended::ALL)
}

/// What lies open of a record.
pub(crate) fn state(_: &mut SchemaGenerator) -> Schema {
    use SlotState::{Dead, Drop, Incomplete, Parked, Waiting};
    one_of(&[Parked, Dead, Drop, Waiting, Incomplete])
}

/// How what is held compares with what is wanted.
pub(crate) fn compared(_: &mut SchemaGenerator) -> Schema {
    one_of(&[Compared::Same, Compared::Changed, Compared::Set, Compared::Cleared])
}

/// A kind of drift.
pub(crate) fn kind(_: &mut SchemaGenerator) -> Schema {
    one_of(&Kind::ALL)
}

/// The document of an org, or of all, as the table holds it: what the files say, and when each mapping changed last.
fn document(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "object" })
}

/// A record of the internal system.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "it is the shape of a type of another crate")]
pub(crate) struct Record {
    org_id: String,
    record_type: String,
    record_id: String,
}

/// A difference of configuration.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "it is the shape of a type of another crate")]
pub(crate) struct ConfigChange {
    #[schemars(extend("enum" = ["added", "removed", "changed"]))]
    kind: String,
    /// Where: `connections.hubspot.mode`.
    path: String,
    /// The value before.
    old: Value,
    /// The value after.
    new: Value,
}

/// Something wrong with a file of the configuration.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "it is the shape of a type of another crate")]
pub(crate) struct Diagnostic {
    /// The file's path within the folder.
    file: String,
    line: u32,
    column: u32,
    message: String,
    /// The nearest right name.
    suggestion: Option<String>,
    #[schemars(schema_with = "code")]
    code: String,
    /// The line as it stands in the file.
    source: String,
}

/// One thing that is not as a case expects.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "it is the shape of a type of another crate")]
pub(crate) struct CaseDifference {
    #[serde(skip_serializing_if = "Option::is_none")]
    property: Option<String>,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    got: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suggestion: Option<String>,
}

/// A way through a mapping that no case takes.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "it is the shape of a type of another crate")]
pub(crate) struct Branch {
    /// The field; null: the mapping's `when`.
    field: Option<String>,
    message: String,
}

/// A stored document.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "it is the shape of a type of another crate")]
pub(crate) struct StoredDocument {
    revision: u64,
    author: String,
    at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[schemars(schema_with = "document")]
    doc: Value,
}

/// A dead letter.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "it is the shape of a type of another crate")]
pub(crate) struct Letter {
    /// Stable: the same record and connection always have it.
    id: String,
    org_id: Option<String>,
    connection: Option<String>,
    record_type: Option<String>,
    record_id: Option<String>,
    version: Option<u64>,
    /// The class of the reason.
    reason: String,
    /// Not one of a list: newer functions may know more.
    code: Option<String>,
    message: String,
    field: Option<String>,
    /// Since when.
    at: String,
    attempts: u32,
    /// `in`: it is of a CRM's record on its way to the internal system, and type and id are the CRM's.
    #[serde(skip_serializing_if = "Option::is_none")]
    direction: Option<String>,
}

/// Dead letters, or what is parked, that have something in common: what, under the names that it was asked for by.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "it is written by hand")]
pub(crate) struct Group {
    #[serde(flatten)]
    by: BTreeMap<String, Option<String>>,
    count: usize,
    /// The oldest.
    since: String,
    /// The newest.
    until: String,
    /// The id of the newest.
    example: String,
}

/// A dead letter that was not sent again.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "it is the shape of a type of another crate")]
pub(crate) struct Refused {
    id: String,
    #[schemars(schema_with = "code")]
    code: String,
    message: String,
}

/// What became of dead letters that were sent again.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "it is the shape of a type of another crate")]
pub(crate) struct Outcomes {
    applied: usize,
    unchanged: usize,
    superseded: usize,
    skipped: usize,
    parked: usize,
    /// Sent as events, which end at their records.
    resent: usize,
    under_way: usize,
    dead_again: Vec<DeadAgain>,
}

/// Those that died again, alike.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "it is the shape of a type of another crate")]
pub(crate) struct DeadAgain {
    #[schemars(schema_with = "code")]
    code: String,
    field: Option<String>,
    message: String,
    count: usize,
    /// The id of one.
    example: String,
}

/// A link, as `rtr links import` reads it.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "lines are written by hand")]
pub(crate) struct Link {
    record_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
}
