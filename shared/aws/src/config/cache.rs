//! Configuration as the flows see it: from memory, looked up again when it is a while old.
//!
//! Configuration is no fence: when the table does not answer, what was read a few minutes ago is used. The global
//! document is read once for all orgs, and an org is compiled again only when one of the two changed.

use super::ConfigTable;
use super::memory::{Known, Memory};
use super::row::{from_row, revision, text_bytes};
use crate::clients::Clients;
use async_trait::async_trait;
use futures::future::{join, join_all, try_join};
use rtr_connectors::http::Clock;
use rtr_connectors::registry;
use rtr_core::config::{GLOBAL_ORG, GlobalDoc, OrgConfig, OrgDoc, StoredDoc, is_no_org, resolve_over};
use rtr_core::mapping::ProviderFacts;
use rtr_core::time::Instant;
use rtr_engine::batch::Settings;
use rtr_engine::seams::{Configs, Unavailable};
use serde::de::DeserializeOwned;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How long what has expired is used while the table does not answer, in milliseconds: ten minutes.
const GRACE_MS: i64 = 600_000;
/// How far the clock of whoever applies may be behind ours, in milliseconds.
const SKEW_MS: i64 = 60_000;
/// After a look that failed, the next one waits this long, in milliseconds: each costs seconds of the invocation.
const LOOK_AGAIN_MS: i64 = 5_000;
/// The configuration table behind a cache.
pub struct DynamoConfigs {
    table: ConfigTable,
    clock: Arc<dyn Clock>,
    stage: String,
    cache_ms: i64,
    facts: Vec<ProviderFacts>,
    memory: Mutex<Memory>,
}

impl DynamoConfigs {
    /// Configuration in table `name`.
    #[must_use]
    pub fn new(
        clients: &Clients,
        name: impl Into<String>,
        settings: &Settings,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            table: ConfigTable { client: clients.dynamodb.clone(), name: name.into() },
            clock,
            stage: settings.stage.clone(),
            cache_ms: settings.cache_ms,
            facts: registry::facts(),
            memory: Mutex::default(),
        }
    }

    /// The document of `pk`: `known`, if it is still good, else read again.
    async fn look<T: DeserializeOwned>(
        &self,
        pk: &str,
        known: Option<Known<T>>,
        now: Instant,
    ) -> Result<Known<T>, Unavailable> {
        if let Some(known) = known.as_ref().filter(|known| now < known.look_at) {
            return Ok(known.clone());
        }
        match (self.table.holding(pk).await, known) {
            (Ok((row, pauses)), known) => {
                let bytes = row.as_ref().map_or(0, text_bytes);
                let doc = row.map(|row| same_or_read(&row, known.as_ref())).transpose()?;
                let pauses = Arc::new(pauses);
                Ok(Known { doc, pauses, read_at: now, look_at: now.plus_ms(self.cache_ms), bytes })
            }
            (Err(error), Some(known)) if now.since_ms(known.read_at) < self.cache_ms + GRACE_MS => {
                let age_ms = now.since_ms(known.read_at);
                tracing::warn!(
                    event = "config",
                    org_id = pk,
                    age_ms,
                    error = error.0,
                    "an older configuration is used"
                );
                Ok(Known { look_at: now.plus_ms(LOOK_AGAIN_MS), ..known })
            }
            (Err(error), _) => Err(error),
        }
    }

    fn resolved(
        &self,
        org: &str,
        own: &Known<OrgDoc>,
        global: &Known<GlobalDoc>,
    ) -> Result<Arc<OrgConfig>, Unavailable> {
        let mut pauses = (*own.pauses).clone();
        pauses.extend(&global.pauses);
        let of = (own.revision(), global.revision(), pauses);
        let globals = {
            let mut memory = self.memory();
            if let Some(config) = memory.resolved(org, &of) {
                return Ok(config);
            }
            memory.globals(global, &self.facts)
        };
        let (own, global) = (own.doc.as_deref(), global.doc.as_deref());
        let config = resolve_over(&globals, org, own, global, &self.facts, &self.stage);
        let config = config.map_err(|error| Unavailable(format!("{} {error}", error.code)))?;
        let config = Arc::new(config.under(&of.2));
        self.memory().put_resolved(org, of, &config);
        Ok(config)
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        // A poisoned lock only says that a thread died elsewhere: what it holds are whole documents.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Configs for DynamoConfigs {
    async fn org(&self, org: &str) -> Result<Arc<OrgConfig>, Unavailable> {
        let now = self.clock.now();
        let global = self.memory().global.clone();
        let (own, global) =
            try_join(self.own(org, Age::Good, now), self.look(GLOBAL_ORG, global, now)).await?;
        let global = self.global_for([&own], global, now).await?;
        self.made_of(org, &own.known, &global)
    }

    async fn org_anew(&self, org: &str) -> Result<Arc<OrgConfig>, Unavailable> {
        let now = self.clock.now();
        let global = self.memory().global.clone().map(|global| Known { look_at: now, ..global });
        let (own, global) =
            try_join(self.own(org, Age::Any, now), self.look(GLOBAL_ORG, global, now)).await?;
        let global = self.global_for([&own], global, now).await?;
        self.made_of(org, &own.known, &global)
    }

    async fn orgs(&self, orgs: &[&str]) -> Vec<Result<Arc<OrgConfig>, Unavailable>> {
        let now = self.clock.now();
        let global = self.memory().global.clone();
        let owns = join_all(orgs.iter().map(|org| self.own(org, Age::Good, now)));
        let (owns, global) = join(owns, self.look(GLOBAL_ORG, global, now)).await;
        let global = match global {
            Ok(global) => self.global_for(owns.iter().flatten(), global, now).await,
            Err(error) => Err(error),
        };
        let made = |(org, own): (&&str, Result<Looked, Unavailable>)| {
            self.made_of(org, &own?.known, global.as_ref().map_err(Clone::clone)?)
        };
        orgs.iter().zip(owns).map(made).collect()
    }
}

