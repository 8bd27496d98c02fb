//! Buckets, locks and suspensions in memory, decided by the same core as the real ones.

use crate::clock::TestClock;
use async_trait::async_trait;
use rtr_connectors::http::Clock;
use rtr_core::limit::{Bucket, Rule, block, take};
use rtr_core::time::Instant;
use rtr_engine::seams::{Consent, ConsentEnding, Consents, Known, Lease, Limits, Suspension, Unavailable};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The table.
#[derive(Debug)]
pub struct MemoryLimits {
    clock: Arc<TestClock>,
    state: Mutex<State>,
}

/// What is in it, and what was asked of it.
#[derive(Debug, Default)]
pub struct State {
    /// Buckets by name.
    pub buckets: BTreeMap<String, Bucket>,
    /// Locks: holder and end.
    pub locks: BTreeMap<String, (String, Instant)>,
    /// Suspended connections.
    pub suspensions: BTreeMap<String, Suspension>,
    /// What is known of connections' credentials.
    pub known: BTreeMap<String, Known>,
    /// Consents that nobody has taken yet.
    pub consents: BTreeMap<String, Consent>,
    /// How consents ended.
    pub endings: BTreeMap<String, ConsentEnding>,
    /// Leases asked.
    pub leases: u64,
    /// While true nothing ever answers.
    pub hangs: bool,
}

impl MemoryLimits {
    /// An empty table on `clock`.
    #[must_use]
    pub fn new(clock: Arc<TestClock>) -> Self {
        Self { clock, state: Mutex::default() }
    }

    /// The state, to look at or to change.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn answer(&self) {
        if self.state().hangs {
            std::future::pending::<()>().await;
        }
    }
}

#[async_trait]
impl Limits for MemoryLimits {
    async fn lease(&self, bucket: &str, rules: &[Rule], want: u64) -> Result<Lease, Unavailable> {
        self.answer().await;
        let mut state = self.state();
        state.leases += 1;
        let held = state.buckets.entry(bucket.to_owned()).or_default();
        let taken = take(held, rules, want, self.clock.now());
        *held = taken.bucket;
        Ok(Lease { granted: taken.granted, retry_at: taken.retry_at })
    }

    async fn block(&self, bucket: &str, until: Instant) -> Result<(), Unavailable> {
        if self.state().hangs {
            return Err(Unavailable("the limiter does not answer".to_owned()));
        }
        let mut state = self.state();
        let held = state.buckets.entry(bucket.to_owned()).or_default();
        *held = block(held, until);
        Ok(())
    }

    async fn lock(&self, name: &str, holder: &str, for_ms: i64) -> Result<bool, Unavailable> {
        let now = self.clock.now();
        let mut state = self.state();
        let free = state.locks.get(name).is_none_or(|(by, until)| by == holder || *until <= now);
        if free {
            state.locks.insert(name.to_owned(), (holder.to_owned(), now.plus_ms(for_ms)));
        }
        Ok(free)
    }

    async fn unlock(&self, name: &str, holder: &str) -> Result<(), Unavailable> {
        let mut state = self.state();
        if state.locks.get(name).is_some_and(|(by, _)| by == holder) {
            state.locks.remove(name);
        }
        Ok(())
    }

    async fn suspension(&self, connection: &str) -> Result<Option<Suspension>, Unavailable> {
        Ok(self.state().suspensions.get(connection).cloned())
    }

    async fn set_suspension(
        &self,
        connection: &str,
        suspension: Option<&Suspension>,
    ) -> Result<(), Unavailable> {
        let mut state = self.state();
        match suspension {
            Some(suspension) => state.suspensions.insert(connection.to_owned(), suspension.clone()),
            None => state.suspensions.remove(connection),
        };
        Ok(())
    }

    async fn known(&self, connection: &str) -> Result<Known, Unavailable> {
        Ok(self.state().known.get(connection).cloned().unwrap_or_default())
    }

    async fn note_account(&self, connection: &str, account: &str) -> Result<(), Unavailable> {
        self.state().known.entry(connection.to_owned()).or_default().account = Some(account.to_owned());
        Ok(())
    }

    async fn note_replaced(&self, connection: &str, version: &str) -> Result<(), Unavailable> {
        let replaced = Some((version.to_owned(), self.clock.now()));
        self.state().known.entry(connection.to_owned()).or_default().replaced = replaced;
        Ok(())
    }
}

#[async_trait]
impl Consents for MemoryLimits {
    async fn put_consent(&self, state: &str, consent: &Consent) -> Result<(), Unavailable> {
        self.state().consents.insert(state.to_owned(), consent.clone());
        Ok(())
    }

    async fn take_consent(&self, state: &str) -> Result<Option<Consent>, Unavailable> {
        let now = self.clock.now();
        Ok(self.state().consents.remove(state).filter(|consent| consent.until > now))
    }

    async fn end_consent(&self, state: &str, ending: &ConsentEnding) -> Result<(), Unavailable> {
        self.state().endings.insert(state.to_owned(), ending.clone());
        Ok(())
    }

    async fn consent_ending(&self, state: &str) -> Result<Option<ConsentEnding>, Unavailable> {
        Ok(self.state().endings.get(state).cloned())
    }
}
