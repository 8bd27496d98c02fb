//! Laws of `Records`: compare-and-set by `rev`, claims in one transaction, sparse indexes that are hints, bodies beside.

pub mod beside;
pub mod bodies;
pub mod claims;
pub mod many;
pub mod named;
pub mod parked;
pub mod sleepers;
pub mod writes;

use rtr_core::code::Code;
use rtr_core::item::{Body, Item, Reason, Slot, SlotState, Waits};
use rtr_core::key::{ConnectionKey, PairKey, RecordKey};
use rtr_core::time::Instant;
use rtr_engine::seams::{ClaimChange, Names, Records, Write, Wrote};
use serde_json::json;

/// With characters that keys escape.
const ORG: &str = "ac#me%";
const CONNECTION: &str = "hubspot";
const KIND: &str = "contact";
/// A time to count from.
const BEGIN: Instant = Instant(1_795_000_000_000);

fn record(id: &str) -> RecordKey {
    RecordKey::new(ORG, KIND, id)
}

fn connection() -> ConnectionKey {
    ConnectionKey::new(ORG, CONNECTION)
}

fn key(id: &str) -> PairKey {
    PairKey::new(&record(id), &connection())
}

fn claim(external_id: &str) -> PairKey {
    PairKey::claim(&connection(), "contacts", external_id)
}

fn take(external_id: &str) -> ClaimChange {
    ClaimChange::Take(claim(external_id))
}

fn release(external_id: &str) -> ClaimChange {
    ClaimChange::Release(claim(external_id))
}

/// `new` where `old` was read.
fn write(id: &str, old: &Item, new: Item) -> Write {
    write_at(&connection(), &record(id), old, new)
}

fn write_at(at: &ConnectionKey, record: &RecordKey, old: &Item, new: Item) -> Write {
    let names = Names {
        org_id: Some(at.org_id.clone()),
        connection: Some(at.connection.clone()),
        record_type: Some(record.record_type.clone()),
        record_id: Some(record.record_id.clone()),
    };
    let new = Item { rev: old.rev + 1, ..new };
    Write { key: PairKey::new(record, at), names, old: old.clone(), new }
}

fn insert(id: &str, new: Item) -> Write {
    write(id, &Item::default(), new)
}

fn version(version: u64) -> Item {
    Item { applied_version: Some(version), ..Item::default() }
}

async fn one(records: &dyn Records, write: &Write) -> Wrote {
    let mut wrote = records.write(std::slice::from_ref(write)).await;
    assert_eq!(wrote.len(), 1);
    wrote.remove(0)
}

/// Writes what nothing stands against.
async fn stands(records: &dyn Records, writes: &[Write]) {
    let wrote = records.write(writes).await;
    assert_eq!(wrote, vec![Wrote::Done; writes.len()]);
}

/// The item as it is now; a default one when there is none.
async fn read(records: &dyn Records, id: &str) -> Item {
    let key = key(id);
    records.read(std::slice::from_ref(&key)).await.unwrap().remove(&key).unwrap_or_default()
}

fn sleeping(slot: Slot) -> Item {
    Item { slot: Some(slot), ..Item::default() }
}

fn slot(state: SlotState, since: Instant, not_before: Instant) -> Slot {
    Slot {
        trace: None,
        wanted_version: 8,
        mapping_revision: 3,
        state,
        deleted: false,
        body: Body::Inline(json!({"n": 9_007_199_254_740_993_u64, "name": "O'Brien \"?\" é 🦀"})),
        reason: Reason::new(Code::Throttled, "the CRM asked for a rest"),
        since,
        not_before,
        attempts: 1,
        waits: None,
        backfill: false,
        occurred_at: None,
    }
}

fn parked(not_before: Instant) -> Slot {
    slot(SlotState::Parked, BEGIN, not_before)
}

/// Waits for the record `on`, looked at again at `look_at`.
fn waiting(on: &str, since: Instant, look_at: Instant) -> Slot {
    let waits = Some(Waits { record_type: KIND.to_owned(), record_id: on.to_owned(), look_at });
    Slot { waits, ..slot(SlotState::Waiting, since, look_at) }
}

/// A body of about so many bytes.
fn weighing(bytes: usize) -> Item {
    let body = Body::Inline(json!({"text": "x".repeat(bytes)}));
    sleeping(Slot { body, ..slot(SlotState::Dead, BEGIN, Instant(0)) })
}

const KB: usize = 1_024;
