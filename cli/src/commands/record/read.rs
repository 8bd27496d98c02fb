//! The items of one record, each read strongly.

use super::setting::{Setting, absent};
use super::view::{At, Back, Record};
use crate::aws::{Aws, problem, unavailable};
use crate::problem::Problem;
use aws_sdk_dynamodb::types::AttributeValue;
use rtr_aws::records::names;
use rtr_core::config::{Mode, OrgConfig, Pauses};
use rtr_core::item::{Body, Item, Slot};
use rtr_core::key::{ConnectionKey, PairKey, RecordKey};
use rtr_engine::seams::{Records, Seams};
use serde_json::Value;
use std::collections::BTreeMap;

/// The record with every connection at which there is an item.
pub(super) async fn read(
    aws: &Aws,
    seams: &Seams<'_>,
    key: &RecordKey,
    show_data: bool,
) -> Result<Record, Problem> {
    let pairs = pairs(aws, key).await?;
    let keys: Vec<PairKey> = pairs.iter().map(|(_, pair)| pair.clone()).collect();
    let config = seams.configs.org(&key.org_id).await;
    let config = config.map_err(|error| unavailable("reading the configuration", &aws.place, &error))?;
    let mut record =
        Record { key: key.clone(), connections: BTreeMap::new(), absent: Vec::new(), unread: Vec::new() };
    if keys.is_empty() {
        record.absent = absent(&config, &key.record_type, &[]);
        return Ok(record);
    }
    let items = seams.records.read(&keys).await;
    let items = items.map_err(|error| unavailable("reading the record", &aws.place, &error))?;
    let pauses = pauses(aws, &config).await?;
    for (connection, pair) in pairs {
        let Some(item) = items.get(&pair) else { continue };
        let setting = Setting::of(&config, &pauses, &connection, &key.record_type);
        let mut at = At::of(item, &setting);
        at.slot.iter_mut().for_each(|slot| slot.is_letter(&pair));
        at.inbound = back(aws, seams, key, &connection, item).await?;
        if show_data {
            reveal(aws, seams, item, &mut at).await?;
        }
        record.connections.insert(connection, at);
    }
    let known: Vec<&str> = record.connections.keys().map(String::as_str).collect();
    record.absent = absent(&config, &key.record_type, &known);
    Ok(record)
}

/// Whose pauses are in force; read where something is paused at all.
async fn pauses(aws: &Aws, config: &OrgConfig) -> Result<Pauses, Problem> {
    if config.connections.values().all(|connection| connection.mode != Mode::Paused) {
        return Ok(Pauses::default());
    }
    let pauses = Box::pin(aws.config_store()?.pauses(&config.org)).await;
    pauses.map_err(|error| unavailable("reading the pauses", &aws.place, &error))
}

/// What the internal system was told of the CRM's record that `item` is linked to.
async fn back(
    aws: &Aws,
    seams: &Seams<'_>,
    key: &RecordKey,
    connection: &str,
    item: &Item,
) -> Result<Option<Back>, Problem> {
    let (Some(object), Some(external_id)) = (&item.object, &item.external_id) else { return Ok(None) };
    let told = PairKey::inbound(&ConnectionKey::new(&key.org_id, connection), object, external_id);
    let found = seams.records.read(std::slice::from_ref(&told)).await;
    let found = found.map_err(|error| unavailable("reading the way back", &aws.place, &error))?;
    let mut back = found.get(&told).and_then(Back::of);
    back.iter_mut().filter_map(|back| back.slot.as_mut()).for_each(|slot| slot.is_letter(&told));
    Ok(back)
}

/// The connections at which there is an item, with its key.
pub(super) async fn pairs(aws: &Aws, key: &RecordKey) -> Result<Vec<(String, PairKey)>, Problem> {
    let (mut pairs, mut from) = (Vec::new(), None);
    loop {
        let query = aws
            .clients
            .dynamodb
            .query()
            .table_name(aws.stack.output("RECORDS_TABLE_NAME")?)
            .consistent_read(true)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", AttributeValue::S(key.pk()))
            .projection_expression("pk, sk, #connection")
            .expression_attribute_names("#connection", "connection")
            .set_exclusive_start_key(from);
        let page = query.send().await.map_err(|error| problem("Query of the record", &aws.place, &error))?;
        for row in page.items() {
            let text =
                |name: &str| row.get(name).and_then(|value| value.as_s().ok()).cloned().unwrap_or_default();
            let pair = PairKey { pk: text("pk"), sk: text("sk") };
            let connection = names(&pair, row).connection.unwrap_or_else(|| pair.sk.clone());
            pairs.push((connection, pair));
        }
        from = page.last_evaluated_key;
        if from.is_none() {
            return Ok(pairs);
        }
    }
}

/// Adds what is shown on request only.
async fn reveal(aws: &Aws, seams: &Seams<'_>, item: &Item, at: &mut At) -> Result<(), Problem> {
    let (Some(slot), Some(shown)) = (&item.slot, &mut at.slot) else { return Ok(()) };
    shown.crm_message = slot.reason.crm_message.clone();
    shown.data = Some(body_of(aws, seams.records, slot).await?.unwrap_or(Value::Null));
    Ok(())
}

/// The data of a version that is not applied; none when it is not there any more.
pub(super) async fn body_of(aws: &Aws, records: &dyn Records, slot: &Slot) -> Result<Option<Value>, Problem> {
    match &slot.body {
        Body::Inline(data) => Ok(Some(data.clone())),
        Body::Stored(key) => {
            let body = records.body(key).await;
            let body = body.map_err(|error| unavailable("reading the stored body", &aws.place, &error))?;
            Ok(body.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
        }
    }
}
