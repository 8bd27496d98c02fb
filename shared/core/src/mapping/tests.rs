mod hostile;

use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};

const HUBSPOT: ProviderFacts = ProviderFacts {
    name: "hubspot",
    title: "HubSpot",
    default_key: Some("rtr_record_id"),
    default_limits: &[],
    lookups: &[],
};
const PIPEDRIVE: ProviderFacts = ProviderFacts {
    name: "pipedrive",
    title: "Pipedrive",
    default_key: None,
    default_limits: &[],
    lookups: &[],
};
const ADA: Subject<'_> = Subject { org_id: "acme", record_type: "contact", record_id: "c-1" };

fn raw(mapping: Value) -> RawMapping {
    serde_json::from_value(mapping).unwrap()
}

fn compiled(mapping: Value) -> Mapping {
    Mapping::compile(&HUBSPOT, "contact", &raw(mapping)).unwrap()
}

fn fields(fields: Value) -> Mapping {
    compiled(json!({"object": "contacts", "fields": fields}))
}

fn applied(mapping: &Mapping, record: Value) -> Mapped {
    mapping.apply(&ADA, &record).unwrap()
}

fn problems(facts: &ProviderFacts, mapping: Value) -> String {
    let problems = Mapping::compile(facts, "contact", &raw(mapping)).unwrap_err();
    problems.iter().map(|problem| format!("{} {problem}", problem.code)).collect::<Vec<_>>().join("\n")
}

#[test]
fn given_the_mapping_of_the_contract_when_applied_then_each_part_does_what_it_says() {
    let mapping = compiled(json!({
        "object": "contacts", "key": "rtr_record_id", "key_value": "{record_id}", "match": "email", "write": "upsert",
        "when": "status != \"draft\"",
        "fields": {
            "email": "email | lower",
            "firstname": "first_name",
            "lifecyclestage": {"from": "stage", "map": {"lead": "lead", "won": "customer"}, "default": "other"},
            "company": {"reference": "company", "id": "company_id", "association": "primary"},
            "notes": {"from": "notes", "on": "create"},
            "owner": {"from": "owner_email", "null": "ignore", "direction": "both", "wins": "newest"},
        },
        "reference_wait": "1h", "on_delete": "archive", "on_missing": "recreate", "on_unmatched": "ignore",
    }));
    let mapped = applied(
        &mapping,
        json!({
            "email": "ADA@X.IO", "first_name": null, "stage": "won", "company_id": 7, "notes": "hi", "owner_email": null,
        }),
    );
    let set = |text: &str| Patch::Set(Value::from(text));
    assert_eq!(mapped.fields["email"], set("ada@x.io"));
    assert_eq!(mapped.fields["firstname"], Patch::Clear);
    assert_eq!(mapped.fields["lifecyclestage"], set("customer"));
    assert_eq!(mapped.fields["owner"], Patch::Keep);
    assert_eq!((mapped.fields.len(), mapped.on_create["notes"].clone()), (4, set("hi")));
    assert_eq!(mapped.match_value.as_deref(), Some("ada@x.io"));
    let company = Reference {
        field: "company".into(),
        record_type: "company".into(),
        record_id: "7".into(),
        association: Some("primary".into()),
    };
    assert_eq!(mapped.references, [company]);
    assert_eq!(mapping.key_value(&ADA).unwrap().as_deref(), Some("c-1"));
    assert_eq!(mapping.reference_wait_ms, 3_600_000);
    assert_eq!(
        mapping.field_names().collect::<Vec<_>>(),
        ["email", "firstname", "lifecyclestage", "notes", "owner"]
    );
    assert!(!applied(&mapping, json!({"status": "draft"})).selected);
}

#[test]
fn given_values_and_a_map_when_applied_then_only_listed_ones_pass_and_missing_ones_stay_missing() {
    let with_default = fields(
        json!({"x": {"from": "v", "map": {"1": "one", "true": "yes", "a": null}, "default": "other"}}),
    );
    let of = |mapping: &Mapping, value: Value| applied(mapping, value).fields["x"].clone();
    assert_eq!(of(&with_default, json!({"v": 1})), Patch::Set(json!("one")));
    assert_eq!(of(&with_default, json!({"v": true})), Patch::Set(json!("yes")));
    assert_eq!(of(&with_default, json!({"v": "a"})), Patch::Clear);
    assert_eq!(of(&with_default, json!({"v": "z"})), Patch::Set(json!("other")));
    assert_eq!(of(&with_default, json!({})), Patch::Keep);
    assert_eq!(of(&with_default, json!({"v": null})), Patch::Clear);
    let strict = fields(json!({"x": {"from": "v", "map": {"a": "b"}}}));
    let error = strict.apply(&ADA, &json!({"v": "secret"})).unwrap_err();
    insta::assert_snapshot!(error.to_string(), @"field `x`: the record's value is not one that `map` lists, and there is no `default`");
    assert_eq!(error.field.as_deref(), Some("x"));
    let default = fields(json!({"x": {"from": "v", "default": "new"}}));
    assert_eq!(
        (of(&default, json!({})), of(&default, json!({"v": null}))),
        (Patch::Set(json!("new")), Patch::Set(json!("new")))
    );
}

