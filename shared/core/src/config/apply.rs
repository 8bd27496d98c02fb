//! What to store: only documents that changed, each under its own next revision; nothing removed unless asked to.
//!
//! Invariant: the effective revision of a mapping, the greater of the org's and the global one, only ever grows. So a
//! removal is written down as a change of its own, and a removed org leaves its mapping revisions behind.

use super::canary::{self, Canaries};
use super::diff::{Change, diff};
use super::document::{GlobalDoc, Mappings, OrgDoc, Routes, StoredDoc, pair};
use super::globals::Globals;
use super::load::ConfigSet;
use super::pause::Pauses;
use super::resolve::{ConfigError, resolve_over};
use crate::mapping::ProviderFacts;
use serde_json::Value;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// The org that stands for all: its document is the global one.
pub const GLOBAL_ORG: &str = "*";
/// Where what people did is kept, beside the orgs: no org may be called so, and who may write there writes no document.
pub const AUDIT: &str = "*audit";

/// Whether `name` stands for something else than an org.
#[must_use]
pub fn is_no_org(name: &str) -> bool {
    name == GLOBAL_ORG || name == AUDIT
}

/// What the table holds.
#[derive(Debug, Clone, Default)]
pub struct Stored {
    /// The last revision that was given; the next document gets one more.
    pub revision: u64,
    /// The global document.
    pub global: Option<StoredDoc<GlobalDoc>>,
    /// The documents of the orgs.
    pub orgs: BTreeMap<String, StoredDoc<OrgDoc>>,
    /// What is paused beside them: no plan touches it.
    pub pauses: Pauses,
}

/// One document to store.
#[derive(Debug, Clone, PartialEq)]
pub struct DocChange {
    /// The org; [`GLOBAL_ORG`] for the global document.
    pub org: String,
    /// The revision it is stored under.
    pub revision: u64,
    /// The revision that it replaces, for the conditional write; nothing when the org is new.
    pub replaces: Option<u64>,
    /// The new document.
    pub doc: DocBody,
    /// What differs from the stored one.
    pub changes: Vec<Change>,
}

/// A document of either kind.
#[derive(Debug, Clone, PartialEq)]
// A global one is rare: nothing is wasted by the difference.
#[allow(clippy::large_enum_variant)]
pub enum DocBody {
    /// The global document.
    Global(GlobalDoc),
    /// An org's document; `removed` when the org goes.
    Org(OrgDoc),
}

/// The most bytes of a document: it is an item of DynamoDB, which takes 400 KiB with all that stands beside it.
pub const MAX_DOC_BYTES: usize = 380 * 1_024;

impl DocChange {
    /// The bytes of the document, where they are more than can be stored.
    #[must_use]
    pub fn too_large(&self) -> Option<usize> {
        Some(self.doc.to_json().to_string().len()).filter(|bytes| *bytes > MAX_DOC_BYTES)
    }
}

impl DocBody {
    /// The document as it is stored.
    #[must_use]
    pub fn to_json(&self) -> Value {
        match self {
            Self::Global(doc) => json(doc),
            Self::Org(doc) => json(doc),
        }
    }
}

/// What is asked of an apply beside the folder.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wish<'a> {
    /// Whether what the folder lacks is removed: orgs, global mappings, global routes.
    pub prune: bool,
    /// The orgs that are to try it before all others; nothing else is stored then.
    pub canaries: Option<&'a Canaries>,
}

/// What to store so that the table says what `wanted` says.
#[must_use]
pub fn plan_apply(stored: &Stored, wanted: &ConfigSet, wish: Wish<'_>) -> Vec<DocChange> {
    let mut plan = Plan::over(stored);
    if let Some(canaries) = wish.canaries {
        for org in canaries {
            let before = stored.orgs.get(org).map(|old| &old.doc);
            if let Some(doc) =
                canary::trying(before, wanted.orgs.get(org), &stored.global_doc(), &wanted.global)
            {
                plan.org(org, doc);
            }
        }
        return plan.changes;
    }
    let global = merged(stored.global.as_ref(), &wanted.global, wish.prune);
    let takes = !has_all(&global.mappings, &stored.global_doc().mappings);
    if !takes {
        plan.global(global.clone());
    }
    for (org, doc) in &wanted.orgs {
        plan.org(org, doc.clone());
    }
    for (org, old) in stored.orgs.iter().filter(|(org, _)| !wanted.orgs.contains_key(*org)) {
        if wish.prune && !old.doc.removed {
            plan.org(org, OrgDoc { removed: true, ..OrgDoc::default() });
        } else if let Some(doc) = canary::ended_by(&old.doc, &wanted.global) {
            plan.org(org, doc);
        }
    }
    if takes {
        plan.global(global);
    }
    plan.changes
}

