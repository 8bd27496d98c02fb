//! The processes that work the field's queues, as Lambda would run them: three of `sync`, one each of `bulk`, `sweep` and
//! `redrive`. They are killed by order, and started anew.

use super::books::Books;
use super::dice::Dice;
use crate::stack::{Field, Gate, Side, Sky, Stack, Tally, Trap, Worker, batch_of, receive_count, variable};
use aws_sdk_sqs::types::Message;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Between two looks at what a process does.
const LOOK: Duration = Duration::from_millis(20);
/// From this time on a process waits for a CRM that takes its time.
const SLOW: Duration = Duration::from_millis(2_500);
/// Lambda's own patience with a function, and a little.
const PATIENCE: Duration = Duration::from_secs(12);

/// What one of the next batches shall suffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// kill -9 at a request to AWS.
    Kill(Trap),
    /// kill -9 while it waits for a CRM.
    KillInCall,
    /// kill -9 when a record without a unique key is made at the CRM and not linked yet.
    KillCreate,
    /// Its message is seen by another process while it is still at it.
    Twice,
}

impl Order {
    /// Whether it is about one message.
    fn wants_one(self) -> bool {
        matches!(self, Self::KillCreate | Self::Twice)
    }
}

/// The processes and what is known of them.
pub(super) struct Fleet<'a> {
    pub(super) stack: &'a Stack,
    pub(super) field: &'a Field<'a>,
    pub(super) sky: Arc<Sky>,
    pub(super) tally: Arc<Tally>,
    orders: Mutex<VecDeque<Order>>,
    /// In how many hands each message is.
    hands: Mutex<HashMap<String, usize>>,
    /// Messages that were in more than one.
    doubled: Mutex<HashSet<String>>,
    /// Messages that died in a process, and did not come back yet.
    killed: Mutex<HashSet<String>>,
    logs: Mutex<Vec<String>>,
    /// What became of the events.
    pub(super) books: Mutex<Books>,
    /// What a function may never do: fail a whole batch.
    pub(super) broken: Mutex<Vec<String>>,
    over: AtomicBool,
    /// Orgs whose records go to one connection alone.
    single: Vec<String>,
}

/// Ends the fleet when the story ends, however it ends.
pub(super) struct Ending<'a>(pub(super) &'a Fleet<'a>);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.over.store(true, Ordering::SeqCst);
    }
}

impl<'a> Fleet<'a> {
    /// Nobody yet: see [`Self::work`] and [`Self::sweep`].
    pub(super) fn new(stack: &'a Stack, field: &'a Field<'a>, single: Vec<String>) -> Self {
        Self {
            stack,
            field,
            sky: Arc::default(),
            tally: Arc::default(),
            orders: Mutex::default(),
            hands: Mutex::default(),
            doubled: Mutex::default(),
            killed: Mutex::default(),
            logs: Mutex::default(),
            books: Mutex::default(),
            broken: Mutex::default(),
            over: AtomicBool::new(false),
            single,
        }
    }

    /// One of the next batches shall suffer this.
    pub(super) fn order(&self, order: Order) {
        self.orders.lock().unwrap().push_back(order);
    }

    /// Whether an order waits for a message that nobody received before.
    pub(super) fn wants_news(&self) -> bool {
        self.orders.lock().unwrap().iter().any(|order| order.wants_one())
    }

    /// What the processes printed that have ended.
    pub(super) fn logs(&self) -> Vec<String> {
        self.logs.lock().unwrap().clone()
    }

    /// Works `changes.fifo` until the end.
    pub(super) fn work(&self, mut dice: Dice) {
        let gate = Gate::new(&self.sky, &self.tally);
        let mut worker = self.start("sync", "SYNC_FUNCTION_NAME", &gate);
        while !self.over.load(Ordering::SeqCst) {
            let most = if self.wants_news() { 1 } else { 1 + dice.below(10) };
            let batch = self.field.receive(&self.field.changes, i32::try_from(most).unwrap());
            self.take(&batch);
            self.books.lock().unwrap().receive(&batch);
            let order = self.order_for(&batch);
            worker = self.run(worker, &gate, &batch, order);
            self.give_up(&batch);
        }
        self.end(worker);
    }

