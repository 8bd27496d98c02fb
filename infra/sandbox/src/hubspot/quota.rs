//! How HubSpot words a limit reached and other bare statuses, and the headers that tell what is left.

use super::access;
use super::errors::{Fail, missing_scopes};
use crate::clock::iso;
use crate::ids::uuid;
use crate::limits::Limit;
use crate::provider::{Answer, Env, Kind};
use serde_json::json;

fn rate_limited(policy: &str, env: &Env<'_>) -> Fail {
    Fail::bare(429, format!("You have reached your {} limit.", policy.to_lowercase()))
        .with("errorType", json!("RATE_LIMIT"))
        .with("policyName", json!(policy))
        .with("requestId", json!(uuid(env.serial, env.serial)))
}

/// The answer to a call beyond a limit.
pub(super) fn limited(limit: &Limit, portal: u64, env: &Env<'_>) -> Answer {
    let policy = match limit.per_ms {
        _ if limit.is_daily() => "DAILY",
        ..=1000 => "SECONDLY",
        _ => "TEN_SECONDLY_ROLLING",
    };
    let mut fail = rate_limited(policy, env);
    if policy == "TEN_SECONDLY_ROLLING" {
        fail = fail.with(
            "groupName",
            json!(format!("publicapi:private_app-api-calls-ten-secondly:1000001:{portal}")),
        );
    }
    let answer = fail.answer();
    match limit.retry_after {
        Some(seconds) => answer.header("retry-after", seconds),
        None => answer,
    }
}

/// What HubSpot, or what stands before it, says with a bare status.
pub(super) fn failure(status: u16, env: &Env<'_>) -> Answer {
    let unavailable = |message: &str| Fail::bare(status, message).answer();
    match status {
        200..=299 => Answer::empty(status),
        400 => Fail::invalid("Invalid input (details will vary based on the error)").answer(),
        401 => access::expired(env.now - 75_000, env.now).answer(),
        403 => missing_scopes("crm.objects.contacts.write").answer(),
        404 => Fail::not_found().answer(),
        409 => Fail::new(409, "CONFLICT", "Contact already exists").answer(),
        414 => unavailable("URI Too Long"),
        423 => unavailable("This resource is locked. Wait before you try again.").header("retry-after", 2),
        429 => rate_limited("TEN_SECONDLY_ROLLING", env).answer(),
        477 => {
            unavailable("This account is being migrated to another data center.").header("retry-after", 60)
        }
        500 => unavailable("internal error"),
        502..=504 => unavailable("Service temporarily unavailable"),
        _ => unavailable(&format!("Error {status} at {}", iso(env.now))),
    }
}

/// Search answers carry none of these, and neither do token answers. Without a limit there is nothing to tell.
pub(super) fn headers(kind: Kind, limits: &[Limit], now: i64) -> Vec<(String, String)> {
    if kind.api != "records" {
        return Vec::new();
    }
    let mut headers = Vec::new();
    let mut add = |name: &str, value: String| headers.push((format!("x-hubspot-ratelimit-{name}"), value));
    let covering = || limits.iter().filter(|limit| limit.covers("records"));
    if let Some(daily) = covering().find(|limit| limit.is_daily()) {
        add("daily", daily.requests.to_string());
        add("daily-remaining", daily.left(now).to_string());
    }
    if let Some(burst) = covering().filter(|limit| !limit.is_daily()).max_by_key(|limit| limit.per_ms) {
        add("interval-milliseconds", burst.per_ms.to_string());
        add("max", burst.requests.to_string());
        add("remaining", burst.left(now).to_string());
    }
    headers
}
