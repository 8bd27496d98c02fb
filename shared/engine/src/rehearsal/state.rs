//! What is kept of records, as a rehearsal sees it: what is stored, under what the rehearsal itself would have written.

use crate::seams::{ClaimChange, Named, Parked, Records, Sleeper, Unavailable, Write, Wrote};
use async_trait::async_trait;
use rtr_core::item::Item;
use rtr_core::key::{ConnectionKey, PairKey, RecordKey};
use rtr_core::time::Instant;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Items that are read from a store and written to this value alone.
pub struct State<'a> {
    stored: Option<&'a dyn Records>,
    own: Mutex<HashMap<PairKey, Item>>,
}

impl<'a> State<'a> {
    /// Over what `stored` has; over nothing without it.
    #[must_use]
    pub fn over(stored: Option<&'a dyn Records>) -> Self {
        Self { stored, own: Mutex::default() }
    }

    /// Whether it looks at what is stored.
    #[must_use]
    pub fn is_stored(&self) -> bool {
        self.stored.is_some()
    }

    /// Takes `record` to be linked to `external_id` and written before, with other values than now, unless something is
    /// known of it.
    pub fn assume(&self, record: &RecordKey, connection: &ConnectionKey, object: &str, external_id: &str) {
        let linked = Item {
            object: Some(object.to_owned()),
            external_id: Some(external_id.to_owned()),
            // No payload's: without one an update would carry our key, as the first after an adoption does.
            applied_hash: Some("assumed".to_owned()),
            ..Item::default()
        };
        self.own().entry(PairKey::new(record, connection)).or_insert(linked);
    }

    /// Takes the item under `key` to be `item`, whatever the store says.
    pub fn lay(&self, key: PairKey, item: Item) {
        self.own().insert(key, item);
    }

    /// The same of what was read from the store a moment ago, unless something is known of it by now.
    pub fn lay_read(&self, key: PairKey, item: Item) {
        self.own().entry(key).or_insert(item);
    }

    /// The record's item.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn item(&self, key: &PairKey) -> Result<Item, Unavailable> {
        Ok(self.read(std::slice::from_ref(key)).await?.remove(key).unwrap_or_default())
    }

    fn own(&self) -> MutexGuard<'_, HashMap<PairKey, Item>> {
        // A poisoned lock only says that a thread died elsewhere; whole items are put in.
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, write: &Write) -> Wrote {
        self.own().insert(write.key.clone(), write.new.clone());
        Wrote::Done
    }
}

impl std::fmt::Debug for State<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").field("is_stored", &self.is_stored()).finish_non_exhaustive()
    }
}

#[async_trait]
impl Records for State<'_> {
    async fn read(&self, keys: &[PairKey]) -> Result<HashMap<PairKey, Item>, Unavailable> {
        let mut found: HashMap<PairKey, Item> = {
            let own = self.own();
            keys.iter().filter_map(|key| Some((key.clone(), own.get(key)?.clone()))).collect()
        };
        let rest: Vec<PairKey> = keys.iter().filter(|key| !found.contains_key(key)).cloned().collect();
        if let Some(stored) = self.stored.filter(|_| !rest.is_empty()) {
            found.extend(stored.read(&rest).await?);
        }
        Ok(found)
    }

    async fn write(&self, writes: &[Write]) -> Vec<Wrote> {
        writes.iter().map(|write| self.keep(write)).collect()
    }

    async fn write_with_claims(&self, write: &Write, _: &[ClaimChange]) -> Wrote {
        self.keep(write)
    }

    async fn waiting_for(
        &self,
        _: &ConnectionKey,
        _: &RecordKey,
        _: usize,
    ) -> Result<Vec<Sleeper>, Unavailable> {
        Ok(Vec::new())
    }

    async fn due(&self, _: Instant, _: usize) -> Result<Vec<Sleeper>, Unavailable> {
        Ok(Vec::new())
    }

    async fn parked(&self, _: &ConnectionKey, _: usize) -> Result<Vec<Parked>, Unavailable> {
        Ok(Vec::new())
    }

    async fn backfilled(&self, _: &ConnectionKey, _: usize) -> Result<Vec<Parked>, Unavailable> {
        Ok(Vec::new())
    }

    async fn owners(&self, _: &[PairKey]) -> Result<HashMap<PairKey, String>, Unavailable> {
        Ok(HashMap::new())
    }

    async fn read_named(&self, _: &[PairKey]) -> Result<Vec<Named>, Unavailable> {
        Ok(Vec::new())
    }

    async fn put_body(&self, _: &str, _: &[u8]) -> Result<(), Unavailable> {
        Ok(())
    }

    async fn body(&self, key: &str) -> Result<Option<Vec<u8>>, Unavailable> {
        match self.stored {
            Some(stored) => stored.body(key).await,
            None => Ok(None),
        }
    }

    async fn delete_body(&self, _: &str) -> Result<(), Unavailable> {
        Ok(())
    }
}
