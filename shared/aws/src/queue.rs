//! SQS: messages out in batches, and what a function gets and answers.
//!
//! Entries of a batch succeed or fail each for itself; whatever is not confirmed has failed.

use crate::clients::Clients;
use crate::errors::unavailable;
use async_trait::async_trait;
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::builders::SendMessageBatchRequestEntryBuilder;
use aws_sdk_sqs::types::{
    BatchResultErrorEntry, ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry,
    MessageAttributeValue, MessageSystemAttributeNameForSends, MessageSystemAttributeValue,
    SendMessageBatchRequestEntry,
};
use futures::future::join_all;
use rtr_core::time::Instant;
use rtr_core::trace::Trace;
use rtr_engine::batch::Received;
use rtr_engine::seams::{Outbound, Queue, QueueName, Unavailable};
use std::ops::Range;

mod outlet;

/// Entries of one request. SQS's limit.
const MAX_ENTRIES: usize = 10;
/// Bytes of all bodies and attributes of one request, SQS's limit; a message may have all of it.
const MAX_BYTES: usize = 1_024 * 1_024;
/// The message attribute that names the lane.
const LANE: &str = "lane";
/// What the lane's name and type count for, in bytes.
const LANE_BYTES: usize = LANE.len() + "String".len();
/// The message attribute that names the trace, as the W3C writes it.
const TRACEPARENT: &str = "traceparent";
/// What it counts for, in bytes: name, type and value. X-Ray's header beside it counts for nothing.
const TRACE_BYTES: usize = TRACEPARENT.len() + "String".len() + 55;

type Answers = Vec<Result<(), Unavailable>>;

/// The queues of a stack.
#[derive(Debug, Clone)]
pub struct SqsQueue {
    client: Client,
    changes_url: String,
    dead_letter_url: String,
    bulk_url: String,
    inbound_url: String,
    poll_url: String,
}

impl SqsQueue {
    /// The queues at these addresses.
    #[must_use]
    pub fn new(
        clients: &Clients,
        changes_url: impl Into<String>,
        dead_letter_url: impl Into<String>,
        bulk_url: impl Into<String>,
        inbound_url: impl Into<String>,
        poll_url: impl Into<String>,
    ) -> Self {
        Self {
            client: clients.sqs.clone(),
            changes_url: changes_url.into(),
            dead_letter_url: dead_letter_url.into(),
            bulk_url: bulk_url.into(),
            inbound_url: inbound_url.into(),
            poll_url: poll_url.into(),
        }
    }

    fn url(&self, queue: QueueName) -> &str {
        match queue {
            QueueName::Changes => &self.changes_url,
            QueueName::DeadLetter => &self.dead_letter_url,
            QueueName::Bulk => &self.bulk_url,
            QueueName::Inbound => &self.inbound_url,
            QueueName::Poll => &self.poll_url,
        }
    }

    async fn send_batch(&self, url: &str, messages: &[Outbound]) -> Answers {
        let entries = messages.iter().enumerate().map(|(at, message)| send_entry(at, message)).collect();
        let entries = match entries {
            Ok(entries) => entries,
            Err(error) => return vec![Err(error); messages.len()],
        };
        match self.client.send_message_batch().queue_url(url).set_entries(Some(entries)).send().await {
            Ok(answer) => {
                answers(messages.len(), answer.successful.iter().map(|entry| &*entry.id), &answer.failed)
            }
            Err(error) => vec![Err(unavailable("SendMessageBatch", &error)); messages.len()],
        }
    }

    async fn delete_batch(&self, receipts: &[String]) -> Answers {
        let entry = |(at, receipt): (usize, &String)| {
            DeleteMessageBatchRequestEntry::builder().id(at.to_string()).receipt_handle(receipt).build()
        };
        let entries = match receipts.iter().enumerate().map(entry).collect() {
            Ok(entries) => entries,
            Err(error) => return vec![Err(unbuilt(&error)); receipts.len()],
        };
        let request = self.client.delete_message_batch().queue_url(&self.changes_url);
        match request.set_entries(Some(entries)).send().await {
            Ok(answer) => {
                answers(receipts.len(), answer.successful.iter().map(|entry| &*entry.id), &answer.failed)
            }
            Err(error) => vec![Err(unavailable("DeleteMessageBatch", &error)); receipts.len()],
        }
    }

    async fn visibility_batch(&self, receipts: &[(String, i32)]) -> Answers {
        let entry = |(at, (receipt, seconds)): (usize, &(String, i32))| {
            ChangeMessageVisibilityBatchRequestEntry::builder()
                .id(at.to_string())
                .receipt_handle(receipt)
                .visibility_timeout(*seconds)
                .build()
        };
        let entries = match receipts.iter().enumerate().map(entry).collect() {
            Ok(entries) => entries,
            Err(error) => return vec![Err(unbuilt(&error)); receipts.len()],
        };
        let request = self.client.change_message_visibility_batch().queue_url(&self.changes_url);
        match request.set_entries(Some(entries)).send().await {
            Ok(answer) => {
                answers(receipts.len(), answer.successful.iter().map(|entry| &*entry.id), &answer.failed)
            }
            Err(error) => vec![Err(unavailable("ChangeMessageVisibilityBatch", &error)); receipts.len()],
        }
    }
}

#[async_trait]
impl Queue for SqsQueue {
    async fn send(&self, to: QueueName, messages: &[Outbound]) -> Answers {
        let url = self.url(to);
        let messages: Vec<Outbound> = messages.iter().map(sendable).collect();
        // One after another: two batches may hold messages of one group, whose order is the order of sending.
        let mut all = Vec::with_capacity(messages.len());
        for range in batches(&messages) {
            all.extend(self.send_batch(url, &messages[range]).await);
        }
        all
    }

