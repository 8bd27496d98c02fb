//! Every `--json` answer of every test is held against the schema of its command in `docs/schema/`.

use super::cli::Said;
use jsonschema::Validator;
use serde_json::Value;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};

/// The schema of one command.
struct Known {
    validator: Validator,
    /// Whether the answer is lines, each of which it is of.
    lines: bool,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/schema")
}

/// The schema of what `args` ask for: of the longest of their first words that has one, and of `--follow` if that has its own.
fn known(args: &[&str]) -> Option<Arc<Known>> {
    static READ: OnceLock<Mutex<HashMap<String, Arc<Known>>>> = OnceLock::new();
    let first = args.iter().position(|arg| !arg.starts_with("--")).unwrap_or(args.len());
    // `--stack NAME` comes before a command now and then.
    let first = if first > 0 && args[first - 1] == "--stack" { first + 1 } else { first };
    let words: Vec<&str> = args.iter().skip(first).take_while(|arg| !arg.starts_with('-')).copied().collect();
    let follow = if args.contains(&"--follow") { "-follow" } else { "" };
    let name = [2, 1].into_iter().filter(|n| *n <= words.len()).find_map(|n| {
        let name = format!("{}{follow}", words[..n].join("-"));
        folder().join(format!("{name}.json")).is_file().then_some(name)
    })?;
    let mut read = READ.get_or_init(Mutex::default).lock().unwrap();
    let fresh = || {
        let text = std::fs::read_to_string(folder().join(format!("{name}.json"))).unwrap();
        let schema: Value = serde_json::from_str(&text).unwrap();
        let lines = schema["x-lines"] == true;
        Arc::new(Known { validator: jsonschema::validator_for(&schema).unwrap(), lines })
    };
    Some(read.entry(name.clone()).or_insert_with(fresh).clone())
}

/// Fails where stdout is no JSON, or other JSON than the command's schema says. Who could not do its work answers nothing.
pub(super) fn hold(args: &[&str], said: &Said) {
    if !args.contains(&"--json") || (said.out.trim().is_empty() && said.code > 0) {
        return;
    }
    let known = known(args).unwrap_or_else(|| panic!("rtr {args:?}: there is no schema in docs/schema"));
    let texts: Vec<&str> = if known.lines { said.out.lines().collect() } else { vec![&said.out] };
    for text in texts {
        let value: Value =
            serde_json::from_str(text).unwrap_or_else(|error| panic!("rtr {args:?}: {error}: {said:?}"));
        let wrong: Vec<String> = known
            .validator
            .iter_errors(&value)
            .map(|error| format!("{}: {error}", error.instance_path))
            .collect();
        assert!(
            wrong.is_empty(),
            "rtr {args:?} answers otherwise than docs/schema says: {wrong:#?}\n{value:#}"
        );
    }
}

#[test]
fn given_command_lines_when_their_schemas_are_looked_for_then_the_longest_name_and_a_stream_have_their_own() {
    let lines = |args: &[&str]| known(args).map(|known| known.lines);
    assert_eq!(lines(&["--stack", "x", "dlq", "list", "--json"]), Some(false));
    assert_eq!(lines(&["record", "acme", "contact", "c-1", "--json"]), Some(false));
    assert_eq!(lines(&["record", "acme", "contact", "c-1", "--follow", "--json"]), Some(true));
    assert_eq!(lines(&["links", "export", "acme", "hubspot", "contact", "--json"]), Some(true));
    assert_eq!(lines(&["config", "frobnicate"]), None);
}
