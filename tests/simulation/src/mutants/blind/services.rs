//! Bugs in how limits and secrets are used.

use crate::core::Core;
use async_trait::async_trait;
use rtr_core::breaker::{Breaker, Change};
use rtr_core::key::ConnectionKey;
use rtr_core::lane::Lane;
use rtr_core::limit::{Ask, Rule};
use rtr_core::time::Instant;
use rtr_engine::seams::{Baton, Known, Lease, Limits, SecretText, Secrets, Suspension, Tally, Unavailable};
use secrecy::SecretString;
use std::sync::Arc;

struct WrongLimits(Arc<Core>, Arc<dyn Limits>);
struct WrongSecrets(Arc<dyn Secrets>);

pub(super) fn wrong_limits(core: &Arc<Core>, inner: Arc<dyn Limits>) -> Arc<dyn Limits> {
    Arc::new(WrongLimits(core.clone(), inner))
}

pub(super) fn wrong_secrets(inner: Arc<dyn Secrets>) -> Arc<dyn Secrets> {
    Arc::new(WrongSecrets(inner))
}

#[async_trait]
impl Limits for WrongLimits {
    async fn lease(&self, bucket: &str, rules: &[Rule], ask: &Ask) -> Result<Lease, Unavailable> {
        self.1.lease(bucket, rules, ask).await
    }

    /// Whoever heard it keeps to it; the table, and so everybody else, is not told.
    async fn block(&self, _: &str, _: Instant) -> Result<(), Unavailable> {
        self.0.kernel.sleep(5).await;
        Ok(())
    }

    async fn breaker(&self, connection: &ConnectionKey) -> Result<Breaker, Unavailable> {
        self.1.breaker(connection).await
    }

    async fn change_breaker(
        &self,
        connection: &ConnectionKey,
        change: &Change,
    ) -> Result<Breaker, Unavailable> {
        self.1.change_breaker(connection, change).await
    }

    async fn lock(&self, name: &str, holder: &str, for_ms: i64) -> Result<bool, Unavailable> {
        self.1.lock(name, holder, for_ms).await
    }

    async fn unlock(&self, name: &str, holder: &str) -> Result<(), Unavailable> {
        self.1.unlock(name, holder).await
    }

    async fn suspension(&self, connection: &str) -> Result<Option<Suspension>, Unavailable> {
        self.1.suspension(connection).await
    }

    async fn set_suspension(
        &self,
        connection: &str,
        suspension: Option<&Suspension>,
    ) -> Result<(), Unavailable> {
        self.1.set_suspension(connection, suspension).await
    }

    async fn known(&self, connection: &str) -> Result<Known, Unavailable> {
        self.1.known(connection).await
    }

    async fn note_account(&self, connection: &str, account: &str) -> Result<(), Unavailable> {
        self.1.note_account(connection, account).await
    }

    async fn note_replaced(&self, connection: &str, version: &str) -> Result<(), Unavailable> {
        self.1.note_replaced(connection, version).await
    }

    async fn want_lane(&self, connection: &ConnectionKey, at: Instant) -> Result<(), Unavailable> {
        self.1.want_lane(connection, at).await
    }

    async fn lanes_due(&self, now: Instant, limit: usize) -> Result<Vec<Baton>, Unavailable> {
        self.1.lanes_due(now, limit).await
    }

    async fn take_lane(&self, baton: &Baton, quiet_ms: i64) -> Result<Option<Lane>, Unavailable> {
        self.1.take_lane(baton, quiet_ms).await
    }

    async fn pass_lane(
        &self,
        connection: &ConnectionKey,
        taken: &Lane,
        next: Option<Instant>,
        held: Option<Instant>,
    ) -> Result<bool, Unavailable> {
        self.1.pass_lane(connection, taken, next, held).await
    }

    async fn open_offers(
        &self,
        connection: &ConnectionKey,
        names: &[String],
        until: Instant,
    ) -> Result<(), Unavailable> {
        self.1.open_offers(connection, names, until).await
    }

    async fn close_offers(&self, connection: &ConnectionKey, names: &[String]) -> Result<(), Unavailable> {
        self.1.close_offers(connection, names).await
    }

    async fn offers(&self, connection: &ConnectionKey) -> Result<Option<Instant>, Unavailable> {
        self.1.offers(connection).await
    }

    async fn add_tally(&self, org: &str, revision: u64, tally: Tally) -> Result<(), Unavailable> {
        self.1.add_tally(org, revision, tally).await
    }

    async fn tally(&self, org: &str, revision: u64) -> Result<Tally, Unavailable> {
        self.1.tally(org, revision).await
    }

    async fn note_lane(
        &self,
        connection: &ConnectionKey,
        taken: &Lane,
        note: Option<&str>,
    ) -> Result<bool, Unavailable> {
        self.1.note_lane(connection, taken, note).await
    }
}

#[async_trait]
impl Secrets for WrongSecrets {
    async fn read(&self, name: &str) -> Result<Option<SecretText>, Unavailable> {
        self.0.read(name).await
    }

    /// The new version is stored as one that is pending, and never made the current one.
    async fn write(&self, name: &str, _: &SecretString) -> Result<String, Unavailable> {
        match self.0.read(name).await? {
            Some(current) => Ok(format!("{}-pending", current.version)),
            None => Err(Unavailable(format!("there is no secret {name} to write a version of"))),
        }
    }

    async fn create_or_write(&self, name: &str, text: &SecretString) -> Result<String, Unavailable> {
        self.0.create_or_write(name, text).await
    }
}
