use super::{Expression, scope};
use crate::mapping::result::to_json;
use proptest::prelude::*;
use serde_json::{Value, json};

/// The value in JSON, `"undefined"` as that word, an error in its words.
fn eval(expression: &str, record: &Value) -> Value {
    let compiled = Expression::compile(expression).unwrap_or_else(|error| panic!("{expression}: {error}"));
    match compiled.evaluate(&scope(record)) {
        Ok(value) if value.is_undefined() => json!("undefined"),
        Ok(value) => to_json(&value).unwrap(),
        Err(message) => json!({ "error": message }),
    }
}

fn refusal(expression: &str) -> String {
    let error = Expression::compile(expression).unwrap_err();
    let (line, column) = error.line_and_column(expression);
    format!("{line}:{column}: {error}")
}

#[test]
fn given_a_missing_part_when_concatenated_then_the_result_is_missing() {
    let record = json!({"first": "Ada", "none": null});
    assert_eq!(eval("first ~ ' ' ~ last", &record), json!("undefined"));
    assert_eq!(eval("last ~ first", &record), json!("undefined"));
    assert_eq!(eval("first ~ none", &record), json!(null));
    assert_eq!(eval("first ~ record.none ~ last", &record), json!("undefined"));
    assert_eq!(eval("first ~ (last | default('?'))", &record), json!("Ada?"));
    assert_eq!(eval("coalesce(first ~ last, first)", &record), json!("Ada"));
}

#[test]
fn given_a_missing_operand_when_computed_or_ordered_then_the_result_is_missing() {
    let record = json!({"a": 2, "n": null});
    for expression in [
        "a + b", "b - a", "a * b", "b / a", "b // a", "b % a", "b ** a", "-b", "b < a", "a >= b", "b[0]",
        "b.c.d", "b[1:]",
    ] {
        assert_eq!(eval(expression, &record), json!("undefined"), "{expression}");
        assert_eq!(eval(&expression.replace('b', "n"), &record), json!(null), "{expression}");
    }
    assert_eq!(eval("b in [1]", &record), json!(false));
    assert_eq!(eval("1 in b", &record), json!(false));
    assert_eq!(eval("b != 'draft'", &record), json!(true));
    assert_eq!(eval("b or 'x'", &record), json!("x"));
    assert_eq!(eval("'yes' if b", &record), json!("undefined"));
}

#[test]
fn given_operators_when_mixed_then_they_bind_as_in_jinja() {
    let record = json!({"a": 2, "b": 3, "s": "Ab", "l": [1, 2, 3], "o": {"k": {"x": 1}, "odd key": 5}});
    let cases = [
        ("a + b * 2", json!(8)),
        ("(a + b) * 2", json!(10)),
        (
            "a ~ b + 1",
            json!({"error": "arithmetic takes numbers; turn a text into one with `| int` or `| float`"}),
        ),
        ("a ~ b * 2", json!("26")),
        ("s ~ s | lower", json!("Abab")),
        ("(s ~ s) | lower", json!("abab")),
        ("-a | abs", json!(2)),
        ("not a == 2", json!(false)),
        ("a == 2 and b == 3 or missing", json!(true)),
        ("1 if a > b else 2 if a == 2 else 3", json!(2)),
        ("2 ** 3 ** 2", json!(64)),
        ("7 // -2", json!(-4)),
        ("-7 // 2", json!(-4)),
        ("7 / 2", json!(3.5)),
        ("6 / 2", json!(3)),
        ("7 % 0", json!({"error": "division by zero"})),
        ("l[-1]", json!(3)),
        ("l[1:]", json!([2, 3])),
        ("s[:1]", json!("A")),
        ("o.k.x", json!(1)),
        ("o['odd key']", json!(5)),
        ("record.o.k['x']", json!(1)),
        ("l.0", json!(1)),
        ("a in l", json!(true)),
        ("4 not in l", json!(true)),
        ("'k' in o", json!(true)),
        ("a is in [1, 2]", json!(true)),
        ("missing is undefined", json!(true)),
        ("a is not defined", json!(false)),
        ("a is number and s is string", json!(true)),
        ("s is startingwith 'A'", json!(true)),
        ("{'k': a, s: [b, none]}", json!({"k": 2, "Ab": [3, null]})),
        ("'it''s' ~ \"\\n\\\"é\"", json!("its\n\"é")),
        ("1_000 + 0.5", json!(1000.5)),
        ("s.upper", json!("undefined")),
        ("l == [1, 2, 3]", json!(true)),
    ];
    for (expression, wanted) in cases {
        assert_eq!(eval(expression, &record), wanted, "{expression}");
    }
}

