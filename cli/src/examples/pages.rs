//! The command lines of the pages, read by the real parser: whoever copies one is not refused.

use super::tests::words;
use crate::args::{Cli, command};
use clap::FromArgMatches;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use std::path::{Path, PathBuf};

/// What the line of the commands begins with that one might look for in vain.
const NOT_THERE: &str = "Not there, ";

/// How a line stands on a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stands {
    /// By itself, to be copied.
    Alone,
    /// Within a sentence: it may name a command, or an option of it, and leave the rest out.
    InWords,
}

/// The lines of `page`, each with its number.
fn lines(page: &str) -> Vec<(usize, Stands, String)> {
    let (mut found, mut fenced, mut prose) = (Vec::new(), false, String::new());
    for (at, line) in page.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if fenced || line.starts_with("    ") {
            let text = line.trim_start();
            let text = text.strip_prefix("$ ").unwrap_or(text);
            // What stands apart says what the line is for.
            let text = text.split("  ").next().unwrap_or(text).split(" # ").next().unwrap_or(text);
            found.push((at + 1, Stands::Alone, text.trim().to_owned()));
        } else if !line.starts_with(NOT_THERE) {
            prose.push_str(line);
        }
        prose.push('\n');
    }
    let mut number = 1;
    for (at, all) in prose.split('`').enumerate() {
        if at % 2 == 1 {
            let text = all.split_whitespace().collect::<Vec<_>>().join(" ");
            found.push((number, Stands::InWords, text));
        }
        number += all.matches('\n').count();
    }
    found.retain(|(_, _, text)| is_line(text));
    found.sort_by_key(|(number, ..)| *number);
    found
}

/// Whether it is one command line: alternatives, what is left out, and several in a sentence are none.
fn is_line(text: &str) -> bool {
    text.starts_with("rtr ")
        && !["…", "|", "; ", "<", "COMMAND", "[OPTIONS]"].iter().any(|no| text.contains(no))
}

/// Why it would be refused.
fn refusal(text: &str, stands: Stands) -> Option<String> {
    // What may be left out is there.
    let words = words(&text.replace(['[', ']'], ""));
    let read = command().try_get_matches_from(&words).and_then(|matches| Cli::from_arg_matches(&matches));
    let error = read.err()?;
    let is_partial = matches!(
        error.kind(),
        ErrorKind::MissingRequiredArgument
            | ErrorKind::MissingSubcommand
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    );
    let is_fine = match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => true,
        // `N`, `TIME`: whoever copies it puts his own there.
        ErrorKind::ValueValidation | ErrorKind::InvalidValue => stands_for_a_value(&error),
        _ => stands == Stands::InWords && is_partial,
    };
    (!is_fine).then(|| error.to_string())
}

fn stands_for_a_value(error: &clap::Error) -> bool {
    let Some(ContextValue::String(value)) = error.get(ContextKind::InvalidValue) else { return false };
    !value.is_empty() && value.chars().all(|c| c.is_ascii_uppercase() || c == '_')
}

/// The pages below `dir`.
fn pages(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            pages(&path, found);
        } else if path.extension().is_some_and(|ends| ends == "md") {
            found.push(path);
        }
    }
}

#[test]
fn given_the_command_lines_of_every_page_when_read_by_the_parser_then_none_is_refused() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut found = vec![root.join("README.md")];
    pages(&root.join("docs"), &mut found);
    let (mut refused, mut alone) = (Vec::new(), 0);
    for path in found {
        let page = std::fs::read_to_string(&path).unwrap();
        for (number, stands, text) in lines(&page) {
            alone += usize::from(stands == Stands::Alone);
            if let Some(why) = refusal(&text, stands) {
                let name = path.strip_prefix(&root).unwrap().display();
                refused.push(format!("{name}:{number}: {text}\n{why}"));
            }
        }
    }
    assert!(alone > 100, "only {alone} lines were found");
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}

#[test]
fn given_lines_when_read_then_what_lacks_something_is_refused_where_it_is_to_be_copied() {
    let is_refused = |text, stands| refusal(text, stands).is_some();
    let both = |text| [is_refused(text, Stands::Alone), is_refused(text, Stands::InWords)];
    assert_eq!(both("rtr config rollback"), [true, false]);
    assert_eq!(both("rtr config rollback 41 [--org acme]"), [false, false]);
    assert_eq!(both("rtr config rollback REVISION"), [false, false]);
    assert_eq!(both("rtr dlq redrive --fast"), [true, true]);
    assert_eq!(both("rtr dlq preveiw"), [true, true]);
    let page = "Say `rtr dlq list` or `rtr a | b`.\n\n    $ rtr wait --idle   until it is\n    rtr x; rtr y\n```sh\nrtr doctor\n```\n";
    let wrapped = "Say `rtr dlq list --org\nacme` or `rtr wait`.\nNot there, `rtr console`.\n";
    let found: Vec<(usize, String)> = lines(wrapped).into_iter().map(|(at, _, text)| (at, text)).collect();
    let wanted = [(1, "rtr dlq list --org acme"), (2, "rtr wait")];
    assert_eq!(found, wanted.map(|(at, text)| (at, text.to_owned())));
    let found: Vec<(usize, String)> = lines(page).into_iter().map(|(at, _, text)| (at, text)).collect();
    let wanted = [(1, "rtr dlq list"), (3, "rtr wait --idle"), (6, "rtr doctor")];
    assert_eq!(found, wanted.map(|(at, text)| (at, text.to_owned())));
}
