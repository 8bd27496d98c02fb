//! Configuration in memory, from the same YAML as the real one.

mod cache;

pub use cache::ConfigCache;

use crate::weather::{Calm, Op, Service, Weather};
use async_trait::async_trait;
use rtr_connectors::registry;
use rtr_core::config::{
    ConfigSet, DocBody, Globals, OrgConfig, Pause, Pauses, Scope, SourceFile, Stored, StoredDoc, Wish, load,
    plan_apply, resolve_over,
};
use rtr_engine::seams::{Configs, Unavailable};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The table.
#[derive(Debug)]
pub struct MemoryConfigs {
    weather: Arc<dyn Weather>,
    state: Mutex<State>,
}

impl Default for MemoryConfigs {
    fn default() -> Self {
        Self::under(Arc::new(Calm))
    }
}

#[derive(Debug, Default)]
struct State {
    stored: Stored,
    /// What each org's documents come to: compiling is dear, and nothing changes between two `apply`.
    resolved: BTreeMap<String, Result<Arc<OrgConfig>, String>>,
    /// The global mappings, compiled once.
    globals: Option<Arc<Globals>>,
    down: bool,
}

impl MemoryConfigs {
    /// An empty table under `weather`.
    #[must_use]
    pub fn under(weather: Arc<dyn Weather>) -> Self {
        Self { weather, state: Mutex::default() }
    }

    /// Makes `org`'s documents come to `config`, compiled before; an error: what is stored cannot be used.
    pub fn put(&self, org: &str, config: Result<Arc<OrgConfig>, String>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.resolved.insert(org.to_owned(), config);
    }

    /// Applies files of YAML, each a path and a text; the last revision given.
    ///
    /// # Errors
    /// The diagnostics, as people read them.
    pub fn apply(&self, files: &[(&str, &str)]) -> Result<u64, String> {
        let set = loaded(files)?;
        Ok(self.store(&set, Wish::default()))
    }

    /// Lets `orgs` try files before all others have them, as `rtr config apply --canary` does; the last revision given.
    ///
    /// # Errors
    /// The diagnostics, as people read them.
    pub fn apply_to_canaries(&self, files: &[(&str, &str)], orgs: &[&str]) -> Result<u64, String> {
        let orgs = orgs.iter().map(|org| (*org).to_owned()).collect();
        Ok(self.store(&loaded(files)?, Wish { prune: false, canaries: Some(&orgs) }))
    }

    /// As `rtr config apply` does: what changed, each document under its own next revision.
    fn store(&self, set: &ConfigSet, wish: Wish<'_>) -> u64 {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let changes = plan_apply(&state.stored, set, wish);
        if !changes.is_empty() {
            state.resolved.clear();
            state.globals = None;
        }
        for change in changes {
            state.stored.revision = change.revision;
            match change.doc {
                DocBody::Global(doc) => state.stored.global = Some(stored(change.revision, doc)),
                DocBody::Org(doc) => {
                    state.stored.orgs.insert(change.org, stored(change.revision, doc));
                }
            }
        }
        state.stored.revision
    }

    /// Pauses `scope`, as `rtr connection pause` does; false when it is paused already.
    pub fn pause(&self, scope: Scope, pause: Pause) -> bool {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).stored.pauses.begin(scope, pause)
    }

    /// Ends the pause of `scope`; none when there was none.
    pub fn resume(&self, scope: &Scope) -> Option<Pause> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).stored.pauses.end(scope)
    }

    /// While true nothing answers.
    pub fn set_down(&self, down: bool) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).down = down;
    }
}

/// What files of YAML say, or what is wrong with them.
fn loaded(files: &[(&str, &str)]) -> Result<ConfigSet, String> {
    let file =
        |(path, text): &(&str, &str)| SourceFile { path: (*path).to_owned(), text: (*text).to_owned() };
    let files: Vec<SourceFile> = files.iter().map(file).collect();
    load(&files, &registry::facts())
        .map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
}

fn stored<T>(revision: u64, doc: T) -> StoredDoc<T> {
    StoredDoc { revision, author: "test".to_owned(), at: String::new(), reason: None, doc }
}

#[async_trait]
impl Configs for MemoryConfigs {
    async fn org(&self, org: &str) -> Result<Arc<OrgConfig>, Unavailable> {
        let op = Op { service: Service::Configs, name: "org", parts: 1 };
        let fate = self.weather.there(op).await;
        let answer = if fate.does(0) { self.look(org) } else { Err(gone()) };
        self.weather.back(op).await;
        if fate.tells(0) { answer } else { Err(gone()) }
    }
}

impl MemoryConfigs {
    fn look(&self, org: &str) -> Result<Arc<OrgConfig>, Unavailable> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.down {
            return Err(gone());
        }
        let State { stored, resolved, globals, .. } = &mut *state;
        let global = stored.global.as_ref();
        let facts = registry::facts();
        let globals =
            globals.get_or_insert_with(|| Arc::new(Globals::of(global.map(|stored| &stored.doc), &facts)));
        let config = resolved.entry(org.to_owned()).or_insert_with(|| {
            let config = resolve_over(globals, org, stored.orgs.get(org), global, &facts, "test");
            config.map(Arc::new).map_err(|error| error.to_string())
        });
        let config = config.clone().map_err(Unavailable)?;
        if stored.pauses == Pauses::default() {
            return Ok(config);
        }
        Ok(Arc::new((*config).clone().under(&stored.pauses)))
    }
}

fn gone() -> Unavailable {
    Unavailable("the configuration table does not answer".to_owned())
}
