//! Message groups and lanes: backfills at any moment, messages in foreign groups, parked work beside live events.

use super::{CALM, Case, case, hold, miss};
use crate::rule::Rule;
use crate::scenario::{Left, Scenario, up};

pub(super) fn cases() -> Vec<Case> {
    let base = || Scenario { start: Some("A"), ..Scenario::default() };
    vec![
        case(
            "parked then live",
            Scenario {
                events: vec![up(2, "B"), up(3, "A").later()],
                parks: true,
                left: Left { crashes: 2, throttles: 2, ..CALM },
                ..base()
            },
            &[Rule::Drain],
        ),
        case(
            "parked, answer lost, crash, newer ones at any moment",
            Scenario {
                events: vec![up(2, "B"), up(3, "C").later(), up(4, "D").later()],
                parks: true,
                left: Left { crashes: 2, unknowns: 1, throttles: 1, ..CALM },
                ..base()
            },
            &[Rule::Own, Rule::Later],
        ),
        case(
            "parked, refused, redriven, newer",
            Scenario {
                events: vec![up(2, "B"), up(3, "C").later()],
                parks: true,
                bad: &[2, 3],
                left: Left { crashes: 1, unknowns: 1, throttles: 1, redrives: 2, ..CALM },
                ..base()
            },
            &[Rule::Group],
        ),
        case(
            "backfill of an older version",
            Scenario {
                events: vec![up(3, "A"), up(2, "B").later()],
                left: Left { crashes: 2, unknowns: 1, ..CALM },
                ..base()
            },
            &[Rule::Group, Rule::Fence],
        ),
        case(
            "backfill of a newer version",
            Scenario {
                events: vec![up(2, "B"), up(3, "A").later()],
                left: Left { crashes: 2, unknowns: 1, ..CALM },
                ..base()
            },
            &[Rule::Group],
        ),
        case(
            "two groups",
            Scenario {
                events: vec![up(2, "B"), up(3, "A").stray()],
                left: Left { crashes: 1, unknowns: 1, ..CALM },
                ..base()
            },
            &[Rule::Canon],
        ),
        case(
            "two groups, newer first",
            Scenario {
                events: vec![up(3, "C"), up(2, "B").stray(), up(4, "D").stray()],
                left: Left { crashes: 2, unknowns: 1, ..CALM },
                ..base()
            },
            &[Rule::Canon],
        ),
        case(
            "everything",
            Scenario {
                events: vec![up(2, "B"), up(3, "A").later(), up(4, "B").stray()],
                parks: true,
                bad: &[2],
                left: Left { crashes: 1, unknowns: 1, throttles: 1, redrives: 1, ..CALM },
                ..base()
            },
            &[Rule::Canon, Rule::Group],
        ),
    ]
}

#[test]
fn given_groups_and_lanes_in_every_interleaving_when_at_rest_then_the_crm_holds_what_the_fence_says() {
    hold(&cases());
}

#[test]
fn given_groups_and_lanes_without_a_rule_when_searched_then_a_history_that_goes_wrong_is_found() {
    miss(&cases());
}
