//! Bugs in how items are read and written.

use super::Mutant;
use crate::core::Core;
use crate::env::Dress;
use async_trait::async_trait;
use rtr_core::item::{Item, SlotState};
use rtr_core::key::{ConnectionKey, PairKey, RecordKey};
use rtr_core::time::Instant;
use rtr_engine::seams::{ClaimChange, Named, Parked, Records, Sleeper, Unavailable, Write, Wrote};
use std::collections::HashMap;
use std::sync::Arc;

struct Wrong {
    mutant: Mutant,
    core: Arc<Core>,
    inner: Arc<dyn Records>,
}

pub(super) fn dress(mutant: Mutant, core: &Arc<Core>, mut dress: Dress) -> Dress {
    dress.records = Arc::new(Wrong { mutant, core: core.clone(), inner: dress.records });
    dress
}

impl Wrong {
    fn seen(&self, mut item: Item) -> Item {
        match self.mutant {
            // To a backfill nothing is newer than itself.
            Mutant::BackfillWins if self.core.is_backfilling(self.core.env()) => {
                (item.applied_version, item.applied_hash) = (None, None);
                item.slot = item.slot.filter(|slot| slot.state != SlotState::Parked);
            }
            Mutant::BackfillWins if item.slot.as_ref().is_some_and(|slot| slot.backfill) => {
                (item.applied_version, item.applied_hash) = (None, None);
            }
            Mutant::NoFence => (item.applied_version, item.applied_hash) = (None, None),
            Mutant::WorksAgain if !item.deleted && item.slot.is_none() => {
                item.applied_version = item.applied_version.map(|version| version.saturating_sub(1));
                item.applied_hash = None;
            }
            Mutant::SharesParked => item.slot = item.slot.filter(|slot| slot.state != SlotState::Parked),
            Mutant::Resurrects if item.deleted => (item.applied_version, item.deleted) = (None, false),
            _ => {}
        }
        item
    }

    fn out(&self, write: &Write) -> Write {
        let mut write = write.clone();
        match self.mutant {
            Mutant::DropsSlots => write.new.slot = None,
            Mutant::DropsUnfenced
                if write.new.slot.is_none()
                    && write.old.slot.as_ref().is_some_and(|slot| slot.state == SlotState::Drop) =>
            {
                write.new.applied_version = write.old.applied_version;
                write.new.mapping_revision = write.old.mapping_revision;
            }
            Mutant::EndsNewer if write.new.applied_version > write.old.applied_version => {
                write.new.slot = write.new.slot.filter(|slot| slot.state != SlotState::Parked);
            }
            Mutant::ForgetsCrashes => write.new.crashes = 0,
            Mutant::NoIntent => write.new.intent = None,
            Mutant::StaleHash if write.old.applied_hash.is_some() && !write.new.deleted => {
                write.new.applied_hash = write.old.applied_hash.clone();
            }
            Mutant::LogsValues => tracing::warn!(event = "debug", item = ?write.new.slot),
            _ => {}
        }
        write
    }
}

#[async_trait]
impl Records for Wrong {
    async fn read(&self, keys: &[PairKey]) -> Result<HashMap<PairKey, Item>, Unavailable> {
        let found = self.inner.read(keys).await?;
        Ok(found.into_iter().map(|(key, item)| (key, self.seen(item))).collect())
    }

    async fn write(&self, writes: &[Write]) -> Vec<Wrote> {
        let writes: Vec<Write> = writes.iter().map(|write| self.out(write)).collect();
        let answers = self.inner.write(&writes).await;
        if self.mutant == Mutant::FailsForOne && answers.iter().any(|one| matches!(one, Wrote::Refused)) {
            std::panic::resume_unwind(Box::new("a statement was refused".to_owned()));
        }
        if self.mutant == Mutant::WritesTwice {
            self.inner.write(&writes).await;
        }
        answers
    }

    async fn write_with_claims(&self, write: &Write, claims: &[ClaimChange]) -> Wrote {
        let claims = if self.mutant == Mutant::NoClaims { &[] } else { claims };
        self.inner.write_with_claims(&self.out(write), claims).await
    }

    async fn waiting_for(
        &self,
        connection: &ConnectionKey,
        record: &RecordKey,
        limit: usize,
    ) -> Result<Vec<Sleeper>, Unavailable> {
        self.inner.waiting_for(connection, record, limit).await
    }

    async fn due(&self, now: Instant, limit: usize) -> Result<Vec<Sleeper>, Unavailable> {
        self.inner.due(now, limit).await
    }

    async fn put_body(&self, key: &str, body: &[u8]) -> Result<(), Unavailable> {
        match self.mutant {
            Mutant::DropsBodies => {
                self.core.kernel.sleep(1).await;
                Ok(())
            }
            _ => self.inner.put_body(key, body).await,
        }
    }

    async fn body(&self, key: &str) -> Result<Option<Vec<u8>>, Unavailable> {
        self.inner.body(key).await
    }

    async fn delete_body(&self, key: &str) -> Result<(), Unavailable> {
        self.inner.delete_body(key).await
    }

    async fn parked(&self, connection: &ConnectionKey, limit: usize) -> Result<Vec<Parked>, Unavailable> {
        let mut parked = self.inner.parked(connection, limit).await?;
        if self.mutant == Mutant::CutsHolds {
            parked.iter_mut().for_each(|one| one.not_before = Instant(0));
        }
        Ok(parked)
    }

    async fn backfilled(&self, connection: &ConnectionKey, limit: usize) -> Result<Vec<Parked>, Unavailable> {
        let shown = self.inner.backfilled(connection, limit).await?;
        Ok(if self.mutant == Mutant::BackfillUnseen { Vec::new() } else { shown })
    }

    async fn owners(&self, claims: &[PairKey]) -> Result<HashMap<PairKey, String>, Unavailable> {
        self.inner.owners(claims).await
    }

    async fn read_named(&self, keys: &[PairKey]) -> Result<Vec<Named>, Unavailable> {
        let mut found = self.inner.read_named(keys).await?;
        if self.mutant == Mutant::CutsHolds {
            let slots = found.iter_mut().filter_map(|named| named.item.slot.as_mut());
            slots.for_each(|slot| slot.not_before = Instant(0));
        }
        // What is parked is the bulk lane's own.
        if self.mutant == Mutant::SharesParked {
            return Ok(found);
        }
        Ok(found.into_iter().map(|named| Named { item: self.seen(named.item), ..named }).collect())
    }
}
