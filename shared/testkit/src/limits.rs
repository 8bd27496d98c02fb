//! Buckets, locks and suspensions in memory, decided by the same core as the real ones.

mod consents;
mod notices;

use crate::weather::{Calm, Fate, Op, Service, Weather};
use async_trait::async_trait;
use rtr_connectors::http::Clock;
use rtr_core::breaker::{Breaker, Change};
use rtr_core::key::ConnectionKey;
use rtr_core::lane::Lane;
use rtr_core::limit::{Ask, Bucket, Rule, block, general_bucket, take};
use rtr_core::notice::Notice;
use rtr_core::time::Instant;
use rtr_engine::seams::{
    Baton, Consent, ConsentEnding, Known, Lease, Limits, Suspension, Tally, Unavailable,
};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The table.
#[derive(Debug)]
pub struct MemoryLimits {
    clock: Arc<dyn Clock>,
    weather: Arc<dyn Weather>,
    state: Mutex<State>,
}

/// What is in it, and what was asked of it.
#[derive(Debug, Default)]
pub struct State {
    /// Buckets by name.
    pub buckets: BTreeMap<String, Bucket>,
    /// Breakers, by the general bucket of their connection.
    pub breakers: BTreeMap<String, Breaker>,
    /// Changes of breakers that were written.
    pub breaker_writes: u64,
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
    /// Bulk lanes by connection.
    pub lanes: BTreeMap<ConnectionKey, Lane>,
    /// Records that are being offered to the internal system, by connection and name.
    pub offers: BTreeMap<ConnectionKey, BTreeMap<String, Instant>>,
    /// What became of records under mappings that are tried, by org and revision.
    pub tallies: BTreeMap<(String, u64), Tally>,
    /// What is to be told of connections, by its key, with when it is due.
    pub notices: BTreeMap<String, Noted>,
    /// Leases asked.
    pub leases: u64,
    /// Leases granted: each is a write.
    pub writes: u64,
    /// While true nothing ever answers.
    pub hangs: bool,
}

/// What was raised of a kind for a connection.
#[derive(Debug, Clone)]
pub struct Noted {
    /// The last of it, with the count of all that was not told.
    pub notice: Notice,
    /// When it is to be told; none: it was.
    pub due_at: Option<Instant>,
    /// When one was told.
    pub told_at: Option<Instant>,
}

impl MemoryLimits {
    /// An empty table on `clock`.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self::under(clock, Arc::new(Calm))
    }

    /// The same under `weather`.
    #[must_use]
    pub fn under(clock: Arc<dyn Clock>, weather: Arc<dyn Weather>) -> Self {
        Self { clock, weather, state: Mutex::default() }
    }

    /// The state, to look at or to change.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Acts between the way there and the way back; `act` is only asked where something is done. No write here carries a
    /// token: what the SDK sends twice is done twice, and the caller hears of the second.
    async fn asked<T>(&self, name: &'static str, act: impl Fn(&mut State) -> T) -> Result<T, Unavailable> {
        let op = Op { service: Service::Limits, name, parts: 1 };
        let fate = self.weather.there(op).await;
        if fate == Fate::SentTwice {
            act(&mut self.state());
        }
        let answer = fate.does(0).then(|| act(&mut self.state()));
        self.weather.back(op).await;
        answer
            .filter(|_| fate.tells(0))
            .ok_or_else(|| Unavailable("the limits table does not answer".to_owned()))
    }
}

#[async_trait]
impl Limits for MemoryLimits {
    async fn lease(&self, bucket: &str, rules: &[Rule], ask: &Ask) -> Result<Lease, Unavailable> {
        if self.state().hangs {
            std::future::pending::<()>().await;
        }
        self.asked("lease", |state| {
            state.leases += 1;
            let held = state.buckets.entry(bucket.to_owned()).or_default();
            let now = self.clock.now();
            let breaker = state.breakers.get(bucket).cloned().unwrap_or_default();
            let taken = take(held, rules, &ask.under(&breaker, rules, now), now);
            // A refusal writes nothing: looking in vain costs no fraction of a token.
            let tells = ask.want == 0 && taken.bucket != *held;
            if taken.granted > 0 || tells {
                state.writes += 1;
                *held = taken.bucket.clone();
            }
            Lease::of(&taken, breaker)
        })
        .await
    }

    async fn block(&self, bucket: &str, until: Instant) -> Result<(), Unavailable> {
        if self.state().hangs {
            return Err(Unavailable("the limiter does not answer".to_owned()));
        }
        self.asked("block", |state| {
            let held = state.buckets.entry(bucket.to_owned()).or_default();
            *held = block(held, until, self.clock.now());
        })
        .await
    }

    async fn breaker(&self, connection: &ConnectionKey) -> Result<Breaker, Unavailable> {
        let bucket = general_bucket(connection);
        self.asked("breaker", |state| state.breakers.get(&bucket).cloned().unwrap_or_default()).await
    }

    async fn change_breaker(
        &self,
        connection: &ConnectionKey,
        change: &Change,
    ) -> Result<Breaker, Unavailable> {
        if self.state().hangs {
            std::future::pending::<()>().await;
        }
        let bucket = general_bucket(connection);
        self.asked("change_breaker", |state| {
            let held = state.breakers.entry(bucket.clone()).or_default();
            if let Some(after) = held.after(change, self.clock.now()) {
                *held = after;
                state.breaker_writes += 1;
            }
            held.clone()
        })
        .await
    }

