//! Bugs in how lanes go about jobs of the CRMs'.

use super::Mutant;
use super::layer::{Layer, Layered};
use crate::core::Core;
use crate::env::Dress;
use crate::kernel::held;
use async_trait::async_trait;
use rtr_core::code::Code;
use rtr_core::item::Item;
use rtr_core::key::{ConnectionKey, PairKey, RecordKey};
use rtr_core::lane::Lane;
use rtr_core::time::Instant;
use rtr_engine::seams::{ClaimChange, Limits, Named, Parked, Records, Sleeper, Unavailable, Write, Wrote};
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
            dress.limits = Arc::new(Layered(WrongLimits { inner: dress.limits, note: Mutex::default() }));
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
impl Layer for WrongLimits {
    fn inner(&self) -> &dyn Limits {
        &*self.inner
    }

    async fn pass_lane(
        &self,
        connection: &ConnectionKey,
        taken: &Lane,
        next: Option<Instant>,
        held: Option<Instant>,
    ) -> Result<bool, Unavailable> {
        let note = crate::kernel::held(&self.note).take();
        if let Some(note) = note {
            self.inner.note_lane(connection, taken, Some(&note)).await?;
        }
        self.inner.pass_lane(connection, taken, next, held).await
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
