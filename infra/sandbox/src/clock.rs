//! Times as text. The time itself always comes from the caller, in milliseconds since 1970.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

pub(crate) const DAY_MS: i64 = 86_400_000;

/// `2026-01-31T09:00:00.000Z`, always with three decimals.
pub(crate) fn iso(ms: i64) -> String {
    let instant = Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH);
    format!("{instant:.3}")
}

/// `2026-01-31` of the day, in UTC, that holds the instant.
pub(crate) fn day(ms: i64) -> String {
    iso(ms).get(..10).unwrap_or_default().to_owned()
}

/// An instant from ISO 8601 text with an offset, from a bare date or date-time (UTC), or from epoch
/// milliseconds.
pub(crate) fn parse_instant(text: &str) -> Option<i64> {
    if let Ok(ms) = text.parse::<i64>() {
        return Timestamp::from_millisecond(ms).ok().map(|_| ms);
    }
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(instant.as_millisecond());
    }
    if text.len() == 10 {
        return parse_day(text);
    }
    let civil: DateTime = text.parse().ok()?;
    civil.to_zoned_datetime(TimeZone::UTC).ok().map(|zoned| zoned.timestamp().as_millisecond())
}

/// Midnight, UTC, of a date written `2026-01-31`.
pub(crate) fn parse_day(text: &str) -> Option<i64> {
    let date: Date = (text.len() == 10).then_some(text)?.parse().ok()?;
    date.to_zoned_datetime(TimeZone::UTC).ok().map(|zoned| zoned.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_an_instant_when_written_then_it_has_three_decimals() {
        assert_eq!(iso(1_700_000_000_000), "2023-11-14T22:13:20.000Z");
        assert_eq!(iso(1_700_000_000_120), "2023-11-14T22:13:20.120Z");
        assert_eq!(day(1_700_000_000_120), "2023-11-14");
    }

    #[test]
    fn given_each_form_of_an_instant_when_parsed_then_all_agree() {
        for text in
            ["1700000000000", "2023-11-14T22:13:20Z", "2023-11-14T23:13:20+01:00", "2023-11-14T22:13:20"]
        {
            assert_eq!(parse_instant(text), Some(1_700_000_000_000), "{text}");
        }
        assert_eq!(parse_instant("2023-11-14"), Some(1_699_920_000_000));
        assert_eq!(parse_instant("soon"), None);
        assert_eq!(parse_day("2023-13-01"), None);
    }
}
