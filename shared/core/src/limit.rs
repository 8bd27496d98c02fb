//! Token buckets: how many calls may go, decided over values.
//!
//! A bucket holds one level per rule (so many requests per so much time, with a burst). Taking is all or part: a lease
//! grants what every level can give. Levels are thousandths of a token, so that refilling is exact in integers.

use crate::key::{ConnectionKey, join};
use crate::time::Instant;
use serde::{Deserialize, Serialize};

/// How long a lease's tokens may be used, in milliseconds; unused ones are lost after that, never kept for ever.
pub const LEASE_MS: i64 = 2_000;
/// How long the limiter may take to answer before the call goes through under the local backstop, in milliseconds.
pub const LIMITER_BUDGET_MS: i64 = 50;
/// A limiter that did not answer is not asked again for so long, in milliseconds: its outage costs one budget in this time.
pub const LIMITER_REST_MS: i64 = 5_000;
/// The local backstop's share of the limit: one tenth, at least one call a second.
pub const BACKSTOP_DIVISOR: u64 = 10;

/// The name of the bucket that every call of `connection` draws from, whatever else it draws from. Its row keeps the
/// connection's breaker too, which every lease thus tells of.
#[must_use]
pub fn general_bucket(connection: &ConnectionKey) -> String {
    join(&[&connection.org_id, &connection.connection, "*"])
}

/// One rule of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Requests allowed …
    pub requests: u64,
    /// … per so many milliseconds.
    pub per_ms: i64,
    /// The most that may be taken at once after a rest.
    pub burst: u64,
}

/// One rule's level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Level {
    /// Thousandths of a token left.
    pub left_milli: i64,
    /// As of when.
    pub at: Instant,
}

/// A bucket's state, one per connection and api.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    /// One level per rule, in the rules' order; a rule without a level is full.
    pub levels: Vec<Level>,
    /// No call before this: the CRM said so.
    pub blocked_until: Option<Instant>,
}

/// What a bucket gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// Tokens granted; 0 when it must wait.
    pub granted: u64,
    /// The bucket afterwards.
    pub bucket: Bucket,
    /// When at least one token will be there, if none was granted.
    pub retry_at: Option<Instant>,
}

/// Takes up to `want` tokens, at least one or none.
#[must_use]
pub fn take(bucket: &Bucket, rules: &[Rule], want: u64, now: Instant) -> Taken {
    if let Some(until) = bucket.blocked_until.filter(|until| *until > now) {
        return Taken { granted: 0, bucket: bucket.clone(), retry_at: Some(until) };
    }
    let mut levels: Vec<Level> =
        rules.iter().enumerate().map(|(i, rule)| refill(bucket.levels.get(i).copied(), rule, now)).collect();
    let granted = levels
        .iter()
        .map(|level| level.left_milli / 1_000)
        .min()
        .map_or(want, |least| want.min(u64::try_from(least).unwrap_or(0)));
    let retry_at = (granted == 0 && want > 0)
        .then(|| levels.iter().zip(rules).map(|(level, rule)| ready_at(*level, rule)).max().unwrap_or(now));
    let spent = i64::try_from(granted).unwrap_or(i64::MAX).saturating_mul(1_000);
    for level in &mut levels {
        level.left_milli -= spent;
    }
    Taken { granted, bucket: Bucket { levels, blocked_until: None }, retry_at }
}

/// The tokens left by each rule, for people: nothing is taken.
#[must_use]
pub fn left(bucket: &Bucket, rules: &[Rule], now: Instant) -> Vec<u64> {
    let level =
        |(at, rule): (usize, &Rule)| refill(bucket.levels.get(at).copied(), rule, now).left_milli / 1_000;
    rules.iter().enumerate().map(level).map(|left| u64::try_from(left).unwrap_or(0)).collect()
}

/// The bucket after the CRM asked for a rest until `until`; a later block stays.
#[must_use]
pub fn block(bucket: &Bucket, until: Instant) -> Bucket {
    let blocked_until = Some(bucket.blocked_until.map_or(until, |earlier| earlier.max(until)));
    Bucket { levels: bucket.levels.clone(), blocked_until }
}

/// How many tokens to lease when `need` calls are at hand: enough for the moment, a twentieth of the tightest burst at
/// most, so that many environments can share a bucket.
#[must_use]
pub fn lease_size(rules: &[Rule], need: u64) -> u64 {
    let share = rules.iter().map(|rule| rule.burst / 20).min().unwrap_or(need);
    need.max(share).max(1)
}

