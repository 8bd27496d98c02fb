//! Mappings against what the connection's CRM describes.

use super::*;
use crate::mapping::Property;

fn crm() -> Description {
    let property = |name: &str, kind: &str| Property {
        name: name.to_owned(),
        kind: kind.to_owned(),
        ..Property::default()
    };
    let choice = |name: &str, options: &[&str]| Property {
        options: options.iter().map(|option| (*option).to_owned()).collect(),
        ..property(name, "enumeration")
    };
    let properties = [
        property("email", "string"),
        property("firstname", "string"),
        Property { unique: true, ..property("rtr_record_id", "string") },
        Property { writable: false, ..property("createdate", "datetime") },
        Property { searchable: false, ..property("notes", "textarea") },
        Property { refers_to: vec!["users".to_owned()], ..property("owner", "reference") },
        choice("lifecyclestage", &["lead", "customer", "other"]),
        choice("industry", &["BANKING", "RETAIL"]),
    ];
    Description::new("acme", "hubspot", "contacts", &properties)
}

fn against(what: &'static str, mapping: &str) -> Wrong {
    let org = "org: acme\nconnections: {hubspot: {}}\nroutes: {contact: [hubspot]}\n";
    Wrong::mapping(what, mapping).and("orgs/acme.yaml", org).and(&crm().path(), &crm().text())
}

pub(super) fn cases() -> Vec<Wrong> {
    let own = "org: acme\nconnections: {hubspot: {}}\nmappings:\n  hubspot:\n    contact:\n      fields:\n        emial: mail\n";
    vec![
        against("a property that the CRM does not have", "fields:\n  fristname: first"),
        against("a property that nobody may write", "fields:\n  createdate: at"),
        against(
            "a value that is no option",
            "fields:\n  lifecyclestage: {from: stage, map: {a: lead, b: custmer}}",
        ),
        against("a default that is no option", "fields:\n  lifecyclestage: {from: stage, default: fresh}"),
        against(
            "a value of a table that is no option",
            "fields:\n  industry: 'i | lookup({\"bank\": \"BANKNG\", \"shop\": \"RETAIL\"})'",
        ),
        against("a key that is not unique", "key: firstname\nfields:\n  email: email"),
        against("a match that cannot be searched by", "match: notes\nfields:\n  notes: notes"),
        against("a marker that the CRM does not have", "key: none\nmarker: ours\nfields: {email: email}"),
        against("a reference to another object", "fields:\n  owner: {reference: contact, id: owner_id}"),
        against(
            "a property that is set on deletion",
            "fields: {email: email}\non_delete: {set: {status: gone}}",
        ),
        Wrong::mapping("a property that the CRM does not have, in a layer", "fields: {email: email}")
            .and("orgs/acme.yaml", own)
            .and(&crm().path(), &crm().text()),
        Wrong::file(
            "a description that is none",
            "crm/acme/hubspot/contacts.json",
            "{\"org\": \"acme\",\n \"object\": 5}\n",
        ),
    ]
}

