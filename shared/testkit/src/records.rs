//! Items and claims in memory, compare-and-set by `rev`, every request counted.

mod transact;

use crate::weather::{Calm, Fate, Op, Service, Weather};
use async_trait::async_trait;
use rtr_connectors::http::Clock;
use rtr_core::item::Item;
use rtr_core::key::{ConnectionKey, PairKey, RecordKey, SHARDS};
use rtr_core::slot::{Lane, Slot};
use rtr_core::time::Instant;
use rtr_engine::seams::{ClaimChange, Named, Names, Parked, Records, Sleeper, Unavailable, Write, Wrote};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Bytes of an item. DynamoDB's limit.
const MAX_ITEM_BYTES: usize = 400 * 1_024;

/// The table.
#[derive(Debug)]
pub struct MemoryRecords {
    /// What tells an index's age; without one it shows everything.
    clock: Option<Arc<dyn Clock>>,
    weather: Arc<dyn Weather>,
    state: Mutex<State>,
}

impl Default for MemoryRecords {
    fn default() -> Self {
        Self { clock: None, weather: Arc::new(Calm), state: Mutex::default() }
    }
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
    /// What the indexes show of an item that was written a moment ago: as it was before, and when that was.
    before: BTreeMap<PairKey, (Instant, Option<Slot>)>,
}

impl MemoryRecords {
    /// An empty table under `weather`.
    #[must_use]
    pub fn under(clock: Arc<dyn Clock>, weather: Arc<dyn Weather>) -> Self {
        Self { clock: Some(clock), weather, state: Mutex::default() }
    }

    fn now(&self) -> Instant {
        self.clock.as_ref().map_or(Instant(0), |clock| clock.now())
    }

    fn op(name: &'static str, parts: usize) -> Op {
        Op { service: Service::Records, name, parts }
    }

    /// Acts between the way there and the way back; `act` is only asked where something is done.
    async fn asked<T>(
        &self,
        name: &'static str,
        act: impl FnOnce(&mut State) -> Result<T, Unavailable>,
    ) -> Result<T, Unavailable> {
        let op = Self::op(name, 1);
        let fate = self.weather.there(op).await;
        let answer = if fate.does(0) { act(&mut self.state()) } else { Err(gone()) };
        self.weather.back(op).await;
        if fate.tells(0) { answer } else { Err(gone()) }
    }

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

/// What each partition may give of `limit`, so that none stands before the others.
fn share(limit: usize) -> usize {
    limit.div_ceil(usize::try_from(SHARDS).unwrap_or(1))
}

fn gone() -> Unavailable {
    Unavailable("the table does not answer".to_owned())
}

impl State {
    fn check(&self) -> Result<(), Unavailable> {
        if self.down { Err(gone()) } else { Ok(()) }
    }

    /// What an index names, each partition's in the order of its times and `share` of it at most; then read strongly:
    /// what no longer sleeps, or not so, is not told of.
    fn sleepers(
        &mut self,
        shows: impl Fn(Instant) -> bool,
        share: usize,
        partition: impl Fn(&PairKey) -> String,
        wanted: impl Fn(&Names, &Slot) -> Option<Instant>,
    ) -> Result<Vec<Sleeper>, Unavailable> {
        self.check()?;
        self.queries += 1;
        if self.index_lags {
            return Ok(Vec::new());
        }
        let mut index: BTreeMap<String, Vec<(Instant, &PairKey)>> = BTreeMap::new();
        for (key, (item, names)) in &self.items {
            let shown = match self.before.get(key).filter(|(at, _)| !shows(*at)) {
                Some((_, stale)) => stale.as_ref(),
                None => item.slot.as_ref(),
            };
            if let Some(at) = shown.and_then(|slot| wanted(names, slot)) {
                index.entry(partition(key)).or_default().push((at, key));
            }
        }
        let mut found = Vec::new();
        for mut entries in index.into_values() {
            entries.sort_unstable();
            found.extend(entries.iter().take(share).filter_map(|(_, key)| self.sleeper(key, &wanted)));
        }
        found.sort_by_key(|one| one.due_at);
        Ok(found)
    }

