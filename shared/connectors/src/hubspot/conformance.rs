//! HubSpot for the suite that every connector runs: its names, the values it refuses, and its contract sheet, in the
//! shapes that HubSpot documents or was seen to send.

use rtr_connectors::connector::Fields;
use rtr_core::mapping::Patch;
use rtr_testkit::conformance::{Bench, Link, LinkBy, Means, Profile, Row, set};
use serde_json::{Value, json};

const PROFILE: Profile = Profile {
    provider: "hubspot",
    object: "contacts",
    key: "rtr_record_id",
    key_is_there: false,
    fields,
    nameless: |n| set("firstname", &format!("Canary {n}")),
    text: "city",
    text_chars: 65_536,
    other: "jobtitle",
    refused: &[
        ("email", "canary, no address"),
        ("lifecyclestage", "canary-stage"),
        ("hs_email_optout", "canary-maybe"),
        ("closedate", "canary tomorrow"),
        ("no_such_property", "canary"),
        ("createdate", "1795000000000"),
    ],
    twin: |n| set("email", &address(n)),
    absent_id: "7000000000001",
    merge: Some(merge),
    link: Link { object: "companies", fields: company, by: LinkBy::Association("default") },
    sheet: SHEET,
    batch_refusal: row(
        "a batch with an id twice",
        400,
        r#"{"status": "error", "category": "VALIDATION_ERROR", "context": {"ids": ["5"]},
            "message": "Duplicate IDs found in batch input: [5]. IDs must be unique"}"#,
        Means::Invalid,
    ),
    forbidden: row(
        "scopes",
        403,
        r#"{"status": "error", "category": "MISSING_SCOPES", "message": "no scope",
            "context": {"requiredGranularScopes": ["crm.schemas.contacts.write"]}}"#,
        Means::Forbidden,
    ),
    absent: &[],
};

fn address(n: usize) -> String {
    format!("canary{n}@example.org")
}

fn fields(n: usize) -> Fields {
    let mut fields = set("email", &address(n));
    fields.extend(set("firstname", &format!("Canary {n}")));
    fields
}

fn company(n: usize) -> Fields {
    [("name".to_owned(), Patch::Set(json!(format!("Canary {n} Ltd"))))].into()
}

fn merge(bench: &Bench<'_>, survivor: &str, loser: &str) {
    let body = json!({"primaryObjectId": survivor, "objectIdToMerge": loser});
    let answer = bench.ask("POST", "/crm/v3/objects/contacts/merge", &body);
    assert_eq!(answer["id"], Value::from(survivor), "{answer}");
}

const fn row(name: &'static str, status: u16, body: &'static str, means: Means) -> Row {
    Row { name, status, headers: &[], body, means }
}

const fn with(headers: &'static [(&'static str, &'static str)], row: Row) -> Row {
    Row { headers, ..row }
}

const DAILY: &str = r#"{"status": "error", "errorType": "RATE_LIMIT", "policyName": "DAILY",
    "message": "You have reached your daily limit."}"#;
const TEN_SECONDLY: &str = r#"{"status": "error", "errorType": "RATE_LIMIT", "policyName": "TEN_SECONDLY_ROLLING",
    "message": "You have reached your ten_secondly_rolling limit."}"#;
const SECONDLY: &str =
    r#"{"status": "error", "errorType": "RATE_LIMIT", "message": "You have reached your secondly limit."}"#;
const MOVING: &str = r#"{"status": "error", "message": "The account is being moved to another region."}"#;

