//! Salesforce's error bodies, read leniently: a list of errors under `errorCode`, an item's errors under `statusCode`,
//! OAuth's object, a text, a page. Values that could hold a record's data never leave but as the CRM's own words.

use crate::http::Response;
use serde_json::Value;

/// Salesforce's words are kept up to so many characters.
const WORDS: usize = 1_000;

/// One error as Salesforce describes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Complaint {
    /// `errorCode` or `statusCode`.
    pub(super) code: String,
    /// In the language of the user, so it decides as little as possible.
    pub(super) message: String,
    /// Fields named.
    pub(super) fields: Vec<String>,
    /// Records that the error names as the same one, 18 characters each.
    pub(super) existing: Vec<String>,
}

impl Complaint {
    /// Reads an answer that is no success.
    pub(super) fn of_response(response: &Response) -> Self {
        match response.json() {
            // 300: the paths of the records that share the external id.
            Some(Value::Array(paths)) if paths.iter().any(Value::is_string) => {
                let last = |path: &Value| id18(path.as_str()?.rsplit('/').next()?);
                Self { existing: once(paths.iter().filter_map(last).collect()), ..Self::default() }
            }
            Some(Value::Array(errors)) => errors.first().map(Self::of).unwrap_or_default(),
            Some(body @ Value::Object(_)) => Self::of(list(&body["errors"]).first().unwrap_or(&body)),
            _ => {
                let message = String::from_utf8_lossy(&response.body).trim().to_owned();
                Self { message, ..Self::default() }
            }
        }
    }

    /// Reads one error object.
    pub(super) fn of(value: &Value) -> Self {
        let first = |names: &[&str]| {
            names.iter().find_map(|name| value[*name].as_str()).unwrap_or_default().to_owned()
        };
        let code = first(&["statusCode", "errorCode", "error"]);
        let message = first(&["message", "error_description"]);
        let names = list(&value["fields"]).iter().filter_map(Value::as_str);
        let fields = names.filter(|name| is_word(name)).map(str::to_owned).collect();
        Self { existing: existing(value, &code, &message), code, message, fields }
    }

    /// Salesforce's own words, for who may see the record.
    pub(super) fn words(&self) -> String {
        self.message.chars().take(WORDS).collect()
    }

    /// The code where it is a plain word, fit for our own messages.
    pub(super) fn code_word(&self) -> Option<&str> {
        Some(self.code.as_str()).filter(|word| is_word(word))
    }

    /// Whether the message holds these words, whatever their case.
    pub(super) fn says(&self, words: &str) -> bool {
        self.message.to_lowercase().contains(&words.to_lowercase())
    }
}

/// A list's elements.
pub(super) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// A scalar as text.
pub(super) fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// The 18 characters of an id that may come with 15: the last three tell which letters are capitals, so that ids differ
/// without regard to case. None when it is no id.
pub(super) fn id18(id: &str) -> Option<String> {
    let plain = id.chars().all(|c| c.is_ascii_alphanumeric()) && id.chars().any(|c| c.is_ascii_digit());
    if !plain || !matches!(id.len(), 15 | 18) {
        return None;
    }
    if id.len() == 18 {
        return Some(id.to_owned());
    }
    let sum = |five: &[u8]| {
        let bits = five.iter().enumerate().filter(|(_, c)| c.is_ascii_uppercase());
        let at: usize = bits.map(|(place, _)| 1 << place).sum();
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345".get(at).copied().map_or('A', char::from)
    };
    Some(id.chars().chain(id.as_bytes().chunks(5).map(sum)).collect())
}

fn is_word(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 120
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'))
}

/// A duplicate rule's records stand in `duplicateResult`, misspelt `duplicateResut` by v54 to v56; those of a unique
/// field in the message, which no language changes: ids are ids.
fn existing(value: &Value, code: &str, message: &str) -> Vec<String> {
    let mut ids = Vec::new();
    for name in ["duplicateResult", "duplicateResut"] {
        for result in list(&value[name]["matchResults"]) {
            let records = list(&result["matchRecords"]).iter();
            ids.extend(records.filter_map(|found| id18(found["record"]["Id"].as_str()?)));
        }
    }
    let in_words = match code {
        // The last: before it stands the field's name, and maybe a value that looks like an id.
        "DUPLICATE_VALUE" => words(message).filter_map(id18).last().into_iter().collect(),
        "DUPLICATE_EXTERNAL_ID" => words(message).filter_map(id18).collect(),
        _ => Vec::new(),
    };
    ids.extend(in_words);
    once(ids)
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_')
}

fn once(mut ids: Vec<String>) -> Vec<String> {
    ids.sort();
    ids.dedup();
    ids
}
