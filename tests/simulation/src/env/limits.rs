//! The limits as one environment reaches them, with what the watch has to know of its waits.

use crate::core::{Core, EnvId};
use async_trait::async_trait;
use rtr_core::breaker::{Breaker, Change};
use rtr_core::key::ConnectionKey;
use rtr_core::lane::Lane;
use rtr_core::limit::{Ask, LIMITER_BUDGET_MS, Rule};
use rtr_core::time::Instant;
use rtr_engine::seams::{Baton, Known, Lease, Limits, Suspension, Tally, Unavailable};
use std::sync::Arc;

/// The limits as one environment reaches them, its waits noted.
pub(super) struct EnvLimits {
    pub(super) core: Arc<Core>,
    pub(super) inner: Arc<dyn Limits>,
    pub(super) env: EnvId,
}

/// Tells the watch of a wait for the limiter that came to nothing.
struct Waiting<'a> {
    of: &'a EnvLimits,
    since: Instant,
    still_ms: i64,
    answered: bool,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let now = self.of.core.kernel.now();
        let core = &self.of.core;
        // Who stands still does not wait.
        let waited = now.since_ms(self.since) - (core.still_ms(self.of.env) - self.still_ms);
        if !self.answered {
            core.oracle().limiter_silent(now, self.of.env);
        }
        // A function that is killed drops its waits as well, sooner.
        if waited > LIMITER_BUDGET_MS || !self.answered && waited == LIMITER_BUDGET_MS {
            core.oracle().limiter_slow(self.since, waited, self.of.env);
        }
    }
}

/// Tells the watch of a rest, and whether others can know of it: whoever dies while the table does not answer has told nobody.
struct Blocking<'a> {
    of: &'a EnvLimits,
    bucket: &'a str,
    until: Instant,
    told: bool,
}

impl Drop for Blocking<'_> {
    fn drop(&mut self) {
        let core = &self.of.core;
        core.oracle().blocked(core.kernel.now(), self.of.env, self.bucket, self.until, self.told);
    }
}

/// Tells the watch of a change that came to no answer: whoever wanted it goes on without.
struct Telling<'a> {
    of: &'a EnvLimits,
    answered: bool,
}

impl Drop for Telling<'_> {
    fn drop(&mut self) {
        if !self.answered {
            let core = &self.of.core;
            core.oracle().breaker_silent(core.kernel.now(), self.of.env);
        }
    }
}

#[async_trait]
impl Limits for EnvLimits {
    async fn lease(&self, bucket: &str, rules: &[Rule], ask: &Ask) -> Result<Lease, Unavailable> {
        let (since, still_ms) = (self.core.kernel.now(), self.core.still_ms(self.env));
        let mut waiting = Waiting { of: self, since, still_ms, answered: false };
        let answer = self.inner.lease(bucket, rules, ask).await;
        waiting.answered = true;
        let core = &self.core;
        core.oracle().leased(core.kernel.now(), self.env, bucket, &answer);
        core.trace.note(core.kernel.now(), "lease", || {
            format!("{bucket} of {ask:?}: {answer:?} (env {})", self.env)
        });
        answer
    }

    async fn block(&self, bucket: &str, until: Instant) -> Result<(), Unavailable> {
        let mut blocking = Blocking { of: self, bucket, until, told: false };
        let answer = self.inner.block(bucket, until).await;
        blocking.told = answer.is_ok();
        answer
    }

    async fn breaker(&self, connection: &ConnectionKey) -> Result<Breaker, Unavailable> {
        self.inner.breaker(connection).await
    }

    async fn change_breaker(
        &self,
        connection: &ConnectionKey,
        change: &Change,
    ) -> Result<Breaker, Unavailable> {
        if let Change::Probe { by, .. } = change {
            self.core.oracle().goes_by(self.env, by);
        }
        let mut telling = Telling { of: self, answered: false };
        let answer = self.inner.change_breaker(connection, change).await;
        telling.answered = answer.is_ok();
        let core = &self.core;
        core.trace.note(core.kernel.now(), "breaker", || {
            format!("{} {change:?}: {answer:?} (env {})", connection.key(), self.env)
        });
        answer
    }

    async fn lock(&self, name: &str, holder: &str, for_ms: i64) -> Result<bool, Unavailable> {
        self.inner.lock(name, holder, for_ms).await
    }

    async fn unlock(&self, name: &str, holder: &str) -> Result<(), Unavailable> {
        self.inner.unlock(name, holder).await
    }

    async fn suspension(&self, connection: &str) -> Result<Option<Suspension>, Unavailable> {
        self.inner.suspension(connection).await
    }

    async fn set_suspension(
        &self,
        connection: &str,
        suspension: Option<&Suspension>,
    ) -> Result<(), Unavailable> {
        if suspension.is_some() {
            let fired = self.core.plan().fired().clone();
            self.core.oracle().suspended(connection, &fired);
        }
        self.inner.set_suspension(connection, suspension).await
    }

    async fn known(&self, connection: &str) -> Result<Known, Unavailable> {
        self.inner.known(connection).await
    }

    async fn note_account(&self, connection: &str, account: &str) -> Result<(), Unavailable> {
        self.inner.note_account(connection, account).await
    }

    async fn note_replaced(&self, connection: &str, version: &str) -> Result<(), Unavailable> {
        self.inner.note_replaced(connection, version).await
    }

    async fn want_lane(&self, connection: &ConnectionKey, at: Instant) -> Result<(), Unavailable> {
        self.inner.want_lane(connection, at).await
    }

    async fn lanes_due(&self, now: Instant, limit: usize) -> Result<Vec<Baton>, Unavailable> {
        self.inner.lanes_due(now, limit).await
    }

    async fn take_lane(&self, baton: &Baton, quiet_ms: i64) -> Result<Option<Lane>, Unavailable> {
        self.inner.take_lane(baton, quiet_ms).await
    }

    async fn pass_lane(
        &self,
        connection: &ConnectionKey,
        taken: &Lane,
        next: Option<Instant>,
        held: Option<Instant>,
    ) -> Result<bool, Unavailable> {
        self.inner.pass_lane(connection, taken, next, held).await
    }

    async fn open_offers(
        &self,
        connection: &ConnectionKey,
        names: &[String],
        until: Instant,
    ) -> Result<(), Unavailable> {
        self.inner.open_offers(connection, names, until).await
    }

    async fn close_offers(&self, connection: &ConnectionKey, names: &[String]) -> Result<(), Unavailable> {
        self.inner.close_offers(connection, names).await
    }

    async fn offers(&self, connection: &ConnectionKey) -> Result<Option<Instant>, Unavailable> {
        self.inner.offers(connection).await
    }

    async fn add_tally(&self, org: &str, revision: u64, tally: Tally) -> Result<(), Unavailable> {
        self.inner.add_tally(org, revision, tally).await
    }

    async fn tally(&self, org: &str, revision: u64) -> Result<Tally, Unavailable> {
        self.inner.tally(org, revision).await
    }

    async fn note_lane(
        &self,
        connection: &ConnectionKey,
        taken: &Lane,
        note: Option<&str>,
    ) -> Result<bool, Unavailable> {
        self.inner.note_lane(connection, taken, note).await
    }
}
