//! The few seams: each has a real twin (`rtr-aws`) and an in-memory twin (`rtr-testkit`). Nothing else is abstract.
//!
//! [`Http`] and [`Clock`] stand with the connectors, which use them too.

use async_trait::async_trait;
pub use rtr_connectors::http::{Clock, Http};
use rtr_core::breaker::{Breaker, Change};
use rtr_core::config::OrgConfig;
use rtr_core::item::Item;
use rtr_core::key::{ConnectionKey, PairKey, RecordKey};
use rtr_core::lane::Lane;
use rtr_core::limit::{Ask, Rule};
use rtr_core::time::Instant;
use secrecy::SecretString;
use std::collections::HashMap;
use std::sync::Arc;

/// A store that did not do as asked, though nothing was wrong with the request: throttled, unreachable, too slow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unavailable(pub String);

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

/// A lease of tokens.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lease {
    /// Tokens granted; 0 when it must wait.
    pub granted: u64,
    /// When to ask again, if none was granted; else from when on they may be used, if that is later.
    pub retry_at: Option<Instant>,
    /// The connection's breaker, as the bucket's row tells of it: only the general bucket's does.
    pub breaker: Breaker,
}

/// Why a connection waits for a person.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Suspension {
    /// Our words.
    pub message: String,
    /// Since when.
    pub since: Instant,
    /// The version of the secret that was refused: another one is tried.
    pub secret_version: String,
}

/// What is known of a connection's credentials beside the secret. Nothing of it is secret.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// The account at the CRM.
    pub account: Option<String>,
    /// The secret's version that the last refresh replaced, and when: whoever still reads it reads the past.
    pub replaced: Option<(String, Instant)>,
}

/// A person's consent that is being waited for: what its answer will be for.
#[derive(Debug, Clone)]
pub struct Consent {
    /// The org.
    pub org_id: String,
    /// The connection within the org.
    pub connection: String,
    /// The CRM.
    pub provider: String,
    /// The OAuth app; none: the client that the connection's own secret names.
    pub app: Option<String>,
    /// Proves that whoever trades the code in is who asked for it (PKCE).
    pub verifier: SecretString,
    /// Where the person is sent back to.
    pub redirect_uri: String,
    /// After this the answer counts no more.
    pub until: Instant,
}

/// How a consent ended.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ConsentEnding {
    /// Whether the connection works now.
    pub connected: bool,
    /// Our words.
    pub message: String,
    /// The account at the CRM.
    pub account: Option<String>,
}

/// Consents under way, by their random state. A state serves once.
#[async_trait]
pub trait Consents: Send + Sync {
    /// Notes what `state` is for.
    ///
    /// # Errors
    /// When the store does not answer.
    async fn put_consent(&self, state: &str, consent: &Consent) -> Result<(), Unavailable>;
    /// What `state` is for, to the first who asks in time; none to anybody else.
    ///
    /// # Errors
    /// When the store does not answer.
    async fn take_consent(&self, state: &str) -> Result<Option<Consent>, Unavailable>;
    /// Notes how the consent ended, for whoever waits for it.
    ///
    /// # Errors
    /// When the store does not answer.
    async fn end_consent(&self, state: &str, ending: &ConsentEnding) -> Result<(), Unavailable>;
    /// How the consent ended, if it has.
    ///
    /// # Errors
    /// When the store does not answer.
    async fn consent_ending(&self, state: &str) -> Result<Option<ConsentEnding>, Unavailable>;
}

/// What starts a connection's bulk lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Baton {
    /// The connection.
    pub connection: ConnectionKey,
    /// Its number: of two with one number one is worth nothing.
    pub n: u64,
}

