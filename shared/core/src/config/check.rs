//! What a schema cannot say: that names lead somewhere, expressions compile, and mappings do not contradict each other.

mod all;
mod described;
mod numbers;
mod own;
mod written;

use super::conflict::clash;
use super::described::Description;
use super::diagnostic::Diagnostic;
use super::file::{ConnectionFile, OrgFile, Source, Target};
use super::load::{Parsed, diagnostic};
use super::references;
use super::resolve::unknown_provider;
use super::yaml::Node;
use crate::code::Code;
use crate::mapping::{Mapping, ProviderFacts, RawMapping, listed, nearest};
use described::Shared;
use std::collections::{BTreeMap, BTreeSet};
use written::Written;

/// Whose secret has the name that a connection's of this id would have.
const INGEST: &str = "ingest";
/// The longest id of an org, in characters; events carry no longer one.
const MAX_ORG_CHARS: usize = crate::key::MAX_ID_CHARS;

/// A mapping of the `mappings` folder.
pub(super) struct GlobalMapping {
    pub(super) provider: String,
    pub(super) record_type: String,
    pub(super) parsed: Parsed<RawMapping>,
}

/// A compiled mapping and the file and place that it comes from.
struct Compiled {
    mapping: Mapping,
    file: String,
    at: (u32, u32),
}

type ByType = BTreeMap<String, Compiled>;

/// Everything wrong with the files together. `named` are the provider and record type of every mapping file, the
/// unreadable ones included, so that one fault is not told twice.
pub(super) fn folder(
    named: &BTreeSet<(&str, &str)>,
    globals: &[GlobalMapping],
    orgs: &[Parsed<OrgFile>],
    facts: &[ProviderFacts],
    descriptions: &[Description],
) -> Vec<Diagnostic> {
    let mut checker = Checker { facts, named, globals, faults: Vec::new() };
    let mut shared: BTreeMap<String, ByType> = BTreeMap::new();
    for global in globals {
        let types = shared.entry(global.provider.clone()).or_default();
        if let Some(first) = types.get(&global.record_type) {
            let message = format!("this mapping has a file already, {}; keep one", first.file);
            let fault = diagnostic(&global.parsed.file, (1, 1), message, None, Code::ConfigConflict);
            checker.faults.push(fault);
        }
        types.extend(checker.global(global));
    }
    for mappings in shared.values() {
        checker.clashes(mappings, &BTreeMap::new());
    }
    let all = orgs.iter().find(|org| org.value.org == super::GLOBAL_ORG).map(|org| &org.value.routes);
    let shared = Shared { mappings: &shared, routes: all, descriptions };
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    for org in orgs {
        if let Some(first) = seen.insert(&org.value.org, &org.file) {
            let message = format!("org `{}` has a file already, {first}; keep one", org.value.org);
            checker.at(org, &["org"], Code::ConfigConflict, message, None);
        }
        checker.org(org, &shared);
    }
    for all in orgs.iter().filter(|org| org.value.org == super::GLOBAL_ORG) {
        checker.global_routes(all, orgs);
    }
    checker.faults.extend(references::unmapped(named, globals, orgs));
    checker.faults
}

struct Checker<'a> {
    facts: &'a [ProviderFacts],
    named: &'a BTreeSet<(&'a str, &'a str)>,
    globals: &'a [GlobalMapping],
    faults: Vec<Diagnostic>,
}

