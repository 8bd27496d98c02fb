//! One line per way in which HubSpot says no.

use super::super::error::{classify, classify_batch};
use super::*;

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
fn given_every_refusal_when_classified_then_the_class_and_our_words_are_these() {
    let table = table![
        "400-validation-in-message.json",
        "400-validation-in-errors.json",
        "400-validation-several.json",
        "400-empty-patch.json",
        "400-duplicate-ids.json",
        "400-unknown-object.json",
        "400-non-unique-key.json",
        "400-property-exists.json",
        "401-expired.json",
        "401-invalid.json",
        "403-scopes-in-errors.json",
        "403-scopes-in-context.json",
        "403-forbidden.json",
        "404-resource.json",
        "404-object.json",
        "409-conflict.json",
        "409-conflict-with-id.json",
        "423-locked.json",
        "429-ten-secondly.json",
        "429-daily.json",
        "429-search.json",
        "429-category.json",
        "477-migration.json",
        "500-internal.json",
        "502-gateway.html",
    ];
    insta::assert_snapshot!(table, @r#"
    400-validation-in-message.json: Invalid { field: Some("email") }: HubSpot refused the value of `email`: INVALID_EMAIL
    400-validation-in-errors.json: Invalid { field: Some("shoe_size") }: HubSpot refused the value of `shoe_size`: PROPERTY_DOESNT_EXIST
    400-validation-several.json: Invalid { field: None }: HubSpot refused the values of `email`: INVALID_EMAIL, `lifecyclestage`: INVALID_OPTION
    400-empty-patch.json: BatchRefused: HubSpot refused the request as invalid
    400-duplicate-ids.json: BatchRefused: HubSpot refused the request as invalid
    400-unknown-object.json: Refused: HubSpot has no such object
    400-non-unique-key.json: Refused: HubSpot finds records only by properties with unique values, and the mapping's key is none
    400-property-exists.json: Duplicate { existing: None }: another HubSpot record has this unique value already
    401-expired.json: Unauthorized: HubSpot refused the access token
    401-invalid.json: Unauthorized: HubSpot refused the access token
    403-scopes-in-errors.json: Forbidden: the credentials lack one of the HubSpot scopes crm.objects.contacts.write, crm.objects.contacts.sensitive.write.v2
    403-scopes-in-context.json: Forbidden: the credentials lack one of the HubSpot scopes crm.schemas.contacts.write
    403-forbidden.json: Forbidden: the credentials may not do this at HubSpot
    404-resource.json: Missing: HubSpot has no such record: archived, deleted or never there
    404-object.json: Missing: HubSpot has no such record: archived, deleted or never there
    409-conflict.json: Duplicate { existing: None }: another HubSpot record has this unique value already
    409-conflict-with-id.json: Duplicate { existing: Some("60412") }: HubSpot's record 60412 has this unique value already
    423-locked.json: Busy: HubSpot has the record locked
    429-ten-secondly.json: Throttled { until: Some(Instant(1795000010123)) }: HubSpot's ten-second limit is used up
    429-daily.json: Throttled { until: Some(Instant(1795000900123)) }: HubSpot's daily limit is used up
    429-search.json: Throttled { until: Some(Instant(1795000001123)) }: HubSpot's per-second limit is used up
    429-category.json: Throttled { until: Some(Instant(1795000010123)) }: HubSpot's rate limit is used up
    477-migration.json: Throttled { until: Some(Instant(1795000900123)) }: HubSpot is moving the account between data centres
    500-internal.json: OutcomeUnknown: HubSpot answered 500: the request may have been carried out
    502-gateway.html: OutcomeUnknown: HubSpot answered 502: the request may have been carried out
    "#);
}

#[test]
fn given_any_status_without_a_body_when_classified_then_the_class_is_this() {
    let statuses = [
        100, 200, 202, 204, 301, 307, 400, 401, 402, 403, 404, 405, 408, 409, 410, 413, 414, 418, 422, 423,
        429, 431, 451, 477, 500, 501, 502, 503, 504, 505, 520, 521, 522, 523, 524, 525, 530, 599,
    ];
    let table: Vec<String> =
        statuses.iter().map(|status| line(&status.to_string(), &answer(*status, ""))).collect();
    insta::assert_snapshot!(table.join("\n"), @"
    100: OutcomeUnknown: HubSpot answered 100: the request may have been carried out
    200: OutcomeUnknown: HubSpot answered 200 with a body that cannot be read
    202: OutcomeUnknown: HubSpot answered 202 with a body that cannot be read
    204: fine
    301: Refused: HubSpot answered with a redirect, which is not followed
    307: Refused: HubSpot answered with a redirect, which is not followed
    400: BatchRefused: HubSpot refused the request as invalid
    401: Unauthorized: HubSpot refused the access token
    402: Refused: HubSpot refused the request (402)
    403: Forbidden: the credentials may not do this at HubSpot
    404: Refused: HubSpot knows nothing at this address
    405: Refused: HubSpot refused the request (405)
    408: OutcomeUnknown: HubSpot answered 408: the request may have been carried out
    409: Duplicate { existing: None }: another HubSpot record has this unique value already
    410: Refused: HubSpot refused the request (410)
    413: TooLarge: the request is larger than HubSpot takes
    414: TooLarge: the request's address is longer than HubSpot takes
    418: Refused: HubSpot refused the request (418)
    422: BatchRefused: HubSpot refused the request as invalid
    423: Busy: HubSpot has the record locked
    429: Throttled { until: Some(Instant(1795000010123)) }: HubSpot's rate limit is used up
    431: Refused: HubSpot refused the request (431)
    451: Refused: HubSpot refused the request (451)
    477: Throttled { until: Some(Instant(1795000900123)) }: HubSpot is moving the account between data centres
    500: OutcomeUnknown: HubSpot answered 500: the request may have been carried out
    501: OutcomeUnknown: HubSpot answered 501: the request may have been carried out
    502: OutcomeUnknown: HubSpot answered 502: the request may have been carried out
    503: Unavailable: HubSpot is unavailable (503)
    504: OutcomeUnknown: HubSpot answered 504: the request may have been carried out
    505: OutcomeUnknown: HubSpot answered 505: the request may have been carried out
    520: OutcomeUnknown: HubSpot answered 520: the request may have been carried out
    521: Unavailable: HubSpot is unavailable (521)
    522: Unavailable: HubSpot is unavailable (522)
    523: Unavailable: HubSpot is unavailable (523)
    524: OutcomeUnknown: HubSpot answered 524: the request may have been carried out
    525: OutcomeUnknown: HubSpot answered 525: the request may have been carried out
    530: OutcomeUnknown: HubSpot answered 530: the request may have been carried out
    599: OutcomeUnknown: HubSpot answered 599: the request may have been carried out
    ");
}

#[test]
fn given_a_readable_2xx_when_classified_then_it_is_fine_and_html_is_not() {
    assert_eq!(classify(&answer(207, fixture!("207-update.json")), NOW), None);
    assert_eq!(classify(&answer(200, fixture!("200-nothing.json")), NOW), None);
    for body in ["<html>maintenance</html>", "{\"results\":[{\"id\":\"1", "[]", "\"ok\""] {
        let failure = classify(&answer(200, body), NOW).unwrap();
        assert_eq!(failure.class, rtr_core::failure::Class::OutcomeUnknown, "{body}");
    }
}

#[test]
fn given_a_refused_batch_when_classified_as_one_then_item_faults_pass_and_others_do_not() {
    let passing: Vec<u16> = (100..600)
        .filter(|status| {
            classify_batch(&answer(*status, "{}"), NOW).is_none() && !(200..300).contains(status)
        })
        .collect();
    assert_eq!(passing, [400, 404, 409, 413, 422]);
}

fn wait_ms(fixture: &str, headers: &[(&str, &str)]) -> i64 {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let response = Response { status: 429, headers, body: fixture.as_bytes().to_vec() };
    match classify(&response, NOW).unwrap().class {
        rtr_core::failure::Class::Throttled { until: Some(until) } => until.since_ms(NOW),
        other => panic!("{other:?}"),
    }
}

#[test]
fn given_a_429_when_classified_then_the_header_wins_over_the_policy_and_is_bounded() {
    let rolling = fixture!("429-ten-secondly.json");
    let daily = fixture!("429-daily.json");
    assert_eq!(wait_ms(rolling, &[]), 10_000);
    assert_eq!(wait_ms(rolling, &[("x-hubspot-ratelimit-interval-milliseconds", "4000")]), 4_000);
    assert_eq!(wait_ms(rolling, &[("x-hubspot-ratelimit-interval-milliseconds", "-1")]), 10_000);
    assert_eq!(wait_ms(rolling, &[("retry-after", "7")]), 7_000);
    assert_eq!(wait_ms(rolling, &[("retry-after", "Wed, 18 Nov 2026 11:06:43 GMT")]), 2_877);
    assert_eq!(wait_ms(rolling, &[("retry-after", "Wed, 18 Nov 2020 11:06:43 GMT")]), 1_000);
    assert_eq!(wait_ms(rolling, &[("retry-after", "0")]), 1_000);
    assert_eq!(wait_ms(rolling, &[("retry-after", "soon")]), 10_000);
    assert_eq!(wait_ms(rolling, &[("retry-after", "99999999999")]), 86_400_000);
    assert_eq!(wait_ms(daily, &[("x-hubspot-ratelimit-interval-milliseconds", "10000")]), 900_000);
    assert_eq!(wait_ms(fixture!("429-search.json"), &[]), 1_000);
    assert_eq!(wait_ms("", &[]), 10_000);
}

#[test]
fn given_an_outage_that_says_for_how_long_when_classified_then_the_connection_rests_so_long() {
    let class = |headers: &[(&str, &str)]| {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        classify(&Response { status: 503, headers, body: Vec::new() }, NOW).unwrap().class
    };
    assert_eq!(
        class(&[("retry-after", "30")]),
        rtr_core::failure::Class::Throttled { until: Some(NOW.plus_ms(30_000)) }
    );
    assert_eq!(class(&[]), rtr_core::failure::Class::Unavailable);
}

#[test]
fn given_a_refusal_when_classified_then_hubspots_words_stand_beside_ours_with_the_correlation_id() {
    let failure = classify(&answer(400, fixture!("400-validation-in-message.json")), NOW).unwrap();
    let words = failure.crm_message.unwrap();
    assert!(
        words.contains("CANARY@nowhere is invalid") && words.contains("(correlation id 0d9f6c1e-"),
        "{words}"
    );
    let headers = vec![("x-hubspot-correlation-id".to_owned(), "abc".to_owned())];
    let response = Response { status: 500, headers, body: Vec::new() };
    assert_eq!(classify(&response, NOW).unwrap().crm_message.as_deref(), Some("(correlation id abc)"));
}

#[test]
fn given_names_that_are_none_when_classified_then_they_stay_out_of_our_words() {
    let body = r#"{"category":"VALIDATION_ERROR","message":"x","errors":[
        {"code":"SAID canary@example.org","context":{"propertyName":["canary@example.org"]}},
        {"code":"it is CANARY","context":{"propertyName":["email"]}}]}"#;
    let failure = classify(&answer(400, body), NOW).unwrap();
    assert_eq!(failure.message, "HubSpot refused the value of `email`");
}
