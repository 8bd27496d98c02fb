//! Reads the project's own code, as far as its log lines and counters go.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// One place that writes a line.
#[derive(Debug)]
pub(crate) struct Logged {
    /// Where.
    pub(crate) place: String,
    /// The line's `event`.
    pub(crate) event: Option<String>,
    /// The names of its other fields.
    pub(crate) fields: Vec<String>,
}

/// The sources of what is deployed: path and text.
pub(crate) fn files() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut found = Vec::new();
    for room in
        ["shared/core/src", "shared/connectors/src", "shared/engine/src", "shared/aws/src", "functions"]
    {
        walk(&root.join(room), &mut found);
    }
    found.sort();
    found
}

fn walk(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
}

/// Every place that writes a line.
pub(crate) fn logged(files: &[(PathBuf, String)]) -> Vec<Logged> {
    let mut all = Vec::new();
    for (path, text) in files {
        for macro_name in ["tracing::info!(", "tracing::warn!(", "tracing::error!(", "tracing::debug!("] {
            for (at, _) in text.match_indices(macro_name) {
                let arguments = arguments(&text[at + macro_name.len()..]);
                let line = text[..at].lines().count();
                all.push(read(format!("{}:{line}", path.display()), &arguments));
            }
        }
    }
    all
}

/// The names of metrics that the code counts or measures, wherever they are written.
pub(crate) fn counted(files: &[(PathBuf, String)]) -> BTreeSet<String> {
    let own = |path: &Path| path.ends_with("core/src/metric.rs");
    let name = |rest: &str| rest.chars().take_while(|c| c.is_alphanumeric()).collect::<String>();
    let places = files.iter().filter(|(path, _)| !own(path));
    let mut used: BTreeSet<String> =
        places.flat_map(|(_, text)| text.split("Metric::").skip(1).map(name)).collect();
    // Endings are counted by way of what they are.
    let endings = files.iter().any(|(_, text)| text.contains("ended.into()"));
    if endings {
        used.extend(["Applied", "Unchanged", "Superseded", "Skipped", "Parked", "Dead"].map(str::to_owned));
    }
    used
}

/// The arguments of a macro up to its end, split where commas stand by themselves.
fn arguments(text: &str) -> Vec<String> {
    let (mut parts, mut part) = (Vec::new(), String::new());
    let (mut depth, mut quoted, mut escaped) = (0_i32, false, false);
    for c in text.chars() {
        if quoted {
            part.push(c);
            quoted = escaped || c != '"';
            escaped = !escaped && c == '\\';
            continue;
        }
        match c {
            '"' => quoted = true,
            '(' | '[' | '{' => depth += 1,
            ')' if depth == 0 => break,
            ')' | ']' | '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(std::mem::take(&mut part));
                continue;
            }
            _ => {}
        }
        part.push(c);
    }
    parts.push(part);
    parts.iter().map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

fn read(place: String, arguments: &[String]) -> Logged {
    let (mut event, mut fields) = (None, Vec::new());
    for argument in arguments {
        if let Some(name) = argument.strip_prefix("event = ") {
            event = Some(name.trim_matches('"').to_owned());
        } else if argument.starts_with('"') {
            fields.push("message".to_owned());
        } else {
            let name = argument.trim_start_matches(['%', '?']);
            fields.push(name.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
        }
    }
    Logged { place, event, fields }
}
