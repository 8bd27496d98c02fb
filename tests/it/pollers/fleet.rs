//! The field's queues, worked as Lambda's event source mappings do with many pollers: the local stack's own mapping gives one
//! batch after another to one process.

use crate::stack::{Field, Stack, Worker, variable};
use serde_json::json;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::Scope;
use std::time::Duration;

/// Processes of `sync` that poll at the same time.
pub(super) const POLLERS: u32 = 8;
/// Processes of `bulk`: each has one lane at a time.
const LANES: u32 = 2;
/// Between two looks at what is in flight.
const LOOK: Duration = Duration::from_millis(50);

/// The processes, until it is dropped.
pub(super) struct Fleet<'a> {
    stack: &'a Stack,
    field: &'a Field<'a>,
    over: AtomicBool,
    in_flight: AtomicU32,
}

/// Ends the fleet when the test ends, however it ends.
pub(super) struct Ending<'a>(pub(super) &'a Fleet<'a>);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.over.store(true, Ordering::SeqCst);
    }
}

impl<'a> Fleet<'a> {
    /// Nobody yet: see [`Self::begin`].
    pub(super) fn new(stack: &'a Stack, field: &'a Field<'a>) -> Self {
        Self { stack, field, over: AtomicBool::new(false), in_flight: AtomicU32::new(0) }
    }

    /// Starts the processes.
    pub(super) fn begin<'s>(&'s self, scope: &'s Scope<'s, '_>) {
        for _ in 0..POLLERS {
            scope.spawn(|| self.poll(&self.field.changes, "sync", "SYNC_FUNCTION_NAME", 10));
        }
        for _ in 0..LANES {
            scope.spawn(|| self.poll(&self.field.batons, "bulk", "BULK_FUNCTION_NAME", 1));
        }
        scope.spawn(|| self.sweep());
        scope.spawn(|| {
            while !self.is_over() {
                self.in_flight.fetch_max(self.field.in_flight(), Ordering::SeqCst);
                std::thread::sleep(LOOK);
            }
        });
    }

    /// The most messages, of all orgs, that were in flight since this was last asked.
    pub(super) fn in_flight(&self) -> u32 {
        self.in_flight.swap(0, Ordering::SeqCst)
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    fn poll(&self, queue: &str, name: &str, function: &str, most: i32) {
        let worker = self.start(name, function);
        while !self.is_over() {
            self.field.turn(queue, &worker, most);
        }
    }

    /// Starts the lanes that are due, about once a second. What reaches the dead-letter queue stays there and is counted.
    fn sweep(&self) {
        let sweep = self.start("sweep", "SWEEP_FUNCTION_NAME");
        while !self.is_over() {
            sweep.ask(&json!({"once": true}));
            std::thread::sleep(Duration::from_secs(1));
        }
    }

    fn start(&self, name: &str, function: &str) -> Worker<'a> {
        let concurrency = POLLERS.to_string();
        let mut variables = self.field.variables();
        // A connection's share of the function is counted by what there is of it.
        variables.push(("RTR_MAXIMUM_CONCURRENCY", concurrency));
        let variables: Vec<(&str, &str)> =
            variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Worker::start(self.stack, name, &variable(function), &variables)
    }
}