#[test]
fn given_a_reference_that_is_a_property_when_it_points_at_nothing_then_the_property_is_cleared() {
    let mapping = fields(json!({"AccountId": {"reference": "company", "id": "company_id"}}));
    assert_eq!(applied(&mapping, json!({"company_id": null})).fields["AccountId"], Patch::Clear);
    assert_eq!(applied(&mapping, json!({})).fields.get("AccountId"), None);
    assert_eq!(applied(&mapping, json!({"company_id": "co-1"})).references[0].association, None);
    assert!(mapping.apply(&ADA, &json!({"company_id": {"id": 1}})).is_err());
    assert_eq!(mapping.field_names().collect::<Vec<_>>(), ["AccountId"]);
}

#[test]
fn given_key_templates_when_filled_then_long_values_become_their_digest() {
    let mapping = compiled(json!({"object": "contacts", "key_value": "{org_id}/{record_type}:{record_id}"}));
    assert_eq!(mapping.key_value(&ADA).unwrap().as_deref(), Some("acme/contact:c-1"));
    let long = "x".repeat(300);
    let value = mapping.key_value(&Subject { record_id: &long, ..ADA }).unwrap().unwrap();
    assert_eq!(value, crate::digest::hex(format!("acme/contact:{long}").as_bytes()));
    let intent = Mapping::compile(
        &PIPEDRIVE,
        "contact",
        &raw(json!({"object": "persons", "match": "name", "fields": {"name": "name"}})),
    );
    assert_eq!(intent.unwrap().key_value(&ADA).unwrap(), None);
    let marked = Mapping::compile(
        &PIPEDRIVE,
        "contact",
        &raw(json!({"object": "persons", "marker": "ours", "fields": {}})),
    )
    .unwrap();
    assert_eq!((marked.key.clone(), marked.key_value(&ADA).unwrap().as_deref()), (Key::Intent, Some("c-1")));
}

#[test]
fn given_two_templates_when_compared_then_only_fixed_text_around_the_id_tells_them_apart() {
    let template = |text| KeyTemplate::parse(text).unwrap();
    let could = |a, b| template(a).could_equal("contact", &template(b), "lead");
    assert!(could("{record_id}", "{record_id}"));
    assert!(!could("{record_type}:{record_id}", "{record_type}:{record_id}"));
    assert!(!could("{org_id}-{record_type}-{record_id}", "{org_id}-{record_type}-{record_id}"));
    assert!(could("{record_type}:{record_id}", "{record_id}"));
    assert!(!could("c-{record_id}", "l-{record_id}"));
    assert!(!could("{record_id}.c", "{record_id}.l"));
    assert!(could("a{record_id}", "ab{record_id}"));
    assert!(could("{org_id}{record_id}", "x{record_id}"));
}

