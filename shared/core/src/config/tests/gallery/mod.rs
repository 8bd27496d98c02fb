//! The messages of the check as a person sees them: a tiny wrong file each, what is said of it, and where.

mod conflicts;
mod described;
mod expressions;
mod files;
mod idle;
mod names;
mod numbers;
mod orgs;
mod types;

use super::*;
use std::collections::BTreeSet;

/// A folder with something wrong in it.
struct Wrong {
    /// What.
    what: &'static str,
    files: Vec<SourceFile>,
}

impl Wrong {
    /// One file.
    fn file(what: &'static str, path: &str, text: &str) -> Self {
        Self { what, files: vec![file(path, text)] }
    }

    /// A mapping of contacts with these lines, and a field for `match`es.
    fn mapping(what: &'static str, lines: &str) -> Self {
        let text = format!("object: contacts\n{lines}\n");
        Self::file(what, "mappings/hubspot/contact.yaml", &text)
    }

    /// A mapping of contacts with this field.
    fn field(what: &'static str, field: &str) -> Self {
        Self::mapping(what, &format!("fields:\n  {field}"))
    }

    /// An org with these lines.
    fn org(what: &'static str, lines: &str) -> Self {
        Self::file(what, "orgs/acme.yaml", &format!("org: acme\n{lines}\n"))
    }

    /// And a further file.
    fn and(mut self, path: &str, text: &str) -> Self {
        self.files.push(file(path, text));
        self
    }

    fn faults(&self) -> Vec<Diagnostic> {
        load(&self.files, FACTS).err().unwrap_or_default()
    }
}

/// What is said of each, under what is wrong.
fn shown(cases: &[Wrong]) -> String {
    let told = cases.iter().map(|case| {
        let faults: Vec<String> = case.faults().iter().map(|fault| fault.shown("config")).collect();
        format!("— {}\n{}", case.what, faults.join("\n"))
    });
    told.collect::<Vec<_>>().join("\n\n")
}

#[test]
fn given_the_gallery_when_counted_then_it_is_large_and_no_message_is_there_twice() {
    let topics = [
        files::cases(),
        names::cases(),
        orgs::cases(),
        expressions::cases(),
        types::cases(),
        idle::cases(),
        numbers::cases(),
        conflicts::cases(),
        described::cases(),
    ];
    let mut seen = BTreeSet::new();
    for case in topics.iter().flatten() {
        let faults = case.faults();
        assert!(!faults.is_empty(), "nothing is wrong: {}", case.what);
        let first = faults.first().map(|fault| fault.message.clone()).unwrap();
        assert!(seen.insert(first.clone()), "told twice: {first}");
        for fault in faults {
            let shown = fault.shown("config");
            assert!(shown.lines().count() == 3 || fault.source.trim().is_empty(), "{shown}");
        }
    }
    assert!(seen.len() >= 40, "{}", seen.len());
}
