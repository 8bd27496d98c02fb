//! Values: what a field accepts, and what it then holds. Text is trimmed, and empty text is no value.

use super::errors::Fail;
use super::ids;
use super::schema::{Field, FieldType, TYPES};
use crate::clock::{day, iso, parse_day};
use jiff::Timestamp;
use serde_json::{Number, Value, json};

/// `2025-01-16T07:48:13.000+0000`: whole seconds, and no colon in the offset.
pub(super) fn stamp(ms: i64) -> String {
    let text = iso(ms.div_euclid(1000) * 1000);
    format!("{}+0000", text.trim_end_matches('Z'))
}

/// An instant from text with an offset, with or without a colon in it.
pub(super) fn instant(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let sign = bytes.len().checked_sub(5).and_then(|at| bytes.get(at));
    let colonless = matches!(sign, Some(b'+' | b'-')) && bytes.iter().rev().take(4).all(u8::is_ascii_digit);
    let text = match (colonless, text.split_at_checked(text.len().saturating_sub(2))) {
        (true, Some((head, tail))) => format!("{head}:{tail}"),
        _ => text.to_owned(),
    };
    if !text.contains('T') {
        return None;
    }
    text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond)
}

/// What the field would hold; `Null` is no value.
pub(super) fn normalise(field: &Field, raw: &Value) -> Result<Value, Fail> {
    let value = read(field, raw)?;
    if value.is_null() {
        // A checkbox is never without a value.
        let empty = field.kind == FieldType::Boolean;
        return if empty { Err(Fail::unreadable("boolean", raw)) } else { Ok(value) };
    }
    if field.rejects {
        let message = format!("{} is refused by a validation rule", field.label);
        return Err(Fail::bad("FIELD_CUSTOM_VALIDATION_EXCEPTION", message).fields(vec![field.name.clone()]));
    }
    Ok(value)
}

fn read(field: &Field, raw: &Value) -> Result<Value, Fail> {
    if raw.is_null() {
        return Ok(Value::Null);
    }
    match field.kind {
        FieldType::Boolean => match raw {
            Value::Bool(_) => Ok(raw.clone()),
            Value::String(text) if text == "true" || text == "false" => Ok(json!(text == "true")),
            _ => Err(Fail::unreadable("boolean", raw)),
        },
        FieldType::Int | FieldType::Double | FieldType::Currency | FieldType::Percent => number(field, raw),
        _ => {
            let Value::String(text) = raw else { return Err(Fail::unreadable(wire(field.kind), raw)) };
            let text = text.trim();
            if text.is_empty() { Ok(Value::Null) } else { words(field, text, raw) }
        }
    }
}

fn wire(kind: FieldType) -> &'static str {
    match kind {
        FieldType::Date => "date",
        FieldType::DateTime => "datetime",
        FieldType::Int => "int",
        kind if kind.is_number() => "double",
        FieldType::Reference | FieldType::Id => "reference",
        _ => "string",
    }
}

fn number(field: &Field, raw: &Value) -> Result<Value, Fail> {
    let wrong = || Fail::unreadable(wire(field.kind), raw);
    let number = match raw {
        Value::Number(number) => number.as_f64(),
        Value::String(text) if text.trim().is_empty() => return Ok(Value::Null),
        Value::String(text) if text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte)) => {
            text.parse().ok()
        }
        _ => None,
    };
    let number = number.filter(|number: &f64| number.is_finite()).ok_or_else(wrong)?;
    if field.kind == FieldType::Int {
        if number.fract() != 0.0 {
            return Err(wrong());
        }
        if number.abs() > f64::from(i32::MAX) {
            return Err(too_large(field, raw));
        }
        return Ok(json!(number as i64));
    }
    let whole = i32::try_from(field.precision.saturating_sub(field.scale)).unwrap_or(18);
    if number.abs() >= 10_f64.powi(whole) {
        return Err(too_large(field, raw));
    }
    let unit = 10_f64.powi(i32::try_from(field.scale).unwrap_or_default());
    let rounded = (number * unit).round() / unit;
    Number::from_f64(rounded).map(Value::Number).ok_or_else(wrong)
}

fn too_large(field: &Field, raw: &Value) -> Fail {
    let shown = raw.as_str().map_or_else(|| raw.to_string(), str::to_owned);
    Fail::value(
        field,
        "NUMBER_OUTSIDE_VALID_RANGE",
        &format!("value outside of valid range on numeric field: {shown}"),
    )
}

fn words(field: &Field, text: &str, raw: &Value) -> Result<Value, Fail> {
    match field.kind {
        FieldType::Date => parse_day(text)
            .or_else(|| instant(text))
            .map(|ms| json!(day(ms)))
            .ok_or_else(|| Fail::unreadable("date", raw)),
        FieldType::DateTime => {
            instant(text).map(|ms| json!(stamp(ms))).ok_or_else(|| Fail::unreadable("datetime", raw))
        }
        FieldType::Reference | FieldType::Id => reference(field, text),
        _ if text.chars().count() > field.length => {
            let shown: String = text.chars().take(255).collect();
            let what = format!("data value too large: {shown} (max length={})", field.length);
            Err(Fail::value(field, "STRING_TOO_LONG", &what))
        }
        FieldType::Email if !is_email(text) => {
            Err(Fail::value(field, "INVALID_EMAIL_ADDRESS", &format!("invalid email address: {text}")))
        }
        FieldType::Picklist | FieldType::MultiPicklist => choice(field, text),
        _ => Ok(json!(text)),
    }
}

