//! The few seams: each has a real twin (`rtr-aws`) and an in-memory twin (`rtr-testkit`). Nothing else is abstract.
//!
//! [`Http`] and [`Clock`] stand with the connectors, which use them too.

mod consents;
mod courier;
mod limits;
mod notices;
mod outlet;
mod records;

use async_trait::async_trait;
pub use consents::{Consent, ConsentEnding, Consents};
pub use courier::{Courier, Parcel, Undelivered};
use futures::future::join_all;
pub use limits::{Baton, Known, Lease, Limits, Suspension, Tally};
pub use notices::{Bus, Notices, Raised};
pub use outlet::{NotTaken, Outlet};
pub use records::{ClaimChange, Named, Names, Parked, Records, Sleeper, Write, Wrote};
pub use rtr_connectors::http::{Clock, Http};
use rtr_core::config::OrgConfig;
use rtr_core::trace::Trace;
use secrecy::SecretString;
use std::sync::Arc;

/// A store that did not do as asked, though nothing was wrong with the request: throttled, unreachable, too slow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unavailable(pub String);

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
    /// The configurations of `orgs`, in their order, all over one and the same global document: what a batch goes by.
    async fn orgs(&self, orgs: &[&str]) -> Vec<Result<Arc<OrgConfig>, Unavailable>> {
        join_all(orgs.iter().map(|org| self.org(org))).await
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum QueueName {
    /// `changes.fifo`
    Changes,
    /// `dead-letter.fifo`
    DeadLetter,
    /// `bulk.fifo`
    Bulk,
    /// `inbound.fifo`
    Inbound,
    /// `poll.fifo`
    Poll,
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
    /// The trace that it is part of: attribute and header for whoever receives it.
    pub trace: Option<Trace>,
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
    /// What is to be told of connections.
    pub notices: &'a dyn Notices,
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
