//! A FIFO queue of a test's own, like `changes.fifo` but with nobody at it: the test says who gets what, and when. And
//! tables of its own, in which it finds nothing of the tests beside.

use super::worker::Worker;
use super::{Event, Stack, eventually, lambda, same, unique, variable};
use aws_sdk_dynamodb::types::{BillingMode, GlobalSecondaryIndex, GlobalSecondaryIndexDescription};
use aws_sdk_sqs::types::{
    DeleteMessageBatchRequestEntry, Message, MessageSystemAttributeName, QueueAttributeName,
};
use std::sync::atomic::{AtomicUsize, Ordering};

/// A queue that lives as long as its test.
pub(crate) struct ScratchQueue<'a> {
    stack: &'a Stack,
    /// Its address.
    pub(crate) url: String,
}

impl<'a> ScratchQueue<'a> {
    /// A queue whose messages come back after `visibility_s`.
    pub(crate) fn new(stack: &'a Stack, visibility_s: u32) -> Self {
        let attributes = [
            (QueueAttributeName::FifoQueue, "true".to_owned()),
            (QueueAttributeName::DeduplicationScope, "messageGroup".to_owned()),
            (QueueAttributeName::FifoThroughputLimit, "perMessageGroupId".to_owned()),
            (QueueAttributeName::VisibilityTimeout, visibility_s.to_string()),
            (QueueAttributeName::MaximumMessageSize, "1048576".to_owned()),
        ];
        let making = stack.sqs.create_queue().queue_name(format!("scratch-{}.fifo", unique()));
        let making =
            attributes.into_iter().fold(making, |making, (name, value)| making.attributes(name, value));
        let url = stack.wait(making.send()).unwrap().queue_url.unwrap();
        Self { stack, url }
    }

    /// Sends `events`, in order.
    pub(crate) fn send(&self, events: &[Event]) {
        self.stack.send_to(&self.url, events);
    }

    /// Up to `most` messages that can be had at once.
    pub(crate) fn receive(&self, most: i32) -> Vec<Message> {
        let asked = self
            .stack
            .sqs
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(most)
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .message_attribute_names("All")
            .wait_time_seconds(0);
        self.stack.wait(asked.send()).unwrap().messages.unwrap_or_default()
    }

    /// What Lambda's poller does with the answer to a batch: deletes what it does not name. How many that were.
    pub(crate) fn settle(&self, batch: &[Message], failed: &[String]) -> usize {
        let done: Vec<&Message> =
            batch.iter().filter(|message| !failed.contains(message.message_id.as_ref().unwrap())).collect();
        if done.is_empty() {
            return 0;
        }
        let entry = |(at, message): (usize, &&Message)| {
            let entry = DeleteMessageBatchRequestEntry::builder().id(at.to_string());
            entry.receipt_handle(message.receipt_handle.as_ref().unwrap()).build().unwrap()
        };
        let entries = done.iter().enumerate().map(entry).collect();
        let deleting = self.stack.sqs.delete_message_batch().queue_url(&self.url).set_entries(Some(entries));
        self.stack.wait(deleting.send()).unwrap();
        done.len()
    }

    /// One turn of a poller: a batch for `worker`, if there is one. How many messages it settled.
    pub(crate) fn turn(&self, worker: &Worker<'_>, most: i32) -> usize {
        let batch = self.receive(most);
        if batch.is_empty() {
            return 0;
        }
        let failed = worker.hand(&lambda::batch_of(&batch));
        self.settle(&batch, &failed)
    }

    /// Polls until `settled`, which other pollers may raise too, is `wanted`.
    pub(crate) fn work_off(&self, worker: &Worker<'_>, most: i32, settled: &AtomicUsize, wanted: usize) {
        eventually("the queue is worked off", || {
            loop {
                match self.turn(worker, most) {
                    0 => return same(settled.load(Ordering::Relaxed), wanted),
                    some => settled.fetch_add(some, Ordering::Relaxed),
                };
            }
        });
    }

    /// The same with one poller alone.
    pub(crate) fn drain(&self, worker: &Worker<'_>, wanted: usize) {
        self.work_off(worker, 10, &AtomicUsize::new(0), wanted);
    }
}

impl Drop for ScratchQueue<'_> {
    fn drop(&mut self) {
        let _ = self.stack.wait(self.stack.sqs.delete_queue().queue_url(&self.url).send());
    }
}

/// A table that lives as long as its test.
pub(crate) struct ScratchTable<'a> {
    stack: &'a Stack,
    /// Its name.
    pub(crate) name: String,
}

impl<'a> ScratchTable<'a> {
    /// An empty one, like that which the stack calls `output`.
    pub(crate) fn like(stack: &'a Stack, output: &str) -> Self {
        Self { stack, name: like(stack, &variable(output), &format!("scratch-{}", unique())) }
    }
}

impl Drop for ScratchTable<'_> {
    fn drop(&mut self) {
        let _ = self.stack.wait(self.stack.dynamodb.delete_table().table_name(&self.name).send());
    }
}

/// A table `name` with the keys and indexes of `model`.
fn like(stack: &Stack, model: &str, name: &str) -> String {
    let about = stack.wait(stack.dynamodb.describe_table().table_name(model).send()).unwrap().table.unwrap();
    let index = |index: &GlobalSecondaryIndexDescription| {
        GlobalSecondaryIndex::builder()
            .index_name(index.index_name.clone().unwrap())
            .set_key_schema(index.key_schema.clone())
            .set_projection(index.projection.clone())
            .build()
            .unwrap()
    };
    let indexes: Vec<_> = about.global_secondary_indexes().iter().map(index).collect();
    let making = stack
        .dynamodb
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .set_attribute_definitions(about.attribute_definitions.clone())
        .set_key_schema(about.key_schema.clone())
        .set_global_secondary_indexes((!indexes.is_empty()).then_some(indexes));
    stack.wait(making.send()).unwrap();
    name.to_owned()
}

/// How often the queue gave out a message, as it says itself.
pub(crate) fn receive_count(message: &Message) -> u32 {
    attribute(message, MessageSystemAttributeName::ApproximateReceiveCount).parse().unwrap()
}

/// A message's group.
pub(crate) fn group(message: &Message) -> String {
    attribute(message, MessageSystemAttributeName::MessageGroupId)
}

fn attribute(message: &Message, name: MessageSystemAttributeName) -> String {
    message.attributes.as_ref().unwrap()[&name].clone()
}
