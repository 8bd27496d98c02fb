//! Deletes: final for what came before them, wherever the record stood, and no end for what comes after.

use super::{CALM, Case, case, hold, miss};
use crate::rule::Rule;
use crate::scenario::{Email, Key, Left, Scenario, del, unwanted, up};

pub(super) fn cases() -> Vec<Case> {
    let rough = Left { crashes: 2, unknowns: 1, ..CALM };
    let base = || Scenario { start: Some("A"), left: rough, ..Scenario::default() };
    let fresh = || Scenario { start: None, ..base() };
    vec![
        case(
            "deleted, then an older version",
            Scenario { events: vec![del(3), up(2, "B")], ..base() },
            &[Rule::Tombstone, Rule::Fence],
        ),
        case(
            "changed, deleted, made anew",
            Scenario { events: vec![up(2, "B"), del(3), up(4, "A")], ..base() },
            &[Rule::Quarantine],
        ),
        case(
            "changed, deleted, made anew, by a marker",
            Scenario { events: vec![up(2, "B"), del(3), up(4, "A")], key: Key::Marker, ..base() },
            &[Rule::Hold],
        ),
        case("deleted twice", Scenario { events: vec![del(2), del(3)], ..base() }, &[]),
        case(
            "deleted before it came",
            Scenario { events: vec![del(2), up(1, "A")], ..fresh() },
            &[Rule::Tombstone],
        ),
        case(
            "deleted while its create's outcome is unknown",
            Scenario { events: vec![up(1, "A"), del(2)], ..fresh() },
            &[Rule::Seek],
        ),
        case(
            "deleted while its create's outcome is unknown, by a marker",
            Scenario { events: vec![up(1, "A"), del(2)], key: Key::Marker, ..fresh() },
            &[Rule::Seek, Rule::Settle],
        ),
        case(
            "deleted while its create's outcome is unknown, by a match",
            Scenario { events: vec![up(1, "A"), del(2)], key: Key::Match, email: Email::Own, ..fresh() },
            &[Rule::Seek, Rule::Settle],
        ),
        case(
            "made, deleted, made anew, by a match that changes",
            Scenario {
                events: vec![up(1, "A"), del(2), up(3, "B")],
                key: Key::Match,
                email: Email::Text,
                ..fresh()
            },
            &[],
        ),
        case(
            "deleted, parked and redriven",
            Scenario {
                events: vec![up(2, "B"), del(3)],
                flaky: &[3],
                parks: true,
                left: Left { crashes: 1, unknowns: 1, throttles: 1, redrives: 1, ..CALM },
                ..base()
            },
            &[Rule::Drain],
        ),
        case(
            "deleted at any moment, given up by the queue",
            Scenario {
                events: vec![up(1, "A"), del(2).later()],
                gives_up: 2,
                left: Left { crashes: 2, unknowns: 1, redrives: 1, ..CALM },
                ..fresh()
            },
            &[],
        ),
        case(
            "changed a moment after it was made, then deleted",
            Scenario {
                events: vec![up(1, "A"), up(2, "B"), del(3)],
                left: Left { crashes: 1, lags: 2, ..CALM },
                ..fresh()
            },
            &[],
        ),
        case(
            "removed by somebody, then deleted",
            Scenario { events: vec![up(2, "B"), del(3)], left: Left { removals: 1, ..rough }, ..base() },
            &[],
        ),
        case(
            "unwanted, which takes it away, and wanted again",
            Scenario { events: vec![unwanted(2, "B"), up(3, "A")], unwanted_goes: true, ..base() },
            &[Rule::Elide],
        ),
    ]
}

#[test]
fn given_deletes_in_every_interleaving_when_at_rest_then_they_are_final_for_what_came_before() {
    hold(&cases());
}

#[test]
fn given_deletes_without_a_rule_when_searched_then_a_history_that_goes_wrong_is_found() {
    miss(&cases());
}