impl Checker<'_> {
    fn global(&mut self, global: &GlobalMapping) -> Option<(String, Compiled)> {
        let GlobalMapping { provider, record_type, parsed } = global;
        let Some(facts) = self.facts.iter().find(|facts| facts.name == provider) else {
            let (message, meant) = unknown_provider(provider, self.facts);
            let message = format!("{message} (the name of the file's folder)");
            self.faults.push(diagnostic(&parsed.file, (1, 1), message, meant, Code::UnknownProvider));
            return None;
        };
        self.mapping(
            facts,
            record_type,
            &parsed.value,
            &Written { parsed, path: &[], said: &parsed.value, known: &[] },
        )
    }

    fn org(&mut self, org: &Parsed<OrgFile>, shared: &Shared<'_>) {
        let file = &org.value;
        let too_long = file.org.chars().count() > MAX_ORG_CHARS;
        if file.org.is_empty() || too_long || file.org.chars().any(char::is_control) {
            let message =
                format!("an org's id has 1 to {MAX_ORG_CHARS} characters and no control characters");
            self.at(org, &["org"], Code::ConfigSyntax, message, None);
        }
        if file.org == super::AUDIT {
            let message = format!("no org may be called `{}`: what people did is kept there", super::AUDIT);
            self.at(org, &["org"], Code::ConfigSyntax, message, None);
        }
        if let Some(Source::Http { url, .. }) = &file.source {
            self.address(org, &["source", "http", "url"], url);
        }
        if file.org == super::GLOBAL_ORG {
            self.global_org(org);
            return;
        }
        for (id, connection) in &file.connections {
            self.connection(org, id, connection);
        }
        let own = self.own_mappings(org, shared.mappings);
        self.described(org, &own, shared);
        for (record_type, route) in &file.routes {
            self.route(org, record_type, route);
        }
        self.inbound(org);
    }

    fn global_org(&mut self, org: &Parsed<OrgFile>) {
        let file = &org.value;
        let parts = [
            ("connections", file.connections.is_empty()),
            ("mappings", file.mappings.is_empty()),
            ("inbound", file.inbound.is_none()),
        ];
        for (part, _) in parts.into_iter().filter(|(_, absent)| !absent) {
            let message = format!(
                "org `*` has routes and a source only; `{part}` belongs to an org, global mappings to mappings/<provider>/"
            );
            self.at_key(org, &[], part, Code::ConfigConflict, message, None);
        }
    }

    fn connection(&mut self, org: &Parsed<OrgFile>, id: &str, connection: &ConnectionFile) {
        let provider = connection.provider.as_deref().unwrap_or(id);
        if !self.facts.iter().any(|facts| facts.name == provider) {
            let (message, meant) = unknown_provider(provider, self.facts);
            match connection.provider {
                Some(_) => {
                    self.at(org, &["connections", id, "provider"], Code::UnknownProvider, message, meant)
                }
                None => {
                    let message = format!("{message} (the connection's id stands for it; add `provider: …`)");
                    self.at_key(org, &["connections"], id, Code::UnknownProvider, message, meant);
                }
            }
        }
        if let Some(url) = &connection.base_url {
            self.address(org, &["connections", id, "base_url"], url);
        }
        if id == INGEST && connection.secret.is_none() {
            let message = format!(
                "the secret of a connection `{id}` would be the one by which events are handed in; call it otherwise, or name its secret"
            );
            self.at_key(org, &["connections"], id, Code::ConfigConflict, message, None);
        }
        if connection.secret.as_deref().is_some_and(|secret| secret.trim().is_empty()) {
            let message = "the secret has no name; write one, or take `secret` away".to_owned();
            self.at(org, &["connections", id, "secret"], Code::ConfigSyntax, message, None);
        }
    }

    fn address(&mut self, org: &Parsed<OrgFile>, path: &[&str], url: &str) {
        let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
        let good = host.is_some_and(|host| !host.is_empty() && !host.starts_with(['/', ':', '?', '#']));
        if !good || url.contains(char::is_whitespace) {
            let message = format!("`{url}` is no address; write one such as https://api.example.com");
            self.at(org, path, Code::ConfigSyntax, message, None);
        }
        if url.contains('@') {
            let message =
                "an address holds no user or password; they belong into the connection's secret".to_owned();
            self.at(org, path, Code::ConfigSyntax, message, None);
        }
    }

    fn inbound(&mut self, org: &Parsed<OrgFile>) {
        match org.value.inbound.as_ref().map(|inbound| &inbound.target) {
            Some(Target::Http { url, .. }) => self.address(org, &["inbound", "target", "http", "url"], url),
            Some(Target::Sqs { url }) => self.address(org, &["inbound", "target", "sqs", "url"], url),
            _ => {}
        }
    }

    fn route(&mut self, org: &Parsed<OrgFile>, record_type: &str, route: &[String]) {
        let mut seen = BTreeSet::new();
        for (at, id) in route.iter().enumerate() {
            let place = org.node.locate(["routes", record_type]).item(at);
            let Some(connection) = org.value.connections.get(id) else {
                let names = || org.value.connections.keys().map(String::as_str);
                let meant = nearest(id, names()).map(str::to_owned);
                let message = format!("the org has no connection `{id}`; it has {}", listed(names()));
                self.push(org, place, Code::ConfigReference, message, meant);
                continue;
            };
            if !seen.insert(id) {
                let message = format!("`{id}` stands twice in this route");
                self.push(org, place, Code::ConfigConflict, message, None);
                continue;
            }
            let provider = connection.provider.as_deref().unwrap_or(id);
            self.mapped(org, place, provider, record_type);
        }
    }

    /// Refuses a route to a provider that has no mapping for the type. A folder without any global mapping of this
    /// provider relies on those that are stored already.
    fn mapped(&mut self, org: &Parsed<OrgFile>, place: &Node, provider: &str, record_type: &str) {
        let own =
            org.value.mappings.get(provider).into_iter().flat_map(|types| types.keys().map(String::as_str));
        let shared: Vec<&str> =
            self.named.iter().filter(|(of, _)| *of == provider).map(|(_, name)| *name).collect();
        if shared.is_empty() || own.chain(shared.iter().copied()).any(|name| name == record_type) {
            return;
        }
        let meant = nearest(record_type, shared).map(str::to_owned);
        let message = format!(
            "{provider} has no mapping for `{record_type}`; add mappings/{provider}/{record_type}.yaml, or take the connection out"
        );
        self.push(org, place, Code::NoMapping, message, meant);
    }

    /// Refuses every two of `mappings`, and every one of them with one of `others` that it does not replace, that clash.
    fn clashes(&mut self, mappings: &ByType, others: &ByType) {
        let mut faults = Vec::new();
        for (record_type, one) in mappings {
            let later = mappings.iter().filter(|(other, _)| *other > record_type);
            let inherited = others.iter().filter(|(other, _)| !mappings.contains_key(*other));
            for (_, other) in later.chain(inherited) {
                let Some(message) = clash(&one.mapping, &other.mapping) else { continue };
                for (here, there) in [(one, other), (other, one)] {
                    let message =
                        format!("{message} (the other one: {}:{}:{})", there.file, there.at.0, there.at.1);
                    faults.push(diagnostic(&here.file, here.at, message, None, Code::ConfigConflict));
                }
            }
        }
        self.faults.extend(faults);
    }

    fn at<T>(
        &mut self,
        parsed: &Parsed<T>,
        path: &[&str],
        code: Code,
        message: String,
        meant: Option<String>,
    ) {
        let node = parsed.node.locate(path.iter().copied());
        self.push(parsed, node, code, message, meant);
    }

    fn at_key<T>(
        &mut self,
        parsed: &Parsed<T>,
        path: &[&str],
        key: &str,
        code: Code,
        message: String,
        meant: Option<String>,
    ) {
        let node = parsed.node.locate(path.iter().copied());
        let place = node.get(key).map_or((node.line, node.column), |entry| (entry.line, entry.column));
        self.faults.push(diagnostic(&parsed.file, place, message, meant, code));
    }

    fn push<T>(
        &mut self,
        parsed: &Parsed<T>,
        node: &Node,
        code: Code,
        message: String,
        meant: Option<String>,
    ) {
        self.faults.push(diagnostic(&parsed.file, (node.line, node.column), message, meant, code));
    }
}
