//! Creates: a record that is not linked becomes one record of the CRM, with a unique key or without.

use super::{CALM, Case, case, hold, miss};
use crate::rule::Rule;
use crate::scenario::{Email, Key, Left, Scenario, unwanted, up};

pub(super) fn cases() -> Vec<Case> {
    let rough = Left { crashes: 2, unknowns: 1, ..CALM };
    let base = || Scenario { events: vec![up(1, "A"), up(2, "B")], left: rough, ..Scenario::default() };
    vec![
        case("by a unique key", base(), &[Rule::Quarantine, Rule::Hold]),
        case(
            "by a unique key, given up by the queue",
            Scenario { gives_up: 1, left: Left { redrives: 1, ..rough }, ..base() },
            &[Rule::Key],
        ),
        case(
            "by a unique key, refused, limited, redriven",
            Scenario {
                flaky: &[1],
                parks: true,
                left: Left { crashes: 1, unknowns: 1, throttles: 1, redrives: 1, ..CALM },
                ..base()
            },
            &[],
        ),
        case(
            "by a unique key, toggle",
            Scenario { events: vec![up(1, "A"), up(2, "B"), up(3, "A").later()], ..base() },
            &[Rule::Elide],
        ),
        case(
            "not found for a while",
            Scenario { left: Left { crashes: 1, lags: 2, ..CALM }, key: Key::Marker, ..base() },
            &[Rule::Young],
        ),
        case(
            "unwanted, then an older version that was wanted",
            Scenario { events: vec![unwanted(2, "B"), up(1, "A")], ..base() },
            &[Rule::Note],
        ),
        case("by a marker", Scenario { key: Key::Marker, ..base() }, &[Rule::Settle, Rule::Search]),
        case(
            "by a marker, refused, limited, redriven",
            Scenario {
                key: Key::Marker,
                flaky: &[1],
                parks: true,
                left: Left { crashes: 1, unknowns: 1, throttles: 1, redrives: 1, ..CALM },
                ..base()
            },
            &[],
        ),
        case(
            "by a marker, given up by the queue",
            Scenario {
                key: Key::Marker,
                gives_up: 2,
                left: Left { crashes: 2, unknowns: 1, redrives: 1, ..CALM },
                ..base()
            },
            &[Rule::Intent, Rule::Withdraw],
        ),
        case(
            "by a marker, the table does not answer",
            Scenario { key: Key::Marker, left: Left { outages: 2, unknowns: 1, ..CALM }, ..base() },
            &[Rule::Search, Rule::Settle],
        ),
        case("by a unique key beside a match", Scenario { email: Email::Own, ..base() }, &[Rule::Hold]),
        case(
            "by a match",
            Scenario { key: Key::Match, email: Email::Own, ..base() },
            &[Rule::Settle, Rule::Search],
        ),
        case(
            "by a match that changes meanwhile",
            Scenario { key: Key::Match, email: Email::Text, ..base() },
            &[Rule::Intent, Rule::Withdraw],
        ),
        case(
            "by a match that it has no value for",
            Scenario { key: Key::Match, left: Left { redrives: 1, ..rough }, ..base() },
            &[],
        ),
        case(
            "removed by somebody",
            Scenario {
                start: Some("A"),
                events: vec![up(2, "B")],
                left: Left { removals: 1, ..rough },
                ..base()
            },
            &[],
        ),
        case(
            "removed by somebody, by a marker",
            Scenario {
                start: Some("A"),
                key: Key::Marker,
                events: vec![up(2, "B"), up(3, "C")],
                left: Left { removals: 1, ..rough },
                ..base()
            },
            &[],
        ),
    ]
}

#[test]
fn given_creates_in_every_interleaving_when_at_rest_then_the_crm_has_one_record_that_says_what_was_applied() {
    hold(&cases());
}

#[test]
fn given_creates_without_a_rule_when_searched_then_a_history_that_goes_wrong_is_found() {
    miss(&cases());
}
