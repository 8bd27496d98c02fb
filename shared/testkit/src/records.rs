//! Items and claims in memory, compare-and-set by `rev`, every request counted.

use async_trait::async_trait;
use rtr_core::item::Item;
use rtr_core::key::{ConnectionKey, PairKey, RecordKey};
use rtr_core::slot::Slot;
use rtr_core::time::Instant;
use rtr_engine::seams::{ClaimChange, Names, Records, Sleeper, Unavailable, Write, Wrote};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The table.
#[derive(Debug, Default)]
pub struct MemoryRecords {
    state: Mutex<State>,
}

/// What is in it, and what was asked of it.
#[derive(Debug, Default)]
pub struct State {
    /// The items, with the names behind their keys.
    pub items: BTreeMap<PairKey, (Item, Names)>,
    /// Claims: the owner's partition key by claim.
    pub claims: BTreeMap<PairKey, String>,
    /// Bodies kept outside.
    pub bodies: BTreeMap<String, Vec<u8>>,
    /// Read requests.
    pub reads: u64,
    /// Batches of writes.
    pub write_batches: u64,
    /// Writes attempted.
    pub writes: u64,
    /// Transactions.
    pub transactions: u64,
    /// Questions asked of the indexes.
    pub queries: u64,
    /// While true nothing answers.
    pub down: bool,
    /// While true the indexes show nothing, as they may for a moment after a write.
    pub index_lags: bool,
    /// Writes that shall land although their answer is lost: so many more.
    pub lose_answers: u32,
}

impl MemoryRecords {
    /// The state, to look at or to change.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The item under `key`; a default one when there is none.
    #[must_use]
    pub fn item(&self, key: &PairKey) -> Item {
        self.state().items.get(key).map(|(item, _)| item.clone()).unwrap_or_default()
    }
}

impl State {
    fn check(&self) -> Result<(), Unavailable> {
        if self.down { Err(Unavailable("the table does not answer".to_owned())) } else { Ok(()) }
    }

    /// The slots of which `wanted` says when they are due.
    fn sleepers(
        &mut self,
        wanted: impl Fn(&Names, &Slot) -> Option<Instant>,
    ) -> Result<Vec<Sleeper>, Unavailable> {
        self.check()?;
        self.queries += 1;
        if self.index_lags {
            return Ok(Vec::new());
        }
        let sleeper = |(item, names): &(Item, Names)| {
            let slot = item.slot.as_ref()?;
            let due_at = wanted(names, slot)?;
            let (org, kind, id) =
                (names.org_id.clone()?, names.record_type.clone()?, names.record_id.clone()?);
            let connection = names.connection.clone()?;
            Some(Sleeper {
                record: RecordKey::new(org, kind, id),
                connection,
                version: slot.wanted_version,
                due_at,
            })
        };
        let mut found: Vec<Sleeper> = self.items.values().filter_map(sleeper).collect();
        found.sort_by_key(|one| one.due_at);
        Ok(found)
    }

    fn put(&mut self, write: &Write) -> Wrote {
        self.writes += 1;
        let rev = self.items.get(&write.key).map_or(0, |(item, _)| item.rev);
        if rev != write.old.rev {
            return Wrote::Refused;
        }
        self.items.insert(write.key.clone(), (write.new.clone(), write.names.clone()));
        if self.lose_answers > 0 {
            self.lose_answers -= 1;
            // What the SDK's own retry sees of a write whose answer was lost: its condition fails now.
            return Wrote::Refused;
        }
        Wrote::Done
    }
}

#[async_trait]
impl Records for MemoryRecords {
    async fn read(&self, keys: &[PairKey]) -> Result<HashMap<PairKey, Item>, Unavailable> {
        let mut state = self.state();
        state.check()?;
        state.reads += 1;
        Ok(keys.iter().filter_map(|key| Some((key.clone(), state.items.get(key)?.0.clone()))).collect())
    }

    async fn write(&self, writes: &[Write]) -> Vec<Wrote> {
        let mut state = self.state();
        if let Err(error) = state.check() {
            return vec![Wrote::Failed(error); writes.len()];
        }
        state.write_batches += 1;
        writes.iter().map(|write| state.put(write)).collect()
    }

    async fn write_with_claims(&self, write: &Write, claims: &[ClaimChange]) -> Wrote {
        let mut state = self.state();
        if let Err(error) = state.check() {
            return Wrote::Failed(error);
        }
        state.transactions += 1;
        let me = &write.key.pk;
        let taken = claims.iter().find_map(|change| match change {
            ClaimChange::Take(claim) => state.claims.get(claim).filter(|owner| *owner != me).cloned(),
            ClaimChange::Release(_) => None,
        });
        let rev = state.items.get(&write.key).map_or(0, |(item, _)| item.rev);
        if rev != write.old.rev {
            return Wrote::Refused;
        }
        if let Some(owner) = taken {
            return Wrote::Owned(owner);
        }
        for change in claims {
            match change {
                ClaimChange::Take(claim) => {
                    state.claims.insert(claim.clone(), me.clone());
                }
                ClaimChange::Release(claim) => {
                    if state.claims.get(claim) == Some(me) {
                        state.claims.remove(claim);
                    }
                }
            }
        }
        state.put(write)
    }

    async fn waiting_for(
        &self,
        connection: &ConnectionKey,
        record: &RecordKey,
        limit: usize,
    ) -> Result<Vec<Sleeper>, Unavailable> {
        let mut found = self.state().sleepers(|names, slot| {
            let here = names.org_id.as_deref() == Some(&connection.org_id)
                && names.connection.as_deref() == Some(&connection.connection);
            (here && slot.waits_for(&record.record_type, &record.record_id)).then_some(slot.since)
        })?;
        found.truncate(limit);
        Ok(found)
    }

    async fn due(&self, now: Instant, limit: usize) -> Result<Vec<Sleeper>, Unavailable> {
        let mut found = self.state().sleepers(|_, slot| slot.due_at().filter(|at| *at <= now))?;
        found.truncate(limit);
        Ok(found)
    }

    async fn put_body(&self, key: &str, body: &[u8]) -> Result<(), Unavailable> {
        let mut state = self.state();
        state.check()?;
        state.bodies.insert(key.to_owned(), body.to_vec());
        Ok(())
    }

    async fn body(&self, key: &str) -> Result<Option<Vec<u8>>, Unavailable> {
        let state = self.state();
        state.check()?;
        Ok(state.bodies.get(key).cloned())
    }

    async fn delete_body(&self, key: &str) -> Result<(), Unavailable> {
        let mut state = self.state();
        state.check()?;
        state.bodies.remove(key);
        Ok(())
    }
}
