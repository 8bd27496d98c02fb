//! A bucket as a row and back.

use crate::attributes::{Row, Unreadable, n, number, required, text};
use aws_sdk_dynamodb::types::AttributeValue;
use rtr_core::breaker::Breaker;
use rtr_core::limit::{Bucket, Level, Rule};
use rtr_core::time::Instant;
use std::collections::HashMap;

/// A row nobody touches is kept for this long beyond the time it takes to refill, in milliseconds: a day.
const KEEP_MS: i64 = 86_400_000;
/// Longer than any window that a CRM counts by, in milliseconds: a year and a month. The next lease shortens it.
const LONGEST_MS: i64 = 396 * 86_400_000;

/// A bucket as last seen in the table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Stored {
    /// Raised by every write; 0 where there is no row.
    pub(super) rev: u64,
    /// The levels and the block.
    pub(super) bucket: Bucket,
    /// Raised by every write of the breaker; 0 where none was written yet.
    pub(super) breaker_rev: u64,
    /// The connection's breaker, in the row of its general bucket.
    pub(super) breaker: Breaker,
}

pub(super) fn from_row(row: &Row) -> Result<Stored, Unreadable> {
    let levels = row.get("levels").and_then(|value| value.as_l().ok());
    let levels = levels.into_iter().flatten().map(level).collect::<Result<_, _>>()?;
    let blocked_until = number(row, "blocked_until")?.map(Instant);
    let bucket = Bucket { levels, blocked_until };
    let unreadable = |_| Unreadable { name: "breaker", wanted: "the JSON of a breaker" };
    let breaker = text(row, "breaker")?.map(serde_json::from_str).transpose().map_err(unreadable)?;
    Ok(Stored {
        rev: number(row, "rev")?.unwrap_or(0),
        bucket,
        breaker_rev: number(row, "breaker_rev")?.unwrap_or(0),
        breaker: breaker.unwrap_or_default(),
    })
}

pub(super) fn levels(bucket: &Bucket) -> AttributeValue {
    let level = |level: &Level| {
        let fields = [("left_milli".to_owned(), n(level.left_milli)), ("at".to_owned(), n(level.at.0))];
        AttributeValue::M(HashMap::from(fields))
    };
    AttributeValue::L(bucket.levels.iter().map(level).collect())
}

fn level(value: &AttributeValue) -> Result<Level, Unreadable> {
    let row = value.as_m().map_err(|_| Unreadable { name: "levels", wanted: "a list of maps" })?;
    let left_milli = required(number(row, "left_milli")?, "left_milli")?;
    Ok(Level { left_milli, at: Instant(required(number(row, "at")?, "at")?) })
}

/// When the row may be forgotten: an absent bucket is a full one, so not before each rule has refilled.
pub(super) fn forget_at(rules: &[Rule], now: Instant) -> Instant {
    let longest = rules.iter().map(refill_ms).max().unwrap_or(0);
    now.plus_ms(longest).plus_ms(KEEP_MS)
}

fn refill_ms(rule: &Rule) -> i64 {
    let ms = i128::from(rule.per_ms) * i128::from(rule.burst) / i128::from(rule.requests.max(1));
    i64::try_from(ms).unwrap_or(i64::MAX)
}

/// When a row may be forgotten that only says how long to wait.
pub(super) fn forget_hold_at(until: Instant) -> Instant {
    until.plus_ms(KEEP_MS)
}

/// When a bucket that was stopped may be forgotten. Whoever stops it does not know its rules, and it may be empty: not
/// before it has refilled by any of them.
pub(super) fn forget_block_at(until: Instant) -> Instant {
    until.plus_ms(LONGEST_MS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attributes::s;

    #[test]
    fn given_a_bucket_when_stored_and_read_then_it_is_the_same() {
        let bucket = Bucket {
            levels: vec![Level { left_milli: -5, at: Instant(9) }, Level { left_milli: 0, at: Instant(0) }],
            blocked_until: Some(Instant(77)),
        };
        let row = HashMap::from([
            ("rev".to_owned(), n(3)),
            ("levels".to_owned(), levels(&bucket)),
            ("blocked_until".to_owned(), n(77)),
            ("breaker".to_owned(), s("{\"failures\": 2}")),
            ("breaker_rev".to_owned(), n(9)),
        ]);
        let breaker = Breaker { failures: 2, ..Breaker::default() };
        assert_eq!(from_row(&row).unwrap(), Stored { rev: 3, bucket, breaker_rev: 9, breaker });
        assert_eq!(from_row(&HashMap::new()).unwrap(), Stored::default());
    }

    #[test]
    fn given_a_daily_rule_when_kept_then_the_row_outlives_its_refill() {
        let daily = Rule { requests: 100, per_ms: KEEP_MS, burst: 200 };
        assert_eq!(forget_at(&[daily], Instant(5)), Instant(5 + 3 * KEEP_MS));
    }

    #[test]
    fn given_a_monthly_rule_when_its_bucket_is_stopped_then_the_row_is_not_forgotten_before_it_refilled() {
        let monthly = Rule { requests: 100, per_ms: 30 * KEEP_MS, burst: 100 };
        let now = Instant(5);
        assert!(forget_block_at(now.plus_ms(900_000)) >= forget_at(&[monthly], now));
    }
}
