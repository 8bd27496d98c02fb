//! The field's queues, worked as Lambda's event source mappings do with many pollers: the local stack's own mapping gives one
//! batch after another to one process.

use crate::stack::{Field, Stack, Worker, batch_of, group, variable};
use aws_sdk_sqs::types::Message;
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
    /// The org in trouble.
    watched: String,
    /// Messages of other orgs that a process has in hand.
    others: AtomicU32,
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
    pub(super) fn new(stack: &'a Stack, field: &'a Field<'a>, watched: &str) -> Self {
        let (over, zero) = (AtomicBool::new(false), AtomicU32::default);
        Self { stack, field, over, watched: watched.to_owned(), others: zero(), in_flight: zero() }
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
                // What others have in hand changes while the queue is asked: the least of it is none of this org's.
                let before = self.others.load(Ordering::SeqCst);
                let all = self.field.in_flight();
                let others = before.min(self.others.load(Ordering::SeqCst));
                self.in_flight.fetch_max(all.saturating_sub(others), Ordering::SeqCst);
                std::thread::sleep(LOOK);
            }
        });
    }

    /// The most messages of the org in trouble that were in flight: in hand, or hidden until they make sense. Rather too
    /// many than too few: what others have in hand in the moment of a look may count as its own.
    pub(super) fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::SeqCst)
    }

    fn others_of(&self, batch: &[Message]) -> u32 {
        let own = format!("{}#", self.watched);
        let others = batch.iter().filter(|message| !group(message).starts_with(&own)).count();
        u32::try_from(others).unwrap()
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    fn poll(&self, queue: &str, name: &str, function: &str, most: i32) {
        let worker = self.start(name, function);
        while !self.is_over() {
            let batch = self.field.receive(queue, most);
            if batch.is_empty() {
                continue;
            }
            // Batons are no events.
            let others = if queue == self.field.changes { self.others_of(&batch) } else { 0 };
            self.others.fetch_add(others, Ordering::SeqCst);
            let failed = worker.hand(&batch_of(&batch));
            // Before they are deleted: else they would be taken off what is not there any more.
            self.others.fetch_sub(others, Ordering::SeqCst);
            self.field.settle(queue, &batch, &failed);
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