impl DynamoConfigs {
    /// The document of `org` alone.
    async fn own(&self, org: &str, age: Age, now: Instant) -> Result<Looked, Unavailable> {
        // The global document is no org's, whatever an event calls itself, and nor is the audit.
        if is_no_org(org) {
            let known = Known { doc: None, pauses: Arc::default(), read_at: now, look_at: now, bytes: 0 };
            return Ok(Looked { known, is_new: false });
        }
        let known = self.memory().org(org);
        let known = match age {
            Age::Good => known,
            Age::Any => known.map(|known| Known { look_at: now, ..known }),
        };
        let before = known.as_ref().and_then(Known::revision);
        let known = self.look(org, known, now).await?;
        Ok(Looked { is_new: known.revision() != before, known })
    }

    /// `global`, read again where one of `owns` may lean on a newer one.
    async fn global_for<'a>(
        &self,
        owns: impl IntoIterator<Item = &'a Looked>,
        global: Known<GlobalDoc>,
        now: Instant,
    ) -> Result<Known<GlobalDoc>, Unavailable> {
        if owns.into_iter().any(|own| leans_on_newer(own, &global, now, self.cache_ms)) {
            return self.look(GLOBAL_ORG, Some(Known { look_at: now, ..global }), now).await;
        }
        Ok(global)
    }

    fn made_of(
        &self,
        org: &str,
        own: &Known<OrgDoc>,
        global: &Known<GlobalDoc>,
    ) -> Result<Arc<OrgConfig>, Unavailable> {
        self.memory().keep(org, own, global);
        self.resolved(org, own, global)
    }
}

/// An org's document, and whether this look was the first at this revision of it.
struct Looked {
    known: Known<OrgDoc>,
    is_new: bool,
}

/// Which documents are read again.
#[derive(Clone, Copy)]
enum Age {
    /// Those that are a while old.
    Good,
    /// All.
    Any,
}

/// Whether an org's document that is seen for the first time may lean on a global one that is newer than the one at hand, since both were
/// applied together: a route to a mapping that nobody here knows of yet would make its records dead.
fn leans_on_newer(own: &Looked, global: &Known<GlobalDoc>, now: Instant, cache_ms: i64) -> bool {
    let Looked { known: own, is_new } = own;
    let applied = |doc: &Arc<StoredDoc<OrgDoc>>| Instant::from_rfc3339(&doc.at).ok();
    let lately = own.doc.as_ref().and_then(applied).is_some_and(|at| now.since_ms(at) < cache_ms + SKEW_MS);
    *is_new && lately && own.revision() > global.revision()
}

/// The document of `row`, without reading it again when it is the one at hand.
fn same_or_read<T: DeserializeOwned>(
    row: &crate::attributes::Row,
    known: Option<&Known<T>>,
) -> Result<Arc<StoredDoc<T>>, Unavailable> {
    let at_hand = known.and_then(|known| known.doc.as_ref());
    match at_hand.filter(|doc| revision(row) == Ok(doc.revision)) {
        Some(doc) => Ok(doc.clone()),
        None => from_row(row).map(Arc::new),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known<T>(revision: Option<u64>, at: &str, doc: T, read_at: Instant) -> Known<T> {
        let stored = |revision| {
            Arc::new(StoredDoc { revision, author: String::new(), at: at.to_owned(), reason: None, doc })
        };
        Known { doc: revision.map(stored), pauses: Arc::default(), read_at, look_at: read_at, bytes: 0 }
    }

    #[test]
    fn given_an_org_applied_together_with_something_for_all_when_read_first_then_that_is_read_again() {
        let (now, before) = (Instant(1_795_000_000_000), Instant(1_795_000_000_000 - 30_000));
        let lately = before.to_rfc3339();
        let own = |revision, at: &str, is_new| Looked {
            known: known(Some(revision), at, OrgDoc::default(), now),
            is_new,
        };
        let global = |revision, read_at| known(revision, &lately, GlobalDoc::default(), read_at);
        let leans = |own: &_, global: &_| leans_on_newer(own, global, now, 60_000);
        assert!(leans(&own(5, &lately, true), &global(Some(3), before)));
        assert!(leans(&own(5, &lately, true), &global(None, before)));
        assert!(!leans(&own(5, &lately, true), &global(Some(6), before)), "what holds for all is newer");
        assert!(
            leans(&own(5, &lately, true), &global(Some(3), now)),
            "an apply may have come between the two reads"
        );
        assert!(!leans(&own(5, &lately, false), &global(Some(3), before)), "it was seen before");
        let long_ago = now.plus_ms(-200_000).to_rfc3339();
        assert!(
            !leans(&own(5, &long_ago, true), &global(Some(3), before)),
            "it was applied before that was read"
        );
    }
}
