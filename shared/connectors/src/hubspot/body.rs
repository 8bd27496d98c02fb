//! HubSpot's error bodies, read leniently: every field is optional, as HubSpot says itself, and values that could hold
//! a record's data never leave this file but as the CRM's own words.

use crate::http::Response;
use serde_json::Value;

/// HubSpot's words are kept up to so many characters.
const WORDS: usize = 1_000;

/// An error as HubSpot describes it: a whole answer, or one entry of a 207's `errors`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Complaint {
    /// The message, or the beginning of a body that is not JSON.
    pub(super) message: String,
    /// `category`, or the `errorType` of the limiter's answers, in capitals.
    pub(super) category: String,
    /// Which limit, in capitals: `DAILY`, `TEN_SECONDLY_ROLLING`, `SECONDLY`.
    pub(super) policy: String,
    /// `correlationId`, for HubSpot's support.
    pub(super) correlation: Option<String>,
    /// Properties named, with HubSpot's code for what is wrong; each pair once.
    pub(super) properties: Vec<(String, String)>,
    /// Scopes that are missing.
    pub(super) scopes: Vec<String>,
    /// Our traces that it names.
    pub(super) traces: Vec<String>,
    /// Ids, or key values, that it names.
    pub(super) ids: Vec<String>,
    /// Ends of an association that it names.
    pub(super) from_ids: Vec<String>,
    /// The same for the other end.
    pub(super) to_ids: Vec<String>,
    /// The record that has the value already.
    pub(super) existing: Option<String>,
    /// False when the body is no JSON object.
    pub(super) readable: bool,
}

impl Complaint {
    /// Reads a whole answer.
    pub(super) fn of_response(response: &Response) -> Self {
        let mut complaint = match response.json() {
            Some(value) if value.is_object() => Self::of(&value),
            _ => {
                let message = String::from_utf8_lossy(&response.body).trim().to_owned();
                Self { message, ..Self::default() }
            }
        };
        if complaint.correlation.is_none() {
            complaint.correlation = response.header("x-hubspot-correlation-id").map(str::to_owned);
        }
        complaint
    }

    /// Reads one error object.
    pub(super) fn of(value: &Value) -> Self {
        let string = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        let message = string("message");
        let category = [string("category"), string("errorType")].into_iter().find(|word| !word.is_empty());
        let context = |name: &str| texts(&value["context"][name]);
        let mut ids = context("ids");
        ids.extend(context("id"));
        let mut scopes = context("missingScopes");
        scopes.extend(context("requiredGranularScopes"));
        for inner in list(&value["errors"]) {
            scopes.extend(texts(&inner["context"]["missingScopes"]));
            scopes.extend(texts(&inner["context"]["requiredGranularScopes"]));
        }
        scopes.retain(|scope| is_name(scope));
        Self {
            category: category.unwrap_or_default().to_ascii_uppercase(),
            policy: string("policyName").to_ascii_uppercase(),
            correlation: Some(string("correlationId")).filter(|id| !id.is_empty()),
            properties: properties(value, &message),
            scopes,
            traces: context("objectWriteTraceId"),
            ids,
            from_ids: context("fromObjectId"),
            to_ids: context("toObjectId"),
            existing: existing(value, &message),
            readable: true,
            message,
        }
    }

    /// HubSpot's own words, for who may see the record.
    pub(super) fn words(&self) -> String {
        let mut words: String = self.message.chars().take(WORDS).collect();
        if let Some(id) = &self.correlation {
            words.push_str(if words.is_empty() { "" } else { " " });
            words.push_str(&format!("(correlation id {id})"));
        }
        words
    }

    /// The category where it is a plain word, fit for our own messages.
    pub(super) fn category_word(&self) -> Option<&str> {
        Some(self.category.as_str()).filter(|word| is_name(word))
    }
}

/// A list's elements; a lone value counts as a list of one.
pub(super) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Ids come as strings or as numbers; both are the same id.
pub(super) fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(values) => values.iter().filter_map(text_of).collect(),
        scalar => text_of(scalar).into_iter().collect(),
    }
}

/// Names of properties, codes and scopes go into our messages, so nothing else may look like one.
fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 100
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

/// Properties are named in `errors[].context.propertyName` with a code beside, in `context.propertyName`, or in a JSON
/// array inside the message: `Property values were not valid: [{"name": …, "error": …}]`.
fn properties(value: &Value, message: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for error in list(&value["errors"]) {
        let code = error["code"].as_str().unwrap_or_default();
        found
            .extend(texts(&error["context"]["propertyName"]).into_iter().map(|name| (name, code.to_owned())));
    }
    if let Some((_, array)) = message.split_once("Property values were not valid:") {
        let entries: Value = serde_json::from_str(array.trim()).unwrap_or_default();
        for entry in list(&entries) {
            let name = entry["name"].as_str().unwrap_or_default();
            let code = entry["error"].as_str().unwrap_or_default();
            found.push((name.to_owned(), code.to_owned()));
        }
    }
    if found.is_empty() {
        let names = texts(&value["context"]["propertyName"]);
        found.extend(names.into_iter().map(|name| (name, String::new())));
    }
    found.retain(|(name, _)| is_name(name));
    for (_, code) in &mut found {
        if !is_name(code) {
            code.clear();
        }
    }
    let mut once: Vec<(String, String)> = Vec::new();
    for pair in found {
        if !once.contains(&pair) {
            once.push(pair);
        }
    }
    once
}

/// `context.existingId`, or the number at the end of `… already exists. Existing ID: 512`.
fn existing(value: &Value, message: &str) -> Option<String> {
    let named = texts(&value["context"]["existingId"]).into_iter().next();
    let said = || {
        let (_, rest) = message.split_once("Existing ID:")?;
        Some(rest.trim_start().chars().take_while(char::is_ascii_digit).collect::<String>())
    };
    named.or_else(said).filter(|id| !id.is_empty() && id.chars().all(|c| c.is_ascii_digit()))
}
