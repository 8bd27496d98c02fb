//! One environment of a function: its caches, its clock, its build.

use crate::core::{Core, EnvId, SimClock};
use crate::faults::{Fault, Site};
use crate::lambda::Function;
use crate::mutants::{Mutant, dress};
use async_trait::async_trait;
use rtr_core::breaker::{Breaker, Change};
use rtr_core::code::Code;
use rtr_core::item::Item;
use rtr_core::key::{ConnectionKey, PairKey, RecordKey};
use rtr_core::lane::Lane;
use rtr_core::limit::{Ask, LIMITER_BUDGET_MS, Rule};
use rtr_core::time::Instant;
use rtr_engine::batch::Settings;
use rtr_engine::seams::{
    Baton, ClaimChange, Clock, Configs, Http, Known, Lease, Limits, Named, Names, Parked, Queue, Records,
    Seams, Secrets, Sleeper, Suspension, Unavailable, Write, Wrote,
};
use rtr_engine::sync::Caches;
use rtr_testkit::configs::ConfigCache;
use rtr_testkit::records::MemoryRecords;
use std::collections::HashMap;
use std::sync::Arc;

/// The services, as every environment reaches them.
#[derive(Clone)]
pub struct Services {
    /// Items, claims, bodies.
    pub records: Arc<MemoryRecords>,
    /// Buckets, locks, suspensions.
    pub limits: Arc<dyn Limits>,
    /// Configuration.
    pub configs: Arc<dyn Configs>,
    /// Secrets.
    pub secrets: Arc<dyn Secrets>,
    /// Queues.
    pub queue: Arc<dyn Queue>,
    /// The CRMs.
    pub http: Arc<dyn Http>,
}

/// What the flows get, dressed for one environment.
#[derive(Clone)]
pub struct Dress {
    /// Items, claims, bodies.
    pub records: Arc<dyn Records>,
    /// Buckets, locks, suspensions.
    pub limits: Arc<dyn Limits>,
    /// Configuration.
    pub configs: Arc<dyn Configs>,
    /// Secrets.
    pub secrets: Arc<dyn Secrets>,
    /// Queues.
    pub queue: Arc<dyn Queue>,
    /// The CRMs.
    pub http: Arc<dyn Http>,
    /// Time and chance.
    pub clock: Arc<dyn Clock>,
    /// Whose they are.
    pub function: Function,
    /// In which environment.
    pub env: EnvId,
}

/// An environment.
pub struct Env {
    /// Its number.
    pub id: EnvId,
    /// What outlives an invocation.
    pub caches: Caches,
    /// What it was deployed with.
    pub settings: Arc<Settings>,
    dress: Dress,
}

impl Env {
    /// A cold environment.
    #[must_use]
    pub fn start(
        core: &Arc<Core>,
        services: &Services,
        settings: &Arc<Settings>,
        function: Function,
        mutant: Option<Mutant>,
    ) -> Self {
        let cache_ms = settings.cache_ms;
        let id = core.add_env();
        let old_build = matches!(core.chance(Site::Start), Some((Fault::OldBuild, _)));
        if old_build {
            core.fire(Fault::OldBuild);
        }
        let configs = ConfigCache::new(services.configs.clone(), Arc::new(SimClock::of(core, id)), cache_ms);
        let records = EnvRecords { core: core.clone(), inner: services.records.clone(), old_build };
        let limits = EnvLimits { core: core.clone(), inner: services.limits.clone(), env: id };
        let dressed = Dress {
            records: Arc::new(records),
            limits: Arc::new(limits),
            configs: Arc::new(configs),
            secrets: services.secrets.clone(),
            queue: services.queue.clone(),
            http: services.http.clone(),
            clock: Arc::new(SimClock::of(core, id)),
            function,
            env: id,
        };
        let settings = settings.clone();
        Self { id, caches: Caches::default(), settings, dress: dress(mutant, core, dressed) }
    }

    /// The same environment, which remembers nothing of what it did.
    #[must_use]
    pub fn without_memory(&self) -> Self {
        let (settings, dress) = (self.settings.clone(), self.dress.clone());
        Self { id: self.id, caches: Caches::default(), settings, dress }
    }

    /// The seams.
    #[must_use]
    pub fn seams(&self) -> Seams<'_> {
        Seams {
            records: &*self.dress.records,
            limits: &*self.dress.limits,
            configs: &*self.dress.configs,
            secrets: &*self.dress.secrets,
            queue: &*self.dress.queue,
            http: &*self.dress.http,
            clock: &*self.dress.clock,
        }
    }
}

/// The records as one build reaches them: the build before this one hashed payloads in another way and kept
/// of an item's history the last outcome only.
struct EnvRecords {
    core: Arc<Core>,
    inner: Arc<MemoryRecords>,
    old_build: bool,
}

impl EnvRecords {
    /// Somebody else may write the item between our look and our write.
    fn disturb(&self, write: &Write) {
        if let Some((fault @ Fault::ForeignWrite, _)) = self.core.chance(Site::Store) {
            let mut state = self.inner.state();
            if let Some((item, _)) = state.items.get_mut(&write.key) {
                item.rev += 1;
                self.core.fire(fault);
            }
        }
    }

    /// What people see of a version that waits or is dead is read when it is written, whatever becomes of it.
    fn read_reasons(&self, writes: &[Write]) {
        self.core.oracle().writes(self.core.env());
        for write in writes {
            self.core.oracle().writes_in_group(self.core.env(), &write.names);
            let Some(reason) = write.new.slot.as_ref().map(|slot| &slot.reason) else { continue };
            if write.old.slot.as_ref().is_some_and(|slot| slot.reason == *reason) {
                self.core.oracle().repeats_reason(self.core.env(), &write.names);
                continue;
            }
            let text = format!("{} {}", reason.message, reason.field.as_deref().unwrap_or_default());
            self.core.oracle().read(&text);
        }
    }

