//! Bugs in how lanes go about jobs of the CRMs'.

use super::Mutant;
use crate::core::Core;
use crate::env::Dress;
use crate::kernel::held;
use async_trait::async_trait;
use rtr_core::breaker::{Breaker, Change};
use rtr_core::code::Code;
use rtr_core::item::Item;
use rtr_core::key::{ConnectionKey, PairKey, RecordKey};
use rtr_core::lane::Lane;
use rtr_core::limit::{Ask, Rule};
use rtr_core::time::Instant;
use rtr_engine::seams::{
    Baton, ClaimChange, Known, Lease, Limits, Named, Parked, Records, Sleeper, Suspension, Tally,
    Unavailable, Write, Wrote,
};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// What is put off for longer than this, in milliseconds, a job has.
const JOBS_MS: i64 = 3 * 60 * 60 * 1_000;

struct WrongRecords(Arc<Core>, Arc<dyn Records>);

struct WrongLimits {
    inner: Arc<dyn Limits>,
    /// The note that is not written yet.
    note: Mutex<Option<String>>,
}

/// Dresses the one seam that `mutant` is at.
pub(super) fn dress(mutant: Mutant, core: &Arc<Core>, mut dress: Dress) -> Dress {
    match mutant {
        Mutant::SharesJobs => dress.records = Arc::new(WrongRecords(core.clone(), dress.records)),
        Mutant::JobUnnoted => {
            dress.limits = Arc::new(WrongLimits { inner: dress.limits, note: Mutex::default() });
        }
        _ => {}
    }
    dress
}

#[async_trait]
impl Records for WrongRecords {
    async fn read(&self, keys: &[PairKey]) -> Result<HashMap<PairKey, Item>, Unavailable> {
        self.1.read(keys).await
    }

    async fn write(&self, writes: &[Write]) -> Vec<Wrote> {
        self.1.write(writes).await
    }

    async fn write_with_claims(&self, write: &Write, claims: &[ClaimChange]) -> Wrote {
        self.1.write_with_claims(write, claims).await
    }

    async fn waiting_for(
        &self,
        connection: &ConnectionKey,
        record: &RecordKey,
        limit: usize,
    ) -> Result<Vec<Sleeper>, Unavailable> {
        self.1.waiting_for(connection, record, limit).await
    }

    async fn due(&self, now: Instant, limit: usize) -> Result<Vec<Sleeper>, Unavailable> {
        self.1.due(now, limit).await
    }

    async fn put_body(&self, key: &str, body: &[u8]) -> Result<(), Unavailable> {
        self.1.put_body(key, body).await
    }

    async fn body(&self, key: &str) -> Result<Option<Vec<u8>>, Unavailable> {
        self.1.body(key).await
    }

    async fn delete_body(&self, key: &str) -> Result<(), Unavailable> {
        self.1.delete_body(key).await
    }

    async fn parked(&self, connection: &ConnectionKey, limit: usize) -> Result<Vec<Parked>, Unavailable> {
        let mut parked = self.1.parked(connection, limit).await?;
        let now = self.0.kernel.now();
        let jobs = parked.iter_mut().filter(|one| one.not_before.since_ms(now) > JOBS_MS);
        jobs.for_each(|one| one.not_before = Instant(0));
        Ok(parked)
    }

    async fn backfilled(&self, connection: &ConnectionKey, limit: usize) -> Result<Vec<Parked>, Unavailable> {
        let mut parked = self.1.backfilled(connection, limit).await?;
        let now = self.0.kernel.now();
        let jobs = parked.iter_mut().filter(|one| one.not_before.since_ms(now) > JOBS_MS);
        jobs.for_each(|one| one.not_before = Instant(0));
        Ok(parked)
    }

    async fn owners(&self, claims: &[PairKey]) -> Result<HashMap<PairKey, String>, Unavailable> {
        self.1.owners(claims).await
    }

    async fn read_named(&self, keys: &[PairKey]) -> Result<Vec<Named>, Unavailable> {
        let mut found = self.1.read_named(keys).await?;
        let slots = found.iter_mut().filter_map(|named| named.item.slot.as_mut());
        slots.filter(|slot| slot.reason.code == Code::InJob).for_each(|slot| slot.not_before = Instant(0));
        Ok(found)
    }
}

