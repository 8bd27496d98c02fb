//! One seed, one history.

use rtr_simulation::draw::{STANDARD, draw};
use rtr_simulation::place::Place;
use rtr_simulation::run::run;
use rtr_simulation::story;
use rtr_simulation::trace::Trace;

#[test]
fn given_a_seed_when_run_again_after_others_and_in_another_place_then_its_trace_is_the_same_byte_for_byte() {
    let (here, there) = (Place::new().unwrap(), Place::new().unwrap());
    let seeds = 1..=60_u64;
    let first: Vec<String> = seeds
        .clone()
        .map(|seed| story::whole(&run(&here, &draw(seed, STANDARD), Trace::kept(), None)))
        .collect();
    for seed in seeds.rev() {
        let again = story::whole(&run(&there, &draw(seed, STANDARD), Trace::kept(), None));
        assert_eq!(first[usize::try_from(seed).unwrap() - 1], again, "seed {seed}");
    }
}

#[test]
fn given_a_trace_that_is_kept_when_compared_with_one_that_is_not_then_keeping_it_changed_nothing() {
    let place = Place::new().unwrap();
    for seed in 100..=130 {
        let kept = run(&place, &draw(seed, STANDARD), Trace::kept(), None);
        let not = run(&place, &draw(seed, STANDARD), Trace::default(), None);
        assert_eq!((&kept.fired, &kept.counts, kept.lasted_ms), (&not.fired, &not.counts, not.lasted_ms));
    }
}
