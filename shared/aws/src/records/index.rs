//! What an item shows in the sparse indexes `parked`, `due`, `waiting` and `dead`: derived from its slot alone, written with it.
//!
//! The index `parked` has three stems for each connection: what its bulk lane drains, what backfills brought of that, which
//! it looks at when nothing else is due, and what waits for another record, which people count with it and no lane may see.
//!
//! The indexes are hints; whoever acts on one reads the item first.

use crate::attributes::{n, s};
use aws_sdk_dynamodb::types::AttributeValue;
use rtr_core::code::Code;
use rtr_core::digest;
use rtr_core::item::{Item, Lane, Slot, SlotState};
use rtr_core::key::{MAX_KEY_BYTES, PairKey, Whose, join};
use rtr_engine::seams::Names;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The org of what nobody could attribute, in the index.
const UNATTRIBUTED: &str = "!unattributed";

/// What lists of dead letters show, kept in the index so that a list reads nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadSummary {
    /// The org, as far as it could be told.
    pub org_id: Option<String>,
    /// The connection.
    pub connection: Option<String>,
    /// The record type.
    pub record_type: Option<String>,
    /// The record id.
    pub record_id: Option<String>,
    /// The dead version.
    pub version: u64,
    /// The class of the reason.
    pub reason: String,
    /// The code.
    pub code: Code,
    /// Our words.
    pub message: String,
    /// The field at fault.
    pub field: Option<String>,
    /// Since when, RFC 3339.
    pub at: String,
    /// Receives so far.
    pub attempts: u32,
}

/// The stem of the `dead` index's partitions: for `rtr_core::key::index_partitions`.
#[must_use]
pub fn dead_stem(org: Option<&str>) -> Cow<'_, str> {
    match org {
        None => Cow::Borrowed(UNATTRIBUTED),
        // An index key takes 2,048 bytes: 512 characters of four bytes, escaped and sharded, would be more.
        Some(org) if org.len() > MAX_KEY_BYTES => Cow::Owned(digest::tagged(org)),
        Some(org) => Cow::Borrowed(org),
    }
}

/// The stem of the `parked` index's partitions of what the bulk lane drains: the connection's key, which is the item's sort
/// key.
#[must_use]
pub(super) fn parked_stem(connection_key: &str) -> &str {
    connection_key
}

/// The stem of those of what backfills brought, so that a million of them stand before nothing that is live.
#[must_use]
pub(super) fn backfill_stem(connection_key: &str) -> String {
    format!("!backfill#{connection_key}")
}

/// The stem of those of what waits for another record. A connection's key has two parts, and this has three.
#[must_use]
pub(super) fn waits_stem(connection_key: &str) -> String {
    format!("!waits#{connection_key}")
}

/// The stem of the `due` index's partitions: one for all connections, since the sweep asks for all of them.
pub const DUE: &str = "!due";

/// The partition of the `waiting` index for what waits for `record` at a connection. Not sharded: each record referred to
/// has one of its own, and asking sixteen would cost every first link sixteen queries.
#[must_use]
pub(super) fn waiting_partition(connection_key: &str, record_type: &str, record_id: &str) -> String {
    join(&[connection_key, record_type, record_id])
}

/// Adds what the indexes need.
pub(super) fn put(
    attributes: &mut BTreeMap<&'static str, AttributeValue>,
    key: &PairKey,
    names: &Names,
    item: &Item,
) {
    let Some(slot) = &item.slot else { return };
    match slot.state {
        SlotState::Dead => {
            let stem = dead_stem(names.org_id.as_deref());
            attributes.insert("dead_pk", s(key.index_partition(&stem)));
            attributes.insert("dead_at", n(slot.since.0));
            // A summary is strings and numbers: it always has a JSON form.
            let summary = serde_json::to_string(&summary(names, slot)).unwrap_or_default();
            attributes.insert("dead_summary", s(summary));
        }
        // What waits on its way back, and a poll, are no parked versions of records.
        SlotState::Waiting if key.whose() != Whose::Record => {}
        SlotState::Incomplete => {}
        SlotState::Parked | SlotState::Drop | SlotState::Waiting => {
            let partition = match slot.state.lane() {
                Lane::Bulk if slot.backfill => key.index_partition(&backfill_stem(&key.sk)),
                Lane::Bulk => key.index_partition(parked_stem(&key.sk)),
                Lane::Sync => key.index_partition(&waits_stem(&key.sk)),
            };
            attributes.insert("parked_pk", s(partition));
            attributes.insert("parked_at", n(slot.not_before.0));
        }
    }
    if let Some(at) = slot.due_at() {
        attributes.insert("due_pk", s(key.index_partition(DUE)));
        attributes.insert("due_at", n(at.0));
    }
    if let Some(on) = slot.waits.as_ref().filter(|_| key.whose() == Whose::Record) {
        attributes.insert("waiting_pk", s(waiting_partition(&key.sk, &on.record_type, &on.record_id)));
        attributes.insert("waiting_at", n(slot.since.0));
    }
}

fn summary(names: &Names, slot: &Slot) -> DeadSummary {
    DeadSummary {
        org_id: names.org_id.clone(),
        connection: names.connection.clone(),
        record_type: names.record_type.clone(),
        record_id: names.record_id.clone(),
        version: slot.wanted_version,
        reason: slot.reason.class().to_owned(),
        code: slot.reason.code,
        message: slot.reason.message.clone(),
        field: slot.reason.field.clone(),
        at: slot.since.to_rfc3339(),
        attempts: slot.attempts,
    }
}
