//! Files that cannot be read, or have the wrong shape.

use super::*;

pub(super) fn cases() -> Vec<Wrong> {
    vec![
        Wrong::mapping("a bracket that is left open", "fields: {email: email"),
        Wrong::mapping("a tab", "fields:\n\temail: email"),
        Wrong::mapping("a key twice", "fields:\n  email: email\n  email: mail"),
        Wrong::mapping("a quote that is left open", "fields:\n  email: \"email"),
        Wrong::mapping("indentation that fits nothing", "fields:\n    email: email\n  phone: phone"),
        Wrong::mapping("an alias of nothing", "fields: *shared"),
        Wrong::field("a colon in a text", "note: \"Note\" ~ a: b"),
        Wrong::mapping("a condition that is no text", "when: false\nfields:\n  email: email"),
        Wrong::mapping("two documents", "fields: {email: email}\n---\nobject: companies"),
        Wrong::file("an empty file", "mappings/hubspot/contact.yaml", ""),
        Wrong::file(
            "a mapping without its object",
            "mappings/hubspot/contact.yaml",
            "fields:\n  email: email\n",
        ),
        Wrong::field("a misspelt setting of a field", "email: {frm: email}"),
        Wrong::mapping("a setting that is none", "colour: red"),
        Wrong::field("a list for an expression", "email: [email]"),
        Wrong::field("a number for an expression", "email: {from: 5}"),
        Wrong::mapping("a word that is none of those", "fields: {email: email}\non_delete: archve"),
        Wrong::mapping("a shape that is none of those", "fields: {email: email}\non_delete: {sett: {a: b}}"),
        Wrong::mapping("truth for a word", "fields: {email: email}\nwrite: true"),
        Wrong::mapping(
            "a length of time without its unit",
            "fields:\n  c: {reference: contact, id: c}\nreference_wait: 10",
        ),
        Wrong::mapping(
            "a length of time with another unit",
            "fields:\n  c: {reference: contact, id: c}\nreference_wait: 2 hours",
        ),
        Wrong::mapping(
            "a length of time of nothing",
            "fields:\n  c: {reference: contact, id: c}\nreference_wait: 0s",
        ),
        Wrong::file("a file in no place", "mapping/hubspot/contact.yaml", "object: contacts\n"),
        Wrong::file(
            "cases without a record",
            "mappings/hubspot/tests/contact.yaml",
            "- name: first\n  expect: {}\n",
        ),
    ]
}

#[test]
fn given_files_of_the_wrong_shape_when_checked_then_a_person_sees_what_and_where() {
    insta::assert_snapshot!(shown(&cases()), @r#"
    — a bracket that is left open
    config/mappings/hubspot/contact.yaml:2:9: RTR2001 not valid YAML: this bracket is never closed
      2 | fields: {email: email
        |         ^

    — a tab
    config/mappings/hubspot/contact.yaml:3:2: RTR2001 not valid YAML: a tab stands here; indent with spaces
      3 |     email: email
        |     ^

    — a key twice
    config/mappings/hubspot/contact.yaml:4:3: RTR2001 the key `email` stands twice here; keep one of them
      4 |   email: mail
        |   ^

    — a quote that is left open
    config/mappings/hubspot/contact.yaml:3:10: RTR2001 not valid YAML: this quote is never closed
      3 |   email: "email
        |          ^

    — indentation that fits nothing
    config/mappings/hubspot/contact.yaml:4:3: RTR2001 not valid YAML: this line is indented like none of those above it, or something above it is not ended
      4 |   phone: phone
        |   ^

    — an alias of nothing
    config/mappings/hubspot/contact.yaml:2:9: RTR2001 not valid YAML: `*` stands for something that `&` names above, and nothing does; put a text that begins with `*` in quotes
      2 | fields: *shared
        |         ^

    — a colon in a text
    config/mappings/hubspot/contact.yaml:3:16: RTR2001 not valid YAML: something stands behind the closing quote; put the whole text in quotes of the other kind, `'` or `"`
      3 |   note: "Note" ~ a: b
        |                ^

    — a condition that is no text
    config/mappings/hubspot/contact.yaml:2:7: RTR2001 expected a text, found `false`; in quotes it is a text
      2 | when: false
        |       ^

    — two documents
    config/mappings/hubspot/contact.yaml:4:1: RTR2001 not valid YAML: a second document begins here; take the line `---` above away, or make it a file of its own
      4 | object: companies
        | ^

    — an empty file
    config/mappings/hubspot/contact.yaml:1:1: RTR2001 expected an object, found nothing

    — a mapping without its object
    config/mappings/hubspot/contact.yaml:1:1: RTR2001 `object` is missing; add it
      1 | fields:
        | ^

    — a misspelt setting of a field
    config/mappings/hubspot/contact.yaml:3:11: RTR2001 unknown field `frm`; did you mean `from`?
      3 |   email: {frm: email}
        |           ^

    — a setting that is none
    config/mappings/hubspot/contact.yaml:2:1: RTR2001 unknown field `colour`; there are `fields`, `key`, `key_value`, `marker`, `match`, `object`, `on_delete`, `on_missing`, `on_unmatched`, `reference_wait`, `when` and `write`
      2 | colour: red
        | ^

    — a list for an expression
    config/mappings/hubspot/contact.yaml:3:10: RTR2001 expected a text or an object, found a list
      3 |   email: [email]
        |          ^

    — a number for an expression
    config/mappings/hubspot/contact.yaml:3:17: RTR2001 expected a text, found `5`; in quotes it is a text
      3 |   email: {from: 5}
        |                 ^

    — a word that is none of those
    config/mappings/hubspot/contact.yaml:3:12: RTR2001 expected `archive` or `ignore` or `erase` or `set: …`, found `archve`; did you mean `archive`?
      3 | on_delete: archve
        |            ^

    — a shape that is none of those
    config/mappings/hubspot/contact.yaml:3:13: RTR2001 expected `archive` or `ignore` or `erase` or `set: …`, found `sett: …`; did you mean `set`?
      3 | on_delete: {sett: {a: b}}
        |             ^

    — truth for a word
    config/mappings/hubspot/contact.yaml:3:8: RTR2001 expected `upsert` or `create` or `update`, found `true`
      3 | write: true
        |        ^

    — a length of time without its unit
    config/mappings/hubspot/contact.yaml:4:17: RTR2001 expected a length of time such as 10s, found `10`
      4 | reference_wait: 10
        |                 ^

    — a length of time with another unit
    config/mappings/hubspot/contact.yaml:4:17: RTR2001 `2 hours` is not a length of time: the unit is one of ms, s, m, h and d, such as 10s
      4 | reference_wait: 2 hours
        |                 ^

    — a length of time of nothing
    config/mappings/hubspot/contact.yaml:4:17: RTR2001 `0s` is not a length of time: it must be longer than nothing
      4 | reference_wait: 0s
        |                 ^

    — a file in no place
    config/mapping/hubspot/contact.yaml:1:1: RTR2001 this file has no place here; there are orgs/<org>.yaml, mappings/<provider>/<record_type>.yaml, mappings/<provider>/tests/<name>.yaml, and crm/<org>/<connection>/<object>.json
      1 | object: contacts
        | ^

    — cases without a record
    config/mappings/hubspot/tests/contact.yaml:1:3: RTR2001 `record` is missing; add it
      1 | - name: first
        |   ^
    "#);
}
