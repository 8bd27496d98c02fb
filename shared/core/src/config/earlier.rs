//! An org's configuration with one mapping as it was.

use super::apply::Stored;
use super::document::{GlobalDoc, Mappings, OrgDoc, pair};
use std::collections::BTreeMap;

/// One mapping in the documents that say it: an org's own, and the one of all orgs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EarlierMapping {
    org: String,
    provider: String,
    record_type: String,
    revision: u64,
}

impl EarlierMapping {
    /// The mapping of `record_type` at the org's `connection`, as it was at `revision`. None where there is no such connection.
    #[must_use]
    pub fn of(
        stored: &Stored,
        org: &str,
        connection: &str,
        record_type: &str,
        revision: u64,
    ) -> Option<Self> {
        let doc = stored.orgs.get(org)?.doc.connections.get(connection)?;
        let provider = doc.provider.clone().unwrap_or_else(|| connection.to_owned());
        Some(Self { org: org.to_owned(), provider, record_type: record_type.to_owned(), revision })
    }

    /// Whether the org's own document says it otherwise since: that document of then is needed.
    #[must_use]
    pub fn needs_own(&self, stored: &Stored) -> bool {
        stored.orgs.get(&self.org).is_some_and(|own| self.is_later(&own.doc.mapping_revisions))
    }

    /// Whether the document of all orgs does.
    #[must_use]
    pub fn needs_global(&self, stored: &Stored) -> bool {
        stored.global.as_ref().is_some_and(|global| self.is_later(&global.doc.mapping_revisions))
    }

    /// What `stored` has of the org, with this mapping as the documents of then have it: only those are given that are needed.
    #[must_use]
    pub fn within(&self, stored: &Stored, own: Option<&OrgDoc>, global: Option<&GlobalDoc>) -> Stored {
        let mut with = Stored { global: stored.global.clone(), ..Stored::default() };
        with.orgs.extend(stored.orgs.get(&self.org).map(|doc| (self.org.clone(), doc.clone())));
        if self.needs_global(stored)
            && let Some(now) = with.global.as_mut().map(|stored| &mut stored.doc)
        {
            let none = GlobalDoc::default();
            let then = global.unwrap_or(&none);
            self.put(&mut now.mappings, &then.mappings);
            self.number(&mut now.mapping_revisions, &then.mapping_revisions);
        }
        if self.needs_own(stored)
            && let Some(now) = with.orgs.get_mut(&self.org).map(|stored| &mut stored.doc)
        {
            let none = OrgDoc::default();
            let then = own.unwrap_or(&none);
            self.put(&mut now.mappings, &then.mappings);
            self.number(&mut now.mapping_revisions, &then.mapping_revisions);
        }
        with
    }

    fn name(&self) -> String {
        pair(&self.provider, &self.record_type)
    }

    fn is_later(&self, revisions: &BTreeMap<String, u64>) -> bool {
        revisions.get(&self.name()).is_some_and(|at| *at > self.revision)
    }

    fn put(&self, now: &mut Mappings, then: &Mappings) {
        let was = then.get(&self.provider).and_then(|types| types.get(&self.record_type));
        let types = now.entry(self.provider.clone()).or_default();
        match was {
            Some(was) => drop(types.insert(self.record_type.clone(), was.clone())),
            None => drop(types.remove(&self.record_type)),
        }
    }

    fn number(&self, now: &mut BTreeMap<String, u64>, then: &BTreeMap<String, u64>) {
        let name = self.name();
        match then.get(&name) {
            Some(was) => drop(now.insert(name, *was)),
            None => drop(now.remove(&name)),
        }
    }
}
