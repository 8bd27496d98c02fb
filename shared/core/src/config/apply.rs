//! What to store: only documents that changed, each under its own next revision; nothing removed unless asked to.
//!
//! Invariant: the effective revision of a mapping, the greater of the org's and the global one, only ever grows. So a
//! removal is written down as a change of its own, and a removed org leaves its mapping revisions behind.

use super::diff::{Change, diff};
use super::document::{GlobalDoc, Mappings, OrgDoc, StoredDoc, pair};
use super::load::ConfigSet;
use super::pause::Pauses;
use serde_json::Value;
use std::collections::BTreeMap;

/// The org that stands for all: its document is the global one.
pub const GLOBAL_ORG: &str = "*";

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
pub enum DocBody {
    /// The global document.
    Global(GlobalDoc),
    /// An org's document; `removed` when the org goes.
    Org(OrgDoc),
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

/// What to store so that the table says what `wanted` says. With `prune` what the folder lacks is removed: orgs, global
/// mappings, global routes.
#[must_use]
pub fn plan_apply(stored: &Stored, wanted: &ConfigSet, prune: bool) -> Vec<DocChange> {
    let mut changes = Vec::new();
    let next = |changes: &[DocChange]| stored.revision.saturating_add(changes.len() as u64).saturating_add(1);
    let global = global_change(stored.global.as_ref(), &wanted.global, prune, next(&changes));
    changes.extend(global);
    for (org, doc) in &wanted.orgs {
        let change = org_change(org, stored.orgs.get(org), doc.clone(), next(&changes));
        changes.extend(change);
    }
    if prune {
        for (org, old) in stored.orgs.iter().filter(|(org, _)| !wanted.orgs.contains_key(*org)) {
            let gone = OrgDoc { removed: true, ..OrgDoc::default() };
            let change = org_change(org, Some(old), gone, next(&changes));
            changes.extend(change);
        }
    }
    changes
}

fn global_change(
    old: Option<&StoredDoc<GlobalDoc>>,
    wanted: &GlobalDoc,
    prune: bool,
    revision: u64,
) -> Option<DocChange> {
    let empty = GlobalDoc::default();
    let before = old.map_or(&empty, |old| &old.doc);
    let mut doc = if prune { GlobalDoc::default() } else { before.clone() };
    for (provider, mappings) in &wanted.mappings {
        doc.mappings.entry(provider.clone()).or_default().extend(mappings.clone());
    }
    doc.routes.extend(wanted.routes.clone());
    doc.mapping_revisions = revisions(&before.mappings, &doc.mappings, &before.mapping_revisions, revision);
    let changed = *before != doc;
    changed.then(|| DocChange {
        org: GLOBAL_ORG.to_owned(),
        revision,
        replaces: old.map(|old| old.revision),
        changes: diff(old.map(|old| json(&old.doc)).as_ref(), &json(&doc)),
        doc: DocBody::Global(doc),
    })
}

fn org_change(
    org: &str,
    old: Option<&StoredDoc<OrgDoc>>,
    mut doc: OrgDoc,
    revision: u64,
) -> Option<DocChange> {
    let empty = OrgDoc::default();
    let before = old.map_or(&empty, |old| &old.doc);
    doc.mapping_revisions = revisions(&before.mappings, &doc.mappings, &before.mapping_revisions, revision);
    let changed = old.is_none() || *before != doc;
    changed.then(|| DocChange {
        org: org.to_owned(),
        revision,
        replaces: old.map(|old| old.revision),
        changes: diff(old.map(|old| json(&old.doc)).as_ref(), &json(&doc)),
        doc: DocBody::Org(doc),
    })
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
