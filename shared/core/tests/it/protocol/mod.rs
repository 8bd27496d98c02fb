//! The scenarios: whatever happens in them, at rest each CRM holds the applied version, and the newest version is applied
//! or dead; each rule is missed by some of them.

mod bulk;
mod claims;
mod connections;
mod creates;
mod deletes;
mod drained;
mod groups;
mod references;
mod revisions;
mod updates;

use crate::model::explore;
use crate::rule::Rule;
use crate::scenario::{Left, Scenario};

/// A scenario, and the rules without which a history of it goes wrong.
struct Case {
    name: &'static str,
    scenario: Scenario,
    needs: &'static [Rule],
}

fn case(name: &'static str, scenario: Scenario, needs: &'static [Rule]) -> Case {
    Case { name, scenario, needs }
}

/// Nothing goes wrong.
const CALM: Left = Left {
    crashes: 0,
    unknowns: 0,
    throttles: 0,
    redrives: 0,
    drops: 0,
    hastens: 0,
    lags: 0,
    echoes: 0,
    outages: 0,
    words: 0,
    days: 0,
    removals: 0,
    rewrites: 0,
};

/// Every history of every scenario goes well.
fn hold(cases: &[Case]) {
    let mut wrong = Vec::new();
    for Case { name, scenario, .. } in cases {
        match explore(scenario) {
            Ok(states) if states > 20 => println!("{name}: {states} states"),
            Ok(states) => wrong.push(format!("{name}: only {states} states")),
            Err(history) => wrong.push(format!("{name}: {history}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Without a rule that a scenario needs, a history of it goes wrong.
fn miss(cases: &[Case]) {
    let mut idle = Vec::new();
    for Case { name, scenario, needs } in cases {
        for rule in *needs {
            match explore(&Scenario { without: Some(*rule), ..scenario.clone() }) {
                Ok(_) => idle.push(format!("{name}: nothing goes wrong without {rule:?}")),
                Err(history) => println!("{name}, without {rule:?}: {history}"),
            }
        }
    }
    assert!(idle.is_empty(), "{}", idle.join("\n"));
}

#[test]
fn given_every_rule_when_looked_for_then_some_scenario_needs_it() {
    let all = [
        bulk::cases(),
        claims::cases(),
        connections::cases(),
        creates::cases(),
        deletes::cases(),
        drained::cases(),
        groups::cases(),
        references::cases(),
        revisions::cases(),
        updates::cases(),
    ];
    let needed: Vec<Rule> = all.iter().flatten().flat_map(|case| case.needs).copied().collect();
    let idle: Vec<Rule> = Rule::ALL.into_iter().filter(|rule| !needed.contains(rule)).collect();
    assert_eq!(idle, []);
}