    fn tell(&self, writes: &[Write], answers: &[Wrote]) {
        for (write, answer) in writes.iter().zip(answers) {
            let filed = write.new.dead().is_some_and(|dead| dead.reason.code == Code::Crash);
            if filed && *answer == Wrote::Done && write.old.dead().is_none() {
                self.core.shape("CrashFiled");
            }
            // What only notes that work begins, or ended without an end, brings it to nothing new.
            let fence = |item: &Item| (item.applied_version, item.mapping_revision);
            let moves = write.new.slot.is_none() && fence(&write.new) != fence(&write.old);
            let version = write.new.applied_version.filter(|_| moves);
            if let Some(version) = version.filter(|_| *answer == Wrote::Done) {
                self.core.oracle().finishes(self.core.env(), &write.key, version);
            }
            self.core.trace.note(self.core.kernel.now(), "stored", || {
                let Names { org_id, record_type, record_id, connection, .. } = &write.names;
                let text = |name: &Option<String>| name.clone().unwrap_or_default();
                let new = &write.new;
                let slot = new.slot.as_ref().map(|slot| (slot.state, slot.wanted_version, slot.reason.code));
                format!(
                    "{}/{}/{} at {}: applied {:?}, linked {:?}, slot {slot:?}, intent {:?}: {answer:?} (env {})",
                    text(org_id),
                    text(record_type),
                    text(record_id),
                    text(connection),
                    new.applied_version,
                    new.external_id,
                    new.intent.as_ref().map(|intent| intent.version),
                    self.core.env()
                )
            });
        }
    }

    /// Lets the watch know of the endings that stand now: what was done counts, heard of or not.
    fn book(&self, writes: &[Write]) {
        for write in writes {
            let stands = self.inner.item(&write.key);
            if stands.rev == write.new.rev && stands.by == write.new.by {
                self.core.oracle().gives_up(&write.names, &write.old, &write.new);
                self.core.oracle().noted(&write.names, &write.new);
            }
        }
    }

    fn out(&self, mut write: Write) -> Write {
        if self.old_build {
            let older = write.new.recent.len().saturating_sub(1);
            write.new.recent.drain(..older);
            write.new.base.clear();
            write.new.applied_hash = write.new.applied_hash.map(|hash| format!("old-{hash}"));
        }
        write
    }

    fn seen(&self, mut item: Item) -> Item {
        if self.old_build {
            item.applied_hash =
                item.applied_hash.and_then(|hash| hash.strip_prefix("old-").map(str::to_owned));
        }
        item
    }
}

#[async_trait]
impl Records for EnvRecords {
    async fn read(&self, keys: &[PairKey]) -> Result<HashMap<PairKey, Item>, Unavailable> {
        self.core.oracle().reads(self.core.env());
        let found = self.inner.read(keys).await?;
        Ok(found.into_iter().map(|(key, item)| (key, self.seen(item))).collect())
    }

    async fn write(&self, writes: &[Write]) -> Vec<Wrote> {
        if let Some(first) = writes.first() {
            self.disturb(first);
        }
        let out: Vec<Write> = writes.iter().cloned().map(|write| self.out(write)).collect();
        self.read_reasons(&out);
        let answers = self.inner.write(&out).await;
        self.book(writes);
        self.tell(&out, &answers);
        answers
    }

    async fn write_with_claims(&self, write: &Write, claims: &[ClaimChange]) -> Wrote {
        self.disturb(write);
        let out = self.out(write.clone());
        self.read_reasons(std::slice::from_ref(&out));
        let answer = self.inner.write_with_claims(&out, claims).await;
        self.book(std::slice::from_ref(write));
        self.tell(std::slice::from_ref(&out), std::slice::from_ref(&answer));
        answer
    }

    async fn waiting_for(
        &self,
        connection: &ConnectionKey,
        record: &RecordKey,
        limit: usize,
    ) -> Result<Vec<Sleeper>, Unavailable> {
        self.inner.waiting_for(connection, record, limit).await
    }

    async fn due(&self, now: Instant, limit: usize) -> Result<Vec<Sleeper>, Unavailable> {
        self.inner.due(now, limit).await
    }

    async fn put_body(&self, key: &str, body: &[u8]) -> Result<(), Unavailable> {
        self.inner.put_body(key, body).await
    }

    async fn body(&self, key: &str) -> Result<Option<Vec<u8>>, Unavailable> {
        self.inner.body(key).await
    }

    async fn delete_body(&self, key: &str) -> Result<(), Unavailable> {
        self.inner.delete_body(key).await
    }

    async fn parked(&self, connection: &ConnectionKey, limit: usize) -> Result<Vec<Parked>, Unavailable> {
        self.inner.parked(connection, limit).await
    }

    async fn backfilled(&self, connection: &ConnectionKey, limit: usize) -> Result<Vec<Parked>, Unavailable> {
        self.inner.backfilled(connection, limit).await
    }

    async fn read_named(&self, keys: &[PairKey]) -> Result<Vec<Named>, Unavailable> {
        self.core.oracle().takes_up(self.core.env(), keys);
        let found = self.inner.read_named(keys).await?;
        Ok(found.into_iter().map(|named| Named { item: self.seen(named.item), ..named }).collect())
    }
}

/// The limits as one environment reaches them, its waits noted.
struct EnvLimits {
    core: Arc<Core>,
    inner: Arc<dyn Limits>,
    env: EnvId,
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
        if let Change::Probe { by, .. } | Change::Enter { by, .. } = change {
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
    ) -> Result<bool, Unavailable> {
        self.inner.pass_lane(connection, taken, next).await
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
