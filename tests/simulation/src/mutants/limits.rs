//! Bugs in how the limits table is used.

use super::Mutant;
use super::layer::{Layer, Layered};
use crate::core::{Core, SimClock};
use crate::env::Dress;
use async_trait::async_trait;
use futures::future::{Either, select};
use rtr_core::breaker::{Breaker, Change, Hold};
use rtr_core::key::ConnectionKey;
use rtr_core::lane::Lane;
use rtr_core::limit::{Ask, LIMITER_BUDGET_MS, Rule};
use rtr_core::time::Instant;
use rtr_engine::seams::{Baton, Clock as _, Lease, Limits, Unavailable};
use std::pin::pin;
use std::sync::Arc;

struct Wrong {
    mutant: Mutant,
    core: Arc<Core>,
    inner: Arc<dyn Limits>,
}

pub(super) fn dress(mutant: Mutant, core: &Arc<Core>, mut dress: Dress) -> Dress {
    dress.limits = Arc::new(Layered(Wrong { mutant, core: core.clone(), inner: dress.limits }));
    dress
}

#[async_trait]
impl Layer for Wrong {
    fn inner(&self) -> &dyn Limits {
        &*self.inner
    }

    async fn lease(&self, bucket: &str, rules: &[Rule], ask: &Ask) -> Result<Lease, Unavailable> {
        if matches!(self.mutant, Mutant::NoBackstop | Mutant::RefusesUnanswered) {
            let asked = self.inner.lease(bucket, rules, ask);
            let patience = self.core.kernel.sleep(LIMITER_BUDGET_MS - 10);
            if let Either::Left((Ok(lease), _)) = select(asked, pin!(patience)).await {
                return Ok(lease);
            }
            let minute = SimClock::of_whoever_runs(&self.core).now().plus_ms(60_000);
            return Ok(match self.mutant {
                Mutant::NoBackstop => Lease { granted: ask.want, ..Lease::default() },
                _ => Lease { retry_at: Some(minute), ..Lease::default() },
            });
        }
        if self.mutant == Mutant::LeaseForEver {
            self.core.kernel.sleep(5).await;
            return Ok(Lease { granted: 1_000, ..Lease::default() });
        }
        if self.mutant == Mutant::TwiceTheLimit {
            let twice = |rule: &Rule| Rule { requests: rule.requests * 2, burst: rule.burst * 2, ..*rule };
            let rules: Vec<Rule> = rules.iter().map(twice).collect();
            return self.inner.lease(bucket, &rules, ask).await;
        }
        let mut lease = self.inner.lease(bucket, rules, ask).await;
        match (self.mutant, &mut lease) {
            (Mutant::EverybodyProbes, Ok(lease)) => lease.breaker.probe = None,
            // Whoever finds no place goes without.
            (Mutant::EverybodyEnters, Ok(Lease { full: true, .. })) => {
                let ask = Ask { flight: None, ..ask.clone() };
                return self.inner.lease(bucket, rules, &ask).await;
            }
            _ => {}
        }
        lease
    }

    async fn change_breaker(
        &self,
        connection: &ConnectionKey,
        change: &Change,
    ) -> Result<Breaker, Unavailable> {
        let me = match (self.mutant, change) {
            (Mutant::NeverOpens, Change::Failed { .. }) | (Mutant::NeverCloses, Change::Succeeded { .. }) => {
                return self.inner.breaker(connection).await;
            }
            (Mutant::EverybodyProbes, Change::Probe { by, until }) => Hold { by: by.clone(), until: *until },
            _ => return self.inner.change_breaker(connection, change).await,
        };
        let mut breaker = self.inner.change_breaker(connection, change).await?;
        breaker.probe = Some(me);
        Ok(breaker)
    }

    async fn lock(&self, name: &str, holder: &str, for_ms: i64) -> Result<bool, Unavailable> {
        let longer = if self.mutant == Mutant::LockForEver { 1_000_000 } else { 1 };
        self.inner.lock(name, holder, for_ms * longer).await
    }

    async fn want_lane(&self, connection: &ConnectionKey, at: Instant) -> Result<(), Unavailable> {
        if self.mutant == Mutant::LaneUnwanted {
            self.core.kernel.sleep(5).await;
            return Ok(());
        }
        self.inner.want_lane(connection, at).await
    }

    async fn take_lane(&self, baton: &Baton, quiet_ms: i64) -> Result<Option<Lane>, Unavailable> {
        if self.mutant != Mutant::BatonsMultiply {
            return self.inner.take_lane(baton, quiet_ms).await;
        }
        let taken = self.inner.take_lane(baton, 0).await?;
        Ok(taken.or_else(|| Some(Lane { n: baton.n + 1, runs: 1, ..Lane::default() })))
    }

    async fn pass_lane(
        &self,
        connection: &ConnectionKey,
        taken: &Lane,
        next: Option<Instant>,
        held: Option<Instant>,
    ) -> Result<bool, Unavailable> {
        let next = next.filter(|_| self.mutant != Mutant::LaneForgotten);
        self.inner.pass_lane(connection, taken, next, held).await
    }
}