    /// Whether `order` was still to be carried out; it is no more.
    fn takes(&self, order: Order) -> bool {
        let mut orders = self.orders.lock().unwrap();
        let at = orders.iter().position(|one| *one == order);
        at.is_some_and(|at| orders.remove(at).is_some())
    }

    /// The oldest order that can be carried out upon `batch`.
    fn order_for(&self, batch: &[Message]) -> Option<Order> {
        let mut orders = self.orders.lock().unwrap();
        let at = orders.iter().position(|order| self.suits(*order, batch))?;
        orders.remove(at)
    }

    fn suits(&self, order: Order, batch: &[Message]) -> bool {
        let fresh = |message: &Message| {
            let body: Value = serde_json::from_str(message.body().unwrap_or_default()).unwrap_or_default();
            let single = self.single.iter().any(|org| body["org_id"] == org.as_str());
            let deal = body["record_type"] == "deal";
            let wanted = match order {
                Order::KillCreate => deal && body["version"] == 1,
                // Who has it for the second time is the other one.
                Order::Twice => single && !deal && !self.was_doubled(std::slice::from_ref(message)),
                Order::Kill(_) => return !batch.is_empty(),
                // Which call is slow shows when it is.
                Order::KillInCall => return false,
            };
            // A create that came before may have landed.
            let first = order != Order::KillCreate || receive_count(message) == 1;
            wanted && body["operation"] == "upsert" && first
        };
        let few = !batch.is_empty() && (batch.len() == 1 || !order.wants_one());
        few && batch.iter().all(fresh)
    }

