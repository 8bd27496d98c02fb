//! What is parked at a connection, as the sparse index shows it. Nothing is read strongly here: whoever works what is shown
//! reads it first.

use super::index::{backfill_stem, parked_stem};
use super::query::{Question, key_of, query, share};
use crate::attributes::number;
use aws_sdk_dynamodb::Client;
use futures::future::try_join_all;
use rtr_core::key::{ConnectionKey, index_partitions};
use rtr_core::time::Instant;
use rtr_engine::seams::{Parked, Unavailable};

/// Live versions parked at `connection`, of each shard its share of the earliest.
pub(super) async fn parked(
    client: &Client,
    table: &str,
    connection: &ConnectionKey,
    limit: usize,
) -> Result<Vec<Parked>, Unavailable> {
    under(client, table, parked_stem(&connection.key()), limit).await
}

/// What backfills brought of what is parked at `connection`, in the same way.
pub(super) async fn backfilled(
    client: &Client,
    table: &str,
    connection: &ConnectionKey,
    limit: usize,
) -> Result<Vec<Parked>, Unavailable> {
    under(client, table, &backfill_stem(&connection.key()), limit).await
}

async fn under(client: &Client, table: &str, stem: &str, limit: usize) -> Result<Vec<Parked>, Unavailable> {
    let question = |partition| Question { index: "parked", partition, until: None, limit: share(limit) };
    let questions: Vec<Question> = index_partitions(stem).map(question).collect();
    let asked = questions.iter().map(|question| query(client, table, question, ", parked_at"));
    let mut found = Vec::new();
    for row in try_join_all(asked).await?.into_iter().flatten() {
        let at = number(&row, "parked_at").map_err(|error| Unavailable(error.to_string()))?;
        found.push(Parked { key: key_of(&row), not_before: Instant(at.unwrap_or(0)) });
    }
    found.sort_by(|one, other| (one.not_before, &one.key).cmp(&(other.not_before, &other.key)));
    found.truncate(limit);
    Ok(found)
}
