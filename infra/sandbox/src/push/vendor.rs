//! What a vendor brings for pushes: what became of its records, how it tells of that, and how long it tries.

use super::address::Address;
use serde_json::Value;

/// Who changed a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Author {
    /// A program, by the vendor's API.
    Integration,
    /// A person, in the CRM.
    Person,
}

/// One thing that became of a record.
#[derive(Debug, Clone)]
pub(crate) struct News {
    /// The record's type, as the vendor's API names it.
    pub(crate) object: String,
    /// The record.
    pub(crate) id: String,
    /// What it was, in the vendor's word.
    pub(crate) what: &'static str,
    /// What the vendor has to say of it, as far as that is the same for every address and attempt.
    pub(crate) told: Value,
}

/// What is sent to an address.
pub(crate) struct Message {
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// How often and for how long a vendor tries. A vendor's day is ten minutes here, so that whoever watches sees the end of it.
pub(crate) struct Patience {
    /// How long it waits for an answer.
    pub(crate) timeout_ms: u64,
    /// How many pushes of an address may be under way.
    pub(crate) at_once: usize,
    /// How long it waits before each further attempt.
    pub(crate) waits_ms: Vec<i64>,
}

/// How one account pushes.
pub(crate) trait Pushing {
    /// Begins to note what becomes of records.
    fn listen(&mut self);
    /// What became of records since this was last asked, in an order that hangs on nothing but the records.
    fn news(&mut self, author: Author, now: i64) -> Vec<News>;
    /// The settings that addresses of this vendor alone have.
    fn own_settings(&self) -> &'static [&'static str];
    /// Whether one message can tell of both.
    fn is_together(&self, one: &News, other: &News) -> bool;
    /// The message, signed for this moment.
    fn message(&self, address: &Address, news: &[News], attempt: u32, now: i64) -> Message;
    /// Whether the vendor takes this answer for a yes.
    fn is_acknowledged(&self, status: u16, body: &[u8]) -> bool;
    /// How it tries.
    fn patience(&self) -> Patience;
}
