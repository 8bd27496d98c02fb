//! An org's mapping over the one that all have.

use super::*;
use crate::mapping::{Origin, Part, Patch, Subject, parts};
use serde_json::json;
use std::collections::BTreeSet;

const GLOBAL: &str = "object: contacts\nmatch: email\nwhen: email\nfields:\n  email: email | lower\n  phone: phone\n  firstname: first_name\n";
const LAYER: &str = "mappings:\n  hubspot:\n    contact:\n      on_delete: ignore\n      fields:\n        phone: null\n        firstname: name\n        city: town\n";

fn org(mappings: &str) -> String {
    format!("{ACME}{mappings}")
}

fn loaded_of(files: &[(String, String)]) -> ConfigSet {
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    loaded(&files)
}

fn files(mappings: &str) -> Vec<SourceFile> {
    vec![file("mappings/hubspot/contact.yaml", GLOBAL), file("orgs/acme.yaml", &org(mappings))]
}

#[test]
fn given_an_orgs_mapping_without_object_when_resolved_then_it_changes_what_it_says_and_nothing_else() {
    let mut stored = Stored::default();
    apply(&mut stored, &[("mappings/hubspot/contact.yaml", GLOBAL), ("orgs/acme.yaml", &org(LAYER))], false);
    let config = config(&stored, "acme");
    let mapping = &config.mapping("hubspot", "contact").unwrap().mapping;
    assert_eq!((mapping.object.as_str(), mapping.match_on.as_deref()), ("contacts", Some("email")));
    assert_eq!(mapping.field_names().collect::<Vec<_>>(), ["city", "email", "firstname"]);
    let record =
        json!({"email": "A@X.io", "phone": "1", "first_name": "no", "name": "Ada", "town": "London"});
    let subject = Subject { org_id: "acme", record_type: "contact", record_id: "1" };
    let mapped = mapping.apply(&subject, &record).unwrap();
    let set = |name: &str| mapped.fields.get(name).cloned();
    assert_eq!(set("email"), Some(Patch::Set(json!("a@x.io"))));
    assert_eq!((set("firstname"), set("phone")), (Some(Patch::Set(json!("Ada"))), None));
    // Stored and read again it is the same layer.
    let doc = &stored.orgs["acme"].doc;
    assert_eq!(serde_json::from_value::<OrgDoc>(serde_json::to_value(doc).unwrap()).unwrap(), *doc);
}

#[test]
fn given_a_layer_when_the_global_mapping_changes_then_the_orgs_does_and_its_revision_grows() {
    let mut stored = Stored::default();
    let of_acme = org(LAYER);
    apply(&mut stored, &[("mappings/hubspot/contact.yaml", GLOBAL), ("orgs/acme.yaml", &of_acme)], false);
    let before = config(&stored, "acme").mapping("hubspot", "contact").unwrap().revision;
    let changed = GLOBAL.replace("email | lower", "email | trim");
    apply(&mut stored, &[("mappings/hubspot/contact.yaml", &changed), ("orgs/acme.yaml", &of_acme)], false);
    let after = config(&stored, "acme").mapping("hubspot", "contact").unwrap().clone();
    assert!(after.revision > before);
    let subject = Subject { org_id: "acme", record_type: "contact", record_id: "1" };
    let mapped = after.mapping.apply(&subject, &json!({"email": " A "})).unwrap();
    assert_eq!(mapped.fields.get("email"), Some(&Patch::Set(json!("A"))));
}

#[test]
fn given_mappings_that_changed_again_and_again_when_one_of_then_is_asked_for_then_it_is_what_held_under_that_revision()
 {
    let mut stored = Stored::default();
    let mut history = vec![stored.clone()];
    let folders = [
        (GLOBAL.to_owned(), None),
        (GLOBAL.to_owned(), Some(LAYER.to_owned())),
        (GLOBAL.replace("email | lower", "email | trim"), Some(LAYER.to_owned())),
        (GLOBAL.replace("email | lower", "email | trim"), Some(LAYER.replace("town", "place"))),
        (GLOBAL.replace("email | lower", "email | upper"), None),
    ];
    let folder = |global: &str, layer: &Option<String>| {
        let of_acme = layer.as_deref().map_or_else(|| ACME.to_owned(), org);
        vec![
            ("mappings/hubspot/contact.yaml".to_owned(), global.to_owned()),
            ("orgs/acme.yaml".to_owned(), of_acme),
        ]
    };
    for (global, layer) in &folders {
        for change in plan_apply(&stored, &loaded_of(&folder(global, layer)), Wish::default()) {
            store(&mut stored, vec![change]);
            history.push(stored.clone());
        }
    }
    let at = |stored: &Stored| config(stored, "acme").mapping("hubspot", "contact").unwrap().clone();
    let shown = |stored: &Stored| format!("{:?}", at(stored).mapping);
    let kept = |revision: u64| history.iter().rev().find(|one| one.revision <= revision).unwrap();
    let whole = history.iter().filter(|one| one.orgs.contains_key("acme") && one.global.is_some());
    let mut revisions = BTreeSet::new();
    for was in whole {
        let revision = at(was).revision;
        let earlier = EarlierMapping::of(&stored, "acme", "hubspot", "contact", revision).unwrap();
        let then = kept(revision);
        let own = then.orgs.get("acme").map(|stored| &stored.doc).filter(|_| earlier.needs_own(&stored));
        let global = then.global.as_ref().map(|stored| &stored.doc);
        let global = global.filter(|_| earlier.needs_global(&stored));
        let with = earlier.within(&stored, own, global);
        assert_eq!((at(&with).revision, shown(&with)), (revision, shown(was)), "of revision {revision}");
        revisions.insert(revision);
    }
    assert!(revisions.len() > 3, "{revisions:?}");
    assert_eq!(EarlierMapping::of(&stored, "acme", "gone", "contact", 1), None);
    // What holds still needs no document of then.
    let earlier = EarlierMapping::of(&stored, "acme", "hubspot", "contact", stored.revision).unwrap();
    assert!(!earlier.needs_own(&stored) && !earlier.needs_global(&stored));
    assert_eq!(shown(&earlier.within(&stored, None, None)), shown(&stored));
}

