//! Lengths of time as people write them (`500ms`, `10s`, `5m`, `1h`, `1d`): read in this one place.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;

/// The longest length that is taken, in milliseconds: ten years. A longer one is a slip of the keyboard.
pub const MAX_DURATION_MS: i64 = 10 * 366 * DAY_MS;

const DAY_MS: i64 = 86_400_000;
const UNITS: [(&str, i64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", DAY_MS)];

/// A length of time in the words of its file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DurationText(pub String);

/// Why a text is no length of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a length of time: {reason}")]
pub struct DurationError {
    text: String,
    reason: &'static str,
}

impl DurationText {
    /// The length in milliseconds.
    ///
    /// # Errors
    /// When the text is no whole positive number with a unit.
    pub fn to_ms(&self) -> Result<i64, DurationError> {
        parse_ms(&self.0)
    }
}

impl fmt::Display for DurationText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Milliseconds of a text such as `10s`.
///
/// # Errors
/// When `text` is no whole positive number with a unit, or longer than [`MAX_DURATION_MS`].
pub fn parse_ms(text: &str) -> Result<i64, DurationError> {
    let error = |reason| DurationError { text: text.to_owned(), reason };
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    if number.is_empty() {
        return Err(error("write a whole number and its unit, such as 10s"));
    }
    let Some((_, factor)) = UNITS.iter().find(|(name, _)| *name == unit) else {
        return Err(error("the unit is one of ms, s, m, h and d, such as 10s"));
    };
    match number.parse::<i64>().ok().and_then(|number| number.checked_mul(*factor)) {
        Some(0) => Err(error("it must be longer than nothing")),
        Some(ms) if ms <= MAX_DURATION_MS => Ok(ms),
        _ => Err(error("it is longer than ten years")),
    }
}

impl JsonSchema for DurationText {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "rtr-duration", "pattern": "^[0-9]+(ms|s|m|h|d)$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_each_unit_when_parsed_then_it_is_in_milliseconds() {
        let lengths = ["500ms", "10s", "5m", "1h", "1d"].map(|text| parse_ms(text).unwrap());
        assert_eq!(lengths, [500, 10_000, 300_000, 3_600_000, 86_400_000]);
    }

    #[test]
    fn given_what_is_no_length_when_parsed_then_the_error_says_how_to_write_one() {
        let say = |text| parse_ms(text).unwrap_err().to_string();
        insta::assert_snapshot!(say("soon"), @"`soon` is not a length of time: write a whole number and its unit, such as 10s");
        insta::assert_snapshot!(say("10"), @"`10` is not a length of time: the unit is one of ms, s, m, h and d, such as 10s");
        insta::assert_snapshot!(say("-1s"), @"`-1s` is not a length of time: write a whole number and its unit, such as 10s");
        insta::assert_snapshot!(say("0s"), @"`0s` is not a length of time: it must be longer than nothing");
        insta::assert_snapshot!(say("99999999999999999999d"), @"`99999999999999999999d` is not a length of time: it is longer than ten years");
    }
}
