//! The bulk lane: what is parked is taken up by the connection's one worker, while newer versions arrive in the record's
//! group, are parked in its place, or are dropped.

use super::{CALM, Case, case, hold, miss};
use crate::rule::Rule;
use crate::scenario::{Left, Scenario, Shut, del, unwanted, up};

pub(super) fn cases() -> Vec<Case> {
    let base = || Scenario {
        start: Some("A"),
        events: vec![up(2, "B"), up(3, "C").later()],
        parks: true,
        shut: Some(Shut::Paused),
        ..Scenario::default()
    };
    let left = |left| Scenario { left, ..base() };
    vec![
        case("newer at any moment", left(CALM), &[Rule::Own, Rule::Drain, Rule::One, Rule::Beneath]),
        case(
            "newer at any moment, answers lost",
            left(Left { unknowns: 2, ..CALM }),
            &[Rule::Later, Rule::Wait, Rule::Put, Rule::Hold],
        ),
        case(
            "newer at any moment, crashes",
            left(Left { crashes: 2, ..CALM }),
            &[Rule::Quarantine, Rule::Condition],
        ),
        case(
            "newer at any moment, limits and refusals",
            Scenario { flaky: &[2], ..left(Left { throttles: 1, redrives: 1, ..CALM }) },
            &[Rule::Beneath],
        ),
        case(
            "made due by a person, answers lost",
            left(Left { unknowns: 1, throttles: 1, hastens: 1, ..CALM }),
            &[Rule::Held],
        ),
        case(
            "the table does not answer, or its answer is lost",
            left(Left { unknowns: 1, outages: 2, echoes: 1, ..CALM }),
            &[Rule::By, Rule::Put],
        ),
        case(
            "older at any moment",
            Scenario {
                events: vec![up(3, "C"), up(2, "B").later(), up(4, "D").later()],
                ..left(Left { crashes: 1, unknowns: 1, ..CALM })
            },
            &[Rule::Own, Rule::Later],
        ),
        case(
            "unwanted, deleted",
            Scenario {
                events: vec![up(2, "B"), unwanted(3, "B").later(), del(4).later()],
                ..left(Left { crashes: 1, unknowns: 1, ..CALM })
            },
            &[Rule::Beneath],
        ),
        case(
            "a revised mapping",
            Scenario {
                events: vec![up(2, "B"), up(2, "B").later()],
                revised: Some(true),
                ..left(Left { crashes: 1, unknowns: 1, ..CALM })
            },
            &[Rule::Own, Rule::Wait, Rule::Beneath],
        ),
        case(
            "a version that kills its worker",
            Scenario { deadly: &[3], ..left(CALM) },
            &[Rule::Announce, Rule::Drain],
        ),
        case(
            "given up by the queue",
            Scenario {
                gives_up: 1,
                ..left(Left { crashes: 1, unknowns: 1, outages: 1, redrives: 1, ..CALM })
            },
            &[Rule::Put, Rule::Later],
        ),
    ]
}

#[test]
fn given_the_bulk_lane_in_every_interleaving_when_at_rest_then_the_crm_holds_what_the_fence_says() {
    hold(&cases());
}

#[test]
fn given_the_bulk_lane_without_a_rule_when_searched_then_a_history_that_goes_wrong_is_found() {
    miss(&cases());
}
