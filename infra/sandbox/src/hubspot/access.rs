//! Which area of the API a path belongs to, and what credentials it takes. Nothing is done here.

use super::errors::{Fail, missing_scopes};
use super::types;
use crate::clock::iso;
use crate::provider::{Call, Env, Kind};
use crate::tokens::Refusal;
use serde_json::{Value, json};

/// The area of a path, with what follows.
pub(super) enum Area<'a> {
    OAuth(&'a [&'a str]),
    Objects(&'a str, &'a [&'a str]),
    Properties(&'a str, &'a [&'a str]),
    /// `…/objects/{from}/{id}/associations/…`
    Association {
        from: &'a str,
        id: &'a str,
        rest: &'a [&'a str],
    },
    /// `…/associations/{from}/{to}/…`
    Associations {
        from: &'a str,
        to: &'a str,
        rest: &'a [&'a str],
    },
    Owners(&'a [&'a str]),
    /// `…/pipelines/{type}`
    Pipelines(&'a str, &'a [&'a str]),
    Account,
    Unknown,
}

/// `2026-03`
fn is_dated(part: &str) -> bool {
    matches!(part.split_once('-'), Some((year, month)) if year.len() == 4 && month.len() == 2
        && year.chars().chain(month.chars()).all(|c| c.is_ascii_digit()))
}

/// Sorts a path into its area.
pub(super) fn area<'a>(parts: &'a [&'a str]) -> Area<'a> {
    match parts {
        ["oauth", rest @ ..] => Area::OAuth(rest),
        ["account-info", version, "details"] if *version == "v3" || is_dated(version) => Area::Account,
        ["integrations", "v1", "me"] => Area::Account,
        ["crm", "v4", "objects", from, id, "associations", rest @ ..] => Area::Association { from, id, rest },
        ["crm", "objects", version, from, id, "associations", rest @ ..] if is_dated(version) => {
            Area::Association { from, id, rest }
        }
        ["crm", "v4", "associations", from, to, rest @ ..] => Area::Associations { from, to, rest },
        ["crm", "associations", version, from, to, rest @ ..] if is_dated(version) => {
            Area::Associations { from, to, rest }
        }
        ["crm", "v3", "objects", kind, rest @ ..] => Area::Objects(kind, rest),
        ["crm", "objects", version, kind, rest @ ..] if is_dated(version) => Area::Objects(kind, rest),
        ["crm", "v3", "properties", kind, rest @ ..] => Area::Properties(kind, rest),
        ["crm", "properties", version, kind, rest @ ..] if is_dated(version) => Area::Properties(kind, rest),
        ["crm", "v3", "owners", rest @ ..] => Area::Owners(rest),
        ["crm", "owners", version, rest @ ..] if is_dated(version) => Area::Owners(rest),
        ["crm", "v3", "pipelines", kind, rest @ ..] => Area::Pipelines(kind, rest),
        ["crm", "pipelines", version, kind, rest @ ..] if is_dated(version) => Area::Pipelines(kind, rest),
        _ => Area::Unknown,
    }
}

/// Whether a call of this shape changes anything.
fn writes(method: &str, rest: &[&str]) -> bool {
    method != "GET" && !matches!(rest, ["search"] | ["batch", "read"])
}

pub(super) fn kind(call: &Call<'_>) -> Kind {
    let parts = call.parts();
    let (api, writes) = match area(&parts) {
        Area::OAuth(_) => ("auth", false),
        Area::Objects(_, rest) => {
            (if rest == ["search"] { "search" } else { "records" }, writes(call.method(), rest))
        }
        Area::Properties(_, rest) | Area::Association { rest, .. } | Area::Associations { rest, .. } => {
            ("records", writes(call.method(), rest))
        }
        Area::Owners(_) | Area::Pipelines(..) | Area::Account | Area::Unknown => ("records", false),
    };
    let body: Option<Value> =
        parts.contains(&"batch").then(|| serde_json::from_slice(&call.request.body).ok()).flatten();
    let inputs = body.as_ref().and_then(|body| body.get("inputs")).and_then(Value::as_array);
    Kind { api, items: inputs.map_or(1, Vec::len), writes }
}

fn scope(call: &Call<'_>) -> Option<String> {
    let parts = call.parts();
    let (prefix, kind, rest) = match area(&parts) {
        Area::Objects(kind, rest) => ("objects", kind, rest),
        Area::Association { from, rest, .. } | Area::Associations { from, rest, .. } => {
            ("objects", from, rest)
        }
        Area::Properties(kind, rest) => ("schemas", kind, rest),
        // Whoever may read the records may read their pipelines.
        Area::Pipelines(kind, rest) => ("objects", kind, rest),
        Area::Owners(_) => return Some("crm.objects.owners.read".to_owned()),
        _ => return None,
    };
    let kind = types::find(kind)?.plural;
    let verb = if writes(call.method(), rest) { "write" } else { "read" };
    // Tickets are older than the naming scheme.
    Some(if kind == "tickets" { kind.to_owned() } else { format!("crm.{prefix}.{kind}.{verb}") })
}

/// Refuses a call without a token of this account that is valid now and has the scope.
pub(super) fn authorise(call: &Call<'_>, env: &Env<'_>) -> Result<(), Fail> {
    let parts = call.parts();
    if matches!(area(&parts), Area::OAuth(_)) {
        return Ok(());
    }
    let unknown = || {
        let message = "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can \
                       find more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview";
        Fail::new(401, "INVALID_AUTHENTICATION", message)
    };
    let token = call.bearer().ok_or_else(unknown)?;
    let access = env.tokens.check(token, env.now).map_err(|refusal| match refusal {
        Refusal::Unknown => unknown(),
        Refusal::Expired(at) => expired(at, env.now),
    })?;
    let Some(required) = scope(call) else { return Ok(()) };
    match &access.scopes {
        Some(scopes) if !scopes.contains(&required) => Err(missing_scopes(&required)),
        _ => Ok(()),
    }
}

/// The refusal of a token that was valid once.
pub(super) fn expired(at: i64, now: i64) -> Fail {
    let seconds = (now - at) / 1000;
    let message = format!("The OAuth token used to make this call expired {seconds} second(s) ago.");
    Fail::new(401, "EXPIRED_AUTHENTICATION", message).with("context", json!({"expire time": [iso(at)]}))
}
