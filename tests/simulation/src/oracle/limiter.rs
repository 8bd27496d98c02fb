//! What each environment may know of the limiter: the leases that it has, whether it asks at all, whether its clock can be
//! gone by. So that what is excused is excused for those whom it concerns, and for as long as it lasts.

use super::{At, Oracle};
use crate::place::limits;
use rtr_core::limit::{APART_MS, LEASE_MS, LIMITER_REST_MS, largest_lease, lease_ms, lease_size};
use rtr_core::time::Instant;
use rtr_engine::seams::{Lease, Names, Unavailable};
use std::collections::{BTreeMap, BTreeSet};

/// What was counted by a clock that was off by up to five minutes is over after that, and a lease.
const MISCOUNTS_MS: i64 = 300_000 + LEASE_MS + LIMITER_REST_MS;

/// Between the backstop's token and the call there may be so much.
const SENDS_MS: i64 = 100;

/// Who waits for tokens comes back later than he was told by so much at most, each at another time.
const SPREAD_MS: i64 = 640;

/// An invocation that has less time than this left gives up what it would have to wait for, in milliseconds.
const HASTE_MS: i64 = 8_000;

/// What is known of the limiter.
#[derive(Debug, Default)]
pub(super) struct Limiter {
    /// Tokens that environments got, by environment and bucket.
    leases: BTreeMap<(usize, String), Vec<(Instant, u64)>>,
    /// While an environment does not ask, since it was not answered: it calls by its backstop.
    rests: BTreeMap<usize, Vec<(Instant, Instant)>>,
    /// Environments whose clock is off.
    off: BTreeSet<usize>,
    /// When any clock was last set.
    set_at: Option<Instant>,
    /// When each was last set.
    set_at_of: BTreeMap<usize, Instant>,
    /// Until when an environment has been told that there are no tokens for a connection.
    held_until: BTreeMap<(usize, String), Instant>,
    /// What the invocation in an environment says of records that waited before: the words that name one in a line.
    pub(super) repeated: BTreeSet<(usize, String)>,
}

/// How long any lease for `at` may be used, in milliseconds.
pub(super) fn longest_lease_ms(at: &At) -> i64 {
    let rules = limits(&at.1, &at.0).iter().map(|(_, rule)| *rule);
    let largest = rules.map(|rule| largest_lease(&[rule], lease_size(&[rule], u64::MAX)));
    largest.map(lease_ms).max().unwrap_or(LEASE_MS)
}

/// Org and connection of a bucket.
fn connection(bucket: &str) -> &str {
    bucket.rsplit_once('#').map_or(bucket, |(connection, _)| connection)
}

impl Limiter {
    /// Whether any clock was off since `then`, as the limiter goes by the clock of whoever asks it.
    pub(super) fn clock_was_off(&self, then: Instant) -> bool {
        !self.off.is_empty() || self.set_at.is_some_and(|at| at >= then)
    }

    /// Whether what `env` counted by its clock may be wrong.
    pub(super) fn miscounts(&self, now: Instant, env: usize) -> bool {
        self.off.contains(&env)
            || self.set_at_of.get(&env).is_some_and(|at| now.since_ms(*at) <= MISCOUNTS_MS)
    }

    /// Whether `env` may have called by its backstop at some time between `from` and `to`.
    pub(super) fn rests(&self, env: usize, from: Instant, to: Instant) -> bool {
        let rests = self.rests.get(&env).into_iter().flatten();
        let mut latest_first = rests.rev();
        latest_first.any(|(began, ended)| *began <= to && *ended >= from)
    }

    /// Tokens of `bucket` that `env` was given since `then`.
    pub(super) fn given(&self, env: usize, bucket: &str, then: Instant) -> u64 {
        let leases = self.leases.get(&(env, bucket.to_owned())).into_iter().flatten();
        leases.rev().take_while(|(at, _)| *at >= then).map(|(_, tokens)| tokens).sum()
    }
}

