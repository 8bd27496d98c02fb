use super::table::TRANSFORMERS;
use crate::mapping::expression::{Expression, scope};
use crate::mapping::result::to_json;
use serde_json::{Value, json};

fn evaluate(expression: &str, record: &Value) -> Result<Option<Value>, String> {
    let value =
        Expression::compile(expression).map_err(|error| error.to_string())?.evaluate(&scope(record))?;
    if value.is_undefined() { Ok(None) } else { to_json(&value).map(Some).map_err(str::to_owned) }
}

#[test]
fn given_every_transformer_when_its_example_is_evaluated_then_it_holds() {
    assert!(TRANSFORMERS.len() >= 25);
    for (name, doc, example) in TRANSFORMERS {
        let (expression, wanted) = example.split_once(" → ").unwrap();
        let wanted: Value = serde_json::from_str(wanted).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(evaluate(expression, &Value::Null), Ok(Some(wanted)), "{name}: {expression}");
        assert!(!doc.is_empty() && !doc.ends_with('.'), "{name}: {doc}");
    }
}

#[test]
fn given_every_filter_when_the_value_is_missing_then_it_stays_missing() {
    for found in super::all().iter().filter(|found| found.missing == super::Missing::PassesThrough) {
        let arguments = vec!["1"; found.least].join(", ");
        let expression = format!("x | {}({arguments})", found.name);
        assert_eq!(evaluate(&expression, &json!({})), Ok(None), "{expression}");
        assert_eq!(evaluate(&expression, &json!({"x": null})), Ok(Some(Value::Null)), "{expression}");
    }
}

#[test]
fn given_every_transformer_when_it_takes_any_value_then_it_never_panics_nor_repeats_the_value() {
    let secret = "s3cr3t-value";
    let values = json!([secret, "", -1, 1.5, 18_446_744_073_709_551_615_u64, true, [secret], {"k": secret}, [[1], "a"]]);
    for found in super::all() {
        for value in values.as_array().unwrap() {
            for argument in ["\"a\"", "3", "{}", "x"] {
                let arguments = vec![argument; found.least].join(", ");
                let expression = match found.kind {
                    super::Kind::Filter => format!("x | {}({arguments})", found.name),
                    super::Kind::Function => format!("{}(x)", found.name),
                };
                if let Err(message) = evaluate(&expression, &json!({ "x": value })) {
                    assert!(!message.contains(secret), "{expression}: {message}");
                }
            }
        }
    }
}

#[test]
fn given_numbers_beyond_the_exact_range_of_floats_when_transformed_then_they_stay_exact() {
    let record = json!({"id": 9_007_199_254_740_993_u64, "big": 18_446_744_073_709_551_615_u64});
    assert_eq!(evaluate("id", &record), Ok(Some(json!(9_007_199_254_740_993_u64))));
    assert_eq!(evaluate("id + 1", &record), Ok(Some(json!(9_007_199_254_740_994_u64))));
    assert_eq!(evaluate("big", &record), Ok(Some(json!(18_446_744_073_709_551_615_u64))));
    assert_eq!(evaluate("big | string", &record), Ok(Some(json!("18446744073709551615"))));
    assert_eq!(evaluate("id ~ ''", &record), Ok(Some(json!("9007199254740993"))));
    assert_eq!(evaluate("big + 1", &record), Err("the result is beyond 64 bits".to_owned()));
    assert_eq!(evaluate("\"9007199254740993\" | int", &record), Ok(Some(json!(9_007_199_254_740_993_u64))));
}

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
fn given_phone_numbers_when_written_in_many_ways_then_they_read_alike_or_stay_as_they_are() {
    let phone = |text: &str| evaluate("p | phone('49')", &json!({ "p": text })).unwrap().unwrap();
    assert_eq!(phone("+49 30 1234567"), "+49301234567");
    assert_eq!(phone("0049 30 1234567"), "+49301234567");
    assert_eq!(phone("030/1234567"), "+49301234567");
    assert_eq!(phone(" ask reception "), "ask reception");
    assert_eq!(phone("112"), "112");
}
