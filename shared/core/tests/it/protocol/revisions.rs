//! Revisions of the mapping: a version sent again under a newer one is planned again, and told if its content differs.

use super::{CALM, Case, case, hold, miss};
use crate::rule::Rule;
use crate::scenario::{Key, Left, Scenario, del, unwanted, up};

pub(super) fn cases() -> Vec<Case> {
    let rough = Left { crashes: 2, unknowns: 1, ..CALM };
    let differs = || Scenario { start: Some("A"), revised: Some(true), left: rough, ..Scenario::default() };
    let equal = || Scenario { revised: Some(false), ..differs() };
    vec![
        case(
            "sent again, and it differs",
            Scenario { events: vec![up(1, "A").later()], ..differs() },
            &[Rule::Revision],
        ),
        case(
            "sent again, and it is equal",
            Scenario { events: vec![up(1, "A").later()], ..equal() },
            &[Rule::Revision],
        ),
        case(
            "changed and sent again at any moment",
            Scenario { events: vec![up(2, "B"), up(2, "B").later(), up(3, "A").later()], ..differs() },
            &[Rule::Revision, Rule::Elide],
        ),
        case(
            "parked under one, sent again under the next",
            Scenario {
                events: vec![up(2, "B"), up(2, "B").later()],
                parks: true,
                left: Left { crashes: 1, unknowns: 1, throttles: 1, ..CALM },
                ..differs()
            },
            &[Rule::Own, Rule::Later],
        ),
        case(
            "dead under one, sent again under the next",
            Scenario {
                events: vec![up(2, "B"), up(2, "B").later()],
                flaky: &[2],
                left: Left { crashes: 1, unknowns: 1, redrives: 1, ..CALM },
                ..differs()
            },
            &[],
        ),
        case(
            "unwanted under one, sent again under the next",
            Scenario { events: vec![unwanted(2, "B"), unwanted(2, "B").later()], ..differs() },
            &[],
        ),
        case(
            "deleted, sent again under the next",
            Scenario { events: vec![del(2), del(2).later(), up(1, "A").later()], ..differs() },
            &[Rule::Tombstone],
        ),
        case(
            "made under one, its answer lost, sent again under the next",
            Scenario {
                start: None,
                key: Key::Marker,
                events: vec![up(1, "A"), up(1, "A").later()],
                ..differs()
            },
            &[Rule::Search],
        ),
    ]
}

#[test]
fn given_a_revised_mapping_in_every_interleaving_when_at_rest_then_what_was_sent_again_stands_under_it() {
    hold(&cases());
}

#[test]
fn given_a_revised_mapping_without_a_rule_when_searched_then_a_history_that_goes_wrong_is_found() {
    miss(&cases());
}
