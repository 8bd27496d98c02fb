//! Token buckets, locks, suspensions and bulk lanes in one table: what all environments must agree on.
//!
//! Rows are told apart by the first part of their key: `bucket#…`, `lock#…`, `suspension#…`, `known#…`, `consent#…`, `lane#…`, `canary#…`, `offers#…`,
//! `notice#…`.
//! Time is the caller's clock, never the store's; the table's own expiry (`expires_at`, seconds) only sweeps up.

mod breakers;
mod bucket_row;
mod buckets;
mod canaries;
mod consents;
mod known;
mod lane_row;
mod lanes;
mod locks;
mod notices;
mod offers;
mod suspensions;

use crate::clients::Clients;
use async_trait::async_trait;
use rtr_connectors::http::Clock;
use rtr_core::breaker::{Breaker, Change};
use rtr_core::key::ConnectionKey;
use rtr_core::lane::Lane;
use rtr_core::limit::{Ask, Bucket, Rule, general_bucket};
use rtr_core::notice::Notice;
use rtr_core::time::Instant;
use rtr_engine::leases::{self, Rows as _, Seen};
use rtr_engine::seams::{
    Baton, Consent, ConsentEnding, Consents, Known, Lease, Limits, Notices, Raised, Suspension, Tally,
    Unavailable,
};
use std::sync::Arc;

/// The sort of row that a key begins with.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Bucket,
    Lock,
    Suspension,
    Known,
    Consent,
    Lane,
    Canary,
    Offers,
    Notice,
}

/// The limits table.
#[derive(Clone)]
pub struct DynamoLimits {
    client: aws_sdk_dynamodb::Client,
    table: String,
    clock: Arc<dyn Clock>,
    seen: Arc<Seen>,
}

impl DynamoLimits {
    /// Limits in `table`.
    #[must_use]
    pub fn new(clients: &Clients, table: impl Into<String>, clock: Arc<dyn Clock>) -> Self {
        Self { client: clients.dynamodb.clone(), table: table.into(), clock, seen: Arc::default() }
    }

    /// The lane of `connection` as it stands, for people.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn lane(&self, connection: &ConnectionKey) -> Result<Lane, Unavailable> {
        Ok(lanes::look(self, connection).await?.lane)
    }

    /// The connection's general bucket and its breaker, which lie in one row, as they stand, for people.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn general(&self, connection: &ConnectionKey) -> Result<(Bucket, Breaker), Unavailable> {
        let leases::Stored { bucket, breaker, .. } = self.look(&general_bucket(connection)).await?;
        Ok((bucket, breaker))
    }
}

impl Kind {
    fn key(self, name: &str) -> String {
        let stem = match self {
            Self::Bucket => "bucket",
            Self::Lock => "lock",
            Self::Suspension => "suspension",
            Self::Known => "known",
            Self::Consent => "consent",
            Self::Lane => "lane",
            Self::Canary => "canary",
            Self::Offers => "offers",
            Self::Notice => "notice",
        };
        format!("{stem}#{name}")
    }
}

/// DynamoDB sweeps rows up by a time in seconds.
fn sweep_at(at: Instant) -> i64 {
    at.0.div_euclid(1_000)
}

#[async_trait]
impl Limits for DynamoLimits {
    async fn lease(&self, bucket: &str, rules: &[Rule], ask: &Ask) -> Result<Lease, Unavailable> {
        leases::lease(self, &self.seen, self.clock.as_ref(), bucket, rules, ask).await
    }

    async fn block(&self, bucket: &str, until: Instant) -> Result<(), Unavailable> {
        buckets::block(self, bucket, until).await
    }

    async fn breaker(&self, connection: &ConnectionKey) -> Result<Breaker, Unavailable> {
        leases::breaker(self, &self.seen, self.clock.as_ref(), connection).await
    }

    async fn change_breaker(
        &self,
        connection: &ConnectionKey,
        change: &Change,
    ) -> Result<Breaker, Unavailable> {
        leases::change_breaker(self, &self.seen, self.clock.as_ref(), connection, change).await
    }

    async fn lock(&self, name: &str, holder: &str, for_ms: i64) -> Result<bool, Unavailable> {
        locks::lock(self, name, holder, for_ms).await
    }

    async fn unlock(&self, name: &str, holder: &str) -> Result<(), Unavailable> {
        locks::unlock(self, name, holder).await
    }

