//! Values of the wrong kind for their place.

use super::*;

pub(super) fn cases() -> Vec<Wrong> {
    vec![
        Wrong::field("a text for a filter of lists", "name: name | lower | first"),
        Wrong::field("a list for a filter of texts", "tags: tags | split(\",\") | upper"),
        Wrong::field("a literal that a filter cannot read", "day: '\"soon\" | date'"),
        Wrong::field("a time zone that there is not", "day: at | date(\"Europe/Berln\")"),
        Wrong::field("a country that there is not", "phone: phone | phone(\"XX\")"),
        Wrong::field("a word for a number", "name: name | truncate(\"ten\")"),
        Wrong::field("nothing to replace", "name: name | replace(\"\", \"x\")"),
        Wrong::field("a table that is none", "stage: stage | lookup(\"lead\")"),
        Wrong::field("a text in a sum", "total: (amount | float) + \"1\""),
        Wrong::field("a sum of texts and numbers", "name: first ~ last + 1"),
        Wrong::field("a product of a text", "total: (name | upper) * 2"),
        Wrong::field("a division by nothing", "share: amount / 0"),
        Wrong::field("a list in a text", "name: first ~ [last]"),
        Wrong::field("keys of a text", "name: (name | lower).first"),
        Wrong::field("a part of a number", "code: (code | int)[:2]"),
        Wrong::field("an order of a number and a text", "big: (amount | int) > \"10\""),
        Wrong::field("a search within a number", "in: 5 in (amount | int)"),
        Wrong::mapping("a condition that is a text", "when: status | lower\nfields:\n  email: email"),
        Wrong::field("a map of a list", "tags: {from: 'tags | split(\",\")', map: {a: b}}"),
        Wrong::field("an id that is a truth value", "c: {reference: contact, id: company is defined}"),
        Wrong::field("an object for a property", "address: '{\"city\": city}'"),
        Wrong::field("an object for a default", "address: {from: address, default: {city: Paris}}"),
        Wrong::field("an object in a map", "stage: {from: stage, map: {a: {b: c}}}"),
        Wrong::mapping("an object on deletion", "fields: {email: email}\non_delete: {set: {status: {a: b}}}"),
        Wrong::mapping("a match by a list", "match: tags\nfields:\n  tags: tags | split(\",\")"),
    ]
}

