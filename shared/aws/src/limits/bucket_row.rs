//! A bucket as a row and back.

use crate::attributes::{Row, Unreadable, map, n, number, required, s, text};
use aws_sdk_dynamodb::types::AttributeValue;
use rtr_core::limit::{Bucket, Level, Pace, Place, Rule};
use rtr_core::time::Instant;
use rtr_engine::leases::Stored;
use std::collections::HashMap;
use std::str::FromStr;

/// A row nobody touches is kept for this long beyond the time it takes to refill, in milliseconds: a day.
const KEEP_MS: i64 = 86_400_000;
/// Longer than any window that a CRM counts by, in milliseconds: a year and a month. The next lease shortens it.
const LONGEST_MS: i64 = 396 * 86_400_000;

pub(super) fn from_row(row: &Row) -> Result<Stored, Unreadable> {
    let pace = match map(row, "pace")? {
        Some(pace) => Pace {
            permille: required(number(pace, "permille")?, "permille")?,
            since: Instant(required(number(pace, "since")?, "since")?),
            cut_at: number(pace, "cut_at")?.map(Instant),
            // An earlier version of the code knows nothing of it, and leaves it out.
            refused: number(pace, "refused")?.unwrap_or(Pace::default().refused),
            granted: number(pace, "granted")?.unwrap_or(0),
        },
        None => Pace::default(),
    };
    let bucket = Bucket {
        levels: levels(row, "levels")?,
        even: levels(row, "even")?,
        share: levels(row, "backfill")?,
        blocked_until: number(row, "blocked_until")?.map(Instant),
        refused_at: number(row, "refused_at")?.map(Instant),
        pace,
        leases: instants(row, "leases")?,
        out: Vec::new(),
        answered_at: None,
    };
    let bucket = with_places(bucket, &numbers(text(row, "places")?.unwrap_or_default(), "places")?);
    let unreadable = |_| Unreadable { name: "breaker", wanted: "the JSON of a breaker" };
    let breaker = text(row, "breaker")?.map(serde_json::from_str).transpose().map_err(unreadable)?;
    Ok(Stored {
        rev: number(row, "rev")?.unwrap_or(0),
        bucket,
        breaker_rev: number(row, "breaker_rev")?.unwrap_or(0),
        breaker: breaker.unwrap_or_default(),
    })
}

/// The values of a lease's write, by their names in it. What is counted is written as text: a list would be four times as
/// long, and a row beyond a kilobyte costs two writes.
pub(super) fn written(bucket: &Bucket) -> Vec<(&'static str, AttributeValue)> {
    let Pace { permille, since, cut_at, refused, granted } = bucket.pace;
    let numbers =
        [("permille", n(permille)), ("since", n(since.0)), ("refused", n(refused)), ("granted", n(granted))];
    let mut pace: HashMap<String, AttributeValue> =
        numbers.map(|(name, value)| (name.to_owned(), value)).into();
    pace.extend(cut_at.map(|at| ("cut_at".to_owned(), n(at.0))));
    vec![
        (":levels", list(&bucket.levels)),
        (":even", list(&bucket.even)),
        (":backfill", list(&bucket.share)),
        (":pace", AttributeValue::M(pace)),
        (":leases", s(joined(bucket.leases.iter().map(|at| at.0)))),
        (":places", s(joined(places(bucket).into_iter()))),
    ]
}

fn list(levels: &[Level]) -> AttributeValue {
    let level = |level: &Level| {
        let mut fields =
            HashMap::from([("left_milli".to_owned(), n(level.left_milli)), ("at".to_owned(), n(level.at.0))]);
        if !level.recent.is_empty() {
            fields.insert("first_slot".to_owned(), n(level.first_slot));
            fields.insert("recent".to_owned(), s(joined(level.recent.iter())));
        }
        AttributeValue::M(fields)
    };
    AttributeValue::L(levels.iter().map(level).collect())
}

/// When the last call began that was answered, or 0; when the first place was taken; and of each place, how long after that
/// it was taken, and how long after it was its last call may begin; one less than nothing, and as much below, where a call lasts.
fn places(bucket: &Bucket) -> Vec<i64> {
    let Some(Place { at: first, .. }) = bucket.out.first().copied() else {
        return bucket.answered_at.map(|at| at.0).into_iter().collect();
    };
    let each = bucket.out.iter().flat_map(|place| {
        let life = place.last.since_ms(place.at).max(0);
        [place.at.since_ms(first), if place.lasts { -1 - life } else { life }]
    });
    [bucket.answered_at.map_or(0, |at| at.0), first.0].into_iter().chain(each).collect()
}

fn with_places(bucket: Bucket, numbers: &[i64]) -> Bucket {
    let answered_at = numbers.first().filter(|at| **at != 0).map(|at| Instant(*at));
    let each = numbers.get(2..).unwrap_or_default().chunks_exact(2);
    let first = Instant(numbers.get(1).copied().unwrap_or_default());
    let out = each.filter_map(|pair| {
        let at = first.plus_ms(*pair.first()?);
        let life = *pair.get(1)?;
        let (life, lasts) = if life < 0 { (-1 - life, true) } else { (life, false) };
        Some(Place { at, last: at.plus_ms(life), lasts })
    });
    Bucket { out: out.collect(), answered_at, ..bucket }
}

