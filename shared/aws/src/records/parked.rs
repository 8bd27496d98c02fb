//! What is parked at a connection, as the sparse index shows it: for its lane, and for people, who list and count it together
//! with what waits there for another record. Nothing is read strongly here: whoever works what is shown reads it first.

use super::index::{backfill_stem, parked_stem, waits_stem};
use super::query::{Question, count, key_of, query, share};
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
    of_stem(client, table, parked_stem(&connection.key()), false, limit).await
}

/// What backfills brought of what is parked at `connection`, in the same way.
pub(super) async fn backfilled(
    client: &Client,
    table: &str,
    connection: &ConnectionKey,
    limit: usize,
) -> Result<Vec<Parked>, Unavailable> {
    of_stem(client, table, &backfill_stem(&connection.key()), false, limit).await
}

/// Versions that wait at `connection` for another record, those whose wait ends first foremost.
pub(super) async fn waits(
    client: &Client,
    table: &str,
    connection: &ConnectionKey,
    limit: usize,
) -> Result<Vec<Parked>, Unavailable> {
    of_stem(client, table, &waits_stem(&connection.key()), false, limit).await
}

/// How many are parked at `connection` by `until`, of either kind if so wanted: counted up to `most` or a little more.
pub(super) async fn count_parked(
    client: &Client,
    table: &str,
    connection: &ConnectionKey,
    wanted: Counted,
) -> Result<Count, Unavailable> {
    let key = connection.key();
    let mut stems = vec![parked_stem(&key).to_owned(), backfill_stem(&key)];
    stems.extend(wanted.with_waits.then(|| waits_stem(&key)));
    let limit = share(wanted.most);
    let question =
        |partition| Question { index: "parked", partition, until: wanted.until, backwards: false, limit };
    let questions: Vec<Question> =
        stems.iter().flat_map(|stem| index_partitions(stem).collect::<Vec<_>>()).map(question).collect();
    let counts = try_join_all(questions.iter().map(|question| count(client, table, question))).await?;
    let at_least = counts.iter().any(|count| *count >= limit as u64);
    Ok(Count { number: counts.iter().sum(), at_least })
}

/// What is to be counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// Only what may go by then.
    pub until: Option<Instant>,
    /// Also what waits for another record.
    pub with_waits: bool,
    /// Where to stop: each partition counts its share of it.
    pub most: usize,
}

/// How many there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// So many.
    pub number: u64,
    /// Or more: somewhere it was enough to stop counting.
    pub at_least: bool,
}

/// What one stem shows: what goes first foremost, or with `backwards` what goes last.
pub(super) async fn of_stem(
    client: &Client,
    table: &str,
    stem: &str,
    backwards: bool,
    limit: usize,
) -> Result<Vec<Parked>, Unavailable> {
    let limit_each = share(limit);
    let question =
        |partition| Question { index: "parked", partition, until: None, backwards, limit: limit_each };
    let questions: Vec<Question> = index_partitions(stem).map(question).collect();
    let asked = questions.iter().map(|question| query(client, table, question, ", parked_at"));
    let mut found = Vec::new();
    for row in try_join_all(asked).await?.into_iter().flatten() {
        let at = number(&row, "parked_at").map_err(|error| Unavailable(error.to_string()))?;
        found.push(Parked { key: key_of(&row), not_before: Instant(at.unwrap_or(0)) });
    }
    found.sort_by(|one, other| (one.not_before, &one.key).cmp(&(other.not_before, &other.key)));
    if backwards {
        found.reverse();
    }
    found.truncate(limit);
    Ok(found)
}
