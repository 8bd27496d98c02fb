use super::super::{Expression, scope};
use super::look;
use crate::mapping::transform::Kinds;
use proptest::prelude::*;
use serde_json::{Value, json};

/// What is found in `expression`, a line each.
fn found(expression: &str) -> String {
    let look = look(expression).unwrap_or_else(|error| panic!("{expression}: {error}"));
    look.faults
        .iter()
        .map(|fault| format!("{}: {}", fault.at + 1, fault.message))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn given_expressions_that_can_do_what_they_say_when_looked_at_then_nothing_is_found() {
    for expression in [
        "email | trim | lower",
        "coalesce(domain, website) | domain",
        "first ~ \" \" ~ last",
        "email is not endingwith(\"@x.io\")",
        "phone | phone(\"DE\")",
        "stage != \"draft\"",
        "industry | lower | lookup({\"software\": \"IT\", \"retail\": \"R\"})",
        "\"a\" if stage == \"x\" else \"b\" if stage == \"y\" else \"c\"",
        "stage | lower == \"lead\"",
        "amount + 1",
        "1 + 2 * 3",
        "(stage | upper) in [\"A\", \"B\"]",
        "\"x\" ~ id",
        "items | pluck(\"id\") | join(\", \")",
        "a or b or \"c\"",
        "tags[0] | default(\"none\")",
        "a | parse_date(\"%d.%m.%Y\", \"Europe/Berlin\")",
        "a | int > 10",
        "a | int == 10",
        "n | nullif(\"n/a\") | default(\"x\")",
        "record",
        "a | bool == true",
        "a | bool == 1",
        "a | truncate(5) == \"Lead\"",
        "items | first | default(0)",
        "none",
        "\"constant\"",
        "not a",
        "a if b",
        "flag is defined and flag",
        "x | title == \"New Deal\"",
        "a is empty",
        "(a | length) > 0",
        "a[1:] | lower",
        "-a | abs",
        "coalesce(a | blank_to_none, b)",
        "a | split(\",\") | first | trim",
        "{\"k\": a} | json",
        "a | round(2)",
        "a | date == \"2026-01-01\"",
        "a | lookup(table)",
        "a | email == \"ada@x.io\"",
        "a | string | lookup({\"1\": \"x\"})",
        "a | replace(\"a\", \"b\") == \"B\"",
    ] {
        assert_eq!(found(expression), "", "{expression}");
    }
}

#[test]
fn given_a_shape_when_asked_then_it_says_what_may_come() {
    let told = |expression: &str| {
        let shape = look(expression).unwrap().shape;
        let (kinds, missing) = (shape.present(), shape.missing());
        let missing = if missing == Kinds::MISSING {
            " or missing"
        } else if missing.is_nothing() {
            ""
        } else {
            " or one of the missing"
        };
        format!(
            "{expression} → {}{missing}{}",
            kinds.told(),
            shape.values().map_or_else(String::new, |values| format!(" {values:?}"))
        )
    };
    insta::assert_snapshot!([
        "email", "email | lower", "a ~ b", "a | int", "a == b", "a < b", "\"x\" if a else \"y\"", "\"x\" if a", "a | lower | default(\"x\")", "1 + 1",
        "a | split(\",\")", "coalesce(a, \"x\")", "a | lookup({\"b\": 1, \"c\": true}, 2)", "a | bool", "\"x\"[0:1] | upper", "a or \"x\"", "a and b",
    ].map(told).join("\n"), @r#"
    email → a text, a number, true or false, a list or an object or missing
    email | lower → a text or missing
    a ~ b → a text or missing
    a | int → a number or missing
    a == b → true or false
    a < b → true or false or missing
    "x" if a else "y" → a text [String("x"), String("y")]
    "x" if a → a text or one of the missing [String("x")]
    a | lower | default("x") → a text
    1 + 1 → a number [Number(2)]
    a | split(",") → a list or missing
    coalesce(a, "x") → a text, a number, true or false, a list or an object
    a | lookup({"b": 1, "c": true}, 2) → a number or true or false or missing [Number(2), Number(1), Bool(true)]
    a | bool → true or false or missing
    "x"[0:1] | upper → a text [String("X")]
    a or "x" → a text, a number, true or false, a list or an object
    a and b → a text, a number, true or false, a list or an object or missing
    "#);
}

fn any_record() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3_i64..100).prop_map(Value::from),
        (-3_f64..3.0).prop_map(Value::from),
        "[a-cA-C]{0,3}|[0-9]{1,3}|true|2026-11-23| a ".prop_map(Value::from),
    ];
    let value = leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("[a-c]", inner, 0..3)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    });
    prop::collection::btree_map("[a-c]", value, 0..4).prop_map(|map| Value::Object(map.into_iter().collect()))
}

