//! The limiter of one connection: tokens from this environment's lease, or one write for a new lease.
//!
//! Live traffic may take all; backfills take from their share. What is drained takes its tokens evenly. What the CRM tells of
//! its own counts goes with the next lease, and what was told of a bucket is asked again no earlier than it said.
//!
//! It fails open: a limiter that does not answer in time lets the call through, within a local backstop of a tenth of
//! the limit, and counts it. It is then not asked again for a while, so that its outage costs next to no time.

use crate::seams::{Clock, Lease, Limits, Unavailable};
use async_trait::async_trait;
use futures::future::{Either, select};
use rtr_connectors::session::{Gate, Quota, SHORT_WAIT_MS};
use rtr_core::breaker::Breaker;
use rtr_core::config::LimitRule;
use rtr_core::key::{ConnectionKey, join};
use rtr_core::limit::{
    AHEAD_MS, Ask, Flight, LEASE_MS, LIMITER_BUDGET_MS, QUOTA_MS, Rule, Told, Traffic, Unused, Way,
    general_bucket, lease_size,
};
use rtr_core::time::Instant;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

mod flown;
mod places;
mod pools;

pub use pools::Pools;

/// The gate of one connection for one invocation.
pub struct LimiterGate<'a> {
    limits: &'a dyn Limits,
    clock: &'a dyn Clock,
    pools: &'a Pools,
    connection: ConnectionKey,
    rules: &'a [LimitRule],
    traffic: Traffic,
    way: Way,
    calls: AtomicU64,
    let_through: AtomicU64,
    quota_low: AtomicBool,
    /// Calls that the CRM refused for its limit: nothing is begun by them.
    refused: AtomicU64,
    /// What is left of the time to wait for tokens, in milliseconds.
    patience_ms: AtomicU32,
    /// Whether a bucket that was waited for had nothing again.
    in_vain: AtomicBool,
    /// What the last lease of the general bucket told of the breaker.
    told: Mutex<Option<Breaker>>,
    /// How many may be at work at once; none where that is not counted.
    share: Option<u64>,
    /// How long a call takes, in milliseconds.
    call_ms: AtomicI64,
    /// What was leased before this, in milliseconds of the clock, is worth nothing: others may be at work instead.
    since: AtomicI64,
    /// How long the table may take to answer, in milliseconds.
    budget_ms: i64,
}

/// The share of backfills where nothing else is said, in percent.
const SHARE_PERCENT: u8 = 20;

/// Of the time that the table may take, it is asked once more after so many hundredths.
const SOON_PERCENT: i64 = 60;
/// How long a call takes while nobody has seen one, in milliseconds.
const CALL_MS: i64 = 250;

/// From this share of an account's own allowance on, its use is warned of, in hundredths.
const QUOTA_LOW_PERCENT: u64 = 90;

impl<'a> LimiterGate<'a> {
    /// A gate for `connection` under `rules`, for calls of `traffic`.
    pub fn new(
        limits: &'a dyn Limits,
        clock: &'a dyn Clock,
        pools: &'a Pools,
        connection: ConnectionKey,
        rules: &'a [LimitRule],
        traffic: Traffic,
    ) -> Self {
        let way = match traffic {
            Traffic::Live => Way::Whole,
            Traffic::Backfill => Way::Share(SHARE_PERCENT),
        };
        let (calls, let_through, refused) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
        let [quota_low, in_vain] = [false; 2].map(AtomicBool::new);
        let (call_ms, since) = (AtomicI64::new(CALL_MS), AtomicI64::new(i64::MIN));
        let told = Mutex::default();
        let patience_ms = AtomicU32::new(u32::MAX);
        Self {
            limits,
            clock,
            pools,
            connection,
            rules,
            traffic,
            way,
            calls,
            let_through,
            quota_low,
            refused,
            patience_ms,
            in_vain,
            told,
            share: None,
            call_ms,
            since,
            budget_ms: LIMITER_BUDGET_MS,
        }
    }

    /// Of a table that may take so many milliseconds to answer.
    #[must_use]
    pub fn answering_within(self, budget_ms: i64) -> Self {
        Self { budget_ms, ..self }
    }

    /// How long the table may take to answer, in milliseconds.
    pub(crate) fn budget_ms(&self) -> i64 {
        self.budget_ms
    }

    /// With no more than `share` environments at work at once.
    #[must_use]
    pub fn holding_at_most(self, share: u64) -> Self {
        Self { share: Some(share), ..self }
    }

