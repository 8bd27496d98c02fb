//! Working records: what the sync lane and the bulk lane share, from a decided record to its written ending.
//!
//! A [`job::Job`] is one version of a record at one connection. The sync lane makes jobs of messages, the bulk lane of what
//! is parked; from there on both decide, call and commit alike.

pub(crate) mod announce;
pub(crate) mod calls;
pub(crate) mod commit;
mod compare;
pub(crate) mod connections;
pub(crate) mod decide;
pub(crate) mod execute;
mod failed;
pub(crate) mod fate;
pub(crate) mod job;
pub(crate) mod look;
pub(crate) mod lookup;
pub(crate) mod note;
pub(crate) mod notify;
mod offers;
pub(crate) mod prepare;
pub(crate) mod sent;
pub(crate) mod tally;
pub(crate) mod treat;
pub(crate) mod waves;

use crate::apply::Silences;
use crate::breaker::Breakers;
use crate::credentials::CredentialCache;
use crate::directories::Directories;
use crate::gate::Pools;
use crate::notices::Lately;
use crate::poll::Begun;

/// Kept back of the invocation's time for writing endings, in milliseconds.
pub(crate) const COMMIT_RESERVE_MS: i64 = 3_000;

/// What outlives an invocation: leases, breakers, credentials and directories, each with an expiry.
#[derive(Debug, Default)]
pub struct Caches {
    /// Leases of tokens.
    pub pools: Pools,
    /// What is known of the connections' breakers.
    pub breakers: Breakers,
    /// Credentials.
    pub credentials: CredentialCache,
    /// What the CRMs said of owners, pipelines and stages.
    pub directories: Directories,
    /// Polls that are known to have begun.
    pub polls: Begun,
    /// Internal systems that do not answer.
    pub silences: Silences,
    /// What was raised by this environment lately.
    pub notices: Lately,
}
