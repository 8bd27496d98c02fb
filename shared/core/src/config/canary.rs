//! A change that some orgs try before all others have it.
//!
//! A canary's document holds the new global mappings and routes as if they were the org's own, and remembers what was there.
//! So nothing else knows of canaries: the functions see an org with mappings of its own, and to go on or back is a change like
//! any other.

use super::apply::Stored;
use super::document::{GlobalDoc, Mappings, OrgDoc, Routes, StoredDoc, pair};
use super::resolve::effective;
use crate::mapping::RawMapping;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// Orgs that try a change first.
pub type Canaries = BTreeSet<String>;

/// What an org tries, by what stood there before.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Canary {
    /// The org's own mappings of each provider and record type that it tries: null where it had none.
    pub mappings: BTreeMap<String, BTreeMap<String, Option<RawMapping>>>,
    /// The org's own routes of the record types that it tries: null where it had none.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub routes: BTreeMap<String, Option<Vec<String>>>,
    /// What the org's own said before the trial, of what was changed with it.
    #[serde(skip_serializing_if = "Own::is_empty")]
    pub own: Own,
}

/// Mappings and routes of an org's own: null where it had none.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Own {
    /// Mappings, by provider and record type.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub mappings: BTreeMap<String, BTreeMap<String, Option<RawMapping>>>,
    /// Routes, by record type.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub routes: BTreeMap<String, Option<Vec<String>>>,
}

impl Own {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What `before` said of what `now` says otherwise; of what a trial before this one changed already, what that remembers.
    fn of(remembered: Option<&Self>, before: &OrgDoc, now: &OrgDoc) -> Self {
        let mut own = remembered.cloned().unwrap_or_default();
        for (provider, record_type) in
            differing(&before.mappings, &now.mappings).chain(differing(&now.mappings, &before.mappings))
        {
            let types = own.mappings.entry(provider.to_owned()).or_default();
            types
                .entry(record_type.to_owned())
                .or_insert_with(|| of(&before.mappings, provider, record_type).cloned());
        }
        for record_type in before.routes.keys().chain(now.routes.keys()) {
            let (was, is) = (before.routes.get(record_type), now.routes.get(record_type));
            if was != is {
                own.routes.entry(record_type.clone()).or_insert_with(|| was.cloned());
            }
        }
        // What is again as it was is nothing to go back to.
        for (provider, types) in &mut own.mappings {
            types.retain(|record_type, was| of(&now.mappings, provider, record_type) != was.as_ref());
        }
        own.mappings.retain(|_, types| !types.is_empty());
        own.routes.retain(|record_type, was| now.routes.get(record_type) != was.as_ref());
        own
    }
}

impl Canary {
    /// Whether the mapping of `record_type` at `provider` is tried.
    #[must_use]
    pub fn tries(&self, provider: &str, record_type: &str) -> bool {
        self.mappings.get(provider).is_some_and(|types| types.contains_key(record_type))
    }

    /// The org's own mapping that stood there before; none where it had none, or tries none.
    fn before(&self, provider: &str, record_type: &str) -> Option<&RawMapping> {
        self.mappings.get(provider)?.get(record_type)?.as_ref()
    }

    /// The mappings that are tried, as provider and record type.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.mappings
            .iter()
            .flat_map(|(provider, types)| types.keys().map(move |name| (provider.as_str(), name.as_str())))
    }
}

impl OrgDoc {
    /// The document as it is without what it tries.
    #[must_use]
    pub fn without_canary(&self) -> Self {
        let mut doc = Self { canary: None, ..self.clone() };
        let Some(canary) = &self.canary else { return doc };
        for (provider, types) in &canary.mappings {
            for (record_type, before) in types {
                let own = doc.mappings.entry(provider.clone()).or_default();
                put(own, record_type, before.as_ref());
            }
        }
        doc.mappings.retain(|_, types| !types.is_empty());
        for (record_type, before) in &canary.routes {
            put(&mut doc.routes, record_type, before.as_ref());
        }
        doc
    }

    /// The document as it was before the trial, but for what was said otherwise since.
    #[must_use]
    pub fn without_trial(&self) -> Self {
        let mut doc = self.without_canary();
        let own = self.canary.iter().map(|canary| &canary.own);
        for Own { mappings, routes } in own {
            for (provider, types) in mappings {
                for (record_type, was) in types {
                    put(doc.mappings.entry(provider.clone()).or_default(), record_type, was.as_ref());
                }
            }
            routes.iter().for_each(|(record_type, was)| put(&mut doc.routes, record_type, was.as_ref()));
        }
        doc.mappings.retain(|_, types| !types.is_empty());
        doc
    }

    /// The revision of what the org tries, of whose documents this is number `stored`; none where it tries nothing.
    #[must_use]
    pub fn canary_revision(&self, stored: u64) -> Option<u64> {
        let pairs = self.canary.as_ref()?.pairs().map(|(provider, record_type)| pair(provider, record_type));
        pairs.filter_map(|pair| self.mapping_revisions.get(&pair).copied()).max().or(Some(stored))
    }
}

