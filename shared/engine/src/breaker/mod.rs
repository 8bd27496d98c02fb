//! The gate of one invocation's work at a connection: the limiter's, behind the connection's breaker.
//!
//! A healthy connection costs no request more: the breaker comes with the lease. Where it is open nobody is asked at all.
//! Half-open, one conditional write takes the probe. Just after it has closed, and where the CRM is known to be slow,
//! another counts this work among the calls in flight, until [`BreakerGate::leave`] or the invocation's end. A table that
//! does not answer leaves each environment with what it last knew, and with a breaker of its own.

mod known;

use crate::gate::LimiterGate;
use crate::seams::{Clock, Limits};
use async_trait::async_trait;
use futures::future::{Either, select};
pub use known::Breakers;
use rtr_connectors::session::{Gate, Heard, Held, LASTS_AGAIN_MS, Quota};
use rtr_core::breaker::{Breaker, Change, SLOW_CALL_MS, Slow, State, slow_cap};
use rtr_core::config::LimitRule;
use rtr_core::key::ConnectionKey;
use rtr_core::time::Instant;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

/// How long the table may take to hear of a change at least, in milliseconds; then it is gone on without it.
const BUDGET_MS: i64 = 250;
/// A call has surely ended so long after its own time, in milliseconds.
const MARGIN_MS: i64 = 1_000;
/// That a call lasts is known everywhere within so long, in milliseconds: what is known comes with a lease.
const HEARD_WITHIN_MS: i64 = 4_000;
/// While another probes, it is looked again after this, in milliseconds; by then a new lease tells more.
const LOOK_MS: i64 = 2_000;
/// The longest wait for a place among the calls in flight, in milliseconds.
const LONGEST_WAIT_MS: i64 = 10_000;

const OPEN: &str = "the CRM failed or was slow again and again: its calls rest";
const PROBED: &str = "the CRM failed or was slow again and again: one call tries whether it is back";
const FULL: &str = "enough calls are in flight: the CRM is slow, does not answer, or has just come back";

/// What a gate needs to know of the invocation.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// The longest that one call takes, in milliseconds.
    pub call_ms: i64,
    /// The invocation's end.
    pub deadline: Instant,
    /// The most calls of one connection in flight over all environments, where they are counted.
    pub share: u64,
}

/// The gate.
pub struct BreakerGate<'a> {
    /// The limiter's gate behind it.
    pub limiter: LimiterGate<'a>,
    limits: &'a dyn Limits,
    clock: &'a dyn Clock,
    breakers: &'a Breakers,
    connection: ConnectionKey,
    key: String,
    rules: &'a [LimitRule],
    bounds: Bounds,
    /// Whose the probe or the place among the calls in flight is.
    me: String,
    probes: AtomicBool,
    /// Whether what it probed was answered, too late.
    late: AtomicBool,
    /// Until when it counts among the calls in flight, in milliseconds of the clock; 0: it does not.
    counted_until: AtomicI64,
}

impl<'a> BreakerGate<'a> {
    /// The breaker before `limiter`, both of `connection` under `rules`.
    pub fn new(
        limits: &'a dyn Limits,
        clock: &'a dyn Clock,
        breakers: &'a Breakers,
        limiter: LimiterGate<'a>,
        connection: ConnectionKey,
        rules: &'a [LimitRule],
        bounds: Bounds,
    ) -> Self {
        let ([probes, late], counted_until) = ([false; 2].map(AtomicBool::new), AtomicI64::new(0));
        let (key, me) = (connection.key(), clock.nonce());
        Self {
            limiter,
            limits,
            clock,
            breakers,
            connection,
            key,
            rules,
            bounds,
            me,
            probes,
            late,
            counted_until,
        }
    }

    /// Gives back what is held of the connection: no other call is made.
    pub async fn leave(&self) {
        let probed = self.probes.swap(false, Ordering::Relaxed);
        let late = self.late.swap(false, Ordering::Relaxed);
        let counted = self.counted_until.swap(0, Ordering::Relaxed) != 0;
        let by = self.me.clone();
        if probed && late {
            let random = self.clock.random();
            self.change(&Change::Failed { by, count: 1, answered: true, random }).await;
        } else if probed || counted {
            self.change(&Change::Leave { by }).await;
        }
        self.limiter.leave().await;
    }

    fn now(&self) -> Breaker {
        self.breakers.now(&self.key)
    }

