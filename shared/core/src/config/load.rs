//! From the files of the folder to checked documents, or to everything that is wrong with them.

use super::cases;
use super::check::{self, GlobalMapping};
use super::described::{self, Description};
use super::diagnostic::{Diagnostic, SourceFile};
use super::document::{GlobalDoc, OrgDoc};
use super::file::OrgFile;
use super::schema::{SchemaKind, cached};
use super::shape;
use super::yaml::{self, Node};
use crate::code::Code;
use crate::mapping::{ProviderFacts, RawMapping};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

/// What a folder says.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ConfigSet {
    /// The global mappings and routes.
    pub global: GlobalDoc,
    /// The orgs.
    pub orgs: BTreeMap<String, OrgDoc>,
}

/// A file that was read, with the places of its parts.
pub(super) struct Parsed<T> {
    pub(super) file: String,
    pub(super) text: String,
    pub(super) node: Node,
    pub(super) value: T,
}

/// What a path says a file is.
pub(super) enum Kind<'a> {
    Org,
    Mapping { provider: &'a str, record_type: &'a str },
    Cases { provider: &'a str, stem: &'a str },
    Described,
    Other,
    Stray,
}

/// Reads and checks the files.
///
/// # Errors
/// Everything that is wrong, of all files, in the order of their places.
pub fn load(files: &[SourceFile], facts: &[ProviderFacts]) -> Result<ConfigSet, Vec<Diagnostic>> {
    let (set, faults) = look_through(files, facts);
    if faults.is_empty() { Ok(set) } else { Err(told(faults, files)) }
}

/// What the files say as far as they can be read, and everything that is wrong with them.
pub(super) fn look_through(files: &[SourceFile], facts: &[ProviderFacts]) -> (ConfigSet, Vec<Diagnostic>) {
    let mut faults = Vec::new();
    let (mut mappings, mut orgs, mut descriptions) = (Vec::new(), Vec::new(), Vec::new());
    for file in files {
        match kind(&file.path) {
            Kind::Mapping { provider, record_type } => {
                let parsed = read::<RawMapping>(file, SchemaKind::Mapping, &mut faults);
                mappings.extend(parsed.map(|parsed| GlobalMapping {
                    provider: provider.to_owned(),
                    record_type: record_type.to_owned(),
                    parsed,
                }));
            }
            Kind::Org => orgs.extend(read::<OrgFile>(file, SchemaKind::Org, &mut faults)),
            Kind::Cases { .. } => drop(cases::read(file, &mut faults)),
            Kind::Described => descriptions.extend(read_description(file, &mut faults)),
            Kind::Stray => faults.push(stray(file)),
            Kind::Other => {}
        }
    }
    let named = files.iter().filter_map(|file| match kind(&file.path) {
        Kind::Mapping { provider, record_type } => Some((provider, record_type)),
        _ => None,
    });
    faults.extend(check::folder(&named.collect(), &mappings, &orgs, facts, &descriptions));
    (collect(mappings, orgs), faults)
}

/// The faults in the order of their places, each once and with the line it is in.
pub(super) fn told(mut faults: Vec<Diagnostic>, files: &[SourceFile]) -> Vec<Diagnostic> {
    faults.sort();
    faults.dedup();
    for fault in &mut faults {
        let line = usize::try_from(fault.line.saturating_sub(1)).unwrap_or_default();
        let file = files.iter().find(|file| file.path == fault.file);
        fault.source = file.and_then(|file| file.text.lines().nth(line)).unwrap_or_default().to_owned();
    }
    faults
}

/// The org that a file is of, if it is one of an org.
#[must_use]
pub fn org_of(file: &SourceFile) -> Option<String> {
    let Kind::Org = kind(&file.path) else { return None };
    let node = yaml::parse(&file.text).ok()?;
    node.get("org")?.value.to_json().as_str().map(str::to_owned)
}

pub(super) fn kind(path: &str) -> Kind<'_> {
    if path.ends_with(".json")
        && path.strip_prefix(described::FOLDER).is_some_and(|rest| rest.starts_with('/'))
    {
        return Kind::Described;
    }
    let Some(stem) = path.strip_suffix(".yaml").or_else(|| path.strip_suffix(".yml")) else {
        return Kind::Other;
    };
    match stem.split('/').collect::<Vec<_>>().as_slice() {
        ["orgs", _] => Kind::Org,
        ["mappings", provider, record_type] => Kind::Mapping { provider, record_type },
        ["mappings", provider, "tests", stem] => Kind::Cases { provider, stem },
        _ => Kind::Stray,
    }
}

fn stray(file: &SourceFile) -> Diagnostic {
    let message = "this file has no place here; there are orgs/<org>.yaml, mappings/<provider>/<record_type>.yaml, \
                   mappings/<provider>/tests/<name>.yaml, and crm/<org>/<connection>/<object>.json";
    diagnostic(&file.path, (1, 1), message.to_owned(), None, Code::ConfigSyntax)
}

pub(super) fn read<T: DeserializeOwned>(
    file: &SourceFile,
    kind: SchemaKind,
    faults: &mut Vec<Diagnostic>,
) -> Option<Parsed<T>> {
    let mut node = match yaml::parse(&file.text) {
        Ok(node) => node,
        Err(error) => {
            faults.push(diagnostic(
                &file.path,
                (error.line, error.column),
                error.message,
                None,
                Code::ConfigSyntax,
            ));
            return None;
        }
    };
    let found = shape::check(&mut node, cached(kind));
    let misshapen = !found.is_empty();
    faults.extend(found.into_iter().map(|fault| {
        diagnostic(&file.path, (fault.line, fault.column), fault.message, fault.suggestion, fault.code)
    }));
    if misshapen {
        return None;
    }
    match serde_json::from_value(node.to_json()) {
        Ok(value) => Some(Parsed { file: file.path.clone(), text: file.text.clone(), node, value }),
        Err(error) => {
            faults.push(diagnostic(&file.path, (1, 1), error.to_string(), None, Code::ConfigSyntax));
            None
        }
    }
}

fn read_description(file: &SourceFile, faults: &mut Vec<Diagnostic>) -> Option<Description> {
    let read = Description::parse(&file.text);
    let told = |(why, at): (String, (u32, u32))| {
        let message = format!(
            "this is not what rtr connection test writes: {why}; write it anew with rtr connection test ORG CONNECTION --save"
        );
        faults.push(diagnostic(&file.path, at, message, None, Code::ConfigSyntax));
    };
    read.map_err(told).ok()
}

fn collect(mappings: Vec<GlobalMapping>, orgs: Vec<Parsed<OrgFile>>) -> ConfigSet {
    let mut set = ConfigSet::default();
    for mapping in mappings {
        set.global
            .mappings
            .entry(mapping.provider)
            .or_default()
            .insert(mapping.record_type, mapping.parsed.value);
    }
    for Parsed { value: OrgFile { org, connections, routes, mappings, inbound, source }, .. } in orgs {
        if org == super::GLOBAL_ORG {
            set.global.routes = routes;
            set.global.source = source;
        } else {
            let doc = OrgDoc { connections, routes, mappings, inbound, source, ..OrgDoc::default() };
            set.orgs.insert(org, doc);
        }
    }
    set
}

pub(super) fn diagnostic(
    file: &str,
    (line, column): (u32, u32),
    message: String,
    suggestion: Option<String>,
    code: Code,
) -> Diagnostic {
    let (file, source) = (file.to_owned(), String::new());
    Diagnostic { file, line, column, message, suggestion, code: code.as_str(), source }
}
