//! Every planted bug is caught by the invariant it is meant to break.

use rtr_simulation::draw::{STANDARD, draw};
use rtr_simulation::mutants::Mutant;
use rtr_simulation::place::Place;
use rtr_simulation::run::run;
use rtr_simulation::trace::Trace;

/// Histories in which a bug must show.
const SEEDS: u64 = 2_000;

/// The seed at which `mutant` is caught, and by what.
fn caught(place: &Place, mutant: Mutant) -> Result<u64, String> {
    let mut others: Vec<&str> = Vec::new();
    for seed in 1..=SEEDS {
        let scenario = draw(seed, STANDARD);
        // That chance comes from outside shows when a history is run again.
        if mutant == Mutant::TossesCoins {
            let runs: Vec<_> =
                (0..2).map(|_| run(place, &scenario, Trace::kept(), Some(mutant)).lines).collect();
            if runs[0] != runs[1] {
                return Ok(seed);
            }
            continue;
        }
        let history = run(place, &scenario, Trace::default(), Some(mutant));
        if history.violations.iter().any(|violation| mutant.breaks().contains(&violation.invariant)) {
            return Ok(seed);
        }
        others.extend(history.violations.iter().map(|violation| violation.invariant));
    }
    others.sort_unstable();
    others.dedup();
    Err(format!("{} survives {SEEDS} histories; others that it broke: {others:?}", mutant.name()))
}

fn all(part: usize) {
    let place = Place::new().unwrap();
    let mut survivors = Vec::new();
    for mutant in Mutant::ALL.iter().filter(|mutant| !mutant.is_back()).skip(part).step_by(4) {
        match caught(&place, *mutant) {
            Ok(seed) => println!("{:<20} {:?} at seed {seed}", mutant.name(), mutant.breaks()),
            Err(survives) => survivors.push(survives),
        }
    }
    assert!(survivors.is_empty(), "{}", survivors.join("\n"));
}

#[test]
fn given_a_planted_bug_of_the_first_quarter_when_run_then_its_invariant_catches_it() {
    all(0);
}

#[test]
fn given_a_planted_bug_of_the_second_quarter_when_run_then_its_invariant_catches_it() {
    all(1);
}

#[test]
fn given_a_planted_bug_of_the_third_quarter_when_run_then_its_invariant_catches_it() {
    all(2);
}

#[test]
fn given_a_planted_bug_of_the_last_quarter_when_run_then_its_invariant_catches_it() {
    all(3);
}
