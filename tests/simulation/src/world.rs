//! The world of one history: services, functions, producer and people, until nothing is left to happen.

use crate::backfilled::{Fed, Feed};
use crate::both::{Both, Nobody};
use crate::core::{Core, EnvId, SimClock, TrueClock};
use crate::env::{Env, Services};
use crate::faults::Site;
use crate::kernel::BEGIN;
use crate::lambda::{Function, Happen, TIMEOUT_MS, Task};
use crate::logs::Lines;
use crate::mutants::Mutant;
use crate::network::Network;
use crate::oracle::Oracle;
use crate::people::Phase;
use crate::place::{Place, State};
use crate::plan::Plan;
use crate::scenario::{ORGS, Scenario};
use crate::strikes::Strike;
use crate::trace::Trace;
use crate::weather::Sky;
use rtr_core::item::Item;
use rtr_core::key::{ConnectionKey, PairKey, RecordKey, Whose};
use rtr_core::limit::LIMITER_BUDGET_MS;
use rtr_core::time::Instant;
use rtr_engine::batch::{Settings, TOKENS_WITHIN_MS};
use rtr_sandbox::Sandbox;
use rtr_testkit::configs::MemoryConfigs;
use rtr_testkit::fifo::Setup as Queue;
use rtr_testkit::limits::MemoryLimits;
use rtr_testkit::queue::{CHANGES, MemoryQueue};
use rtr_testkit::records::MemoryRecords;
use rtr_testkit::secrets::MemorySecrets;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The time that a history has to end, in milliseconds: what is looked at day by day for longer is looked at for ever.
const MOST_MS: i64 = 100 * 86_400_000;
/// Things that may happen in a history; one that has not ended by then never will.
const MOST_STEPS: u64 = 400_000;
/// The same for each event.
const STEPS_OF_EVENT: u64 = 1_000;

/// The world.
pub struct World<'a> {
    /// What all share.
    pub core: Arc<Core>,
    /// The way to the CRMs.
    pub network: Arc<Network>,
    /// The CRMs.
    pub crm: Sandbox,
    /// Items.
    pub records: Arc<MemoryRecords>,
    /// Buckets.
    pub limits: Arc<MemoryLimits>,
    /// Configuration.
    pub configs: Arc<MemoryConfigs>,
    /// Secrets.
    pub secrets: Arc<MemorySecrets>,
    /// Queues.
    pub queue: Arc<MemoryQueue>,
    /// The same as the functions reach them.
    pub services: Services,
    /// The functions' settings.
    pub settings: Arc<Settings>,
    /// What happens.
    pub scenario: &'a Scenario,
    /// What stood there before.
    pub place: &'a Place,
    /// The planted bug, if any.
    pub mutant: Option<Mutant>,
    /// Invocations, those that ended gone.
    pub tasks: Vec<Option<Task>>,
    /// What strikes whichever invocation comes to a remote call.
    pub strikes: Vec<Strike>,
    /// Environments of each function that are free.
    pub idle: [Vec<Arc<Env>>; 6],
    /// Invocations of the sync function under way.
    pub running: usize,
    /// The counters of every report.
    pub counts: BTreeMap<&'static str, u64>,
    /// Each org's configuration now.
    pub states: [State; 3],
    /// Orgs that had none for a while: what came then was skipped.
    pub gone: Vec<usize>,
    /// Orgs whose suspended connection a person has noticed.
    pub noticed: [bool; 3],
    /// Whether everything is paused, since the number of message groups is being changed.
    pub regroups: bool,
    /// Whether a deployment goes on, so that environments of the old number of groups and of the new one run.
    pub replaces: bool,
    /// The number of message groups that the producer goes by.
    pub producers_groups: u64,
    /// How far the end is.
    pub phase: Phase,
    /// Whether each of the sync function's pollers looks at the queue by itself; else one look follows another.
    pub each_polls: bool,
    /// A backfill that is being sent, and how far it came.
    pub feed: Option<Feed>,
    /// See there.
    pub fed: Fed,
    /// What there is beside, where changes flow both ways.
    pub both: Option<Both<'a>>,
    /// When each function's queue is looked at next.
    polls: [Option<Instant>; 5],
    sweeps_at: Option<Instant>,
}

