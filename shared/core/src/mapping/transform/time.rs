//! Transformers of dates and times. Everything is in UTC; no clock is read.

use super::fail;
use super::number::{Number, number};
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::Offset;
use minijinja::{Error, Value};

const DAY_MS: i64 = 86_400_000;

pub(super) fn date(value: &Value, _: &[Value]) -> Result<Value, Error> {
    Ok(Offset::UTC.to_datetime(instant(value)?).date().to_string().into())
}

pub(super) fn datetime(value: &Value, _: &[Value]) -> Result<Value, Error> {
    Ok(instant(value)?.to_string().into())
}

pub(super) fn epoch_ms(value: &Value, _: &[Value]) -> Result<Value, Error> {
    Ok(instant(value)?.as_millisecond().into())
}

pub(super) fn epoch_day_ms(value: &Value, _: &[Value]) -> Result<Value, Error> {
    Ok((instant(value)?.as_millisecond().div_euclid(DAY_MS) * DAY_MS).into())
}

/// The instant of an RFC 3339 time, a time without a zone (UTC), a date (its midnight), or milliseconds since 1970.
fn instant(value: &Value) -> Result<Timestamp, Error> {
    let error = || fail("the value is not a date or time, such as 2026-11-23 or 2026-11-23T10:00:00Z");
    if let Some(Number::Int(ms)) = number(value) {
        return i64::try_from(ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok()).ok_or_else(error);
    }
    let text = value.as_str().ok_or_else(error)?.trim();
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Ok(instant);
    }
    let civil = text.parse::<DateTime>().or_else(|_| text.parse::<Date>().map(DateTime::from));
    civil.ok().and_then(|civil| Offset::UTC.to_timestamp(civil).ok()).ok_or_else(error)
}
