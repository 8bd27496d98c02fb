//! A mapping where it is written: compiled, reviewed, its numbers read, and each problem told at its place in the file.

use super::{Checker, Compiled, numbers};
use crate::config::diagnostic::Diagnostic;
use crate::config::load::{Parsed, diagnostic};
use crate::config::yaml::Node;
use crate::mapping::{Mapping, Place, Problem, ProviderFacts, RawMapping, Spot, review};

/// Where a mapping stands in its file.
pub(super) struct Written<'a, T> {
    pub(super) parsed: &'a Parsed<T>,
    pub(super) path: &'a [&'a str],
    /// What stands there.
    pub(super) said: &'a RawMapping,
    /// What is wrong below a layer, and told there.
    pub(super) known: &'a [Problem],
}

impl Checker<'_> {
    /// The mapping that is written there; `raw` is what comes of it, which is more than it for a layer.
    pub(super) fn mapping<T>(
        &mut self,
        facts: &ProviderFacts,
        record_type: &str,
        raw: &RawMapping,
        written: &Written<'_, T>,
    ) -> Option<(String, Compiled)> {
        let root = written.parsed.node.locate(written.path.iter().copied());
        self.faults.extend(numbers::faults(root, written.parsed));
        // What a layer does not say itself is not its to mend: it may well have an effect for other orgs.
        let idle =
            review(facts, raw, written.said).into_iter().filter(|problem| root.has(&problem.place.path));
        self.faults.extend(idle.map(|problem| placed(problem, root, written.parsed)));
        match Mapping::compile(facts, record_type, raw) {
            Ok(mapping) => {
                let (file, at) = (written.parsed.file.clone(), (root.line, root.column));
                Some((record_type.to_owned(), Compiled { mapping, file, at }))
            }
            Err(problems) => {
                let new = problems.into_iter().filter(|problem| !written.known.contains(problem));
                self.faults.extend(new.map(|problem| placed(problem, root, written.parsed)));
                None
            }
        }
    }
}

/// A mapping's problem at its place in the file.
pub(super) fn placed<T>(problem: Problem, root: &Node, parsed: &Parsed<T>) -> Diagnostic {
    let Problem { place: Place { path, spot }, message, suggestion, code } = problem;
    let node = root.locate(path.iter().map(String::as_str));
    let at = match spot {
        Spot::Within(line, column) => node.place_within(&parsed.text, (line, column)),
        Spot::Key => root.key_at(&path).unwrap_or((node.line, node.column)),
        Spot::Value => (node.line, node.column),
    };
    let field = match path.as_slice() {
        [fields, name, ..] if fields == "fields" => format!("field `{name}`: "),
        _ => String::new(),
    };
    diagnostic(&parsed.file, at, format!("{field}{message}"), suggestion, code)
}