impl<'a> World<'a> {
    /// The world at its beginning.
    #[must_use]
    pub fn new(place: &'a Place, scenario: &'a Scenario, trace: Trace, mutant: Option<Mutant>) -> Self {
        let core = Arc::new(Core::new(scenario.seed, Plan::new(&scenario.faults), Oracle::default(), trace));
        let sky = Arc::new(Sky(core.clone()));
        let truth = Arc::new(TrueClock(core.clone()));
        let setup = Queue { max_receives: Some(scenario.setup.max_receives), ..CHANGES };
        let queue = Arc::new(MemoryQueue::under(truth.clone(), sky.clone(), setup));
        queue.state().notes = false;
        let records = Arc::new(MemoryRecords::under(truth, sky.clone()));
        let limits = Arc::new(MemoryLimits::under(Arc::new(SimClock::of_whoever_runs(&core)), sky.clone()));
        let configs = Arc::new(MemoryConfigs::under(sky.clone()));
        let secrets = Arc::new(MemorySecrets::under(sky));
        let network = Arc::new(Network::new(&core, &limits, scenario.setup.mood));
        let services = Services {
            records: records.clone(),
            limits: limits.clone(),
            notices: limits.clone(),
            configs: configs.clone(),
            secrets: secrets.clone(),
            queue: queue.clone(),
            http: network.clone(),
            courier: Arc::new(Nobody),
        };
        let settings = Settings {
            stage: "test".to_owned(),
            group_buckets: scenario.setup.group_buckets,
            strict_orgs: false,
            timeout_ms: TIMEOUT_MS,
            visibility_ms: CHANGES.visibility_ms,
            cache_ms: 60_000,
            // As for so many functions at most.
            connection_share: (scenario.setup.environments as u64 / 4).max(2),
            tokens_within_ms: TOKENS_WITHIN_MS,
            limiter_budget_ms: LIMITER_BUDGET_MS,
            job_from: scenario.setup.jobs.map_or(0, |jobs| jobs.from),
        };
        let normal = State::default();
        let mut world = Self {
            core,
            network,
            crm: place.crm.clone(),
            records,
            limits,
            configs,
            secrets,
            queue,
            services,
            settings: Arc::new(settings),
            scenario,
            place,
            mutant,
            tasks: Vec::new(),
            strikes: Vec::new(),
            idle: Default::default(),
            running: 0,
            counts: BTreeMap::new(),
            states: [normal; 3],
            gone: Vec::new(),
            noticed: [false; 3],
            regroups: false,
            replaces: false,
            producers_groups: scenario.setup.group_buckets,
            phase: Phase::Working,
            each_polls: false,
            feed: None,
            fed: Fed::default(),
            both: None,
            polls: [None; 5],
            sweeps_at: None,
        };
        world.core.oracle().mood = Some(scenario.setup.mood);
        world.furnish();
        world
    }

    fn furnish(&mut self) {
        for (name, text) in &self.place.secrets {
            self.put_secret(name, text);
        }
        for at in 0..ORGS.len() {
            self.configure(at, self.states[at]);
        }
        self.furnish_jobs();
        for org in self.place.orgs.iter().skip(ORGS.len()).copied() {
            if let Some(config) = self.place.config(org, State::default()) {
                self.configs.put(org, Ok(config));
            }
        }
        for (at, event) in self.scenario.events.iter().enumerate() {
            self.core.kernel.at(BEGIN.plus_ms(event.at), Happen::Produces(at, 0));
        }
        for planned in self.scenario.faults.iter().filter(|one| one.fault.site() == Site::Time) {
            let at = BEGIN.plus_ms(i64::from(planned.how % 900_000));
            self.core.kernel.at(at, Happen::Strikes(planned.fault, planned.how));
        }
    }

