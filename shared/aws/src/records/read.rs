//! Reads items strongly, a hundred keys a request.

use super::item::from_row;
use super::names::names;
use super::query::key_of;
use crate::attributes::{Row, s};
use crate::errors::unavailable;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use futures::future::try_join_all;
use rtr_core::item::Item;
use rtr_core::key::PairKey;
use rtr_engine::seams::{Named, Unavailable};
use std::collections::{HashMap, HashSet};
use std::time::Duration;

/// Keys of one request. DynamoDB's limit.
const MAX_KEYS: usize = 100;
/// Pauses before what DynamoDB left over is asked for again, in milliseconds.
const PAUSES_MS: [u64; 5] = [20, 50, 100, 200, 400];

/// The items under `keys` that exist.
pub(super) async fn read(
    client: &Client,
    table: &str,
    keys: &[PairKey],
) -> Result<HashMap<PairKey, Item>, Unavailable> {
    rows(client, table, keys).await?.iter().map(decode).collect()
}

/// The same with the names behind their keys.
pub(super) async fn read_named(
    client: &Client,
    table: &str,
    keys: &[PairKey],
) -> Result<Vec<Named>, Unavailable> {
    let named = |row: &Row| {
        let (key, item) = decode(row)?;
        Ok(Named { names: names(&key, row), key, item })
    };
    rows(client, table, keys).await?.iter().map(named).collect()
}

/// The same as rows.
pub(super) async fn rows(client: &Client, table: &str, keys: &[PairKey]) -> Result<Vec<Row>, Unavailable> {
    // A key that stands twice in a request is an error of DynamoDB's.
    let distinct: Vec<&PairKey> = keys.iter().collect::<HashSet<_>>().into_iter().collect();
    let found = try_join_all(distinct.chunks(MAX_KEYS).map(|keys| chunk(client, table, keys))).await?;
    Ok(found.into_iter().flatten().collect())
}

async fn chunk(client: &Client, table: &str, keys: &[&PairKey]) -> Result<Vec<Row>, Unavailable> {
    let mut left: Vec<Row> = keys.iter().map(|key| row_key(key)).collect();
    let mut found = Vec::with_capacity(left.len());
    let mut pauses = PAUSES_MS.iter();
    while !left.is_empty() {
        let wanted = KeysAndAttributes::builder().set_keys(Some(left)).consistent_read(true).build();
        let wanted = wanted.map_err(|error| Unavailable(error.to_string()))?;
        let answer = client.batch_get_item().request_items(table, wanted).send().await;
        let mut answer = answer.map_err(|error| unavailable("BatchGetItem", &error))?;
        found.extend(answer.responses.as_mut().and_then(|tables| tables.remove(table)).unwrap_or_default());
        let unprocessed = answer.unprocessed_keys.as_mut().and_then(|tables| tables.remove(table));
        left = unprocessed.map(|keys| keys.keys).unwrap_or_default();
        if !left.is_empty() {
            let too_many =
                || Unavailable(format!("BatchGetItem: {} keys were left over again and again", left.len()));
            let pause = pauses.next().ok_or_else(too_many)?;
            tokio::time::sleep(Duration::from_millis(*pause)).await;
        }
    }
    Ok(found)
}

fn decode(row: &Row) -> Result<(PairKey, Item), Unavailable> {
    let key = key_of(row);
    match from_row(row) {
        Ok(item) => Ok((key, item)),
        Err(error) => Err(Unavailable(format!("the item {} {}: {error}", key.pk, key.sk))),
    }
}

/// A key as DynamoDB takes it.
pub(super) fn row_key(key: &PairKey) -> HashMap<String, AttributeValue> {
    HashMap::from([("pk".to_owned(), s(&key.pk)), ("sk".to_owned(), s(&key.sk))])
}
