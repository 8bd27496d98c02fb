//! The queues' side calls in memory: what was sent, deleted, made invisible.

use async_trait::async_trait;
use rtr_engine::seams::{Outbound, Queue, QueueName, Unavailable};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The queues.
#[derive(Debug, Default)]
pub struct MemoryQueue {
    state: Mutex<State>,
}

/// What was asked of them.
#[derive(Debug, Default)]
pub struct State {
    /// Messages sent.
    pub sent: Vec<(QueueName, Outbound)>,
    /// Receipts deleted.
    pub deleted: Vec<String>,
    /// Visibilities set: receipt and seconds.
    pub visibility: Vec<(String, i32)>,
    /// While true every request is refused.
    pub down: bool,
}

impl MemoryQueue {
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

    fn each<T>(&self, items: &[T], mut take: impl FnMut(&mut State, &T)) -> Vec<Result<(), Unavailable>> {
        let mut state = self.state();
        items
            .iter()
            .map(|item| {
                if state.down {
                    return Err(Unavailable("the queue does not answer".to_owned()));
                }
                take(&mut state, item);
                Ok(())
            })
            .collect()
    }
}

#[async_trait]
impl Queue for MemoryQueue {
    async fn send(&self, to: QueueName, messages: &[Outbound]) -> Vec<Result<(), Unavailable>> {
        self.each(messages, |state, message| state.sent.push((to, message.clone())))
    }

    async fn delete(&self, receipts: &[String]) -> Vec<Result<(), Unavailable>> {
        self.each(receipts, |state, receipt| state.deleted.push(receipt.clone()))
    }

    async fn set_visibility(&self, receipts: &[(String, i32)]) -> Vec<Result<(), Unavailable>> {
        self.each(receipts, |state, one| state.visibility.push(one.clone()))
    }
}