fn put<T: Clone>(own: &mut BTreeMap<String, T>, name: &str, value: Option<&T>) {
    match value {
        Some(value) => drop(own.insert(name.to_owned(), value.clone())),
        None => drop(own.remove(name)),
    }
}

/// The document of an org that tries what differs: its own (`wanted`, or as it is stored), and of the global mappings and
/// routes those that change. None where the org does not exist.
pub(super) fn trying(
    stored: Option<&OrgDoc>,
    wanted: Option<&OrgDoc>,
    global: &GlobalDoc,
    new_global: &GlobalDoc,
) -> Option<OrgDoc> {
    let before = stored.map(OrgDoc::without_canary);
    let mut doc = wanted.cloned().or_else(|| before.clone())?;
    let mut canary = Canary::default();
    let own = doc.clone();
    if let (Some(stored), Some(before)) = (stored, &before) {
        canary.own = Own::of(stored.canary.as_ref().map(|canary| &canary.own), before, &own);
    }
    let before = before.unwrap_or_default();
    let providers: BTreeSet<&str> = providers(&own).collect();
    let tried = tried(stored, &before, &own, global, new_global);
    for (provider, record_type) in tried.into_iter().filter(|(provider, _)| providers.contains(provider)) {
        let own = of(&own.mappings, provider, record_type);
        let new = of(&new_global.mappings, provider, record_type)
            .or_else(|| of(&global.mappings, provider, record_type));
        let whole = match (own, new) {
            (Some(own), Some(new)) => Some(own.over(new)),
            (own, new) => own.or(new).cloned(),
        };
        canary.mappings.entry(provider.to_owned()).or_default().insert(record_type.to_owned(), own.cloned());
        let types = doc.mappings.entry(provider.to_owned()).or_default();
        put(types, record_type, whole.as_ref());
    }
    for (record_type, route) in changed_routes(&global.routes, &new_global.routes) {
        if !doc.routes.contains_key(record_type) {
            doc.routes.insert(record_type.to_owned(), reachable(route, &doc));
            canary.routes.insert(record_type.to_owned(), None);
        }
    }
    doc.mappings.retain(|_, types| !types.is_empty());
    let tries = !canary.mappings.is_empty() || !canary.routes.is_empty();
    doc.canary = tries.then_some(canary);
    Some(doc)
}

/// `wanted` in the place of `stored`, which goes on trying what it tries wherever `wanted` says of it what stood there before. What
/// the org's own said before the trial is forgotten: `wanted` has the say now.
pub(super) fn carried_over(stored: &OrgDoc, wanted: OrgDoc) -> OrgDoc {
    let Some(canary) = &stored.canary else { return wanted };
    let (mut doc, mut kept) = (wanted, Canary::default());
    let providers: BTreeSet<String> = providers(&doc).map(str::to_owned).collect();
    for (provider, record_type) in canary.pairs().filter(|(provider, _)| providers.contains(*provider)) {
        let before = canary.before(provider, record_type);
        if of(&doc.mappings, provider, record_type) != before {
            continue;
        }
        let tried = of(&stored.mappings, provider, record_type);
        put(doc.mappings.entry(provider.to_owned()).or_default(), record_type, tried);
        kept.mappings.entry(provider.to_owned()).or_default().insert(record_type.to_owned(), before.cloned());
    }
    for (record_type, before) in &canary.routes {
        if doc.routes.get(record_type) == before.as_ref() {
            let tried = stored.routes.get(record_type).map(|route| reachable(route, &doc));
            put(&mut doc.routes, record_type, tried.as_ref());
            kept.routes.insert(record_type.clone(), before.clone());
        }
    }
    doc.mappings.retain(|_, types| !types.is_empty());
    doc.canary = (kept != Canary::default()).then_some(kept);
    doc
}

/// The providers that `doc` has connections to.
fn providers(doc: &OrgDoc) -> impl Iterator<Item = &str> {
    doc.connections.iter().map(|(id, connection)| connection.provider.as_deref().unwrap_or(id))
}

/// What of `route` the org has.
fn reachable(route: &[String], doc: &OrgDoc) -> Vec<String> {
    route.iter().filter(|id| doc.connections.contains_key(*id)).cloned().collect()
}

/// The mappings of `own` to be tried: those that are new for the org, be it its own or a global one that it has or lies over,
/// and those that it tries already.
fn tried<'a>(
    stored: Option<&'a OrgDoc>,
    before: &'a OrgDoc,
    own: &'a OrgDoc,
    global: &'a GlobalDoc,
    new_global: &'a GlobalDoc,
) -> BTreeSet<(&'a str, &'a str)> {
    let shared = differing(&global.mappings, &new_global.mappings).filter(|(provider, record_type)| {
        of(&own.mappings, provider, record_type).is_none_or(RawMapping::is_layer)
    });
    let remembered = stored.and_then(|stored| stored.canary.as_ref());
    let already = remembered.into_iter().flat_map(Canary::pairs).filter(|(provider, record_type)| {
        let now = of(&own.mappings, provider, record_type);
        let then = remembered.and_then(|canary| canary.before(provider, record_type));
        now.is_some() && now == then
    });
    shared.chain(differing(&before.mappings, &own.mappings)).chain(already).collect()
}

