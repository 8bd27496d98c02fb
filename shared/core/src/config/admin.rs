//! One org's document by itself, as a product's own connect page gives it, under what is stored for all.

use super::apply::{DocChange, Stored, plan_org};
use super::canary;
use super::diagnostic::{Diagnostic, SourceFile};
use super::document::{GlobalDoc, OrgDoc};
use super::file::OrgFile;
use super::load::{diagnostic, look_through, told};
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
            let text = serde_json::to_string(raw).unwrap_or_default();
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
    set.orgs.remove(org).ok_or_else(|| {
        let message = format!("the address is that of org `{org}`; write it as the body's `org` too");
        vec![diagnostic(BODY, (1, 1), message, None, Code::ConfigConflict)]
    })
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
    there.then(|| plan_org(stored, org, OrgDoc { removed: true, ..OrgDoc::default() })).flatten()
}

/// The org's file that says what `doc` says, without what it tries.
#[must_use]
pub fn to_file(org: &str, doc: &OrgDoc) -> OrgFile {
    let OrgDoc { connections, routes, mappings, inbound, source, .. } = doc.without_canary();
    OrgFile { org: org.to_owned(), connections, routes, mappings, inbound, source }
}
