//! Rules that are never reached, and settings for what the mapping does not do.

use super::*;

pub(super) fn cases() -> Vec<Wrong> {
    vec![
        Wrong::field(
            "a key that a filter never gives",
            "stage: {from: stage | lower, map: {Lead: lead, won: customer}}",
        ),
        Wrong::field("a key that is no whole number", "n: {from: n | int, map: {\"1.5\": a, \"2\": b}}"),
        Wrong::field(
            "a key that no branch gives",
            "stage: {from: '\"a\" if won else \"b\"', map: {a: x, b: y, c: z}}",
        ),
        Wrong::field(
            "a key of a table that never comes",
            "stage: 'stage | upper | lookup({\"won\": \"customer\"})'",
        ),
        Wrong::field("a map without entries", "stage: {from: stage, map: {}}"),
        Wrong::field("a map of what is always the same", "stage: {from: '\"lead\"', map: {lead: x, won: y}}"),
        Wrong::field(
            "a default beside a full map",
            "flag: {from: a is defined, map: {\"true\": x, \"false\": y}, default: z}",
        ),
        Wrong::field(
            "a default of what is never missing",
            "name: {from: 'name | default(\"?\")', default: nobody}",
        ),
        Wrong::field("an empty default", "name: {from: name, default: null}"),
        Wrong::field("a default after a default", "name: 'name | default(\"a\") | default(\"b\")'"),
        Wrong::field("a fallback after a constant", "name: coalesce(name, \"x\", nick)"),
        Wrong::field("an `or` after a constant", "name: '\"x\" or name'"),
        Wrong::field("a condition that is always the same", "name: 'first if \"status\" else last'"),
        Wrong::field("a condition that stood before", "s: '\"a\" if x == 1 else \"b\" if x == 1 else \"c\"'"),
        Wrong::field("a comparison in the wrong case", "won: 'stage | lower == \"Won\"'"),
        Wrong::field("a comparison of a number with a text", "won: '(stage | int) == \"1\"'"),
        Wrong::field("an item in the wrong case", "won: '(stage | lower) in [\"won\", \"Closed\"]'"),
        Wrong::field("a test whose answer is known", "has: (a ~ b) is number"),
        Wrong::field("a key twice in a table", "s: 's | lookup({\"a\": 1, \"a\": 2})'"),
        Wrong::field("a value that is never there", "name: '{\"a\": 1}.b'"),
        Wrong::mapping(
            "a condition for every record",
            "when: '\"status != draft\"'\nfields:\n  email: email",
        ),
        Wrong::mapping("a condition that is never met", "when: 'false'\nfields:\n  email: email"),
        Wrong::mapping(
            "a rule for what does not match, without `when`",
            "fields: {email: email}\non_unmatched: delete",
        ),
        Wrong::mapping("a wait for no reference", "fields: {email: email}\nreference_wait: 1h"),
        Wrong::mapping(
            "a key value without a key",
            "key: none\nkey_value: \"{record_type}:{record_id}\"\nmatch: email\nfields: {email: email}",
        ),
        Wrong::mapping("a marker beside a key", "marker: ours\nfields: {email: email}"),
        Wrong::field("who wins where one side writes", "name: {from: name, wins: newest}"),
        Wrong::field(
            "when it is written, of a field that never is",
            "name: {from: name, direction: in, on: create}",
        ),
        Wrong::mapping(
            "a field on create only, of what is never created",
            "write: update\nfields:\n  notes: {from: notes, on: create}",
        ),
        Wrong::field(
            "an association on create only",
            "c: {reference: contact, id: c, association: default, on: create}",
        ),
        Wrong::field(
            "an association that is emptied",
            "c: {reference: contact, id: c, association: default, null: clear}",
        ),
        Wrong::field(
            "a rule for an empty value that never is",
            "name: {from: name, default: x, null: ignore}",
        ),
    ]
}

