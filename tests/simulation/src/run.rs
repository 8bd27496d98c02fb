//! One history, from its scenario to what was seen.

use crate::kernel::BEGIN;
use crate::logs::Lines;
use crate::mutants::Mutant;
use crate::oracle::Violation;
use crate::place::Place;
use crate::scenario::Scenario;
use crate::trace::{Line, Trace};
use crate::world::World;
use std::collections::BTreeMap;

/// What came of a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// What did not hold; empty when all is well.
    pub violations: Vec<Violation>,
    /// What struck, and how often.
    pub fired: BTreeMap<&'static str, u64>,
    /// Which faults struck invocations at which remote call.
    pub struck: BTreeMap<(&'static str, &'static str), u64>,
    /// The functions' counters.
    pub counts: BTreeMap<&'static str, u64>,
    /// How long it was, in milliseconds of its own time.
    pub lasted_ms: i64,
    /// What happened, if it was kept.
    pub lines: Vec<Line>,
    /// The ids that the CRMs gave the records, if what happened was kept.
    pub external_ids: BTreeMap<String, Vec<String>>,
}

/// Runs a scenario.
#[must_use]
pub fn run(place: &Place, scenario: &Scenario, trace: Trace, mutant: Option<Mutant>) -> History {
    let lines = Lines::default();
    tracing::subscriber::with_default(lines.clone(), || {
        let mut world = World::new(place, scenario, trace, mutant);
        world.run(&lines);
        history_of(&world)
    })
}

/// What came of a world that has come to its end.
pub(crate) fn history_of(world: &World<'_>) -> History {
    let (oracle, plan) = (world.core.oracle(), world.core.plan());
    History {
        violations: oracle.violations().to_vec(),
        fired: plan.fired().clone(),
        struck: plan.struck().clone(),
        counts: world.counts.clone(),
        lasted_ms: world.core.kernel.now().since_ms(BEGIN),
        lines: world.core.trace.lines(),
        external_ids: if world.core.trace.is_kept() { oracle.external_ids() } else { BTreeMap::new() },
    }
}
