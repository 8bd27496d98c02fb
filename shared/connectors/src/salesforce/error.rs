//! One table from Salesforce's status and code to our class of failure.
//!
//! The code says more than the status and is asked first; items of a 200 have nothing else. Messages are in the user's
//! language, so only what no language changes is read from them: names and ids. Odd arms say whose rule they follow:
//! <https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/errorcodes.htm>,
//! <https://developer.salesforce.com/docs/atlas.en-us.api.meta/api/sforce_api_calls_concepts_core_data_objects.htm>

use super::body::Complaint;
use crate::http::Response;
use crate::session::Quota;
use rtr_core::failure::{Class, Failure};
use rtr_core::limit::QUOTA_MS;
use rtr_core::time::Instant;
use serde_json::Value;

/// The pause after the daily limit, in milliseconds. Its window of 24 hours rolls, so calls come free by and by, and no
/// header says when: the account is asked again four times an hour.
const QUARTER_HOUR_MS: i64 = 15 * 60 * 1_000;
/// The pause after a limit on what runs at once, in milliseconds: requests count against it after 20 s and end soon.
const FIVE_SECONDS_MS: i64 = 5_000;

/// What is wrong with the call as a whole: nothing for a 2xx that can be read.
#[must_use]
pub fn classify(response: &Response, now: Instant) -> Option<Failure> {
    match response.status {
        204 | 205 => None,
        200..=299 if response.json().is_some_and(|body| body.is_array() || body.is_object()) => None,
        status @ 200..=299 => {
            let message = format!("Salesforce answered {status} with a body that cannot be read");
            Some(Failure::new(Class::OutcomeUnknown, message))
        }
        _ => Some(refusal(response, now)),
    }
}

/// The same for writes: what may be one item's fault passes, and so does a success, to be read item by item.
#[must_use]
pub fn classify_items(response: &Response, now: Instant) -> Option<Failure> {
    match response.status {
        200..=300 | 400 | 404 | 409 => None,
        _ => classify(response, now),
    }
}

/// `Sforce-Limit-Info: api-usage=18/5000`, on every answer; with more behind it where an app has its own allowance.
#[must_use]
pub fn quota(response: &Response) -> Vec<Quota> {
    response.header("sforce-limit-info").and_then(usage).into_iter().collect()
}

/// The calls of any 24 hours.
fn usage(info: &str) -> Option<Quota> {
    let usage = info.split([',', ';', ' ']).find_map(|part| part.trim().strip_prefix("api-usage="))?;
    let (used, limit) = usage.split_once('/')?;
    let (used, limit): (u64, u64) = (used.trim().parse().ok()?, limit.trim().parse().ok()?);
    Some(Quota { per_ms: QUOTA_MS, limit, left: limit.saturating_sub(used), resets_in_ms: None })
}

/// The failure of an answer that is no success.
#[must_use]
pub fn refusal(response: &Response, now: Instant) -> Failure {
    let complaint = Complaint::of_response(response);
    let failure = match response.retry_after_ms(now) {
        // Salesforce's own limits name no time; what stands before it, or a later version of it, may.
        Some(ms) if matches!(response.status, 420 | 429) => throttled(ms, "edge limit", now),
        // RFC 9110, 10.2.3: how long the service is expected to be unavailable.
        Some(ms) if response.status == 503 => Failure::new(
            Class::Throttled { until: Some(now.plus_ms(ms)) },
            "Salesforce is unavailable, and says for how long (503)",
        ),
        _ => by_status(response.status, &complaint, now),
    };
    said(failure, &complaint)
}

/// The failure of an item, from its `errors` entry.
#[must_use]
pub fn of_item(error: &Value, now: Instant) -> Failure {
    let complaint = Complaint::of(error);
    let failure = by_code(&complaint, now).unwrap_or_else(|| other(&complaint));
    said(failure, &complaint)
}

fn said(failure: Failure, complaint: &Complaint) -> Failure {
    match complaint.words() {
        words if words.is_empty() => failure,
        words => failure.saying(words),
    }
}

fn by_status(status: u16, complaint: &Complaint, now: Instant) -> Failure {
    match status {
        300 if !complaint.existing.is_empty() => duplicate(complaint),
        300..=399 => {
            Failure::new(Class::Refused, "Salesforce answered with a redirect, which is not followed")
        }
        401 => unauthorized(complaint),
        // The identity service's own words for a token that has ended; they come as plain text.
        403 if complaint.message == "Bad_OAuth_Token" => unauthorized(complaint),
        // Before the codes: NOT_FOUND of an address is the mapping's fault, of a record it is absence.
        404 if complaint.code == "NOT_FOUND" => not_found(complaint),
        405 | 415 => refused(status, complaint),
        413 => Failure::new(Class::TooLarge, "the request is larger than Salesforce takes"),
        // Address or headers beyond 16 KB.
        414 | 431 => Failure::new(Class::TooLarge, "the request's address is longer than Salesforce takes"),
        420 | 429 => throttled(FIVE_SECONDS_MS, "edge limit", now),
        _ => by_code(complaint, now).unwrap_or_else(|| without_code(status, complaint)),
    }
}