    /// Writes `change`, or goes on by it here. The state afterwards.
    async fn change(&self, change: &Change) -> Breaker {
        if !self.limiter.limiter_rests() {
            let asked = self.limits.change_breaker(&self.connection, change);
            let budget_ms = self.limiter.budget_ms().max(BUDGET_MS);
            match select(asked, self.clock.sleep_ms(budget_ms)).await {
                Either::Left((Ok(breaker), _)) => {
                    self.breakers.told(&self.key, breaker, self.clock.now());
                    return self.now();
                }
                Either::Left((Err(error), _)) => self.warn(&error.0),
                Either::Right(((), _)) => self.warn("the limits table did not answer in time"),
            }
        }
        self.breakers.goes_on(&self.key, change, self.clock.now())
    }

    fn warn(&self, message: &str) {
        tracing::warn!(event = "breaker", connection = self.key, message);
    }

    /// Takes the one call of a half-open breaker, if nobody has it, or another one after it.
    async fn probe(&self, mut breaker: Breaker, now: Instant) -> Result<Breaker, Held> {
        let mine = |breaker: &Breaker| breaker.probe.as_ref().is_some_and(|probe| probe.by == self.me);
        if mine(&breaker) || breaker.probing(now).is_none() {
            let until = self.bounds.deadline.min(now.plus_ms(self.bounds.call_ms)).plus_ms(MARGIN_MS);
            breaker = self.change(&Change::Probe { by: self.me.clone(), until }).await;
        }
        let now = self.clock.now();
        match breaker.state(now) {
            State::Closed => Ok(breaker),
            State::Open { until } => Err(Held { until, why: OPEN }),
            State::HalfOpen if mine(&breaker) => {
                self.probes.store(true, Ordering::Relaxed);
                Ok(breaker)
            }
            State::HalfOpen => {
                let ends = breaker.probing(now).map_or(now, |probe| probe.until);
                Err(Held { until: ends.clamp(now, now.plus_ms(LOOK_MS)), why: PROBED })
            }
        }
    }

    /// How many calls may be in flight, and how long one takes, where they are counted.
    fn cap(&self, breaker: &Breaker, now: Instant) -> Option<(u64, i64)> {
        let share = self.bounds.share.max(1);
        let slow = breaker.slow_ms(now).map(|ms| (slow_cap(ms, milli_per_second(self.rules), share), ms));
        let ramp = breaker.ramp(now).map(|calls| (calls.min(share), rtr_core::breaker::RAMP_STEP_MS));
        match (slow, ramp) {
            (Some(slow), Some(ramp)) => Some((slow.0.min(ramp.0), slow.1)),
            (one, other) => one.or(other),
        }
    }

    /// Counts this work among the calls in flight, if there is a place.
    async fn count(&self, breaker: &Breaker, now: Instant) -> Result<(), Held> {
        if self.counted_until.load(Ordering::Relaxed) > now.0 {
            return Ok(());
        }
        let Some((cap, takes_ms)) = self.cap(breaker, now) else {
            // Those that last, of a connection that is not known to be slow, leave the others their places.
            let full = breaker.in_flight(now) >= self.bounds.share.max(1);
            return if full { Err(Held { until: now.plus_ms(LOOK_MS), why: FULL }) } else { Ok(()) };
        };
        let until = self.bounds.deadline.plus_ms(MARGIN_MS);
        let after = self.change(&Change::Enter { by: self.me.clone(), until, cap }).await;
        let now = self.clock.now();
        if after.counts(&self.me) {
            self.counted_until.store(until.0, Ordering::Relaxed);
            return Ok(());
        }
        match after.state(now) {
            State::Open { until } => Err(Held { until, why: OPEN }),
            _ => Err(Held { until: now.plus_ms(takes_ms.clamp(1, LONGEST_WAIT_MS)), why: FULL }),
        }
    }

    async fn tell_slow(&self, slow: Option<Slow>) {
        if let Some(slow) = slow {
            self.change(&Change::Slow(slow)).await;
        }
    }

    async fn may_go(&self) -> Result<(), Held> {
        let now = self.clock.now();
        let breaker = self.now();
        match breaker.state(now) {
            State::Open { until } => Err(Held { until, why: OPEN }),
            State::Closed => self.count(&breaker, now).await,
            State::HalfOpen => {
                let breaker = self.probe(breaker, now).await?;
                if self.probes.load(Ordering::Relaxed) {
                    return Ok(());
                }
                // It closed meanwhile.
                self.count(&breaker, self.clock.now()).await
            }
        }
    }
}

