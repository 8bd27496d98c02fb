//! Configuration in memory, from the same YAML as the real one.

use async_trait::async_trait;
use rtr_connectors::registry;
use rtr_core::config::{ConfigSet, GlobalDoc, OrgConfig, OrgDoc, SourceFile, StoredDoc, load, resolve};
use rtr_engine::seams::{Configs, Unavailable};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The table.
#[derive(Debug, Default)]
pub struct MemoryConfigs {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    revision: u64,
    global: Option<StoredDoc<GlobalDoc>>,
    orgs: BTreeMap<String, StoredDoc<OrgDoc>>,
    down: bool,
}

impl MemoryConfigs {
    /// Applies files of YAML, each a path and a text, as a new revision.
    ///
    /// # Errors
    /// The diagnostics, as people read them.
    pub fn apply(&self, files: &[(&str, &str)]) -> Result<u64, String> {
        let files: Vec<SourceFile> = files
            .iter()
            .map(|(path, text)| SourceFile { path: (*path).to_owned(), text: (*text).to_owned() })
            .collect();
        let set = load(&files, &registry::facts())
            .map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))?;
        Ok(self.store(set))
    }

    fn store(&self, set: ConfigSet) -> u64 {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.revision += 1;
        let revision = state.revision;
        let mut global = set.global;
        let keys: Vec<String> = global
            .mappings
            .iter()
            .flat_map(|(provider, types)| types.keys().map(move |name| format!("{provider}/{name}")))
            .collect();
        global.mapping_revisions.extend(keys.into_iter().map(|key| (key, revision)));
        state.global = Some(stored(revision, global));
        for (org, mut doc) in set.orgs {
            let keys: Vec<String> = doc
                .mappings
                .iter()
                .flat_map(|(provider, types)| types.keys().map(move |name| format!("{provider}/{name}")))
                .collect();
            doc.mapping_revisions.extend(keys.into_iter().map(|key| (key, revision)));
            state.orgs.insert(org, stored(revision, doc));
        }
        revision
    }

    /// While true nothing answers.
    pub fn set_down(&self, down: bool) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).down = down;
    }
}

fn stored<T>(revision: u64, doc: T) -> StoredDoc<T> {
    StoredDoc { revision, author: "test".to_owned(), at: String::new(), doc }
}

#[async_trait]
impl Configs for MemoryConfigs {
    async fn org(&self, org: &str) -> Result<Arc<OrgConfig>, Unavailable> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.down {
            return Err(Unavailable("the configuration table does not answer".to_owned()));
        }
        let config = resolve(org, state.orgs.get(org), state.global.as_ref(), &registry::facts(), "test");
        config.map(Arc::new).map_err(|error| Unavailable(error.to_string()))
    }
}