impl Oracle {
    /// The limiter answered `env`.
    pub fn leased(&mut self, now: Instant, env: usize, bucket: &str, answer: &Result<Lease, Unavailable>) {
        match answer {
            Ok(Lease { granted: 0, retry_at, .. }) => {
                self.holds_back(env, bucket, retry_at.unwrap_or(now.plus_ms(LEASE_MS)));
            }
            Ok(Lease { granted, retry_at, taken_at, .. }) => {
                if let Some((org, provider)) = bucket.strip_suffix("#*").and_then(|at| at.split_once('#')) {
                    self.has_place(env, (provider.to_owned(), org.to_owned()), *taken_at);
                }
                // Tokens of a time to come, and each some time after the one before.
                let from = retry_at.unwrap_or(now);
                self.holds_back(env, bucket, from.plus_ms(lease_ms(*granted) - LEASE_MS + APART_MS));
                self.limiter.leases.entry((env, bucket.to_owned())).or_default().push((now, *granted));
            }
            Err(_) => self.limiter_silent(now, env),
        }
    }

    /// The limiter did not answer `env`, which leaves it alone for a while and calls by its backstop.
    pub fn limiter_silent(&mut self, now: Instant, env: usize) {
        let rest = (now, now.plus_ms(LIMITER_REST_MS + SENDS_MS));
        self.limiter.rests.entry(env).or_default().push(rest);
    }

    /// `env` keeps a rest of `bucket`, and tells the others if it can.
    pub fn blocked(&mut self, now: Instant, env: usize, bucket: &str, until: Instant, told: bool) {
        self.holds_back(env, bucket, until);
        if !told {
            let (org, provider) = connection(bucket).split_once('#').unwrap_or_default();
            let at: At = (provider.to_owned(), org.to_owned());
            self.unshared(now, env, &at);
        }
    }

    fn holds_back(&mut self, env: usize, bucket: &str, until: Instant) {
        let until = until.plus_ms(SPREAD_MS);
        let held = self.limiter.held_until.entry((env, connection(bucket).to_owned())).or_insert(until);
        *held = until.max(*held);
    }

    /// `env`'s clock was set, right or wrong: what it counted by it is over.
    pub fn clock_set(&mut self, now: Instant, env: usize, off: bool) {
        self.slow_leases.remove(&env);
        if off {
            self.limiter.off.insert(env);
        } else {
            self.limiter.off.remove(&env);
        }
        self.limiter.set_at = Some(now);
        self.limiter.set_at_of.insert(env, now);
        // A rest from the limiter may begin anew by a clock that was set back.
        self.limiter.rests.entry(env).or_default().push((now, now.plus_ms(MISCOUNTS_MS)));
    }

    /// `env` writes why a record waits, as it stood there before.
    pub fn repeats_reason(&mut self, env: usize, names: &Names) {
        let part = |name: &Option<String>| name.clone().unwrap_or_default();
        let line = format!(
            "org_id={} record_type={} record_id={} connection={} ",
            part(&names.org_id),
            part(&names.record_type),
            part(&names.record_id),
            part(&names.connection)
        );
        self.limiter.repeated.insert((env, line));
    }

    /// Reads in a line of `env` that a call was not made for want of tokens: it must have been told so, by the CRM or the
    /// limiter. Where that does not answer, the backstop gives one within a wait in place.
    pub fn refused(&mut self, now: Instant, env: usize, line: &str) {
        if !line.contains("the rate limit of") {
            return;
        }
        let part = |name: &str| line.split(' ').find_map(|part| part.strip_prefix(name)).unwrap_or_default();
        // A lane's own lines, and a job's, name the connection with its org.
        let connection = match part("connection=") {
            whole if whole.contains('#') => whole.to_owned(),
            name => format!("{}#{name}", part("org_id=")),
        };
        let (began, deadline) = self.times.get(&env).copied().unwrap_or((now, now));
        let in_haste = deadline.since_ms(now) < HASTE_MS;
        let of = (env, connection);
        // Why a newer version waits is why the one before it did.
        let repeats =
            self.limiter.repeated.iter().any(|(of, words)| *of == env && line.contains(words.as_str()));
        // A backfill has no backstop: while the limiter does not answer, it waits.
        // So does a look at what a poll has found, which is told of without a version.
        let behind = line.contains("event=job") || line.contains(" version=0 ");
        let backfills = behind && self.limiter.rests(env, began, now);
        if repeats
            || backfills
            || in_haste
            || self.limiter.miscounts(now, env)
            || self.limiter.held_until.get(&of) >= Some(&began)
        {
            return;
        }
        let what =
            format!("environment {env} makes no call to {}, though nobody asked for a rest: {line}", of.1);
        self.violate("I9", None, what);
    }
}
