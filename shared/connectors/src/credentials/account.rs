//! Whose tokens they are, as far as the answer to a token request tells, and where that account lives.

use serde_json::{Map, Value};
use url::Url;

/// Length of a Salesforce id without and with the letters that make it safe to compare in any case.
const SHORT_ID: usize = 15;
const LONG_ID: usize = 18;

/// The account: HubSpot's `hub_id`; at Salesforce `id` is a URL, `…/id/<org>/<user>`.
pub(super) fn account_of(body: &Map<String, Value>) -> Option<String> {
    match body.get("hub_id") {
        Some(Value::Number(number)) => return Some(number.to_string()),
        Some(Value::String(text)) => return Some(text.clone()),
        _ => {}
    }
    let url = Url::parse(body.get("id")?.as_str()?).ok()?;
    let parts: Vec<&str> = url.path_segments()?.collect();
    match parts[..] {
        ["id", org, _user] if !org.is_empty() => Some(org.to_owned()),
        _ => None,
    }
}

/// An address as it may stand in a secret: scheme, host, port and path, and nothing that could hide another host.
pub(super) fn origin_of(value: &Value) -> Option<String> {
    let url = Url::parse(value.as_str()?.trim()).ok()?;
    let plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    let web = matches!(url.scheme(), "https" | "http") && url.has_host();
    (plain && web).then(|| url.as_str().trim_end_matches('/').to_owned())
}

/// Whether two ids name one account: Salesforce writes one id with 15 characters or with 18.
#[must_use]
pub fn same_account(one: &str, other: &str) -> bool {
    let (short, long) = if one.len() <= other.len() { (one, other) } else { (other, one) };
    short == long || (short.len() == SHORT_ID && long.len() == LONG_ID && long.starts_with(short))
}
