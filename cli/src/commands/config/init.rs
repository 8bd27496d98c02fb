//! `rtr config init`: a folder that works, to be changed from there. What is there already stays as it is.

mod files;

use super::folder;
use crate::app::App;
use crate::problem::{Ended, Exit, Problem};
use files::{Planned, Start};
use rtr_connectors::registry;
use rtr_core::config::{Diagnostic, GLOBAL_ORG};
use rtr_core::key::MAX_ID_CHARS;
use rtr_core::mapping::{listed, nearest};
use schemars::JsonSchema;
use serde::Serialize;
use std::io::Write;
use std::path::Path;

/// What was done, and what comes next.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Begun {
    files: Vec<Done>,
    /// What the org's own file lacks, when that was there already.
    #[serde(skip_serializing_if = "Option::is_none")]
    add: Option<String>,
    next: Vec<Step>,
}

/// One file.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
struct Done {
    file: String,
    written: bool,
}

/// A command and what it is for.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
struct Step {
    command: String,
    does: String,
}

/// Begins `org` with one connection to `provider`.
pub(super) fn run(app: &App, org: &str, provider: &str, dir: &Path) -> Ended {
    let begun = begin(org, provider, dir)?;
    app.out.answer(&begun, |_| words(&begun));
    Ok(Exit::Done)
}

fn begin(org: &str, provider: &str, dir: &Path) -> Result<Begun, Problem> {
    check_org(org)?;
    let Some(connector) = registry::by_name(provider) else {
        let names = || registry::ALL.iter().map(|connector| connector.facts().name);
        let problem = Problem::not_found(format!("there is no provider `{provider}`"));
        return Err(match nearest(provider, names()) {
            Some(near) => problem.hint(format!("did you mean `{near}`?")),
            None => problem.hint(format!("there are {}", listed(names()))),
        });
    };
    let there = folder::read_if_there(dir)?;
    let set = folder::checked(&there).map_err(|found| folder::refusal(dir, &found))?;
    let start = Start { org, connector, there: &there, set: &set };
    let files = start.files().into_iter().map(|planned| write(dir, planned)).collect::<Result<_, _>>()?;
    // What was written is right by itself; with what was there it may not be.
    folder::checked(&folder::read(dir)?).map_err(|found| clash(dir, &found))?;
    Ok(Begun { files, add: start.lacking(), next: next(&start, dir) })
}

fn clash(dir: &Path, found: &[Diagnostic]) -> Problem {
    let lines: Vec<String> = found.iter().map(|one| folder::line(dir, one)).collect();
    let what = format!("what was written does not go with what was there already\n{}", lines.join("\n"));
    Problem::usage(what).hint("mend one or the other; nothing that was there is changed")
}

fn check_org(org: &str) -> Result<(), Problem> {
    let long = org.chars().count() > MAX_ID_CHARS;
    if org == GLOBAL_ORG || org.is_empty() || long || org.chars().any(char::is_control) {
        let what =
            format!("an org's id has 1 to {MAX_ID_CHARS} characters, no control characters, and is not `*`");
        return Err(Problem::usage(what));
    }
    Ok(())
}

/// Writes a file that is not there.
fn write(dir: &Path, planned: Planned) -> Result<Done, Problem> {
    let path = dir.join(&planned.path);
    let done = |written| Done { file: path.display().to_string(), written };
    let Some(text) = planned.text else { return Ok(done(false)) };
    let failed =
        |error: std::io::Error| Problem::usage(format!("{} cannot be written: {error}", path.display()));
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(failed)?;
    }
    // Whatever came there meanwhile is left as well.
    match std::fs::OpenOptions::new().write(true).create_new(true).open(&path) {
        Ok(mut file) => file.write_all(text.as_bytes()).map(|()| done(true)).map_err(failed),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(done(false)),
        Err(error) => Err(failed(error)),
    }
}

/// The way from here to a record in the CRM.
fn next(start: &Start<'_>, dir: &Path) -> Vec<Step> {
    let facts = start.connector.facts();
    let (org, connection) = (quoted(start.org), start.connection());
    let event = quoted(&dir.join(start.event()).display().to_string());
    let record_type = start.connector.starter().record_type;
    let dir = match dir.to_str() {
        Some("config") => String::new(),
        _ => format!(" {}", quoted(&dir.display().to_string())),
    };
    let step = |command: String, does: &str| Step { command, does: does.to_owned() };
    let connect = match start.connector.consent() {
        Some(_) => format!("rtr connection connect {org} {connection} --app APP"),
        None => format!("store the secret rtr/STAGE/{org}/{connection}"),
    };
    vec![
        step(format!("rtr config check{dir}"), "whether the folder is right"),
        step(format!("rtr config test{dir}"), "the cases, and what no case looks at"),
        step(format!("rtr preview {event}"), &format!("what {} would be sent", facts.title)),
        step(format!("rtr config apply{dir}"), "the stack works by it from now on"),
        step(connect, "a person lets us in; or store a secret: docs/credentials.md"),
        step(
            format!("rtr connection setup {org} {connection}"),
            "makes the property that holds our record id",
        ),
        step(format!("rtr connection test {org} {connection}"), "credentials, objects, properties"),
        step(format!("rtr publish {event}"), "the example is sent"),
        step(format!("rtr record {org} {record_type} {}", files::EXAMPLE_ID), "what became of it"),
    ]
}

/// `text` as a shell takes it for one word.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | ':' | '@');
    if text.chars().all(plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

fn words(begun: &Begun) -> String {
    let mut lines = Vec::new();
    for Done { file, written } in &begun.files {
        lines.push(if *written {
            format!("written  {file}")
        } else {
            format!("left     {file}, which is there already")
        });
    }
    if let Some(add) = &begun.add {
        lines.push(format!("\nTo the org's file add what it lacks:\n{add}"));
    }
    let width = begun.next.iter().map(|step| step.command.chars().count()).max().unwrap_or_default();
    lines.push("\nNext:".to_owned());
    lines.extend(begun.next.iter().map(|Step { command, does }| format!("  {command:width$}  {does}")));
    lines.join("\n")
}

#[cfg(test)]
mod tests;