/// The rules of the local backstop: a tenth of each, at least one a second.
#[must_use]
pub fn backstop(rules: &[Rule]) -> Vec<Rule> {
    rules
        .iter()
        .map(|rule| {
            let per_second = u64::try_from(rule.per_ms / 1_000).unwrap_or(1).max(1);
            let requests = (rule.requests / BACKSTOP_DIVISOR).max(per_second).min(rule.requests.max(1));
            let burst = (rule.burst / BACKSTOP_DIVISOR).clamp(1, requests);
            Rule { requests, per_ms: rule.per_ms, burst }
        })
        .collect()
}

fn refill(level: Option<Level>, rule: &Rule, now: Instant) -> Level {
    let full = milli(rule.burst);
    let Some(level) = level else { return Level { left_milli: full, at: now } };
    // A clock that stepped back refills nothing and keeps the later time.
    let elapsed = now.since_ms(level.at).max(0);
    let per_ms = i128::from(rule.per_ms.max(1));
    let gained = i128::from(elapsed) * i128::from(rule.requests) * 1_000 / per_ms;
    let left = (i128::from(level.left_milli) + gained).min(i128::from(full));
    if gained == 0 && level.left_milli < full {
        return level; // keep the fraction: else many small looks would never refill it
    }
    Level { left_milli: i64::try_from(left).unwrap_or(full), at: level.at.max(now) }
}

fn ready_at(level: Level, rule: &Rule) -> Instant {
    let lacking = i128::from((1_000 - level.left_milli).max(0));
    let per_token = i128::from(rule.per_ms.max(1));
    let requests = i128::from(rule.requests.max(1)) * 1_000;
    let wait = (lacking * per_token + requests - 1) / requests;
    level.at.plus_ms(i64::try_from(wait).unwrap_or(i64::MAX))
}

fn milli(tokens: u64) -> i64 {
    i64::try_from(tokens).unwrap_or(i64::MAX / 1_000).saturating_mul(1_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TEN_A_SECOND: Rule = Rule { requests: 10, per_ms: 1_000, burst: 10 };

    #[test]
    fn given_an_empty_bucket_when_taken_then_it_says_when_the_next_token_comes() {
        let emptied = take(&Bucket::default(), &[TEN_A_SECOND], 10, Instant(0));
        assert_eq!((emptied.granted, emptied.retry_at), (10, None));
        let refused = take(&emptied.bucket, &[TEN_A_SECOND], 1, Instant(40));
        assert_eq!((refused.granted, refused.retry_at), (0, Some(Instant(100))));
        assert_eq!(take(&refused.bucket, &[TEN_A_SECOND], 5, Instant(100)).granted, 1);
    }

    #[test]
    fn given_a_bucket_when_looked_at_then_what_has_come_back_counts_and_nothing_is_taken() {
        let day = Rule { requests: 1_000, per_ms: 86_400_000, burst: 1_000 };
        let rules = [TEN_A_SECOND, day];
        assert_eq!(left(&Bucket::default(), &rules, Instant(0)), [10, 1_000]);
        let taken = take(&Bucket::default(), &rules, 8, Instant(0)).bucket;
        assert_eq!(left(&taken, &rules, Instant(0)), [2, 992]);
        assert_eq!(left(&taken, &rules, Instant(300)), [5, 992]);
    }

    #[test]
    fn given_a_blocked_bucket_when_taken_then_nothing_goes_before_the_time() {
        let blocked = block(&block(&Bucket::default(), Instant(900)), Instant(500));
        let refused = take(&blocked, &[TEN_A_SECOND], 1, Instant(899));
        assert_eq!((refused.granted, refused.retry_at), (0, Some(Instant(900))));
        assert_eq!(take(&blocked, &[TEN_A_SECOND], 1, Instant(900)).granted, 1);
    }

    #[test]
    fn given_small_and_large_rules_when_backed_off_then_a_tenth_or_one_a_second_is_left() {
        let day = Rule { requests: 250_000, per_ms: 86_400_000, burst: 250_000 };
        let small = Rule { requests: 5, per_ms: 1_000, burst: 5 };
        assert_eq!(backstop(&[day])[0].requests, 86_400);
        assert_eq!(backstop(&[small])[0], Rule { requests: 1, per_ms: 1_000, burst: 1 });
    }

    proptest! {
        #[test]
        fn given_any_asks_when_taken_then_no_window_exceeds_burst_plus_rate(
            steps in prop::collection::vec((0i64..400, 1u64..8), 1..60),
        ) {
            let (mut bucket, mut now, mut granted) = (Bucket::default(), Instant(0), 0);
            for (pause, want) in steps {
                now = now.plus_ms(pause);
                let taken = take(&bucket, &[TEN_A_SECOND], want, now);
                granted += taken.granted;
                bucket = taken.bucket;
                prop_assert!(granted <= 10 + u64::try_from(now.0).unwrap_or(0) * 10 / 1_000);
            }
        }
    }
}