/// What to store so that each document of `then` is what it was: none where there was none.
#[must_use]
pub fn plan_rollback(stored: &Stored, then: &Then) -> Vec<DocChange> {
    let mut plan = Plan::over(stored);
    let global = then.global.as_ref().map(|global| global.clone().unwrap_or_default());
    // A layer must not stand over nothing, not for a moment: what is taken away goes last, and what is brought back comes first.
    let before = stored.global_doc();
    let takes = global.as_ref().is_some_and(|global| !has_all(&global.mappings, &before.mappings));
    if !takes {
        global.iter().for_each(|global| plan.global(global.clone()));
    }
    for (org, doc) in &then.orgs {
        match doc {
            Some(doc) => plan.org(org, doc.clone()),
            None if stored.orgs.contains_key(org) => {
                plan.org(org, OrgDoc { removed: true, ..OrgDoc::default() });
            }
            None => {}
        }
    }
    if takes {
        global.into_iter().for_each(|global| plan.global(global));
    }
    plan.changes
}

/// What to store so that `orgs` try nothing any more; everything else that their documents say stays.
#[must_use]
pub fn plan_end_trial(stored: &Stored, orgs: &Canaries) -> Vec<DocChange> {
    let mut plan = Plan::over(stored);
    for (org, old) in stored.orgs.iter().filter(|(org, _)| orgs.contains(*org)) {
        if old.doc.canary.is_some() {
            plan.org(org, old.doc.without_trial());
        }
    }
    plan.changes
}

/// Whether `some` has a mapping wherever `all` has one.
fn has_all(some: &Mappings, all: &Mappings) -> bool {
    names(all).all(|(provider, record_type)| {
        some.get(provider).is_some_and(|types| types.contains_key(record_type))
    })
}

/// What to store so that `org`'s document is `doc`: none where it is.
pub(super) fn plan_org(stored: &Stored, org: &str, doc: OrgDoc) -> Option<DocChange> {
    let mut plan = Plan::over(stored);
    plan.org(org, doc);
    plan.changes.pop()
}

/// Documents as they were at a revision.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Then {
    /// The global document, if it is among them.
    pub global: Option<Option<GlobalDoc>>,
    /// Those of orgs.
    pub orgs: BTreeMap<String, Option<OrgDoc>>,
}

impl Stored {
    /// The orgs of which `changes`, made from files, would take back what the product's own connect page said.
    pub fn taken_from_pages<'a>(&self, changes: &'a [DocChange]) -> impl Iterator<Item = &'a str> {
        let taken = |change: &&DocChange| {
            let from_page = |doc: &OrgDoc| doc.from_page;
            let was = self.orgs.get(&change.org).is_some_and(|old| from_page(&old.doc));
            let is = matches!(&change.doc, DocBody::Org(doc) if from_page(doc));
            // The page's own words in a file: then the file says them from now on.
            was && !is && change.changes.iter().any(|change| change.path != "from_page")
        };
        changes.iter().filter(taken).map(|change| change.org.as_str())
    }

    /// What the table holds once `changes` are stored.
    #[must_use]
    pub fn after(&self, changes: &[DocChange]) -> Self {
        let mut after = self.clone();
        for DocChange { org, revision, doc, .. } in changes {
            after.revision = *revision;
            match doc.clone() {
                DocBody::Global(doc) => after.global = Some(StoredDoc::unsigned(*revision, doc)),
                DocBody::Org(doc) => {
                    after.orgs.insert(org.clone(), StoredDoc::unsigned(*revision, doc));
                }
            }
        }
        after
    }

    /// The routes on which records would die for want of a connection or a mapping: org, connection and record type.
    #[must_use]
    pub fn dead_ends(&self) -> BTreeSet<(String, String, String)> {
        let (none, no_routes) = (Mappings::new(), Routes::new());
        let global = self.global.as_ref().map(|stored| &stored.doc);
        let (shared, routes) = global.map_or((&none, &no_routes), |doc| (&doc.mappings, &doc.routes));
        let mut ends = BTreeSet::new();
        for (org, StoredDoc { doc, .. }) in self.orgs.iter().filter(|(_, stored)| !stored.doc.removed) {
            let mapped = |id: &str, record_type: &str| {
                doc.connections.get(id).is_some_and(|connection| {
                    let provider = connection.provider.as_deref().unwrap_or(id);
                    let has = |all: &Mappings| {
                        all.get(provider).is_some_and(|types| types.contains_key(record_type))
                    };
                    has(&doc.mappings) || has(shared)
                })
            };
            // A route of all leads to what of it the org has.
            let of_all = routes.iter().filter(|(name, _)| !doc.routes.contains_key(*name)).flat_map(
                |(name, route)| {
                    route.iter().filter(|id| doc.connections.contains_key(*id)).map(move |id| (id, name))
                },
            );
            let own = doc.routes.iter().flat_map(|(name, route)| route.iter().map(move |id| (id, name)));
            let dead = own.chain(of_all).filter(|(id, name)| !mapped(id, name));
            ends.extend(dead.map(|(id, name)| (org.clone(), id.clone(), name.clone())));
        }
        ends
    }

    /// The orgs whose configuration the functions could not use, each with the reason.
    #[must_use]
    pub fn unusable(&self, facts: &[ProviderFacts]) -> Vec<ConfigError> {
        let compiled = Globals::of(self.global.as_ref().map(|stored| &stored.doc), facts);
        let used = |(org, doc): (&String, &StoredDoc<OrgDoc>)| {
            resolve_over(&compiled, org, Some(doc), self.global.as_ref(), facts, "").err()
        };
        self.orgs.iter().filter(|(_, doc)| !doc.doc.removed).filter_map(used).collect()
    }

    /// The global document as it holds now; empty where there is none.
    #[must_use]
    pub fn global_doc(&self) -> Cow<'_, GlobalDoc> {
        self.global.as_ref().map_or_else(|| Cow::Owned(GlobalDoc::default()), |old| Cow::Borrowed(&old.doc))
    }
}