#[async_trait]
impl Limits for WrongLimits {
    async fn lease(&self, bucket: &str, rules: &[Rule], ask: &Ask) -> Result<Lease, Unavailable> {
        self.inner.lease(bucket, rules, ask).await
    }

    async fn block(&self, bucket: &str, until: Instant) -> Result<(), Unavailable> {
        self.inner.block(bucket, until).await
    }

    async fn breaker(&self, connection: &ConnectionKey) -> Result<Breaker, Unavailable> {
        self.inner.breaker(connection).await
    }

    async fn change_breaker(
        &self,
        connection: &ConnectionKey,
        change: &Change,
    ) -> Result<Breaker, Unavailable> {
        self.inner.change_breaker(connection, change).await
    }

    async fn lock(&self, name: &str, holder: &str, for_ms: i64) -> Result<bool, Unavailable> {
        self.inner.lock(name, holder, for_ms).await
    }

    async fn unlock(&self, name: &str, holder: &str) -> Result<(), Unavailable> {
        self.inner.unlock(name, holder).await
    }

    async fn suspension(&self, connection: &str) -> Result<Option<Suspension>, Unavailable> {
        self.inner.suspension(connection).await
    }

    async fn set_suspension(
        &self,
        connection: &str,
        suspension: Option<&Suspension>,
    ) -> Result<(), Unavailable> {
        self.inner.set_suspension(connection, suspension).await
    }

    async fn known(&self, connection: &str) -> Result<Known, Unavailable> {
        self.inner.known(connection).await
    }

    async fn note_account(&self, connection: &str, account: &str) -> Result<(), Unavailable> {
        self.inner.note_account(connection, account).await
    }

    async fn note_replaced(&self, connection: &str, version: &str) -> Result<(), Unavailable> {
        self.inner.note_replaced(connection, version).await
    }

    async fn want_lane(&self, connection: &ConnectionKey, at: Instant) -> Result<(), Unavailable> {
        self.inner.want_lane(connection, at).await
    }

    async fn lanes_due(&self, now: Instant, limit: usize) -> Result<Vec<Baton>, Unavailable> {
        self.inner.lanes_due(now, limit).await
    }

    async fn take_lane(&self, baton: &Baton, quiet_ms: i64) -> Result<Option<Lane>, Unavailable> {
        self.inner.take_lane(baton, quiet_ms).await
    }

    async fn pass_lane(
        &self,
        connection: &ConnectionKey,
        taken: &Lane,
        next: Option<Instant>,
        held: Option<Instant>,
    ) -> Result<bool, Unavailable> {
        let note = super::super::kernel::held(&self.note).take();
        if let Some(note) = note {
            self.inner.note_lane(connection, taken, Some(&note)).await?;
        }
        self.inner.pass_lane(connection, taken, next, held).await
    }

    async fn open_offers(
        &self,
        connection: &ConnectionKey,
        names: &[String],
        until: Instant,
    ) -> Result<(), Unavailable> {
        self.inner.open_offers(connection, names, until).await
    }

    async fn close_offers(&self, connection: &ConnectionKey, names: &[String]) -> Result<(), Unavailable> {
        self.inner.close_offers(connection, names).await
    }

    async fn offers(&self, connection: &ConnectionKey) -> Result<Option<Instant>, Unavailable> {
        self.inner.offers(connection).await
    }

    async fn add_tally(&self, org: &str, revision: u64, tally: Tally) -> Result<(), Unavailable> {
        self.inner.add_tally(org, revision, tally).await
    }

    async fn tally(&self, org: &str, revision: u64) -> Result<Tally, Unavailable> {
        self.inner.tally(org, revision).await
    }

    async fn note_lane(
        &self,
        connection: &ConnectionKey,
        taken: &Lane,
        note: Option<&str>,
    ) -> Result<bool, Unavailable> {
        if note.is_none() {
            return self.inner.note_lane(connection, taken, None).await;
        }
        *held(&self.note) = note.map(str::to_owned);
        Ok(true)
    }
}
