//! Bulk lanes: decided by the core over the row as it stands, written on the condition that it still does.

use super::lane_row::{INDEX, Stored, baton, from_row, partitions, to_row};
use super::{DynamoLimits, Kind};
use crate::attributes::{Row, n, s};
use crate::errors::unavailable;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure as OnFailure;
use futures::future::try_join_all;
use rtr_core::key::ConnectionKey;
use rtr_core::lane::Lane;
use rtr_core::time::Instant;
use rtr_engine::seams::{Baton, Unavailable};

/// Tries at a lane that others write at the same time. Who parks finds another's wish soon, which stands for his own.
const MAX_TRIES: usize = 5;

/// Writes what `decide` makes of the lane, and returns it; none when it wants nothing written.
pub(super) async fn change(
    limits: &DynamoLimits,
    connection: &ConnectionKey,
    decide: impl Fn(&Lane, Instant) -> Option<Lane>,
) -> Result<Option<Lane>, Unavailable> {
    let mut read = look(limits, connection).await?;
    for _ in 0..MAX_TRIES {
        let Some(lane) = decide(&read.lane, limits.clock.now()) else { return Ok(None) };
        let new = Stored { rev: read.rev + 1, by: limits.clock.nonce(), lane };
        match write(limits, connection, &new).await? {
            Wrote::Done => return Ok(Some(new.lane)),
            Wrote::Changed(stored) => read = stored,
        }
    }
    Err(Unavailable(format!("the lane of {}: others kept writing it", connection.key())))
}

enum Wrote {
    Done,
    Changed(Stored),
}

async fn write(
    limits: &DynamoLimits,
    connection: &ConnectionKey,
    new: &Stored,
) -> Result<Wrote, Unavailable> {
    let put = limits
        .client
        .put_item()
        .table_name(&limits.table)
        .set_item(Some(to_row(connection, new)))
        .return_values_on_condition_check_failure(OnFailure::AllOld);
    let put = match new.rev - 1 {
        0 => put.condition_expression("attribute_not_exists(rev)"),
        read => put.condition_expression("rev = :read").expression_attribute_values(":read", n(read)),
    };
    let Err(error) = put.send().await else { return Ok(Wrote::Done) };
    let Some(PutItemError::ConditionalCheckFailedException(failed)) = error.as_service_error() else {
        return Err(unavailable("PutItem", &error));
    };
    let stands = decode(connection, failed.item())?;
    // The SDK's own repeat of a write whose answer was lost meets that write.
    Ok(if stands == *new { Wrote::Done } else { Wrote::Changed(stands) })
}

pub(super) async fn look(limits: &DynamoLimits, connection: &ConnectionKey) -> Result<Stored, Unavailable> {
    let key = s(Kind::Lane.key(&connection.key()));
    let asked = limits.client.get_item().table_name(&limits.table).key("pk", key).consistent_read(true);
    let answer = asked.send().await.map_err(|error| unavailable("GetItem", &error))?;
    decode(connection, answer.item.as_ref())
}

fn decode(connection: &ConnectionKey, row: Option<&Row>) -> Result<Stored, Unavailable> {
    let wrong = |error| Unavailable(format!("the lane of {}: {error}", connection.key()));
    Ok(row.map(from_row).transpose().map_err(wrong)?.unwrap_or_default())
}

/// Batons of the lanes that are due by `now`, as the index shows them: an old one is worth nothing.
pub(super) async fn due(
    limits: &DynamoLimits,
    now: Instant,
    limit: usize,
) -> Result<Vec<Baton>, Unavailable> {
    let asked = partitions().map(|partition| due_in(limits, partition, now, limit));
    let mut due = try_join_all(asked).await?.concat();
    due.sort_by_key(|(at, _)| *at);
    Ok(due.into_iter().take(limit).map(|(_, baton)| baton).collect())
}

async fn due_in(
    limits: &DynamoLimits,
    partition: String,
    now: Instant,
    limit: usize,
) -> Result<Vec<(Instant, Baton)>, Unavailable> {
    let (mut found, mut from) = (Vec::new(), None);
    while found.len() < limit {
        let left = i32::try_from(limit - found.len()).unwrap_or(i32::MAX);
        let page = limits
            .client
            .query()
            .table_name(&limits.table)
            .index_name(INDEX)
            .key_condition_expression("lanes_pk = :pk AND lanes_at <= :until")
            .expression_attribute_values(":pk", s(&partition))
            .expression_attribute_values(":until", n(now.0))
            .limit(left)
            .set_exclusive_start_key(from)
            .send()
            .await
            .map_err(|error| unavailable("Query", &error))?;
        // One that cannot be read is no reason not to start the others.
        found.extend(page.items().iter().filter_map(|row| baton(row).ok()));
        from = page.last_evaluated_key;
        if from.is_none() {
            break;
        }
    }
    Ok(found)
}
