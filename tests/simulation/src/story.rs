//! A history as people read it: the timeline of one record, or of everything.

use crate::oracle::Violation;
use crate::run::History;
use crate::scenario::{ORGS, Scenario};
use crate::trace::Line;
use std::fmt::Write as _;

/// Of a line that is longer, so much is shown, in characters.
const WIDTH: usize = 300;

/// The timeline of `record` (`org/type/id`): its own lines, and the faults and turns that concern everything.
#[must_use]
pub fn timeline(history: &History, record: &str) -> String {
    let mut names = vec![record.to_owned(), record.replace('/', ":")];
    let mut parts = record.split('/');
    let (org, id) = (parts.next().unwrap_or_default(), parts.nth(1).unwrap_or_default());
    names.push(format!("\"{id}\""));
    names.extend(history.external_ids.get(record).into_iter().flatten().map(|id| format!("\"{id}\"")));
    let others: Vec<&str> = ORGS.into_iter().filter(|other| *other != org).collect();
    let is_about = |line: &Line| match line.place {
        "fault" | "quiet" | "people" => true,
        "lease" | "aws" | "log" => false,
        "lambda" if !line.what.contains(" begins ") && !line.what.contains("answers") => true,
        _ => {
            let elsewhere = others.iter().any(|other| line.what.contains(&format!("/{other}/")));
            !elsewhere && names.iter().any(|name| line.what.contains(name.as_str()))
                || line.what.starts_with(&format!("{org}/")) && line.what.contains(&format!(" {id} "))
        }
    };
    lines(history.lines.iter().filter(|line| is_about(line)), WIDTH)
}

/// Every line, as long as it is.
#[must_use]
pub fn whole(history: &History) -> String {
    lines(history.lines.iter(), usize::MAX)
}

fn lines<'a>(lines: impl Iterator<Item = &'a Line>, width: usize) -> String {
    let mut text = String::new();
    for line in lines {
        let mut line = line.to_string();
        if let Some((cut, _)) = line.char_indices().nth(width) {
            line.truncate(cut);
            line.push('…');
        }
        let _ = writeln!(text, "{line}");
    }
    text
}

/// What broke, in the smallest scenario that was found for it.
#[must_use]
pub fn failure(scenario: &Scenario, history: &History, violation: &Violation) -> String {
    let mut text = format!("seed {} breaks {violation}\n\n", scenario.seed);
    let _ = writeln!(text, "the smallest scenario found for it, {:?}:", scenario.setup);
    for event in &scenario.events {
        let refers = event.refers.map(|number| format!(", refers to k{number}")).unwrap_or_default();
        let (at, record, version) = (event.at as f64 / 1_000.0, event.record, event.version);
        let _ =
            writeln!(text, "  {at:>8.3} s  {record} v{version} {:?} {:?}{refers}", event.says, event.sent);
    }
    for planned in &scenario.faults {
        let fault = planned.fault;
        let struck = if history.fired.contains_key(fault.name()) { "" } else { " (did not strike)" };
        let _ = writeln!(
            text,
            "  {} {} at its {}. chance at {:?}, {}: {}{struck}",
            fault.id(),
            fault.name(),
            planned.nth,
            fault.site(),
            planned.how,
            fault.words()
        );
    }
    match &violation.record {
        Some(record) => {
            let _ = write!(text, "\nwhat {record} went through:\n{}", timeline(history, record));
        }
        None => {
            let _ = write!(text, "\nwhat happened:\n{}", lines(history.lines.iter(), WIDTH));
        }
    }
    text
}
