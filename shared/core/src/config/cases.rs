//! The files of cases beside the mappings: which mapping each is for, and where in its file each case stands.

use super::diagnostic::{Diagnostic, SourceFile};
use super::load::{ConfigSet, Kind, diagnostic, kind, read as read_file, told};
use super::schema::SchemaKind;
use super::yaml::{Content, Entry, Node};
use crate::code::Code;
use crate::mapping::Case;
use std::collections::BTreeMap;

/// The cases of one file.
#[derive(Debug, Clone, PartialEq)]
pub struct TestCases {
    /// The file they stand in.
    pub file: String,
    /// The provider.
    pub provider: String,
    /// The record type.
    pub record_type: String,
    /// The cases.
    pub cases: Vec<PlacedCase>,
}

/// A case and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct PlacedCase {
    /// The case.
    pub case: Case,
    /// Its name, or its number from 1.
    pub name: String,
    /// The line on which it begins, from 1.
    pub line: u32,
    lines: BTreeMap<String, u32>,
}

impl PlacedCase {
    /// The line on which it says what it expects of `property`.
    #[must_use]
    pub fn line_of(&self, property: &str) -> Option<u32> {
        self.lines.get(property).copied()
    }
}

/// The cases of the folder, each with the mapping that it is for: the one whose record type its file's name starts with.
///
/// # Errors
/// What is wrong with the files of cases.
pub fn test_cases(files: &[SourceFile], set: &ConfigSet) -> Result<Vec<TestCases>, Vec<Diagnostic>> {
    let (mut faults, mut found) = (Vec::new(), Vec::new());
    for file in files {
        let Kind::Cases { provider, stem } = kind(&file.path) else { continue };
        let starts = |name: &&str| {
            stem.strip_prefix(*name).is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_', '.']))
        };
        let types = set.record_types(provider);
        let record_type = types.into_iter().filter(starts).max_by_key(|name| name.len()).unwrap_or(stem);
        let Some(cases) = read(file, &mut faults) else { continue };
        let (provider, record_type) = (provider.to_owned(), record_type.to_owned());
        found.push(TestCases { file: file.path.clone(), provider, record_type, cases });
    }
    if faults.is_empty() { Ok(found) } else { Err(told(faults, files)) }
}

/// The cases of a file: a list, or one alone.
pub(super) fn read(file: &SourceFile, faults: &mut Vec<Diagnostic>) -> Option<Vec<PlacedCase>> {
    let parsed = read_file::<serde_json::Value>(file, SchemaKind::MappingTest, faults)?;
    let nodes = match &parsed.node.content {
        Content::List(items) => items.iter().collect(),
        _ => vec![&parsed.node],
    };
    let mut cases = Vec::new();
    for (at, node) in nodes.into_iter().enumerate() {
        match serde_json::from_value::<Case>(node.to_json()) {
            Ok(case) => cases.push(placed(at, case, node)),
            Err(error) => {
                let place = (node.line, node.column);
                faults.push(diagnostic(&file.path, place, error.to_string(), None, Code::ConfigSyntax));
                return None;
            }
        }
    }
    Some(cases)
}

fn placed(at: usize, case: Case, node: &Node) -> PlacedCase {
    let entries = match node.get("expect").map(|entry| &entry.value.content) {
        Some(Content::Object(entries)) => entries.as_slice(),
        _ => &[],
    };
    let expected = entries.iter().map(|Entry { key, line, .. }| (key.clone(), *line));
    let names = match node.get("untouched").map(|entry| &entry.value.content) {
        Some(Content::List(items)) => items.as_slice(),
        _ => &[],
    };
    let untouched = names.iter().filter_map(|name| match &name.content {
        Content::Scalar(serde_json::Value::String(text)) => Some((text.clone(), name.line)),
        _ => None,
    });
    let lines = untouched.chain(expected).collect();
    let name = case.name.clone().unwrap_or_else(|| format!("case {}", at + 1));
    PlacedCase { case, name, line: node.line, lines }
}
