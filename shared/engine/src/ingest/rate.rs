//! How much an org may hand in: a bucket of the Limits table that all environments share.
//!
//! Tokens are taken for a request at once, and some ahead when many requests come, so that a busy org costs at most nine
//! writes a second. A table that does not answer in time lets everything through: what it protects is a queue that has room.

use super::{Settings, Ways};
use crate::report::BatchReport;
use futures::future::{Either, join_all, select};
use rtr_core::code::Code;
use rtr_core::ingest::{Entry, Refusal};
use rtr_core::key::join;
use rtr_core::limit::{Ask, LEASE_MS, LIMITER_REST_MS, Rule};
use rtr_core::metric::Metric;
use rtr_core::time::Instant;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Seconds' worth of events that may come at once.
pub const BURST_S: u64 = 10;
/// Orgs asked about at once.
const AT_ONCE: usize = 32;
/// Orgs remembered.
const MAX_ORGS: usize = 10_000;

/// What is left of leases, by org.
#[derive(Debug, Default)]
pub struct Rates {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    by_org: HashMap<String, Left>,
    /// The table did not answer, and is not asked before.
    rests_until: Instant,
}

#[derive(Debug, Clone, Copy)]
struct Left {
    tokens: u64,
    until: Instant,
}

/// What an org may hand in now.
struct Granted {
    events: u64,
    /// In how many seconds there is more.
    more_in_s: u64,
}

impl Rates {
    // A poisoned lock only says that a thread died elsewhere: what is in the map is still whole.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_left(&self, org: &str, want: u64, now: Instant) -> u64 {
        let mut state = self.lock();
        let Some(left) = state.by_org.get_mut(org).filter(|left| left.until > now) else { return 0 };
        let taken = left.tokens.min(want);
        left.tokens -= taken;
        taken
    }

    fn keep(&self, org: &str, tokens: u64, now: Instant) {
        let mut state = self.lock();
        if state.by_org.len() >= MAX_ORGS {
            state.by_org.clear();
        }
        state.by_org.insert(org.to_owned(), Left { tokens, until: now.plus_ms(LEASE_MS) });
    }
}

/// Refuses what is beyond an org's limit, the last of its events first, so that none overtakes another.
pub async fn limit(
    ways: &Ways<'_>,
    settings: &Settings,
    rates: &Rates,
    items: &mut [Result<Entry, Refusal>],
    report: &mut BatchReport,
) {
    if settings.per_org_rps == 0 {
        return;
    }
    let mut wanted: HashMap<String, u64> = HashMap::new();
    for entry in items.iter().flatten() {
        *wanted.entry(entry.key.org_id.clone()).or_default() += 1;
    }
    let wanted: Vec<(String, u64)> = wanted.into_iter().collect();
    let mut granted: HashMap<String, Granted> = HashMap::new();
    for some in wanted.chunks(AT_ONCE) {
        let asked = join_all(some.iter().map(|(org, want)| ask(ways, settings, rates, org, *want))).await;
        for ((org, want), grant) in some.iter().zip(asked) {
            report.count(Metric::IngestLimiterOpen, u64::from(grant.is_none()));
            let open = Granted { events: *want, more_in_s: 0 };
            granted.insert(org.clone(), grant.unwrap_or(open));
        }
    }
    for item in items {
        let Ok(entry) = item else { continue };
        match granted.get_mut(&entry.key.org_id) {
            Some(Granted { events: 0, more_in_s }) => *item = Err(over(settings.per_org_rps, *more_in_s)),
            Some(Granted { events, .. }) => *events -= 1,
            None => {}
        }
    }
}

/// What `org` may hand in of `want`; none: the limiter does not answer.
async fn ask(ways: &Ways<'_>, settings: &Settings, rates: &Rates, org: &str, want: u64) -> Option<Granted> {
    let now = ways.clock.now();
    let left = rates.take_left(org, want, now);
    if left == want {
        return Some(Granted { events: want, more_in_s: 0 });
    }
    let rests = rates.lock().rests_until;
    // A longer rest is of a clock that has been set back since.
    if (1..=LIMITER_REST_MS).contains(&rests.since_ms(now)) {
        return None;
    }
    let at_once = settings.per_org_rps.saturating_mul(BURST_S);
    let rules = [Rule { requests: at_once, per_ms: BURST_S.cast_signed() * 1_000, burst: at_once }];
    let bucket = join(&[org, "!ingest"]);
    let asked = Ask::whole(want - left);
    let lease = match select(
        ways.limits.lease(&bucket, &rules, &asked),
        ways.clock.sleep_ms(settings.limiter_budget_ms),
    )
    .await
    {
        Either::Left((Ok(lease), _)) => lease,
        Either::Left((Err(error), _)) => return rest(ways, rates, &error.0),
        Either::Right(_) => return rest(ways, rates, "no answer in time"),
    };
    let used = lease.granted.min(want - left);
    rates.keep(org, lease.granted - used, now);
    let wait_ms = lease.retry_at.map_or(1_000, |at| at.since_ms(now)).max(1);
    let more_in_s = u64::try_from(wait_ms).unwrap_or(1_000).div_ceil(1_000);
    Some(Granted { events: left + used, more_in_s })
}

fn rest(ways: &Ways<'_>, rates: &Rates, why: &str) -> Option<Granted> {
    tracing::warn!(
        event = "ingest",
        error = why,
        "the limiter does not answer: all that comes is let through"
    );
    rates.lock().rests_until = ways.clock.now().plus_ms(LIMITER_REST_MS);
    None
}

fn over(rps: u64, more_in_s: u64) -> Refusal {
    let message =
        format!("the org hands in more than {rps} events a second (IngestPerOrgRps): send it again later");
    Refusal::passing(429, Code::OverRate, message, more_in_s.max(1))
}