fn without_code(status: u16, complaint: &Complaint) -> Failure {
    match status {
        // What is refused as a whole without naming anything may be one item's fault.
        400 => Failure::new(Class::BatchRefused, "Salesforce refused the request as malformed"),
        // A proxy's or an address range's 403 says nothing about the token: refreshing would not help.
        403 => forbidden(complaint),
        // "The request couldn't be completed due to a conflict with the current state": to be checked and tried again.
        409 => Failure::new(Class::Busy, "Salesforce could not carry this out in the record's present state"),
        503 => Failure::new(Class::Unavailable, "Salesforce is unavailable (503)"),
        408 | 500.. | 0..=199 => Failure::new(
            Class::OutcomeUnknown,
            format!("Salesforce answered {status}: the request may have been carried out"),
        ),
        _ => refused(status, complaint),
    }
}

/// What a code means wherever it comes; none for codes that say nothing to us.
fn by_code(complaint: &Complaint, now: Instant) -> Option<Failure> {
    Some(match complaint.code.as_str() {
        "UNABLE_TO_LOCK_ROW" => locked(),
        // A trigger or flow that ran into a lock wraps the code in its own.
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY" | "CANNOT_EXECUTE_FLOW_TRIGGER"
            if complaint.message.contains("UNABLE_TO_LOCK_ROW") =>
        {
            locked()
        }
        // Rolled back for what the whole transaction used: fewer records at a time use less.
        "QUERY_TIMEOUT" | "OPERATION_TOO_LARGE" | "TOO_MANY_APEX_REQUESTS" => overloaded(),
        code if code.starts_with("TXN_") => overloaded(),
        "REQUEST_LIMIT_EXCEEDED" if complaint.says("concurrent") => {
            throttled(FIVE_SECONDS_MS, "limit of concurrent requests", now)
        }
        "REQUEST_LIMIT_EXCEEDED" => throttled(QUARTER_HOUR_MS, "daily limit", now),
        // No fault of the record, and over as soon as somebody makes room: it waits rather than dies.
        "STORAGE_LIMIT_EXCEEDED" => throttled(QUARTER_HOUR_MS, "storage", now),
        "SERVER_UNAVAILABLE" => Failure::new(Class::Unavailable, "Salesforce is unavailable"),
        "UNKNOWN_EXCEPTION" => {
            Failure::new(Class::OutcomeUnknown, "Salesforce failed while it worked on this")
        }
        "INVALID_SESSION_ID" | "INVALID_AUTH_HEADER" => unauthorized(complaint),
        "API_DISABLED_FOR_ORG" | "API_CURRENTLY_DISABLED" | "FORBIDDEN" => forbidden(complaint),
        // Most of these come as 400, and as items of a 200.
        code if code.starts_with("INSUFFICIENT_ACCESS") => forbidden(complaint),
        "ENTITY_IS_DELETED" | "NOT_FOUND" => missing(),
        // "invalid cross reference id": the record's own id, unless it names the field of another.
        "INVALID_CROSS_REFERENCE_KEY" if complaint.fields.is_empty() => missing(),
        "DUPLICATE_VALUE" | "DUPLICATES_DETECTED" | "DUPLICATE_EXTERNAL_ID" => duplicate(complaint),
        // Not done for others' sake.
        "ALL_OR_NONE_OPERATION_ROLLED_BACK" | "PROCESSING_HALTED" | "JSON_PARSER_ERROR" => {
            Failure::new(Class::BatchRefused, "Salesforce refused the call as a whole")
        }
        "INVALID_FIELD" if complaint.message.starts_with("Foreign key external ID") => parent_missing(),
        "INVALID_TYPE" => {
            Failure::new(Class::Refused, "Salesforce has no such object, or the user may not see it")
        }
        "METHOD_NOT_ALLOWED" | "UNSUPPORTED_MEDIA_TYPE" | "MISSING_ARGUMENT" => other(complaint),
        code if is_about_values(code) || !complaint.fields.is_empty() => invalid(complaint),
        _ => return None,
    })
}

