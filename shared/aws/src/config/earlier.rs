//! The mappings that dead letters died under, as the configuration's history has them.

use super::ConfigStore;
use super::once::Once;
use super::row::from_row;
use crate::attributes::Row;
use async_trait::async_trait;
use rtr_connectors::registry;
use rtr_core::config::{
    EarlierMapping, GLOBAL_ORG, GlobalDoc, Globals, OrgConfig, OrgDoc, Stored, resolve_over,
};
use rtr_core::mapping::ProviderFacts;
use rtr_engine::letters::{Earlier, Of};
use rtr_engine::seams::Unavailable;
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// What the history has of mappings that are others in `stored`. Each is read and compiled once: letters die alike.
#[derive(Debug)]
pub struct EarlierMappings<'a> {
    store: ConfigStore,
    stored: &'a Stored,
    stage: &'a str,
    facts: Vec<ProviderFacts>,
    /// The mappings of all orgs as they are now: of most orgs one of them alone was another.
    compiled: Globals,
    /// The documents of all orgs by revision, and those of orgs.
    globals: Once<u64, Kept<GlobalDoc>>,
    owns: Once<(String, u64), Kept<OrgDoc>>,
    configs: Once<Of, Option<Arc<OrgConfig>>>,
}

/// A document as it is kept, if there was one.
type Kept<T> = Result<Option<Arc<T>>, Unreadable>;

/// This version cannot read what is kept.
#[derive(Debug, Clone, Copy)]
struct Unreadable;

fn kept<T: DeserializeOwned>(row: Option<&Row>) -> Kept<T> {
    let doc = row.map(|row| from_row(row).map(|stored| Arc::new(stored.doc)));
    doc.transpose().map_err(|_| Unreadable)
}

impl<'a> EarlierMappings<'a> {
    /// In `store`, of orgs that have `stored` now.
    #[must_use]
    pub fn new(store: ConfigStore, stored: &'a Stored, stage: &'a str) -> Self {
        let facts = registry::facts();
        let compiled = Globals::of(stored.global.as_ref().map(|global| &global.doc), &facts);
        let (globals, owns, configs) = (Once::default(), Once::default(), Once::default());
        Self { store, stored, stage, facts, compiled, globals, owns, configs }
    }

    async fn at<T: DeserializeOwned>(&self, org: &str, revision: u64) -> Result<Kept<T>, Unavailable> {
        Ok(kept(self.store.row_at(org, revision).await?.as_ref()))
    }

    async fn found(&self, of: &Of) -> Result<Option<Arc<OrgConfig>>, Unavailable> {
        let Of { org, connection, record_type, revision } = of;
        let Some(earlier) = EarlierMapping::of(self.stored, org, connection, record_type, *revision) else {
            return Ok(None);
        };
        let own = if earlier.needs_own(self.stored) {
            Box::pin(self.owns.get((org.clone(), *revision), self.at(org, *revision))).await?
        } else {
            Ok(None)
        };
        let global = if earlier.needs_global(self.stored) {
            Box::pin(self.globals.get(*revision, self.at(GLOBAL_ORG, *revision))).await?
        } else {
            Ok(None)
        };
        let (Ok(own), Ok(global)) = (own, global) else { return Ok(None) };
        let Stored { orgs, global, .. } = earlier.within(self.stored, own.as_deref(), global.as_deref());
        let (own, global) = (orgs.get(org), global.as_ref());
        // One that this version cannot use any more says nothing.
        let config = resolve_over(&self.compiled, org, own, global, &self.facts, self.stage);
        Ok(config.ok().map(|config| Arc::new(config.under(&self.stored.pauses))))
    }
}

#[async_trait]
impl Earlier for EarlierMappings<'_> {
    async fn config(&self, of: &Of) -> Result<Option<Arc<OrgConfig>>, Unavailable> {
        Box::pin(self.configs.get(of.clone(), self.found(of))).await
    }
}

#[cfg(test)]
mod tests {
    use super::super::row::to_row;
    use super::*;
    use rtr_core::config::StoredDoc;
    use serde_json::{Value, json};

    fn of(doc: Value) -> Kept<OrgDoc> {
        let (author, at) = ("ada".to_owned(), "2026-11-23T10:00:00Z".to_owned());
        kept(Some(&to_row("acme", "revision#", &StoredDoc { revision: 1, author, at, reason: None, doc })))
    }

    #[test]
    fn given_a_revision_of_another_version_of_this_program_when_read_then_it_says_nothing_and_is_not_taken_for_none()
     {
        assert!(matches!(kept::<OrgDoc>(None), Ok(None)));
        let doc = of(json!({"routes": {"contact": ["hubspot"]}}));
        assert!(matches!(doc, Ok(Some(doc)) if doc.routes.contains_key("contact")));
        for unknown in [json!({"routes": "of tomorrow"}), json!("no document")] {
            assert!(of(unknown).is_err());
        }
    }
}
