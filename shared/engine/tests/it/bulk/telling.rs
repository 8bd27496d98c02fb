//! What a run of a lane says of itself: one line, which names the connection, what became of its records, and why it does not
//! go on.

use super::*;
use crate::lines::{Line, lines};

fn of<'a>(line: &'a Line, names: &[&str]) -> Vec<&'a str> {
    names.iter().map(|name| line.get(*name).map_or("none", String::as_str)).collect()
}

/// The one line of the run that the sweep starts.
fn run_line(world: &World) -> Line {
    let mut found = lines("lane", || drop(world.sweep()));
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

#[test]
fn given_a_lane_that_drains_everything_when_it_rests_then_its_line_says_how_much_and_that_nothing_is_due() {
    let world = linked_and_parked(250);
    let line = run_line(&world);
    let counts = ["org_id", "connection", "baton", "applied", "superseded", "dead", "put_off", "crm_calls"];
    assert_eq!(of(&line, &counts), ["acme", "hubspot", "1", "250", "0", "0", "0", "3"], "{line:?}");
    assert_eq!((line.get("code"), line["message"].as_str()), (None, "Nothing is due."));
    // What an index may not show yet is looked for once more.
    let next = lane(&world).due_at.unwrap();
    assert_eq!(line["until"], next.to_rfc3339());
}

#[test]
fn given_lanes_that_cannot_go_on_when_they_rest_then_each_line_says_why_and_until_when() {
    let why = |prepare: &dyn Fn(&World)| {
        let world = linked_and_parked(3);
        prepare(&world);
        let line = run_line(&world);
        let rest = rtr_core::time::Instant::from_rfc3339(&line["until"]).unwrap();
        assert!(rest > world.now(), "{line:?}");
        assert_eq!((line["applied"].as_str(), left(&world)), ("0", 3), "{line:?}");
        (line["code"].clone(), line["message"].clone())
    };
    let says = |code: &str, text: &str| (code.to_owned(), text.to_owned());
    let stopped = why(&|world| {
        world.faults(&json!([fault("*batch/update*", "status", &throttled(600), 1)]));
    });
    assert_eq!(stopped.0, "RTR4001", "{stopped:?}");
    let down = why(&|world| {
        world.faults(&json!([fault("*", "status", &json!(503), 1_000)]));
    });
    assert!(["RTR4002", "RTR4013"].contains(&down.0.as_str()), "{down:?}");
    let paused = why(&|world| mode(world, "paused"));
    assert_eq!(paused, says("RTR4006", "The connection is paused."));
    let shadowed = why(&|world| mode(world, "shadow"));
    assert_eq!(shadowed.0, "RTR4012", "{shadowed:?}");
}

#[test]
fn given_a_run_when_it_is_told_then_the_batch_has_its_line_beside_and_what_is_no_run_has_none() {
    let world = linked_and_parked(2);
    let used = baton(&world);
    let batches = lines("batch", || drop(world.bulk(std::slice::from_ref(&used))));
    assert_eq!(of(&batches[0], &["function", "messages", "applied"]), ["bulk", "1", "2"]);
    // A baton that is worth nothing any more starts no run.
    assert_eq!(lines("lane", || drop(world.bulk(&[used]))), Vec::<Line>::new());
}
