//! What the internal system's answers mean. Pure.

use super::canonical::canonical;
use crate::key::MAX_ID_CHARS;
use crate::time::Instant;
use serde_json::Value;

/// The wait after an answer that says to come again, where it does not say when, in milliseconds; it doubles with every try.
const FIRST_WAIT_MS: i64 = 5_000;
/// The longest such wait, in milliseconds.
const LONGEST_WAIT_MS: i64 = 300_000;

/// What became of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It has it, as the record of this id where it says so.
    Done {
        /// The internal id.
        record_id: Option<String>,
    },
    /// Its own record is newer: the CRM's change counts no more.
    Conflict,
    /// It does not want it.
    Skipped,
    /// Not now.
    Later {
        /// Not before.
        until: Instant,
        /// In words.
        why: String,
        /// Whether it may have it all the same.
        unsure: bool,
    },
    /// It never will take it as it is.
    Refused {
        /// In words.
        why: String,
    },
}

/// The meaning of an HTTP answer to the try that is the `tries`th.
#[must_use]
pub fn of_http(status: u16, retry_after_s: Option<i64>, body: &Value, tries: u32, now: Instant) -> Answer {
    match status {
        200..=299 => Answer::Done { record_id: record_id(body) },
        409 => Answer::Conflict,
        410 => Answer::Skipped,
        // 401 and 403: it does not know our signature, or not yet.
        401 | 403 | 408 | 425 | 429 | 500..=599 => {
            let asked = retry_after_s.map(|seconds| seconds.clamp(1, 3_600) * 1_000);
            let until = now.plus_ms(asked.unwrap_or_else(|| wait_ms(tries)));
            // Whoever answers these has given up on somebody behind it, who may go on.
            let unsure = matches!(status, 408 | 502 | 504);
            Answer::Later { until, why: format!("the internal system answered {status}"), unsure }
        }
        _ => Answer::Refused { why: format!("the internal system answered {status}: it does not take this") },
    }
}

/// The wait after the try that is the `tries`th, in milliseconds.
#[must_use]
pub fn wait_ms(tries: u32) -> i64 {
    (FIRST_WAIT_MS << tries.saturating_sub(1).min(10)).min(LONGEST_WAIT_MS)
}

/// The id of the internal record, where an answer names one: a text, or a whole number.
#[must_use]
pub fn record_id(body: &Value) -> Option<String> {
    match &body["record_id"] {
        Value::String(id) if is_id(id) => Some(id.clone()),
        number @ Value::Number(whole) if !whole.is_f64() => canonical(number),
        _ => None,
    }
}

/// Whether an event of this id would be taken.
fn is_id(id: &str) -> bool {
    (1..=MAX_ID_CHARS).contains(&id.chars().count()) && !id.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn given_every_kind_of_answer_when_read_then_it_means_what_the_contract_says() {
        let now = Instant(1_000_000);
        let told = |status, after, body: Value, tries| of_http(status, after, &body, tries, now);
        let id = |id: &str| Answer::Done { record_id: Some(id.to_owned()) };
        assert_eq!(told(200, None, json!({"record_id": "c-1", "version": 3}), 1), id("c-1"));
        assert_eq!(told(201, None, json!({"record_id": 7}), 1), id("7"));
        assert_eq!(told(204, None, Value::Null, 1), Answer::Done { record_id: None });
        assert_eq!(told(200, None, json!({"record_id": "c\u{0}1"}), 1), Answer::Done { record_id: None });
        assert_eq!(told(409, None, Value::Null, 1), Answer::Conflict);
        assert_eq!(told(410, None, Value::Null, 1), Answer::Skipped);
        assert!(matches!(told(422, None, Value::Null, 1), Answer::Refused { .. }));
        assert!(matches!(told(401, None, Value::Null, 1), Answer::Later { unsure: false, .. }));
        // A redirect is followed nowhere, and changes nothing.
        assert!(matches!(told(302, None, Value::Null, 1), Answer::Refused { .. }));
        let until = |answer| match answer {
            Answer::Later { until, .. } => until.since_ms(now),
            _ => -1,
        };
        assert_eq!(until(told(429, Some(30), Value::Null, 1)), 30_000);
        assert_eq!(until(told(429, Some(-5), Value::Null, 1)), 1_000);
        let unsure =
            |status| matches!(told(status, None, Value::Null, 1), Answer::Later { unsure: true, .. });
        assert_eq!(
            [408, 425, 429, 500, 502, 503, 504].map(unsure),
            [true, false, false, false, true, false, true]
        );
        let waits = [1, 2, 3, 9, 40].map(|tries| until(told(503, None, Value::Null, tries)));
        assert_eq!(waits, [5_000, 10_000, 20_000, 300_000, 300_000]);
    }
}