    async fn lock(&self, name: &str, holder: &str, for_ms: i64) -> Result<bool, Unavailable> {
        self.asked("lock", |state| {
            let now = self.clock.now();
            let free = state.locks.get(name).is_none_or(|(by, until)| by == holder || *until <= now);
            if free {
                state.locks.insert(name.to_owned(), (holder.to_owned(), now.plus_ms(for_ms)));
            }
            free
        })
        .await
    }

    async fn unlock(&self, name: &str, holder: &str) -> Result<(), Unavailable> {
        self.asked("unlock", |state| {
            if state.locks.get(name).is_some_and(|(by, _)| by == holder) {
                state.locks.remove(name);
            }
        })
        .await
    }

    async fn suspension(&self, connection: &str) -> Result<Option<Suspension>, Unavailable> {
        self.asked("suspension", |state| state.suspensions.get(connection).cloned()).await
    }

    async fn set_suspension(
        &self,
        connection: &str,
        suspension: Option<&Suspension>,
    ) -> Result<(), Unavailable> {
        self.asked("set_suspension", |state| {
            match suspension {
                Some(suspension) => state.suspensions.insert(connection.to_owned(), suspension.clone()),
                None => state.suspensions.remove(connection),
            };
        })
        .await
    }

    async fn known(&self, connection: &str) -> Result<Known, Unavailable> {
        self.asked("known", |state| state.known.get(connection).cloned().unwrap_or_default()).await
    }

    async fn note_account(&self, connection: &str, account: &str) -> Result<(), Unavailable> {
        self.asked("note_account", |state| {
            state.known.entry(connection.to_owned()).or_default().account = Some(account.to_owned());
        })
        .await
    }

    async fn note_replaced(&self, connection: &str, version: &str) -> Result<(), Unavailable> {
        self.asked("note_replaced", |state| {
            let replaced = Some((version.to_owned(), self.clock.now()));
            state.known.entry(connection.to_owned()).or_default().replaced = replaced;
        })
        .await
    }

    async fn want_lane(&self, connection: &ConnectionKey, at: Instant) -> Result<(), Unavailable> {
        self.asked("want_lane", |state| {
            let held = state.lanes.entry(connection.clone()).or_default();
            if let Some(wanted) = held.want(at, self.clock.now()) {
                *held = wanted;
            }
        })
        .await
    }

    async fn lanes_due(&self, now: Instant, limit: usize) -> Result<Vec<Baton>, Unavailable> {
        self.asked("lanes_due", |state| {
            let due = |(connection, lane): (&ConnectionKey, &Lane)| {
                let at = lane.due_at.filter(|at| *at <= now)?;
                Some((at, Baton { connection: connection.clone(), n: lane.n }))
            };
            let mut due: Vec<(Instant, Baton)> = state.lanes.iter().filter_map(due).collect();
            due.sort_by_key(|(at, _)| *at);
            due.into_iter().take(limit).map(|(_, baton)| baton).collect()
        })
        .await
    }

    async fn take_lane(&self, baton: &Baton, quiet_ms: i64) -> Result<Option<Lane>, Unavailable> {
        self.asked("take_lane", |state| {
            let held = state.lanes.entry(baton.connection.clone()).or_default();
            let taken = held.take(baton.n, quiet_ms, self.clock.now());
            if let Some(taken) = &taken {
                *held = taken.clone();
            }
            taken
        })
        .await
    }

    async fn pass_lane(
        &self,
        connection: &ConnectionKey,
        taken: &Lane,
        next: Option<Instant>,
        held: Option<Instant>,
    ) -> Result<bool, Unavailable> {
        self.asked("pass_lane", |state| {
            let lane = state.lanes.entry(connection.clone()).or_default();
            let passed = lane.pass(taken, next, held);
            let is_mine = passed.is_some();
            if let Some(passed) = passed {
                *lane = passed;
            }
            is_mine
        })
        .await
    }

    async fn note_lane(
        &self,
        connection: &ConnectionKey,
        taken: &Lane,
        note: Option<&str>,
    ) -> Result<bool, Unavailable> {
        self.asked("note_lane", |state| {
            let held = state.lanes.entry(connection.clone()).or_default();
            let noted = held.noting(taken, note);
            let is_mine = noted.is_some();
            if let Some(noted) = noted {
                *held = noted;
            }
            is_mine
        })
        .await
    }

    async fn open_offers(
        &self,
        connection: &ConnectionKey,
        names: &[String],
        until: Instant,
    ) -> Result<(), Unavailable> {
        self.asked("open_offers", |state| {
            let held = state.offers.entry(connection.clone()).or_default();
            held.extend(names.iter().map(|name| (name.clone(), until)));
        })
        .await
    }

    async fn close_offers(&self, connection: &ConnectionKey, names: &[String]) -> Result<(), Unavailable> {
        self.asked("close_offers", |state| {
            let held = state.offers.entry(connection.clone()).or_default();
            held.retain(|name, _| !names.contains(name));
        })
        .await
    }

    async fn offers(&self, connection: &ConnectionKey) -> Result<Option<Instant>, Unavailable> {
        self.asked("offers", |state| {
            let held = state.offers.get(connection)?;
            held.values().copied().filter(|until| *until > self.clock.now()).max()
        })
        .await
    }

    async fn add_tally(&self, org: &str, revision: u64, tally: Tally) -> Result<(), Unavailable> {
        self.asked("add_tally", |state| {
            let held = state.tallies.entry((org.to_owned(), revision)).or_default();
            held.well += tally.well;
            held.dead += tally.dead;
        })
        .await
    }

    async fn tally(&self, org: &str, revision: u64) -> Result<Tally, Unavailable> {
        let key = (org.to_owned(), revision);
        self.asked("tally", |state| state.tallies.get(&key).copied().unwrap_or_default()).await
    }
}
