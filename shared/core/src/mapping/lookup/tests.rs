#![allow(clippy::unwrap_used)]

use super::*;
use crate::mapping::{Case, Mapping, Objects, ProviderFacts, RawMapping, Read, Subject, run_case};
use serde_json::json;

const OWNER: LookupFact = LookupFact {
    name: "owner",
    noun: "owner",
    by: "e-mail",
    objects: Objects::All,
    within: None,
    read: Read::Each,
    add: "add the user in the CRM",
    several: "send the username",
};
const PIPELINE: LookupFact = LookupFact {
    name: "pipeline",
    noun: "pipeline",
    by: "label",
    objects: Objects::AllBut(&["contacts"]),
    within: None,
    read: Read::Whole,
    add: "add it in the CRM",
    several: "rename one",
};
const STAGE: LookupFact = LookupFact {
    name: "stage",
    noun: "stage",
    within: Some("pipeline"),
    several: "say `within`",
    ..PIPELINE
};
const CRM: ProviderFacts = ProviderFacts {
    name: "crm",
    title: "CRM",
    default_key: Some("ours"),
    default_limits: &[],
    lookups: &[OWNER, PIPELINE, STAGE],
};

fn raw(object: &str, fields: Value) -> RawMapping {
    serde_json::from_value(json!({"object": object, "fields": fields})).unwrap()
}

fn fields(fields: Value) -> Mapping {
    Mapping::compile(&CRM, "deal", &raw("deals", fields)).unwrap()
}

fn applied(mapping: &Mapping, record: Value) -> Mapped {
    let subject = Subject { org_id: "acme", record_type: "deal", record_id: "d-1" };
    mapping.apply(&subject, &record).unwrap()
}

fn deal() -> Mapping {
    fields(json!({
        "owner": {"from": "owner | lower", "lookup": "owner"},
        "dealstage": {"from": "stage", "lookup": "stage", "within": "pipeline"},
        "pipeline": {"from": "pipeline", "lookup": "pipeline"},
        "name": "name",
    }))
}

/// Two pipelines with a stage of the same label; two owners of one address.
fn answer(wanted: &Wanted, within: Option<&str>) -> Answer {
    let one = |id: &str| Answer::One(id.to_owned());
    match (wanted.fact.name, wanted.value.as_str(), within) {
        ("owner", "ada@x.io", _) => one("51"),
        ("owner", "both@x.io", _) | ("stage", "Won", None) => Answer::Several,
        ("pipeline", "Sales", _) => one("p1"),
        ("stage", "Won", Some("p1")) => one("won-1"),
        ("stage", "Won", Some("p2")) => one("won-2"),
        _ => Answer::None,
    }
}

#[test]
fn given_look_ups_when_answered_then_what_was_found_is_written_and_a_stage_within_its_pipeline() {
    let mapping = deal();
    let record = json!({"name": "Big", "owner": " Ada@X.io ", "pipeline": "Sales", "stage": "Won"});
    let mut mapped = applied(&mapping, record);
    assert_eq!(mapped.fields.keys().collect::<Vec<_>>(), ["name"], "the rest is open");
    assert_eq!(mapped.wanted.len(), 3);
    mapped.look_up("CRM", |_, _| Answer::Unknown).unwrap();
    assert_eq!(mapped.wanted.len(), 3, "nobody knew");
    mapped
        .look_up(
            "CRM",
            |wanted, _| if wanted.fact.name == "stage" { answer(wanted, None) } else { Answer::Unknown },
        )
        .unwrap();
    assert_eq!(mapped.wanted.len(), 3, "a stage waits for its pipeline");
    mapped.look_up("CRM", answer).unwrap();
    let set = |text: &str| Patch::Set(Value::from(text));
    assert_eq!(mapped.wanted, []);
    assert_eq!(mapped.fields["owner"], set("51"));
    assert_eq!(
        (mapped.fields["pipeline"].clone(), mapped.fields["dealstage"].clone()),
        (set("p1"), set("won-1"))
    );
    let plain = fields(
        json!({"dealstage": {"from": "stage", "lookup": "stage", "within": "pipeline"}, "pipeline": "'p2'"}),
    );
    let mut mapped = applied(&plain, json!({"stage": "Won"}));
    mapped.look_up("CRM", answer).unwrap();
    assert_eq!(mapped.fields["dealstage"], set("won-2"), "an id in plain words is one as well");
}

