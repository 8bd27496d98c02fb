//! What every simulated service shares: time, the plan of faults, the watch that is kept, the trace.

use crate::faults::{Fault, Site};
use crate::kernel::{Kernel, held};
use crate::lambda::Happen;
use crate::oracle::Oracle;
use crate::plan::Plan;
use crate::trace::Trace;
use async_trait::async_trait;
use rtr_connectors::http::Clock;
use rtr_core::time::Instant;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

/// The number of an environment.
pub type EnvId = usize;

/// Nobody's environment.
const NOBODY: EnvId = EnvId::MAX;

/// Where an invocation is that has called nothing yet.
pub const BEFORE: &str = "before any call";

/// The shared part.
pub struct Core {
    /// Time and chance.
    pub kernel: Kernel<Happen>,
    /// What happened, for people.
    pub trace: Trace,
    plan: Mutex<Plan>,
    oracle: Mutex<Oracle>,
    /// How far each environment's clock is off, in milliseconds.
    skews: Mutex<Vec<i64>>,
    /// The remote call that each environment has begun last.
    steps: Mutex<BTreeMap<EnvId, &'static str>>,
    /// How long each environment has stood still, in milliseconds.
    still: Mutex<BTreeMap<EnvId, i64>>,
    running: AtomicUsize,
    /// Until when the tables, and the limits table alone, do not answer.
    tables_down_until: AtomicI64,
    limits_down_until: AtomicI64,
    index_stale_ms: AtomicI64,
    /// What functions die of, and how often yet.
    deadly: Mutex<Vec<(String, u8)>>,
    /// Environments whose batch a backfill sent alone.
    backfilling: Mutex<BTreeSet<EnvId>>,
    /// Records of CRMs that a person changed last by an integration: connection and id.
    by_machine: Mutex<BTreeSet<String>>,
    /// Who dies of what, as soon as it waits.
    doomed: Mutex<Option<(EnvId, String)>>,
}

impl Core {
    /// A shared part of a history.
    #[must_use]
    pub fn new(seed: u64, plan: Plan, oracle: Oracle, trace: Trace) -> Self {
        Self {
            kernel: Kernel::new(seed),
            trace,
            plan: Mutex::new(plan),
            oracle: Mutex::new(oracle),
            skews: Mutex::default(),
            steps: Mutex::default(),
            still: Mutex::default(),
            running: AtomicUsize::new(NOBODY),
            tables_down_until: AtomicI64::new(0),
            limits_down_until: AtomicI64::new(0),
            index_stale_ms: AtomicI64::new(0),
            deadly: Mutex::default(),
            backfilling: Mutex::default(),
            by_machine: Mutex::default(),
            doomed: Mutex::default(),
        }
    }

