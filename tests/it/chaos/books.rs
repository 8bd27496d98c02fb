//! The functions' own counters, held against what left the queue: every event ends once, whoever is killed on the way.

use super::fleet::Fleet;
use aws_sdk_sqs::types::Message;
use rtr_core::change::{self, parse};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// How events end.
const ENDINGS: [&str; 6] = ["applied", "unchanged", "superseded", "skipped", "parked", "dead"];

/// What happened to the messages that are events, as whoever handed them out knows it.
#[derive(Debug, Default)]
pub(super) struct Books {
    received: BTreeSet<String>,
    /// How often each left the queue by an answer. More than once where two had it at a time.
    settled: BTreeMap<String, u64>,
    /// In hand when their process was killed.
    died: BTreeSet<String>,
}

impl Books {
    pub(super) fn receive(&mut self, batch: &[Message]) {
        self.received.extend(events(batch));
    }

    /// An answer: all but `failed` have left.
    pub(super) fn settle(&mut self, batch: &[Message], failed: &[String]) {
        for id in events(batch).filter(|id| !failed.contains(id)) {
            *self.settled.entry(id).or_default() += 1;
        }
    }

    pub(super) fn die(&mut self, batch: &[Message]) {
        self.died.extend(events(batch));
    }
}

/// The ids of what are events, or meant to be.
fn events(batch: &[Message]) -> impl Iterator<Item = String> + '_ {
    let is_event = |message: &&Message| {
        let parsed = parse(message.body().unwrap_or_default());
        !matches!(parsed, Ok(change::Message::Wake(_) | change::Message::Look(_)))
    };
    batch.iter().filter(is_event).filter_map(|message| message.message_id.clone())
}

/// What `sync` counted, by metric.
fn counted(logs: &[String]) -> BTreeMap<String, u64> {
    let mut sums = BTreeMap::new();
    let lines = logs.iter().flat_map(|log| log.lines()).filter(|line| line.contains("\"_aws\""));
    for told in lines.filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
        if told["function"] == "sync" {
            for (name, value) in told.as_object().unwrap() {
                *sums.entry(name.clone()).or_default() += value.as_u64().unwrap_or(0);
            }
        }
    }
    sums
}

/// Whether they add up.
pub(super) fn check(fleet: &Fleet<'_>, breaches: &mut Vec<String>) {
    let (books, sums) = (fleet.books.lock().unwrap(), counted(&fleet.logs()));
    let n = |name: &str| sums.get(name).copied().unwrap_or(0);
    let left: u64 = books.settled.values().sum();
    let ended: u64 = ENDINGS.iter().map(|ending| n(&format!("event_{ending}"))).sum();
    let told = ENDINGS.map(|ending| (ending, n(&format!("event_{ending}"))));
    println!("{} events, {left} times out of the queue, counted as {told:?}", books.received.len());
    if n("events") != left || ended != left {
        breaches.push(format!("{left} events left the queue, {} were counted, as {told:?}", n("events")));
    }
    // An older version is taken out of the queue before a newer one of the same batch is told: dead by then, nobody counts it.
    let lost: Vec<&String> = books
        .received
        .iter()
        .filter(|id| !books.settled.contains_key(*id) && !books.died.contains(*id))
        .collect();
    if !lost.is_empty() {
        breaches.push(format!("{} events were received and never left the queue: {lost:?}", lost.len()));
    }
}
