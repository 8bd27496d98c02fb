//! The queues: the models of both, and what was asked of them.
//!
//! Messages that a test makes by hand never were in the model: their receipts are unknown to it, and taking them is only
//! noted.

use crate::build::HAND_MADE;
use crate::fifo::{Fifo, Held, Setup, is_sendable};
use crate::weather::{Calm, Op, Service, Weather};
use async_trait::async_trait;
use rtr_connectors::http::Clock;
use rtr_core::ingest::sending::MAX_ENTRIES;
use rtr_core::ingest::{Entry, MAX_MESSAGE_BYTES};
use rtr_engine::batch::Received;
use rtr_engine::seams::{NotTaken, Outbound, Outlet, Queue, QueueName, Unavailable};
use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The set-up of `changes.fifo` in the template.
pub const CHANGES: Setup =
    Setup { visibility_ms: 360_000, max_receives: Some(1_000), retention_ms: 14 * 86_400_000 };
/// The set-up of `dead-letter.fifo` in the template.
pub const DEAD_LETTER: Setup =
    Setup { visibility_ms: 360_000, max_receives: None, retention_ms: 14 * 86_400_000 };
/// The set-up of `bulk.fifo` in the template: a baton that is lost is sent again.
pub const BULK: Setup = Setup { visibility_ms: 360_000, max_receives: None, retention_ms: 86_400_000 };
/// The set-up of `inbound.fifo` in the template: as of `changes.fifo`.
pub const INBOUND: Setup = CHANGES;
/// The set-up of `poll.fifo` in the template: a wake-up that is lost is sent again.
pub const POLL: Setup = BULK;

/// The queues.
#[derive(Debug)]
pub struct MemoryQueue {
    clock: Arc<dyn Clock>,
    weather: Arc<dyn Weather>,
    state: Mutex<State>,
}

/// What is in them, and what was asked of them.
#[derive(Debug)]
pub struct State {
    /// `changes.fifo`
    pub changes: Fifo,
    /// `dead-letter.fifo`
    pub dead_letter: Fifo,
    /// `bulk.fifo`
    pub bulk: Fifo,
    /// `inbound.fifo`
    pub inbound: Fifo,
    /// `poll.fifo`
    pub poll: Fifo,
    /// Messages sent.
    pub sent: Vec<(QueueName, Outbound)>,
    /// Receipts deleted.
    pub deleted: Vec<String>,
    /// Visibilities set: receipt and seconds.
    pub visibility: Vec<(String, i32)>,
    /// While true every request is refused.
    pub down: bool,
    /// Message groups of which the queue takes no more at the moment from whoever asks about each entry.
    pub throttles: HashSet<String>,
    /// Whether what is sent is also noted in `sent`; a long run has no use for it.
    pub notes: bool,
}

impl MemoryQueue {
    /// Empty queues on `clock`.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self::under(clock, Arc::new(Calm), CHANGES)
    }

    /// The same under `weather`, `changes.fifo` set up as `changes`.
    #[must_use]
    pub fn under(clock: Arc<dyn Clock>, weather: Arc<dyn Weather>, changes: Setup) -> Self {
        let state = State {
            changes: Fifo::new("m", changes),
            dead_letter: Fifo::new("d", DEAD_LETTER),
            bulk: Fifo::new("b", BULK),
            inbound: Fifo::new("i", INBOUND),
            poll: Fifo::new("p", POLL),
            sent: Vec::new(),
            deleted: Vec::new(),
            visibility: Vec::new(),
            down: false,
            throttles: HashSet::new(),
            notes: true,
        };
        Self { clock, weather, state: Mutex::new(state) }
    }

    /// The state, to look at or to change.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was sent to `to` and not taken yet, in order.
    pub fn take_sent(&self, to: QueueName) -> Vec<Outbound> {
        let mut state = self.state();
        let (taken, rest): (Vec<_>, Vec<_>) =
            std::mem::take(&mut state.sent).into_iter().partition(|(queue, _)| *queue == to);
        state.sent = rest;
        taken.into_iter().map(|(_, message)| message).collect()
    }

    /// The same of `changes.fifo`.
    pub fn take_changes(&self) -> Vec<Outbound> {
        self.take_sent(QueueName::Changes)
    }

    /// Receives up to `most` messages as Lambda's poller would. What the redrive policy moves goes to `dead-letter.fifo`.
    pub fn receive(&self, from: QueueName, most: usize) -> Vec<Received> {
        let now = self.clock.now();
        let mut state = self.state();
        let received = state.queue(from).receive(most, now);
        for moved in state.queue(from).take_moved() {
            state.dead_letter.send(&moved, now);
        }
        received
    }

    async fn each<T: Sync>(
        &self,
        name: &'static str,
        items: &[T],
        mut take: impl FnMut(&mut State, &T) -> Result<(), Unavailable> + Send,
    ) -> Vec<Result<(), Unavailable>> {
        let op = Op { service: Service::Queue, name, parts: items.len() };
        let fate = self.weather.there(op).await;
        let answers = {
            let mut state = self.state();
            let mut each = |(at, item)| {
                if state.down || !fate.does(at) {
                    return Err(Unavailable("the queue does not answer".to_owned()));
                }
                let done = take(&mut state, item);
                if fate.tells(at) { done } else { Err(Unavailable("the queue's answer was lost".to_owned())) }
            };
            items.iter().enumerate().map(&mut each).collect()
        };
        self.weather.back(op).await;
        answers
    }
}

