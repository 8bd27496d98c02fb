use super::*;

#[test]
fn given_dates_of_many_forms_when_read_then_they_are_one_day_and_nonsense_is_an_error() {
    for text in [
        "2026-11-23",
        "2026-11-23T10:00:00Z",
        "2026-11-23T10:00:00.123+02:00",
        "2026-11-23T10:00:00",
        "2026-11-23 10:00",
    ] {
        assert_eq!(evaluate("at | date", &json!({ "at": text })), Ok(Some(json!("2026-11-23"))), "{text}");
    }
    assert_eq!(evaluate("at | date", &json!({"at": 1_795_420_800_000_i64})), Ok(Some(json!("2026-11-23"))));
    assert_eq!(
        evaluate("at | epoch_ms", &json!({"at": "2026-11-23"})),
        Ok(Some(json!(1_795_392_000_000_i64)))
    );
    assert!(evaluate("at | date", &json!({"at": "next week"})).is_err());
    assert!(evaluate("at | date", &json!({"at": 9_000_000_000_000_000_000_i64})).is_err());
}

#[test]
fn given_a_zone_when_a_time_is_read_in_it_then_the_day_and_the_instant_are_that_zones() {
    let cases = [
        ("x | date('America/New_York')", "2026-11-23T03:00:00Z", "2026-11-22"),
        ("x | date('Europe/Berlin')", "2026-11-23", "2026-11-23"),
        ("x | epoch_day_ms('Asia/Tokyo')", "1970-01-01T16:00:00Z", "86400000"),
        // Summer and winter.
        ("x | datetime('Europe/Berlin')", "2026-07-01T12:00:00", "2026-07-01T10:00:00Z"),
        ("x | datetime('Europe/Berlin')", "2026-12-01 12:00", "2026-12-01T11:00:00Z"),
        ("x | datetime('Europe/Berlin')", "2026-12-01", "2026-11-30T23:00:00Z"),
        // What says its zone keeps it.
        ("x | datetime('Asia/Tokyo')", "2026-12-01T12:00:00Z", "2026-12-01T12:00:00Z"),
        // An hour that there is not, and one that there is twice.
        ("x | datetime('Europe/Berlin')", "2026-03-29T02:30:00", "2026-03-29T01:30:00Z"),
        ("x | datetime('Europe/Berlin')", "2026-10-25T02:30:00", "2026-10-25T00:30:00Z"),
        (
            "x | date('Middle/Earth')",
            "2026-11-23",
            "error: there is no such time zone; write it like \"Europe/Berlin\"",
        ),
    ];
    for (expression, x, wanted) in cases {
        assert_eq!(of(expression, x), wanted, "{expression} of {x}");
    }
}

#[test]
fn given_a_pattern_when_a_date_is_written_or_read_by_it_then_it_is_the_same_date() {
    let cases = [
        ("x | format_date('%d.%m.%Y')", "2026-11-03T23:30:00Z", "03.11.2026"),
        ("x | format_date('%d.%m.%Y %H:%M', 'Europe/Berlin')", "2026-11-03T23:30:00Z", "04.11.2026 00:30"),
        ("x | parse_date('%m/%d/%Y')", " 11/03/2026 ", "2026-11-03"),
        ("x | parse_date('%Y%m%d%H%M%S', 'America/New_York')", "20261103180000", "2026-11-03T23:00:00Z"),
        ("x | parse_date('%Y-%m-%dT%H:%M:%S%z')", "2026-11-03T18:00:00-0500", "2026-11-03T23:00:00Z"),
        (
            "x | parse_date('%m/%d/%Y')",
            "31/12/2026",
            "error: parse_date: the value is not written as the pattern says",
        ),
        (
            "x | format_date('%!')",
            "2026-11-03",
            "error: format_date: the pattern is none, such as \"%d.%m.%Y\"",
        ),
    ];
    for (expression, x, wanted) in cases {
        assert_eq!(of(expression, x), wanted, "{expression} of {x}");
    }
}