#[test]
fn given_everything_wrong_when_compiled_then_everything_is_told() {
    insta::assert_snapshot!(problems(&HUBSPOT, json!({
        "object": "", "key": "id", "key_value": "{recordid}", "match": "emial", "when": "status = 1", "reference_wait": "soon",
        "on_delete": {"set": {}},
        "fields": {
            "email": "email | lowr", "id": "x", "a": {}, "b": {"reference": "company"}, "c": {"from": "c", "id": "d"},
            "d": {"from": "x | lower", "direction": "both"}, "e": {"reference": "company", "id": "e", "map": {}},
            "f": {"from": "f", "direction": "in", "map": {"a": 1, "b": "1"}},
        },
    })), @"
    RTR2004 object: the object has no name; write the provider's name, such as contacts
    RTR2004 fields.id: this is the key property, which holds our record id; map another one
    RTR2002 match: `match: emial` needs a field `emial`, whose value is looked for in the CRM; did you mean `email`?
    RTR2003 key_value: unknown name `recordid`; there are org_id, record_type and record_id; did you mean `record_id`?
    RTR2003 when: `=` does not compare; did you mean `==`?
    RTR2004 fields.a: the field has neither `from` nor `reference`, so nothing fills it
    RTR2004 fields.b.reference: a reference needs `id`, an expression for the referenced record's id, such as id: company_id
    RTR2004 fields.c.id: `id` belongs to a reference; add `reference: <record type>`, or take `id` away
    RTR2004 fields.d.direction: only a plain path such as address.city flows back; make `from` one, or write direction: out
    RTR2004 fields.e: a reference takes `id` and `association`, not `from`, `map` or `default`
    RTR2003 fields.email.from: unknown filter `lowr`; did you mean `lower`?
    RTR2004 fields.f.direction: `a` and `b` of `map` write the same value, so the way back is not clear; write direction: out
    RTR2004 on_delete.set: nothing is set; name a property and its value, or write ignore
    RTR2001 reference_wait: `soon` is not a length of time: write a whole number and its unit, such as 10s
    ");
    insta::assert_snapshot!(problems(&PIPEDRIVE, json!({"object": "persons", "fields": {"name": "name"}})), @"RTR2004 key: without a unique key nothing could find a create whose answer was lost; add `match: <a mapped field>`, or `marker: <a property that may hold our record id>`");
    insta::assert_snapshot!(problems(&HUBSPOT, json!({"object": "contacts", "key": "none", "key_value": "x", "fields": {}})), @r#"
    RTR2004 key: without a unique key nothing could find a create whose answer was lost; add `match: <a mapped field>`, or `marker: <a property that may hold our record id>`
    RTR2003 key_value: every record would get one key value: {record_id} is missing
    "#);
}

#[test]
fn given_fields_that_flow_both_ways_when_asked_then_the_way_back_is_known() {
    let mapping = fields(json!({
        "city": {"from": "address.city", "direction": "both", "wins": "external"},
        "stage": {"from": "stage", "map": {"won": "customer", "1": 10}, "direction": "in"},
        "email": "email",
    }));
    let back: Vec<InboundField<'_>> = mapping.inbound().collect();
    assert_eq!(back.iter().map(|field| field.path.join(".")).collect::<Vec<_>>(), ["address.city", "stage"]);
    assert_eq!(inbound_value(&back[0], &json!("Paris")), Some(json!("Paris")));
    assert_eq!(inbound_value(&back[1], &json!("customer")), Some(json!("won")));
    assert_eq!(inbound_value(&back[1], &json!("10")), Some(json!("1")));
    assert_eq!(inbound_value(&back[1], &json!("unheard")), None);
    assert_eq!(applied(&mapping, json!({"stage": "won"})).fields.get("stage"), None);
}

#[test]
fn given_a_field_when_stored_and_read_again_then_it_is_as_it_was_written() {
    let written = json!({"object": "contacts", "match": "email", "fields": {
        "email": "email | lower", "owner": {"from": "o", "null": "ignore"}, "c": {"reference": "company", "id": "id"},
    }, "on_delete": {"set": {"status": "gone"}}, "reference_wait": "5m"});
    assert_eq!(serde_json::to_value(raw(written.clone())).unwrap(), written);
}

fn any_record() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from)
    ];
    let value =
        leaf.prop_recursive(2, 8, 3, |inner| prop::collection::vec(inner, 0..3).prop_map(Value::from));
    prop::collection::btree_map("[a-e]", value, 0..5).prop_map(|map| Value::Object(map.into_iter().collect()))
}

fn many_fields() -> Mapping {
    compiled(json!({"object": "contacts", "match": "p", "fields": {
        "p": "a", "q": "a ~ b", "r": {"from": "c | json", "null": "ignore"}, "s": {"from": "d | string", "on": "create"},
        "t": {"reference": "company", "id": "e | json"}, "u": "a + b", "v": "b < c",
    }}))
}

proptest! {
    #[test]
    fn given_any_record_when_applied_twice_then_the_results_are_equal_and_nothing_panics(record in any_record()) {
        let mapping = many_fields();
        prop_assert_eq!(mapping.apply(&ADA, &record), mapping.apply(&ADA, &record));
    }

    #[test]
    fn given_any_record_when_a_key_is_absent_then_its_properties_are_kept(record in any_record()) {
        let mapping = fields(json!({"p": "a", "q": "a ~ b", "u": "a | json"}));
        if let Ok(mapped) = mapping.apply(&ADA, &record) {
            let has = |key: &str| record.get(key).is_some();
            prop_assert_eq!(mapped.fields["p"] == Patch::Keep, !has("a"));
            prop_assert_eq!(mapped.fields["u"] == Patch::Keep, !has("a"));
            prop_assert!(has("a") && has("b") || mapped.fields["q"] == Patch::Keep);
        }
    }

    #[test]
    fn given_any_json_for_a_record_when_applied_then_nothing_panics(record in prop_oneof![Just(Value::Null), any::<i64>().prop_map(Value::from), "\\PC{0,9}".prop_map(Value::from)]) {
        let mapped = many_fields().apply(&ADA, &record).unwrap();
        prop_assert!(mapped.fields.values().all(|patch| *patch == Patch::Keep));
    }
}