/// Changes in their order, each under its own next revision.
struct Plan<'a> {
    stored: &'a Stored,
    changes: Vec<DocChange>,
}

impl<'a> Plan<'a> {
    fn over(stored: &'a Stored) -> Self {
        Self { stored, changes: Vec::new() }
    }

    fn next(&self) -> u64 {
        self.stored.revision.saturating_add(self.changes.len() as u64).saturating_add(1)
    }

    fn global(&mut self, mut doc: GlobalDoc) {
        let (old, revision) = (self.stored.global.as_ref(), self.next());
        let before = self.stored.global_doc();
        doc.mapping_revisions =
            revisions(&before.mappings, &doc.mappings, &before.mapping_revisions, revision);
        if *before != doc {
            self.changes.push(DocChange {
                org: GLOBAL_ORG.to_owned(),
                revision,
                replaces: old.map(|old| old.revision),
                changes: diff(old.map(|old| json(&old.doc)).as_ref(), &json(&doc)),
                doc: DocBody::Global(doc),
            });
        }
    }

    fn org(&mut self, org: &str, mut doc: OrgDoc) {
        let (old, revision) = (self.stored.orgs.get(org), self.next());
        let empty = OrgDoc::default();
        let before = old.map_or(&empty, |old| &old.doc);
        doc.mapping_revisions =
            revisions(&before.mappings, &doc.mappings, &before.mapping_revisions, revision);
        if old.is_none() || *before != doc {
            self.changes.push(DocChange {
                org: org.to_owned(),
                revision,
                replaces: old.map(|old| old.revision),
                changes: diff(old.map(|old| json(&old.doc)).as_ref(), &json(&doc)),
                doc: DocBody::Org(doc),
            });
        }
    }
}

fn merged(old: Option<&StoredDoc<GlobalDoc>>, wanted: &GlobalDoc, prune: bool) -> GlobalDoc {
    let mut doc = match old {
        Some(old) if !prune => old.doc.clone(),
        _ => GlobalDoc::default(),
    };
    for (provider, mappings) in &wanted.mappings {
        doc.mappings.entry(provider.clone()).or_default().extend(mappings.clone());
    }
    doc.routes.extend(wanted.routes.clone());
    doc.source = wanted.source.clone().or(doc.source);
    doc
}

/// The revisions after a change: what differs gets `revision`, the rest keeps its own.
fn revisions(
    old: &Mappings,
    new: &Mappings,
    known: &BTreeMap<String, u64>,
    revision: u64,
) -> BTreeMap<String, u64> {
    let mut revisions = known.clone();
    for (provider, record_type) in names(old).chain(names(new)) {
        let of =
            |mappings: &'_ Mappings| mappings.get(provider).and_then(|types| types.get(record_type)).cloned();
        if of(old) != of(new) {
            revisions.insert(pair(provider, record_type), revision);
        }
    }
    revisions
}

fn names(mappings: &Mappings) -> impl Iterator<Item = (&str, &str)> {
    mappings
        .iter()
        .flat_map(|(provider, types)| types.keys().map(move |name| (provider.as_str(), name.as_str())))
}

/// A document in JSON. All its keys are texts, so this cannot fail.
fn json<T: serde::Serialize>(doc: &T) -> Value {
    serde_json::to_value(doc).unwrap_or_default()
}
