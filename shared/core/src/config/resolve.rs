//! One org's configuration as the functions use it: connections, routes, and mappings compiled once.

use super::document::{ConnectionDoc, GlobalDoc, Mappings, OrgDoc, Routes, StoredDoc, pair};
use super::file::{Inbound, LimitText, Mode, Source, Target};
use super::globals::{Globals, compile};
use crate::code::Code;
use crate::mapping::{Mapping, ProviderFacts, RawMapping, listed, nearest};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The share of the limits that backfills and polls may use unless the connection says otherwise, in percent.
const DEFAULT_BACKFILL_PERCENT: u8 = 20;

/// How often a CRM is asked what has changed unless the org says otherwise, in milliseconds.
const POLL_MS: i64 = 300_000;

/// One org's configuration.
#[derive(Debug, Clone, Default)]
pub struct OrgConfig {
    /// The org.
    pub org: String,
    /// Whether it has a document of its own.
    pub known: bool,
    /// Its connections by id.
    pub connections: BTreeMap<String, Connection>,
    /// Where the records of each type go; only connections that the org has.
    pub routes: BTreeMap<String, Vec<String>>,
    /// How changes made in the CRMs are delivered.
    pub inbound: Option<WayBack>,
    /// Where its records are listed.
    pub source: Option<Source>,
    /// Since which revision it tries mappings before other orgs have them, if it does.
    pub canary: Option<u64>,
    tried_routes: BTreeSet<String>,
    mappings: BTreeMap<String, BTreeMap<String, Arc<MappingAt>>>,
}

/// How changes made in the CRMs come back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WayBack {
    /// Where they are delivered.
    pub target: Target,
    /// How often each CRM is asked what has changed, in milliseconds.
    pub poll_ms: i64,
}

/// A mapping with the revision that it was last changed at.
#[derive(Debug)]
pub struct MappingAt {
    /// The mapping: of all orgs that have the global one it is one and the same.
    pub mapping: Arc<Mapping>,
    /// The revision: it only grows for this org, provider and record type.
    pub revision: u64,
    /// Whether the org tries it before others have it.
    pub canary: bool,
}

/// One connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// Its id within the org.
    pub id: String,
    /// Its provider.
    pub provider: String,
    /// Whether it is live.
    pub mode: Mode,
    /// The address of the CRM's API, when it is not the provider's own.
    pub base_url: Option<String>,
    /// The name of its secret.
    pub secret: String,
    /// Its limits.
    pub limits: Vec<LimitRule>,
    /// The share of the limits that backfills and polls may use, in percent.
    pub reserve_backfill_percent: u8,
}

/// One limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitRule {
    /// The part of the API that it governs; `*` is all of it.
    pub api: String,
    /// Requests that may be made…
    pub requests: u64,
    /// …in this many milliseconds.
    pub per_ms: i64,
    /// Requests that may come at once.
    pub burst: u64,
}

/// Why a stored configuration cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the configuration of org `{org}` cannot be used: {message}; apply it again")]
pub struct ConfigError {
    /// The org.
    pub org: String,
    /// What is wrong with it.
    pub message: String,
    /// The code people look up.
    pub code: Code,
}

impl OrgConfig {
    /// The connections that records of `record_type` go to.
    #[must_use]
    pub fn route(&self, record_type: &str) -> &[String] {
        self.routes.get(record_type).map_or(&[], Vec::as_slice)
    }

    /// The revision of the trial that the route of `record_type` is part of, if it is.
    #[must_use]
    pub fn route_trial(&self, record_type: &str) -> Option<u64> {
        self.canary.filter(|_| self.tried_routes.contains(record_type))
    }

    /// The mapping of `record_type` at `connection`.
    #[must_use]
    pub fn mapping(&self, connection: &str, record_type: &str) -> Option<&Arc<MappingAt>> {
        let provider = &self.connections.get(connection)?.provider;
        self.mappings.get(provider)?.get(record_type)
    }

    /// All mappings at `connection`, by record type.
    pub fn mappings(&self, connection: &str) -> impl Iterator<Item = (&str, &Arc<MappingAt>)> {
        let provider =
            self.connections.get(connection).and_then(|connection| self.mappings.get(&connection.provider));
        provider.into_iter().flatten().map(|(record_type, mapping)| (record_type.as_str(), mapping))
    }
}

