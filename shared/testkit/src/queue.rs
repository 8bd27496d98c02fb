//! The queues: the models of both, and what was asked of them.
//!
//! Messages that a test makes by hand never were in the model: their receipts are unknown to it, and taking them is only
//! noted.

use crate::fifo::{Fifo, Setup};
use crate::weather::{Calm, Op, Service, Weather};
use async_trait::async_trait;
use rtr_connectors::http::Clock;
use rtr_engine::seams::{Outbound, Queue, QueueName, Unavailable};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The set-up of `changes.fifo` in the template.
pub const CHANGES: Setup =
    Setup { visibility_ms: 360_000, max_receives: Some(1_000), retention_ms: 14 * 86_400_000 };
/// The set-up of `dead-letter.fifo` in the template.
pub const DEAD_LETTER: Setup =
    Setup { visibility_ms: 360_000, max_receives: None, retention_ms: 14 * 86_400_000 };

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
    /// Messages sent.
    pub sent: Vec<(QueueName, Outbound)>,
    /// Receipts deleted.
    pub deleted: Vec<String>,
    /// Visibilities set: receipt and seconds.
    pub visibility: Vec<(String, i32)>,
    /// While true every request is refused.
    pub down: bool,
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
            sent: Vec::new(),
            deleted: Vec::new(),
            visibility: Vec::new(),
            down: false,
            notes: true,
        };
        Self { clock, weather, state: Mutex::new(state) }
    }

    /// The state, to look at or to change.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was sent to `changes.fifo` and not taken yet, in order.
    pub fn take_changes(&self) -> Vec<Outbound> {
        let mut state = self.state();
        let (changes, rest): (Vec<_>, Vec<_>) =
            std::mem::take(&mut state.sent).into_iter().partition(|(to, _)| *to == QueueName::Changes);
        state.sent = rest;
        changes.into_iter().map(|(_, message)| message).collect()
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
        }
    }
}

/// A receipt of the model says what it is worth; any other is a test's own.
fn settled(held: crate::fifo::Held, receipt: &str) -> Result<(), Unavailable> {
    let ours = receipt.starts_with("m-r");
    if ours && held == crate::fifo::Held::Expired {
        return Err(Unavailable("the receipt handle has expired".to_owned()));
    }
    Ok(())
}

#[async_trait]
impl Queue for MemoryQueue {
    async fn send(&self, to: QueueName, messages: &[Outbound]) -> Vec<Result<(), Unavailable>> {
        let take = |state: &mut State, message: &Outbound| {
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