#[test]
fn given_rules_without_effect_when_checked_then_a_person_sees_why_they_have_none() {
    insta::assert_snapshot!(shown(&cases()), @r#"
    — a key that a filter never gives
    config/mappings/hubspot/contact.yaml:3:38: RTR2010 field `stage`: the expression never gives `Lead`, so that this entry is never used; mend the key, or take it away; did you mean `lead`?
      3 |   stage: {from: stage | lower, map: {Lead: lead, won: customer}}
        |                                      ^

    — a key that is no whole number
    config/mappings/hubspot/contact.yaml:3:28: RTR2010 field `n`: the expression never gives `1.5`, so that this entry is never used; mend the key, or take it away
      3 |   n: {from: n | int, map: {"1.5": a, "2": b}}
        |                            ^

    — a key that no branch gives
    config/mappings/hubspot/contact.yaml:3:58: RTR2010 field `stage`: the expression never gives `c`, so that this entry is never used; mend the key, or take it away
      3 |   stage: {from: '"a" if won else "b"', map: {a: x, b: y, c: z}}
        |                                                          ^

    — a key of a table that never comes
    config/mappings/hubspot/contact.yaml:3:35: RTR2010 field `stage`: the value that is looked up is never `won`; mend the key, or take it away
      3 |   stage: 'stage | upper | lookup({"won": "customer"})'
        |                                   ^

    — a map without entries
    config/mappings/hubspot/contact.yaml:3:29: RTR2010 field `stage`: `map` lists nothing; write value: what to write, or take it away
      3 |   stage: {from: stage, map: {}}
        |                             ^

    — a map of what is always the same
    config/mappings/hubspot/contact.yaml:3:17: RTR2010 field `stage`: the value is the same for every record, and so is what `map` makes of it; write that instead
      3 |   stage: {from: '"lead"', map: {lead: x, won: y}}
        |                 ^

    — a default beside a full map
    config/mappings/hubspot/contact.yaml:3:60: RTR2010 field `flag`: `map` lists everything that the expression gives, so that `default` is never used; take it away
      3 |   flag: {from: a is defined, map: {"true": x, "false": y}, default: z}
        |                                                            ^

    — a default of what is never missing
    config/mappings/hubspot/contact.yaml:3:39: RTR2010 field `name`: the expression always gives a value, so that `default` is never used; take it away
      3 |   name: {from: 'name | default("?")', default: nobody}
        |                                       ^

    — an empty default
    config/mappings/hubspot/contact.yaml:3:22: RTR2010 field `name`: without `map` an empty `default` changes nothing; write the value that is meant, or take it away
      3 |   name: {from: name, default: null}
        |                      ^

    — a default after a default
    config/mappings/hubspot/contact.yaml:3:32: RTR2010 field `name`: what stands before `default` is never missing, so that it has no effect; take it away
      3 |   name: 'name | default("a") | default("b")'
        |                                ^

    — a fallback after a constant
    config/mappings/hubspot/contact.yaml:3:29: RTR2010 field `name`: what stands before this is never missing, so that this is never reached; take one of them away
      3 |   name: coalesce(name, "x", nick)
        |                             ^

    — an `or` after a constant
    config/mappings/hubspot/contact.yaml:3:10: RTR2010 field `name`: this is true for every record, so that what stands behind `or` is never reached; take one of them away
      3 |   name: '"x" or name'
        |          ^

    — a condition that is always the same
    config/mappings/hubspot/contact.yaml:3:19: RTR2010 field `name`: this condition is true for every record; write one that depends on the record
      3 |   name: 'first if "status" else last'
        |                   ^

    — a condition that stood before
    config/mappings/hubspot/contact.yaml:3:33: RTR2010 field `s`: this condition stands in this chain already, so that its branch is never reached; take one of them away
      3 |   s: '"a" if x == 1 else "b" if x == 1 else "c"'
        |                                 ^

    — a comparison in the wrong case
    config/mappings/hubspot/contact.yaml:3:26: RTR2010 field `won`: the other side never gives this value, so that the comparison never holds
      3 |   won: 'stage | lower == "Won"'
        |                          ^

    — a comparison of a number with a text
    config/mappings/hubspot/contact.yaml:3:26: RTR2010 field `won`: a number never equals a text, so that the comparison never holds
      3 |   won: '(stage | int) == "1"'
        |                          ^

    — an item in the wrong case
    config/mappings/hubspot/contact.yaml:3:36: RTR2010 field `won`: the value that is looked for is never this one, so that it finds nothing; mend it, or take it away
      3 |   won: '(stage | lower) in ["won", "Closed"]'
        |                                    ^

    — a test whose answer is known
    config/mappings/hubspot/contact.yaml:3:19: RTR2010 field `has`: this is false for every record, since what stands before it is a text
      3 |   has: (a ~ b) is number
        |                   ^

    — a key twice in a table
    config/mappings/hubspot/contact.yaml:3:27: RTR2010 field `s`: this key stands twice in the object; keep one of them
      3 |   s: 's | lookup({"a": 1, "a": 2})'
        |                           ^

    — a value that is never there
    config/mappings/hubspot/contact.yaml:3:9: RTR2010 field `name`: the expression is undefined for every record, so that the field is never written; mend it, or take the field away
      3 |   name: '{"a": 1}.b'
        |         ^

    — a condition for every record
    config/mappings/hubspot/contact.yaml:2:7: RTR2010 `when` holds for every record; take it away, or make it depend on the record
      2 | when: '"status != draft"'
        |       ^

    — a condition that is never met
    config/mappings/hubspot/contact.yaml:2:7: RTR2010 `when` holds for no record, so that nothing is ever written; make it depend on the record
      2 | when: 'false'
        |       ^

    — a rule for what does not match, without `when`
    config/mappings/hubspot/contact.yaml:3:1: RTR2010 without `when` every record matches; add `when: …`, or take `on_unmatched` away
      3 | on_unmatched: delete
        | ^

    — a wait for no reference
    config/mappings/hubspot/contact.yaml:3:1: RTR2010 no field refers to another record, so that nothing is waited for; take `reference_wait` away
      3 | reference_wait: 1h
        | ^

    — a key value without a key
    config/mappings/hubspot/contact.yaml:3:1: RTR2010 there is neither a key property nor a marker that would hold this; add `key` or `marker`, or take `key_value` away
      3 | key_value: "{record_type}:{record_id}"
        | ^

    — a marker beside a key
    config/mappings/hubspot/contact.yaml:2:1: RTR2010 the key property holds our record id already, and a marker is for a CRM without one; write key: none, or take `marker` away
      2 | marker: ours
        | ^

    — who wins where one side writes
    config/mappings/hubspot/contact.yaml:3:22: RTR2010 field `name`: only with direction: both can two sides change the value; write that, or take `wins` away
      3 |   name: {from: name, wins: newest}
        |                      ^

    — when it is written, of a field that never is
    config/mappings/hubspot/contact.yaml:3:37: RTR2010 field `name`: a field with direction: in is never written to the CRM; write direction: both, or take this away
      3 |   name: {from: name, direction: in, on: create}
        |                                     ^

    — a field on create only, of what is never created
    config/mappings/hubspot/contact.yaml:4:24: RTR2010 field `notes`: with write: update nothing is created, so that this field is never written; take `on` away
      4 |   notes: {from: notes, on: create}
        |                        ^

    — an association on create only
    config/mappings/hubspot/contact.yaml:3:56: RTR2010 field `c`: an association is made with every write; take `on` away
      3 |   c: {reference: contact, id: c, association: default, on: create}
        |                                                        ^

    — an association that is emptied
    config/mappings/hubspot/contact.yaml:3:56: RTR2010 field `c`: an association that ends is left as it is; take `null` away
      3 |   c: {reference: contact, id: c, association: default, null: clear}
        |                                                        ^

    — a rule for an empty value that never is
    config/mappings/hubspot/contact.yaml:3:34: RTR2010 field `name`: the value is never empty, since `default` takes its place; take `null` or `default` away
      3 |   name: {from: name, default: x, null: ignore}
        |                                  ^
    "#);
}
