//! The rows of token buckets: read, written on a condition, stopped.

use super::bucket_row::{forget_at, forget_block_at, from_row, written};
use super::{DynamoLimits, Kind, breakers, sweep_at};
use crate::attributes::{Row, n, s};
use crate::errors::unavailable;
use async_trait::async_trait;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure as OnFailure};
use rtr_core::breaker::Breaker;
use rtr_core::limit::{Bucket, Rule};
use rtr_core::time::Instant;
use rtr_engine::leases::{Rows, Stored};
use rtr_engine::seams::Unavailable;

#[async_trait]
impl Rows for DynamoLimits {
    async fn look(&self, bucket: &str) -> Result<Stored, Unavailable> {
        let key = s(Kind::Bucket.key(bucket));
        let asked = self.client.get_item().table_name(&self.table).key("pk", key).consistent_read(true);
        let answer = asked.send().await.map_err(|error| unavailable("GetItem", &error))?;
        decode(bucket, answer.item.as_ref())
    }

    async fn set_breaker(
        &self,
        bucket: &str,
        rev: u64,
        after: &Breaker,
        now: Instant,
    ) -> Result<Result<Stored, Stored>, Unavailable> {
        breakers::write(self, bucket, rev, after, now).await
    }

    async fn spend(
        &self,
        bucket: &str,
        rev: u64,
        after: &Bucket,
        rules: &[Rule],
        now: Instant,
    ) -> Result<Option<Stored>, Unavailable> {
        let mut update = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", s(Kind::Bucket.key(bucket)))
            .update_expression(
                "SET levels = :levels, even = :even, backfill = :backfill, pace = :pace, leases = :leases, places = :places, rev = :next, \
                 expires_at = :sweep REMOVE blocked_until, refused_at",
            )
            .expression_attribute_values(":next", n(rev + 1))
            .expression_attribute_values(":sweep", n(sweep_at(forget_at(rules, now))))
            .return_values_on_condition_check_failure(OnFailure::AllOld);
        for (name, value) in written(after) {
            update = update.expression_attribute_values(name, value);
        }
        let update = if rev == 0 {
            update.condition_expression("attribute_not_exists(rev)")
        } else {
            update.condition_expression("rev = :read").expression_attribute_values(":read", n(rev))
        };
        let Err(error) = update.send().await else { return Ok(None) };
        match condition_failed(&error) {
            None => Err(unavailable("UpdateItem", &error)),
            Some(row) => decode(bucket, row).map(Some),
        }
    }
}

/// Raises the block; one that ends later stays.
pub(super) async fn block(limits: &DynamoLimits, bucket: &str, until: Instant) -> Result<(), Unavailable> {
    let now = limits.clock.now();
    let blocked = limits
        .client
        .update_item()
        .table_name(&limits.table)
        .key("pk", s(Kind::Bucket.key(bucket)))
        .update_expression("SET blocked_until = :until, refused_at = :now, expires_at = :sweep ADD rev :one")
        .condition_expression("attribute_not_exists(blocked_until) OR blocked_until < :until")
        .expression_attribute_values(":until", n(until.0))
        .expression_attribute_values(":now", n(now.0))
        .expression_attribute_values(":sweep", n(sweep_at(forget_block_at(until.max(now)))))
        .expression_attribute_values(":one", n(1))
        .return_values(ReturnValue::AllNew)
        .return_values_on_condition_check_failure(OnFailure::AllOld)
        .send()
        .await;
    let row = match &blocked {
        Ok(answer) => answer.attributes.as_ref(),
        Err(error) => match condition_failed(error) {
            Some(row) => row,
            None => return Err(unavailable("UpdateItem", error)),
        },
    };
    limits.seen.put(bucket, decode(bucket, row)?, now);
    Ok(())
}

pub(super) fn decode(bucket: &str, row: Option<&Row>) -> Result<Stored, Unavailable> {
    let stored = row.map(from_row).transpose();
    Ok(stored.map_err(|error| Unavailable(format!("the bucket {bucket}: {error}")))?.unwrap_or_default())
}

/// The row that failed the condition, if that is what happened; none inside when there is no row.
pub(super) fn condition_failed<R>(error: &SdkError<UpdateItemError, R>) -> Option<Option<&Row>> {
    match error.as_service_error() {
        Some(UpdateItemError::ConditionalCheckFailedException(failed)) => Some(failed.item()),
        _ => None,
    }
}
