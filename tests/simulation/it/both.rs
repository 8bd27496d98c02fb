//! Histories in which changes flow both ways.

use rtr_simulation::both::{draw_both, failure_of, run_both, shrink_both};
use rtr_simulation::many::{Wanted, run_many};
use rtr_simulation::mutants::Mutant;
use rtr_simulation::place::Place;
use rtr_simulation::story;
use rtr_simulation::trace::Trace;
use std::time::Duration;

/// Histories in which a bug of the way back must show.
const SEEDS: u64 = 2_500;

/// Histories that broke once, by what was wrong.
const PINNED: &[(&str, u64)] = &[
    ("a refused change was told anew though a version had been written over it, and undid a later one", 179),
    ("of an offer that waited unanswered while its connection was paused a second record was made", 966),
    (
        "a version that the queue gave up counted as of then, and was redriven over a later change of the CRM's",
        4_507,
    ),
    ("a version counted as of an earlier time than the one that it took the place of", 5_038),
    ("a record was made a second time, since it was linked between its planning and its intent", 6_944),
    ("a new record was linked to one that the internal system had deleted meanwhile", 7_007),
    ("what waited to be told was lost to a look that the queue gave up", 8_201),
];

/// The seed at which `mutant` is caught, and by what.
fn caught(place: &Place, mutant: Mutant) -> Result<u64, String> {
    let mut others: Vec<&str> = Vec::new();
    for seed in 1..=SEEDS {
        let history = run_both(place, &draw_both(seed), Trace::default(), Some(mutant));
        if history.violations.iter().any(|violation| mutant.breaks().contains(&violation.invariant)) {
            return Ok(seed);
        }
        others.extend(history.violations.iter().map(|violation| violation.invariant));
    }
    Err(format!("{} survives {SEEDS} histories; others that it broke: {others:?}", mutant.name()))
}

#[test]
fn given_a_planted_bug_of_the_way_back_when_run_then_its_invariant_catches_it() {
    let place = Place::both().unwrap();
    let mut survivors = Vec::new();
    for mutant in Mutant::ALL.iter().filter(|mutant| mutant.is_back()) {
        match caught(&place, *mutant) {
            Ok(seed) => println!("{:<20} {:?} at seed {seed}", mutant.name(), mutant.breaks()),
            Err(survives) => survivors.push(survives),
        }
    }
    assert!(survivors.is_empty(), "{}", survivors.join("\n"));
}

#[test]
fn given_histories_both_ways_when_all_has_come_to_rest_then_every_invariant_held() {
    let wanted = Wanted {
        from: 1,
        seeds: 4_000,
        measure: rtr_simulation::draw::STANDARD,
        both: true,
        threads: 2,
        for_at_most: Some(Duration::from_secs(60)),
        keep_going: true,
        mutant: None,
        tell_every: 0,
    };
    let report = run_many(&wanted).unwrap();
    assert!(report.broken.is_empty(), "{report}");
    assert!(report.histories > 50, "{report}");
}

#[test]
fn given_a_history_both_ways_that_broke_once_when_run_again_then_everything_holds() {
    let place = Place::both().unwrap();
    for (was, seed) in PINNED {
        let history = run_both(&place, &draw_both(*seed), Trace::default(), None);
        assert_eq!(history.violations, [], "{was}: seed {seed}");
    }
}

#[test]
fn given_a_seed_both_ways_when_run_again_in_another_place_then_its_trace_is_the_same_byte_for_byte() {
    let (here, there) = (Place::both().unwrap(), Place::both().unwrap());
    for seed in 1..=12 {
        let first = story::whole(&run_both(&here, &draw_both(seed), Trace::kept(), None));
        let again = story::whole(&run_both(&there, &draw_both(seed), Trace::kept(), None));
        assert!(first == again, "seed {seed}");
    }
}

#[test]
fn given_a_broken_history_both_ways_when_shrunk_then_it_breaks_the_same_with_less() {
    let place = Place::both().unwrap();
    let mutant = Some(Mutant::WritesBlindly);
    let broken = (1..=SEEDS).map(draw_both).find_map(|drawn| {
        let history = run_both(&place, &drawn, Trace::default(), mutant);
        let violation = history.violations.into_iter().find(|one| one.invariant == "I30")?;
        Some((drawn, violation))
    });
    let (drawn, violation) = broken.unwrap();
    let small = shrink_both(&place, &drawn, &violation, mutant);
    assert!(small.acts.len() + small.scenario.faults.len() <= 8, "{small:#?}");
    let history = run_both(&place, &small, Trace::kept(), mutant);
    let again = history.violations.iter().find(|one| one.invariant == "I30").unwrap();
    let told = failure_of(&small, &history, again);
    assert!(
        told.contains(&format!("seed {}", small.scenario.seed)) && told.contains("written over"),
        "{told}"
    );
}