    /// Stores a secret and lets the watch know its tokens.
    pub fn put_secret(&self, name: &str, text: &str) {
        self.secrets.put(name, text);
        let secret: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
        let mut parts = name.split('/').skip(2);
        let (org, provider) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let parts = |names: &'static [&'static str]| names.iter().filter_map(|name| secret[*name].as_str());
        let mut oracle = self.core.oracle();
        parts(&["token", "access_token"]).for_each(|token| oracle.token(token, provider, org));
        parts(&["refresh_token", "client_secret"]).for_each(|text| oracle.secret(text));
    }

    /// Puts an org's configuration into `state`.
    pub fn configure(&mut self, org: usize, state: State) {
        self.states[org] = state;
        let state = State {
            paused: state.paused || self.regroups,
            paused_there: state.paused_there || self.regroups,
            ..state
        };
        let now = self.core.kernel.now();
        self.core.oracle().pauses(now, "hubspot", ORGS[org], state.paused);
        self.core.oracle().pauses(now, "salesforce", ORGS[org], state.paused_there);
        if let Some(config) = self.place.config(ORGS[org], state) {
            self.configs.put(ORGS[org], Ok(config));
        }
    }

    /// What is kept of a record at a connection.
    #[must_use]
    pub fn item(&self, record: &RecordKey, provider: &str) -> Item {
        self.records.item(&PairKey::new(record, &ConnectionKey::new(&record.org_id, provider)))
    }

    /// Lets everything happen.
    pub fn run(&mut self, lines: &Lines) {
        let fed = self.feed.as_ref().map_or(0, Feed::events);
        for _ in 0..MOST_STEPS + STEPS_OF_EVENT * (self.scenario.events.len() as u64 + fed) {
            if !self.core.oracle().is_content() {
                return;
            }
            while let Some(task) = self.core.kernel.next_ready() {
                let env = self.environment_of(task);
                self.go_on(task);
                self.read(lines, env);
            }
            match self.core.kernel.step() {
                Some(None) => {}
                Some(Some(happen)) => self.happen(happen),
                None if self.goes_on() => {}
                None => return,
            }
            if self.core.kernel.now().since_ms(BEGIN) > MOST_MS {
                break;
            }
        }
        self.core.oracle().violate("I14", None, "it does not end".to_owned());
    }

    /// Reads what `env` has logged.
    fn read(&self, lines: &Lines, env: Option<EnvId>) {
        let now = self.core.kernel.now();
        for line in lines.take() {
            self.core.trace.note(now, "log", || line.clone());
            let mut oracle = self.core.oracle();
            oracle.read(&line);
            if let Some(env) = env {
                oracle.refused(now, env, &line);
            }
        }
    }

    fn happen(&mut self, happen: Happen) {
        match happen {
            Happen::Produces(at, copy) => self.produce(at, copy),
            Happen::Polls(function) => self.poll(function),
            Happen::Invokes(function, batch) => self.invoke(function, batch),
            Happen::TimesOut(task) => self.end(task, "timed out"),
            Happen::Thaws(task) => self.thaw(task),
            Happen::Settles(function, batch) => self.settle(function, &batch),
            // Another was planned sooner, and has been.
            Happen::Sweeps if self.sweeps_at != Some(self.core.kernel.now()) => {}
            Happen::Sweeps => {
                self.sweeps_at = None;
                self.notice_suspensions();
                self.invoke(Function::Sweep, Vec::new());
            }
            Happen::Arrives(flight) => self.arrive(flight),
            Happen::Answered(promise, outcome, from) => {
                // Who has given up waiting hears nothing.
                if Arc::strong_count(&promise) > 1 {
                    self.told(&outcome, from);
                }
                promise.keep(outcome);
            }
            Happen::Lands => {
                self.crm.advance(self.core.kernel.now().0);
                self.watch_landings();
            }
            Happen::Strikes(fault, how) => self.strike(fault, how),
            Happen::Mends(fault, how) => self.mend(fault, how),
            Happen::Regroups(step) => self.regroup(step),
            Happen::Feeds => self.feed(),
            Happen::Both(happening) => self.happen_both(happening),
        }
    }

    /// No lock outlives what it is for: a crash must not leave one.
    pub fn check_locks(&self) {
        let now = self.core.kernel.now();
        let lasting =
            self.limits.state().locks.values().find(|(_, until)| until.since_ms(now) > 400_000).cloned();
        if let Some((holder, until)) = lasting {
            let what = format!("{holder} holds a lock for {} ms", until.since_ms(now));
            self.core.oracle().violate("I13", None, what);
        }
    }

    /// When a function's queue is looked at next.
    pub fn polls_at(&mut self, function: Function) -> &mut Option<Instant> {
        &mut self.polls[match function {
            Function::Sync | Function::Sweep => 0,
            Function::Redrive => 1,
            Function::Bulk => 2,
            Function::Apply => 3,
            Function::Poll => 4,
        }]
    }

    /// Sees to it that what is due is swept.
    pub fn plan_sweep(&mut self) {
        let due = |item: &Item| item.slot.as_ref().and_then(|slot| slot.due_at());
        // Where all is to come to rest, nothing is polled any more.
        let polls = self.both.as_ref().is_none_or(|both| !both.rests);
        let next = {
            let state = self.records.state();
            let items = state.items.iter().filter(|(key, _)| polls || key.whose() != Whose::Feed);
            items.filter_map(|(_, (item, _))| due(item)).min()
        };
        let lanes = self.limits.state().lanes.values().filter_map(|lane| lane.due_at).min();
        let Some(next) = next.into_iter().chain(lanes).min() else { return };
        let at = next.max(self.core.kernel.now()).plus_ms(self.core.kernel.draw(0..=30_000));
        if self.sweeps_at.is_none_or(|planned| planned > at) {
            self.sweeps_at = Some(at);
            self.core.kernel.at(at, Happen::Sweeps);
        }
    }
}
