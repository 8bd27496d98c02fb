//! The limiter of one connection: tokens from this environment's lease, or one write for a new lease.
//!
//! It fails open: a limiter that does not answer in time lets the call through, within a local backstop of a tenth of
//! the limit, and counts it. It is then not asked again for a while, so that its outage costs next to no time.

use crate::seams::{Clock, Lease, Limits, Unavailable};
use async_trait::async_trait;
use futures::future::{Either, select};
use rtr_connectors::session::{Gate, Quota};
use rtr_core::config::LimitRule;
use rtr_core::key::{ConnectionKey, join};
use rtr_core::limit::{LEASE_MS, LIMITER_BUDGET_MS, Rule, lease_size};
use rtr_core::time::Instant;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

mod pools;

pub use pools::Pools;

/// The gate of one connection for one invocation.
pub struct LimiterGate<'a> {
    limits: &'a dyn Limits,
    clock: &'a dyn Clock,
    pools: &'a Pools,
    connection: ConnectionKey,
    rules: &'a [LimitRule],
    calls: AtomicU64,
    let_through: AtomicU64,
    quota_low: AtomicBool,
}

/// From this share of an account's own allowance on, its use is warned of, in hundredths.
const QUOTA_LOW_PERCENT: u64 = 90;

impl<'a> LimiterGate<'a> {
    /// A gate for `connection` under `rules`.
    pub fn new(
        limits: &'a dyn Limits,
        clock: &'a dyn Clock,
        pools: &'a Pools,
        connection: ConnectionKey,
        rules: &'a [LimitRule],
    ) -> Self {
        let (calls, let_through) = (AtomicU64::new(0), AtomicU64::new(0));
        let quota_low = AtomicBool::new(false);
        Self { limits, clock, pools, connection, rules, calls, let_through, quota_low }
    }

    /// Calls let through so far.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Calls that went by the backstop since the limiter did not answer.
    pub fn let_through(&self) -> u64 {
        self.let_through.load(Ordering::Relaxed)
    }

    /// Whether the CRM said that its allowance for the account is nearly used up.
    pub fn quota_low(&self) -> bool {
        self.quota_low.load(Ordering::Relaxed)
    }

    /// The buckets a call of `api` draws from: its own, where the connection has one, and the general one.
    fn buckets(&self, api: &str) -> Vec<(String, Vec<Rule>)> {
        let apis = if api == "*" { vec!["*"] } else { vec![api, "*"] };
        apis.into_iter()
            .map(|api| (self.bucket(api), self.rules_of(api)))
            // The general one holds the CRM's own stops, rules or not.
            .filter(|(bucket, rules)| !rules.is_empty() || *bucket == self.bucket("*"))
            .collect()
    }

    fn bucket(&self, api: &str) -> String {
        join(&[&self.connection.org_id, &self.connection.connection, api])
    }

    fn rules_of(&self, api: &str) -> Vec<Rule> {
        let of_api = self.rules.iter().filter(|rule| rule.api == api);
        of_api.map(|rule| Rule { requests: rule.requests, per_ms: rule.per_ms, burst: rule.burst }).collect()
    }

    async fn draw(&self, bucket: &str, rules: &[Rule]) -> Result<(), Instant> {
        let now = self.clock.now();
        if let Some(answer) = self.pools.draw(bucket, now) {
            return answer;
        }
        if self.pools.limiter_rests(now) {
            self.let_through.fetch_add(1, Ordering::Relaxed);
            return self.pools.backstop(bucket, rules, now);
        }
        match self.lease(bucket, rules).await {
            Ok(Lease { granted: 0, retry_at }) => Err(retry_at.unwrap_or(now.plus_ms(LEASE_MS))),
            Ok(Lease { granted, .. }) => {
                self.pools.put(bucket, granted - 1, now.plus_ms(LEASE_MS));
                Ok(())
            }
            Err(_) => {
                let now = self.clock.now();
                self.pools.let_limiter_rest(now);
                self.let_through.fetch_add(1, Ordering::Relaxed);
                self.pools.backstop(bucket, rules, now)
            }
        }
    }

    async fn lease(&self, bucket: &str, rules: &[Rule]) -> Result<Lease, Unavailable> {
        let asked = self.limits.lease(bucket, rules, lease_size(rules, 1));
        match select(asked, self.clock.sleep_ms(LIMITER_BUDGET_MS)).await {
            Either::Left((lease, _)) => lease,
            Either::Right(((), _)) => Err(Unavailable("the limiter did not answer in time".to_owned())),
        }
    }
}

#[async_trait]
impl Gate for LimiterGate<'_> {
    async fn enter(&self, api: &str) -> Result<(), Instant> {
        let mut drawn: Vec<String> = Vec::new();
        for (bucket, rules) in self.buckets(api) {
            if let Err(until) = self.draw(&bucket, &rules).await {
                // What was taken for this call from the other bucket is not lost: the next call takes it.
                drawn.iter().for_each(|bucket| self.pools.give_back(bucket));
                return Err(until);
            }
            drawn.push(bucket);
        }
        self.calls.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    async fn block(&self, api: &str, until: Instant) {
        let api = if self.rules_of(api).is_empty() { "*" } else { api };
        let bucket = self.bucket(api);
        self.pools.block(&bucket, until);
        if self.limits.block(&bucket, until).await.is_err() {
            tracing::warn!(
                event = "limiter",
                connection = self.connection.key(),
                "the block could not be shared"
            );
        }
    }

    /// Warns, once. It stops nothing: whether calls beyond the allowance are taken is the CRM's to say, and what it says
    /// then blocks.
    fn quota(&self, Quota { used, limit }: Quota) {
        let low = limit > 0 && used.saturating_mul(100) >= limit.saturating_mul(QUOTA_LOW_PERCENT);
        if low && !self.quota_low.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                event = "quota",
                connection = self.connection.key(),
                used,
                limit,
                "the account's allowance of calls is nearly used up"
            );
        }
    }
}
