//! Parts that are right by themselves and cannot hold together.

use super::*;

pub(super) fn cases() -> Vec<Wrong> {
    vec![
        Wrong::mapping("two types with one key in one object", "fields: {email: email}")
            .and("mappings/hubspot/lead.yaml", CONTACT),
        Wrong::mapping("a mapping in two files", "fields: {email: email}")
            .and("mappings/hubspot/contact.yml", CONTACT),
        Wrong::mapping(
            "the same key value for every record",
            "key_value: \"{org_id}\"\nfields:\n  email: email",
        ),
        Wrong::mapping("a brace that is left open", "key_value: \"{record_id\"\nfields:\n  email: email"),
        Wrong::mapping("a field that is the key", "key: email\nfields:\n  email: email"),
        Wrong::mapping("a field that is the marker", "key: none\nmarker: ref\nfields:\n  ref: id"),
        Wrong::mapping("no way to find what was made", "key: none\nfields:\n  email: email"),
        Wrong::mapping("a key without a name", "key: \"\"\nfields:\n  email: email"),
        Wrong::file(
            "an object without a name",
            "mappings/hubspot/company.yaml",
            "object: \" \"\nfields: {name: name}\n",
        ),
        Wrong::mapping(
            "a match that is not written from the record",
            "match: city\nfields:\n  city: {from: city, direction: in}",
        ),
        Wrong::field(
            "an expression that cannot be followed back",
            "city: {from: address.city | upper, direction: both}",
        ),
        Wrong::field(
            "two entries with one way back",
            "stage: {from: stage, direction: both, map: {won: customer, paid: customer}}",
        ),
        Wrong::field("a reference that flows back", "c: {reference: contact, id: c, direction: both}"),
        Wrong::field("a reference with a map", "c: {reference: contact, id: c, map: {a: b}}"),
        Wrong::field("a reference without its id", "c: {reference: contact}"),
        Wrong::field("an id without its reference", "c: {from: c, id: company_id}"),
        Wrong::field("a field that nothing fills", "c: {on: create}"),
        Wrong::mapping("nothing that is set", "fields: {email: email}\non_delete: {set: {}}"),
    ]
}

#[test]
fn given_parts_that_contradict_each_other_when_checked_then_both_are_told() {
    insta::assert_snapshot!(shown(&cases()), @r#"
    — two types with one key in one object
    config/mappings/hubspot/contact.yaml:1:1: RTR2004 a contact and a lead could get one `rtr_record_id` in `contacts` and overwrite each other; write key_value: "{record_type}:{record_id}" in both (the other one: mappings/hubspot/lead.yaml:1:1)
      1 | object: contacts
        | ^
    config/mappings/hubspot/lead.yaml:1:1: RTR2004 a contact and a lead could get one `rtr_record_id` in `contacts` and overwrite each other; write key_value: "{record_type}:{record_id}" in both (the other one: mappings/hubspot/contact.yaml:1:1)
      1 | object: contacts
        | ^

    — a mapping in two files
    config/mappings/hubspot/contact.yml:1:1: RTR2004 this mapping has a file already, mappings/hubspot/contact.yaml; keep one
      1 | object: contacts
        | ^

    — the same key value for every record
    config/mappings/hubspot/contact.yaml:2:12: RTR2003 every record would get one key value: {record_id} is missing
      2 | key_value: "{org_id}"
        |            ^

    — a brace that is left open
    config/mappings/hubspot/contact.yaml:2:12: RTR2003 the `{` has no closing `}`
      2 | key_value: "{record_id"
        |            ^

    — a field that is the key
    config/mappings/hubspot/contact.yaml:4:10: RTR2004 field `email`: this is the key property, which holds our record id; map another one
      4 |   email: email
        |          ^

    — a field that is the marker
    config/mappings/hubspot/contact.yaml:5:8: RTR2004 field `ref`: this is the marker, which holds our record id; map another property
      5 |   ref: id
        |        ^

    — no way to find what was made
    config/mappings/hubspot/contact.yaml:2:6: RTR2004 without a unique key nothing could find a create whose answer was lost; add `match: <a mapped field>`, or `marker: <a property that may hold our record id>`
      2 | key: none
        |      ^

    — a key without a name
    config/mappings/hubspot/contact.yaml:2:6: RTR2004 the key has no name; write the CRM's unique property, or none
      2 | key: ""
        |      ^
    config/mappings/hubspot/contact.yaml:2:6: RTR2004 without a unique key nothing could find a create whose answer was lost; add `match: <a mapped field>`, or `marker: <a property that may hold our record id>`
      2 | key: ""
        |      ^

    — an object without a name
    config/mappings/hubspot/company.yaml:1:9: RTR2004 the object has no name; write the provider's name, such as contacts
      1 | object: " "
        |         ^

    — a match that is not written from the record
    config/mappings/hubspot/contact.yaml:2:8: RTR2004 `match` needs a field that is written from the record's own values
      2 | match: city
        |        ^

    — an expression that cannot be followed back
    config/mappings/hubspot/contact.yaml:3:49: RTR2004 field `city`: only a plain path such as address.city flows back; make `from` one, or write direction: out
      3 |   city: {from: address.city | upper, direction: both}
        |                                                 ^

    — two entries with one way back
    config/mappings/hubspot/contact.yaml:3:35: RTR2004 field `stage`: `paid` and `won` of `map` write the same value, so the way back is not clear; write direction: out
      3 |   stage: {from: stage, direction: both, map: {won: customer, paid: customer}}
        |                                   ^

    — a reference that flows back
    config/mappings/hubspot/contact.yaml:3:45: RTR2004 field `c`: a reference flows out only; take `direction` away
      3 |   c: {reference: contact, id: c, direction: both}
        |                                             ^

    — a reference with a map
    config/mappings/hubspot/contact.yaml:3:6: RTR2004 field `c`: a reference takes `id` and `association`, not `from`, `map` or `default`
      3 |   c: {reference: contact, id: c, map: {a: b}}
        |      ^

    — a reference without its id
    config/mappings/hubspot/contact.yaml:3:18: RTR2004 field `c`: a reference needs `id`, an expression for the referenced record's id, such as id: company_id
      3 |   c: {reference: contact}
        |                  ^

    — an id without its reference
    config/mappings/hubspot/contact.yaml:3:20: RTR2004 field `c`: `id` belongs to a reference; add `reference: <record type>`, or take `id` away
      3 |   c: {from: c, id: company_id}
        |                    ^

    — a field that nothing fills
    config/mappings/hubspot/contact.yaml:3:6: RTR2004 field `c`: the field has neither `from` nor `reference`, so nothing fills it
      3 |   c: {on: create}
        |      ^

    — nothing that is set
    config/mappings/hubspot/contact.yaml:3:18: RTR2004 nothing is set; name a property and its value, or write ignore
      3 | on_delete: {set: {}}
        |                  ^
    "#);
}