#[test]
fn given_a_wrong_layer_when_loaded_then_its_own_faults_are_told_at_their_place_and_those_below_once() {
    let told = |global: &str, mappings: &str| {
        let org = org(mappings);
        let mut files = vec![("orgs/acme.yaml", org.as_str())];
        if !global.is_empty() {
            files.push(("mappings/hubspot/contact.yaml", global));
        }
        refused(&files)
    };
    let wrong = [
        // A filter that there is not, in the layer; then one that the global mapping has already.
        told(GLOBAL, "mappings: {hubspot: {contact: {fields: {city: town | lowr}}}}\n"),
        told(&GLOBAL.replace("lower", "lowr"), "mappings: {hubspot: {contact: {fields: {city: town}}}}\n"),
        // What the global mapping's `match` needs is left out.
        told(GLOBAL, "mappings: {hubspot: {contact: {fields: {email: null}}}}\n"),
        // There is nothing below; and null where nothing is below.
        told("", "mappings: {hubspot: {contact: {fields: {city: town}}}}\n"),
        told("object: contacts\nmatch: email\nfields: {email: email, phone: null}\n", ""),
        told("match: email\nfields: {email: email}\n", ""),
    ];
    insta::assert_snapshot!(wrong.join("\n"));
}

#[test]
fn given_a_layer_when_shown_then_each_part_says_where_it_is_from() {
    let set = load(&files(LAYER), FACTS).unwrap();
    let own = &set.orgs["acme"].mappings["hubspot"]["contact"];
    let global = &set.global.mappings["hubspot"]["contact"];
    let told = |parts: Vec<Part>| {
        let line = |part: Part| {
            let from = match part.origin {
                Origin::Org => "org",
                Origin::Global => "global",
                Origin::Default => "default",
            };
            format!("{from:8}{} {}", part.name, part.value)
        };
        parts.into_iter().map(line).collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(told(parts(Some(own), Some(global), &FACTS[0])), @r#"
    global  object "contacts"
    default key "rtr_record_id"
    default key_value "{record_id}"
    global  match "email"
    default write "upsert"
    global  when "email"
    org     fields.city "town"
    global  fields.email "email | lower"
    org     fields.firstname "name"
    org     fields.phone null
    default reference_wait "1h"
    org     on_delete "ignore"
    default on_missing "recreate"
    default on_unmatched "ignore"
    "#);
    let alone = load(&files(OVERRIDE), FACTS).unwrap().orgs["acme"].mappings["hubspot"]["contact"].clone();
    let names = |parts: Vec<Part>| parts.iter().filter(|part| part.origin == Origin::Global).count();
    assert_eq!(names(parts(Some(&alone), Some(global), &FACTS[0])), 0, "what names its object stands alone");
}

#[test]
fn given_cases_when_read_then_each_knows_its_mapping_and_its_lines() {
    let cases = "# ours\n- record: {email: A}\n  expect:\n    email: a\n- name: of acme\n  org: acme\n  record: {}\n  untouched: [phone,\n    city]\n";
    let mut files = files(LAYER);
    files.push(file("mappings/hubspot/tests/contact-more.yaml", cases));
    let lead = "    lead: {object: leads, match: email, fields: {email: email}}\n";
    files[1].text.push_str(lead);
    files.push(file("mappings/hubspot/tests/lead-of-acme.yaml", "record: {}\norg: acme\n"));
    let set = load(&files, FACTS).unwrap_or_else(|faults| panic!("{}", words(&faults)));
    let found = test_cases(&files, &set).unwrap();
    let types: Vec<&str> = found.iter().map(|cases| cases.record_type.as_str()).collect();
    assert_eq!(types, ["contact", "lead"], "one that an org alone has is known too");
    let [first, second] = found[0].cases.as_slice() else { panic!("two cases") };
    assert_eq!((first.name.as_str(), first.line, first.line_of("email")), ("case 1", 2, Some(4)));
    assert_eq!((second.line, second.line_of("phone"), second.line_of("city")), (5, Some(8), Some(9)));
    assert_eq!(set.mapping(None, "hubspot", "contact").unwrap().fields.len(), 3);
    let of_acme = set.mapping(Some("acme"), "hubspot", "contact").unwrap();
    assert_eq!(of_acme.fields.keys().collect::<Vec<_>>(), ["city", "email", "firstname"]);
    assert_eq!(set.mapping(Some("globex"), "hubspot", "contact"), set.mapping(None, "hubspot", "contact"));
    assert!(set.mapping(None, "hubspot", "lead").is_none());
}
