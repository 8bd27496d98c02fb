//! The mappings that dead letters died under, as the configuration's history has them.

use super::ConfigStore;
use async_trait::async_trait;
use rtr_connectors::registry;
use rtr_core::config::{
    EarlierMapping, GLOBAL_ORG, GlobalDoc, OrgConfig, OrgDoc, Stored, StoredDoc, resolve,
};
use rtr_engine::letters::{Earlier, Of};
use rtr_engine::seams::Unavailable;
use std::collections::BTreeMap;
use tokio::sync::Mutex;

/// What the history has of mappings that are others in `stored`.
#[derive(Debug)]
pub struct EarlierMappings<'a> {
    store: ConfigStore,
    stored: &'a Stored,
    stage: &'a str,
    /// The document of all orgs by revision, read once: of most letters it is the one that has changed.
    globals: Mutex<BTreeMap<u64, Option<GlobalDoc>>>,
}

impl<'a> EarlierMappings<'a> {
    /// In `store`, of orgs that have `stored` now.
    #[must_use]
    pub fn new(store: ConfigStore, stored: &'a Stored, stage: &'a str) -> Self {
        Self { store, stored, stage, globals: Mutex::default() }
    }

    async fn global(&self, revision: u64) -> Result<Option<GlobalDoc>, Unavailable> {
        let mut globals = self.globals.lock().await;
        if let Some(known) = globals.get(&revision) {
            return Ok(known.clone());
        }
        let doc: Option<StoredDoc<GlobalDoc>> = self.store.at(GLOBAL_ORG, revision).await?;
        let doc = doc.map(|stored| stored.doc);
        globals.insert(revision, doc.clone());
        Ok(doc)
    }
}

#[async_trait]
impl Earlier for EarlierMappings<'_> {
    async fn config(&self, of: &Of) -> Result<Option<OrgConfig>, Unavailable> {
        let Of { org, connection, record_type, revision } = of;
        let Some(earlier) = EarlierMapping::of(self.stored, org, connection, record_type, *revision) else {
            return Ok(None);
        };
        let own: Option<StoredDoc<OrgDoc>> =
            if earlier.needs_own(self.stored) { self.store.at(org, *revision).await? } else { None };
        let global = if earlier.needs_global(self.stored) { self.global(*revision).await? } else { None };
        let stored = earlier.within(self.stored, own.as_ref().map(|stored| &stored.doc), global.as_ref());
        // One that this version cannot use any more says nothing.
        let config =
            resolve(org, stored.orgs.get(org), stored.global.as_ref(), &registry::facts(), self.stage);
        Ok(config.ok().map(|config| config.under(&self.stored.pauses)))
    }
}
