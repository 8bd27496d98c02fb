//! The bulk function is killed at any point of a run: nothing is lost, and nothing is there twice.

use crate::CONTACT;
use crate::stack::{
    Event, Field, Gate, Org, Plan, Side, Sky, Stack, Tally, Trap, Worker, batch_of, eventually, same,
    variable,
};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Records that the CRM has, each changed once before every run, and those that it gets anew.
const OLD: usize = 8;
const NEW: usize = 4;
/// Requests between two points at which it is killed.
const STEP: usize = 11;
/// A worker that died is followed after this less its timeout of ten seconds: no request to this CRM lives longer.
const VISIBILITY_S: &str = "12";
/// Longer than a run takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A change as a backfill brings it: the bulk lane alone takes it to the CRM.
fn backfilled(org: &Org<'_>, id: &str, version: usize) -> Event {
    let data = json!({"email": format!("{id}@x.example"), "first_name": format!("v{version}")});
    let event: Value = serde_json::from_str(&org.contact(id, version as u64, &data).body).unwrap();
    let body = json!({"backfill": {"connection": "hubspot", "event": event}});
    Event::raw(&body.to_string(), &org.key("contact", id).message_group(0))
}

fn start<'a>(stack: &'a Stack, field: &Field<'_>, name: &str, gate: Option<&Gate>) -> Worker<'a> {
    let mut variables = field.variables();
    variables.push(("RTR_VISIBILITY_S", VISIBILITY_S.to_owned()));
    variables.extend(gate.map(Gate::variables).unwrap_or_default());
    let variables: Vec<(&str, &str)> =
        variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let function = variable(&format!("{}_FUNCTION_NAME", name.to_uppercase()));
    Worker::start(stack, name, &function, &variables)
}

/// Where the run is to be killed that is the `nth`: when the CRM has done it, before and after that is written down, and before
/// a new record is linked; then all along the way, at every eleventh request to AWS, before and after that is done.
fn trap(nth: usize) -> Trap {
    let side = if nth.is_multiple_of(2) { Side::Before } else { Side::After };
    match nth {
        0 | 1 => Trap::Ending(side),
        2 => Trap::Link,
        _ => Trap::After((nth - 3) * STEP, side),
    }
}

fn parked(org: &Org<'_>) -> Vec<Value> {
    let found = org.stack.rtr(&["parked", "list", "--org", &org.id, "--json"]).json();
    found.as_array().unwrap().clone()
}

/// Runs the lane by a process that is killed at `trap`; where that was. None: it came to its end before, and all `is_done`.
fn killed_run(
    stack: &Stack,
    field: &Field<'_>,
    sweep: &Worker<'_>,
    trap: Trap,
    is_done: impl Fn() -> bool,
) -> Option<String> {
    let gate = Gate::new(&Arc::<Sky>::default(), &Arc::<Tally>::default());
    let bulk = start(stack, field, "bulk", Some(&gate));
    loop {
        let baton = eventually("its lane is started", || {
            sweep.ask(&json!({"once": true}));
            let baton = field.receive(&field.batons, 1);
            if baton.is_empty() { Err("not yet".to_owned()) } else { Ok(baton) }
        });
        gate.trap(trap);
        bulk.begin(&batch_of(&baton));
        let began = Instant::now();
        while bulk.answered_within(Duration::from_millis(10)).is_none() {
            if let Some(at) = gate.caught(Duration::ZERO) {
                gate.untrap();
                bulk.kill();
                // The baton of the dead comes back.
                field.see_again_in(&field.batons, &baton, 2);
                return Some(at);
            }
            assert!(began.elapsed() < PATIENCE, "neither an answer nor a request: {}", bulk.log());
        }
        field.settle(&field.batons, &baton, &[]);
        // Some batons are worth nothing any more, and start no run.
        if is_done() {
            return None;
        }
    }
}

#[test]
fn given_a_bulk_function_that_is_killed_at_any_point_of_its_run_when_it_is_followed_then_all_is_there_once() {
    let stack = Stack::here();
    let field = Field::new(&stack);
    let org = Plan::new("lane-crash").mapping("contact", CONTACT).ready(&stack);
    let (sync, sweep) = (start(&stack, &field, "sync", None), start(&stack, &field, "sweep", None));
    let (mut before_the_call, mut after_it) = (0, 0);
    for nth in 0.. {
        let version = nth + 1;
        let old = (0..OLD).map(|n| format!("old{n}"));
        let ids: Vec<String> = old.chain((0..NEW).map(|n| format!("new{nth}-{n}"))).collect();
        let events: Vec<Event> = ids.iter().map(|id| backfilled(&org, id, version)).collect();
        stack.send_to(&field.changes, &events);
        while field.messages() > 0 {
            field.turn(&field.changes, &sync, 10);
        }
        let mark = org.crm().mark();

        let killed_at = killed_run(&stack, &field, &sweep, trap(nth), || parked(&org).is_empty());
        match &killed_at {
            None => {}
            Some(_) if org.crm().requests(mark).is_empty() => before_the_call += 1,
            Some(_) => after_it += 1,
        }

        let next = start(&stack, &field, "bulk", None);
        let wanted = |nth: usize| OLD + NEW * (nth + 1);
        eventually("all of it is at the CRM, and nothing is parked", || {
            sweep.ask(&json!({"once": true}));
            field.turn(&field.batons, &next, 1);
            same((org.crm().records("contacts").len(), parked(&org)), (wanted(nth), vec![]))
        });
        let mut there = org.crm().values("contacts", "rtr_record_id");
        there.dedup();
        assert_eq!(there.len(), wanted(nth), "killed at {killed_at:?}");
        let newest = format!("v{version}");
        let names = org.crm().values("contacts", "firstname");
        let count = names.iter().filter(|name| **name == newest).count();
        assert_eq!(count, OLD + NEW, "killed at {killed_at:?}: {names:?}");
        if killed_at.is_none() {
            break;
        }
    }
    println!("killed {before_the_call} times before the CRM was called, {after_it} times after");
    assert!(before_the_call >= 2 && after_it >= 2, "{before_the_call} before, {after_it} after the call");
    assert!(org.dead_letters().is_empty());
}
