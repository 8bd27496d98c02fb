//! Numbers that would not be kept as they are written.

use super::*;

pub(super) fn cases() -> Vec<Wrong> {
    vec![
        Wrong::field("a whole number beyond 2^53", "id: {from: id, default: 9007199254740993}"),
        Wrong::field(
            "more digits than are kept",
            "share: {from: share, map: {pi: 3.14159265358979323846, e: 2.71}}",
        ),
        Wrong::field("a postal code", "zip: {from: city, map: {dresden: 01067}}"),
        Wrong::field("a phone number", "phone: {from: phone, default: +49301234567}"),
        Wrong::mapping("a number on deletion", "fields: {email: email}\non_delete: {set: {code: 00012}}"),
        Wrong::field("a key that is read as another", "rate: {from: rate, map: {1.10: low, 2.5: high}}"),
        Wrong::field("many digits in an expression", "share: amount * 0.12345678901234567890"),
        Wrong::field("a whole number beyond 2^53 in an expression", "id: '9007199254740993'"),
    ]
}

#[test]
fn given_numbers_that_are_not_kept_when_checked_then_quotes_are_advised() {
    insta::assert_snapshot!(shown(&cases()), @"
    — a whole number beyond 2^53
    config/mappings/hubspot/contact.yaml:3:27: RTR2011 field `id`: `9007199254740993` has more digits than the CRM would keep; write it in quotes, as a text
      3 |   id: {from: id, default: 9007199254740993}
        |                           ^

    — more digits than are kept
    config/mappings/hubspot/contact.yaml:3:34: RTR2011 field `share`: `3.14159265358979323846` has more digits than the CRM would keep; write it in quotes, as a text
      3 |   share: {from: share, map: {pi: 3.14159265358979323846, e: 2.71}}
        |                                  ^

    — a postal code
    config/mappings/hubspot/contact.yaml:3:36: RTR2011 field `zip`: `01067` is read as the number 1067; write it in quotes, as a text
      3 |   zip: {from: city, map: {dresden: 01067}}
        |                                    ^

    — a phone number
    config/mappings/hubspot/contact.yaml:3:33: RTR2011 field `phone`: `+49301234567` is read as the number 49301234567; write it in quotes, as a text
      3 |   phone: {from: phone, default: +49301234567}
        |                                 ^

    — a number on deletion
    config/mappings/hubspot/contact.yaml:3:25: RTR2011 field `code`: `00012` is read as the number 12; write it in quotes, as a text
      3 | on_delete: {set: {code: 00012}}
        |                         ^

    — a key that is read as another
    config/mappings/hubspot/contact.yaml:3:28: RTR2011 field `rate`: the key `1.10` is read as `1.1`; write it in quotes
      3 |   rate: {from: rate, map: {1.10: low, 2.5: high}}
        |                            ^

    — many digits in an expression
    config/mappings/hubspot/contact.yaml:3:19: RTR2011 field `share`: `0.12345678901234567890` has more digits than are kept; leave some away, or write it in quotes, as a text
      3 |   share: amount * 0.12345678901234567890
        |                   ^

    — a whole number beyond 2^53 in an expression
    config/mappings/hubspot/contact.yaml:3:7: RTR2011 field `id`: the CRM would not keep every digit of 9007199254740993; write it in quotes within the expression, as a text
      3 |   id: '9007199254740993'
        |       ^
    ");
}

#[test]
fn given_numbers_that_are_kept_when_checked_then_nothing_is_wrong() {
    for field in [
        "{from: x, map: {\"1.10\": 19.90, \"007\": -1, 2: 1e3}}",
        "{from: x, default: \"01067\"}",
        "{from: x, default: 0}",
        "{from: x, default: 0.5}",
        "x * 1.19",
    ] {
        loaded(&[("mappings/hubspot/contact.yaml", &format!("object: contacts\nfields:\n  n: {field}\n"))]);
    }
}
