//! What the bulk lane drains: creates, deletes, references, several connections; and what is dropped before or while it is
//! told.

use super::{CALM, Case, case, hold, miss};
use crate::rule::Rule;
use crate::scenario::{Email, Key, Left, Scenario, Shut, del, up};

pub(super) fn cases() -> Vec<Case> {
    let rough = Left { crashes: 1, unknowns: 1, ..CALM };
    let base = || Scenario {
        events: vec![up(1, "A"), up(2, "B").later()],
        parks: true,
        shut: Some(Shut::Paused),
        left: rough,
        ..Scenario::default()
    };
    let known = || Scenario { start: Some("A"), events: vec![up(2, "B"), up(3, "C").later()], ..base() };
    let dropped = || Scenario { left: Left { drops: 1, ..rough }, ..base() };
    let rewritten =
        || Scenario { events: vec![], shut: None, left: Left { rewrites: 1, ..rough }, ..known() };
    let deleted = || Scenario { events: vec![del(2), up(3, "C").later()], ..known() };
    vec![
        case("a create by a unique key", base(), &[Rule::One, Rule::Put]),
        case(
            "a create by a unique key beside a match",
            Scenario { email: Email::Text, strangers: 1, ..base() },
            &[Rule::Own, Rule::Hold],
        ),
        case(
            "a create by a marker",
            Scenario { key: Key::Marker, ..base() },
            &[Rule::Intent, Rule::Withdraw, Rule::Search, Rule::Settle],
        ),
        case(
            "a create by a match",
            Scenario { key: Key::Match, email: Email::Own, ..base() },
            &[Rule::Search, Rule::Settle],
        ),
        case(
            "a create by a match that changes",
            Scenario { key: Key::Match, email: Email::Text, ..base() },
            &[Rule::Intent, Rule::Withdraw],
        ),
        case(
            "a create by a marker, refused, limited",
            Scenario {
                key: Key::Marker,
                flaky: &[1],
                left: Left { throttles: 1, redrives: 1, ..rough },
                ..base()
            },
            &[Rule::Quarantine],
        ),
        case(
            "a create by a match that it has no value for, refused, limited",
            Scenario { key: Key::Match, flaky: &[1], left: Left { throttles: 1, ..CALM }, ..base() },
            &[Rule::Beneath],
        ),
        case("a delete, then made anew", deleted(), &[Rule::One, Rule::Wait]),
        case(
            "a delete, then made anew, by a marker",
            Scenario { key: Key::Marker, ..deleted() },
            &[Rule::Beneath],
        ),
        case(
            "a delete of what may not have landed, by a marker",
            Scenario { key: Key::Marker, events: vec![up(1, "A"), del(2).later()], ..base() },
            &[Rule::Seek, Rule::Settle],
        ),
        case(
            "a reference",
            Scenario { refers: 1, left: Left { crashes: 1, words: 1, ..CALM }, ..known() },
            &[Rule::Look, Rule::Drain],
        ),
        case(
            "one of two connections",
            Scenario { more: 1, parks: false, left: Left { unknowns: 1, ..CALM }, ..known() },
            &[Rule::Drain, Rule::Put],
        ),
        case(
            "two records",
            Scenario {
                events: vec![up(1, "A"), up(1, "Z").other(), up(2, "B").later()],
                left: Left { unknowns: 1, ..CALM },
                ..base()
            },
            &[Rule::One, Rule::Later],
        ),
        case(
            "two records that find one stranger",
            Scenario {
                events: vec![up(1, "A"), up(1, "Z").other()],
                email: Email::Shared,
                strangers: 1,
                ..base()
            },
            &[Rule::Claim, Rule::Adopt],
        ),
        case(
            "removed by somebody",
            Scenario { left: Left { removals: 1, unknowns: 1, ..CALM }, ..known() },
            &[Rule::Hold],
        ),
        case(
            "not found for a while",
            Scenario { key: Key::Marker, left: Left { lags: 2, crashes: 1, ..CALM }, ..base() },
            &[Rule::Young],
        ),
        case(
            "dropped, updated",
            Scenario { left: Left { drops: 1, ..rough }, ..known() },
            &[Rule::Wait, Rule::Put],
        ),
        case("dropped, created", dropped(), &[Rule::One]),
        case(
            "dropped, created by a marker",
            Scenario { key: Key::Marker, ..dropped() },
            &[Rule::Search, Rule::Intent],
        ),
        case("dropped, deleted", Scenario { left: Left { drops: 1, ..rough }, ..deleted() }, &[Rule::Later]),
        case(
            "dropped, and an older one comes late",
            Scenario {
                events: vec![up(3, "C"), up(2, "B").later(), up(4, "D").later()],
                left: Left { drops: 1, unknowns: 1, ..CALM },
                ..known()
            },
            &[Rule::Own],
        ),
        case(
            "dropped, sent again under a revised mapping",
            Scenario {
                events: vec![up(2, "B"), up(2, "B").later()],
                revised: Some(true),
                left: Left { drops: 1, ..rough },
                ..known()
            },
            &[Rule::Beneath, Rule::Wait],
        ),
        case(
            "written once more, and a newer one comes",
            Scenario { events: vec![up(2, "B").later()], ..rewritten() },
            &[Rule::Own, Rule::Put],
        ),
        case(
            "written once more, twice, and limited",
            Scenario { left: Left { rewrites: 2, throttles: 1, crashes: 1, ..CALM }, ..rewritten() },
            &[Rule::One],
        ),
        case(
            "written once more, since somebody has removed it",
            Scenario {
                events: vec![up(2, "B").later()],
                left: Left { removals: 1, unknowns: 1, rewrites: 1, ..CALM },
                ..rewritten()
            },
            &[Rule::Beneath],
        ),
        case(
            "written once more, and deleted",
            Scenario { events: vec![del(2).later()], ..rewritten() },
            &[Rule::Own],
        ),
        case(
            "written once more without its reference",
            Scenario {
                events: vec![up(2, "B")],
                refers: 1,
                left: Left { crashes: 1, rewrites: 1, ..CALM },
                ..rewritten()
            },
            &[Rule::Drain],
        ),
        case(
            "written once more, refused, redriven, and a newer one comes",
            Scenario {
                events: vec![up(2, "B").later()],
                flaky: &[1, 2],
                left: Left { rewrites: 1, redrives: 1, unknowns: 1, ..CALM },
                ..rewritten()
            },
            &[],
        ),
    ]
}

#[test]
fn given_what_is_drained_in_every_interleaving_when_at_rest_then_the_crm_holds_what_the_fence_says() {
    hold(&cases());
}

#[test]
fn given_what_is_drained_without_a_rule_when_searched_then_a_history_that_goes_wrong_is_found() {
    miss(&cases());
}