/// The document of an org that the folder lacks, once the folder says of all that it tries what holds for all; none while it
/// does not, or where the org tries nothing.
pub(super) fn ended_by(stored: &OrgDoc, wanted: &GlobalDoc) -> Option<OrgDoc> {
    let canary = stored.canary.as_ref()?;
    let said =
        canary.pairs().all(|(provider, record_type)| of(&wanted.mappings, provider, record_type).is_some())
            && canary.routes.keys().all(|record_type| wanted.routes.contains_key(record_type));
    said.then(|| stored.without_canary())
}

/// The canaries whose trial `after` takes further, each with the revision of what it tries: others become canaries too, or the
/// trial ends otherwise than with what held before it. Who goes back goes no further.
#[must_use]
pub fn tried_on<'a>(stored: &'a Stored, after: &Stored) -> Vec<(&'a str, u64)> {
    let trying = |stored: &StoredDoc<OrgDoc>| stored.doc.canary.is_some();
    let joined = after.orgs.iter().any(|(org, doc)| trying(doc) && !stored.orgs.get(org).is_some_and(trying));
    let further = |(org, old): (&'a String, &'a StoredDoc<OrgDoc>)| {
        let (canary, new) = (old.doc.canary.as_ref()?, after.orgs.get(org)?);
        let (before, global, new_global) =
            (old.doc.without_canary(), stored.global_doc(), after.global_doc());
        let mapping = |doc: &OrgDoc, global: &GlobalDoc, provider: &str, record_type: &str| {
            let effective = effective(&doc.mappings, &global.mappings, provider).remove(record_type);
            effective.map(Cow::into_owned)
        };
        let mapped = canary.pairs().any(|(provider, record_type)| {
            let now = mapping(&new.doc, &new_global, provider, record_type);
            let then = mapping(&before, &global, provider, record_type);
            let tried = of(&old.doc.mappings, provider, record_type);
            // What the org changed of its own stands there already: then it goes on by staying.
            if then.as_ref() == tried { now.as_ref() == tried } else { now != then }
        });
        let route = |doc: &OrgDoc, global: &GlobalDoc, record_type: &str| {
            let own = doc.routes.get(record_type).cloned();
            own.or_else(|| global.routes.get(record_type).map(|route| reachable(route, doc)))
                .unwrap_or_default()
        };
        let routed = canary.routes.keys().any(|record_type| {
            route(&new.doc, &new_global, record_type) != route(&before, &global, record_type)
        });
        let ended = !new.doc.removed && new.doc.canary.is_none();
        let revision = old.doc.canary_revision(old.revision)?;
        ((mapped || routed) && (ended || joined)).then_some((org.as_str(), revision))
    };
    stored.orgs.iter().filter_map(further).collect()
}

/// What a canary's records say of what it tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Few enough of them died.
    Well,
    /// None has come yet.
    Unseen,
    /// Too many died.
    Bad,
}

/// What to think of a trial in which `well` records went well and `dead` died, where at most `most_percent` of them may die.
#[must_use]
pub fn judge(well: u64, dead: u64, most_percent: f64) -> Verdict {
    let all = well.saturating_add(dead);
    // Counts beyond 2^53 do not occur.
    #[allow(clippy::cast_precision_loss)]
    let percent = dead as f64 * 100.0 / all as f64;
    match all {
        0 => Verdict::Unseen,
        _ if percent > most_percent => Verdict::Bad,
        _ => Verdict::Well,
    }
}

fn of<'a>(mappings: &'a Mappings, provider: &str, record_type: &str) -> Option<&'a RawMapping> {
    mappings.get(provider)?.get(record_type)
}

/// The mappings of `new` that `old` does not have so.
fn differing<'a>(old: &'a Mappings, new: &'a Mappings) -> impl Iterator<Item = (&'a str, &'a str)> {
    new.iter().flat_map(move |(provider, types)| {
        let differs = move |(record_type, raw): &(&'a String, &'a RawMapping)| {
            of(old, provider, record_type) != Some(*raw)
        };
        types.iter().filter(differs).map(move |(record_type, _)| (provider.as_str(), record_type.as_str()))
    })
}

fn changed_routes<'a>(old: &'a Routes, new: &'a Routes) -> impl Iterator<Item = (&'a str, &'a Vec<String>)> {
    new.iter()
        .filter(|(name, route)| old.get(*name) != Some(*route))
        .map(|(name, route)| (name.as_str(), route))
}
