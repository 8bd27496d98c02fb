//! Slots to wake, found in the sparse indexes and read strongly before anyone is told of them.

use super::index::{DUE, waiting_partition};
use super::item::from_row;
use super::names::names;
use super::read::rows;
use crate::attributes::{Row, n, s, text};
use crate::errors::unavailable;
use aws_sdk_dynamodb::Client;
use futures::future::try_join_all;
use rtr_core::key::{ConnectionKey, PairKey, RecordKey, SHARDS, index_partitions};
use rtr_core::slot::Slot;
use rtr_core::time::Instant;
use rtr_engine::seams::{Names, Sleeper, Unavailable};

/// Versions that wait for `record` at `connection`.
pub(super) async fn waiting_for(
    client: &Client,
    table: &str,
    connection: &ConnectionKey,
    record: &RecordKey,
    limit: usize,
) -> Result<Vec<Sleeper>, Unavailable> {
    let partition = waiting_partition(&connection.key(), &record.record_type, &record.record_id);
    let keys = query(client, table, &Question { index: "waiting", partition, until: None, limit }).await?;
    sleepers(client, table, &keys, |slot| {
        slot.waits_for(&record.record_type, &record.record_id).then_some(slot.since)
    })
    .await
}

/// Versions that are due by `now`.
pub(super) async fn due(
    client: &Client,
    table: &str,
    now: Instant,
    limit: usize,
) -> Result<Vec<Sleeper>, Unavailable> {
    // Each partition has its share, so that none stands before the others.
    let limit = limit.div_ceil(usize::try_from(SHARDS).unwrap_or(1));
    let question = |partition| Question { index: "due", partition, until: Some(now), limit };
    let questions: Vec<Question> = index_partitions(DUE).map(question).collect();
    let found = try_join_all(questions.iter().map(|question| query(client, table, question))).await?;
    let keys: Vec<PairKey> = found.into_iter().flatten().collect();
    let mut due = sleepers(client, table, &keys, |slot| slot.due_at().filter(|at| *at <= now)).await?;
    due.sort_by_key(|one| one.due_at);
    Ok(due)
}

/// What is asked of an index: a partition, of it what is due by a time, and how much at most.
struct Question {
    index: &'static str,
    partition: String,
    until: Option<Instant>,
    limit: usize,
}

async fn query(client: &Client, table: &str, question: &Question) -> Result<Vec<PairKey>, Unavailable> {
    let Question { index, partition, until, limit } = question;
    let (mut keys, mut from) = (Vec::new(), None);
    loop {
        let condition = if until.is_some() { "#pk = :pk AND #at <= :until" } else { "#pk = :pk" };
        let mut asked = client
            .query()
            .table_name(table)
            .index_name(*index)
            .key_condition_expression(condition)
            .expression_attribute_names("#pk", format!("{index}_pk"))
            .expression_attribute_values(":pk", s(partition))
            .projection_expression("pk, sk")
            .set_exclusive_start_key(from);
        if let Some(until) = until {
            asked = asked
                .expression_attribute_names("#at", format!("{index}_at"))
                .expression_attribute_values(":until", n(until.0));
        }
        let page = asked.send().await.map_err(|error| unavailable("Query", &error))?;
        keys.extend(page.items().iter().map(key_of));
        from = page.last_evaluated_key;
        if from.is_none() || keys.len() >= *limit {
            keys.truncate(*limit);
            return Ok(keys);
        }
    }
}

fn key_of(row: &Row) -> PairKey {
    let part = |name| text(row, name).ok().flatten().unwrap_or_default().to_owned();
    PairKey { pk: part("pk"), sk: part("sk") }
}

/// The index may lag behind: what it names is read, and counts if `when` still says so.
async fn sleepers(
    client: &Client,
    table: &str,
    keys: &[PairKey],
    when: impl Fn(&Slot) -> Option<Instant>,
) -> Result<Vec<Sleeper>, Unavailable> {
    let mut found = Vec::with_capacity(keys.len());
    for row in rows(client, table, keys).await? {
        // One that cannot be read is no reason not to wake the others.
        let Ok(item) = from_row(&row) else { continue };
        let Some((slot, due_at)) = item.slot.as_ref().and_then(|slot| Some((slot, when(slot)?))) else {
            continue;
        };
        let Names {
            org_id: Some(org),
            connection: Some(connection),
            record_type: Some(kind),
            record_id: Some(id),
        } = names(&key_of(&row), &row)
        else {
            continue;
        };
        let record = RecordKey::new(org, kind, id);
        found.push(Sleeper { record, connection, version: slot.wanted_version, due_at });
    }
    Ok(found)
}
