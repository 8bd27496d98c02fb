//! `changes.fifo` for whoever is asked about each event: with the message's id, and why one was not taken.

use async_trait::async_trait;
use rtr_core::ingest::Entry;

/// Why the queue did not take an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotTaken {
    /// It takes no more at the moment.
    Throttled(String),
    /// It did not answer, or could not: the entry may have been taken all the same.
    Unavailable(String),
    /// It takes no such entry, however often it is sent.
    Refused(String),
}

/// The queue, one call at a time.
#[async_trait]
pub trait Outlet: Send + Sync {
    /// Sends `entries` to `changes.fifo` in one call: ten at most, and a mebibyte in all. The answers stand in their places,
    /// each the id of the message.
    async fn offer(&self, entries: &[&Entry]) -> Vec<Result<String, NotTaken>>;
}