    /// With so many milliseconds in all to wait for tokens: who serves many connections must not wait long for one.
    #[must_use]
    pub fn waiting_at_most(self, ms: u32) -> Self {
        Self { patience_ms: AtomicU32::new(ms), ..self }
    }

    /// What a lease has told of the breaker since this was last asked.
    pub(crate) fn told(&self) -> Option<Breaker> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Takes back a call that was let through and not made: the next one has its tokens.
    pub(crate) fn take_back(&self, api: &str) {
        self.buckets(api).iter().for_each(|(bucket, _)| self.pools.give_back((bucket, self.traffic)));
        self.calls.fetch_sub(1, Ordering::Relaxed);
    }

    /// Whether the limiter is left alone, since it did not answer.
    pub(crate) fn limiter_rests(&self) -> bool {
        self.pools.limiter_rests(self.clock.now())
    }

    /// With this share of the limits for backfills, in percent.
    #[must_use]
    pub fn sharing(mut self, percent: u8) -> Self {
        if self.traffic == Traffic::Backfill {
            self.way = Way::Share(percent);
        }
        self
    }

    /// For calls that are made as fast as they may: evenly, not by bursts. A share is spent evenly anyhow.
    #[must_use]
    pub fn evenly(mut self) -> Self {
        if self.way == Way::Whole {
            self.way = Way::Even;
        }
        self
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
        let of = (bucket, self.traffic);
        if let Some(answer) = self.pools.draw(of, self.counts(bucket), now) {
            return answer;
        }
        if self.pools.limiter_rests(now) {
            return self.without_limiter(bucket, rules, now);
        }
        let (told, flight) = (self.pools.told(bucket), self.flight(bucket, true));
        let Ok(lease) = self.lease(bucket, rules, told.clone(), flight.clone()).await else {
            let now = self.clock.now();
            self.pools.let_limiter_rest(now);
            return self.without_limiter(bucket, rules, now);
        };
        let Lease { granted, retry_at, breaker, full, taken_at, last_at, crowded } = lease;
        if *bucket == general_bucket(&self.connection) {
            *self.told.lock().unwrap_or_else(PoisonError::into_inner) = Some(breaker);
        }
        if granted == 0 {
            let now = self.clock.now();
            let until = retry_at.unwrap_or(now.plus_ms(LEASE_MS));
            let wait = self.pools.wait(of, now, until, self.clock.random());
            self.in_vain.store(wait.in_vain, Ordering::Relaxed);
            if full {
                self.pools.is_full(bucket, wait.until);
            }
            return Err(wait.until);
        }
        self.pools.shared(bucket, &told);
        if let Some(flight) = &flight {
            self.pools.told_of(bucket, flight, taken_at, crowded);
        }
        let from = retry_at.filter(|from| *from > self.clock.now());
        self.pools.put(of, granted, (now, from), (taken_at, last_at));
        from.map_or(Ok(()), Err)
    }

    /// What goes while the limiter does not answer: a little of what is live, and no backfill.
    fn without_limiter(&self, bucket: &str, rules: &[Rule], now: Instant) -> Result<(), Instant> {
        if self.traffic == Traffic::Backfill {
            return Err(self.pools.asks_again_at(now));
        }
        self.let_through.fetch_add(1, Ordering::Relaxed);
        self.pools.backstop((bucket, self.traffic), rules, now)
    }

    /// Asks, for as long as the table may take to answer. One request in a thousand takes long where all others take little:
    /// so after a while it is asked once more, and the first answer counts.
    async fn ask(&self, bucket: &str, rules: &[Rule], ask: &Ask) -> Result<Lease, Unavailable> {
        let soon_ms = self.budget_ms * SOON_PERCENT / 100;
        let first = self.limits.lease(bucket, rules, ask);
        let first = match select(first, self.clock.sleep_ms(soon_ms)).await {
            Either::Left((lease, _)) => return lease,
            Either::Right(((), first)) => first,
        };
        // What is given back is so once.
        let again = Ask { unused: Unused::default(), ..ask.clone() };
        let both = select(first, self.limits.lease(bucket, rules, &again));
        match select(both, self.clock.sleep_ms(self.budget_ms - soon_ms)).await {
            Either::Left((answer, _)) => answer.factor_first().0,
            Either::Right(_) => Err(Unavailable("the limiter did not answer in time".to_owned())),
        }
    }

