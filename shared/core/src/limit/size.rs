//! How large a lease is: small while few are taken, so that nothing is hoarded; larger when many are, so that a bucket's
//! row is written no more than nine times a second, whatever the number of environments.

use super::Rule;
use super::level::{WRITES_A_SECOND, a_second, quantum};
use crate::time::Instant;

/// After so many leases in a second they are taken whole: a token at a time would be a write at a time.
const BUSY: usize = 3;
const SECOND_MS: i64 = 1_000;
/// Tokens of a bucket without rules, which only holds the CRM's own stops.
const UNRULED: u64 = 100;

/// What may be leased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size {
    /// At least so many, or none.
    pub(super) least: u64,
    /// At most so many.
    pub(super) most: u64,
    /// None before this: the row has been written often enough.
    pub(super) not_before: Option<Instant>,
}

impl Size {
    /// That of a lease with which so many tokens come back: half as large, if `want` is no more, since what lies idle here nobody
    /// else has; and it may be of no more than those.
    pub(super) fn giving_back(self, unused: u64, want: u64) -> Self {
        if unused == 0 {
            return self;
        }
        let most = self.most.div_ceil(2).max(want.min(self.most));
        Self { least: self.least.min(most).min(unused), most, ..self }
    }
}

/// How many tokens to lease when the last lease brought `used` calls: as many, up to a twentieth of the tightest burst and a
/// second's worth, so that many environments can share a bucket. What is leased and not used nobody else has.
#[must_use]
pub fn lease_size(rules: &[Rule], used: u64) -> u64 {
    let most = rules.iter().map(|rule| (rule.burst / 20).min(a_second(rule))).min();
    used.min(most.unwrap_or(used)).max(1)
}

/// The most that a lease of `want` may be made when many are taken.
#[must_use]
pub fn largest_lease(rules: &[Rule], want: u64) -> u64 {
    largest(rules, 1_000, want)
}

fn largest(rules: &[Rule], permille: u64, want: u64) -> u64 {
    let rates = || rules.iter().filter(|rule| !rule.is_quota());
    let least = rates().map(|rule| quantum(rule, permille)).min();
    let least = least.or_else(|| rules.iter().map(|rule| quantum(rule, 1_000)).min());
    want.max(least.unwrap_or(UNRULED))
}

/// The size of the next lease of `want` at `permille` of the limit, after those at `leases`.
pub(super) fn size(leases: &[Instant], rules: &[Rule], permille: u64, want: u64, now: Instant) -> Size {
    let lately = leases.iter().filter(|at| now.since_ms(**at) < SECOND_MS).count();
    if lately < BUSY {
        return Size { least: 1, most: want, not_before: None };
    }
    let most = largest(rules, permille, want);
    let not_before = full_until(leases, now);
    let least = if rules.is_empty() { 1 } else { largest(rules, permille, 1) };
    Size { least, most, not_before }
}

/// Until when the row has been written often enough, by what stands at `leases`.
pub(super) fn full_until(leases: &[Instant], now: Instant) -> Option<Instant> {
    let until = leases.iter().rev().nth(WRITES_A_SECOND - 1).map(|at| at.plus_ms(SECOND_MS));
    until.filter(|at| *at > now && at.since_ms(now) <= 2 * SECOND_MS)
}

/// `leases` and one more `now`.
pub(super) fn noted(leases: &[Instant], now: Instant) -> Vec<Instant> {
    // One that is far ahead is of a clock that is: it is forgotten, or nobody would write before that time.
    let leases = leases.iter().filter(|at| at.since_ms(now) <= SECOND_MS);
    let now = leases.clone().max().map_or(now, |last| now.max(*last));
    let lately = leases.copied().filter(|at| now.since_ms(*at) < SECOND_MS);
    let mut noted: Vec<Instant> = lately.chain([now]).collect();
    noted.drain(..noted.len().saturating_sub(WRITES_A_SECOND));
    noted
}