    async fn suspension(&self, connection: &str) -> Result<Option<Suspension>, Unavailable> {
        suspensions::read(self, connection).await
    }

    async fn set_suspension(
        &self,
        connection: &str,
        suspension: Option<&Suspension>,
    ) -> Result<(), Unavailable> {
        match suspension {
            Some(suspension) => suspensions::write(self, connection, suspension).await,
            None => suspensions::remove(self, connection).await,
        }
    }

    async fn known(&self, connection: &str) -> Result<Known, Unavailable> {
        known::read(self, connection).await
    }

    async fn note_account(&self, connection: &str, account: &str) -> Result<(), Unavailable> {
        known::note_account(self, connection, account).await
    }

    async fn note_replaced(&self, connection: &str, version: &str) -> Result<(), Unavailable> {
        known::note_replaced(self, connection, version).await
    }

    async fn want_lane(&self, connection: &ConnectionKey, at: Instant) -> Result<(), Unavailable> {
        lanes::change(self, connection, |lane, now| lane.want(at, now)).await.map(drop)
    }

    async fn lanes_due(&self, now: Instant, limit: usize) -> Result<Vec<Baton>, Unavailable> {
        lanes::due(self, now, limit).await
    }

    async fn take_lane(&self, baton: &Baton, quiet_ms: i64) -> Result<Option<Lane>, Unavailable> {
        lanes::change(self, &baton.connection, |lane, now| lane.take(baton.n, quiet_ms, now)).await
    }

    async fn pass_lane(
        &self,
        connection: &ConnectionKey,
        taken: &Lane,
        next: Option<Instant>,
        held: Option<Instant>,
    ) -> Result<bool, Unavailable> {
        let passed = lanes::change(self, connection, |lane, _| lane.pass(taken, next, held)).await?;
        Ok(passed.is_some())
    }

    async fn note_lane(
        &self,
        connection: &ConnectionKey,
        taken: &Lane,
        note: Option<&str>,
    ) -> Result<bool, Unavailable> {
        let noted = lanes::change(self, connection, |lane, _| lane.noting(taken, note)).await?;
        Ok(noted.is_some())
    }

    async fn open_offers(
        &self,
        connection: &ConnectionKey,
        names: &[String],
        until: Instant,
    ) -> Result<(), Unavailable> {
        offers::open(self, connection, names, until).await
    }

    async fn close_offers(&self, connection: &ConnectionKey, names: &[String]) -> Result<(), Unavailable> {
        offers::close(self, connection, names).await
    }

    async fn offers(&self, connection: &ConnectionKey) -> Result<Option<Instant>, Unavailable> {
        offers::until(self, connection).await
    }

    async fn add_tally(&self, org: &str, revision: u64, tally: Tally) -> Result<(), Unavailable> {
        canaries::add(self, org, revision, tally).await
    }

    async fn tally(&self, org: &str, revision: u64) -> Result<Tally, Unavailable> {
        canaries::read(self, org, revision).await
    }
}

#[async_trait]
impl Consents for DynamoLimits {
    async fn put_consent(&self, state: &str, consent: &Consent) -> Result<(), Unavailable> {
        consents::put(self, state, consent).await
    }

    async fn take_consent(&self, state: &str) -> Result<Option<Consent>, Unavailable> {
        consents::take(self, state).await
    }

    async fn end_consent(&self, state: &str, ending: &ConsentEnding) -> Result<(), Unavailable> {
        consents::end(self, state, ending).await
    }

    async fn consent_ending(&self, state: &str) -> Result<Option<ConsentEnding>, Unavailable> {
        consents::ending(self, state).await
    }
}

#[async_trait]
impl Notices for DynamoLimits {
    async fn raise(&self, notice: &Notice) -> Result<(), Unavailable> {
        notices::raise(self, notice).await
    }

    async fn raised(&self, now: Instant, limit: usize) -> Result<Vec<Raised>, Unavailable> {
        notices::raised(self, now, limit).await
    }

    async fn put_off(&self, raised: &Raised, until: Instant) -> Result<bool, Unavailable> {
        notices::put_off(self, raised, until).await
    }

    async fn told(&self, raised: &Raised, at: Instant) -> Result<(), Unavailable> {
        notices::told(self, raised, at).await
    }
}
