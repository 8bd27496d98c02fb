//! A broken history made smaller: what it breaks without goes, until nothing more can go.

use crate::mutants::Mutant;
use crate::oracle::Violation;
use crate::place::Place;
use crate::run::run;
use crate::scenario::{Mood, Scenario, Sent};
use crate::trace::Trace;

/// Histories run to make one smaller, at most.
const MOST_TRIES: usize = 1_500;

struct Shrinking<'a> {
    place: &'a Place,
    invariant: &'static str,
    mutant: Option<Mutant>,
    tries: usize,
}

impl Shrinking<'_> {
    fn still_breaks(&mut self, scenario: &Scenario) -> bool {
        if self.tries >= MOST_TRIES {
            return false;
        }
        self.tries += 1;
        let history = run(self.place, scenario, Trace::default(), self.mutant);
        history.violations.iter().any(|violation| violation.invariant == self.invariant)
    }

    /// Leaves out parts of a list, large parts first.
    fn leave_out<T: Clone>(&mut self, best: &mut Scenario, part: impl Fn(&mut Scenario) -> &mut Vec<T>) {
        let mut size = part(best).len().div_ceil(2);
        while size > 0 {
            let mut at = 0;
            while at < part(best).len() {
                let mut smaller = best.clone();
                let list = part(&mut smaller);
                let end = (at + size).min(list.len());
                list.drain(at..end);
                if self.still_breaks(&smaller) {
                    *best = smaller;
                } else {
                    at += size;
                }
            }
            size /= 2;
        }
    }

    fn simplify(&mut self, best: &mut Scenario, change: impl Fn(&mut Scenario)) {
        let mut simpler = best.clone();
        change(&mut simpler);
        if simpler != *best && self.still_breaks(&simpler) {
            *best = simpler;
        }
    }
}

/// The smallest scenario found that breaks the same invariant as `violation`. The seed stays: it decides the rest.
#[must_use]
pub fn shrink(place: &Place, scenario: &Scenario, violation: &Violation, mutant: Option<Mutant>) -> Scenario {
    let mut shrinking = Shrinking { place, invariant: violation.invariant, mutant, tries: 0 };
    let mut best = scenario.clone();
    loop {
        let before = best.clone();
        shrinking.leave_out(&mut best, |scenario| &mut scenario.faults);
        shrinking.leave_out(&mut best, |scenario| &mut scenario.events);
        shrinking.simplify(&mut best, |scenario| scenario.setup.again = false);
        if best.setup.mood != Mood::OneOrgAlone {
            shrinking.simplify(&mut best, |scenario| scenario.setup.environments = 1);
        }
        shrinking.simplify(&mut best, |scenario| scenario.setup.group_buckets = 0);
        shrinking.simplify(&mut best, |scenario| scenario.setup.max_receives = 1_000);
        shrinking.simplify(&mut best, |scenario| scenario.setup.jobs = None);
        for at in 0..best.events.len() {
            shrinking.simplify(&mut best, |scenario| scenario.events[at].sent = Sent::Once);
            shrinking.simplify(&mut best, |scenario| scenario.events[at].refers = None);
        }
        if best == before || shrinking.tries >= MOST_TRIES {
            return best;
        }
    }
}