#[test]
fn given_values_of_the_wrong_kind_when_checked_then_a_person_sees_which_kind_is_wanted() {
    insta::assert_snapshot!(shown(&cases()), @r#"
    — a text for a filter of lists
    config/mappings/hubspot/contact.yaml:3:24: RTR2010 field `name`: `first` takes a list, not a text; for example [1, 2] | first → 1
      3 |   name: name | lower | first
        |                        ^

    — a list for a filter of texts
    config/mappings/hubspot/contact.yaml:3:29: RTR2010 field `tags`: `upper` takes a text, a number or true or false, not a list; for example "de" | upper → "DE"
      3 |   tags: tags | split(",") | upper
        |                             ^

    — a literal that a filter cannot read
    config/mappings/hubspot/contact.yaml:3:18: RTR2010 field `day`: the value is not a date or time, such as 2026-11-23 or 2026-11-23T10:00:00Z
      3 |   day: '"soon" | date'
        |                  ^

    — a time zone that there is not
    config/mappings/hubspot/contact.yaml:3:13: RTR2010 field `day`: `date` cannot take these arguments: there is no such time zone; write it like "Europe/Berlin"; for example "2026-11-23T23:30:00Z" | date("Europe/Berlin") → "2026-11-24"
      3 |   day: at | date("Europe/Berln")
        |             ^

    — a country that there is not
    config/mappings/hubspot/contact.yaml:3:18: RTR2010 field `phone`: `phone` cannot take these arguments: no such country; write it like "DE" or "49"; for example "030 123-4567" | phone("DE") → "+49301234567"
      3 |   phone: phone | phone("XX")
        |                  ^

    — a word for a number
    config/mappings/hubspot/contact.yaml:3:16: RTR2010 field `name`: `truncate` cannot take these arguments: the filter takes a whole number as its argument; for example "Lovelace" | truncate(5, "…") → "Love…"
      3 |   name: name | truncate("ten")
        |                ^

    — nothing to replace
    config/mappings/hubspot/contact.yaml:3:16: RTR2010 field `name`: `replace` cannot take these arguments: the text to replace is empty; for example "a-b-c" | replace("-", "") → "abc"
      3 |   name: name | replace("", "x")
        |                ^

    — a table that is none
    config/mappings/hubspot/contact.yaml:3:18: RTR2010 field `stage`: `lookup` cannot take these arguments: the first argument is not an object, such as {"de": "Germany"}; for example "de" | lookup({"de": "Germany"}) → "Germany"
      3 |   stage: stage | lookup("lead")
        |                  ^

    — a text in a sum
    config/mappings/hubspot/contact.yaml:3:29: RTR2010 field `total`: arithmetic takes numbers, and this is a text; turn it into one with `| int` or `| float`; `~` joins texts
      3 |   total: (amount | float) + "1"
        |                             ^

    — a sum of texts and numbers
    config/mappings/hubspot/contact.yaml:3:9: RTR2010 field `name`: arithmetic takes numbers, and this is a text; turn it into one with `| int` or `| float`; `~` joins texts
      3 |   name: first ~ last + 1
        |         ^

    — a product of a text
    config/mappings/hubspot/contact.yaml:3:11: RTR2010 field `total`: arithmetic takes numbers, and this is a text; turn it into one with `| int` or `| float`
      3 |   total: (name | upper) * 2
        |           ^

    — a division by nothing
    config/mappings/hubspot/contact.yaml:3:19: RTR2010 field `share`: division by zero
      3 |   share: amount / 0
        |                   ^

    — a list in a text
    config/mappings/hubspot/contact.yaml:3:17: RTR2010 field `name`: `~` joins texts, numbers and truth values, not a list
      3 |   name: first ~ [last]
        |                 ^

    — keys of a text
    config/mappings/hubspot/contact.yaml:3:10: RTR2010 field `name`: a text has no keys, so that this is undefined for every record; a filter stands behind `|`
      3 |   name: (name | lower).first
        |          ^

    — a part of a number
    config/mappings/hubspot/contact.yaml:3:10: RTR2010 field `code`: only a text or a list can be sliced, not a number
      3 |   code: (code | int)[:2]
        |          ^

    — an order of a number and a text
    config/mappings/hubspot/contact.yaml:3:25: RTR2010 field `big`: only two numbers or two texts have an order, not a number and a text
      3 |   big: (amount | int) > "10"
        |                         ^

    — a search within a number
    config/mappings/hubspot/contact.yaml:3:13: RTR2010 field `in`: `in` looks into a text, a list or an object, not into a number
      3 |   in: 5 in (amount | int)
        |             ^

    — a condition that is a text
    config/mappings/hubspot/contact.yaml:2:7: RTR2010 `when` gives a text, not true or false; compare it, such as `(…) is not empty`
      2 | when: status | lower
        |       ^

    — a map of a list
    config/mappings/hubspot/contact.yaml:3:16: RTR2010 field `tags`: `map` takes a text, a number, true or false, and this gives a list
      3 |   tags: {from: 'tags | split(",")', map: {a: b}}
        |                ^

    — an id that is a truth value
    config/mappings/hubspot/contact.yaml:3:31: RTR2010 field `c`: the id of a reference is a text or a whole number, not true or false
      3 |   c: {reference: contact, id: company is defined}
        |                               ^

    — an object for a property
    config/mappings/hubspot/contact.yaml:3:12: RTR2010 field `address`: no property of a CRM takes an object; write what of it is meant, such as address.city, or its text by `| json`
      3 |   address: '{"city": city}'
        |            ^

    — an object for a default
    config/mappings/hubspot/contact.yaml:3:37: RTR2010 field `address`: no property of a CRM takes an object; write a text, a number, true or false, or a list of them
      3 |   address: {from: address, default: {city: Paris}}
        |                                     ^

    — an object in a map
    config/mappings/hubspot/contact.yaml:3:33: RTR2010 field `stage`: no property of a CRM takes an object; write a text, a number, true or false, or a list of them
      3 |   stage: {from: stage, map: {a: {b: c}}}
        |                                 ^

    — an object on deletion
    config/mappings/hubspot/contact.yaml:3:27: RTR2010 no property of a CRM takes an object; write a text, a number, true or false, or a list of them
      3 | on_delete: {set: {status: {a: b}}}
        |                           ^

    — a match by a list
    config/mappings/hubspot/contact.yaml:2:8: RTR2010 records are found by a text or a number, and this field gives a list
      2 | match: tags
        |        ^
    "#);
}
