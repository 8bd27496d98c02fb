//! Whether a CRM holds what a record says: CRMs give back numbers as text, times in other spellings, choices in another
//! order. Pure.

use rtr_core::mapping::Patch;
use serde_json::Value;

/// What kind of values a property holds, as far as it matters when two are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Any text.
    Text,
    /// A number, however it is spelt.
    Number,
    /// True or false.
    Truth,
    /// A day.
    Day,
    /// A time.
    Moment,
    /// One or several options, joined by `;`, in any order.
    Choices,
    /// An e-mail address, of which the case does not matter.
    Address,
}

/// How what would be written compares to what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Compared {
    /// It is there already.
    Same,
    /// Another value is there.
    Changed,
    /// Nothing is there yet.
    Set,
    /// What is there would go.
    Cleared,
}

/// Compares `patch` to the value `held`; none where the patch leaves the property alone.
#[must_use]
pub fn compare(shape: Shape, held: &Value, patch: &Patch<Value>) -> Option<Compared> {
    let nothing = Value::Null;
    let ours = match patch {
        Patch::Keep => return None,
        Patch::Clear => &nothing,
        Patch::Set(value) => value,
    };
    Some(match (text(held).is_empty(), text(ours).is_empty()) {
        (true, true) => Compared::Same,
        (true, false) => Compared::Set,
        (false, true) => Compared::Cleared,
        (false, false) if same(shape, held, ours) => Compared::Same,
        (false, false) => Compared::Changed,
    })
}

/// A value as text; nothing is the empty text.
#[must_use]
pub fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        // CRMs trim, and some end lines otherwise.
        Value::String(text) => text.trim().replace("\r\n", "\n"),
        Value::Array(values) => values.iter().map(text).collect::<Vec<_>>().join(";"),
        other => other.to_string(),
    }
}

fn same(shape: Shape, held: &Value, ours: &Value) -> bool {
    let (held, ours) = (text(held), text(ours));
    let alike = |read: fn(&str) -> Option<String>| {
        read(&held).zip(read(&ours)).is_some_and(|(held, ours)| held == ours)
    };
    held == ours
        || match shape {
            Shape::Text => false,
            Shape::Number => alike(number),
            Shape::Truth | Shape::Address => held.to_lowercase() == ours.to_lowercase(),
            Shape::Day => alike(day),
            Shape::Moment => alike(moment),
            Shape::Choices => choices(&held) == choices(&ours),
        }
}

/// To fifteen digits, which are what every double holds as it was written.
fn number(text: &str) -> Option<String> {
    text.parse::<f64>().ok().map(|number| format!("{number:.14e}"))
}

fn day(text: &str) -> Option<String> {
    let day = text.parse::<jiff::civil::Date>();
    match (timestamp(text), day) {
        (Some(at), _) => Some(at.to_zoned_datetime(jiff::tz::TimeZone::UTC).date().to_string()),
        (None, Ok(day)) => Some(day.to_string()),
        (None, Err(_)) => None,
    }
}

/// To the millisecond; a day is its beginning in UTC.
fn moment(text: &str) -> Option<String> {
    let begins = || text.parse::<jiff::civil::Date>().ok()?.to_zoned_datetime(jiff::tz::TimeZone::UTC).ok();
    let at = timestamp(text).or_else(|| begins().map(|zoned| zoned.timestamp()))?;
    Some(at.as_millisecond().to_string())
}

/// A time with its offset, or milliseconds since the epoch.
pub(crate) fn timestamp(text: &str) -> Option<jiff::Timestamp> {
    match text.parse::<i64>() {
        Ok(ms) => jiff::Timestamp::from_millisecond(ms).ok(),
        Err(_) => text.parse().ok(),
    }
}

fn choices(text: &str) -> Vec<&str> {
    let mut choices: Vec<&str> = text.split(';').map(str::trim).filter(|choice| !choice.is_empty()).collect();
    choices.sort_unstable();
    choices.dedup();
    choices
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn given_what_crms_make_of_values_when_compared_then_the_shape_decides() {
        let pairs = [
            (Shape::Number, json!("5"), json!(5.0)),
            (Shape::Number, json!("0.3"), json!(0.1 + 0.2)),
            (Shape::Number, json!(1250.5), json!("1250.50")),
            (Shape::Truth, json!("true"), json!(true)),
            (Shape::Day, json!("2026-12-02"), json!("2026-12-02T00:00:00Z")),
            (Shape::Day, json!("1796169600000"), json!("2026-12-02")),
            (Shape::Moment, json!("2026-11-23T10:00:00.000+0000"), json!("2026-11-23T11:00:00+01:00")),
            (Shape::Moment, json!("2026-11-23T10:00:00Z"), json!(1_795_428_000_000_i64)),
            (Shape::Choices, json!("b;a"), json!(["a", "b"])),
            (Shape::Address, json!("ann@x.io"), json!("Ann@X.io")),
            (Shape::Text, json!("a\r\nb "), json!("a\nb")),
        ];
        for (shape, held, ours) in &pairs {
            let compared = compare(*shape, held, &Patch::Set(ours.clone()));
            assert_eq!(compared, Some(Compared::Same), "{shape:?} {held} {ours}");
        }
        // The same values as text are not the same text.
        for (shape, held, ours) in pairs.iter().filter(|(shape, ..)| *shape != Shape::Text) {
            let compared = compare(Shape::Text, held, &Patch::Set(ours.clone()));
            let is_json = text(held) == text(ours);
            assert!(is_json || compared == Some(Compared::Changed), "{shape:?} {held} {ours}");
        }
    }

    #[test]
    fn given_nothing_on_either_side_when_compared_then_it_is_set_cleared_or_the_same() {
        let of = |held: Value, patch| compare(Shape::Number, &held, &patch);
        assert_eq!(of(json!(null), Patch::Set(json!(0))), Some(Compared::Set));
        assert_eq!(of(json!("0"), Patch::Clear), Some(Compared::Cleared));
        assert_eq!(of(json!(""), Patch::Clear), Some(Compared::Same));
        assert_eq!(of(json!("1"), Patch::Set(json!(2))), Some(Compared::Changed));
        assert_eq!(of(json!("x"), Patch::Set(json!(2))), Some(Compared::Changed));
        assert_eq!(of(json!("x"), Patch::Keep), None);
    }
}