/// Token buckets, locks, suspensions and lanes, shared by all environments.
#[async_trait]
pub trait Limits: Send + Sync {
    /// Takes what is asked of `bucket`, or a part of it, in one conditional write where the caller's last look still holds.
    /// What cannot be granted is not written.
    ///
    /// # Errors
    /// When the store does not answer.
    async fn lease(&self, bucket: &str, rules: &[Rule], ask: &Ask) -> Result<Lease, Unavailable>;
    /// Stops `bucket` until `until`, since the CRM refused; a later stop stays. The leases after it are smaller.
    ///
    /// # Errors
    /// When the store does not answer.
    async fn block(&self, bucket: &str, until: Instant) -> Result<(), Unavailable>;
    /// The connection's breaker, read now.
    ///
    /// # Errors
    /// When the store does not answer.
    async fn breaker(&self, connection: &ConnectionKey) -> Result<Breaker, Unavailable>;
    /// Changes the connection's breaker as [`Breaker::after`] says, in one conditional write where the caller's last look
    /// still holds; it as it then is, whether that changed it or not.
    ///
    /// # Errors
    /// When the store does not answer, or others kept writing it: it may have been changed.
    async fn change_breaker(
        &self,
        connection: &ConnectionKey,
        change: &Change,
    ) -> Result<Breaker, Unavailable>;
    /// Takes the lock `name` for `holder` until `for_ms` from now; false when another holds it. A holder takes its own
    /// lock again.
    ///
    /// # Errors
    /// When the store does not answer.
    async fn lock(&self, name: &str, holder: &str, for_ms: i64) -> Result<bool, Unavailable>;
    /// Gives the lock back, if `holder` still has it.
    ///
    /// # Errors
    /// When the store does not answer; the lock then ends by itself.
    async fn unlock(&self, name: &str, holder: &str) -> Result<(), Unavailable>;
    /// The connection's suspension, if it is suspended.
    ///
    /// # Errors
    /// When the store does not answer.
    async fn suspension(&self, connection: &str) -> Result<Option<Suspension>, Unavailable>;
    /// Suspends the connection, or ends its suspension with none.
    ///
    /// # Errors
    /// When the store does not answer.
    async fn set_suspension(
        &self,
        connection: &str,
        suspension: Option<&Suspension>,
    ) -> Result<(), Unavailable>;
    /// What is known of the connection's credentials.
    ///
    /// # Errors
    /// When the store does not answer.
    async fn known(&self, connection: &str) -> Result<Known, Unavailable>;
    /// Remembers the connection's account.
    ///
    /// # Errors
    /// When the store does not answer.
    async fn note_account(&self, connection: &str, account: &str) -> Result<(), Unavailable>;
    /// Remembers that a refresh replaced this version of the secret just now.
    ///
    /// # Errors
    /// When the store does not answer.
    async fn note_replaced(&self, connection: &str, version: &str) -> Result<(), Unavailable>;
    /// Sees to it that the connection's lane is looked at by `at`: something is about to be parked until then.
    ///
    /// # Errors
    /// When the store does not answer, or others kept writing the lane.
    async fn want_lane(&self, connection: &ConnectionKey, at: Instant) -> Result<(), Unavailable>;
    /// Batons of the lanes to be looked at by `now`, those due first foremost; at most `limit`. A hint.
    ///
    /// # Errors
    /// When the store does not answer.
    async fn lanes_due(&self, now: Instant, limit: usize) -> Result<Vec<Baton>, Unavailable>;
    /// Takes the lane with `baton`, as [`rtr_core::lane::Lane::take`] says; none when that is worth nothing.
    ///
    /// # Errors
    /// When the store does not answer: it may have been taken.
    async fn take_lane(&self, baton: &Baton, quiet_ms: i64) -> Result<Option<Lane>, Unavailable>;
    /// Ends the work of whoever took the lane as `taken`, as [`rtr_core::lane::Lane::pass`] says; false when another has it.
    ///
    /// # Errors
    /// When the store does not answer: the lane then counts as one whose worker died.
    async fn pass_lane(
        &self,
        connection: &ConnectionKey,
        taken: &Lane,
        next: Option<Instant>,
    ) -> Result<bool, Unavailable>;
    /// Leaves a note for the lane's next worker, or takes it away, as [`rtr_core::lane::Lane::noting`] says; false when
    /// another has the lane than who took it as `taken`.
    ///
    /// # Errors
    /// When the store does not answer: it may have been left.
    async fn note_lane(
        &self,
        connection: &ConnectionKey,
        taken: &Lane,
        note: Option<&str>,
    ) -> Result<bool, Unavailable>;
}

/// Connections, routes and mappings, from a cache with an expiry.
#[async_trait]
pub trait Configs: Send + Sync {
    /// The configuration of `org`, the global fallback included; `known` is false when the org has none.
    ///
    /// # Errors
    /// When it cannot be read, or what is stored cannot be used.
    async fn org(&self, org: &str) -> Result<Arc<OrgConfig>, Unavailable>;
    /// The same, not from the cache: for who is about to rest for a reason that may be gone by now.
    ///
    /// # Errors
    /// As [`Self::org`].
    async fn org_anew(&self, org: &str) -> Result<Arc<OrgConfig>, Unavailable> {
        self.org(org).await
    }
}

/// A secret with the version it was read at.
#[derive(Debug, Clone)]
pub struct SecretText {
    /// The secret's JSON.
    pub text: SecretString,
    /// Its version: another text has another.
    pub version: String,
}

/// Credentials, at rest.
#[async_trait]
pub trait Secrets: Send + Sync {
    /// The secret `name`, read now, none when there is none.
    ///
    /// # Errors
    /// When the store does not answer.
    async fn read(&self, name: &str) -> Result<Option<SecretText>, Unavailable>;
    /// Writes a new version; its id is returned.
    ///
    /// # Errors
    /// When the store does not answer.
    async fn write(&self, name: &str, text: &SecretString) -> Result<String, Unavailable>;
    /// The same, and makes the secret if there is none.
    ///
    /// # Errors
    /// When the store does not answer, or may not make one.
    async fn create_or_write(&self, name: &str, text: &SecretString) -> Result<String, Unavailable>;
}

/// Which queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum QueueName {
    /// `changes.fifo`
    Changes,
    /// `dead-letter.fifo`
    DeadLetter,
    /// `bulk.fifo`
    Bulk,
}

/// A message to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outbound {
    /// The body.
    pub body: String,
    /// The message group.
    pub group: String,
    /// The deduplication id.
    pub deduplication_id: String,
    /// The `lane` attribute, if any.
    pub lane: Option<String>,
}

/// The queues, beyond what the event source mapping does by itself. Answers stand in the order asked.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Sends messages.
    async fn send(&self, to: QueueName, messages: &[Outbound]) -> Vec<Result<(), Unavailable>>;
    /// Deletes messages of `changes.fifo` by receipt handle.
    async fn delete(&self, receipts: &[String]) -> Vec<Result<(), Unavailable>>;
    /// Sets the visibility timeout of messages of `changes.fifo`, in seconds from now.
    async fn set_visibility(&self, receipts: &[(String, i32)]) -> Vec<Result<(), Unavailable>>;
}

/// All seams of a flow.
#[derive(Clone, Copy)]
pub struct Seams<'a> {
    /// Items, claims, bodies.
    pub records: &'a dyn Records,
    /// Buckets, locks, suspensions.
    pub limits: &'a dyn Limits,
    /// Connections, routes, mappings.
    pub configs: &'a dyn Configs,
    /// Credentials at rest.
    pub secrets: &'a dyn Secrets,
    /// The queues.
    pub queue: &'a dyn Queue,
    /// The way to the CRMs.
    pub http: &'a dyn Http,
    /// Time, waiting, chance.
    pub clock: &'a dyn Clock,
}