fn is_about_values(code: &str) -> bool {
    let known = [
        "REQUIRED_FIELD_MISSING",
        "STRING_TOO_LONG",
        "INVALID_FIELD",
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        "INVALID_EMAIL_ADDRESS",
        "INVALID_TYPE_ON_FIELD_IN_RECORD",
        "NUMBER_OUTSIDE_VALID_RANGE",
        "MALFORMED_ID",
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
        "CANNOT_EXECUTE_FLOW_TRIGGER",
        "INVALID_CROSS_REFERENCE_KEY",
        "FIELD_INTEGRITY_EXCEPTION",
    ];
    known.contains(&code) || code.ends_with("VALIDATION_EXCEPTION")
}

fn invalid(complaint: &Complaint) -> Failure {
    let code = complaint.code_word().unwrap_or("no code");
    let field = match complaint.fields.as_slice() {
        [field] => Some(field.clone()),
        _ => None,
    };
    let message = if complaint.fields.is_empty() {
        format!("Salesforce refused the record's values ({code})")
    } else {
        format!("Salesforce refused the record's `{}`: {code}", complaint.fields.join("`, `"))
    };
    Failure::new(Class::Invalid { field }, message)
}

/// The parent named by an external id is not there. Nothing tells whether it ever comes, so that a person is told:
/// a parent that we write ourselves is mapped as a `reference`, which waits for it.
fn parent_missing() -> Failure {
    let message = "no Salesforce record has the external id that a relationship field names; for a parent that \
                   rtr-sync writes too, map the lookup field as a `reference`, which waits for it";
    Failure::new(Class::Invalid { field: None }, message)
}

/// "This session is not valid for use with the REST API" and "Connected app is not attached to Agent" come as 401 for
/// a token that is new: another would fare no better, so a person is asked to look at the app and the user.
fn unauthorized(complaint: &Complaint) -> Failure {
    if complaint.says("not valid for use with the REST API") || complaint.says("not attached to Agent") {
        let message =
            "the token is valid, but not for the REST API: look at the connected app's OAuth scopes (`api`)";
        return Failure::new(Class::Forbidden, message);
    }
    Failure::new(Class::Unauthorized, "Salesforce refused the access token")
}

fn forbidden(complaint: &Complaint) -> Failure {
    let code = complaint.code_word().map(|word| format!(" ({word})")).unwrap_or_default();
    let message = if complaint.code.starts_with("API_") {
        format!("the API is switched off for this Salesforce org or user{code}")
    } else {
        format!("the integration user may not do this at Salesforce{code}")
    };
    Failure::new(Class::Forbidden, message)
}

/// The external-id field of the address, when it is not there; else the object.
fn not_found(complaint: &Complaint) -> Failure {
    let field = complaint.message.rsplit(": ").next().filter(|name| name.ends_with("__c"));
    let message = match field.and_then(|name| super::soql::field(name).ok()) {
        Some(name) => {
            format!("the external-id field `{name}` is not there, or the integration user may not see it")
        }
        None => {
            "Salesforce knows nothing at this address: no such object, or the user may not see it".to_owned()
        }
    };
    Failure::new(Class::Refused, message)
}

/// One record named may be adopted by the mapping's match; of several a person chooses.
fn duplicate(complaint: &Complaint) -> Failure {
    let rule = complaint.code == "DUPLICATES_DETECTED";
    let by = if rule { "by a duplicate rule" } else { "by a unique value" };
    let (existing, message) = match complaint.existing.as_slice() {
        [] => (None, format!("another Salesforce record is the same one {by}")),
        [id] => (Some(id.clone()), format!("Salesforce's record {id} is the same one {by}")),
        ids => (None, format!("{} Salesforce records are the same one {by}: {}", ids.len(), ids.join(", "))),
    };
    Failure::new(Class::Duplicate { existing }, message)
}

fn throttled(pause_ms: i64, what: &str, now: Instant) -> Failure {
    let class = Class::Throttled { until: Some(now.plus_ms(pause_ms)) };
    Failure::new(class, format!("Salesforce's {what} is used up"))
}

fn locked() -> Failure {
    Failure::new(Class::Busy, "Salesforce has the record, or its parent, locked")
}

fn overloaded() -> Failure {
    Failure::new(Class::Busy, "Salesforce gave up on the call as too much work at once")
}

fn missing() -> Failure {
    Failure::new(Class::Missing, "Salesforce has no such record: deleted, merged or never there")
}

fn refused(status: u16, complaint: &Complaint) -> Failure {
    let code = complaint.code_word().map(|word| format!(", {word}")).unwrap_or_default();
    Failure::new(Class::Refused, format!("Salesforce refused the request ({status}{code})"))
}

fn other(complaint: &Complaint) -> Failure {
    let code = complaint.code_word().map(|word| format!(" ({word})")).unwrap_or_default();
    Failure::new(Class::Refused, format!("Salesforce refused the record{code}"))
}
