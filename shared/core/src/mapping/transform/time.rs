//! Transformers of dates and times. What says no zone is in UTC, or in the zone that is given; no clock is read.

use super::number::{Number, number};
use super::{fail, text_argument};
use jiff::civil::{Date, DateTime};
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ZonedDateTime};
use minijinja::{Error, Value};

const DAY_MS: i64 = 86_400_000;
/// The longest pattern of a date, in bytes.
const MAX_PATTERN: usize = 100;

type Answer = Result<Value, Error>;

pub(super) fn date(value: &Value, arguments: &[Value]) -> Answer {
    Ok(zoned(value, arguments, 0)?.date().to_string().into())
}

pub(super) fn datetime(value: &Value, arguments: &[Value]) -> Answer {
    Ok(zoned(value, arguments, 0)?.timestamp().to_string().into())
}

pub(super) fn epoch_ms(value: &Value, arguments: &[Value]) -> Answer {
    Ok(zoned(value, arguments, 0)?.timestamp().as_millisecond().into())
}

pub(super) fn epoch_day_ms(value: &Value, arguments: &[Value]) -> Answer {
    let midnight =
        zoned(value, arguments, 0)?.date().to_zoned_datetime(TimeZone::UTC).map_err(|_| no_time())?;
    Ok((midnight.timestamp().as_millisecond().div_euclid(DAY_MS) * DAY_MS).into())
}

pub(super) fn format_date(value: &Value, arguments: &[Value]) -> Answer {
    let pattern = pattern(arguments)?;
    let zoned = zoned(value, arguments, 1)?;
    let written = strtime::format(pattern, &zoned);
    written.map(Value::from).map_err(|_| fail("format_date: the pattern is none, such as \"%d.%m.%Y\""))
}

/// A day where the pattern has no time in it, else an instant.
pub(super) fn parse_date(value: &Value, arguments: &[Value]) -> Answer {
    let (pattern, zone) = (pattern(arguments)?, zone(arguments, 1)?);
    let error = || fail("parse_date: the value is not written as the pattern says");
    let read = strtime::parse(pattern, value.as_str().ok_or_else(error)?.trim()).map_err(|_| error())?;
    if let Ok(instant) = read.to_timestamp() {
        return Ok(instant.to_string().into());
    }
    if read.hour().is_none() {
        return Ok(read.to_date().map_err(|_| error())?.to_string().into());
    }
    let civil = read.to_datetime().map_err(|_| error())?;
    Ok(zone.to_timestamp(civil).map_err(|_| error())?.to_string().into())
}

fn pattern(arguments: &[Value]) -> Result<&str, Error> {
    let pattern = text_argument(arguments, 0)?;
    if pattern.len() > MAX_PATTERN { Err(fail("the pattern is longer than 100 bytes")) } else { Ok(pattern) }
}

/// The zone that is named by the argument at `index`; UTC where there is none.
fn zone(arguments: &[Value], index: usize) -> Result<TimeZone, Error> {
    if arguments.len() <= index {
        return Ok(TimeZone::UTC);
    }
    let error = || fail("there is no such time zone; write it like \"Europe/Berlin\"");
    TimeZone::get(text_argument(arguments, index)?.trim()).map_err(|_| error())
}

fn zoned(value: &Value, arguments: &[Value], index: usize) -> Result<ZonedDateTime, Error> {
    let zone = zone(arguments, index)?;
    // A day is that day, wherever.
    let day = value.as_str().and_then(|text| text.trim().parse::<Date>().ok());
    let has_time = value.as_str().is_some_and(|text| text.contains(':'));
    match day {
        Some(day) if !has_time => day.to_zoned_datetime(zone).map_err(|_| no_time()),
        _ => Ok(instant(value, &zone)?.to_zoned_datetime(zone)),
    }
}

fn no_time() -> Error {
    fail("the value is not a date or time, such as 2026-11-23 or 2026-11-23T10:00:00Z")
}

/// The instant of an RFC 3339 time, a time without a zone (in `zone`), or milliseconds since 1970.
fn instant(value: &Value, zone: &TimeZone) -> Result<Timestamp, Error> {
    if let Some(Number::Int(ms)) = number(value) {
        return i64::try_from(ms)
            .ok()
            .and_then(|ms| Timestamp::from_millisecond(ms).ok())
            .ok_or_else(no_time);
    }
    let text = value.as_str().ok_or_else(no_time)?.trim();
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Ok(instant);
    }
    let civil = text.parse::<DateTime>().or_else(|_| text.parse::<Date>().map(DateTime::from));
    civil.ok().and_then(|civil| zone.to_timestamp(civil).ok()).ok_or_else(no_time)
}
