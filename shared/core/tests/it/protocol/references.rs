//! References: waited for, gone without when the wait ends, and completed whenever they are linked.

use super::{CALM, Case, case, hold, miss};
use crate::rule::Rule;
use crate::scenario::{Left, Scenario, del, unwanted, up};

pub(super) fn cases() -> Vec<Case> {
    let rough = Left { crashes: 1, words: 1, ..CALM };
    let base = || Scenario {
        start: Some("A"),
        events: vec![up(2, "B"), up(3, "A")],
        refers: 1,
        left: rough,
        ..Scenario::default()
    };
    let one = || Scenario { events: vec![up(2, "B")], ..base() };
    vec![
        case("linked at any moment", one(), &[Rule::Look]),
        case(
            "linked at any moment, or days later",
            Scenario { left: Left { days: 2, ..rough }, ..one() },
            &[Rule::Tell],
        ),
        case(
            "changed while it waits, or days later",
            Scenario {
                events: vec![up(2, "B"), up(3, "C").later()],
                left: Left { days: 1, ..rough },
                ..base()
            },
            &[Rule::Tell],
        ),
        case(
            "a new record that waits",
            Scenario { start: None, left: Left { unknowns: 1, ..rough }, ..base() },
            &[Rule::Look],
        ),
        case(
            "waits, limited, parked",
            Scenario { parks: true, left: Left { throttles: 1, ..rough }, ..base() },
            &[Rule::Look],
        ),
        case(
            "waits, answers lost",
            Scenario { left: Left { unknowns: 1, ..rough }, ..base() },
            &[Rule::Hold],
        ),
        case(
            "waits, answers lost, parked",
            Scenario { parks: true, left: Left { unknowns: 1, ..rough }, ..base() },
            &[Rule::Own],
        ),
        case(
            "waits, refused, skipped",
            Scenario {
                flaky: &[2],
                events: vec![up(2, "B"), unwanted(3, "B"), up(4, "A")],
                left: Left { redrives: 1, ..rough },
                ..base()
            },
            &[],
        ),
        case("waits, deleted", Scenario { events: vec![up(2, "B"), del(3)], ..base() }, &[]),
        case(
            "waits while the connection is paused for days",
            Scenario { shut: Some(crate::scenario::Shut::Paused), left: Left { days: 2, ..rough }, ..one() },
            &[Rule::Tell],
        ),
        case(
            "changed while it waits, given up by the queue",
            Scenario {
                events: vec![up(2, "B"), up(3, "C").later()],
                gives_up: 2,
                left: Left { crashes: 1, unknowns: 1, ..CALM },
                ..base()
            },
            &[Rule::Pass],
        ),
        case("one that stands without a link", Scenario { settles: true, ..one() }, &[Rule::Look]),
        case(
            "two of them, which may stand without a link",
            Scenario { settles: true, refers: 2, left: Left { words: 1, ..CALM }, ..one() },
            &[Rule::Look],
        ),
        case("two of them, linked at any moment", Scenario { refers: 2, ..one() }, &[Rule::Look]),
        case(
            "two of them, linked at any moment, or days later",
            Scenario { refers: 2, left: Left { days: 1, words: 1, ..CALM }, ..one() },
            &[],
        ),
        case(
            "sent again under a revised mapping while it waits",
            Scenario {
                revised: Some(true),
                events: vec![up(2, "B"), up(2, "B").later()],
                left: Left { words: 1, ..CALM },
                ..base()
            },
            &[Rule::Revision],
        ),
    ]
}

#[test]
fn given_references_in_every_interleaving_when_at_rest_then_each_that_is_linked_is_written() {
    hold(&cases());
}

#[test]
fn given_references_without_a_rule_when_searched_then_a_history_that_goes_wrong_is_found() {
    miss(&cases());
}
