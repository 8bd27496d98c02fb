//! Expressions and records that mean harm: each is stopped within its fuel and its size, told with its field, and costs nobody
//! else anything.

use super::*;
use std::time::{Duration, Instant};

/// Whatever one value is made to cost, it costs less than this, unoptimised and on a busy machine.
const MOST: Duration = Duration::from_secs(10);

fn record() -> Value {
    json!({
        "s": "x".repeat(1_000_000),
        "spaced": "x ".repeat(500_000),
        "tags": "<b".repeat(400_000),
        "l": vec!["x"; 20_000],
        "deep": (0..60).fold(json!(1), |inner, _| json!([inner])),
        "email": "a@x.io",
    })
}

/// What a field of this expression comes to, beside one that means no harm.
fn told(expression: &str) -> String {
    let mapping = Mapping::compile(
        &HUBSPOT,
        "contact",
        &raw(json!({"object": "contacts", "fields": {"bad": expression, "email": "email"}})),
    );
    let mapping = match mapping {
        Ok(mapping) => mapping,
        Err(problems) => return format!("refused: {}", problems[0]),
    };
    let begun = Instant::now();
    let told = match mapping.apply(&ADA, &record()) {
        Ok(mapped) => {
            assert_eq!(mapped.fields["email"], Patch::Set("a@x.io".into()));
            let Patch::Set(value) = &mapped.fields["bad"] else { return "nothing".to_owned() };
            assert!(value.to_string().len() <= MAX_VALUE_BYTES + 2, "{expression}");
            "a value within its size".to_owned()
        }
        Err(error) => error.to_string(),
    };
    assert!(begun.elapsed() < MOST, "{expression} took {:?}", begun.elapsed());
    told
}

#[test]
fn given_expressions_that_would_never_end_or_never_fit_when_evaluated_then_they_are_stopped_and_told() {
    let chain = |filter: &str, times: usize| format!("s{}", filter.repeat(times));
    let hostile = [
        vec!["s"; 40].join(" ~ "),
        "s | replace('x', s)".to_owned(),
        "l | join(s)".to_owned(),
        "s ~ s | replace('xx', 'xxxxxxxxxxxxxxxxxxxx')".to_owned(),
        "spaced | split(' ') | join(s)".to_owned(),
        "[s, s, s, s, s, s, s, s, s, s, s]".to_owned(),
        "s | pad(100000000)".to_owned(),
        "deep".to_owned(),
        "[[[[[[[[deep]]]]]]]]".to_owned(),
        format!("{}1{}", "(".repeat(1_500), ")".repeat(1_500)),
        format!("1{}", " + 1".repeat(900)),
        format!("email{}", " | lower".repeat(400)),
        chain(" | trim | lower | upper", 100),
        "tags | strip_html".to_owned(),
        "s | title | capitalize | squeeze | slug".to_owned(),
        "spaced | split(' ') | sort | unique | join(' ')".to_owned(),
        "s | phone('GB')".to_owned(),
        "s | email".to_owned(),
        "s | parse_date('%Y-%m-%d')".to_owned(),
        "s | int".to_owned(),
        "s | trim(spaced ~ 'y')".to_owned(),
        "spaced | trim(spaced)".to_owned(),
    ];
    let mut lines = Vec::new();
    for expression in &hostile {
        let shown: String = expression.chars().take(60).collect();
        lines.push(format!("{shown} → {}", told(expression)));
    }
    insta::assert_snapshot!(lines.join("\n"), @r#"
    s ~ s ~ s ~ s ~ s ~ s ~ s ~ s ~ s ~ s ~ s ~ s ~ s ~ s ~ s ~  → field `bad`: the expression does more work than one value may cost
    s | replace('x', s) → field `bad`: replace: the result is larger than a value may be
    l | join(s) → field `bad`: join: the result is larger than a value may be
    s ~ s | replace('xx', 'xxxxxxxxxxxxxxxxxxxx') → field `bad`: replace: the result is larger than a value may be
    spaced | split(' ') | join(s) → field `bad`: the expression does more work than one value may cost
    [s, s, s, s, s, s, s, s, s, s, s] → field `bad`: the value is larger than 1 MiB
    s | pad(100000000) → field `bad`: pad: at most 1000 characters
    deep → a value within its size
    [[[[[[[[deep]]]]]]]] → field `bad`: the value nests deeper than 64 levels
    (((((((((((((((((((((((((((((((((((((((((((((((((((((((((((( → refused: fields.bad.from: the expression nests too deep; compute parts of it in the internal system
    1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 +  → a value within its size
    email | lower | lower | lower | lower | lower | lower | lowe → a value within its size
    s | trim | lower | upper | trim | lower | upper | trim | low → field `bad`: the expression does more work than one value may cost
    tags | strip_html → a value within its size
    s | title | capitalize | squeeze | slug → a value within its size
    spaced | split(' ') | sort | unique | join(' ') → field `bad`: the expression does more work than one value may cost
    s | phone('GB') → a value within its size
    s | email → nothing
    s | parse_date('%Y-%m-%d') → field `bad`: parse_date: the value is not written as the pattern says
    s | int → field `bad`: the value is not a number
    s | trim(spaced ~ 'y') → a value within its size
    spaced | trim(spaced) → a value within its size
    "#);
}

#[test]
fn given_thousands_of_fields_that_each_do_all_they_may_when_mapped_then_the_record_is_stopped_and_the_field_named()
 {
    let fields = |expression: &str| {
        let fields: serde_json::Map<String, Value> =
            (0..3_000).map(|n| (format!("f{n:04}"), expression.into())).collect();
        let mapping = raw(json!({"object": "contacts", "fields": fields}));
        let mapping = Mapping::compile(&HUBSPOT, "contact", &mapping).unwrap();
        let begun = Instant::now();
        let told = mapping.apply(&ADA, &record()).unwrap_err().to_string();
        assert!(begun.elapsed() < 3 * MOST, "{expression} took {:?}", begun.elapsed());
        told
    };
    insta::assert_snapshot!([fields("s | lower | truncate(10)"), fields("s")].join("\n"), @r"
    field `f0010`: the expressions of this record do more work together than one record may cost
    field `f0016`: with this field the record's values are larger together than a CRM takes
    ");
}
