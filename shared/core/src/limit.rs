//! Token buckets: how many calls may go, decided over values.
//!
//! A bucket holds one level per rule (so many requests per so much time, with a burst), and beside it one for those who
//! spend evenly and one for the share that backfills may have. Taking is all or part: a lease grants what every level of
//! its way can give. Levels are thousandths of a token, so that refilling is exact in integers.

mod ask;
mod flight;
mod level;
mod pace;
mod size;
#[cfg(test)]
mod tests;

pub use ask::{Ask, Taken, Told, Traffic, Unused, Way};
use flight::fly;
pub use flight::{Flight, LASTS_AGAIN_MS, LONG_CALL_MS, Place, at_work, long_ms};
pub use level::{Level, QUOTA_MS, WRITES_A_SECOND};
pub use pace::Pace;
pub use size::{largest_lease, lease_size};

use crate::key::{ConnectionKey, join};
use crate::time::Instant;
use level::Rate;
use serde::{Deserialize, Serialize};
use size::{noted, size};

const MILLI: i128 = 1_000;

/// How long a lease's last token may be used, in milliseconds; unused ones are lost after that, never kept for ever.
pub const LEASE_MS: i64 = 2_000;
/// Tokens of a lease that had to be waited for are used one after the other, so many milliseconds apart at most: who used them
/// all at once would be heard with those of the lease before and of the one after.
pub const APART_MS: i64 = 250;

/// How long a lease of so many tokens may be used, in milliseconds.
#[must_use]
pub const fn lease_ms(tokens: u64) -> i64 {
    LEASE_MS.saturating_add(APART_MS.saturating_mul(tokens.saturating_sub(1).cast_signed()))
}
/// How long the limiter may take to answer before the call goes through under the local backstop, in milliseconds.
pub const LIMITER_BUDGET_MS: i64 = 50;
/// A limiter that did not answer is not asked again for so long, in milliseconds: its outage costs one budget in this time.
pub const LIMITER_REST_MS: i64 = 5_000;
/// A spent allowance of which the CRM does not tell when it begins anew is looked at again after this, in milliseconds.
pub const QUOTA_REST_MS: i64 = 15 * 60 * 1_000;
/// Tokens are given at most so long ahead, in milliseconds. A level that is further ahead is of a clock that was.
pub const AHEAD_MS: i64 = 1_000;
/// Looks at later times for the one at which a lease can be had.
const MOST_LOOKS: usize = 8;
/// A share of nothing is looked at again after this, in milliseconds: somebody may have configured another.
const NO_SHARE_MS: i64 = 60_000;
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

/// A bucket's state, one per connection and api.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    /// One level per rule, in the rules' order; a rule without a level is full.
    pub levels: Vec<Level>,
    /// The same for what is spent evenly; a day's allowance has none.
    pub even: Vec<Level>,
    /// The same for the share of backfills.
    pub share: Vec<Level>,
    /// No call before this: the CRM said so.
    pub blocked_until: Option<Instant>,
    /// When it last did, if no lease has been taken since.
    pub refused_at: Option<Instant>,
    /// How fast the limit is used.
    pub pace: Pace,
    /// When the last leases were taken.
    pub leases: Vec<Instant>,
    /// Who may be at work by them.
    #[serde(default)]
    pub out: Vec<Place>,
    /// When the last call began of those that the CRM is known to have answered.
    #[serde(default)]
    pub answered_at: Option<Instant>,
}

impl Rule {
    /// Whether it is an allowance for a day or more: it has no pace, and what is left of it is the CRM's to say.
    #[must_use]
    pub fn is_quota(&self) -> bool {
        self.per_ms >= QUOTA_MS
    }
}

/// Takes what is asked for or a part of it, at least one or none.
#[must_use]
pub fn take(bucket: &Bucket, rules: &[Rule], ask: &Ask, now: Instant) -> Taken {
    let mut taken = take_at(bucket, rules, ask, now);
    // What is in the way first may not be the last: who comes back at the time that is named shall not come in vain.
    for _ in 0..MOST_LOOKS {
        let (0, Some(at)) = (taken.granted, taken.retry_at) else { break };
        let then = take_at(bucket, rules, ask, at);
        match then.retry_at {
            Some(later) if then.granted == 0 && later > at => taken.retry_at = Some(later),
            _ => break,
        }
    }
    match &ask.flight {
        Some(flight) => fly(bucket, flight, ask, taken, now),
        None => taken,
    }
}