    /// What the index of a connection's parked work shows, live or by backfills, of each partition its share.
    fn parked(
        &mut self,
        shows: impl Fn(Instant) -> bool,
        connection: &ConnectionKey,
        backfill: bool,
        limit: usize,
    ) -> Result<Vec<Parked>, Unavailable> {
        self.check()?;
        self.queries += 1;
        if self.index_lags {
            return Ok(Vec::new());
        }
        let sk = connection.key();
        let mut index: BTreeMap<String, Vec<(Instant, &PairKey)>> = BTreeMap::new();
        for (key, (item, _)) in self.items.iter().filter(|(key, _)| key.sk == sk) {
            let shown = match self.before.get(key).filter(|(at, _)| !shows(*at)) {
                Some((_, stale)) => stale.as_ref(),
                None => item.slot.as_ref(),
            };
            let ours = |slot: &&Slot| slot.state.lane() == Lane::Bulk && slot.backfill == backfill;
            if let Some(slot) = shown.filter(ours) {
                index.entry(key.index_partition(&sk)).or_default().push((slot.not_before, key));
            }
        }
        let mut found = Vec::new();
        for mut entries in index.into_values() {
            entries.sort_unstable();
            found.extend(entries.into_iter().take(share(limit)));
        }
        found.sort_unstable();
        found.truncate(limit);
        let parked = |(not_before, key): (Instant, &PairKey)| Parked { key: key.clone(), not_before };
        Ok(found.into_iter().map(parked).collect())
    }

    /// As it is now.
    fn sleeper(&self, key: &PairKey, wanted: impl Fn(&Names, &Slot) -> Option<Instant>) -> Option<Sleeper> {
        let (item, names) = self.items.get(key)?;
        let slot = item.slot.as_ref()?;
        let due_at = wanted(names, slot)?;
        let (org, kind, id) = (names.org_id.clone()?, names.record_type.clone()?, names.record_id.clone()?);
        let record = RecordKey::new(org, kind, id);
        let connection = names.connection.clone()?;
        Some(Sleeper { record, connection, version: slot.wanted_version, due_at, whose: key.whose() })
    }

