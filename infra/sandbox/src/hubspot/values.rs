//! Values: what a property accepts, and the text it is kept as. Whatever was sent, a string is stored.

use super::errors::Problem;
use super::schema::Property;
use crate::clock::{DAY_MS, day, iso, parse_day, parse_instant};
use serde_json::Value;

/// The stored form of a value; `""` unsets.
pub(super) fn normalise(property: &Property, raw: &Value) -> Result<String, Problem> {
    let name = property.name.as_str();
    let text = match raw {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        _ => return Err(Problem::new(name, "INVALID_VALUE", format!("{raw} is not a value for {name}."))),
    };
    if property.read_only {
        let message = format!("\"{name}\" is a read only property; its value cannot be set.");
        return Err(Problem::new(name, "READ_ONLY_VALUE", message));
    }
    if text.is_empty() {
        return Ok(text);
    }
    if property.rejects {
        let message = format!("{name} does not satisfy the validation rules of this account.");
        return Err(Problem::new(name, "PROPERTY_VALIDATION_RULE_FAILED", message));
    }
    let bad = |code, what: &str| Err(Problem::new(name, code, format!("{text} {what}")));
    match property.kind.as_str() {
        "number" if text.parse::<f64>().is_ok_and(f64::is_finite) && !text.contains(['e', 'E', 'i', 'n']) => {
            Ok(text)
        }
        "number" => bad("INVALID_INTEGER", "was not a valid number."),
        "bool" => {
            option(property, &text.to_lowercase()).or_else(|()| bad("INVALID_OPTION", &allowed(property)))
        }
        "enumeration" => {
            let parts: Vec<&str> =
                if property.field == "checkbox" { text.split(';').collect() } else { vec![text.as_str()] };
            let all = parts.iter().filter(|part| !part.is_empty()).all(|part| option(property, part).is_ok());
            if all { Ok(text) } else { bad("INVALID_OPTION", &allowed(property)) }
        }
        "date" => date(&text).map_or_else(|| bad("INVALID_DATE", "was not a valid date."), Ok),
        "datetime" => parse_instant(&text)
            .map_or_else(|| bad("INVALID_LONG", "was not a valid long."), |instant| Ok(iso(instant))),
        _ if property.name == "email" && property.unique => email(&text).map_or_else(
            || Err(Problem::new(name, "INVALID_EMAIL", format!("Email address {text} is invalid"))),
            Ok,
        ),
        _ if text.chars().count() > 65_536 => Err(Problem::new(
            name,
            "PROPERTY_VALUE_TOO_LONG",
            format!("{name} is longer than 65536 characters."),
        )),
        _ => Ok(text),
    }
}

fn option(property: &Property, text: &str) -> Result<String, ()> {
    let listed = property.options.iter().any(|(value, _)| value == text);
    // Without options a flag is true or false, and anything else (pipelines, owners) is settled elsewhere.
    let free = match property.kind.as_str() {
        "bool" => ["true", "false"].contains(&text),
        _ => true,
    };
    if listed || (property.options.is_empty() && free) { Ok(text.to_owned()) } else { Err(()) }
}

fn allowed(property: &Property) -> String {
    let values: Vec<&str> = property.options.iter().map(|(value, _)| value.as_str()).collect();
    format!("was not one of the allowed options: [{}]", values.join(", "))
}

/// A date is written as such, or as midnight, UTC, in epoch milliseconds.
fn date(text: &str) -> Option<String> {
    let midnight = match text.parse::<i64>() {
        Ok(ms) => (ms.rem_euclid(DAY_MS) == 0).then_some(ms)?,
        Err(_) => parse_day(text)?,
    };
    Some(day(midnight))
}

/// A plausible address, in lower case, as HubSpot keeps it.
pub(super) fn email(text: &str) -> Option<String> {
    let text = text.trim().to_lowercase();
    let (local, domain) = text.split_once('@')?;
    let plain = |part: &str| {
        !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || "@,;<>()\"".contains(c))
    };
    let labels: Vec<&str> = domain.split('.').collect();
    let ends_well = labels
        .last()
        .is_some_and(|last| last.chars().count() >= 2 && !last.chars().all(|c| c.is_ascii_digit()));
    let dotted = labels.len() >= 2 && labels.iter().all(|label| !label.is_empty());
    let local_dots = !local.starts_with('.') && !local.ends_with('.') && !local.contains("..");
    (plain(local) && plain(domain) && dotted && ends_well && local_dots).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn property(kind: &str) -> Property {
        let options = [("a", "A"), ("b", "B")].map(|(value, label)| (value.to_owned(), label.to_owned()));
        let options = if kind == "enumeration" { options.to_vec() } else { Vec::new() };
        Property { name: "p".to_owned(), kind: kind.to_owned(), options, ..Property::default() }
    }

    fn code(kind: &str, value: Value) -> &'static str {
        normalise(&property(kind), &value).expect_err("refused").code
    }

    #[test]
    fn given_values_of_each_type_when_normalised_then_text_is_kept() {
        let stored = |kind: &str, value: Value| normalise(&property(kind), &value).expect("accepted");
        assert_eq!(stored("number", json!(12.5)), "12.5");
        assert_eq!(stored("number", json!("-3")), "-3");
        assert_eq!(stored("bool", json!(true)), "true");
        assert_eq!(stored("enumeration", json!("b")), "b");
        assert_eq!(stored("date", json!("2026-02-28")), "2026-02-28");
        assert_eq!(stored("date", json!(1_772_236_800_000_i64)), "2026-02-28");
        assert_eq!(stored("datetime", json!("2026-02-28T10:00:00+01:00")), "2026-02-28T09:00:00.000Z");
        assert_eq!(stored("number", json!("")), "");
    }

    #[test]
    fn given_values_that_do_not_fit_when_normalised_then_the_code_says_why() {
        assert_eq!(code("number", json!("twelve")), "INVALID_INTEGER");
        assert_eq!(code("number", json!(" 12")), "INVALID_INTEGER");
        assert_eq!(code("bool", json!("maybe")), "INVALID_OPTION");
        assert_eq!(code("enumeration", json!("c")), "INVALID_OPTION");
        assert_eq!(code("enumeration", json!("a;b")), "INVALID_OPTION");
        assert_eq!(code("date", json!("28.02.2026")), "INVALID_DATE");
        assert_eq!(code("datetime", json!("tomorrow")), "INVALID_LONG");
        assert_eq!(code("string", json!({"a": 1})), "INVALID_VALUE");
    }

    #[test]
    fn given_a_multiple_choice_when_normalised_then_each_part_is_checked() {
        let property = Property { field: "checkbox".to_owned(), ..property("enumeration") };
        assert_eq!(normalise(&property, &json!("a;b")).expect("accepted"), "a;b");
        assert!(normalise(&property, &json!("a;c")).is_err());
    }

    #[test]
    fn given_addresses_when_checked_then_only_plausible_ones_pass() {
        assert_eq!(email("Ada@Example.COM").as_deref(), Some("ada@example.com"));
        for bad in
            ["ada", "ada@", "@x.io", "a da@x.io", "ada@x", "ada@x..io", "ada@x.1", "a@b@c.io", ".a@x.io"]
        {
            assert_eq!(email(bad), None, "{bad}");
        }
    }
}
