//! The records' items, their indexes, and bodies too large for an item.

use super::Unavailable;
use async_trait::async_trait;
use rtr_core::item::Item;
use rtr_core::key::{ConnectionKey, PairKey, RecordKey, Whose};
use rtr_core::time::Instant;
use std::collections::HashMap;

/// The plain names behind an item's key; whatever is unknown is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// The org.
    pub org_id: Option<String>,
    /// The connection within the org.
    pub connection: Option<String>,
    /// The record type.
    pub record_type: Option<String>,
    /// The record id.
    pub record_id: Option<String>,
}

/// One compare-and-set of an item.
#[derive(Debug, Clone, PartialEq)]
pub struct Write {
    /// Which item.
    pub key: PairKey,
    /// Whose it is: stands beside the key in indexes and wherever the key is a digest.
    pub names: Names,
    /// As it was read: the write happens only if `rev` is still this one's; `rev` 0 means that there was no item.
    pub old: Item,
    /// As it shall be; `rev` is `old.rev + 1`.
    pub new: Item,
}

/// What became of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wrote {
    /// It stands.
    Done,
    /// Somebody wrote in between: read again, decide again.
    Refused,
    /// The external record is claimed by the item under this partition key.
    Owned(String),
    /// Nobody knows, or it was not taken.
    Failed(Unavailable),
}

/// A claim to take or release in the transaction of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClaimChange {
    /// Take it; standing already with the same owner is fine.
    Take(PairKey),
    /// Give it back, if it is the owner's.
    Release(PairKey),
}

/// A version that its slot keeps, to be woken through its record's own group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sleeper {
    /// The record.
    pub record: RecordKey,
    /// The connection.
    pub connection: String,
    /// The version.
    pub version: u64,
    /// When it was to be looked at.
    pub due_at: Instant,
    /// Whose it is: of what is no record's of the internal system, type and id are the CRM's.
    pub whose: Whose,
}

/// A version that is parked, as an index shows it: a hint, like everything an index says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parked {
    /// Its item.
    pub key: PairKey,
    /// Not before.
    pub not_before: Instant,
}

/// An item with the plain names behind its key.
#[derive(Debug, Clone, PartialEq)]
pub struct Named {
    /// The key.
    pub key: PairKey,
    /// The names.
    pub names: Names,
    /// The item.
    pub item: Item,
}

/// Items and claims, and the bodies too large for them.
#[async_trait]
pub trait Records: Send + Sync {
    /// Reads items, strongly consistent, in as few requests as the store allows. Absent ones are not in the answer.
    ///
    /// # Errors
    /// When any of them could not be read.
    async fn read(&self, keys: &[PairKey]) -> Result<HashMap<PairKey, Item>, Unavailable>;
    /// Writes items, one statement each, batched; the answers stand in the order of the writes.
    async fn write(&self, writes: &[Write]) -> Vec<Wrote>;
    /// Writes one item and its claims in one transaction; claims are owned by the item's partition key.
    async fn write_with_claims(&self, write: &Write, claims: &[ClaimChange]) -> Wrote;
    /// Versions that wait for `record` at `connection`, written without it or not; at most `limit`. What was filed a
    /// moment ago may be missing.
    ///
    /// # Errors
    /// When the store does not answer.
    async fn waiting_for(
        &self,
        connection: &ConnectionKey,
        record: &RecordKey,
        limit: usize,
    ) -> Result<Vec<Sleeper>, Unavailable>;
    /// Versions that are to be looked at by `now`, those due first foremost; about `limit` at most.
    ///
    /// # Errors
    /// When the store does not answer.
    async fn due(&self, now: Instant, limit: usize) -> Result<Vec<Sleeper>, Unavailable>;
    /// What is parked at `connection`, those due first foremost, be they due yet or not; at most `limit`. What was parked a
    /// moment ago may be missing, and what is drained may still be there. What backfills brought is not in it.
    ///
    /// # Errors
    /// When the store does not answer.
    async fn parked(&self, connection: &ConnectionKey, limit: usize) -> Result<Vec<Parked>, Unavailable>;
    /// The same of what backfills brought, and nothing else.
    ///
    /// # Errors
    /// When the store does not answer.
    async fn backfilled(&self, connection: &ConnectionKey, limit: usize) -> Result<Vec<Parked>, Unavailable>;
    /// The owners of claims, by their partition keys, strongly consistent; nobody's are not in the answer.
    ///
    /// # Errors
    /// When any of them could not be read.
    async fn owners(&self, claims: &[PairKey]) -> Result<HashMap<PairKey, String>, Unavailable>;
    /// Reads items with their names, strongly consistent. Absent ones are not in the answer.
    ///
    /// # Errors
    /// When any of them could not be read.
    async fn read_named(&self, keys: &[PairKey]) -> Result<Vec<Named>, Unavailable>;
    /// Writes many items, each with its claims or not at all; the answers stand in the order of the writes. A store that
    /// takes several in one transaction does so, and one that is refused costs the others nothing.
    async fn write_many_with_claims(&self, writes: &[(Write, Vec<ClaimChange>)]) -> Vec<Wrote> {
        let mut answers = Vec::with_capacity(writes.len());
        for (write, claims) in writes {
            answers.push(self.write_with_claims(write, claims).await);
        }
        answers
    }
    /// Stores a body under `key`, before the item that will name it is written.
    ///
    /// # Errors
    /// When it is not stored.
    async fn put_body(&self, key: &str, body: &[u8]) -> Result<(), Unavailable>;
    /// The body under `key`; none when there is none.
    ///
    /// # Errors
    /// When the store does not answer.
    async fn body(&self, key: &str) -> Result<Option<Vec<u8>>, Unavailable>;
    /// Removes a body that no item names any more.
    ///
    /// # Errors
    /// When it could not be removed; it is then only wasted space.
    async fn delete_body(&self, key: &str) -> Result<(), Unavailable>;
}
