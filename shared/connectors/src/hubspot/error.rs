//! One table from HubSpot's status and category to our class of failure.
//!
//! The message is ours and never repeats a value; HubSpot's words, which may, go beside it. Odd arms say whose rule
//! they follow: <https://developers.hubspot.com/docs/api-reference/error-handling>

use super::body::Complaint;
use crate::http::{LONGEST_PAUSE_MS, Response};
use rtr_core::failure::{Class, Failure};
use rtr_core::time::Instant;
use serde_json::Value;

/// The pause after the ten-second limit when HubSpot does not say, in milliseconds: the whole window.
const TEN_SECONDS_MS: i64 = 10_000;
/// The pause after the search limit, in milliseconds: the whole window.
const ONE_SECOND_MS: i64 = 1_000;
/// The pause after the daily limit, in milliseconds. It ends at midnight of the account's time zone, which we do not
/// know, so the account is asked again four times an hour.
const QUARTER_HOUR_MS: i64 = 15 * 60 * 1_000;

/// What is wrong with the call as a whole: nothing for a 2xx that can be read, a partly successful 207 among them.
#[must_use]
pub fn classify(response: &Response, now: Instant) -> Option<Failure> {
    match response.status {
        204 | 205 => None,
        200..=299 => unreadable(response),
        _ => Some(refusal(response, now)),
    }
}

/// The same for batches: refusals that may be one item's fault pass, to be read item by item.
#[must_use]
pub fn classify_batch(response: &Response, now: Instant) -> Option<Failure> {
    if is_about_items(response.status) { None } else { classify(response, now) }
}

/// Whether a status may be the fault of a single item of a batch.
#[must_use]
pub fn is_about_items(status: u16) -> bool {
    matches!(status, 400 | 404 | 409 | 413 | 422)
}

/// The failure of an answer that is no success.
#[must_use]
pub fn refusal(response: &Response, now: Instant) -> Failure {
    let complaint = Complaint::of_response(response);
    let failure = by_status(response, &complaint, now);
    match complaint.words() {
        words if words.is_empty() => failure,
        words => failure.saying(words),
    }
}

/// The failure of one entry of a 207's `errors`.
#[must_use]
pub fn of_item(error: &Value) -> Failure {
    let complaint = Complaint::of(error);
    of_complaint(&complaint)
}

pub(super) fn of_complaint(complaint: &Complaint) -> Failure {
    by_category(complaint).saying(complaint.words())
}

fn by_status(response: &Response, complaint: &Complaint, now: Instant) -> Failure {
    match response.status {
        300..=399 => Failure::new(Class::Refused, "HubSpot answered with a redirect, which is not followed"),
        // The category says more than the status: a property that exists is a 409 or a 400 by endpoint and version.
        400 | 409 | 422 if complaint.category == "OBJECT_ALREADY_EXISTS" => duplicate(complaint),
        400 | 422 => validation(complaint),
        // "Not a valid indicator" that the token is old, says HubSpot: hence one refresh, not several.
        401 => Failure::new(Class::Unauthorized, "HubSpot refused the access token"),
        403 => forbidden(complaint),
        // Only HubSpot's own words make a record missing: a proxy's 404 must not have records made anew.
        404 if is_missing(complaint) => missing(),
        404 => Failure::new(Class::Refused, "HubSpot knows nothing at this address"),
        408 => unknown(408),
        409 => duplicate(complaint),
        413 => Failure::new(Class::TooLarge, "the request is larger than HubSpot takes"),
        414 => Failure::new(Class::TooLarge, "the request's address is longer than HubSpot takes"),
        // Locked, to be tried again after two seconds or more.
        423 => Failure::new(Class::Busy, "HubSpot has the record locked"),
        429 => throttled(response, complaint, now),
        // Not in any RFC: the account is being moved between data centres, Retry-After says for how long.
        477 => {
            let until = now.plus_ms(response.retry_after_ms(now).unwrap_or(QUARTER_HOUR_MS));
            Failure::new(
                Class::Throttled { until: Some(until) },
                "HubSpot is moving the account between data centres",
            )
        }
        // RFC 9110, 10.2.3: how long the service is expected to be unavailable.
        503 if response.retry_after_ms(now).is_some() => Failure::new(
            Class::Throttled { until: response.retry_after_ms(now).map(|ms| now.plus_ms(ms)) },
            "HubSpot is unavailable, and says for how long (503)",
        ),
        // 521 to 523 are Cloudflare's: HubSpot was not reached.
        status @ (503 | 521..=523) => {
            Failure::new(Class::Unavailable, format!("HubSpot is unavailable ({status})"))
        }
        // 502, 504, 520 and 524 are gateways that lost an answer; a 500 may come after the write.
        status if !(200..500).contains(&status) => unknown(status),
        status => {
            let category = complaint.category_word().map(|word| format!(", {word}")).unwrap_or_default();
            Failure::new(Class::Refused, format!("HubSpot refused the request ({status}{category})"))
        }
    }
}

