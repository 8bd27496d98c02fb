//! Bugs in how items and their bodies are read and written.

use super::Mutant;
use crate::core::Core;
use crate::kernel::held;
use async_trait::async_trait;
use rtr_core::item::{Item, Slot, SlotState};
use rtr_core::key::{ConnectionKey, PairKey, RecordKey};
use rtr_core::time::Instant;
use rtr_engine::seams::{ClaimChange, Named, Parked, Records, Sleeper, Unavailable, Write, Wrote};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// For so long after a write a read that is not strongly consistent may show what stood there before, in milliseconds.
const LAG_MS: i64 = 100;

struct Wrong {
    mutant: Mutant,
    core: Arc<Core>,
    inner: Arc<dyn Records>,
    /// What stood there before this environment's last write, and when that was.
    before: Mutex<HashMap<PairKey, (Instant, Item)>>,
    /// Dead letters that should have been taken away.
    letters: Mutex<HashMap<PairKey, Slot>>,
}

pub(super) fn wrong(mutant: Mutant, core: &Arc<Core>, inner: Arc<dyn Records>) -> Arc<dyn Records> {
    Arc::new(Wrong { mutant, core: core.clone(), inner, before: Mutex::default(), letters: Mutex::default() })
}

impl Wrong {
    /// Turns what was read into what a replica that lags shows.
    fn lagging(&self, found: &mut HashMap<PairKey, Item>, keys: &[PairKey]) {
        let now = self.core.kernel.now();
        let before = held(&self.before);
        for key in keys {
            match before.get(key).filter(|(at, _)| now.since_ms(*at) < LAG_MS) {
                Some((_, item)) if item.rev == 0 => drop(found.remove(key)),
                Some((_, item)) => drop(found.insert(key.clone(), item.clone())),
                None => {}
            }
        }
    }

    fn out(&self, write: &Write) -> Write {
        let mut write = write.clone();
        match self.mutant {
            // As if the update set what there is, and removed nothing: neither before the call nor after it.
            Mutant::LettersStay => {
                let mut letters = held(&self.letters);
                if let Some(dead) = write.old.dead() {
                    letters.insert(write.key.clone(), dead.clone());
                }
                let passed = letters.get(&write.key).filter(|dead| {
                    write.new.slot.is_none() && write.new.applied_version != Some(dead.wanted_version)
                });
                if let Some(dead) = passed {
                    write.new.slot = Some(dead.clone());
                }
            }
            // As if the operation were no part of what is kept of a parked version.
            Mutant::DeletesRevive => {
                if let Some(slot) = write.new.slot.as_mut().filter(|slot| slot.state == SlotState::Parked) {
                    slot.deleted = false;
                }
            }
            _ => {}
        }
        write
    }

    fn wrote(&self, writes: &[Write], answers: &[Wrote]) {
        if self.mutant != Mutant::ReadsEventually {
            return;
        }
        let now = self.core.kernel.now();
        let mut before = held(&self.before);
        for (write, _) in writes.iter().zip(answers).filter(|(_, answer)| **answer == Wrote::Done) {
            before.insert(write.key.clone(), (now, write.old.clone()));
        }
    }
}

#[async_trait]
impl Records for Wrong {
    async fn read(&self, keys: &[PairKey]) -> Result<HashMap<PairKey, Item>, Unavailable> {
        let mut found = self.inner.read(keys).await?;
        if self.mutant == Mutant::ReadsEventually {
            self.lagging(&mut found, keys);
        }
        Ok(found)
    }

    async fn write(&self, writes: &[Write]) -> Vec<Wrote> {
        let writes: Vec<Write> = writes.iter().map(|write| self.out(write)).collect();
        let mut answers = self.inner.write(&writes).await;
        // The request was answered; that each of its statements has an answer of its own is overlooked.
        if self.mutant == Mutant::OverlooksStatementErrors && answers.contains(&Wrote::Done) {
            answers.fill(Wrote::Done);
        }
        self.wrote(&writes, &answers);
        answers
    }

    async fn write_with_claims(&self, write: &Write, claims: &[ClaimChange]) -> Wrote {
        let write = self.out(write);
        let answer = self.inner.write_with_claims(&write, claims).await;
        self.wrote(std::slice::from_ref(&write), std::slice::from_ref(&answer));
        answer
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
        self.inner.put_body(key, body).await
    }

    async fn body(&self, key: &str) -> Result<Option<Vec<u8>>, Unavailable> {
        let body = self.inner.body(key).await?;
        // It was fetched to be tried again, so it seems to have served: but the slot names it until it is written.
        if self.mutant == Mutant::BodyReadOnce && body.is_some() {
            let _ = self.inner.delete_body(key).await;
        }
        Ok(body)
    }

    async fn delete_body(&self, key: &str) -> Result<(), Unavailable> {
        self.inner.delete_body(key).await
    }

    async fn parked(&self, connection: &ConnectionKey, limit: usize) -> Result<Vec<Parked>, Unavailable> {
        self.inner.parked(connection, limit).await
    }

    async fn backfilled(&self, connection: &ConnectionKey, limit: usize) -> Result<Vec<Parked>, Unavailable> {
        self.inner.backfilled(connection, limit).await
    }

    async fn owners(&self, claims: &[PairKey]) -> Result<HashMap<PairKey, String>, Unavailable> {
        self.inner.owners(claims).await
    }

    async fn read_named(&self, keys: &[PairKey]) -> Result<Vec<Named>, Unavailable> {
        self.inner.read_named(keys).await
    }
}