    /// The plan.
    pub fn plan(&self) -> MutexGuard<'_, Plan> {
        held(&self.plan)
    }

    /// The watch.
    pub fn oracle(&self) -> MutexGuard<'_, Oracle> {
        held(&self.oracle)
    }

    /// One more chance of `site`: what strikes there now. Striking is noted by whoever lets it.
    pub fn chance(&self, site: Site) -> Option<(Fault, u32)> {
        self.plan().chance(site)
    }

    /// Notes that `fault` struck.
    pub fn fire(&self, fault: Fault) {
        self.shape(fault.name());
    }

    /// The same for a fault that is a shape.
    pub fn shape(&self, name: &'static str) {
        self.plan().fire(name);
        self.trace.note(self.kernel.now(), "fault", || name.to_owned());
    }

    /// A new environment, its clock right.
    pub fn add_env(&self) -> EnvId {
        let mut skews = held(&self.skews);
        skews.push(0);
        skews.len() - 1
    }

    /// Lets `env`'s clock be off by `ms`.
    pub fn set_skew(&self, env: EnvId, ms: i64) {
        self.oracle().clock_set(self.kernel.now(), env, ms != 0);
        if let Some(skew) = held(&self.skews).get_mut(env) {
            *skew = ms;
        }
    }

    /// How far `env`'s clock is off.
    pub fn skew(&self, env: EnvId) -> i64 {
        held(&self.skews).get(env).copied().unwrap_or(0)
    }

    /// Notes that `env` begins the call `step`.
    pub fn steps(&self, env: EnvId, step: &'static str) {
        held(&self.steps).insert(env, step);
    }

    /// The remote call that `env` has begun last.
    pub fn step_of(&self, env: EnvId) -> &'static str {
        held(&self.steps).get(&env).copied().unwrap_or(BEFORE)
    }

    /// Notes that `fault` strikes `env` where it is.
    pub fn fire_at(&self, fault: Fault, env: EnvId) {
        let step = self.step_of(env);
        self.plan().strike_at(fault.name(), step);
        self.fire(fault);
    }

    /// Notes that `env` has stood still for so long.
    pub fn stood_still(&self, env: EnvId, ms: i64) {
        *held(&self.still).entry(env).or_default() += ms;
    }

    /// How long `env` has stood still in all.
    pub fn still_ms(&self, env: EnvId) -> i64 {
        held(&self.still).get(&env).copied().unwrap_or(0)
    }

    /// Functions die of the value `stamp`, so often.
    pub fn make_deadly(&self, stamp: String, times: u8) {
        held(&self.deadly).push((stamp, times));
    }

    /// Functions die of nothing any more: somebody has mended what they died of.
    pub fn end_deadly(&self) {
        held(&self.deadly).clear();
    }

    /// Whether `env` dies of what it is about to send, and whether that is sent all the same: every other time.
    pub fn dooms(&self, env: EnvId, body: &[u8]) -> Option<bool> {
        let mut deadly = held(&self.deadly);
        if deadly.is_empty() {
            return None;
        }
        let text = String::from_utf8_lossy(body);
        let (stamp, left) =
            deadly.iter_mut().find(|(stamp, left)| *left > 0 && text.contains(&format!("{stamp}\"")))?;
        let mut doomed = held(&self.doomed);
        if doomed.is_none() {
            *left -= 1;
            *doomed = Some((env, stamp.clone()));
        }
        Some(left.is_multiple_of(2))
    }

    /// What the one who has just run dies of.
    pub fn doomed(&self) -> Option<(EnvId, String)> {
        held(&self.doomed).take()
    }

    /// The batch that `env` begins with was sent by a backfill alone, or not.
    pub fn begins(&self, env: EnvId, backfill: bool) {
        let mut backfilling = held(&self.backfilling);
        if backfill {
            backfilling.insert(env)
        } else {
            backfilling.remove(&env)
        };
    }

    /// Whether it was.
    pub fn is_backfilling(&self, env: EnvId) -> bool {
        held(&self.backfilling).contains(&env)
    }

    /// A person has changed a CRM's record by an integration, or by hand.
    pub fn note_machine(&self, at: String, by_machine: bool) {
        let mut all = held(&self.by_machine);
        if by_machine {
            all.insert(at)
        } else {
            all.remove(&at)
        };
    }

    /// Whether it was an integration that changed a CRM's record last.
    pub fn is_by_machine(&self, at: &str) -> bool {
        held(&self.by_machine).contains(at)
    }

    /// Environments so far.
    pub fn envs(&self) -> usize {
        held(&self.skews).len()
    }

    /// Says who runs now.
    pub fn enter(&self, env: EnvId) {
        self.running.store(env, Ordering::Relaxed);
    }

    /// Nobody runs now.
    pub fn leave(&self) {
        self.running.store(NOBODY, Ordering::Relaxed);
    }

    /// Who runs now.
    pub fn env(&self) -> EnvId {
        self.running.load(Ordering::Relaxed)
    }

    /// No table answers for so long.
    pub fn tables_down(&self, ms: i64) {
        self.tables_down_until.store(self.kernel.now().plus_ms(ms).0, Ordering::Relaxed);
    }

    /// The limits table does not answer for so long.
    pub fn limits_down(&self, ms: i64) {
        self.limits_down_until.store(self.kernel.now().plus_ms(ms).0, Ordering::Relaxed);
    }

    /// Whether no table answers.
    pub fn are_tables_down(&self) -> bool {
        self.kernel.now().0 < self.tables_down_until.load(Ordering::Relaxed)
    }

    /// Whether the limits table does not answer.
    pub fn are_limits_down(&self) -> bool {
        self.kernel.now().0 < self.limits_down_until.load(Ordering::Relaxed)
    }

    /// Indexes show what was written so long ago at the latest.
    pub fn set_index_stale(&self, ms: i64) {
        self.index_stale_ms.store(ms, Ordering::Relaxed);
    }

    /// How old a write must be for an index to show it.
    pub fn index_stale_ms(&self) -> i64 {
        self.index_stale_ms.load(Ordering::Relaxed)
    }

    /// Ends every fault.
    pub fn calm(&self) {
        self.plan().end();
        self.tables_down_until.store(0, Ordering::Relaxed);
        self.limits_down_until.store(0, Ordering::Relaxed);
        self.set_index_stale(0);
        for env in 0..self.envs() {
            if self.skew(env) != 0 {
                self.set_skew(env, 0);
            }
        }
    }
}

impl std::fmt::Debug for Core {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "at {}", self.kernel.now().0)
    }
}

/// A clock: an environment's own, or that of whoever runs.
#[derive(Debug)]
pub struct SimClock {
    core: Arc<Core>,
    of: Option<EnvId>,
}

impl SimClock {
    /// The clock of `env`.
    #[must_use]
    pub fn of(core: &Arc<Core>, env: EnvId) -> Self {
        Self { core: core.clone(), of: Some(env) }
    }

    /// The clock of whichever environment runs: what a client of a table goes by.
    #[must_use]
    pub fn of_whoever_runs(core: &Arc<Core>) -> Self {
        Self { core: core.clone(), of: None }
    }
}

#[async_trait]
impl Clock for SimClock {
    fn now(&self) -> Instant {
        self.core.kernel.now().plus_ms(self.core.skew(self.of.unwrap_or(self.core.env())))
    }

    async fn sleep_ms(&self, ms: i64) {
        self.core.kernel.sleep(ms.max(0)).await;
    }

    fn random(&self) -> f64 {
        self.core.kernel.random()
    }

    fn nonce(&self) -> String {
        format!("nonce-{}", self.core.kernel.next())
    }
}

/// A service's own clock, which is always right.
#[derive(Debug)]
pub struct TrueClock(pub Arc<Core>);

#[async_trait]
impl Clock for TrueClock {
    fn now(&self) -> Instant {
        self.0.kernel.now()
    }

    async fn sleep_ms(&self, ms: i64) {
        self.0.kernel.sleep(ms.max(0)).await;
    }

    fn random(&self) -> f64 {
        self.0.kernel.random()
    }

    fn nonce(&self) -> String {
        format!("nonce-{}", self.0.kernel.next())
    }
}
