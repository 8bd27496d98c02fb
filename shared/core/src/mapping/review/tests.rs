use super::*;
use serde_json::{Value, json};

const FACTS: ProviderFacts = ProviderFacts {
    name: "hubspot",
    title: "HubSpot",
    default_key: Some("rtr_record_id"),
    default_limits: &[],
    lookups: &[],
};

fn reviewed(mapping: Value) -> String {
    let raw = serde_json::from_value(mapping).unwrap();
    review(&FACTS, &raw, &raw)
        .iter()
        .map(|problem| format!("{} {problem}", problem.code))
        .collect::<Vec<_>>()
        .join("\n")
}

fn of_field(field: Value) -> String {
    reviewed(json!({"object": "contacts", "fields": {"x": field}}))
}

#[test]
fn given_fields_that_do_what_they_say_when_reviewed_then_nothing_is_found() {
    for field in [
        json!("email | lower"),
        json!({"from": "stage", "map": {"Lead": "lead"}, "default": "other"}),
        json!({"from": "stage | lower", "map": {"lead": "lead", "1": "one"}, "default": null}),
        json!({"from": "stage | bool", "map": {"true": "yes", "false": "no"}}),
        json!({"from": "x | int", "map": {"1": "one", "-2": "two"}, "default": "many"}),
        json!({"from": "x | lower | trim", "map": {"new deal": "new"}}),
        json!({"from": "x", "default": "new"}),
        json!({"from": "x", "null": "ignore", "on": "create"}),
        json!({"from": "a.b", "direction": "both", "wins": "newest", "map": {"a": 1, "b": 2}}),
        json!({"reference": "company", "id": "company_id"}),
        json!({"reference": "company", "id": "\"7\"", "null": "ignore"}),
        json!({"from": "\"default\"", "on": "create"}),
        json!({"from": "tags", "default": ["a", "b"]}),
        json!({"from": "none"}),
    ] {
        assert_eq!(of_field(field.clone()), "", "{field}");
    }
}

#[test]
fn given_a_default_that_is_null_when_a_map_does_not_list_the_value_then_the_property_is_emptied() {
    let raw: RawMapping = serde_json::from_value(
        json!({"object": "contacts", "fields": {"x": {"from": "v", "map": {"a": "b"}, "default": null}}}),
    )
    .unwrap();
    let mapping = crate::mapping::Mapping::compile(&FACTS, "contact", &raw).unwrap();
    let subject = crate::mapping::Subject { org_id: "acme", record_type: "contact", record_id: "1" };
    let mapped = mapping.apply(&subject, &json!({"v": "z"})).unwrap();
    assert_eq!(mapped.fields["x"], crate::mapping::Patch::Clear);
    assert_eq!(serde_json::to_value(&raw).unwrap()["fields"]["x"]["default"], Value::Null);
}

#[test]
fn given_an_expression_that_does_not_compile_when_reviewed_then_that_is_left_to_the_compiler() {
    assert_eq!(of_field(json!("email | lowr")), "");
}

#[test]
fn given_conditions_that_exclude_each_other_when_reviewed_then_it_is_told_that_no_record_meets_them_or_each_does()
 {
    let of = |when: &str| reviewed(json!({"object": "contacts", "when": when, "fields": {"x": "email"}}));
    for never in [
        r#"stage == "open" and stage == "won""#,
        r#"stage == "open" and owner and "won" == stage"#,
        r#"stage == "open" and stage != "open""#,
        r#"active and not active"#,
        r#"owner and false"#,
        r#"(a == 1 and a == 2) or (b and not b)"#,
    ] {
        assert!(of(never).contains("holds for no record"), "{never}: {}", of(never));
    }
    for always in [r#"stage == "open" or stage != "open""#, "not active or active", r#"owner or "x""#] {
        assert!(of(always).contains("holds for every record"), "{always}: {}", of(always));
    }
    for some in [
        r#"stage == "open" or stage == "won""#,
        r#"stage == "open" and owner == "won""#,
        r#"stage == "open" and stage == "open""#,
        r#"a == 1 and a == 1.0"#,
        "active and not owner",
    ] {
        assert_eq!(of(some), "", "{some}");
    }
    let chosen = reviewed(json!({"object": "contacts", "fields": {"x": r#"1 if a == 1 and a == 2 else 3"#}}));
    assert!(chosen.contains("this condition is false for every record"), "{chosen}");
}
