//! Updates of a record that is linked: crashes, lost answers, refusals, limits, redrives, skipped versions.

use super::{CALM, Case, case, hold, miss};
use crate::rule::Rule;
use crate::scenario::{Event, Left, Scenario, unwanted, up};

const ABA: &[Event] = &[up(2, "B"), up(3, "A")];
const ABC: &[Event] = &[up(2, "B"), up(3, "C")];
const ABCD: &[Event] = &[up(2, "B"), up(3, "C"), up(4, "D")];

pub(super) fn cases() -> Vec<Case> {
    let base = || Scenario { start: Some("A"), events: ABA.to_vec(), ..Scenario::default() };
    let left = |left| Scenario { left, ..base() };
    vec![
        case(
            "toggle, crash",
            left(Left { crashes: 4, ..CALM }),
            &[Rule::Elide, Rule::Quarantine, Rule::Compact],
        ),
        case("toggle, answer lost", left(Left { crashes: 2, unknowns: 2, ..CALM }), &[Rule::Hold]),
        case(
            "three versions",
            Scenario { events: ABCD.to_vec(), ..left(Left { crashes: 2, unknowns: 2, ..CALM }) },
            &[],
        ),
        case(
            "out of order",
            Scenario {
                events: vec![up(3, "C"), up(2, "B"), up(4, "D")],
                ..left(Left { crashes: 1, unknowns: 1, ..CALM })
            },
            &[Rule::Fence],
        ),
        case(
            "refused, mended, redriven",
            Scenario { bad: &[2], ..left(Left { crashes: 2, redrives: 1, ..CALM }) },
            &[Rule::Group],
        ),
        case(
            "both refused, redriven twice",
            Scenario { bad: &[2, 3], ..left(Left { crashes: 1, redrives: 2, ..CALM }) },
            &[],
        ),
        case(
            "accepted, lost, then refused",
            Scenario { flaky: &[2], ..left(Left { crashes: 1, unknowns: 1, redrives: 1, ..CALM }) },
            &[],
        ),
        case(
            "lost or refused, skipped, back",
            Scenario {
                events: vec![up(2, "B"), unwanted(3, "B"), up(4, "A")],
                flaky: &[2],
                ..left(Left { crashes: 1, unknowns: 1, ..CALM })
            },
            &[Rule::Skip],
        ),
        case(
            "a version that kills its worker",
            Scenario { deadly: &[3], ..left(Left { crashes: 1, ..CALM }) },
            &[Rule::Announce],
        ),
        case(
            "a version that kills its worker, redriven",
            Scenario { deadly: &[2], events: ABC.to_vec(), ..left(Left { redrives: 1, ..CALM }) },
            &[],
        ),
        case(
            "parked: answers lost and limits, while newer versions pass",
            Scenario { parks: true, ..left(Left { crashes: 1, unknowns: 2, throttles: 1, ..CALM }) },
            &[Rule::Own, Rule::Later, Rule::Drain],
        ),
        case(
            "parked: three versions, refused and redriven",
            Scenario {
                events: ABCD.to_vec(),
                parks: true,
                flaky: &[3],
                ..left(Left { unknowns: 1, throttles: 1, redrives: 1, ..CALM })
            },
            &[],
        ),
        case(
            "given up by the queue",
            Scenario { gives_up: 2, events: ABCD.to_vec(), ..left(Left { crashes: 2, redrives: 1, ..CALM }) },
            &[Rule::Condition],
        ),
        case(
            "a version that kills its worker, given up by the queue, toggle",
            Scenario { deadly: &[2], gives_up: 4, ..left(Left { redrives: 1, ..CALM }) },
            &[Rule::Announce],
        ),
        case("the table's answer lost", left(Left { crashes: 1, echoes: 2, ..CALM }), &[Rule::By]),
    ]
}

#[test]
fn given_updates_in_every_interleaving_when_at_rest_then_the_crm_holds_what_the_fence_says() {
    hold(&cases());
}

#[test]
fn given_updates_without_a_rule_when_searched_then_a_history_that_goes_wrong_is_found() {
    miss(&cases());
}