fn take_at(bucket: &Bucket, rules: &[Rule], ask: &Ask, now: Instant) -> Taken {
    let refused = |retry_at| Taken::none(bucket, Some(retry_at));
    if let Some(until) = bucket.blocked_until.filter(|until| *until > now) {
        return refused(until);
    }
    if let Some(until) = spent_until(rules, &ask.told).filter(|until| *until > now) {
        return refused(until);
    }
    if ask.way == Way::Share(0) && !rules.is_empty() {
        return refused(now.plus_ms(NO_SHARE_MS));
    }
    if ask.want == 0 {
        return Taken::none(bucket, None);
    }
    let pace = bucket.pace.after(bucket.refused_at, window(rules), now);
    let size =
        size(&bucket.leases, rules, pace.permille, ask.want, now).giving_back(ask.unused.tokens, ask.want);
    let spread_ms = ask.spread_ms.clamp(0, ask.ahead_ms.clamp(0, AHEAD_MS));
    if let Some(until) = size.not_before {
        return refused(until.plus_ms(spread_ms));
    }
    // Where tokens were given ahead the next come after them.
    let queued = bucket.levels.iter().map(|level| level.at).max().filter(|at| at.since_ms(now) <= AHEAD_MS);
    let first = queued.map_or(now, |at| at.max(now));
    let mut tiers = Tiers::of(bucket, rules, ask, pace, first);
    let (mut from, mut most, mut for_whole) = (first, size.most, true);
    for _ in 0..MOST_LOOKS {
        let least = tiers.lump(size.least);
        if tiers.available(most) >= least {
            break;
        }
        let (whole, all) = tiers.ready_at(least);
        (from, most, for_whole) = (all.max(from), least, whole >= all);
        // By then the window may have room for more, so that less is not leased.
        tiers = Tiers::of(bucket, rules, ask, pace, from);
    }
    // What waits for its own part must not take the place of those who could go before.
    let may_wait =
        if for_whole && !matches!(ask.way, Way::Share(_)) { ask.ahead_ms.min(AHEAD_MS) } else { 0 };
    let granted = tiers.available(most);
    if from.since_ms(now) > may_wait || granted == 0 {
        let back = from.plus_ms(-may_wait).max(now.plus_ms(1));
        return refused(back.plus_ms(spread_ms.min(may_wait)));
    }
    tiers.spend(granted);
    let pace = pace.granting(granted);
    let retry_at = Some(from).filter(|from| *from > now);
    Taken { granted, ..Taken::none(&tiers.put_back(bucket, pace, now), retry_at) }
}

/// The tokens left by each rule, for people: nothing is taken.
#[must_use]
pub fn left(bucket: &Bucket, rules: &[Rule], now: Instant) -> Vec<u64> {
    let pace = bucket.pace.after(bucket.refused_at, window(rules), now);
    let tiers = Tiers::of(bucket, rules, &Ask::whole(0), pace, now);
    tiers.whole.iter().map(|(rate, level)| level.available(rate)).collect()
}

/// The bucket after the CRM asked, `now`, for a rest until `until`; a later block stays, and the refusal is of its time.
#[must_use]
pub fn block(bucket: &Bucket, until: Instant, now: Instant) -> Bucket {
    if bucket.blocked_until.is_some_and(|earlier| earlier >= until) {
        return bucket.clone();
    }
    Bucket { blocked_until: Some(until), refused_at: Some(now), ..bucket.clone() }
}

/// The levels that an ask draws from.
struct Tiers {
    whole: Vec<(Rate, Level)>,
    beside: Vec<(Rate, Level)>,
    way: Way,
}

impl Tiers {
    /// As they are at `now`.
    fn of(bucket: &Bucket, rules: &[Rule], ask: &Ask, pace: Pace, now: Instant) -> Self {
        let way = ask.way;
        let filled =
            |(i, rate): (usize, Rate), levels: &[Level]| (rate, Level::refilled(levels.get(i), &rate, now));
        let whole = rules.iter().map(|rule| Rate::whole(rule, pace.permille));
        let whole = whole.enumerate().map(|rate| filled(rate, &bucket.levels)).collect();
        let beside = match way {
            Way::Whole => Vec::new(),
            Way::Even => {
                let rates = rules.iter().filter(|rule| !rule.is_quota());
                let rates = rates.map(|rule| Rate::even(rule, pace.permille)).enumerate();
                rates.map(|rate| filled(rate, &bucket.even)).collect()
            }
            Way::Share(percent) => {
                let rates = rules.iter().map(|rule| Rate::share(rule, pace.permille, percent)).enumerate();
                rates.map(|rate| filled(rate, &bucket.share)).collect()
            }
        };
        let mut tiers = Self { whole, beside, way };
        // What was leased before the CRM refused is gone, used or not.
        if ask.unused.leased_at > pace.since {
            tiers.give_back(ask.unused);
        }
        // What came in until the CRM takes calls again is not saved up: else it would be refused again.
        if let Some(until) = bucket.blocked_until {
            for (rate, level) in tiers.whole.iter_mut().chain(&mut tiers.beside) {
                level.begin_anew(rate, now.since_ms(until));
            }
        }
        ask.told.iter().for_each(|told| tiers.lower(rules, told, now));
        tiers
    }

