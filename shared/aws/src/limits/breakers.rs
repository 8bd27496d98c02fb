//! The write of a breaker, in the row of its connection's general bucket: so every lease tells of it, and a healthy one costs
//! nothing.

use super::bucket_row::forget_block_at;
use super::buckets::{condition_failed, decode};
use super::{DynamoLimits, Kind, sweep_at};
use crate::attributes::{n, s};
use crate::errors::unavailable;
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure as OnFailure};
use rtr_core::breaker::Breaker;
use rtr_core::time::Instant;
use rtr_engine::leases::Stored;
use rtr_engine::seams::Unavailable;

pub(super) async fn write(
    limits: &DynamoLimits,
    bucket: &str,
    rev: u64,
    after: &Breaker,
    now: Instant,
) -> Result<Result<Stored, Stored>, Unavailable> {
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
        Ok(answer) => Ok(Ok(decode(bucket, answer.attributes.as_ref())?)),
        Err(error) => match condition_failed(&error) {
            Some(row) => Ok(Err(decode(bucket, row)?)),
            None => Err(unavailable("UpdateItem", &error)),
        },
    }
}
