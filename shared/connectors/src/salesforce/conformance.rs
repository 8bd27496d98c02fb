//! Salesforce for the suite that every connector runs: its names, the values it refuses, and its contract sheet, in the
//! shapes that Salesforce documents or was seen to send.

use rtr_connectors::connector::Fields;
use rtr_testkit::conformance::{Bench, Link, LinkBy, Means, Profile, Row, set};
use serde_json::json;

const KEY: &str = "Rtr_Record_Id__c";

const PROFILE: Profile = Profile {
    provider: "salesforce",
    object: "Contact",
    key: KEY,
    key_is_there: false,
    fields,
    nameless: |n| set("LastName", &format!("Canary {n}")),
    text: "Title",
    text_chars: 128,
    other: "Department",
    refused: &[
        ("Email", "canary, no address"),
        ("LastName", TOO_LONG),
        ("CreatedDate", "2026-01-01T00:00:00Z"),
        ("No_Such_Field__c", "canary"),
    ],
    twin,
    absent_id: "003000000000001AAA",
    merge: Some(merge),
    link: Link {
        object: "Account",
        fields: |n| set("Name", &format!("Canary {n} Ltd")),
        by: LinkBy::Field("AccountId"),
    },
    sheet: SHEET,
    batch_refusal: row(
        "a body that cannot be read",
        400,
        r#"[{"errorCode": "JSON_PARSER_ERROR",
            "message": "Cannot deserialize instance of date from VALUE_STRING value canary at [line:1, column:9]"}]"#,
        Means::Invalid,
    ),
    forbidden: row(
        "no access",
        403,
        r#"[{"errorCode": "INSUFFICIENT_ACCESS", "message": "insufficient access rights on object id"}]"#,
        Means::Forbidden,
    ),
    absent: &[
        (
            "given_a_record_when_erased_then_nothing_of_it_is_left",
            "Salesforce moves what is deleted over REST to the recycle bin; only the Bulk API's hardDelete goes further",
        ),
        (
            "given_results_in_another_order_when_read_then_each_has_its_own",
            "Salesforce answers a collection in the order of the request: the order is the contract",
        ),
        (
            "given_a_search_that_lags_when_looked_up_then_the_key_finds_at_once_and_the_search_in_time",
            "SOQL reads what was committed, so that there is no lag to wait for",
        ),
    ],
};

/// 81 characters: a last name has 80 at most.
const TOO_LONG: &str = "canary-canary-canary-canary-canary-canary-canary-canary-canary-canary-canary-canary";

fn fields(n: usize) -> Fields {
    let mut fields = set("LastName", &format!("Canary {n}"));
    fields.extend(set("Email", &format!("canary{n}@example.org")));
    fields
}

/// Over SOAP, Apex and its pages only: the REST API cannot be told to.
fn merge(bench: &Bench<'_>, survivor: &str, loser: &str) {
    let answer = bench.act(json!({"action": "merge", "winner": survivor, "loser": loser}));
    assert_eq!(answer["id"], survivor, "{answer}");
}

/// The value of a unique field that the record made under `r-n` has.
fn twin(n: usize) -> Fields {
    let mut fields = set("LastName", "Canary, another");
    fields.extend(set(KEY, &format!("r-{n}")));
    fields
}

const fn row(name: &'static str, status: u16, body: &'static str, means: Means) -> Row {
    Row { name, status, headers: &[], body, means }
}

