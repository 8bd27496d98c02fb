//! One org's document by itself, as a product's own connect page gives it, under what is stored for all.

use super::apply::{DocChange, Stored, plan_org};
use super::canary;
use super::diagnostic::{Diagnostic, SourceFile};
use super::document::{GlobalDoc, OrgDoc};
use super::file::{OrgFile, Source, Target};
use super::load::{diagnostic, look_through, told};
use super::yaml;
use crate::code::Code;
use crate::mapping::ProviderFacts;

/// The file that the body is checked as.
const BODY: &str = "orgs/body.yaml";

/// The document of `org` that `body` says, JSON or YAML of the shape of an org's file: checked as `rtr config check` checks it, with
/// the global mappings that are stored.
///
/// # Errors
/// Everything that is wrong with it, each at its place in the body.
pub fn read_org(
    org: &str,
    body: &str,
    global: &GlobalDoc,
    facts: &[ProviderFacts],
) -> Result<OrgDoc, Vec<Diagnostic>> {
    let mut files = Vec::new();
    for (provider, types) in &global.mappings {
        for (record_type, raw) in types {
            // JSON is YAML, and a mapping's keys are texts: this cannot fail.
            let text = serde_json::to_string_pretty(raw).unwrap_or_default();
            files.push(SourceFile { path: format!("mappings/{provider}/{record_type}.yaml"), text });
        }
    }
    // What is wrong with the stored mappings alone is no fault of the body's.
    let (_, before) = look_through(&files, facts);
    files.push(SourceFile { path: BODY.to_owned(), text: body.to_owned() });
    let (mut set, mut faults) = look_through(&files, facts);
    faults.retain(|fault| !before.contains(fault));
    if !faults.is_empty() {
        return Err(told(faults, &files));
    }
    let doc = set.orgs.remove(org).ok_or_else(|| {
        let message = format!("the address is that of org `{org}`; write it as the body's `org` too");
        vec![diagnostic(BODY, (1, 1), message, None, Code::ConfigConflict)]
    })?;
    let foreign = foreign_secrets(org, &doc, body);
    if foreign.is_empty() { Ok(doc) } else { Err(told(foreign, &files)) }
}

/// The secrets in the body that are another org's: who may store one org's document does not get at others' accounts by it.
fn foreign_secrets(org: &str, doc: &OrgDoc, body: &str) -> Vec<Diagnostic> {
    let connections = doc.connections.iter().filter_map(|(id, connection)| {
        Some((vec!["connections", id, "secret"], connection.secret.as_deref()?))
    });
    let inbound = doc.inbound.iter().filter_map(|inbound| match &inbound.target {
        Target::Http { secret, .. } => Some((vec!["inbound", "target", "http", "secret"], secret.as_str())),
        _ => None,
    });
    let source = doc.source.iter().filter_map(|source| match source {
        Source::Http { secret, .. } => Some((vec!["source", "http", "secret"], secret.as_deref()?)),
    });
    let node = yaml::parse(body).ok();
    let fault = |(path, _): (Vec<&str>, &str)| {
        let place = node.as_ref().map_or((1, 1), |node| {
            let secret = node.locate(path);
            (secret.line, secret.column)
        });
        let message = format!("this secret is not org `{org}`'s: its own are named rtr/<stage>/{org}/…");
        diagnostic(BODY, place, message, None, Code::ConfigConflict)
    };
    let foreign = connections.chain(inbound).chain(source).filter(|(_, secret)| !is_own(org, secret));
    foreign.map(fault).collect()
}

/// Whether `secret` is one of `org`'s: `rtr/<stage>/<org>/…`.
fn is_own(org: &str, secret: &str) -> bool {
    let mut parts = secret.splitn(4, '/');
    matches!((parts.next(), parts.next(), parts.next(), parts.next()), (Some("rtr"), Some(_), Some(of), Some(_)) if of == org)
}

/// What to store so that `org` is as `wanted` says: none where it is so. What the org tries before others it goes on trying where
/// its own word for it is the same.
#[must_use]
pub fn plan_put(stored: &Stored, org: &str, wanted: OrgDoc) -> Option<DocChange> {
    let wanted = OrgDoc { from_page: true, ..wanted };
    let wanted = match stored.orgs.get(org) {
        Some(old) => canary::carried_over(&old.doc, wanted),
        None => wanted,
    };
    // The files' own words on the page are still the files'.
    plan_org(stored, org, wanted)
        .filter(|change| change.changes.iter().any(|change| change.path != "from_page"))
}

/// What to store so that `org` is gone: none where it is.
#[must_use]
pub fn plan_removal(stored: &Stored, org: &str) -> Option<DocChange> {
    let there = stored.orgs.get(org).is_some_and(|old| !old.doc.removed);
    there
        .then(|| plan_org(stored, org, OrgDoc { removed: true, from_page: true, ..OrgDoc::default() }))
        .flatten()
}

/// The org's file that says what `doc` says, without what it tries.
#[must_use]
pub fn to_file(org: &str, doc: &OrgDoc) -> OrgFile {
    let OrgDoc { connections, routes, mappings, inbound, source, .. } = doc.without_canary();
    OrgFile { org: org.to_owned(), connections, routes, mappings, inbound, source }
}
