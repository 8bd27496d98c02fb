//! What the tests of configuration share: providers, small files, and a table in memory.

mod applying;
mod canaries;
mod folder;
mod gallery;
mod layering;
mod loading;
mod pages;
mod resolving;

use super::*;
use crate::mapping::{LimitFact, ProviderFacts};

const FACTS: &[ProviderFacts] = &[
    ProviderFacts {
        name: "hubspot",
        title: "HubSpot",
        default_key: Some("rtr_record_id"),
        default_limits: &[LimitFact { api: "*", requests: 100, per_ms: 10_000, burst: 100 }],
        lookups: &[],
    },
    ProviderFacts {
        name: "salesforce",
        title: "Salesforce",
        default_key: Some("Rtr_Record_Id__c"),
        default_limits: &[],
        lookups: &[],
    },
    ProviderFacts {
        name: "pipedrive",
        title: "Pipedrive",
        default_key: None,
        default_limits: &[],
        lookups: &[],
    },
];
const CONTACT: &str = "object: contacts\nmatch: email\nfields:\n  email: email | lower\n";

fn file(path: &str, text: &str) -> SourceFile {
    SourceFile { path: path.to_owned(), text: text.to_owned() }
}

fn loaded(files: &[(&str, &str)]) -> ConfigSet {
    let files: Vec<SourceFile> = files.iter().map(|(path, text)| file(path, text)).collect();
    load(&files, FACTS).unwrap_or_else(|faults| panic!("{}", words(&faults)))
}

fn refused(files: &[(&str, &str)]) -> String {
    let files: Vec<SourceFile> = files.iter().map(|(path, text)| file(path, text)).collect();
    words(&load(&files, FACTS).unwrap_err())
}

fn words(faults: &[Diagnostic]) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// A table that takes what is planned.
fn store(stored: &mut Stored, changes: Vec<DocChange>) {
    for DocChange { org, revision, doc, .. } in changes {
        stored.revision = revision;
        let (author, at) = ("ada".to_owned(), "2026-11-23T10:00:00Z".to_owned());
        match doc {
            DocBody::Global(doc) => {
                stored.global = Some(StoredDoc { revision, author, at, reason: None, doc })
            }
            DocBody::Org(doc) => {
                drop(stored.orgs.insert(org, StoredDoc { revision, author, at, reason: None, doc }))
            }
        }
    }
}

fn apply(stored: &mut Stored, files: &[(&str, &str)], prune: bool) -> String {
    let changes = plan_apply(stored, &loaded(files), Wish { prune, canaries: None });
    let told = changes.iter().map(|change| {
        let lines: Vec<String> = change.changes.iter().map(|line| format!("  {line}")).collect();
        format!("{} at {} after {:?}\n{}", change.org, change.revision, change.replaces, lines.join("\n"))
    });
    let told = told.collect::<Vec<_>>().join("\n");
    store(stored, changes);
    told
}

fn config(stored: &Stored, org: &str) -> OrgConfig {
    resolve(org, stored.orgs.get(org), stored.global.as_ref(), FACTS, "prod").unwrap()
}

const ACME: &str = "org: acme\nconnections: {hubspot: {}}\nroutes: {contact: [hubspot]}\n";
const OVERRIDE: &str = "mappings: {hubspot: {contact: {object: contacts, fields: {email: email}}}}\n";