    /// Tokens that may go, `most` at most.
    fn available(&self, most: u64) -> u64 {
        self.all().map(|(rate, level)| level.available(rate)).fold(most, u64::min)
    }

    /// The size of a lease that can be waited for, where it is to be `least` if that can be.
    fn lump(&self, least: u64) -> u64 {
        self.all().fold(least, |least, (rate, level)| level.lump(rate, least))
    }

    /// When the whole can give so many, and when all can.
    fn ready_at(&self, tokens: u64) -> (Instant, Instant) {
        let ready =
            |tier: &[(Rate, Level)]| tier.iter().map(|(rate, level)| level.ready_at(rate, tokens)).max();
        let whole = ready(&self.whole).unwrap_or_default();
        (whole, ready(&self.beside).map_or(whole, |beside| whole.max(beside)))
    }

    fn all(&self) -> impl Iterator<Item = (&Rate, &Level)> {
        self.whole.iter().chain(&self.beside).map(|(rate, level)| (rate, level))
    }

    /// What the CRM says remains is the most that can: an allowance of an allowance, a rate of a rate.
    fn lower(&mut self, rules: &[Rule], told: &Told, now: Instant) {
        for (rule, (rate, level)) in rules.iter().zip(&mut self.whole) {
            let alike = rule.is_quota() == told.is_quota();
            if alike && (rule.is_quota() || rule.per_ms <= told.per_ms) {
                level.lower(rate, told.left, now.since_ms(told.at));
            }
        }
    }

    fn give_back(&mut self, unused: Unused) {
        for (rate, level) in self.whole.iter_mut().chain(&mut self.beside) {
            level.give_back(rate, unused);
        }
    }

    fn spend(&mut self, tokens: u64) {
        for (rate, level) in self.whole.iter_mut().chain(&mut self.beside) {
            level.spend(rate, tokens);
        }
    }

    fn put_back(self, bucket: &Bucket, pace: Pace, now: Instant) -> Bucket {
        let levels = |tier: Vec<(Rate, Level)>| tier.into_iter().map(|(_, level)| level).collect();
        let mut after = Bucket {
            levels: levels(self.whole),
            blocked_until: None,
            refused_at: None,
            pace,
            leases: noted(&bucket.leases, now),
            ..bucket.clone()
        };
        match self.way {
            Way::Whole => {}
            Way::Even => after.even = levels(self.beside),
            Way::Share(_) => after.share = levels(self.beside),
        }
        after
    }
}

/// Until when nothing is left of an allowance, by the CRM's own count. Only where the connection has a rule for it: some
/// CRMs let calls through beyond their allowance, and what they then say blocks.
fn spent_until(rules: &[Rule], told: &[Told]) -> Option<Instant> {
    let spent = told.iter().filter(|told| told.is_quota() && told.left == 0);
    let until = spent.map(|told| told.resets_at.unwrap_or(told.at.plus_ms(QUOTA_REST_MS))).max();
    until.filter(|_| rules.iter().any(Rule::is_quota))
}

/// Thousandths of a call that `rules` give a second, the tightest of them; an allowance for a day only where there is no other.
fn milli_per_second(rules: &[Rule]) -> Option<u64> {
    let milli = |rule: &Rule| {
        let per_ms = u64::try_from(rule.per_ms).unwrap_or(1).max(1);
        rule.requests.saturating_mul(1_000_000) / per_ms
    };
    let rates = rules.iter().filter(|rule| !rule.is_quota()).map(milli).min();
    rates.or_else(|| rules.iter().map(milli).min())
}

/// The window in which refusals are one, and the requests of the largest.
fn window(rules: &[Rule]) -> (u64, i64) {
    let rates = || rules.iter().filter(|rule| !rule.is_quota());
    let window_ms = rates().map(|rule| rule.per_ms).max().unwrap_or(0).max(1_000);
    (rates().map(|rule| rule.requests).max().unwrap_or(0), window_ms)
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