/// The same table for an entry of a 207, which has a category and no status.
fn by_category(complaint: &Complaint) -> Failure {
    match complaint.category.as_str() {
        "CONFLICT" | "OBJECT_ALREADY_EXISTS" => duplicate(complaint),
        "OBJECT_NOT_FOUND" => missing(),
        "MISSING_SCOPES" | "FORBIDDEN" => forbidden(complaint),
        "RATE_LIMITS" | "RATE_LIMIT" => {
            Failure::new(Class::Throttled { until: None }, "HubSpot's rate limit is used up")
        }
        "INTERNAL_ERROR" | "SERVER_ERROR" => {
            Failure::new(Class::OutcomeUnknown, "HubSpot failed while it worked on this record")
        }
        "VALIDATION_ERROR" => match validation(complaint) {
            failure if failure.class == Class::BatchRefused => {
                Failure::new(Class::Invalid { field: None }, "HubSpot refused the record's values")
            }
            failure => failure,
        },
        _ => {
            let word = complaint.category_word().map(|word| format!(" ({word})")).unwrap_or_default();
            Failure::new(Class::Refused, format!("HubSpot refused the record{word}"))
        }
    }
}

fn validation(complaint: &Complaint) -> Failure {
    // Neither of these is any item's fault, so that nothing is gained by trying them one by one.
    if complaint.message.starts_with("Unable to infer object type") {
        return Failure::new(Class::Refused, "HubSpot has no such object");
    }
    if complaint.message.contains("by non-unique") {
        let message =
            "HubSpot finds records only by properties with unique values, and the mapping's key is none";
        return Failure::new(Class::Refused, message);
    }
    let mut names: Vec<&str> = complaint.properties.iter().map(|(name, _)| name.as_str()).collect();
    names.dedup();
    let reasons: Vec<String> = complaint
        .properties
        .iter()
        .map(|(name, code)| if code.is_empty() { format!("`{name}`") } else { format!("`{name}`: {code}") })
        .collect();
    match names.as_slice() {
        [] => Failure::new(Class::BatchRefused, "HubSpot refused the request as invalid"),
        [name] => {
            let message = format!("HubSpot refused the value of {}", reasons.join(", "));
            Failure::new(Class::Invalid { field: Some((*name).to_owned()) }, message)
        }
        _ => {
            let message = format!("HubSpot refused the values of {}", reasons.join(", "));
            Failure::new(Class::Invalid { field: None }, message)
        }
    }
}

fn forbidden(complaint: &Complaint) -> Failure {
    let message = match complaint.scopes.as_slice() {
        [] if complaint.category == "MISSING_SCOPES" => "the credentials lack a HubSpot scope".to_owned(),
        [] => "the credentials may not do this at HubSpot".to_owned(),
        scopes => format!("the credentials lack one of the HubSpot scopes {}", scopes.join(", ")),
    };
    Failure::new(Class::Forbidden, message)
}

fn duplicate(complaint: &Complaint) -> Failure {
    let message = match &complaint.existing {
        Some(id) => format!("HubSpot's record {id} has this unique value already"),
        None => "another HubSpot record has this unique value already".to_owned(),
    };
    Failure::new(Class::Duplicate { existing: complaint.existing.clone() }, message)
}

fn missing() -> Failure {
    Failure::new(Class::Missing, "HubSpot has no such record: archived, deleted or never there")
}

fn is_missing(complaint: &Complaint) -> bool {
    complaint.category == "OBJECT_NOT_FOUND"
        || (complaint.readable && complaint.message.eq_ignore_ascii_case("resource not found"))
}

fn unknown(status: u16) -> Failure {
    Failure::new(
        Class::OutcomeUnknown,
        format!("HubSpot answered {status}: the request may have been carried out"),
    )
}

/// A success has a body that can be read and is no error envelope: what says `"status": "error"` under a 2xx may have
/// been carried out, or not.
fn unreadable(response: &Response) -> Option<Failure> {
    let what = match response.json() {
        Some(Value::Object(body)) if body.get("status").and_then(Value::as_str) == Some("error") => {
            "an error in its body"
        }
        Some(Value::Object(_)) => return None,
        _ => "a body that cannot be read",
    };
    let message = format!("HubSpot answered {} with {what}", response.status);
    Some(Failure::new(Class::OutcomeUnknown, message))
}

fn throttled(response: &Response, complaint: &Complaint, now: Instant) -> Failure {
    let said = complaint.message.to_ascii_uppercase();
    let is = |policy: &str| complaint.policy.contains(policy) || said.contains(policy);
    // "TEN_SECONDLY" holds "SECONDLY", so it is asked about first.
    let (limit, pause_ms) = if is("DAILY") {
        ("daily limit", QUARTER_HOUR_MS)
    } else if is("TEN_SECONDLY") {
        ("ten-second limit", interval_ms(response))
    } else if is("SECONDLY") {
        ("per-second limit", ONE_SECOND_MS)
    } else {
        ("rate limit", interval_ms(response))
    };
    let until = now.plus_ms(response.retry_after_ms(now).unwrap_or(pause_ms));
    Failure::new(Class::Throttled { until: Some(until) }, format!("HubSpot's {limit} is used up"))
}

fn interval_ms(response: &Response) -> i64 {
    let header = response.header("x-hubspot-ratelimit-interval-milliseconds");
    header
        .and_then(|text| text.trim().parse::<i64>().ok())
        .filter(|ms| *ms > 0)
        .map_or(TEN_SECONDS_MS, |ms| ms.min(LONGEST_PAUSE_MS))
}
