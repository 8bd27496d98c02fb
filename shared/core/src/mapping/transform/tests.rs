use super::table::TRANSFORMERS;
use crate::mapping::expression::{Expression, scope};
use crate::mapping::result::to_json;
use serde_json::{Value, json};

mod people;
mod times;
mod writing;

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
fn given_truth_values_when_they_become_text_then_they_are_written_as_json_writes_them() {
    let record = json!({"yes": true, "no": false});
    for (expression, wanted) in [
        ("yes | string", json!("true")),
        ("\"opted in: \" ~ no", json!("opted in: false")),
        ("[yes, no] | join(\",\")", json!("true,false")),
        ("yes | int", json!(1)),
        ("no | lookup({\"true\": \"a\", \"false\": \"b\"})", json!("b")),
    ] {
        assert_eq!(evaluate(expression, &record), Ok(Some(wanted)), "{expression}");
    }
}

/// What `expression` makes of the text `x`; `undefined` where it makes nothing of it.
fn of(expression: &str, x: &str) -> String {
    match evaluate(expression, &json!({ "x": x })) {
        Ok(Some(Value::String(text))) => text,
        Ok(Some(other)) => other.to_string(),
        Ok(None) => "undefined".to_owned(),
        Err(error) => format!("error: {error}"),
    }
}