#[test]
fn given_record_keys_that_are_names_of_ours_when_read_then_they_are_the_records() {
    let record = json!({"concat": 1, "__concat": 2, "lower": "X", "record": {"x": 3}, "range": 4});
    assert_eq!(eval("concat ~ __concat", &record), json!("12"));
    assert_eq!(eval("lower | lower", &record), json!("x"));
    assert_eq!(eval("record.record.x", &record), json!(3));
    assert_eq!(eval("range", &record), json!(4));
}

#[test]
fn given_a_wrong_expression_when_compiled_then_it_says_where_and_what_was_meant() {
    let wrong = [
        "email | lowr",
        "email | trim | uper",
        "lower(email)",
        "coalesc(a, b)",
        "a | coalesce",
        "email.lower()",
        "email |",
        "(a + b",
        "a = 1",
        "a && b",
        "!a",
        "a is definde",
        "a | truncate",
        "a | replace('x')",
        "a | default(value='x')",
        "null",
        "'open",
        "a\n  | lowr",
        "1 < a < 3",
        "99999999999999999999",
        "2fa",
        "a b",
        "",
        "now()",
        "range(9)",
        "a | tojson",
        "{{ email }}",
    ];
    let told: Vec<String> =
        wrong.iter().map(|expression| format!("{expression:?} → {}", refusal(expression))).collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    "email | lowr" → 1:9: unknown filter `lowr`; did you mean `lower`?
    "email | trim | uper" → 1:16: unknown filter `uper`; did you mean `upper`?
    "lower(email)" → 1:1: unknown function `lower`; did you mean `… | lower`?
    "coalesc(a, b)" → 1:1: unknown function `coalesc`; did you mean `coalesce`?
    "a | coalesce" → 1:5: unknown filter `coalesce`; did you mean `coalesce(…)`?
    "email.lower()" → 1:12: values have no methods; use a filter, such as `email | lower`
    "email |" → 1:8: expected the name of a filter, found the end
    "(a + b" → 1:7: expected `)`, found the end
    "a = 1" → 1:3: `=` does not compare; did you mean `==`?
    "a && b" → 1:3: `&&` is not an operator here; did you mean `and`?
    "!a" → 1:1: `!` is not an operator here; did you mean `not`?
    "a is definde" → 1:6: unknown test `definde`; did you mean `defined`?
    "a | truncate" → 1:5: `truncate` takes 1 to 2 arguments, not 0; for example "Lovelace" | truncate(5, "…") → "Love…"
    "a | replace('x')" → 1:5: `replace` takes 2 arguments, not 1; for example "a-b-c" | replace("-", "") → "abc"
    "a | default(value='x')" → 1:13: arguments have no names here; write the value alone
    "null" → 1:1: `null` is not a value here; did you mean `none`?
    "'open" → 1:1: the text has no closing '
    "a\n  | lowr" → 2:5: unknown filter `lowr`; did you mean `lower`?
    "1 < a < 3" → 1:7: comparisons cannot be chained; join two of them with `and`
    "99999999999999999999" → 1:1: the number is beyond 64 bits
    "2fa" → 1:1: a name cannot start with a digit; write record["…"] for such a key
    "a b" → 1:3: expected the end of the expression, or an operator, found `b`
    "" → 1:1: the expression is empty; write a path such as email, or none to clear what is there
    "now()" → 1:1: unknown function `now`
    "range(9)" → 1:1: unknown function `range`
    "a | tojson" → 1:5: unknown filter `tojson`; did you mean `json`?
    "{{ email }}" → 1:1: an expression stands alone here, without {{ and }}
    "#);
}

