//! Breakers, in the row of their connection's general bucket: so every lease tells of them, and a healthy one costs nothing.
//!
//! A breaker has a revision of its own, so that changing it does not lose against leases; raising the row's besides makes
//! every lease by an older look fail, and learn of it.

use super::bucket_row::forget_block_at;
use super::buckets::{condition_failed, decode};
use super::{DynamoLimits, Kind, sweep_at};
use crate::attributes::{n, s};
use crate::errors::unavailable;
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure as OnFailure};
use rtr_core::breaker::{Breaker, Change};
use rtr_core::key::ConnectionKey;
use rtr_core::limit::general_bucket;
use rtr_core::time::Instant;
use rtr_engine::leases::{Rows as _, Stored};
use rtr_engine::seams::Unavailable;

/// Tries at a breaker that others write at the same time.
const MAX_TRIES: usize = 5;

pub(super) async fn read(limits: &DynamoLimits, connection: &ConnectionKey) -> Result<Breaker, Unavailable> {
    let bucket = general_bucket(connection);
    let stored = limits.look(&bucket).await?;
    limits.seen.put(&bucket, stored.clone(), limits.clock.now());
    Ok(stored.breaker)
}

pub(super) async fn change(
    limits: &DynamoLimits,
    connection: &ConnectionKey,
    change: &Change,
) -> Result<Breaker, Unavailable> {
    let bucket = general_bucket(connection);
    let (mut stored, mut surely) = match limits.seen.last(&bucket) {
        Some(stored) => (stored, false),
        None => (limits.look(&bucket).await?, true),
    };
    for _ in 0..MAX_TRIES {
        let now = limits.clock.now();
        let Some(after) = stored.breaker.after(change, now) else {
            // By an older look there is nothing to do: that is no answer.
            if surely {
                return Ok(stored.breaker);
            }
            (stored, surely) = (limits.look(&bucket).await?, true);
            limits.seen.put(&bucket, stored.clone(), now);
            continue;
        };
        match write(limits, &bucket, stored.breaker_rev, &after, now).await? {
            Written::Done(stored) => {
                limits.seen.put(&bucket, stored, now);
                return Ok(after);
            }
            Written::Changed(other) => {
                (stored, surely) = (other, true);
                limits.seen.put(&bucket, stored.clone(), now);
            }
        }
    }
    Err(Unavailable(format!("the breaker of {} kept changing", connection.key())))
}

enum Written {
    Done(Stored),
    Changed(Stored),
}

async fn write(
    limits: &DynamoLimits,
    bucket: &str,
    rev: u64,
    after: &Breaker,
    now: Instant,
) -> Result<Written, Unavailable> {
    let text = serde_json::to_string(after)
        .map_err(|error| Unavailable(format!("a breaker cannot be written: {error}")))?;
    let update = limits
        .client
        .update_item()
        .table_name(&limits.table)
        .key("pk", s(Kind::Bucket.key(bucket)))
        .update_expression(
            "SET breaker = :breaker, breaker_rev = :next, expires_at = if_not_exists(expires_at, :sweep) ADD rev :one",
        )
        .expression_attribute_values(":breaker", s(text))
        .expression_attribute_values(":next", n(rev + 1))
        .expression_attribute_values(":sweep", n(sweep_at(forget_block_at(now))))
        .expression_attribute_values(":one", n(1))
        .return_values(ReturnValue::AllNew)
        .return_values_on_condition_check_failure(OnFailure::AllOld);
    let update = if rev == 0 {
        update.condition_expression("attribute_not_exists(breaker_rev)")
    } else {
        update.condition_expression("breaker_rev = :read").expression_attribute_values(":read", n(rev))
    };
    match update.send().await {
        Ok(answer) => Ok(Written::Done(decode(bucket, answer.attributes.as_ref())?)),
        Err(error) => match condition_failed(&error) {
            Some(row) => Ok(Written::Changed(decode(bucket, row)?)),
            None => Err(unavailable("UpdateItem", &error)),
        },
    }
}
