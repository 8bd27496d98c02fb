//! The scenarios: at rest the CRM holds the applied version, and the newest version is applied or dead.

use crate::model::explore;
use crate::scenario::{Rule, Scenario};

const ABA: &[(u64, &str)] = &[(1, "A"), (2, "B"), (3, "A"), (4, "B")];
const ABC: &[(u64, &str)] = &[(1, "A"), (2, "B"), (3, "C"), (4, "D")];

fn scenarios() -> Vec<(&'static str, Scenario)> {
    let base = Scenario { content: ABA, queue: &[2, 3], ..Scenario::default() };
    vec![
        ("toggle, crash", Scenario { crashes: 2, ..base.clone() }),
        ("toggle, answer lost", Scenario { crashes: 1, unknowns: 2, ..base.clone() }),
        (
            "three versions",
            Scenario { content: ABC, queue: &[2, 3, 4], crashes: 2, unknowns: 1, ..base.clone() },
        ),
        (
            "out of order",
            Scenario { content: ABC, queue: &[3, 2, 4], crashes: 1, unknowns: 1, ..base.clone() },
        ),
        ("refused, mended, redriven", Scenario { bad: &[2], crashes: 2, redrives: 1, ..base.clone() }),
        ("both refused, redriven twice", Scenario { bad: &[2, 3], crashes: 1, redrives: 2, ..base.clone() }),
        (
            "accepted, lost, then refused",
            Scenario { flaky: &[2], crashes: 1, unknowns: 1, redrives: 1, ..base.clone() },
        ),
        (
            "lost or refused, skipped, back",
            Scenario {
                content: &[(1, "A"), (2, "B"), (3, "B"), (4, "A")],
                queue: &[2, 3, 4],
                skipped: &[3],
                flaky: &[2],
                crashes: 1,
                unknowns: 1,
                ..base.clone()
            },
        ),
        ("crashes enough to be filed", Scenario { crashes: 4, redrives: 1, ..base.clone() }),
        (
            "parked: answers lost and limits, while newer versions pass",
            Scenario { parks: true, crashes: 1, unknowns: 2, throttles: 1, ..base.clone() },
        ),
        (
            "parked: three versions, refused and redriven",
            Scenario {
                content: ABC,
                queue: &[2, 3, 4],
                parks: true,
                flaky: &[3],
                unknowns: 1,
                throttles: 1,
                redrives: 1,
                ..base.clone()
            },
        ),
        (
            "waits for a reference",
            Scenario { refers: true, parks: true, crashes: 1, throttles: 1, ..base.clone() },
        ),
        (
            "waits, refused, skipped",
            Scenario {
                refers: true,
                flaky: &[2],
                skipped: &[3],
                content: ABC,
                queue: &[2, 3, 4],
                crashes: 1,
                redrives: 1,
                ..base.clone()
            },
        ),
        ("waits, answers lost", Scenario { refers: true, parks: true, unknowns: 1, crashes: 1, ..base }),
    ]
}

#[test]
fn given_every_interleaving_of_every_scenario_when_at_rest_then_the_crm_holds_what_the_fence_says() {
    for (name, scenario) in scenarios() {
        match explore(&scenario) {
            Ok(states) => assert!(states > 20, "{name}: only {states} states"),
            Err(history) => panic!("{name}: {history}"),
        }
    }
}

#[test]
fn given_any_rule_switched_off_when_searched_then_a_history_that_ends_wrong_is_found() {
    for rule in [Rule::Elide, Rule::Skip, Rule::Hold, Rule::Quarantine, Rule::Look] {
        let caught = scenarios()
            .into_iter()
            .any(|(_, scenario)| explore(&Scenario { without: Some(rule), ..scenario }).is_err());
        assert!(caught, "nothing depends on {rule:?}");
    }
}