/// <https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/errorcodes.htm>
#[rustfmt::skip]
const SHEET: &[Row] = &[
    row("a required field", 400, r#"[{"errorCode": "REQUIRED_FIELD_MISSING", "fields": ["LastName"],
        "message": "Required fields are missing: [LastName]"}]"#, Means::InvalidField("LastName")),
    row("a validation rule", 400, r#"[{"errorCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "fields": [],
        "message": "Canaries may not be promoted"}]"#, Means::Invalid),
    row("a picklist value", 400, r#"[{"errorCode": "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "fields": ["Title"],
        "message": "Title: bad value for restricted picklist field: canary"}]"#, Means::InvalidField("Title")),
    row("a text too long", 400, r#"[{"errorCode": "STRING_TOO_LONG", "fields": ["Title"],
        "message": "Title: data value too large: canary (max length=128)"}]"#, Means::InvalidField("Title")),
    row("an address", 400, r#"[{"errorCode": "INVALID_EMAIL_ADDRESS", "fields": ["Title"],
        "message": "Title: invalid email address: canary"}]"#, Means::InvalidField("Title")),
    row("a read-only field", 400, r#"[{"errorCode": "INVALID_FIELD_FOR_INSERT_UPDATE", "fields": ["Title"],
        "message": "Unable to create/update fields: Title."}]"#, Means::InvalidField("Title")),
    row("a number out of range", 400, r#"[{"errorCode": "NUMBER_OUTSIDE_VALID_RANGE", "fields": ["Title"],
        "message": "Title: value outside of valid range on numeric field: canary"}]"#, Means::InvalidField("Title")),
    row("a body that cannot be read", 400, r#"[{"errorCode": "JSON_PARSER_ERROR", "message": "Unexpected canary"}]"#,
        Means::Invalid),
    row("a unique value", 400, r#"[{"errorCode": "DUPLICATE_VALUE", "fields": [],
        "message": "duplicate value found: Title duplicates value on record with id: 003000000000009"}]"#,
        Means::DuplicateOf("003000000000009AAA")),
    row("a duplicate rule, misspelt", 400, r#"[{"errorCode": "DUPLICATES_DETECTED", "message": "Use one of these?",
        "duplicateResut": {"allowSave": false, "duplicateRule": "Rule", "matchResults": [{"matchRecords": [
        {"matchConfidence": 100.0, "record": {"Id": "003000000000009AAA"}}], "size": 1, "success": true}]}}]"#,
        Means::DuplicateOf("003000000000009AAA")),
    row("a duplicate rule", 400, r#"[{"errorCode": "DUPLICATES_DETECTED", "message": "Use one of these?",
        "duplicateResult": {"allowSave": false, "duplicateRule": "Rule", "matchResults": [{"matchRecords": [
        {"matchConfidence": 100.0, "record": {"Id": "003000000000009AAA"}}], "size": 1, "success": true}]}}]"#,
        Means::DuplicateOf("003000000000009AAA")),
    row("a duplicate rule with several", 400, r#"[{"errorCode": "DUPLICATES_DETECTED", "message": "Use one of these?",
        "duplicateResult": {"allowSave": false, "duplicateRule": "Rule", "matchResults": [{"matchRecords": [
        {"record": {"Id": "003000000000009AAA"}}, {"record": {"Id": "003000000000008AAA"}}], "size": 2}]}}]"#,
        Means::DuplicateOfUnnamed),
    row("a session that ended", 401, r#"[{"errorCode": "INVALID_SESSION_ID", "message": "Session expired or invalid"}]"#,
        Means::Unauthorized),
    row("a session that is no good for REST", 401, r#"[{"errorCode": "INVALID_SESSION_ID",
        "message": "This session is not valid for use with the REST API"}]"#, Means::Forbidden),
    row("the daily limit", 403, r#"[{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}]"#,
        Means::ThrottledFor(900_000)),
    row("the limit of concurrent requests", 403, r#"[{"errorCode": "REQUEST_LIMIT_EXCEEDED",
        "message": "ConcurrentRequests (Concurrent API Requests) Limit exceeded."}]"#, Means::ThrottledFor(5_000)),
    row("the limit of long transactions", 403, r#"[{"errorCode": "REQUEST_LIMIT_EXCEEDED",
        "message": "ConcurrentPerOrgLongTxn Limit exceeded."}]"#, Means::ThrottledFor(5_000)),
    row("no access", 403, r#"[{"errorCode": "INSUFFICIENT_ACCESS", "message": "insufficient access rights on object id"}]"#,
        Means::Forbidden),
    row("an API that is off", 403, r#"[{"errorCode": "API_DISABLED_FOR_ORG", "message": "API is not enabled"}]"#,
        Means::Forbidden),
    row("a record that is deleted", 404, r#"[{"errorCode": "ENTITY_IS_DELETED", "message": "entity is deleted", "fields": []}]"#,
        Means::Missing),
    row("no such address", 404, r#"[{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}]"#,
        Means::Refused),
    row("a locked row", 400, r#"[{"errorCode": "UNABLE_TO_LOCK_ROW", "fields": [],
        "message": "unable to obtain exclusive access to this record or 1 records: 001000000000001AAA"}]"#, Means::Busy),
    row("a method", 405, r#"[{"errorCode": "METHOD_NOT_ALLOWED", "message": "HTTP Method 'PUT' not allowed"}]"#,
        Means::Refused),
    row("a conflict of states", 409, r#"[]"#, Means::Busy),
    row("an address too long", 414, "[]", Means::TooLarge),
    row("headers too long", 431, "[]", Means::TooLarge),
    row("a limit at the edge", 429, "[]", Means::ThrottledFor(5_000)),
    row("a failure of theirs", 500, r#"[{"errorCode": "UNKNOWN_EXCEPTION", "message": "An unexpected error occurred"}]"#,
        Means::OutcomeUnknown),
    row("a gateway", 502, "[]", Means::OutcomeUnknown),
    row("maintenance", 503, r#"[{"errorCode": "SERVER_UNAVAILABLE", "message": "Service temporarily unavailable"}]"#,
        Means::Unavailable),
];

rtr_testkit::connector_conformance!(salesforce);