fn joined<T: ToString>(numbers: impl Iterator<Item = T>) -> String {
    numbers.map(|number| number.to_string()).collect::<Vec<_>>().join(",")
}

fn numbers<T: FromStr>(text: &str, name: &'static str) -> Result<Vec<T>, Unreadable> {
    let wrong = |_| Unreadable { name, wanted: "numbers" };
    text.split(',').filter(|part| !part.is_empty()).map(|part| part.parse().map_err(wrong)).collect()
}

fn instants(row: &Row, name: &'static str) -> Result<Vec<Instant>, Unreadable> {
    Ok(numbers(text(row, name)?.unwrap_or_default(), name)?.into_iter().map(Instant).collect())
}

fn levels(row: &Row, name: &'static str) -> Result<Vec<Level>, Unreadable> {
    let levels = row.get(name).and_then(|value| value.as_l().ok());
    levels.into_iter().flatten().map(level).collect()
}

fn level(value: &AttributeValue) -> Result<Level, Unreadable> {
    let row = value.as_m().map_err(|_| Unreadable { name: "levels", wanted: "a list of maps" })?;
    let left_milli = required(number(row, "left_milli")?, "left_milli")?;
    Ok(Level {
        left_milli,
        at: Instant(required(number(row, "at")?, "at")?),
        first_slot: number(row, "first_slot")?.unwrap_or(0),
        recent: numbers(text(row, "recent")?.unwrap_or_default(), "recent")?,
    })
}

/// When the row may be forgotten: an absent bucket is a full one, so not before each rule has refilled.
pub(super) fn forget_at(rules: &[Rule], now: Instant) -> Instant {
    let longest = rules.iter().map(refill_ms).max().unwrap_or(0);
    now.plus_ms(longest).plus_ms(KEEP_MS)
}

fn refill_ms(rule: &Rule) -> i64 {
    let ms = i128::from(rule.per_ms) * i128::from(rule.burst) / i128::from(rule.requests.max(1));
    // What it remembers of its window may last longer than its refill: twice the window is beyond that.
    i64::try_from(ms).unwrap_or(i64::MAX).max(rule.per_ms.saturating_mul(2))
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
    use rtr_core::breaker::Breaker;

    #[test]
    fn given_a_bucket_when_stored_and_read_then_it_is_the_same() {
        let level = |left_milli, recent| Level { left_milli, at: Instant(9), first_slot: 0, recent };
        let counted = Level { first_slot: 71_800_000_000, ..level(7, vec![12, 0, 3]) };
        let bucket = Bucket {
            levels: vec![level(-5, Vec::new()), counted.clone()],
            even: vec![level(0, Vec::new())],
            share: vec![counted],
            blocked_until: Some(Instant(77)),
            refused_at: Some(Instant(70)),
            pace: Pace {
                permille: 490,
                since: Instant(60),
                cut_at: Some(Instant(50)),
                refused: 700,
                granted: 7,
            },
            leases: vec![Instant(8), Instant(9)],
            out: vec![
                Place { at: Instant(9), last: Instant(9), lasts: false },
                Place { at: Instant(8), last: Instant(1_900), lasts: false },
                Place { at: Instant(10), last: Instant(10), lasts: true },
                Place { at: Instant(10), last: Instant(6_010), lasts: true },
            ],
            answered_at: Some(Instant(7)),
        };
        let named = written(&bucket).into_iter();
        let mut row: Row =
            named.map(|(name, value)| (name.trim_start_matches(':').to_owned(), value)).collect();
        row.extend(
            [("rev", n(3)), ("blocked_until", n(77)), ("refused_at", n(70))].map(|(k, v)| (k.to_owned(), v)),
        );
        row.extend([("breaker".to_owned(), s("{\"failures\": 2}")), ("breaker_rev".to_owned(), n(9))]);
        for bucket in [
            Bucket { out: Vec::new(), ..bucket.clone() },
            Bucket { answered_at: None, ..bucket.clone() },
            Bucket { out: Vec::new(), answered_at: None, ..bucket.clone() },
        ] {
            assert_eq!(with_places(bucket.clone(), &places(&bucket)), bucket);
        }
        let breaker = Breaker { failures: 2, ..Breaker::default() };
        assert_eq!(from_row(&row).unwrap(), Stored { rev: 3, bucket, breaker_rev: 9, breaker });
        assert_eq!(from_row(&HashMap::new()).unwrap(), Stored::default());
    }

    #[test]
    fn given_a_row_of_before_windows_were_counted_when_read_then_what_is_left_is_kept() {
        let level =
            AttributeValue::M(HashMap::from([("left_milli".to_owned(), n(5)), ("at".to_owned(), n(9))]));
        let row =
            HashMap::from([("rev".to_owned(), n(3)), ("levels".to_owned(), AttributeValue::L(vec![level]))]);
        let levels = vec![Level { left_milli: 5, at: Instant(9), ..Level::default() }];
        let bucket = Bucket { levels, ..Bucket::default() };
        assert_eq!(from_row(&row).unwrap(), Stored { rev: 3, bucket, ..Stored::default() });
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
