//! Times and durations as people write them on a command line.

use rtr_core::time::Instant;
use std::time::Duration;

/// Letters of a date, `2026-11-23`.
const DATE: usize = 10;

/// Reads `2026-11-23T10:00:00Z`, `2026-11-23` (its beginning, UTC), or a time ago such as `90m`, `2h`, `7d`.
///
/// # Errors
/// What was expected.
pub(crate) fn read_time(text: &str, now: Instant) -> Result<Instant, String> {
    if let Ok(at) = Instant::from_rfc3339(text) {
        return Ok(at);
    }
    // A date alone: read as one, a date with a time would become that day's beginning.
    if let Some(day) = text.parse::<jiff::civil::Date>().ok().filter(|_| text.len() == DATE) {
        return Instant::from_rfc3339(&format!("{day}T00:00:00Z"));
    }
    // Whose hours they are is not guessed: there may be an offset that cannot be read, or none.
    if let Some(at) = text.parse::<jiff::civil::DateTime>().ok().filter(|_| text.len() > DATE) {
        return Err(format!("`{text}` has no offset that can be read: write {at}Z for UTC, or {at}+01:00"));
    }
    // A year, or seconds ago? A number alone says neither.
    let is_number = text.bytes().all(|c| c.is_ascii_digit());
    match read_duration(text) {
        Ok(ago) if !is_number => Ok(now.plus_ms(-i64::try_from(ago.as_millis()).unwrap_or(i64::MAX))),
        _ => Err(format!(
            "`{text}` is no time: write 2026-11-23T10:00:00Z, 2026-11-23, or a time ago such as 2h"
        )),
    }
}

/// Reads `500ms`, `90s`, `5m`, `2h`, `7d`; a bare number is seconds.
///
/// # Errors
/// What was expected.
pub(crate) fn read_duration(text: &str) -> Result<Duration, String> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let ms: u64 = match unit {
        "ms" => 1,
        "" | "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => 0,
    };
    let wrong = || format!("`{text}` is no duration: write 500ms, 60s, 5m, 2h or 7d");
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let ms = number.checked_mul(ms).filter(|_| ms > 0).ok_or_else(wrong)?;
    Ok(Duration::from_millis(ms))
}

/// `ms` milliseconds as people say them, in the largest unit that has at least two, or one exactly.
pub(crate) fn span(ms: i64) -> String {
    let units = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)];
    let fits = |(_, unit): &&(&str, i64)| ms >= 2 * unit || ms == *unit;
    match units.iter().find(fits) {
        Some((name, unit)) => format!("{}{name}", ms / unit),
        None if ms >= 1_000 => "1s".to_owned(),
        None => format!("{ms}ms"),
    }
}

/// The time now.
pub(crate) fn now() -> Instant {
    Instant(jiff::Timestamp::now().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_times_when_read_then_absolute_and_relative_ones_are_understood() {
        let now = Instant::from_rfc3339("2026-11-23T10:00:00Z").unwrap();
        let read = |text| read_time(text, now).map(Instant::to_rfc3339);
        assert_eq!(read("2026-11-22T01:02:03+01:00").unwrap(), "2026-11-22T00:02:03.000Z");
        assert_eq!(read("2026-11-22").unwrap(), "2026-11-22T00:00:00.000Z");
        assert_eq!(read("36h").unwrap(), "2026-11-21T22:00:00.000Z");
        assert!(read("yesterday").unwrap_err().contains("a time ago such as 2h"));
    }

    #[test]
    fn given_a_time_without_an_offset_or_a_number_alone_when_read_then_it_is_not_guessed_what_is_meant() {
        let now = Instant::from_rfc3339("2026-11-23T10:00:00Z").unwrap();
        let read = |text| read_time(text, now).map(Instant::to_rfc3339);
        let told = ["2026-11-23T10:00", "2026-11-23 10:00:05", "2026", "20261123", "0", ""];
        insta::assert_snapshot!(told.map(|text| read(text).unwrap_err()).join("\n"), @r"
        `2026-11-23T10:00` has no offset that can be read: write 2026-11-23T10:00:00Z for UTC, or 2026-11-23T10:00:00+01:00
        `2026-11-23 10:00:05` has no offset that can be read: write 2026-11-23T10:00:05Z for UTC, or 2026-11-23T10:00:05+01:00
        `2026` is no time: write 2026-11-23T10:00:00Z, 2026-11-23, or a time ago such as 2h
        `20261123` is no time: write 2026-11-23T10:00:00Z, 2026-11-23, or a time ago such as 2h
        `0` is no time: write 2026-11-23T10:00:00Z, 2026-11-23, or a time ago such as 2h
        `` is no time: write 2026-11-23T10:00:00Z, 2026-11-23, or a time ago such as 2h
        ");
        assert_eq!(read_duration("2026"), Ok(Duration::from_secs(2026)), "a duration may be one");
    }

    #[test]
    fn given_spans_when_told_then_they_are_short_and_read_back() {
        let told = [0, 999, 1_000, 1_500, 119_999, 7_200_000, 86_400_000, 90_000_000, 172_900_000].map(span);
        assert_eq!(told, ["0ms", "999ms", "1s", "1s", "119s", "2h", "1d", "25h", "2d"]);
        assert!(told.iter().all(|text| read_duration(text).is_ok()));
    }

    #[test]
    fn given_durations_when_read_then_units_count_and_nonsense_is_refused() {
        assert_eq!(read_duration("60s"), Ok(Duration::from_secs(60)));
        assert_eq!(read_duration("90"), Ok(Duration::from_secs(90)));
        assert_eq!(read_duration("250ms"), Ok(Duration::from_millis(250)));
        assert!(["", "s", "1w", "-1s", "1.5s"].iter().all(|text| read_duration(text).is_err()));
    }
}
