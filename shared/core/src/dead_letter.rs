//! The envelope on `dead-letter.fifo`: what has no record to be filed with, and what the queue itself gave up.

use crate::code::Code;
use crate::digest;
use crate::key::sqs_id;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Over this many bytes of body an envelope names it instead of holding it: base64 and the envelope's own fields would
/// make it larger than SQS takes (1 MiB).
pub const MAX_BODY_BYTES: usize = 700_000;
/// The envelope's schema number.
pub const SCHEMA: u32 = 1;

/// A dead letter on its way to be filed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// Always [`SCHEMA`]; a body without it came by the native redrive policy.
    pub schema: u32,
    /// The function that gave it up.
    pub source: String,
    /// The event, when it could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<Value>,
    /// The body as it came, when it could not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw_base64: Option<String>,
    /// Where the body as it came lies in the payload bucket, when the letter would be too large for a message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_ref: Option<String>,
    /// The org, as far as it could be told.
    pub org_id: Option<String>,
    /// The record type, as far as it could be told.
    pub record_type: Option<String>,
    /// The record id, as far as it could be told.
    pub record_id: Option<String>,
    /// The version, as far as it could be told.
    pub version: Option<u64>,
    /// The connection, when it concerns one.
    pub connection: Option<String>,
    /// The class of the reason.
    pub reason: String,
    /// The code.
    pub code: Code,
    /// The field at fault.
    pub field: Option<String>,
    /// What is wrong, where.
    pub message: String,
    /// Receives so far.
    pub attempts: u32,
    /// When, RFC 3339.
    pub at: String,
}

/// The queue's own message group for a body nobody could attribute.
#[must_use]
pub fn unattributed_group(body: &str) -> String {
    sqs_id(&format!("!unattributed#{}", digest::hex(body.as_bytes())))
}