    async fn delete(&self, receipts: &[String]) -> Answers {
        join_all(receipts.chunks(MAX_ENTRIES).map(|receipts| self.delete_batch(receipts))).await.concat()
    }

    async fn set_visibility(&self, receipts: &[(String, i32)]) -> Answers {
        join_all(receipts.chunks(MAX_ENTRIES).map(|receipts| self.visibility_batch(receipts))).await.concat()
    }
}

/// The same JSON without the two characters that JSON allows in text and SQS does not: SQS would refuse them for ever.
fn sendable(message: &Outbound) -> Outbound {
    let body = message.body.replace('\u{fffe}', "\\ufffe").replace('\u{ffff}', "\\uffff");
    Outbound { body, ..message.clone() }
}

/// Which messages go together: in order, at most ten, at most SQS's bytes; one that is too large goes alone, for SQS
/// to refuse it by itself.
fn batches(messages: &[Outbound]) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (at, message) in messages.iter().enumerate() {
        let lane = message.lane.as_ref().map_or(0, |lane| lane.len() + LANE_BYTES);
        let size = message.body.len() + lane + message.trace.as_ref().map_or(0, |_| TRACE_BYTES);
        if at > start && (at - start == MAX_ENTRIES || bytes + size > MAX_BYTES) {
            ranges.push(start..at);
            (start, bytes) = (at, 0);
        }
        bytes += size;
    }
    if start < messages.len() {
        ranges.push(start..messages.len());
    }
    ranges
}

fn send_entry(at: usize, message: &Outbound) -> Result<SendMessageBatchRequestEntry, Unavailable> {
    let entry = SendMessageBatchRequestEntry::builder()
        .id(at.to_string())
        .message_body(&message.body)
        .message_group_id(&message.group)
        .message_deduplication_id(&message.deduplication_id);
    let entry = match &message.lane {
        Some(lane) => entry.message_attributes(LANE, text_attribute(lane)?),
        None => entry,
    };
    let entry = match &message.trace {
        Some(trace) => traced(entry, trace).map_err(|error| unbuilt(&error))?,
        None => entry,
    };
    entry.build().map_err(|error| unbuilt(&error))
}

/// The entry as a part of `trace`: for whoever reads the attribute, and for X-Ray, which joins what it sees by its own header.
fn traced(
    entry: SendMessageBatchRequestEntryBuilder,
    trace: &Trace,
) -> Result<SendMessageBatchRequestEntryBuilder, aws_sdk_sqs::error::BuildError> {
    let text = |text: String| MessageAttributeValue::builder().data_type("String").string_value(text).build();
    let header =
        MessageSystemAttributeValue::builder().data_type("String").string_value(trace.to_xray()).build()?;
    Ok(entry
        .message_attributes(TRACEPARENT, text(trace.to_traceparent())?)
        .message_system_attributes(MessageSystemAttributeNameForSends::AwsTraceHeader, header))
}

fn text_attribute(text: &str) -> Result<MessageAttributeValue, Unavailable> {
    let value = MessageAttributeValue::builder().data_type("String").string_value(text).build();
    value.map_err(|error| unbuilt(&error))
}

fn unbuilt(error: &aws_sdk_sqs::error::BuildError) -> Unavailable {
    Unavailable(error.to_string())
}

/// One answer per entry, by the ids, which are places.
fn answers<'a>(
    count: usize,
    done: impl Iterator<Item = &'a str>,
    failed: &[BatchResultErrorEntry],
) -> Answers {
    let mut answers: Answers = vec![Err(Unavailable("SQS did not answer for this entry".to_owned())); count];
    let place = |id: &str| id.parse::<usize>().ok().filter(|place| *place < count);
    for entry in failed {
        let why = format!("{} {}", entry.code, entry.message.as_deref().unwrap_or_default());
        if let Some(place) = place(&entry.id) {
            answers[place] = Err(Unavailable(why.trim_end().to_owned()));
        }
    }
    done.filter_map(place).for_each(|place| answers[place] = Ok(()));
    answers
}

/// The batch of an event, in its order.
#[must_use]
pub fn from_sqs(event: SqsEvent) -> Vec<Received> {
    event.records.into_iter().map(received).collect()
}

/// Whatever is absent gets the value that promises least: received for the first time, at a time unknown.
fn received(mut message: SqsMessage) -> Received {
    let number = |name: &str| message.attributes.get(name).and_then(|value| value.parse::<i64>().ok());
    let receive_count = number("ApproximateReceiveCount").and_then(|count| u32::try_from(count).ok());
    let first_received_at = Instant(number("ApproximateFirstReceiveTimestamp").unwrap_or(0));
    let sent_at = number("SentTimestamp").map_or(first_received_at, Instant);
    let own = message.message_attributes.remove(TRACEPARENT).and_then(|value| value.string_value);
    let trace = own.as_deref().and_then(Trace::from_traceparent);
    let header = message.attributes.get("AWSTraceHeader");
    Received {
        sent_at,
        trace: trace.or_else(|| Trace::from_xray(header?)),
        receive_count: receive_count.unwrap_or(1).max(1),
        first_received_at,
        group: message.attributes.remove("MessageGroupId").unwrap_or_default(),
        lane: message.message_attributes.remove(LANE).and_then(|lane| lane.string_value),
        message_id: message.message_id.unwrap_or_default(),
        receipt: message.receipt_handle.unwrap_or_default(),
        body: message.body.unwrap_or_default(),
    }
}

/// The answer that returns exactly `failed` to the queue.
#[must_use]
pub fn response(failed: Vec<String>) -> SqsBatchResponse {
    let mut response = SqsBatchResponse::default();
    response.set_failures(failed);
    response
}

#[cfg(test)]
mod tests;