/// What the stored documents say for `org`.
///
/// # Errors
/// When a stored document has a part that this version cannot use: an unknown provider, a mapping that does not compile.
pub fn resolve(
    org: &str,
    org_doc: Option<&StoredDoc<OrgDoc>>,
    global: Option<&StoredDoc<GlobalDoc>>,
    facts: &[ProviderFacts],
    stage: &str,
) -> Result<OrgConfig, ConfigError> {
    let compiled = Globals::of(global.map(|stored| &stored.doc), facts);
    resolve_over(&compiled, org, org_doc, global, facts, stage)
}

/// The same over the global mappings of `global`, `compiled` once for all orgs.
///
/// # Errors
/// As [`resolve`].
pub fn resolve_over(
    compiled: &Globals,
    org: &str,
    org_doc: Option<&StoredDoc<OrgDoc>>,
    global: Option<&StoredDoc<GlobalDoc>>,
    facts: &[ProviderFacts],
    stage: &str,
) -> Result<OrgConfig, ConfigError> {
    let (no_org, no_global) = (OrgDoc::default(), GlobalDoc::default());
    let own = org_doc.map_or(&no_org, |stored| &stored.doc);
    let shared = global.map_or(&no_global, |stored| &stored.doc);
    let resolver = Resolver { org, own, shared, compiled, facts, stage };
    let connections = own
        .connections
        .iter()
        .map(|(id, doc)| Ok((id.clone(), resolver.connection(id, doc)?)))
        .collect::<Result<BTreeMap<_, _>, ConfigError>>()?;
    Ok(OrgConfig {
        org: org.to_owned(),
        known: org_doc.is_some() && !own.removed,
        routes: routes(&own.routes, &shared.routes, &connections),
        mappings: resolver.mappings(&connections)?,
        inbound: own.inbound.as_ref().map(|inbound| resolver.way_back(inbound)).transpose()?,
        source: own.source.clone().or_else(|| shared.source.clone()),
        canary: org_doc.and_then(|stored| stored.doc.canary_revision(stored.revision)),
        tried_routes: own.canary.iter().flat_map(|canary| canary.routes.keys().cloned()).collect(),
        connections,
    })
}

struct Resolver<'a> {
    org: &'a str,
    own: &'a OrgDoc,
    shared: &'a GlobalDoc,
    compiled: &'a Globals,
    facts: &'a [ProviderFacts],
    stage: &'a str,
}

