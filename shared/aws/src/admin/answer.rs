//! Answers, as API Gateway's HTTP API takes them.

use rtr_core::config::Diagnostic;
use rtr_engine::seams::Unavailable;
use serde_json::{Value, json};

/// An answer of JSON.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: Value,
    /// The revision that the body is of.
    pub revision: Option<u64>,
}

impl Answer {
    /// `body` with `status`.
    pub(super) fn of(status: u16, body: Value) -> Self {
        Self { status, body, revision: None }
    }

    /// The same as an answer of that revision.
    pub(super) fn tagged(self, revision: u64) -> Self {
        Self { revision: Some(revision), ..self }
    }

    /// What went wrong.
    pub(super) fn problem(status: u16, message: impl Into<String>) -> Self {
        Self::of(status, json!({"message": message.into()}))
    }

    /// The table's silence, whose words are for us alone.
    pub(super) fn unavailable(error: &Unavailable) -> Self {
        tracing::error!(event = "admin", error = error.0, "the configuration cannot be reached");
        Self::problem(503, "the configuration cannot be reached: try again")
    }

    /// Everything that is wrong with a body.
    pub(super) fn faults(faults: &[Diagnostic]) -> Self {
        let one = |Diagnostic { line, column, message, suggestion, code, .. }: &Diagnostic| json!({"line": line, "column": column, "message": message, "suggestion": suggestion, "code": code});
        let errors: Vec<Value> = faults.iter().map(one).collect();
        let message = match errors.len() {
            1 => "the document has an error; nothing was stored".to_owned(),
            n => format!("the document has {n} errors; nothing was stored"),
        };
        Self::of(422, json!({"message": message, "errors": errors}))
    }

    /// As API Gateway takes it (payload version 2).
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut headers = json!({"content-type": "application/json", "cache-control": "no-store"});
        if let Some(revision) = self.revision {
            headers["etag"] = format!("\"{revision}\"").into();
        }
        json!({"statusCode": self.status, "headers": headers, "body": self.body.to_string(), "isBase64Encoded": false})
    }
}
