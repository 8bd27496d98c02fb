//! Laws of `Queue` and of the side that receives, as Amazon SQS documents FIFO queues of high throughput.

pub mod dead_letters;
pub mod order;
pub mod sending;
pub mod visibility;

use async_trait::async_trait;
use rtr_engine::batch::Received;
use rtr_engine::seams::{Outbound, Queue, QueueName};

/// How long a message is unseen after a receive, in milliseconds.
pub const VISIBILITY_MS: i64 = 2_000;
/// Receives of `changes.fifo` before a message is moved to `dead-letter.fifo`.
pub const MAX_RECEIVES: u32 = 3;

/// The queues, empty, set up as the constants here say, and whoever receives from them.
#[async_trait]
pub trait Ends: Send + Sync {
    /// The queues.
    fn queue(&self) -> &dyn Queue;
    /// Up to `most` messages that can be had at once, of ten at most.
    async fn receive(&self, from: QueueName, most: usize) -> Vec<Received>;
    /// Lets time go by.
    async fn pass_ms(&self, ms: i64);
}

fn message(group: &str, id: &str) -> Outbound {
    Outbound {
        trace: None,
        body: format!("{id} of {group}"),
        group: group.to_owned(),
        deduplication_id: id.to_owned(),
        lane: None,
    }
}

fn bodies(received: &[Received]) -> Vec<&str> {
    received.iter().map(|one| one.body.as_str()).collect()
}

async fn sent(ends: &dyn Ends, messages: &[Outbound]) {
    let answers = ends.queue().send(QueueName::Changes, messages).await;
    assert_eq!(answers, vec![Ok(()); messages.len()]);
}

async fn receive(ends: &dyn Ends, most: usize) -> Vec<Received> {
    ends.receive(QueueName::Changes, most).await
}

/// Deletes what nothing stands against.
async fn deleted(ends: &dyn Ends, received: &[Received]) {
    let receipts: Vec<String> = received.iter().map(|one| one.receipt.clone()).collect();
    assert_eq!(ends.queue().delete(&receipts).await, vec![Ok(()); receipts.len()]);
}

/// Sets the visibility of one message; whether that was done.
async fn hidden(ends: &dyn Ends, received: &Received, seconds: i32) -> bool {
    let answers = ends.queue().set_visibility(&[(received.receipt.clone(), seconds)]).await;
    assert_eq!(answers.len(), 1);
    answers[0].is_ok()
}