#[test]
fn given_what_is_missing_in_the_record_when_applied_then_nothing_is_looked_up() {
    let mapping = fields(json!({
        "owner": {"from": "owner", "lookup": "owner", "default": "9"},
        "kept": {"from": "owner", "lookup": "owner", "null": "ignore"},
        "made": {"from": "maker", "lookup": "owner", "on": "create"},
    }));
    let of = |record: Value| {
        let mapped = applied(&mapping, record);
        (mapped.fields["owner"].clone(), mapped.fields["kept"].clone(), mapped.wanted.len())
    };
    assert_eq!(of(json!({})), (Patch::Keep, Patch::Keep, 0));
    assert_eq!(of(json!({"owner": null})), (Patch::Clear, Patch::Keep, 0));
    assert_eq!(of(json!({"owner": "  "})), (Patch::Clear, Patch::Keep, 0));
    let mut mapped = applied(&mapping, json!({"maker": "ada@x.io"}));
    mapped.look_up("CRM", answer).unwrap();
    assert_eq!(mapped.on_create["made"], Patch::Set(json!("51")));
    let subject = Subject { org_id: "acme", record_type: "deal", record_id: "d-1" };
    let error = mapping.apply(&subject, &json!({"owner": ["CANARY"]})).unwrap_err();
    insta::assert_snapshot!(error.to_string(), @"field `kept`: `lookup` takes a text or a whole number");
}

#[test]
fn given_a_value_that_the_crm_does_not_have_when_answered_then_the_default_is_written_or_the_field_is_named()
{
    let unknown = |field: Value| {
        let mut mapped =
            applied(&fields(json!({"owner": field})), json!({"owner": "canary@x.io", "both": "both@x.io"}));
        mapped.look_up("HubSpot", answer).map(|()| mapped.fields["owner"].clone())
    };
    let owner = |more: Value| {
        let mut field = json!({"from": "owner", "lookup": "owner"});
        field.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        unknown(field)
    };
    assert_eq!(owner(json!({"default": "9"})), Ok(Patch::Set(json!("9"))));
    assert_eq!(owner(json!({"default": null})), Ok(Patch::Clear));
    assert_eq!(owner(json!({"default": null, "null": "ignore"})), Ok(Patch::Keep));
    let error = owner(json!({})).unwrap_err();
    assert_eq!((error.code, error.field.as_deref()), (Code::NotInCrm, Some("owner")));
    insta::assert_snapshot!(error.message, @"HubSpot has no owner with the e-mail in `owner`; add the user in the CRM, or give the field a `default`");
    let several = unknown(json!({"from": "both", "lookup": "owner"})).unwrap_err();
    insta::assert_snapshot!(several.message, @"HubSpot has more than one owner with the e-mail in `owner`; send the username");
}

