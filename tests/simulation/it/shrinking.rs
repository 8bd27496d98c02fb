//! A broken history is told in a few lines.

use rtr_simulation::draw::{STANDARD, draw};
use rtr_simulation::mutants::Mutant;
use rtr_simulation::place::Place;
use rtr_simulation::run::run;
use rtr_simulation::shrink::shrink;
use rtr_simulation::story;
use rtr_simulation::trace::Trace;

#[test]
fn given_a_broken_history_when_shrunk_then_it_breaks_the_same_with_less_and_its_story_names_seed_fault_and_record()
 {
    let place = Place::new().unwrap();
    let mutant = Some(Mutant::NoFence);
    let broken = (1..=2_000).map(|seed| draw(seed, STANDARD)).find_map(|scenario| {
        let history = run(&place, &scenario, Trace::default(), mutant);
        let violation = history.violations.into_iter().find(|one| one.invariant == "I2")?;
        Some((scenario, violation))
    });
    let (scenario, violation) = broken.unwrap();
    let small = shrink(&place, &scenario, &violation, mutant);
    assert!(small.events.len() + small.faults.len() <= 6, "{small:#?}");
    let history = run(&place, &small, Trace::kept(), mutant);
    let again = history.violations.iter().find(|one| one.invariant == "I2").unwrap();
    let story = story::failure(&small, &history, again);
    let record = again.record.clone().unwrap();
    assert!(story.contains(&format!("seed {}", small.seed)) && story.contains(&record), "{story}");
    assert!(story.contains("landed") && story.contains("produced"), "{story}");
    assert!(story.lines().count() < 80, "{story}");
}