    /// Has `worker` do `batch`; gives back the process that takes the next one.
    fn run(&self, worker: Worker<'a>, gate: &Gate, batch: &[Message], order: Option<Order>) -> Worker<'a> {
        if batch.is_empty() {
            return worker;
        }
        match order {
            Some(Order::Kill(trap)) => gate.trap(trap),
            Some(Order::KillCreate) => gate.trap(Trap::Link),
            Some(Order::Twice) => gate.trap(Trap::Ending(Side::Before)),
            Some(Order::KillInCall) | None => {}
        }
        worker.begin(&batch_of(batch));
        let (mut waited, mut unspent) = (Duration::ZERO, order);
        loop {
            if let Some(answer) = worker.answered_within(LOOK) {
                gate.untrap();
                // Where everybody else was busy, nobody received it while it was in hand.
                unspent =
                    unspent.or(order.filter(|order| *order == Order::Twice && !self.was_doubled(batch)));
                self.orders.lock().unwrap().extend(unspent);
                match answer {
                    Ok(answer) => {
                        self.books.lock().unwrap().settle(batch, &failed(&answer));
                        self.field.settle(&self.field.changes, batch, &failed(&answer));
                    }
                    Err(error) => self.broken.lock().unwrap().push(error),
                }
                return worker;
            }
            waited += LOOK;
            let held = gate.caught(Duration::ZERO);
            let why = match (order, held) {
                (Some(Order::Kill(..)), Some(what)) => format!("killed {what}"),
                (Some(Order::KillCreate), Some(_)) => "killed before a create is known".to_owned(),
                _ if waited >= SLOW && gate.is_idle() && self.takes(Order::KillInCall) => {
                    "killed in a slow call".to_owned()
                }
                (Some(Order::Twice), Some(_)) => {
                    unspent = None;
                    self.field.see_again_in(&self.field.changes, batch, 0);
                    continue;
                }
                _ if waited >= PATIENCE => "killed by the timeout".to_owned(),
                _ => continue,
            };
            // Killed before anybody else had its message: it is for the next one to suffer.
            if order == Some(Order::Twice) && !self.was_doubled(batch) {
                self.order(Order::Twice);
            }
            return self.replace(worker, gate, batch, &why);
        }
    }

    fn replace(&self, worker: Worker<'a>, gate: &Gate, batch: &[Message], why: &str) -> Worker<'a> {
        // It may have answered at the last moment, and counted.
        let answered = worker.answered();
        self.end(worker);
        let mut books = self.books.lock().unwrap();
        books.die(batch);
        if let Some(Ok(answer)) = answered {
            books.settle(batch, &failed(&answer));
        }
        drop(books);
        self.tally.strike(why);
        gate.untrap();
        self.killed.lock().unwrap().extend(batch.iter().filter_map(|message| message.message_id.clone()));
        // No request of the dead is on its way any more: the rest of the quarantine need not be waited for.
        self.field.see_again_in(&self.field.changes, batch, 2);
        self.start("sync", "SYNC_FUNCTION_NAME", gate)
    }

    /// Wakes what is due, and files dead letters, until the end.
    pub(super) fn sweep(&self) {
        let gate = Gate::new(&self.sky, &self.tally);
        let sweep = self.start("sweep", "SWEEP_FUNCTION_NAME", &gate);
        let redrive = self.start("redrive", "REDRIVE_FUNCTION_NAME", &gate);
        while !self.over.load(Ordering::SeqCst) {
            self.ask(&sweep, &json!({"once": true}));
            let letters = self.field.receive(&self.field.dead_letters, 10);
            if !letters.is_empty()
                && let Some(answer) = self.ask(&redrive, &batch_of(&letters))
            {
                self.field.settle(&self.field.dead_letters, &letters, &failed(&answer));
            }
        }
        self.end(sweep);
        self.end(redrive);
    }

    /// Drains what is parked, one connection after another, until the end.
    pub(super) fn drain(&self) {
        let gate = Gate::new(&self.sky, &self.tally);
        let bulk = self.start("bulk", "BULK_FUNCTION_NAME", &gate);
        while !self.over.load(Ordering::SeqCst) {
            let batons = self.field.receive(&self.field.batons, 1);
            if !batons.is_empty()
                && let Some(answer) = self.ask(&bulk, &batch_of(&batons))
            {
                self.field.settle(&self.field.batons, &batons, &failed(&answer));
            }
        }
        self.end(bulk);
    }

    fn ask(&self, worker: &Worker<'_>, event: &Value) -> Option<Value> {
        worker.begin(event);
        match worker.answered_within(PATIENCE) {
            Some(Ok(answer)) => Some(answer),
            other => {
                self.broken.lock().unwrap().push(format!("{event}: {other:?}"));
                None
            }
        }
    }

    fn start(&self, name: &str, function: &str, gate: &Gate) -> Worker<'a> {
        let variables = [self.field.variables(), gate.variables()].concat();
        let variables: Vec<(&str, &str)> =
            variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Worker::start(self.stack, name, &variable(function), &variables)
    }

    fn end(&self, worker: Worker<'_>) {
        self.logs.lock().unwrap().push(worker.kill());
    }

    fn take(&self, batch: &[Message]) {
        let mut hands = self.hands.lock().unwrap();
        for message in batch {
            let count = hands.entry(message.message_id.clone().unwrap()).or_default();
            *count += 1;
            if *count > 1 {
                self.tally.strike("received while the first attempt ran");
                self.doubled.lock().unwrap().insert(message.message_id.clone().unwrap());
            }
            if self.killed.lock().unwrap().remove(message.message_id.as_ref().unwrap()) {
                self.tally.strike("came again from the dead");
            }
        }
    }

    fn was_doubled(&self, batch: &[Message]) -> bool {
        let doubled = self.doubled.lock().unwrap();
        batch.iter().any(|message| doubled.contains(message.message_id.as_ref().unwrap()))
    }

    fn give_up(&self, batch: &[Message]) {
        let mut hands = self.hands.lock().unwrap();
        for message in batch {
            *hands.entry(message.message_id.clone().unwrap()).or_default() -= 1;
        }
    }
}

/// The messages that are to come back.
fn failed(answer: &Value) -> Vec<String> {
    let failures = answer["batchItemFailures"].as_array().cloned().unwrap_or_default();
    failures.iter().map(|failure| failure["itemIdentifier"].as_str().unwrap().to_owned()).collect()
}