/// <https://developers.hubspot.com/docs/api-reference/error-handling> and
/// <https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines>
const SHEET: &[Row] = &[
    row(
        "a value",
        400,
        r#"{"status": "error", "category": "VALIDATION_ERROR",
        "message": "Property values were not valid: [{\"isValid\":false,\"message\":\"canary\",\"error\":\"INVALID_OPTION\",\"name\":\"city\"}]"}"#,
        Means::InvalidField("city"),
    ),
    row(
        "a value, in errors",
        400,
        r#"{"status": "error", "category": "VALIDATION_ERROR", "message": "Invalid canary",
        "errors": [{"message": "canary", "code": "INVALID_INTEGER", "context": {"propertyName": ["city"]}}]}"#,
        Means::InvalidField("city"),
    ),
    row(
        "several values",
        400,
        r#"{"status": "error", "category": "VALIDATION_ERROR", "message": "canary", "errors": [
        {"message": "x", "code": "INVALID_INTEGER", "context": {"propertyName": ["city"]}},
        {"message": "y", "code": "INVALID_OPTION", "context": {"propertyName": ["state"]}}]}"#,
        Means::Invalid,
    ),
    row(
        "something of the request",
        400,
        r#"{"status": "error", "category": "VALIDATION_ERROR", "message": "canary"}"#,
        Means::Invalid,
    ),
    row(
        "no such object",
        400,
        r#"{"status": "error", "message": "Unable to infer object type from: canaries"}"#,
        Means::Refused,
    ),
    row(
        "a key that is not unique",
        400,
        r#"{"status": "error", "category": "VALIDATION_ERROR",
        "message": "Unable to perform update/upsert by non-unique 0-1 property city in portal ID 1"}"#,
        Means::Refused,
    ),
    row(
        "a token that ended",
        401,
        r#"{"status": "error", "category": "EXPIRED_AUTHENTICATION",
        "message": "The OAuth token used to make this call expired 9 second(s) ago."}"#,
        Means::Unauthorized,
    ),
    row(
        "no token of theirs",
        401,
        r#"{"status": "error", "category": "INVALID_AUTHENTICATION",
        "message": "Authentication credentials not found."}"#,
        Means::Unauthorized,
    ),
    row(
        "scopes",
        403,
        r#"{"status": "error", "category": "MISSING_SCOPES", "message": "no scope",
        "context": {"requiredGranularScopes": ["crm.objects.contacts.write"]}}"#,
        Means::Forbidden,
    ),
    row(
        "scopes, in errors",
        403,
        r#"{"status": "error", "category": "MISSING_SCOPES", "message": "no scope",
        "errors": [{"context": {"requiredGranularScopes": ["crm.objects.contacts.write"]}}]}"#,
        Means::Forbidden,
    ),
    row(
        "permission",
        403,
        r#"{"status": "error", "category": "FORBIDDEN", "message": "no permission"}"#,
        Means::Forbidden,
    ),
    row(
        "a record that is gone",
        404,
        r#"{"status": "error", "category": "OBJECT_NOT_FOUND",
        "message": "Object not found.  objectId are usually numeric."}"#,
        Means::Missing,
    ),
    row(
        "a record that is gone, without category",
        404,
        r#"{"status": "error", "message": "resource not found"}"#,
        Means::Missing,
    ),
    row("a proxy's 404", 404, r#"{"detail": "no route"}"#, Means::Refused),
    row(
        "a conflict that names the other",
        409,
        r#"{"status": "error", "category": "CONFLICT",
        "message": "Contact already exists. Existing ID: 70412"}"#,
        Means::DuplicateOf("70412"),
    ),
    row(
        "a conflict",
        409,
        r#"{"status": "error", "category": "CONFLICT", "message": "Contact already exists"}"#,
        Means::DuplicateOfUnnamed,
    ),
    row("a request too large", 413, "{}", Means::TooLarge),
    row("an address too long", 414, "{}", Means::TooLarge),
    row("a locked record", 423, r#"{"status": "error", "message": "The resource is locked"}"#, Means::Busy),
    row("the ten-second limit", 429, TEN_SECONDLY, Means::ThrottledFor(10_000)),
    with(
        &[("retry-after", "7")],
        row("a limit that says how long", 429, TEN_SECONDLY, Means::ThrottledFor(7_000)),
    ),
    with(
        &[("x-hubspot-ratelimit-interval-milliseconds", "4000")],
        row("a window of another length", 429, TEN_SECONDLY, Means::ThrottledFor(4_000)),
    ),
    row("the per-second limit", 429, SECONDLY, Means::ThrottledFor(1_000)),
    row("the daily limit", 429, DAILY, Means::ThrottledFor(900_000)),
    with(
        &[("retry-after", "3600")],
        row("a daily limit that says how long", 429, DAILY, Means::ThrottledFor(3_600_000)),
    ),
    row(
        "a limit by category",
        429,
        r#"{"status": "error", "category": "RATE_LIMITS", "message": "limited"}"#,
        Means::ThrottledFor(10_000),
    ),
    row("a limit without a word", 429, "{}", Means::ThrottledFor(10_000)),
    with(
        &[("retry-after", "soon")],
        row("a move that says nothing of use", 477, MOVING, Means::ThrottledFor(900_000)),
    ),
    with(
        &[("retry-after", "60")],
        row("a move that says how long", 477, MOVING, Means::ThrottledFor(60_000)),
    ),
    row(
        "a failure of theirs",
        500,
        r#"{"status": "error", "category": "INTERNAL_ERROR", "message": "internal error"}"#,
        Means::OutcomeUnknown,
    ),
    row("a gateway", 502, "{}", Means::OutcomeUnknown),
    row("maintenance", 503, "{}", Means::Unavailable),
    row("a gateway that waited", 504, "{}", Means::OutcomeUnknown),
    row("an edge that found nobody", 521, "{}", Means::Unavailable),
    row("an edge that could not connect", 522, "{}", Means::Unavailable),
    row("an edge that could not route", 523, "{}", Means::Unavailable),
    row("an edge that waited", 524, "{}", Means::OutcomeUnknown),
];

rtr_testkit::connector_conformance!(hubspot);
