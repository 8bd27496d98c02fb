//! The data of a record, as far as any is kept: that of the one version which is not applied.

use super::read::{body_of, pairs};
use crate::aws::{Aws, unavailable};
use crate::problem::Problem;
use rtr_core::item::Item;
use rtr_core::key::{PairKey, RecordKey};
use serde_json::Value;

/// What is kept of a record.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::commands) enum Held {
    /// Nothing is known of it.
    Unknown,
    /// It is known, and no data of it is kept.
    Nothing,
    /// The data of its newest version that is not applied.
    Data(Value),
}

/// The data of `key`'s newest version that is kept, at `connection` or anywhere.
pub(in crate::commands) async fn held(
    aws: &Aws,
    key: &RecordKey,
    connection: Option<&str>,
) -> Result<Held, Problem> {
    let mut pairs = pairs(aws, key).await?;
    pairs.retain(|(id, _)| connection.is_none_or(|wanted| wanted == id));
    let keys: Vec<PairKey> = pairs.into_iter().map(|(_, pair)| pair).collect();
    if keys.is_empty() {
        return Ok(Held::Unknown);
    }
    let runtime = aws.runtime("")?;
    let records = runtime.seams().records;
    let items = records.read(&keys).await;
    let items = items.map_err(|error| unavailable("reading the record", &aws.place, &error))?;
    let Some(slot) = newest(items.values()) else { return Ok(Held::Nothing) };
    let body = body_of(aws, records, slot).await?;
    Ok(body.filter(Value::is_object).map_or(Held::Nothing, Held::Data))
}

/// The slot of the newest version whose data says what the record is; a delete's need not.
fn newest<'i>(items: impl Iterator<Item = &'i Item>) -> Option<&'i rtr_core::item::Slot> {
    items
        .filter_map(|item| item.slot.as_ref())
        .filter(|slot| !slot.deleted)
        .max_by_key(|slot| slot.wanted_version)
}