    async fn lease(
        &self,
        bucket: &str,
        rules: &[Rule],
        told: Vec<Told>,
        flight: Option<Flight>,
    ) -> Result<Lease, Unavailable> {
        #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)] // a second at most
        let spread_ms = (AHEAD_MS as f64 * self.clock.random()) as i64;
        let of = (bucket, self.traffic);
        let used = self.pools.used(of, self.clock.now());
        let (want, way) = (lease_size(rules, used), self.way);
        // A token that would not be waited for is left to others.
        let ahead_ms = match self.calls() {
            0 => AHEAD_MS.min(i64::from(self.patience_ms.load(Ordering::Relaxed))),
            _ => AHEAD_MS,
        };
        let unused = self.pools.unused(of);
        let ask = Ask { want, unused, way, ahead_ms, spread_ms, told, flight };
        let lease = self.ask(bucket, rules, &ask).await;
        if lease.as_ref().is_ok_and(|lease| lease.granted == 0) {
            self.pools.keep(of, unused);
        }
        lease
    }
}

#[async_trait]
impl Gate for LimiterGate<'_> {
    async fn enter(&self, api: &str) -> Result<(), Instant> {
        let mut drawn: Vec<String> = Vec::new();
        for (bucket, rules) in self.buckets(api) {
            if let Err(until) = self.draw(&bucket, &rules).await {
                // What was taken for this call from the other bucket is not lost: the next call takes it.
                drawn.iter().for_each(|bucket| self.pools.give_back((bucket, self.traffic)));
                return Err(until);
            }
            drawn.push(bucket);
        }
        self.calls.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// What is begun is not left half done for want of a token: that costs more than the wait. And a limiter that does not
    /// answer is no want of tokens: its backstop gives one a second. But who is patient for so long only does not wait for a
    /// bucket of which this environment knows that others empty it, nor for a place: who waits is held as well.
    fn may_wait(&self, wait_ms: i64) -> bool {
        let wait_ms = u32::try_from(wait_ms.max(0)).unwrap_or(u32::MAX);
        let take = |left: u32| left.checked_sub(wait_ms);
        self.calls() > self.refused.load(Ordering::Relaxed)
            || self.limiter_rests()
            || self.patience_ms.load(Ordering::Relaxed) == u32::MAX
            || self.full_until().is_none()
                && !self.in_vain.load(Ordering::Relaxed)
                && self.patience_ms.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }

    /// A lane serves one connection: what it has begun it waits for as long as its time lasts. Begun anew when the tokens are
    /// there, it would spend them on the same look-up, again and again. A rest that the CRM asks for is another matter.
    fn longest_wait_ms(&self) -> i64 {
        let is_begun = self.calls() > 0 && self.refused.load(Ordering::Relaxed) == 0;
        let is_patient = self.patience_ms.load(Ordering::Relaxed) == u32::MAX;
        if is_begun && is_patient { i64::MAX } else { SHORT_WAIT_MS }
    }

    async fn block(&self, api: &str, until: Instant) {
        self.refused.fetch_add(1, Ordering::Relaxed);
        let api = if self.rules_of(api).is_empty() { "*" } else { api };
        let bucket = self.bucket(api);
        self.pools.block(&bucket, until);
        if self.limits.block(&bucket, until).await.is_err() {
            tracing::warn!(
                event = "limiter",
                org_id = self.connection.org_id,
                connection = self.connection.connection,
                "the block could not be shared"
            );
        }
    }

    /// Keeps it for the next lease, and warns, once, of a day's allowance that runs low. Where the connection has no rule
    /// for that it stops nothing: whether calls beyond the allowance are taken is the CRM's to say, and what it says then
    /// blocks.
    fn quota(&self, Quota { per_ms, limit, left, resets_in_ms }: Quota) {
        let at = self.clock.now();
        let resets_at = resets_in_ms.map(|ms| at.plus_ms(ms));
        self.pools.tell(&self.bucket("*"), Told { per_ms, left, at, resets_at });
        let used = limit.saturating_sub(left);
        let low = limit > 0
            && per_ms >= QUOTA_MS
            && used.saturating_mul(100) >= limit.saturating_mul(QUOTA_LOW_PERCENT);
        if low && !self.quota_low.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                event = "quota",
                org_id = self.connection.org_id,
                connection = self.connection.connection,
                used,
                limit,
                "the account's allowance of calls is nearly used up"
            );
        }
    }
}