#[test]
fn given_a_plain_path_when_compiled_then_it_is_known_as_one() {
    let path = |text| Expression::compile(text).unwrap().path().map(|path| path.join("/"));
    assert_eq!(path("address.city"), Some("address/city".to_owned()));
    assert_eq!(path("record.address['zip code']"), Some("address/zip code".to_owned()));
    assert_eq!(path("(email)"), Some("email".to_owned()));
    assert_eq!((path("email | lower"), path("record"), path("l[0]"), path("'x'")), (None, None, None, None));
}

#[test]
fn given_endless_work_when_evaluated_then_it_ends_with_an_error() {
    let record = json!({ "s": "x".repeat(1_000_000) });
    let much = vec!["s"; 40].join(" ~ ");
    assert_eq!(
        eval(&much, &record),
        json!({"error": "the expression does more work than one value may cost"})
    );
    assert_eq!(eval("s | trim | lower | truncate(3)", &record), json!("xxx"));
    assert!(Expression::compile(&"(".repeat(4_000)).is_err());
    for (open, close) in [
        ("(", ")"),
        ("[", "]"),
        ("-(", ")"),
        ("not (", ")"),
        ("(b if ", ")"),
        ("{1: ", "}"),
        ("coalesce(", ")"),
    ] {
        let deep = |levels: usize| format!("{}a{}", open.repeat(levels), close.repeat(levels));
        assert!(Expression::compile(&deep(12)).is_ok(), "{open}");
        assert!(Expression::compile(&deep(600)).is_err(), "{open}");
    }
    assert!(Expression::compile(&"not ".repeat(1_000)).is_err());
    for chain in [".b", " + 1", " ~ a", " | lower", " and b", " or b", "[1]"] {
        assert!(Expression::compile(&format!("a{}", chain.repeat(30))).is_ok(), "{chain}");
        let _ = Expression::compile(&format!("a{}", chain.repeat(400)));
    }
    assert!(Expression::compile(&format!("{}a", "-".repeat(4_000))).is_ok());
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-d]{1,2}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn given_any_text_when_compiled_then_it_never_panics(text in "\\PC{0,60}") {
        let _ = Expression::compile(&text);
    }

    #[test]
    fn given_any_words_when_compiled_then_what_we_take_minijinja_takes(
        words in prop::collection::vec(prop::sample::select(vec![
            "a", "b.c", "(", ")", "[", "]", "{", "}", "'x'", "1", "2.5", "~", "+", "-", "*", "/", "//", "**", "%", "|", "lower",
            "default(1)", "is", "not", "defined", "in", "and", "or", "if", "else", "==", "<", ":", ",", "concat(a, b)", "none",
        ]), 0..12),
    ) {
        if let Err(error) = Expression::compile(&words.join(" ")) {
            prop_assert!(!error.message.contains("cannot be compiled"), "{}: {error}", words.join(" "));
        }
    }

    #[test]
    fn given_any_record_when_evaluated_then_it_never_panics_and_always_gives_the_same(record in any_json()) {
        for expression in ["a ~ b", "a + b", "a < b", "a.b[c]", "a in b", "a | join(',')", "a[1:2]", "a == b or c", "record | json"] {
            prop_assert_eq!(eval(expression, &record), eval(expression, &record));
        }
    }

    #[test]
    fn given_any_record_when_a_path_is_followed_then_it_leads_where_its_expression_leads(record in any_json()) {
        for expression in ["a", "a.b", "a.b.c", "record.a", "b['a']"] {
            let compiled = Expression::compile(expression).unwrap();
            let scope = scope(&record);
            prop_assert!(compiled.path().is_some(), "{}", expression);
            let followed = compiled.evaluate(&scope).map(|value| (value.is_undefined(), to_json(&value).ok()));
            let run = compiled.compiled.eval(scope).map(|value| (value.is_undefined(), to_json(&value).ok()));
            prop_assert_eq!(followed.ok(), run.ok(), "{}", expression);
        }
    }

    #[test]
    fn given_any_record_when_it_is_taken_whole_then_it_comes_out_as_it_is(value in any_json()) {
        let record = json!({ "whole": value });
        let value = Expression::compile("record").unwrap().evaluate(&scope(&record)).unwrap();
        prop_assert_eq!(to_json(&value).unwrap(), record);
    }
}
