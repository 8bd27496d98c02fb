//! One line per way in which Salesforce says no.

use super::super::error::{classify, quota};
use super::*;
use crate::session::Quota;
use rtr_core::failure::Class;

fn line(name: &str, response: &Response) -> String {
    match classify(response, NOW) {
        None => format!("{name}: fine"),
        Some(failure) => {
            assert!(!failure.message.contains("CANARY"), "{} repeats a value", failure.message);
            format!("{name}: {:?}: {}", failure.class, failure.message)
        }
    }
}

macro_rules! table {
    ($($name:literal),+ $(,)?) => {
        vec![$({
            let status: u16 = $name[..3].parse().unwrap();
            line($name, &answer(status, fixture!($name)))
        }),+].join("\n")
    };
}

#[test]
fn given_every_refusal_of_values_when_classified_then_the_class_and_our_words_are_these() {
    let table = table![
        "300-several.json",
        "300-one.json",
        "400-required.json",
        "400-too-long.json",
        "400-picklist.json",
        "400-validation-rule.json",
        "400-email.json",
        "400-no-column.json",
        "400-not-writable.json",
        "400-parser.json",
        "400-malformed-id.json",
        "400-malformed-query.json",
        "400-range.json",
        "400-filter.json",
        "400-reference.json",
        "400-reference-field.json",
        "400-parent.json",
        "400-trigger.json",
        "400-duplicate-value.json",
        "400-duplicate-unknown.json",
        "400-rule-one.json",
        "400-rule-misspelt.json",
        "400-rule-several.json",
        "400-nothing.json",
        "400-type.json",
    ];
    insta::assert_snapshot!(table, @r#"
    300-several.json: Duplicate { existing: None }: 2 Salesforce records are the same one by a unique value: 003KX00000AbCd1YAF, 003KX00000AbCd2YAF
    300-one.json: Duplicate { existing: Some("003KX00000AbCd1YAF") }: Salesforce's record 003KX00000AbCd1YAF is the same one by a unique value
    400-required.json: Invalid { field: Some("LastName") }: Salesforce refused the record's `LastName`: REQUIRED_FIELD_MISSING
    400-too-long.json: Invalid { field: Some("Title") }: Salesforce refused the record's `Title`: STRING_TOO_LONG
    400-picklist.json: Invalid { field: Some("Level__c") }: Salesforce refused the record's `Level__c`: INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST
    400-validation-rule.json: Invalid { field: None }: Salesforce refused the record's values (FIELD_CUSTOM_VALIDATION_EXCEPTION)
    400-email.json: Invalid { field: Some("Email") }: Salesforce refused the record's `Email`: INVALID_EMAIL_ADDRESS
    400-no-column.json: Invalid { field: None }: Salesforce refused the record's values (INVALID_FIELD)
    400-not-writable.json: Invalid { field: Some("Score__c") }: Salesforce refused the record's `Score__c`: INVALID_FIELD_FOR_INSERT_UPDATE
    400-parser.json: BatchRefused: Salesforce refused the call as a whole
    400-malformed-id.json: Invalid { field: Some("AccountId") }: Salesforce refused the record's `AccountId`: MALFORMED_ID
    400-malformed-query.json: BatchRefused: Salesforce refused the request as malformed
    400-range.json: Invalid { field: Some("NumberOfEmployees") }: Salesforce refused the record's `NumberOfEmployees`: NUMBER_OUTSIDE_VALID_RANGE
    400-filter.json: Invalid { field: Some("AccountId") }: Salesforce refused the record's `AccountId`: FIELD_FILTER_VALIDATION_EXCEPTION
    400-reference.json: Missing: Salesforce has no such record: deleted, merged or never there
    400-reference-field.json: Invalid { field: Some("RecordTypeId") }: Salesforce refused the record's `RecordTypeId`: INVALID_CROSS_REFERENCE_KEY
    400-parent.json: Invalid { field: None }: no Salesforce record has the external id that a relationship field names; for a parent that rtr-sync writes too, map the lookup field as a `reference`, which waits for it
    400-trigger.json: Invalid { field: None }: Salesforce refused the record's values (CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY)
    400-duplicate-value.json: Duplicate { existing: Some("003KX00000AbCd1YAF") }: Salesforce's record 003KX00000AbCd1YAF is the same one by a unique value
    400-duplicate-unknown.json: Duplicate { existing: None }: another Salesforce record is the same one by a unique value
    400-rule-one.json: Duplicate { existing: Some("003KX00000AbCd1YAF") }: Salesforce's record 003KX00000AbCd1YAF is the same one by a duplicate rule
    400-rule-misspelt.json: Duplicate { existing: Some("003KX00000AbCd1YAF") }: Salesforce's record 003KX00000AbCd1YAF is the same one by a duplicate rule
    400-rule-several.json: Duplicate { existing: None }: 2 Salesforce records are the same one by a duplicate rule: 003KX00000AbCd1YAF, 003KX00000AbCd2YAF
    400-nothing.json: Invalid { field: None }: Salesforce refused the record's values (REQUIRED_FIELD_MISSING)
    400-type.json: Refused: Salesforce has no such object, or the user may not see it
    "#);
}

#[test]
fn given_every_other_refusal_when_classified_then_the_class_and_our_words_are_these() {
    let table = table![
        "400-trigger-lock.json",
        "400-lock.json",
        "400-forbidden-record.json",
        "400-forbidden-parent.json",
        "400-storage.json",
        "400-query-timeout.json",
        "401-session.json",
        "401-not-rest.json",
        "401-not-attached.json",
        "401-header.json",
        "403-daily.json",
        "403-concurrent.json",
        "403-long.json",
        "403-access.json",
        "403-disabled.json",
        "403-off.json",
        "403-userinfo.txt",
        "403-proxy.html",
        "404-deleted.json",
        "404-key-field.json",
        "404-resource.json",
        "405-method.json",
        "409-conflict.json",
        "412-precondition.json",
        "413-size.html",
        "414-uri.html",
        "415-type.json",
        "420-edge.html",
        "429-edge.html",
        "431-headers.html",
        "500-unknown.json",
        "502-gateway.html",
        "503-maintenance.html",
        "503-unavailable.json",
        "504-gateway.html",
    ];
    insta::assert_snapshot!(table, @"
    400-trigger-lock.json: Busy: Salesforce has the record, or its parent, locked
    400-lock.json: Busy: Salesforce has the record, or its parent, locked
    400-forbidden-record.json: Forbidden: the integration user may not do this at Salesforce (INSUFFICIENT_ACCESS_OR_READONLY)
    400-forbidden-parent.json: Forbidden: the integration user may not do this at Salesforce (INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY)
    400-storage.json: Throttled { until: Some(Instant(1795000900123)) }: Salesforce's storage is used up
    400-query-timeout.json: Busy: Salesforce gave up on the call as too much work at once
    401-session.json: Unauthorized: Salesforce refused the access token
    401-not-rest.json: Forbidden: the token is valid, but not for the REST API: look at the connected app's OAuth scopes (`api`)
    401-not-attached.json: Forbidden: the token is valid, but not for the REST API: look at the connected app's OAuth scopes (`api`)
    401-header.json: Unauthorized: Salesforce refused the access token
    403-daily.json: Throttled { until: Some(Instant(1795000900123)) }: Salesforce's daily limit is used up
    403-concurrent.json: Throttled { until: Some(Instant(1795000005123)) }: Salesforce's limit of concurrent requests is used up
    403-long.json: Throttled { until: Some(Instant(1795000005123)) }: Salesforce's limit of concurrent requests is used up
    403-access.json: Forbidden: the integration user may not do this at Salesforce (INSUFFICIENT_ACCESS)
    403-disabled.json: Forbidden: the API is switched off for this Salesforce org or user (API_DISABLED_FOR_ORG)
    403-off.json: Forbidden: the API is switched off for this Salesforce org or user (API_CURRENTLY_DISABLED)
    403-userinfo.txt: Unauthorized: Salesforce refused the access token
    403-proxy.html: Forbidden: the integration user may not do this at Salesforce
    404-deleted.json: Missing: Salesforce has no such record: deleted, merged or never there
    404-key-field.json: Refused: the external-id field `Rtr_Record_Id__c` is not there, or the integration user may not see it
    404-resource.json: Refused: Salesforce knows nothing at this address: no such object, or the user may not see it
    405-method.json: Refused: Salesforce refused the request (405, METHOD_NOT_ALLOWED)
    409-conflict.json: Busy: Salesforce could not carry this out in the record's present state
    412-precondition.json: Refused: Salesforce refused the request (412, PRECONDITION_FAILED)
    413-size.html: TooLarge: the request is larger than Salesforce takes
    414-uri.html: TooLarge: the request's address is longer than Salesforce takes
    415-type.json: Refused: Salesforce refused the request (415, UNSUPPORTED_MEDIA_TYPE)
    420-edge.html: Throttled { until: Some(Instant(1795000005123)) }: Salesforce's edge limit is used up
    429-edge.html: Throttled { until: Some(Instant(1795000005123)) }: Salesforce's edge limit is used up
    431-headers.html: TooLarge: the request's address is longer than Salesforce takes
    500-unknown.json: OutcomeUnknown: Salesforce failed while it worked on this
    502-gateway.html: OutcomeUnknown: Salesforce answered 502: the request may have been carried out
    503-maintenance.html: Unavailable: Salesforce is unavailable (503)
    503-unavailable.json: Unavailable: Salesforce is unavailable
    504-gateway.html: OutcomeUnknown: Salesforce answered 504: the request may have been carried out
    ");
}

#[test]
fn given_a_success_that_cannot_be_read_or_a_redirect_when_classified_then_it_is_none() {
    let lines: Vec<String> =
        [(200, "<html>"), (200, ""), (200, "[]"), (204, ""), (302, ""), (408, ""), (599, "")]
            .iter()
            .map(|(status, body)| line(&format!("{status} {body}"), &answer(*status, body)))
            .collect();
    insta::assert_snapshot!(lines.join("\n"), @"
    200 <html>: OutcomeUnknown: Salesforce answered 200 with a body that cannot be read
    200 : OutcomeUnknown: Salesforce answered 200 with a body that cannot be read
    200 []: fine
    204 : fine
    302 : Refused: Salesforce answered with a redirect, which is not followed
    408 : OutcomeUnknown: Salesforce answered 408: the request may have been carried out
    599 : OutcomeUnknown: Salesforce answered 599: the request may have been carried out
    ");
}

#[test]
fn given_the_allowance_header_when_read_then_it_tells_what_is_used() {
    let said = |text: &str| {
        let headers = vec![("sforce-limit-info".to_owned(), text.to_owned())];
        quota(&Response { headers, ..answer(200, "[]") })
    };
    let day = |left| vec![Quota { per_ms: 86_400_000, limit: 5000, left, resets_in_ms: None }];
    assert_eq!(said("api-usage=18/5000"), day(4_982));
    let with_app = "api-usage=25/5000; per-app-api-usage=17/250(appName=rtr)";
    assert_eq!(said(with_app), day(4_975));
    assert_eq!(said("api-usage=5001/5000"), day(0), "calls beyond it may go through");
    assert_eq!(said("per-app-api-usage=17/250(appName=rtr)"), []);
    assert_eq!(said("api-usage=many"), []);
    assert_eq!(quota(&answer(200, "[]")), []);
}

#[test]
fn given_a_rest_that_is_named_when_classified_then_the_connection_rests_so_long() {
    let class = |status: u16, seconds: &str| {
        let headers = vec![("retry-after".to_owned(), seconds.to_owned())];
        classify(&Response { headers, ..answer(status, "") }, NOW).unwrap().class
    };
    for status in [420, 429, 503] {
        assert_eq!(class(status, "30"), Class::Throttled { until: Some(NOW.plus_ms(30_000)) }, "{status}");
    }
    assert_eq!(class(429, "soon"), Class::Throttled { until: Some(NOW.plus_ms(5_000)) });
    assert_eq!(class(503, "soon"), Class::Unavailable);
}