#[test]
fn given_mappings_that_the_crm_does_not_take_when_checked_then_it_is_told_who_says_so() {
    insta::assert_snapshot!(shown(&cases()), @r#"
    — a property that the CRM does not have
    config/mappings/hubspot/contact.yaml:3:3: RTR2002 field `fristname`: the CRM has no such property (so says crm/acme/hubspot/contacts.json; `rtr connection test acme hubspot --save` renews it); did you mean `firstname`?
      3 |   fristname: first
        |   ^

    — a property that nobody may write
    config/mappings/hubspot/contact.yaml:3:3: RTR2004 field `createdate`: the CRM does not let this property be written: take it out of the mapping (so says crm/acme/hubspot/contacts.json; `rtr connection test acme hubspot --save` renews it)
      3 |   createdate: at
        |   ^

    — a value that is no option
    config/mappings/hubspot/contact.yaml:3:51: RTR3001 field `lifecyclestage`: the mapping writes `custmer`, which is none of the options of this property (enumeration) (so says crm/acme/hubspot/contacts.json; `rtr connection test acme hubspot --save` renews it); did you mean `customer`?
      3 |   lifecyclestage: {from: stage, map: {a: lead, b: custmer}}
        |                                                   ^

    — a default that is no option
    config/mappings/hubspot/contact.yaml:3:42: RTR3001 field `lifecyclestage`: the mapping writes `fresh`, which is none of the options of this property (enumeration); it takes `customer`, `lead` and `other` (so says crm/acme/hubspot/contacts.json; `rtr connection test acme hubspot --save` renews it)
      3 |   lifecyclestage: {from: stage, default: fresh}
        |                                          ^

    — a value of a table that is no option
    config/mappings/hubspot/contact.yaml:3:13: RTR3001 field `industry`: the mapping writes `BANKNG`, which is none of the options of this property (enumeration) (so says crm/acme/hubspot/contacts.json; `rtr connection test acme hubspot --save` renews it); did you mean `BANKING`?
      3 |   industry: 'i | lookup({"bank": "BANKNG", "shop": "RETAIL"})'
        |             ^

    — a key that is not unique
    config/mappings/hubspot/contact.yaml:2:6: RTR2004 `firstname`: this property holds our record id, but the CRM does not keep its values unique: name another in the mapping's `key`, and rtr connection setup makes it (so says crm/acme/hubspot/contacts.json; `rtr connection test acme hubspot --save` renews it)
      2 | key: firstname
        |      ^

    — a match that cannot be searched by
    config/mappings/hubspot/contact.yaml:2:8: RTR2004 `notes`: records cannot be searched by this property (textarea): name another in the mapping's `match` (so says crm/acme/hubspot/contacts.json; `rtr connection test acme hubspot --save` renews it)
      2 | match: notes
        |        ^

    — a marker that the CRM does not have
    config/mappings/hubspot/contact.yaml:3:9: RTR2002 `ours`: the marker that holds our record id is missing. Make a text property `ours` there (so says crm/acme/hubspot/contacts.json; `rtr connection test acme hubspot --save` renews it)
      3 | marker: ours
        |         ^

    — a reference to another object
    config/mappings/hubspot/contact.yaml:3:22: RTR2004 field `owner`: the property refers to `users`, and `contact` is written to contacts (so says crm/acme/hubspot/contacts.json; `rtr connection test acme hubspot --save` renews it)
      3 |   owner: {reference: contact, id: owner_id}
        |                      ^

    — a property that is set on deletion
    config/mappings/hubspot/contact.yaml:3:19: RTR2002 `status`: the CRM has no such property (so says crm/acme/hubspot/contacts.json; `rtr connection test acme hubspot --save` renews it)
      3 | on_delete: {set: {status: gone}}
        |                   ^

    — a property that the CRM does not have, in a layer
    config/orgs/acme.yaml:7:9: RTR2002 field `emial`: the CRM has no such property (so says crm/acme/hubspot/contacts.json; `rtr connection test acme hubspot --save` renews it); did you mean `email`?
      7 |         emial: mail
        |         ^

    — a description that is none
    config/crm/acme/hubspot/contacts.json:2:12: RTR2001 this is not what rtr connection test writes: invalid type: integer `5`, expected a string; write it anew with rtr connection test ORG CONNECTION --save
      2 |  "object": 5}
        |            ^
    "#);
}

#[test]
fn given_mappings_that_fit_or_go_elsewhere_when_checked_then_nothing_is_wrong() {
    let fits = "fields:\n  email: email\n  lifecyclestage: {from: stage, map: {a: lead}, default: other}";
    // A key that is not there yet is made from what is applied.
    for lines in [fits, "key: other_key\nfields: {email: email}"] {
        assert!(against("", lines).faults().is_empty(), "{lines}");
    }
    // Another org's contacts, and a type that does not go there, are not held against it.
    let mut other = against("", "fields:\n  fristname: first");
    other.files[1].text = other.files[1].text.replace("org: acme", "org: globex");
    assert!(other.faults().is_empty());
    let mut unrouted = against("", "fields: {email: email}")
        .and("mappings/hubspot/lead.yaml", "object: contacts\nkey: lead_id\nfields: {nope: nope}\n");
    assert!(unrouted.faults().is_empty());
    unrouted.files[1].text = unrouted.files[1].text.replace("{contact: ", "{lead: [hubspot], contact: ");
    assert_eq!(unrouted.faults().len(), 1);
}
