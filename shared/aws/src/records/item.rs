//! An item as attributes and back. What is absent, zero or empty is not stored: size is money, at a write unit a KiB.

use super::slot::{read_shadow, read_slot, shadow, slot};
use super::{index, names};
use crate::attributes::{Row, Unreadable, map, n, number, required, s, text};
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use rtr_core::item::{Intent, Item, Recent};
use rtr_core::key::PairKey;
use rtr_core::marks::Marks;
use rtr_core::sent::Sent;
use rtr_core::time::Instant;
use rtr_engine::seams::Names;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

/// The `op` of a tombstone.
pub(super) const DELETED: &str = "deleted";

/// Everything that is stored of `item` beside its key.
#[must_use]
pub fn attributes(key: &PairKey, names: &Names, item: &Item) -> BTreeMap<&'static str, AttributeValue> {
    let known = effective(key, names);
    let mut out = BTreeMap::from([("rev", n(item.rev))]);
    let mut put = |name: &'static str, value: Option<AttributeValue>| {
        value.into_iter().for_each(|value| drop(out.insert(name, value)));
    };
    put("applied_version", item.applied_version.map(n));
    put("mapping_revision", item.mapping_revision.map(n));
    put("applied_hash", item.applied_hash.as_deref().map(hash));
    put("base", (!item.base.is_empty()).then(|| AttributeValue::B(Blob::new(item.base.as_bytes()))));
    put("sent", (!item.sent.is_empty()).then(|| AttributeValue::B(Blob::new(item.sent.as_bytes()))));
    put("external_id", item.external_id.as_deref().map(s));
    put("object", item.object.as_deref().map(s));
    put("linked_at", item.linked_at.map(|at| n(at.0)));
    put("op", item.deleted.then(|| s(DELETED)));
    put("slot", item.slot.as_ref().map(slot));
    put("shadow", item.shadow.as_ref().map(shadow));
    put("intent", item.intent.as_ref().map(intent));
    put("by", (!item.by.is_empty()).then(|| s(&item.by)));
    put("crashes", (item.crashes > 0).then(|| n(item.crashes)));
    let recent: Vec<AttributeValue> = item.recent.iter().map(|recent| s(recent.to_text())).collect();
    put("recent", (!recent.is_empty()).then_some(AttributeValue::L(recent)));
    names::put(&mut out, key, names);
    index::put(&mut out, key, &known, item);
    out
}

/// The item of a row.
pub(super) fn from_row(row: &Row) -> Result<Item, Unreadable> {
    Ok(Item {
        rev: required(number(row, "rev")?, "rev")?,
        applied_version: number(row, "applied_version")?,
        mapping_revision: number(row, "mapping_revision")?,
        applied_hash: read_hash(row)?,
        base: bytes(row, "base")?.map(Marks::from_bytes).unwrap_or_default(),
        sent: bytes(row, "sent")?.map(Sent::from_bytes).unwrap_or_default(),
        external_id: text(row, "external_id")?.map(str::to_owned),
        object: text(row, "object")?.map(str::to_owned),
        linked_at: number(row, "linked_at")?.map(Instant),
        deleted: text(row, "op")? == Some(DELETED),
        slot: map(row, "slot")?.map(read_slot).transpose()?,
        shadow: map(row, "shadow")?.map(read_shadow).transpose()?,
        intent: map(row, "intent")?.map(read_intent).transpose()?,
        by: text(row, "by")?.unwrap_or_default().to_owned(),
        crashes: number(row, "crashes")?.unwrap_or(0),
        recent: read_recent(row),
    })
}

/// The names given, completed by what the key says.
fn effective(key: &PairKey, given: &Names) -> Names {
    let in_key = names::from_key(key);
    Names {
        org_id: given.org_id.clone().or(in_key.org_id),
        connection: given.connection.clone().or(in_key.connection),
        record_type: given.record_type.clone().or(in_key.record_type),
        record_id: given.record_id.clone().or(in_key.record_id),
    }
}

fn intent(intent: &Intent) -> AttributeValue {
    let mut row = HashMap::from([
        ("nonce".to_owned(), s(&intent.nonce)),
        ("version".to_owned(), n(intent.version)),
        ("at".to_owned(), n(intent.at.0)),
    ]);
    row.extend(intent.matched.as_ref().map(|matched| ("matched".to_owned(), s(matched))));
    AttributeValue::M(row)
}

fn read_intent(row: &Row) -> Result<Intent, Unreadable> {
    Ok(Intent {
        nonce: required(text(row, "nonce")?, "nonce")?.to_owned(),
        version: required(number(row, "version")?, "version")?,
        at: Instant(required(number(row, "at")?, "at")?),
        matched: text(row, "matched")?.map(str::to_owned),
    })
}

/// History is for people: a line that cannot be read is left out rather than stopping the record.
fn read_recent(row: &Row) -> Vec<Recent> {
    let lines = row.get("recent").and_then(|value| value.as_l().ok());
    let texts = lines.into_iter().flatten().filter_map(|line| line.as_s().ok());
    texts.filter_map(|line| Recent::from_text(line)).collect()
}

/// A hex digest takes half the bytes as bytes; any other text stays text.
pub(super) fn hash(hash: &str) -> AttributeValue {
    from_hex(hash).map_or_else(|| s(hash), |bytes| AttributeValue::B(Blob::new(bytes)))
}

pub(super) fn read_hash(row: &Row) -> Result<Option<String>, Unreadable> {
    match row.get("applied_hash") {
        Some(AttributeValue::S(text)) => Ok(Some(text.clone())),
        _ => Ok(bytes(row, "applied_hash")?.map(to_hex)),
    }
}

fn bytes<'a>(row: &'a Row, name: &'static str) -> Result<Option<&'a [u8]>, Unreadable> {
    let wrong = Unreadable { name, wanted: "binary" };
    row.get(name).map(|value| value.as_b().map(Blob::as_ref).map_err(|_| wrong)).transpose()
}

/// Bytes of lower-case hex, so that what is read back is what was given.
fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let bytes: Option<Vec<u8>> =
        pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect();
    bytes.filter(|bytes| rest.is_empty() && !bytes.is_empty())
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests;
