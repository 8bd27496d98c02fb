//! The gate of one invocation's work at a connection: the limiter's, behind the connection's breaker.
//!
//! A healthy connection costs no request more: the breaker comes with the lease. Where it is open nobody is asked at all.
//! Half-open, one conditional write takes the probe. How few may be at work just after it has closed, and where the CRM is known
//! to be slow, the lease counts. A table that does not answer leaves each environment with what it last knew, and with a
//! breaker of its own.

mod known;

use crate::gate::LimiterGate;
use crate::seams::{Clock, Limits};
use async_trait::async_trait;
use futures::future::{Either, select};
pub use known::Breakers;
use rtr_connectors::session::{Gate, Heard, Held, Quota};
use rtr_core::breaker::{Breaker, Change, SLOW_CALL_MS, Slow, State};
use rtr_core::key::ConnectionKey;
use rtr_core::time::Instant;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// How long the table may take to hear of a change at least, in milliseconds; then it is gone on without it.
const BUDGET_MS: i64 = 250;
/// A call has surely ended so long after its own time, in milliseconds.
const MARGIN_MS: i64 = 1_000;
/// While another probes, it is looked again after this, in milliseconds; by then a new lease tells more.
const LOOK_MS: i64 = 2_000;

const OPEN: &str = "the CRM failed or was slow again and again: its calls rest";
const PROBED: &str = "the CRM failed or was slow again and again: one call tries whether it is back";
const FULL: &str = "enough are at work at it: the CRM is slow, does not answer, or has just come back";

/// What a gate needs to know of the invocation.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// The longest that one call takes, in milliseconds.
    pub call_ms: i64,
    /// The invocation's end.
    pub deadline: Instant,
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
    bounds: Bounds,
    /// Whose the probe is.
    me: String,
    probes: AtomicBool,
    /// Whether what it probed was answered, too late.
    late: AtomicBool,
    /// How often the breaker opened by a call of this gate.
    opened: AtomicU64,
}

impl<'a> BreakerGate<'a> {
    /// The breaker before `limiter`, both of `connection`.
    pub fn new(
        limits: &'a dyn Limits,
        clock: &'a dyn Clock,
        breakers: &'a Breakers,
        limiter: LimiterGate<'a>,
        connection: ConnectionKey,
        bounds: Bounds,
    ) -> Self {
        let [probes, late] = [false; 2].map(AtomicBool::new);
        let (key, me) = (connection.key(), clock.nonce());
        let opened = AtomicU64::new(0);
        Self { limiter, limits, clock, breakers, connection, key, bounds, me, probes, late, opened }
    }

    /// How often the breaker opened by a call of this gate.
    pub fn openings(&self) -> u64 {
        self.opened.load(Ordering::Relaxed)
    }

    /// Gives back what is held of the connection: no other call is made.
    pub async fn leave(&self) {
        let probed = self.probes.swap(false, Ordering::Relaxed);
        let late = self.late.swap(false, Ordering::Relaxed);
        let by = self.me.clone();
        if probed && late {
            let random = self.clock.random();
            self.change(&Change::Failed { by, count: 1, answered: true, random }).await;
        } else if probed {
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
        tracing::warn!(
            event = "breaker",
            org_id = self.connection.org_id,
            connection = self.connection.connection,
            message
        );
    }

    /// Takes the one call of a half-open breaker, if nobody has it, or another one after it.
    async fn probe(&self, mut breaker: Breaker, now: Instant) -> Result<(), Held> {
        let mine = |breaker: &Breaker| breaker.probe.as_ref().is_some_and(|probe| probe.by == self.me);
        if mine(&breaker) || breaker.probing(now).is_none() {
            let until = self.bounds.deadline.min(now.plus_ms(self.bounds.call_ms)).plus_ms(MARGIN_MS);
            breaker = self.change(&Change::Probe { by: self.me.clone(), until }).await;
        }
        let now = self.clock.now();
        match breaker.state(now) {
            // Then only so many may be at work: whoever waited for the probe asks for a place first.
            State::Closed => Err(Held { until: now.plus_ms(1), why: PROBED }),
            State::Open { until } => Err(Held { until, why: OPEN }),
            State::HalfOpen if mine(&breaker) => {
                self.probes.store(true, Ordering::Relaxed);
                Ok(())
            }
            State::HalfOpen => {
                let ends = breaker.probing(now).map_or(now, |probe| probe.until);
                Err(Held { until: ends.clamp(now, now.plus_ms(LOOK_MS)), why: PROBED })
            }
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
            State::Closed => Ok(()),
            State::HalfOpen => self.probe(breaker, now).await,
        }
    }
}

#[async_trait]
impl Gate for BreakerGate<'_> {
    async fn enter(&self, api: &str) -> Result<(), Instant> {
        let since = self.now().capped_since(self.clock.now());
        self.limiter.goes_by(self.breakers.call_ms(&self.key), since);
        let entered = self.limiter.enter(api).await;
        if let Some(breaker) = self.limiter.told() {
            self.breakers.told(&self.key, breaker, self.clock.now());
        }
        entered
    }

    fn may_wait(&self, wait_ms: i64) -> bool {
        self.limiter.may_wait(wait_ms)
    }

    fn longest_wait_ms(&self) -> i64 {
        self.limiter.longest_wait_ms()
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

    fn long_ms(&self) -> i64 {
        self.limiter.long_ms()
    }

    async fn lasts(&self, for_ms: i64) -> i64 {
        self.limiter.lasts(for_ms).await
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
        let began = self.clock.now().plus_ms(-took_ms);
        self.limiter.came_back((heard != Heard::Fails).then_some(began)).await;
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
                    self.opened.fetch_add(1, Ordering::Relaxed);
                    let until = until.to_rfc3339();
                    tracing::warn!(
                        event = "breaker",
                        org_id = self.connection.org_id,
                        connection = self.connection.connection,
                        until,
                        "{OPEN}"
                    );
                }
            }
        } else if heard == Heard::Throttles {
            // It says when to come again, which says neither that it works nor that it does not.
            if probed {
                self.change(&Change::Leave { by }).await;
            }
        } else if self.breakers.went_well(&self.key, now) || probed {
            let after = self.change(&Change::Succeeded { by }).await;
            if probed && after.state(self.clock.now()) == State::Closed {
                tracing::info!(
                    event = "breaker",
                    org_id = self.connection.org_id,
                    connection = self.connection.connection,
                    "the CRM is back"
                );
            }
        }
        self.tell_slow(slow).await;
    }
}
