//! One environment of a function: its caches, its clock, its build.

mod limits;
mod records;

use crate::core::{Core, EnvId, SimClock};
use crate::faults::{Fault, Site};
use crate::lambda::Function;
use crate::mutants::{Mutant, dress};
use limits::EnvLimits;
use records::EnvRecords;
use rtr_engine::apply::Signing;
use rtr_engine::batch::Settings;
use rtr_engine::seams::{Clock, Configs, Courier, Http, Limits, Notices, Queue, Records, Seams, Secrets};
use rtr_engine::sync::Caches;
use rtr_testkit::configs::ConfigCache;
use rtr_testkit::records::MemoryRecords;
use std::sync::Arc;

/// The services, as every environment reaches them.
#[derive(Clone)]
pub struct Services {
    /// Items, claims, bodies.
    pub records: Arc<MemoryRecords>,
    /// Buckets, locks, suspensions.
    pub limits: Arc<dyn Limits>,
    /// What is to be told of connections.
    pub notices: Arc<dyn Notices>,
    /// Configuration.
    pub configs: Arc<dyn Configs>,
    /// Secrets.
    pub secrets: Arc<dyn Secrets>,
    /// Queues.
    pub queue: Arc<dyn Queue>,
    /// The CRMs.
    pub http: Arc<dyn Http>,
    /// The internal system.
    pub courier: Arc<dyn Courier>,
}

/// What the flows get, dressed for one environment.
#[derive(Clone)]
pub struct Dress {
    /// Items, claims, bodies.
    pub records: Arc<dyn Records>,
    /// Buckets, locks, suspensions.
    pub limits: Arc<dyn Limits>,
    /// What is to be told of connections.
    pub notices: Arc<dyn Notices>,
    /// Configuration.
    pub configs: Arc<dyn Configs>,
    /// Secrets.
    pub secrets: Arc<dyn Secrets>,
    /// Queues.
    pub queue: Arc<dyn Queue>,
    /// The CRMs.
    pub http: Arc<dyn Http>,
    /// The internal system.
    pub courier: Arc<dyn Courier>,
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
    /// What deliveries are signed with.
    pub signing: Signing,
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
            notices: services.notices.clone(),
            configs: Arc::new(configs),
            secrets: services.secrets.clone(),
            queue: services.queue.clone(),
            http: services.http.clone(),
            courier: services.courier.clone(),
            clock: Arc::new(SimClock::of(core, id)),
            function,
            env: id,
        };
        let (settings, signing) = (settings.clone(), Signing::new(cache_ms));
        Self { id, caches: Caches::default(), settings, signing, dress: dress(mutant, core, dressed) }
    }

    /// The same environment, which remembers nothing of what it did.
    #[must_use]
    pub fn without_memory(&self) -> Self {
        let (settings, dress) = (self.settings.clone(), self.dress.clone());
        let signing = Signing::new(settings.cache_ms);
        Self { id: self.id, caches: Caches::default(), settings, signing, dress }
    }

    /// The way to the internal system.
    #[must_use]
    pub fn courier(&self) -> &dyn Courier {
        &*self.dress.courier
    }

    /// The seams.
    #[must_use]
    pub fn seams(&self) -> Seams<'_> {
        Seams {
            records: &*self.dress.records,
            limits: &*self.dress.limits,
            notices: &*self.dress.notices,
            configs: &*self.dress.configs,
            secrets: &*self.dress.secrets,
            queue: &*self.dress.queue,
            http: &*self.dress.http,
            clock: &*self.dress.clock,
        }
    }
}
