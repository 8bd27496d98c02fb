//! HubSpot's error bodies. One [`Fail`] becomes either a whole answer or one entry of a batch's `errors`.

use crate::provider::Answer;
use serde_json::{Map, Value, json};

/// An error as HubSpot words it; the correlation id is added where the answer is finished.
#[derive(Debug, Clone)]
pub(super) struct Fail {
    pub(super) status: u16,
    body: Map<String, Value>,
}

impl Fail {
    pub(super) fn bare(status: u16, message: impl Into<String>) -> Self {
        let mut body = Map::new();
        body.insert("status".to_owned(), json!("error"));
        body.insert("message".to_owned(), json!(message.into()));
        Self { status, body }
    }

    pub(super) fn new(status: u16, category: &str, message: impl Into<String>) -> Self {
        Self::bare(status, message).with("category", json!(category))
    }

    /// The commonest one.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "VALIDATION_ERROR", message)
    }

    pub(super) fn not_found() -> Self {
        Self::new(404, "OBJECT_NOT_FOUND", "resource not found")
    }

    pub(super) fn with(mut self, name: &str, value: Value) -> Self {
        self.body.insert(name.to_owned(), value);
        self
    }

    /// Adds a context entry: always a list of strings.
    pub(super) fn context(mut self, name: &str, values: Vec<String>) -> Self {
        let context = self.body.entry("context").or_insert_with(|| json!({}));
        context[name] = json!(values);
        self
    }

    /// The answer it is when the whole call fails.
    pub(super) fn answer(self) -> Answer {
        Answer::json(self.status, Value::Object(self.body))
    }

    /// The entry it is when only part of a batch fails.
    pub(super) fn entry(self) -> Value {
        Value::Object(self.body)
    }
}

/// One property value that was refused.
#[derive(Debug, Clone)]
pub(super) struct Problem {
    pub(super) name: String,
    pub(super) code: &'static str,
    pub(super) message: String,
}

impl Problem {
    pub(super) fn new(name: &str, code: &'static str, message: String) -> Self {
        Self { name: name.to_owned(), code, message }
    }
}

/// "Property values were not valid: [a JSON list in the text]". `portal` is there in a batch's entries only.
pub(super) fn bad_values(problems: &[Problem], portal: Option<u64>) -> Fail {
    let listed: Vec<Value> = problems.iter().map(|problem| listed(problem, portal)).collect();
    let errors: Vec<Value> = problems
        .iter()
        .map(|problem| {
            let context = json!({"propertyName": [problem.name]});
            json!({"message": problem.message, "code": problem.code, "context": context})
        })
        .collect();
    let fail = Fail::invalid(format!("Property values were not valid: {}", Value::Array(listed)));
    if portal.is_some() { fail } else { fail.with("errors", Value::Array(errors)) }
}

fn listed(problem: &Problem, portal: Option<u64>) -> Value {
    let mut entry =
        json!({"isValid": false, "message": problem.message, "error": problem.code, "name": problem.name});
    if let Some(portal) = portal {
        entry["localizedErrorMessage"] = json!(problem.message);
        entry["portalId"] = json!(portal);
    }
    entry
}

/// A scope the token lacks.
pub(super) fn missing_scopes(required: &str) -> Fail {
    let message = "This app hasn't been granted all required scopes to make this call. Read more about required \
                   scopes here: https://developers.hubspot.com/scopes.";
    let inner = json!({"message": "One or more of the following scopes are required.",
                       "context": {"requiredGranularScopes": [required]}});
    Fail::new(403, "MISSING_SCOPES", message)
        .with("errors", json!([inner]))
        .with("links", json!({"scopes": "https://developers.hubspot.com/scopes"}))
}
