//! Locks: one holder until a time. A lock without an end would be a lock for ever.

use super::bucket_row::forget_hold_at;
use super::{DynamoLimits, Kind, sweep_at};
use crate::attributes::{n, s};
use crate::errors::unavailable;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use rtr_engine::seams::Unavailable;

pub(super) async fn lock(
    limits: &DynamoLimits,
    name: &str,
    holder: &str,
    for_ms: i64,
) -> Result<bool, Unavailable> {
    let now = limits.clock.now();
    let until = now.plus_ms(for_ms);
    let taken = limits
        .client
        .update_item()
        .table_name(&limits.table)
        .key("pk", s(Kind::Lock.key(name)))
        .update_expression("SET holder = :me, held_until = :until, expires_at = :sweep")
        .condition_expression("attribute_not_exists(pk) OR holder = :me OR held_until <= :now")
        .expression_attribute_values(":me", s(holder))
        .expression_attribute_values(":until", n(until.0))
        .expression_attribute_values(":now", n(now.0))
        .expression_attribute_values(":sweep", n(sweep_at(forget_hold_at(until))))
        .send()
        .await;
    match taken {
        Ok(_) => Ok(true),
        Err(error)
            if error
                .as_service_error()
                .is_some_and(UpdateItemError::is_conditional_check_failed_exception) =>
        {
            Ok(false)
        }
        Err(error) => Err(unavailable("UpdateItem", &error)),
    }
}

pub(super) async fn unlock(limits: &DynamoLimits, name: &str, holder: &str) -> Result<(), Unavailable> {
    let given_back = limits
        .client
        .delete_item()
        .table_name(&limits.table)
        .key("pk", s(Kind::Lock.key(name)))
        .condition_expression("holder = :me")
        .expression_attribute_values(":me", s(holder))
        .send()
        .await;
    match given_back {
        Ok(_) => Ok(()),
        // Another holds it, or nobody does: there is nothing of ours to give back.
        Err(error)
            if error
                .as_service_error()
                .is_some_and(DeleteItemError::is_conditional_check_failed_exception) =>
        {
            Ok(())
        }
        Err(error) => Err(unavailable("DeleteItem", &error)),
    }
}
