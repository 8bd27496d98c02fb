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