fn any_expression() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "a",
        "b",
        "c",
        "a.b",
        "\"a\"",
        "\"B\"",
        "1",
        "2.5",
        "true",
        "none",
        "[1, \"a\"]",
        "{\"a\": 1, \"b\": \"c\"}",
        "missing",
    ]);
    leaf.prop_map(str::to_owned).prop_recursive(4, 24, 3, |inner| {
        let filter = prop::sample::select(vec![
            "lower",
            "upper",
            "trim",
            "int",
            "bool",
            "string",
            "digits",
            "first",
            "length",
            "default(\"x\")",
            "blank_to_none",
            "split(\",\")",
            "join",
            "lookup({\"a\": 1, \"b\": \"B\"})",
            "lookup({\"a\": none}, \"z\")",
            "truncate(2)",
            "pad(3)",
            "date",
            "float",
            "round",
            "sort",
            "nullif(\"a\")",
            "email",
            "title",
            "before(\"a\")",
            "after(\"a\")",
            "required",
            "json",
            "sum",
            "slug",
            "compact",
            "unique",
        ]);
        let sign = prop::sample::select(vec![
            "==", "!=", "<", ">", "in", "not in", "+", "-", "~", "and", "or", "*", "%",
        ]);
        let test = prop::sample::select(vec![
            "defined",
            "undefined",
            "none",
            "empty",
            "string",
            "number",
            "boolean",
            "sequence",
            "mapping",
            "integer",
        ]);
        prop_oneof![
            (inner.clone(), filter).prop_map(|(a, filter)| format!("({a} | {filter})")),
            (inner.clone(), sign, inner.clone()).prop_map(|(a, sign, b)| format!("({a} {sign} {b})")),
            (inner.clone(), test).prop_map(|(a, test)| format!("({a} is {test})")),
            (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(a, b, c)| format!("({a} if {b} else {c})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("coalesce({a}, {b})")),
            inner.clone().prop_map(|a| format!("(not {a})")),
            inner.clone().prop_map(|a| format!("(-{a})")),
            inner.prop_map(|a| format!("{a}[0:1]")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn given_any_expression_and_record_when_evaluated_then_the_value_is_one_that_its_shape_allows(expression in any_expression(), record in any_record()) {
        let Ok(look) = look(&expression) else { return Ok(()) };
        let Ok(value) = Expression::compile(&expression).unwrap().evaluate(&scope(&record)) else { return Ok(()) };
        let (shape, kind) = (&look.shape, Kinds::of(&value));
        prop_assert!(shape.present().or(shape.missing()).meets(kind), "{} gives {:?}: {:?}", expression, value, shape);
        if let Some(truth) = shape.truth() {
            prop_assert_eq!(value.is_true(), truth, "{}", expression);
        }
        if kind.meets(Kinds::WORDS) {
            let json = crate::mapping::result::to_json(&value).unwrap();
            let word = json.as_str().map_or_else(|| json.to_string(), str::to_owned);
            prop_assert!(shape.may_be_written(&word), "{} gives {}: {:?}", expression, word, shape);
        }
    }

    #[test]
    fn given_any_expression_when_something_in_it_only_fails_then_no_record_is_mapped_by_that_part(record in any_record(), filter in prop::sample::select(vec![
        "[1] | lower", "(a | lower) | first", "(a | int) ~ [1]", "(a ~ b) + 1", "a | date(\"Nowhere\")", "a | replace(\"\", \"x\")", "a | phone(\"XX\")", "(a == b)[0:1]",
    ])) {
        prop_assert!(!look(filter).unwrap().faults.is_empty(), "{}", filter);
        if let Ok(value) = Expression::compile(filter).unwrap().evaluate(&scope(&record)) {
            prop_assert!(Kinds::of(&value).meets(Kinds::MISSING), "{} gives {:?}", filter, value);
        }
    }
}

#[test]
fn given_an_expression_when_looked_at_then_it_needs_no_record_and_never_panics() {
    for expression in ["", "(", "a | nope", "record[record]", "{}", "[]"] {
        let _ = look(expression);
    }
    assert!(look("a").unwrap().shape.values().is_none());
    assert_eq!(look("\"a\" if a else 1").unwrap().shape.values(), Some(vec![json!("a"), json!(1)]));
}
