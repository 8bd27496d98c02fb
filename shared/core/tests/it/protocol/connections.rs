//! Two connections of one record: each has its item and its CRM, and the message's fate depends on both.

use super::{CALM, Case, case, hold, miss};
use crate::rule::Rule;
use crate::scenario::{Key, Left, Scenario, Shut, del, up};

pub(super) fn cases() -> Vec<Case> {
    let base = || Scenario {
        start: Some("A"),
        events: vec![up(2, "B"), up(3, "A")],
        more: 1,
        ..Scenario::default()
    };
    let left = |left| Scenario { left, ..base() };
    vec![
        case("crash", left(Left { crashes: 2, ..CALM }), &[Rule::Elide, Rule::Quarantine]),
        case(
            "an answer lost, a limit",
            left(Left { crashes: 1, unknowns: 1, throttles: 1, ..CALM }),
            &[Rule::Own, Rule::Drain],
        ),
        case(
            "refused by one, mended, redriven",
            Scenario { bad: &[2, 3], ..left(Left { crashes: 1, redrives: 1, ..CALM }) },
            &[],
        ),
        case(
            "one is down",
            Scenario { shut: Some(Shut::Down), ..left(Left { crashes: 1, unknowns: 1, ..CALM }) },
            &[Rule::Drain],
        ),
        case(
            "one is down for a moment",
            Scenario { events: vec![up(2, "B")], ..left(Left { crashes: 1, throttles: 2, ..CALM }) },
            &[Rule::Drain, Rule::Acknowledge],
        ),
        case(
            "one is paused",
            Scenario { shut: Some(Shut::Paused), ..left(Left { crashes: 1, unknowns: 1, ..CALM }) },
            &[Rule::Drain],
        ),
        case(
            "a new record",
            Scenario { start: None, ..left(Left { crashes: 1, unknowns: 1, ..CALM }) },
            &[Rule::Hold],
        ),
        case(
            "a new record, by a marker",
            Scenario { start: None, key: Key::Marker, ..left(Left { crashes: 1, unknowns: 1, ..CALM }) },
            &[Rule::Settle, Rule::Search],
        ),
        case(
            "deleted, one is down",
            Scenario {
                events: vec![up(2, "B"), del(3)],
                shut: Some(Shut::Down),
                ..left(Left { crashes: 1, ..CALM })
            },
            &[Rule::Drain],
        ),
        case(
            "given up by the queue",
            Scenario {
                events: vec![up(2, "B"), up(3, "C")],
                gives_up: 2,
                ..left(Left { crashes: 2, redrives: 1, ..CALM })
            },
            &[],
        ),
        case(
            "the table does not answer for one",
            left(Left { crashes: 1, unknowns: 1, outages: 2, ..CALM }),
            &[Rule::Acknowledge, Rule::Elide],
        ),
        case(
            "both wait for a reference",
            Scenario { refers: 1, events: vec![up(2, "B")], ..base() },
            &[Rule::Look],
        ),
    ]
}

#[test]
fn given_two_connections_in_every_interleaving_when_at_rest_then_each_crm_holds_what_its_fence_says() {
    hold(&cases());
}

#[test]
fn given_two_connections_without_a_rule_when_searched_then_a_history_that_goes_wrong_is_found() {
    miss(&cases());
}