    fn put(&mut self, write: &Write, now: Instant) -> Wrote {
        self.writes += 1;
        let rev = self.items.get(&write.key).map_or(0, |(item, _)| item.rev);
        if rev != write.old.rev {
            return Wrote::Refused;
        }
        if is_too_large(&write.new) {
            return Wrote::Failed(Unavailable("the item is larger than an item can be".to_owned()));
        }
        if now.0 > 0 && (write.old.slot.is_some() || write.new.slot.is_some()) {
            self.before.insert(write.key.clone(), (now, write.old.slot.clone()));
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
        self.asked("read", |state| {
            state.check()?;
            state.reads += 1;
            Ok(keys.iter().filter_map(|key| Some((key.clone(), state.items.get(key)?.0.clone()))).collect())
        })
        .await
    }

    async fn write(&self, writes: &[Write]) -> Vec<Wrote> {
        let op = Self::op("write", writes.len());
        let fate = self.weather.there(op).await;
        let answers = {
            let (mut state, now) = (self.state(), self.now());
            state.write_batches += 1;
            // No item twice in a request: the second is refused without being sent.
            let mut seen = HashSet::new();
            let mut answers = Vec::with_capacity(writes.len());
            for (at, write) in writes.iter().enumerate() {
                answers.push(match state.check() {
                    _ if !seen.insert(&write.key) => Wrote::Refused,
                    Ok(()) if fate.does(at) => told(fate, at, state.put(write, now)),
                    _ => Wrote::Failed(gone()),
                });
            }
            answers
        };
        self.weather.back(op).await;
        answers
    }

    async fn write_with_claims(&self, write: &Write, claims: &[ClaimChange]) -> Wrote {
        let op = Self::op("transact", 1);
        let fate = self.weather.there(op).await;
        let answer = {
            let (mut state, now) = (self.state(), self.now());
            match state.check() {
                // The SDK's copy has the token of the first: it is answered as the first was.
                Ok(()) if fate == Fate::SentTwice => state.transact(write, claims, now),
                Ok(()) if fate.does(0) => told(fate, 0, state.transact(write, claims, now)),
                _ => Wrote::Failed(gone()),
            }
        };
        self.weather.back(op).await;
        answer
    }

    async fn waiting_for(
        &self,
        connection: &ConnectionKey,
        record: &RecordKey,
        limit: usize,
    ) -> Result<Vec<Sleeper>, Unavailable> {
        let here = |names: &Names, slot: &Slot| {
            let here = names.org_id.as_deref() == Some(&connection.org_id)
                && names.connection.as_deref() == Some(&connection.connection);
            (here && slot.waits_for(&record.record_type, &record.record_id)).then_some(slot.since)
        };
        // One partition for each record that is waited for.
        let partition = |_: &PairKey| String::new();
        self.asked("waiting_for", |state| state.sleepers(|at| self.shows(at), limit, partition, here)).await
    }

    async fn due(&self, now: Instant, limit: usize) -> Result<Vec<Sleeper>, Unavailable> {
        let due = |_: &Names, slot: &Slot| slot.due_at().filter(|at| *at <= now);
        let partition = |key: &PairKey| key.index_partition("!due");
        self.asked("due", |state| state.sleepers(|at| self.shows(at), share(limit), partition, due)).await
    }

    async fn parked(&self, connection: &ConnectionKey, limit: usize) -> Result<Vec<Parked>, Unavailable> {
        self.asked("parked", |state| state.parked(|at| self.shows(at), connection, false, limit)).await
    }

    async fn backfilled(&self, connection: &ConnectionKey, limit: usize) -> Result<Vec<Parked>, Unavailable> {
        self.asked("backfilled", |state| state.parked(|at| self.shows(at), connection, true, limit)).await
    }

    async fn owners(&self, claims: &[PairKey]) -> Result<HashMap<PairKey, String>, Unavailable> {
        self.asked("owners", |state| {
            state.check()?;
            state.reads += 1;
            Ok(claims.iter().filter_map(|key| Some((key.clone(), state.claims.get(key)?.clone()))).collect())
        })
        .await
    }

    async fn read_named(&self, keys: &[PairKey]) -> Result<Vec<Named>, Unavailable> {
        self.asked("read_named", |state| {
            state.check()?;
            state.reads += 1;
            let named = |key: &PairKey| {
                let (item, names) = state.items.get(key)?;
                Some(Named { key: key.clone(), names: names.clone(), item: item.clone() })
            };
            let mut seen = HashSet::new();
            Ok(keys.iter().filter(|key| seen.insert(*key)).filter_map(named).collect())
        })
        .await
    }

    async fn put_body(&self, key: &str, body: &[u8]) -> Result<(), Unavailable> {
        self.asked("put_body", |state| {
            state.check()?;
            state.bodies.insert(key.to_owned(), body.to_vec());
            Ok(())
        })
        .await
    }

    async fn body(&self, key: &str) -> Result<Option<Vec<u8>>, Unavailable> {
        self.asked("body", |state| {
            state.check()?;
            Ok(state.bodies.get(key).cloned())
        })
        .await
    }

    async fn delete_body(&self, key: &str) -> Result<(), Unavailable> {
        self.asked("delete_body", |state| {
            state.check()?;
            state.bodies.remove(key);
            Ok(())
        })
        .await
    }
}

impl MemoryRecords {
    fn shows(&self, written: Instant) -> bool {
        self.weather.index_shows(self.now().since_ms(written))
    }
}

/// What the caller hears of a write that was done or refused.
fn told(fate: Fate, at: usize, wrote: Wrote) -> Wrote {
    match fate {
        Fate::SentTwice if wrote == Wrote::Done => Wrote::Refused,
        _ if fate.tells(at) => wrote,
        _ => Wrote::Failed(gone()),
    }
}

/// Whether DynamoDB would not take it: what weighs in an item is its slot.
fn is_too_large(item: &Item) -> bool {
    let slot = serde_json::to_string(&item.slot).map_or(0, |text| text.len());
    slot + item.base.as_bytes().len() > MAX_ITEM_BYTES
}
