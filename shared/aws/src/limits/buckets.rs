//! Taking tokens: decided by the core over the state last seen here, written on the condition that it is still so.
//!
//! So a lease costs one write while one environment is at work, and one more for each that came in between. What was
//! seen empty a moment ago is not asked again.

use super::bucket_row::{Stored, forget_at, forget_block_at, from_row, levels};
use super::{DynamoLimits, Kind, sweep_at};
use crate::attributes::{Row, n, s};
use crate::errors::unavailable;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure as OnFailure};
use rtr_core::limit::{Bucket, Rule, take};
use rtr_core::time::Instant;
use rtr_engine::seams::{Lease, Unavailable};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Tries at a bucket that others write at the same time.
const MAX_TRIES: usize = 3;
/// What was seen is good enough to say no for this long, in milliseconds.
const FRESH_MS: i64 = 1_000;
/// Buckets remembered per environment; a connection has one or two.
const MAX_SEEN: usize = 1_000;
/// The longest wait after losing every try, in milliseconds; the shortest is a quarter of it.
const CONTENDED_MS: f64 = 100.0;

/// The state of buckets as last seen, and when.
#[derive(Debug, Default)]
pub(super) struct Seen {
    by_bucket: Mutex<HashMap<String, (Stored, Instant)>>,
}

impl Seen {
    fn get(&self, bucket: &str) -> Option<(Stored, Instant)> {
        self.lock().get(bucket).cloned()
    }

    fn put(&self, bucket: &str, stored: Stored, at: Instant) {
        let mut seen = self.lock();
        if seen.len() >= MAX_SEEN && !seen.contains_key(bucket) {
            // What is forgotten costs one refused write.
            seen.retain(|_, (_, seen_at)| at.since_ms(*seen_at) < FRESH_MS);
            if seen.len() >= MAX_SEEN {
                seen.clear();
            }
        }
        seen.insert(bucket.to_owned(), (stored, at));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, (Stored, Instant)>> {
        // A poisoned lock only says that a thread died elsewhere; what was seen is checked by every write.
        self.by_bucket.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) async fn lease(
    limits: &DynamoLimits,
    bucket: &str,
    rules: &[Rule],
    want: u64,
) -> Result<Lease, Unavailable> {
    for _ in 0..MAX_TRIES {
        let now = limits.clock.now();
        let known = limits.seen.get(bucket);
        let fresh = known.as_ref().is_some_and(|(_, at)| now.since_ms(*at) < FRESH_MS);
        let stored = known.map(|(stored, _)| stored).unwrap_or_default();
        let taken = take(&stored.bucket, rules, want, now);
        if taken.granted == 0 {
            if fresh || stored.rev == 0 {
                return Ok(Lease { granted: 0, retry_at: taken.retry_at });
            }
            let seen = look(limits, bucket).await?;
            limits.seen.put(bucket, seen, now);
            continue;
        }
        match spend(limits, bucket, stored.rev, &taken.bucket, rules, now).await {
            Spent::Done => {
                let stored = Stored { rev: stored.rev + 1, bucket: taken.bucket };
                limits.seen.put(bucket, stored, now);
                return Ok(Lease { granted: taken.granted, retry_at: taken.retry_at });
            }
            Spent::Changed(stored) => limits.seen.put(bucket, stored, now),
            Spent::Failed(error) => return Err(error),
        }
    }
    // Others got through, so the limiter works: wait a moment, each a different one.
    let pause = CONTENDED_MS * (0.25 + 0.75 * limits.clock.random());
    #[allow(clippy::cast_possible_truncation)] // at most a hundred
    let retry_at = limits.clock.now().plus_ms(pause as i64);
    Ok(Lease { granted: 0, retry_at: Some(retry_at) })
}

enum Spent {
    Done,
    Changed(Stored),
    Failed(Unavailable),
}

async fn spend(
    limits: &DynamoLimits,
    bucket: &str,
    rev: u64,
    after: &Bucket,
    rules: &[Rule],
    now: Instant,
) -> Spent {
    let update = limits
        .client
        .update_item()
        .table_name(&limits.table)
        .key("pk", s(Kind::Bucket.key(bucket)))
        .update_expression("SET levels = :levels, rev = :next, expires_at = :sweep REMOVE blocked_until")
        .expression_attribute_values(":levels", levels(after))
        .expression_attribute_values(":next", n(rev + 1))
        .expression_attribute_values(":sweep", n(sweep_at(forget_at(rules, now))))
        .return_values_on_condition_check_failure(OnFailure::AllOld);
    let update = if rev == 0 {
        update.condition_expression("attribute_not_exists(rev)")
    } else {
        update.condition_expression("rev = :read").expression_attribute_values(":read", n(rev))
    };
    let Err(error) = update.send().await else { return Spent::Done };
    match condition_failed(&error) {
        None => Spent::Failed(unavailable("UpdateItem", &error)),
        Some(row) => decode(bucket, row).map_or_else(Spent::Failed, Spent::Changed),
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
        .update_expression("SET blocked_until = :until, expires_at = :sweep ADD rev :one")
        .condition_expression("attribute_not_exists(blocked_until) OR blocked_until < :until")
        .expression_attribute_values(":until", n(until.0))
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

pub(super) async fn look(limits: &DynamoLimits, bucket: &str) -> Result<Stored, Unavailable> {
    let key = s(Kind::Bucket.key(bucket));
    let asked = limits.client.get_item().table_name(&limits.table).key("pk", key).consistent_read(true);
    let answer = asked.send().await.map_err(|error| unavailable("GetItem", &error))?;
    decode(bucket, answer.item.as_ref())
}

fn decode(bucket: &str, row: Option<&Row>) -> Result<Stored, Unavailable> {
    let stored = row.map(from_row).transpose();
    Ok(stored.map_err(|error| Unavailable(format!("the bucket {bucket}: {error}")))?.unwrap_or_default())
}

/// The row that failed the condition, if that is what happened; none inside when there is no row.
fn condition_failed<R>(error: &SdkError<UpdateItemError, R>) -> Option<Option<&Row>> {
    match error.as_service_error() {
        Some(UpdateItemError::ConditionalCheckFailedException(failed)) => Some(failed.item()),
        _ => None,
    }
}
