//! A broken story made smaller, as a broken scenario is.

use super::{Story, run_both};
use crate::mutants::Mutant;
use crate::oracle::Violation;
use crate::place::Place;
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
    fn still_breaks(&mut self, story: &Story) -> bool {
        if self.tries >= MOST_TRIES {
            return false;
        }
        self.tries += 1;
        let history = run_both(self.place, story, Trace::default(), self.mutant);
        history.violations.iter().any(|violation| violation.invariant == self.invariant)
    }

    fn leave_out<T: Clone>(&mut self, best: &mut Story, part: impl Fn(&mut Story) -> &mut Vec<T>) {
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

    fn simplify(&mut self, best: &mut Story, change: impl Fn(&mut Story)) {
        let mut simpler = best.clone();
        change(&mut simpler);
        if simpler != *best && self.still_breaks(&simpler) {
            *best = simpler;
        }
    }
}

/// The smallest story found that breaks the same invariant as `violation`. The seed stays: it decides the rest.
#[must_use]
pub fn shrink_both(place: &Place, story: &Story, violation: &Violation, mutant: Option<Mutant>) -> Story {
    let mut shrinking = Shrinking { place, invariant: violation.invariant, mutant, tries: 0 };
    let mut best = story.clone();
    loop {
        let before = best.clone();
        shrinking.leave_out(&mut best, |story| &mut story.scenario.faults);
        shrinking.leave_out(&mut best, |story| &mut story.acts);
        shrinking.simplify(&mut best, |story| story.scenario.setup.environments = 1);
        shrinking.simplify(&mut best, |story| story.scenario.setup.group_buckets = 0);
        shrinking.simplify(&mut best, |story| story.scenario.setup.max_receives = 1_000);
        shrinking.simplify(&mut best, |story| (story.ways.lost, story.ways.twice) = (0, 0));
        shrinking.simplify(&mut best, |story| story.ways.late = 0);
        shrinking.simplify(&mut best, |story| {
            (story.ways.refuses_whole, story.ways.passes_time_on) = (false, false)
        });
        if best == before || shrinking.tries >= MOST_TRIES {
            return best;
        }
    }
}
