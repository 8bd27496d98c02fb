//! What a folder may say, and how it is told what is wrong.

use super::*;
use proptest::prelude::*;

#[test]
fn given_many_wrong_files_when_loaded_then_every_fault_of_every_file_is_told_at_its_place() {
    let org = "\
org: acme
conections: {}
connections:
  hubspot:
    prvider: hubspot
    mode: life
    limits: [{api: \"*\", requests: 0, per: 10 s}, {api: x, per: 1s}]
    reserve: {backfill: 20}
    base_url: [a]
routes:
  contact: hubspot
inbound: {target: {htp: {url: x}}}
";
    let semantic = "\
org: globex
connections:
  hubspott: {}
  sf: {provider: salesforc, base_url: api.example.com}
  hubspot: {}
routes:
  contact: [hubspott, hubspto]
  contct: [hubspot, hubspot]
mappings:
  hubspot:
    deal:
      object: deals
      fields:
        dealname: name | trim | truncat(5)
        amount: \"amount | nope\"
        note: |
          first ~
          last | lowr
        stage: {from: 'stage | ', map: {a: b}}
  hubspo: {}
";
    let files = [
        ("orgs/acme.yaml", org),
        ("orgs/globex.yaml", semantic),
        ("orgs/broken.yaml", "org: [x\n"),
        ("orgs/twice.yaml", "org: globex\n"),
        ("orgs/all.yaml", "org: \"*\"\nconnections: {hubspot: {}}\n"),
        ("mappings/hubspot/contact.yaml", CONTACT),
        ("mappings/hubspto/contact.yaml", CONTACT),
        (
            "mappings/hubspot/lead.yaml",
            "object: leads\nfields:\n  email: {frm: email}\n  n: 5\nwhen: 1\non_delete: archve\n",
        ),
        ("mappings/hubspot/tests/contact.yaml", "- record: {}\n  expects: {}\n"),
        ("mappings/hubspot/contact.yml", CONTACT),
        ("mapping/hubspot/contact.yaml", CONTACT),
        ("README.md", "not looked at"),
    ];
    insta::assert_snapshot!(refused(&files), @"
    config/mapping/hubspot/contact.yaml:1:1: this file has no place here; there are orgs/<org>.yaml, mappings/<provider>/<record_type>.yaml, mappings/<provider>/tests/<name>.yaml, and crm/<org>/<connection>/<object>.json (RTR2001)
    config/mappings/hubspot/contact.yml:1:1: this mapping has a file already, mappings/hubspot/contact.yaml; keep one (RTR2004)
    config/mappings/hubspot/lead.yaml:3:11: unknown field `frm`; did you mean `from`? (RTR2001)
    config/mappings/hubspot/lead.yaml:4:6: expected a text or an object, found `5`; in quotes it is a text (RTR2001)
    config/mappings/hubspot/lead.yaml:5:7: expected a text, found `1`; in quotes it is a text (RTR2001)
    config/mappings/hubspot/lead.yaml:6:12: expected `archive` or `ignore` or `erase` or `set: …`, found `archve`; did you mean `archive`? (RTR2001)
    config/mappings/hubspot/tests/contact.yaml:2:3: unknown field `expects`; did you mean `expect`? (RTR2001)
    config/mappings/hubspto/contact.yaml:1:1: unknown provider `hubspto` (the name of the file's folder); did you mean `hubspot`? (RTR2007)
    config/orgs/acme.yaml:2:1: unknown field `conections`; did you mean `connections`? (RTR2001)
    config/orgs/acme.yaml:5:5: unknown field `prvider`; did you mean `provider`? (RTR2001)
    config/orgs/acme.yaml:6:11: expected `live` or `shadow` or `paused`, found `life`; did you mean `live`? (RTR2001)
    config/orgs/acme.yaml:7:35: expected a number of at least 1, found 0 (RTR2001)
    config/orgs/acme.yaml:7:43: `10 s` is not a length of time: the unit is one of ms, s, m, h and d, such as 10s (RTR2001)
    config/orgs/acme.yaml:7:50: `requests` is missing; add it (RTR2001)
    config/orgs/acme.yaml:8:25: expected a share such as 20%, found `20` (RTR2001)
    config/orgs/acme.yaml:9:15: expected a text, found a list (RTR2001)
    config/orgs/acme.yaml:11:12: expected a list, found `hubspot` (RTR2001)
    config/orgs/acme.yaml:12:20: expected `http: …` or `sqs: …` or `eventbridge: …` or `lambda: …`, found `htp: …`; did you mean `http`? (RTR2001)
    config/orgs/all.yaml:2:1: org `*` has routes and a source only; `connections` belongs to an org, global mappings to mappings/<provider>/ (RTR2004)
    config/orgs/broken.yaml:1:6: not valid YAML: this bracket is never closed (RTR2001)
    config/orgs/globex.yaml:3:3: unknown provider `hubspott` (the connection's id stands for it; add `provider: …`); did you mean `hubspot`? (RTR2007)
    config/orgs/globex.yaml:4:18: unknown provider `salesforc`; did you mean `salesforce`? (RTR2007)
    config/orgs/globex.yaml:4:39: `api.example.com` is no address; write one such as https://api.example.com (RTR2001)
    config/orgs/globex.yaml:7:23: the org has no connection `hubspto`; it has `hubspot`, `hubspott` and `sf`; did you mean `hubspot`? (RTR2002)
    config/orgs/globex.yaml:8:12: hubspot has no mapping for `contct`; add mappings/hubspot/contct.yaml, or take the connection out; did you mean `contact`? (RTR2006)
    config/orgs/globex.yaml:8:21: `hubspot` stands twice in this route (RTR2004)
    config/orgs/globex.yaml:14:33: field `dealname`: unknown filter `truncat`; did you mean `truncate`? (RTR2003)
    config/orgs/globex.yaml:15:27: field `amount`: unknown filter `nope` (RTR2003)
    config/orgs/globex.yaml:18:18: field `note`: unknown filter `lowr`; did you mean `lower`? (RTR2003)
    config/orgs/globex.yaml:19:32: field `stage`: expected the name of a filter, found the end (RTR2003)
    config/orgs/globex.yaml:20:3: unknown provider `hubspo`; did you mean `hubspot`? (RTR2007)
    config/orgs/twice.yaml:1:6: org `globex` has a file already, orgs/globex.yaml; keep one (RTR2004)
    ");
}

#[test]
fn given_two_mappings_for_one_object_when_loaded_then_they_are_refused_unless_their_keys_differ() {
    let lead = "object: contacts\nfields:\n  email: email\n";
    insta::assert_snapshot!(refused(&[("mappings/hubspot/contact.yaml", CONTACT), ("mappings/hubspot/lead.yaml", lead)]), @r#"
    config/mappings/hubspot/contact.yaml:1:1: a contact and a lead could get one `rtr_record_id` in `contacts` and overwrite each other; write key_value: "{record_type}:{record_id}" in both (the other one: mappings/hubspot/lead.yaml:1:1) (RTR2004)
    config/mappings/hubspot/lead.yaml:1:1: a contact and a lead could get one `rtr_record_id` in `contacts` and overwrite each other; write key_value: "{record_type}:{record_id}" in both (the other one: mappings/hubspot/contact.yaml:1:1) (RTR2004)
    "#);
    let typed = |text: &str| format!("key_value: \"{{record_type}}:{{record_id}}\"\n{text}");
    loaded(&[
        ("mappings/hubspot/contact.yaml", &typed(CONTACT)),
        ("mappings/hubspot/lead.yaml", &typed(lead)),
    ]);
    let own = "org: acme\nconnections: {hubspot: {}}\nmappings:\n  hubspot:\n    lead:\n      object: contacts\n      fields: {email: email}\n";
    insta::assert_snapshot!(refused(&[("mappings/hubspot/contact.yaml", CONTACT), ("orgs/acme.yaml", own)]), @r#"
    config/mappings/hubspot/contact.yaml:1:1: a lead and a contact could get one `rtr_record_id` in `contacts` and overwrite each other; write key_value: "{record_type}:{record_id}" in both (the other one: orgs/acme.yaml:6:7) (RTR2004)
    config/orgs/acme.yaml:6:7: a lead and a contact could get one `rtr_record_id` in `contacts` and overwrite each other; write key_value: "{record_type}:{record_id}" in both (the other one: mappings/hubspot/contact.yaml:1:1) (RTR2004)
    "#);
}

#[test]
fn given_references_to_types_without_a_mapping_when_loaded_then_they_are_refused_with_what_was_meant() {
    let with = |field: &str| format!("{CONTACT}  {field}\n");
    let company = "object: companies\nfields:\n  name: name\n";
    let own = "org: acme\nconnections: {hubspot: {}}\nmappings:\n  hubspot:\n    deal:\n      object: deals\n      fields:\n        \
               owner: {reference: person, id: owner_id}\n        company: {reference: company, id: company_id}\n";
    insta::assert_snapshot!(refused(&[
        ("mappings/hubspot/contact.yaml", &with("company: {reference: compnay, id: company_id}")),
        ("mappings/hubspot/company.yaml", company),
        ("orgs/acme.yaml", own),
    ]), @r"
    config/mappings/hubspot/contact.yaml:5:24: field `company`: hubspot has no mapping for `compnay`, so that its records are never linked; there is one for `company`, `contact` and `deal`; did you mean `company`? (RTR2002)
    config/orgs/acme.yaml:8:28: field `owner`: hubspot has no mapping for `person`, so that its records are never linked; there is one for `company`, `contact` and `deal` (RTR2002)
    ");
    // A type that some org brings, and a folder that relies on what is stored, are fine.
    let deal = with("deal: {reference: deal, id: deal_id}");
    let own = own.replace("person", "deal");
    loaded(&[
        ("mappings/hubspot/contact.yaml", &deal),
        ("mappings/hubspot/company.yaml", company),
        ("orgs/acme.yaml", &own),
    ]);
    loaded(&[("orgs/acme.yaml", &own)]);
}

#[test]
fn given_a_folder_without_global_mappings_when_loaded_then_routes_rely_on_what_is_stored() {
    let org = "org: acme\nconnections:\n  hubspot:\nroutes: {contact: [hubspot]}\nmappings:\n";
    assert_eq!(loaded(&[("orgs/acme.yaml", org)]).orgs["acme"].routes["contact"], ["hubspot"]);
    let faults = refused(&[
        ("orgs/acme.yaml", &org.replace("contact", "contac")),
        ("mappings/hubspot/contact.yaml", CONTACT),
    ]);
    insta::assert_snapshot!(faults, @"config/orgs/acme.yaml:4:19: hubspot has no mapping for `contac`; add mappings/hubspot/contac.yaml, or take the connection out; did you mean `contact`? (RTR2006)");
}

proptest! {
    #[test]
    fn given_any_text_for_a_file_when_loaded_then_it_is_told_what_is_wrong_and_nothing_panics(
        text in "([a-z*]{1,9}(: |:\n  |, |\n)|[\\[\\]{}\"'|&*!%#-]| |\\PC){0,40}", path in prop::sample::select(vec![
            "orgs/a.yaml", "mappings/hubspot/contact.yaml", "mappings/hubspot/tests/contact.yaml",
        ]),
    ) {
        for fault in load(&[file(path, &text)], FACTS).err().into_iter().flatten() {
            prop_assert!(fault.line >= 1 && fault.column >= 1 && !fault.message.is_empty());
        }
    }
}