impl State {
    fn queue(&mut self, name: QueueName) -> &mut Fifo {
        match name {
            QueueName::Changes => &mut self.changes,
            QueueName::DeadLetter => &mut self.dead_letter,
            QueueName::Bulk => &mut self.bulk,
            QueueName::Inbound => &mut self.inbound,
            QueueName::Poll => &mut self.poll,
        }
    }
}

/// What a receipt is worth, says the model; it knows nothing of those that tests make up by hand.
fn settled(held: Held, receipt: &str) -> Result<(), Unavailable> {
    match held {
        Held::Yes => Ok(()),
        Held::Expired if receipt.starts_with(HAND_MADE) => Ok(()),
        Held::Expired => Err(Unavailable("the receipt handle has expired or never was one".to_owned())),
        Held::OutOfBounds => Err(Unavailable("a message is unseen for twelve hours at most".to_owned())),
    }
}

#[async_trait]
impl Queue for MemoryQueue {
    async fn send(&self, to: QueueName, messages: &[Outbound]) -> Vec<Result<(), Unavailable>> {
        let take = |state: &mut State, message: &Outbound| {
            if !is_sendable(message) {
                return Err(Unavailable("the queue takes no such message".to_owned()));
            }
            let now = self.clock.now();
            state.queue(to).send(message, now);
            if state.notes {
                state.sent.push((to, message.clone()));
            }
            Ok(())
        };
        self.each("send", messages, take).await
    }

    async fn delete(&self, receipts: &[String]) -> Vec<Result<(), Unavailable>> {
        let take = |state: &mut State, receipt: &String| {
            if state.notes {
                state.deleted.push(receipt.clone());
            }
            settled(state.changes.delete(receipt, self.clock.now()), receipt)
        };
        self.each("delete", receipts, take).await
    }

    async fn set_visibility(&self, receipts: &[(String, i32)]) -> Vec<Result<(), Unavailable>> {
        let take = |state: &mut State, one: &(String, i32)| {
            if state.notes {
                state.visibility.push(one.clone());
            }
            settled(state.changes.set_visibility(&one.0, one.1, self.clock.now()), &one.0)
        };
        self.each("set_visibility", receipts, take).await
    }
}

#[async_trait]
impl Outlet for MemoryQueue {
    async fn offer(&self, entries: &[&Entry]) -> Vec<Result<String, NotTaken>> {
        let bytes: usize = entries.iter().map(|entry| entry.body.len()).sum();
        if entries.is_empty() || entries.len() > MAX_ENTRIES || bytes > MAX_MESSAGE_BYTES {
            return vec![
                Err(NotTaken::Unavailable("the queue takes no such call".to_owned()));
                entries.len()
            ];
        }
        let messages: Vec<Outbound> = entries.iter().map(|entry| outbound(entry)).collect();
        let op = Op { service: Service::Queue, name: "offer", parts: messages.len() };
        let fate = self.weather.there(op).await;
        let answers = {
            let mut state = self.state();
            let take = |(at, message): (usize, &Outbound)| {
                let lost = |why: &str| Err(NotTaken::Unavailable(why.to_owned()));
                match () {
                    () if state.down || !fate.does(at) => lost("the queue does not answer"),
                    () if state.throttles.contains(&message.group) => {
                        Err(NotTaken::Throttled("too much for this group".to_owned()))
                    }
                    () if !is_sendable(message) => {
                        Err(NotTaken::Refused("it takes no such message".to_owned()))
                    }
                    () => {
                        let id = state.changes.send(message, self.clock.now());
                        if state.notes {
                            state.sent.push((QueueName::Changes, message.clone()));
                        }
                        if fate.tells(at) { Ok(id) } else { lost("the queue's answer was lost") }
                    }
                }
            };
            messages.iter().enumerate().map(take).collect()
        };
        self.weather.back(op).await;
        answers
    }
}

fn outbound(entry: &Entry) -> Outbound {
    Outbound {
        trace: entry.trace.clone(),
        body: entry.body.clone(),
        group: entry.group.clone(),
        deduplication_id: entry.deduplication_id.clone(),
        lane: None,
    }
}