#[test]
fn given_wrong_look_ups_when_compiled_then_each_is_told_at_its_place() {
    let problems = |object: &str, fields: Value| {
        let problems = Mapping::compile(&CRM, "deal", &raw(object, fields)).unwrap_err();
        problems.iter().map(|problem| format!("{} {problem}", problem.code)).collect::<Vec<_>>().join("\n")
    };
    let wrong = json!({
        "a": {"from": "a", "lookup": "ownr"},
        "b": {"from": "b", "lookup": "colour"},
        "c": {"from": "c", "lookup": "owner", "map": {"x": "y"}},
        "d": {"reference": "company", "id": "d", "lookup": "owner"},
        "e": {"from": "e", "lookup": "owner", "direction": "both"},
        "f": {"from": "f", "lookup": "stage", "within": "pipelin"},
        "g": {"from": "g", "lookup": "stage", "within": "a"},
        "h": {"from": "h", "lookup": "owner", "within": "pipeline"},
        "i": {"lookup": "owner"},
        "j": {"from": "j", "within": "pipeline"},
        "k": {"from": "k", "lookup": "stage", "within": "k"},
        "l": {"from": "l | lowr", "lookup": "owner"},
        "pipeline": {"from": "pipeline", "lookup": "pipeline"},
    });
    insta::assert_snapshot!(problems("deals", wrong), @r#"
    RTR2002 fields.a.lookup: CRM has no look-up `ownr`: it has `owner`, `pipeline` and `stage`; did you mean `owner`?
    RTR2002 fields.b.lookup: CRM has no look-up `colour`: it has `owner`, `pipeline` and `stage`
    RTR2004 fields.c.map: a look-up takes `from`, `within` and `default`, not `map`, and the filter `lookup` in `from` does what `map` does
    RTR2004 fields.d.reference: a look-up takes `from`, `within` and `default`, not `reference`
    RTR2004 fields.e.direction: a look-up flows out only; take `direction` away
    RTR2002 fields.f.within: `within` names a field of this mapping, the one of the pipeline; there is no other field `pipelin`; did you mean `pipeline`?
    RTR2004 fields.g.within: a stage lies within a pipeline, and the field `a` is none
    RTR2004 fields.h.within: the look-up `owner` lies within nothing; take `within` away
    RTR2004 fields.i.lookup: a look-up needs `from`, an expression for the e-mail to look up
    RTR2004 fields.j.within: `within` belongs to a look-up; add `lookup: <what to look up>`, or take `within` away
    RTR2002 fields.k.within: `within` names a field of this mapping, the one of the pipeline; there is no other field `k`
    RTR2003 fields.l.from: unknown filter `lowr`; did you mean `lower`?
    "#);
    let contacts = json!({
        "owner": {"from": "o", "lookup": "owner"}, "stage": {"from": "s", "lookup": "stage"},
    });
    insta::assert_snapshot!(problems("contacts", contacts), @"RTR2004 fields.stage.lookup: `contacts` of CRM have no stage: for them it has `owner`");
    let none = ProviderFacts { lookups: &[], ..CRM };
    let raw = raw("deals", json!({"owner": {"from": "o", "lookup": "owner"}}));
    insta::assert_snapshot!(Mapping::compile(&none, "deal", &raw).unwrap_err()[0], @"fields.owner.lookup: CRM has no look-up `owner`: it has no look-ups");
    let matching: RawMapping = serde_json::from_value(json!({
        "object": "deals", "match": "owner", "fields": {"owner": {"from": "o", "lookup": "owner"}},
    }))
    .unwrap();
    insta::assert_snapshot!(Mapping::compile(&CRM, "deal", &matching).unwrap_err()[0], @"match: `match` needs a field that is written from the record's own values");
}

#[test]
fn given_cases_when_run_offline_then_look_ups_are_what_the_case_says_or_stand_by_their_names() {
    let case = |case: Value| -> Vec<String> {
        let case: Case = serde_json::from_value(case).unwrap();
        run_case(&deal(), &case).iter().map(ToString::to_string).collect()
    };
    let record = json!({"owner": "ada@x.io", "stage": "Won"});
    assert_eq!(
        case(json!({"record": record, "expect": {"owner": "owner/ada@x.io", "dealstage": "stage/Won"}})),
        Vec::<String>::new()
    );
    let lookups = json!({"owner": {"ADA@x.io": "51"}});
    assert_eq!(
        case(
            json!({"record": record, "lookups": lookups, "expect": {"owner": "51", "dealstage": "stage/Won"}})
        ),
        Vec::<String>::new()
    );
    let unknown = json!({"owner": "bob@x.io"});
    assert_eq!(
        case(json!({"record": unknown, "lookups": lookups, "error": "CRM has no owner"})),
        Vec::<String>::new()
    );
}
