//! A value as both sides mean it: what a CRM gives back of what was written to it is often spelled otherwise.
//!
//! CRMs answer numbers and truth values as texts, cut white space, write times in their own way. Two values that are spelled
//! alike here are the same value; so our own write that comes back is recognised, and a change of spelling alone is no change.

use crate::digest;
use crate::marks::Mark;
use crate::time::Instant;
use serde_json::Value;

/// One spelling for all values that mean the same; none for what is empty.
#[must_use]
pub fn canonical(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Number(number) => Some(number_text(&number.to_string())),
        Value::String(text) => text_of(text),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().filter_map(canonical).collect();
            choices(items.iter().flat_map(|item| item.split(';')))
        }
        Value::Object(_) => Some(value.to_string()),
    }
}

/// Four bytes that stand for the value.
#[must_use]
pub fn mark(value: &Value) -> Mark {
    // What is empty is a value too: a letter before keeps it from every text.
    let text = canonical(value).map_or_else(|| "-".to_owned(), |text| format!("={text}"));
    digest::four(text.as_bytes())
}

fn text_of(text: &str) -> Option<String> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    if is_number(text) {
        return Some(number_text(text));
    }
    if let Some(at) = time(text) {
        return Some(at);
    }
    if text.contains(';') {
        return choices(text.split(';'));
    }
    // Line ends are the editor's.
    Some(text.replace("\r\n", "\n"))
}

/// CRMs keep a selection of several as a set, and write it with semicolons.
fn choices<'t>(parts: impl Iterator<Item = &'t str>) -> Option<String> {
    let mut parts: Vec<&str> = parts.map(str::trim).filter(|part| !part.is_empty()).collect();
    parts.sort_unstable();
    match parts[..] {
        [] => None,
        [one] => text_of(one),
        _ => Some(parts.join(";")),
    }
}

/// Digits with an optional sign and fraction, as a CRM writes a number: nothing that begins with a zero, which is no number to people.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    all_digits(whole) && all_digits(fraction) && (whole == "0" || !whole.starts_with('0'))
}

/// `12.50` as `12.5`, `3.0` as `3`.
fn number_text(text: &str) -> String {
    if text.contains(['e', 'E']) {
        return text.to_owned();
    }
    let short = match text.split_once('.') {
        Some((whole, fraction)) => match fraction.trim_end_matches('0') {
            "" => whole.to_owned(),
            fraction => format!("{whole}.{fraction}"),
        },
        None => text.to_owned(),
    };
    if short == "-0" { "0".to_owned() } else { short }
}

/// A time in any zone as one in UTC, to the second, which is what CRMs keep.
fn time(text: &str) -> Option<String> {
    let looks = text.len() >= 20 && text.as_bytes().get(10) == Some(&b'T');
    let at = looks.then(|| Instant::from_rfc3339(text).ok())??;
    Some(Instant(at.0.div_euclid(1_000) * 1_000).to_rfc3339())
}
