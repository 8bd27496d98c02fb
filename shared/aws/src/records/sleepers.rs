//! Slots to wake, found in the sparse indexes and read strongly before anyone is told of them.

use super::index::{DUE, waiting_partition};
use super::item::from_row;
use super::names::names;
use super::query::{Question, key_of, query, share};
use super::read::rows;
use crate::attributes::Row;
use aws_sdk_dynamodb::Client;
use futures::future::try_join_all;
use rtr_core::key::{ConnectionKey, PairKey, RecordKey, Whose, index_partitions};
use rtr_core::slot::{Slot, SlotState};
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
    let question = Question { index: "waiting", partition, until: None, backwards: false, limit };
    let keys = keys(&query(client, table, &question, "").await?);
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
    let question = |partition| Question {
        index: "due",
        partition,
        until: Some(now),
        backwards: false,
        limit: share(limit),
    };
    let questions: Vec<Question> = index_partitions(DUE).map(question).collect();
    let found = try_join_all(questions.iter().map(|question| query(client, table, question, ""))).await?;
    let keys = keys(&found.concat());
    let mut due = sleepers(client, table, &keys, |slot| slot.due_at().filter(|at| *at <= now)).await?;
    due.sort_by_key(|one| one.due_at);
    Ok(due)
}

/// What waits for another record and goes without it by `by`; about `limit` looked at. A wait is looked at before it ends, so
/// that nothing else has to be asked than what is due.
pub(super) async fn waits_ending(
    client: &Client,
    table: &str,
    by: Instant,
    limit: usize,
) -> Result<Vec<Sleeper>, Unavailable> {
    let question = |partition| Question {
        index: "due",
        partition,
        until: Some(by),
        backwards: false,
        limit: share(limit),
    };
    let questions: Vec<Question> = index_partitions(DUE).map(question).collect();
    let found = try_join_all(questions.iter().map(|question| query(client, table, question, ""))).await?;
    let ends =
        |slot: &Slot| (slot.state == SlotState::Waiting && slot.not_before <= by).then_some(slot.not_before);
    let mut ending = sleepers(client, table, &keys(&found.concat()), ends).await?;
    // A poll is never over.
    ending.retain(|one| one.whose != Whose::Feed);
    Ok(ending)
}

fn keys(rows: &[Row]) -> Vec<PairKey> {
    rows.iter().map(key_of).collect()
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
        let whose = key_of(&row).whose();
        found.push(Sleeper { record, connection, version: slot.wanted_version, due_at, whose });
    }
    Ok(found)
}