/// Thousandths of a call that the rules give a second, the tightest of them.
fn milli_per_second(rules: &[LimitRule]) -> Option<u64> {
    let general = rules.iter().filter(|rule| rule.api == "*");
    let milli = |rule: &LimitRule| {
        let per_ms = u64::try_from(rule.per_ms).unwrap_or(1).max(1);
        rule.requests.saturating_mul(1_000_000) / per_ms
    };
    general.map(milli).min()
}

#[async_trait]
impl Gate for BreakerGate<'_> {
    async fn enter(&self, api: &str) -> Result<(), Instant> {
        self.limiter.has_place(self.counted_until.load(Ordering::Relaxed) > self.clock.now().0);
        let entered = self.limiter.enter(api).await;
        if let Some(breaker) = self.limiter.told() {
            self.breakers.told(&self.key, breaker, self.clock.now());
        }
        entered
    }

    fn may_wait(&self, wait_ms: i64) -> bool {
        self.limiter.may_wait(wait_ms)
    }

    async fn block(&self, api: &str, until: Instant) {
        self.limiter.block(api, until).await;
    }

    fn resting(&self) -> Option<Held> {
        match self.now().state(self.clock.now()) {
            State::Open { until } => Some(Held { until, why: OPEN }),
            State::Closed | State::HalfOpen => {
                self.limiter.full_until().map(|until| Held { until, why: FULL })
            }
        }
    }

    /// It counts among the calls in flight from now on, whatever its connection is known for: until it has surely ended, or
    /// is not heard of any more, so that one whose end could not be told is forgotten soon.
    async fn lasts(&self) {
        let surely =
            self.bounds.deadline.min(self.clock.now().plus_ms(self.bounds.call_ms)).plus_ms(MARGIN_MS);
        let until = surely.min(self.clock.now().plus_ms(LASTS_AGAIN_MS + HEARD_WITHIN_MS));
        self.counted_until.fetch_max(until.0, Ordering::Relaxed);
        self.change(&Change::Enter { by: self.me.clone(), until, cap: u64::MAX }).await;
    }

    async fn admit(&self, api: &str) -> Result<(), Held> {
        let admitted = self.may_go().await;
        if admitted.is_err() {
            self.limiter.take_back(api);
        }
        admitted
    }

    async fn heard(&self, heard: Heard, took_ms: i64) {
        self.tell(heard, took_ms).await;
        // A table that does not answer this must have heard of the breaker before.
        self.limiter.came_back(heard == Heard::Works).await;
    }

    fn quota(&self, quota: Quota) {
        self.limiter.quota(quota);
    }
}

impl BreakerGate<'_> {
    /// Tells the others what a call says of the CRM's health, where it is news.
    async fn tell(&self, heard: Heard, took_ms: i64) {
        let now = self.clock.now();
        let slow = if heard == Heard::Works { self.breakers.took(&self.key, took_ms, now) } else { None };
        if self.probes.load(Ordering::Relaxed) && heard == Heard::Works && took_ms >= SLOW_CALL_MS {
            // It goes on, one call at a time: were it to stop here, work of two calls would never be done. Then all rest.
            self.late.store(true, Ordering::Relaxed);
            return self.tell_slow(slow).await;
        }
        let by = self.me.clone();
        let probed = self.probes.swap(false, Ordering::Relaxed);
        let failed = heard == Heard::Fails || (heard == Heard::Works && took_ms >= SLOW_CALL_MS);
        if failed {
            let count = self.breakers.failed(&self.key, now);
            if let Some(count) = count.or(probed.then_some(1)) {
                let (answered, random) = (heard == Heard::Works, self.clock.random());
                let after = self.change(&Change::Failed { by, count, answered, random }).await;
                if let State::Open { until } = after.state(self.clock.now()) {
                    let until = until.to_rfc3339();
                    tracing::warn!(event = "breaker", connection = self.key, until, "{OPEN}");
                }
            }
        } else if heard == Heard::Throttles {
            // It says when to come again, which says neither that it works nor that it does not.
            if probed {
                self.change(&Change::Leave { by }).await;
            }
        } else if self.breakers.went_well(&self.key, now) || probed {
            let until = self.bounds.deadline.plus_ms(MARGIN_MS);
            let after = self.change(&Change::Succeeded { by, until }).await;
            if probed && after.counts(&self.me) {
                self.counted_until.store(until.0, Ordering::Relaxed);
                tracing::info!(event = "breaker", connection = self.key, "the CRM is back");
            }
        }
        self.tell_slow(slow).await;
    }
}
