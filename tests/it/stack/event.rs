//! Change events, and sending them as a producer would.

use super::{Stack, unique, variable};
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use rtr_core::key::{RecordKey, sqs_id};
use serde_json::{Value, json};

/// Entries and bytes of one request. SQS's limits.
const ENTRIES: usize = 10;
const BYTES: usize = 1_024 * 1_024;

/// A message for a queue.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    /// The body.
    pub(crate) body: String,
    /// The message group.
    pub(crate) group: String,
    /// The deduplication id: always a fresh one, so that SQS swallows nothing.
    pub(crate) deduplication: String,
}

impl Event {
    /// The record `key` is now at `version`.
    pub(crate) fn upsert(key: &RecordKey, version: u64, data: &Value) -> Self {
        let body = json!({"org_id": key.org_id, "record_type": key.record_type, "record_id": key.record_id,
            "version": version, "operation": "upsert", "occurred_at": "2026-11-23T10:00:00Z", "data": data});
        Self::raw(&body.to_string(), &key.message_group(0))
    }

    /// The record `key` is gone.
    pub(crate) fn deleted(key: &RecordKey, version: u64) -> Self {
        let body = json!({"org_id": key.org_id, "record_type": key.record_type, "record_id": key.record_id,
            "version": version, "operation": "deleted"});
        Self::raw(&body.to_string(), &key.message_group(0))
    }

    /// Any body in any group.
    pub(crate) fn raw(body: &str, group: &str) -> Self {
        Self { body: body.to_owned(), group: sqs_id(group), deduplication: unique() }
    }

    /// The same once more, which SQS does not know for the same.
    pub(crate) fn again(&self) -> Self {
        Self { deduplication: unique(), ..self.clone() }
    }
}

impl Stack {
    /// Sends `events` to `changes.fifo`, in order.
    pub(crate) fn publish(&self, events: &[Event]) {
        self.send_to(&variable("CHANGES_QUEUE_URL"), events);
    }

    /// Sends `events` to any queue, in order.
    pub(crate) fn send_to(&self, url: &str, events: &[Event]) {
        let mut rest = events;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(how_many(rest));
            let entries = now.iter().enumerate().map(|(at, event)| entry(at, event)).collect();
            let sending = self.sqs.send_message_batch().queue_url(url).set_entries(Some(entries));
            let answer = self.wait(sending.send()).unwrap();
            assert!(answer.failed().is_empty(), "{:?}", answer.failed());
            rest = later;
        }
    }
}

/// How many of the first go in one request.
fn how_many(events: &[Event]) -> usize {
    let mut bytes = 0;
    let fits = |event: &&Event| {
        bytes += event.body.len();
        bytes <= BYTES
    };
    events.iter().take(ENTRIES).take_while(fits).count().max(1)
}

fn entry(at: usize, event: &Event) -> SendMessageBatchRequestEntry {
    SendMessageBatchRequestEntry::builder()
        .id(at.to_string())
        .message_body(&event.body)
        .message_group_id(&event.group)
        .message_deduplication_id(&event.deduplication)
        .build()
        .unwrap()
}
