//! What all environments know of a connection: its tokens, breaker, locks, suspension, credentials and lane.

use super::Unavailable;
use async_trait::async_trait;
use rtr_core::breaker::{Breaker, Change};
use rtr_core::key::ConnectionKey;
use rtr_core::lane::Lane;
use rtr_core::limit::{Ask, Rule, Taken};
use rtr_core::time::Instant;

/// A lease of tokens.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lease {
    /// Tokens granted; 0 when it must wait.
    pub granted: u64,
    /// When to ask again, if none was granted; else from when on they may be used, if that is later.
    pub retry_at: Option<Instant>,
    /// The connection's breaker, as the bucket's row tells of it: only the general bucket's does.
    pub breaker: Breaker,
    /// Whether it must wait since enough are at work.
    pub full: bool,
    /// The name of the place that was taken with it, if they are counted.
    pub taken_at: Option<Instant>,
    /// When the last call in it may begin.
    pub last_at: Option<Instant>,
    /// Whether it is to be told at once when the place is left; or that what was to be told was told.
    pub crowded: bool,
}

impl Lease {
    /// The lease that was `taken`, and what the row tells of the breaker.
    #[must_use]
    pub fn of(taken: &Taken, breaker: Breaker) -> Self {
        let Taken { granted, retry_at, full, taken_at, last_at, crowded, .. } = *taken;
        Self { granted, retry_at, breaker, full, taken_at, last_at, crowded }
    }
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

/// What starts a connection's bulk lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Baton {
    /// The connection.
    pub connection: ConnectionKey,
    /// Its number: of two with one number one is worth nothing.
    pub n: u64,
}

/// What became of records under a mapping that their org tries before others have it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Records that were written, or already were as they had to be.
    pub well: u64,
    /// Records that became dead letters.
    pub dead: u64,
}

/// Token buckets, locks, suspensions and lanes, shared by all environments.
#[async_trait]
pub trait Limits: Send + Sync {
    /// Takes what is asked of `bucket`, or a part of it, in one conditional write where the caller's last look still holds.
    /// What cannot be granted is not written. Who asks for nothing only tells what has come back.
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
    /// Ends the work of whoever took the lane as `taken`, as [`rtr_core::lane::Lane::pass`] says, and closes the lane until
    /// `held`; false when another has it.
    ///
    /// # Errors
    /// When the store does not answer: the lane then counts as one whose worker died.
    async fn pass_lane(
        &self,
        connection: &ConnectionKey,
        taken: &Lane,
        next: Option<Instant>,
        held: Option<Instant>,
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
    /// Notes that records of `connection` are being offered to the internal system until `until` at the latest, by names of
    /// the caller's.
    ///
    /// # Errors
    /// When the store does not answer; it may have been noted.
    async fn open_offers(
        &self,
        connection: &ConnectionKey,
        names: &[String],
        until: Instant,
    ) -> Result<(), Unavailable>;
    /// Notes that they are not any more.
    ///
    /// # Errors
    /// When the store does not answer; they then end by themselves.
    async fn close_offers(&self, connection: &ConnectionKey, names: &[String]) -> Result<(), Unavailable>;
    /// Until when records of `connection` may be offered, read strongly; none when none is.
    ///
    /// # Errors
    /// When the store does not answer.
    async fn offers(&self, connection: &ConnectionKey) -> Result<Option<Instant>, Unavailable>;
    /// Adds to what became of `org`'s records under the mappings that it tries since `revision`. An estimate: what is lost
    /// with an environment, or told twice, is not made good.
    ///
    /// # Errors
    /// When the store does not answer; it may have been added.
    async fn add_tally(&self, org: &str, revision: u64, tally: Tally) -> Result<(), Unavailable>;
    /// What has been added so far.
    ///
    /// # Errors
    /// When the store does not answer.
    async fn tally(&self, org: &str, revision: u64) -> Result<Tally, Unavailable>;
}
