//! Claims: two records and one record of the CRM, found by what `match` names or by a key. Only one may have it.

use super::{CALM, Case, case, hold, miss};
use crate::rule::Rule;
use crate::scenario::{Email, Key, Left, Scenario, del, up};

pub(super) fn cases() -> Vec<Case> {
    let twins = || vec![up(1, "A"), up(1, "Z").other()];
    let base = || Scenario {
        events: twins(),
        email: Email::Shared,
        strangers: 1,
        left: Left { crashes: 1, unknowns: 1, ..CALM },
        ..Scenario::default()
    };
    vec![
        case(
            "one stranger is found",
            Scenario { events: vec![up(1, "A"), up(2, "B")], ..base() },
            &[Rule::Quarantine, Rule::Hold],
        ),
        case(
            "one stranger is found at a CRM that forgets us",
            Scenario { events: vec![up(1, "A"), up(2, "B")], key: Key::Match, ..base() },
            &[],
        ),
        case("two strangers are found", Scenario { strangers: 2, ..base() }, &[]),
        case("two records find one stranger", base(), &[Rule::Claim, Rule::Adopt]),
        case(
            "two records find one stranger by a marker's CRM",
            Scenario { key: Key::Marker, ..base() },
            &[Rule::Claim, Rule::Adopt],
        ),
        case(
            "two records find one stranger at a CRM that forgets us",
            Scenario { key: Key::Match, ..base() },
            &[Rule::Claim, Rule::Adopt],
        ),
        case(
            "two records find one stranger, redriven",
            Scenario { left: Left { crashes: 1, redrives: 2, ..CALM }, ..base() },
            &[],
        ),
        case(
            "two records find one stranger, one of them is deleted, the other redriven",
            Scenario {
                events: vec![up(1, "A"), del(2).later(), up(1, "Z").other()],
                left: Left { crashes: 1, redrives: 1, ..CALM },
                ..base()
            },
            &[Rule::Claim],
        ),
        case(
            "two records, one email, nobody there",
            Scenario { strangers: 0, unique_email: true, ..base() },
            &[],
        ),
        case(
            "two records, one email, nobody there, at a CRM that forgets us",
            Scenario { strangers: 0, unique_email: true, key: Key::Match, ..base() },
            &[],
        ),
        case(
            "two records change, one of them linked to the stranger",
            Scenario {
                events: vec![up(1, "A"), up(2, "B"), up(1, "Z").other(), up(2, "Y").other()],
                left: Left { crashes: 1, ..CALM },
                ..base()
            },
            &[],
        ),
    ]
}

#[test]
fn given_two_records_in_every_interleaving_when_at_rest_then_no_record_of_the_crm_is_linked_to_both() {
    hold(&cases());
}

#[test]
fn given_two_records_without_a_rule_when_searched_then_a_history_that_goes_wrong_is_found() {
    miss(&cases());
}