impl Resolver<'_> {
    fn connection(&self, id: &str, doc: &ConnectionDoc) -> Result<Connection, ConfigError> {
        let provider = doc.provider.as_deref().unwrap_or(id);
        let facts = self.facts(provider)?;
        let limits = match &doc.limits {
            Some(limits) => limits.iter().map(|limit| self.limit(limit)).collect::<Result<_, _>>()?,
            None => default_limits(facts),
        };
        let backfill = doc.reserve.as_ref().and_then(|reserve| reserve.backfill.as_ref());
        let percent = backfill.map_or(Ok(DEFAULT_BACKFILL_PERCENT), |text| text.to_percent());
        Ok(Connection {
            id: id.to_owned(),
            provider: provider.to_owned(),
            mode: doc.mode.unwrap_or_default(),
            base_url: doc.base_url.clone(),
            secret: doc.secret.clone().unwrap_or_else(|| format!("rtr/{}/{}/{id}", self.stage, self.org)),
            limits,
            reserve_backfill_percent: percent
                .map_err(|message| self.error(message, Code::BadStoredConfig))?,
        })
    }

    fn way_back(&self, inbound: &Inbound) -> Result<WayBack, ConfigError> {
        let poll_ms = inbound.poll.as_ref().map_or(Ok(POLL_MS), |text| text.to_ms());
        let poll_ms = poll_ms.map_err(|error| self.error(error.to_string(), Code::BadStoredConfig))?;
        Ok(WayBack { target: inbound.target.clone(), poll_ms })
    }

    fn limit(&self, limit: &LimitText) -> Result<LimitRule, ConfigError> {
        let per_ms =
            limit.per.to_ms().map_err(|error| self.error(error.to_string(), Code::BadStoredConfig))?;
        Ok(LimitRule {
            api: limit.api.clone(),
            requests: limit.requests,
            per_ms,
            burst: limit.burst.unwrap_or(limit.requests),
        })
    }

    /// The mappings of the providers that the org is connected to; its own win over the global ones.
    fn mappings(
        &self,
        connections: &BTreeMap<String, Connection>,
    ) -> Result<BTreeMap<String, BTreeMap<String, Arc<MappingAt>>>, ConfigError> {
        let mut mappings = BTreeMap::new();
        for connection in connections.values() {
            if mappings.contains_key(&connection.provider) {
                continue;
            }
            let compiled = self.compile(&connection.provider)?;
            mappings.insert(connection.provider.clone(), compiled);
        }
        Ok(mappings)
    }

    fn compile(&self, provider: &str) -> Result<BTreeMap<String, Arc<MappingAt>>, ConfigError> {
        let facts = self.facts(provider)?;
        let mut compiled = BTreeMap::new();
        for (record_type, raw) in effective(&self.own.mappings, &self.shared.mappings, provider) {
            let of_all = matches!(raw, Cow::Borrowed(_))
                .then(|| self.compiled.get(provider, record_type, &raw))
                .flatten();
            let mapping = of_all.unwrap_or_else(|| compile(facts, record_type, &raw));
            let mapping = mapping.map_err(|problems| {
                self.error(format!("mapping {provider}/{record_type}: {problems}"), Code::BadStoredConfig)
            })?;
            let name = pair(provider, record_type);
            let at = |revisions: &BTreeMap<String, u64>| revisions.get(&name).copied().unwrap_or_default();
            let revision = at(&self.own.mapping_revisions).max(at(&self.shared.mapping_revisions));
            let canary = self.own.canary.as_ref().is_some_and(|canary| {
                canary.tries(provider, record_type) || canary.routes.contains_key(record_type)
            });
            compiled.insert(record_type.to_owned(), Arc::new(MappingAt { mapping, revision, canary }));
        }
        Ok(compiled)
    }

    fn facts(&self, provider: &str) -> Result<&ProviderFacts, ConfigError> {
        let found = self.facts.iter().find(|facts| facts.name == provider);
        found.ok_or_else(|| self.error(unknown_provider(provider, self.facts).0, Code::UnknownProvider))
    }

    fn error(&self, message: String, code: Code) -> ConfigError {
        ConfigError { org: self.org.to_owned(), message, code }
    }
}

/// The mappings of `provider` that hold for an org: its own, over the global ones where they are layers, and the global ones.
pub(super) fn effective<'a>(
    own: &'a Mappings,
    shared: &'a Mappings,
    provider: &str,
) -> BTreeMap<&'a str, Cow<'a, RawMapping>> {
    let of = |mappings: &'a Mappings| mappings.get(provider).into_iter().flatten();
    let mut effective: BTreeMap<&str, Cow<'_, RawMapping>> =
        of(shared).map(|(record_type, raw)| (record_type.as_str(), Cow::Borrowed(raw))).collect();
    for (record_type, raw) in of(own) {
        let whole = match effective.get(record_type.as_str()) {
            Some(base) if raw.is_layer() => Cow::Owned(raw.over(base)),
            _ => Cow::Borrowed(raw),
        };
        effective.insert(record_type, whole);
    }
    effective
}

/// The words for a provider that does not exist, and the name that was probably meant.
pub(super) fn unknown_provider(name: &str, facts: &[ProviderFacts]) -> (String, Option<String>) {
    let names = || facts.iter().map(|facts| facts.name);
    let meant = nearest(name, names()).map(str::to_owned);
    let hint = if meant.is_some() { String::new() } else { format!("; there are {}", listed(names())) };
    (format!("unknown provider `{name}`{hint}"), meant)
}

fn default_limits(facts: &ProviderFacts) -> Vec<LimitRule> {
    let rule = |fact: &crate::mapping::LimitFact| LimitRule {
        api: fact.api.to_owned(),
        requests: fact.requests,
        per_ms: fact.per_ms,
        burst: fact.burst,
    };
    facts.default_limits.iter().map(rule).collect()
}

fn routes(
    own: &Routes,
    shared: &Routes,
    connections: &BTreeMap<String, Connection>,
) -> BTreeMap<String, Vec<String>> {
    let mut routes = own.clone();
    for (record_type, route) in shared {
        let reachable = || route.iter().filter(|id| connections.contains_key(*id)).cloned().collect();
        routes.entry(record_type.clone()).or_insert_with(reachable);
    }
    routes
}