fn choice(field: &Field, text: &str) -> Result<Value, Fail> {
    let several = field.kind == FieldType::MultiPicklist;
    let parts: Vec<&str> = if several { text.split(';').map(str::trim).collect() } else { vec![text] };
    let listed = |part: &&str| field.options.iter().find(|option| option.eq_ignore_ascii_case(part));
    if field.restricted
        && let Some(bad) = parts.iter().find(|part| listed(part).is_none())
    {
        let what = format!("bad value for restricted picklist field: {bad}");
        return Err(Fail::value(field, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", &what));
    }
    let stored: Vec<&str> = parts.iter().map(|part| listed(part).map_or(*part, String::as_str)).collect();
    Ok(json!(stored.join(";")))
}

/// An id of the right type; whether there is such a record is settled elsewhere.
fn reference(field: &Field, text: &str) -> Result<Value, Fail> {
    let prefix =
        field.refers.and_then(|name| TYPES.iter().find(|kind| kind.name == name)).map(|kind| kind.prefix);
    let id = ids::canonical(text).filter(|id| prefix.is_none_or(|prefix| id.starts_with(prefix)));
    id.map(|id| json!(id))
        .ok_or_else(|| Fail::value(field, "MALFORMED_ID", &format!("id value of incorrect type: {text}")))
}

/// A plausible address; its case is kept.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let plain = |part: &str| {
        !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || "@,;<>()\"[]:\\".contains(c))
    };
    let labels: Vec<&str> = domain.split('.').collect();
    let dotted = labels.len() >= 2 && labels.iter().all(|label| !label.is_empty() && !label.starts_with('-'));
    let ends = labels.last().is_some_and(|last| last.chars().count() >= 2);
    let dots = !local.starts_with('.') && !local.ends_with('.') && !local.contains("..");
    plain(local) && plain(domain) && dotted && ends && dots
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(kind: FieldType) -> Field {
        let options = ["Red".to_owned(), "Blue".to_owned()].to_vec();
        Field { options, restricted: true, ..Field::new("Some_Field__c", kind, 10) }
    }

    fn held(kind: FieldType, raw: Value) -> Value {
        normalise(&field(kind), &raw).expect("accepted")
    }

    fn code(kind: FieldType, raw: Value) -> &'static str {
        normalise(&field(kind), &raw).expect_err("refused").code
    }

    #[test]
    fn given_values_of_each_type_when_read_then_the_field_holds_them_in_its_own_form() {
        assert_eq!(held(FieldType::Text, json!("  ab ")), json!("ab"));
        assert_eq!(held(FieldType::Text, json!(" ")), Value::Null);
        assert_eq!(held(FieldType::Double, json!("12.345")), json!(12.35));
        assert_eq!(held(FieldType::Int, json!(12.0)), json!(12));
        assert_eq!(held(FieldType::Boolean, json!(true)), json!(true));
        assert_eq!(held(FieldType::Date, json!("2026-02-28")), json!("2026-02-28"));
        let moment = json!("2026-02-28T09:00:00.000+0000");
        for text in ["2026-02-28T10:00:00+01:00", "2026-02-28T09:00:00.750Z", "2026-02-28T09:00:00.000+0000"]
        {
            assert_eq!(held(FieldType::DateTime, json!(text)), moment, "{text}");
        }
        assert_eq!(held(FieldType::Picklist, json!("red")), json!("Red"));
        assert_eq!(held(FieldType::MultiPicklist, json!("Red; blue")), json!("Red;Blue"));
    }

    #[test]
    fn given_values_that_do_not_fit_when_read_then_the_code_says_why() {
        assert_eq!(code(FieldType::Text, json!(12)), "JSON_PARSER_ERROR");
        assert_eq!(code(FieldType::Text, json!("abcdefghijk")), "STRING_TOO_LONG");
        assert_eq!(code(FieldType::Double, json!("twelve")), "JSON_PARSER_ERROR");
        assert_eq!(code(FieldType::Double, json!("NaN")), "JSON_PARSER_ERROR");
        assert_eq!(code(FieldType::Currency, json!(1e17)), "NUMBER_OUTSIDE_VALID_RANGE");
        assert_eq!(code(FieldType::Int, json!(1.5)), "JSON_PARSER_ERROR");
        assert_eq!(code(FieldType::Boolean, Value::Null), "JSON_PARSER_ERROR");
        assert_eq!(code(FieldType::Date, json!("28.02.2026")), "JSON_PARSER_ERROR");
        assert_eq!(code(FieldType::DateTime, json!("2026-02-28")), "JSON_PARSER_ERROR");
        assert_eq!(code(FieldType::Picklist, json!("Green")), "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST");
        assert_eq!(code(FieldType::Email, json!("a@b")), "INVALID_EMAIL_ADDRESS");
        assert_eq!(code(FieldType::Reference, json!("23foo")), "MALFORMED_ID");
    }
}
