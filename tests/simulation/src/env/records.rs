//! The records as one environment reaches them.

use crate::core::Core;
use crate::faults::{Fault, Site};
use async_trait::async_trait;
use rtr_core::code::Code;
use rtr_core::item::Item;
use rtr_core::key::{ConnectionKey, PairKey, RecordKey};
use rtr_core::time::Instant;
use rtr_engine::seams::{ClaimChange, Named, Names, Parked, Records, Sleeper, Unavailable, Write, Wrote};
use rtr_testkit::records::MemoryRecords;
use std::collections::HashMap;
use std::sync::Arc;

/// The records as one build reaches them: the build before this one hashed payloads in another way and kept
/// of an item's history the last outcome only.
pub(super) struct EnvRecords {
    pub(super) core: Arc<Core>,
    pub(super) inner: Arc<MemoryRecords>,
    pub(super) old_build: bool,
}

impl EnvRecords {
    /// Somebody else may write the item between our look and our write.
    fn disturb(&self, write: &Write) {
        if let Some((fault @ Fault::ForeignWrite, _)) = self.core.chance(Site::Store) {
            let mut state = self.inner.state();
            if let Some((item, _)) = state.items.get_mut(&write.key) {
                item.rev += 1;
                self.core.fire(fault);
            }
        }
    }

    /// What people see of a version that waits or is dead is read when it is written, whatever becomes of it.
    fn read_reasons(&self, writes: &[Write]) {
        self.core.oracle().writes(self.core.env());
        for write in writes {
            self.core.oracle().writes_in_group(self.core.env(), &write.names);
            let Some(reason) = write.new.slot.as_ref().map(|slot| &slot.reason) else { continue };
            if write.old.slot.as_ref().is_some_and(|slot| slot.reason == *reason) {
                self.core.oracle().repeats_reason(self.core.env(), &write.names);
                continue;
            }
            let text = format!("{} {}", reason.message, reason.field.as_deref().unwrap_or_default());
            self.core.oracle().read(&text);
        }
    }

    fn tell(&self, writes: &[Write], answers: &[Wrote]) {
        for (write, answer) in writes.iter().zip(answers) {
            let wanted = |item: &Item| item.slot.as_ref().map(|slot| slot.wanted_version);
            let newer = *answer == Wrote::Refused && write.old.slot.is_some();
            if newer && wanted(&self.inner.item(&write.key)) > wanted(&write.old) {
                self.core.oracle().overtaken();
            }
            let filed = write.new.dead().is_some_and(|dead| dead.reason.code == Code::Crash);
            if filed && *answer == Wrote::Done && write.old.dead().is_none() {
                self.core.shape("CrashFiled");
            }
            // What only notes that work begins, or ended without an end, brings it to nothing new.
            let fence = |item: &Item| (item.applied_version, item.mapping_revision);
            let moves = write.new.slot.is_none() && fence(&write.new) != fence(&write.old);
            let version = write.new.applied_version.filter(|_| moves);
            if let Some(version) = version.filter(|_| *answer == Wrote::Done) {
                self.core.oracle().finishes(self.core.env(), &write.key, version);
            }
            self.core.trace.note(self.core.kernel.now(), "stored", || {
                let Names { org_id, record_type, record_id, connection, .. } = &write.names;
                let text = |name: &Option<String>| name.clone().unwrap_or_default();
                let new = &write.new;
                let slot = new.slot.as_ref().map(|slot| (slot.state, slot.wanted_version, slot.reason.code));
                format!(
                    "{}/{}/{} at {}: applied {:?}, linked {:?}, slot {slot:?}, intent {:?}: {answer:?} (env {})",
                    text(org_id),
                    text(record_type),
                    text(record_id),
                    text(connection),
                    new.applied_version,
                    new.external_id,
                    new.intent.as_ref().map(|intent| intent.version),
                    self.core.env()
                )
            });
        }
    }

    /// Lets the watch know of the endings that stand now: what was done counts, heard of or not.
    fn book(&self, writes: &[Write]) {
        for write in writes {
            let stands = self.inner.item(&write.key);
            if stands.rev == write.new.rev && stands.by == write.new.by {
                self.core.oracle().gives_up(&write.names, &write.old, &write.new);
                self.core.oracle().noted(&write.names, &write.new);
            }
        }
    }

    fn out(&self, mut write: Write) -> Write {
        if self.old_build {
            let older = write.new.recent.len().saturating_sub(1);
            write.new.recent.drain(..older);
            write.new.base = rtr_core::marks::Marks::default();
            write.new.applied_hash = write.new.applied_hash.map(|hash| format!("old-{hash}"));
        }
        write
    }

    fn seen(&self, mut item: Item) -> Item {
        if self.old_build {
            item.applied_hash =
                item.applied_hash.and_then(|hash| hash.strip_prefix("old-").map(str::to_owned));
        }
        item
    }
}

#[async_trait]
impl Records for EnvRecords {
    async fn read(&self, keys: &[PairKey]) -> Result<HashMap<PairKey, Item>, Unavailable> {
        self.core.oracle().reads(self.core.env());
        let found = self.inner.read(keys).await?;
        Ok(found.into_iter().map(|(key, item)| (key, self.seen(item))).collect())
    }

    async fn write(&self, writes: &[Write]) -> Vec<Wrote> {
        if let Some(first) = writes.first() {
            self.disturb(first);
        }
        let out: Vec<Write> = writes.iter().cloned().map(|write| self.out(write)).collect();
        self.read_reasons(&out);
        let answers = self.inner.write(&out).await;
        self.book(writes);
        self.tell(&out, &answers);
        answers
    }

    async fn write_with_claims(&self, write: &Write, claims: &[ClaimChange]) -> Wrote {
        self.disturb(write);
        let out = self.out(write.clone());
        self.read_reasons(std::slice::from_ref(&out));
        let answer = self.inner.write_with_claims(&out, claims).await;
        self.book(std::slice::from_ref(write));
        self.tell(std::slice::from_ref(&out), std::slice::from_ref(&answer));
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
        self.inner.body(key).await
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
        let found = self.inner.read_named(keys).await?;
        self.core.oracle().takes_up(self.core.env(), &found);
        Ok(found.into_iter().map(|named| Named { item: self.seen(named.item), ..named }).collect())
    }
}
