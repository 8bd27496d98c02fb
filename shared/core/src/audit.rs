//! What a person did to work that waits, and to what lets it go: written down once, never changed.

use crate::time::Instant;
use serde::{Deserialize, Serialize};

/// Every action that is written down.
pub const ACTIONS: [&str; 15] = [
    "backfill",
    "config.apply",
    "config.rollback",
    "connection.connect",
    "connection.pause",
    "connection.resume",
    "connection.setup",
    "connection.test",
    "dlq.drop",
    "dlq.redrive",
    "links.import",
    "parked.drain",
    "parked.drop",
    "publish",
    "reconcile.repair",
];

/// One act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When.
    pub at: Instant,
    /// Who.
    pub by: String,
    /// What, such as `parked.drop`.
    pub action: String,
    /// What it was done to, as the command line says it.
    pub target: String,
    /// The org, if it concerns one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub org_id: Option<String>,
    /// Why, in their words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How many records, if it concerns records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
}
