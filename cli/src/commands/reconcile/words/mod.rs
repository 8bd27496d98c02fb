//! What was found, for people: a table by kind and field, the counts, and what to do about each kind.

use super::report::{Counted, Found, OfType, Repair, Report};
use crate::output::{Style, count, one_line, or_dash, table};
use rtr_connectors::shape::text;
use rtr_engine::reconcile::judge::Kind;
use serde_json::Value;
use std::collections::BTreeSet;

/// Examples of each kind and field.
const EXAMPLES: usize = 10;
/// Refused lines, or records that could not be judged, that are shown.
const SHOWN: usize = 10;
/// Characters of a value that are shown.
const VALUE: usize = 60;

/// All of it.
pub(super) fn words(report: &Report, style: Style, show_values: bool) -> String {
    let mut parts = Vec::new();
    if !report.drift.is_empty() {
        let rows = report.drift.iter().map(|counted| row(report, counted)).collect();
        parts.push(table(style, &["type", "kind", "field", "count", "examples"], rows));
    }
    if show_values {
        let lines: Vec<String> = report.drift.iter().flat_map(|counted| values(report, counted)).collect();
        parts.push(lines.join("\n"));
    }
    parts.extend(report.types.iter().map(of_type));
    parts.push(unjudged(report));
    parts.push(advice(report));
    if !report.complete {
        parts.push("Stopped before the end: this is what was seen until then.".to_owned());
    }
    parts.retain(|part| !part.is_empty());
    parts.join("\n\n")
}

fn row(report: &Report, counted: &Counted) -> Vec<String> {
    let examples: Vec<&str> = of(report, counted).map(|found| found.record_id.as_str()).collect();
    let more = if usize::try_from(counted.count).is_ok_and(|n| n > examples.len()) { " …" } else { "" };
    vec![
        counted.record_type.clone(),
        counted.kind.as_str().to_owned(),
        or_dash(counted.field.as_ref()),
        counted.count.to_string(),
        format!("{}{more}", examples.join(" ")),
    ]
}

/// The first findings of a kind and field.
fn of<'a>(report: &'a Report, counted: &'a Counted) -> impl Iterator<Item = &'a Found> {
    let is_it = |found: &&Found| {
        found.record_type == counted.record_type
            && found.kind == counted.kind
            && found.places().contains(&counted.field.as_deref())
    };
    report.findings.iter().filter(is_it).take(EXAMPLES)
}

fn values(report: &Report, counted: &Counted) -> Vec<String> {
    let Some(name) = counted.field.as_deref() else { return Vec::new() };
    let line = |found: &Found| {
        let field = found.fields.iter().find(|one| one.field == name)?;
        let (held, wanted) = (shown(field.held.as_ref()), shown(field.wanted.as_ref()));
        let (record_type, id) = (&found.record_type, &found.record_id);
        Some(one_line(&format!("{record_type} {id} {name}: holds {held}, should hold {wanted}")))
    };
    of(report, counted).filter_map(line).collect()
}

fn shown(value: Option<&Value>) -> String {
    let text = text(value.unwrap_or(&Value::Null));
    if text.is_empty() {
        return "nothing".to_owned();
    }
    let short: String = text.chars().take(VALUE).collect();
    let more = if short.len() < text.len() { "…" } else { "" };
    format!("\"{short}{more}\"")
}

fn of_type(of: &OfType) -> String {
    let n = |n: u64, noun: &str| count(usize::try_from(n).unwrap_or(usize::MAX), noun);
    let mut counts = Vec::new();
    let mut add = |n: u64, words: &str| {
        if n > 0 {
            counts.push(format!("{n} {words}"));
        }
    };
    add(of.same, "as they should be");
    add(of.drift, "not");
    add(of.pending, "on their way");
    add(of.not_meant, "left alone by the mapping");
    add(of.older, "older at their source than what was applied");
    add(of.unjudged, "could not be judged");
    let counts = if counts.is_empty() { String::new() } else { format!(": {}", counts.join(", ")) };
    let mut lines = vec![format!("{}: {} looked at{counts}", of.record_type, n(of.looked_at, "record"))];
    if of.left_out_fields > 0 {
        let words = "not compared: written on create only, the CRM's own to say, or on their way back";
        lines.push(format!("  {} {words}", n(of.left_out_fields, "field")));
    }
    if of.unlinked > 0 {
        lines.push(format!("  {} in the CRM without a link here: the next change links them", of.unlinked));
    }
    if !of.unknown_fields.is_empty() {
        let fields = of.unknown_fields.join(", ");
        lines.push(format!("  {} has no {fields}: rtr connection setup says what to do", of.object));
    }
    if !of.looked_for_extra {
        lines.push("  not looked for: records that the source does not list any more".to_owned());
    }
    for one in of.refused.iter().take(SHOWN) {
        lines.push(format!("  line {}: {}", one.line, one_line(&one.message)));
    }
    let more = usize::try_from(of.refused_lines).unwrap_or(usize::MAX).saturating_sub(SHOWN);
    if more > 0 {
        lines.push(format!("  … and {} more; --json lists all", count(more, "line")));
    }
    lines.join("\n")
}

fn unjudged(report: &Report) -> String {
    let line = |one: &super::report::Unjudged| {
        one_line(&format!("{} {}: {} {}", one.record_type, one.record_id, one.code, one.message))
    };
    let mut lines: Vec<String> = report.unjudged.iter().take(SHOWN).map(line).collect();
    let more = report.unjudged.len().saturating_sub(SHOWN);
    if more > 0 {
        lines.push(format!("… and {more} more; --json lists all"));
    }
    lines.join("\n")
}

/// What to do about each kind.
fn advice(report: &Report) -> String {
    let kinds: BTreeSet<Kind> = report.findings.iter().map(|found| found.kind).collect();
    let mut lines = Vec::new();
    match &report.repair {
        Some(repair) => lines.push(repaired(repair)),
        None if report.findings.iter().any(|found| found.mendable) => {
            lines.push("missing, different, overtaken: --repair writes these records again".to_owned());
        }
        None => {}
    }
    if report.findings.iter().any(|found| found.dead.is_some()) {
        let words = "some are dead letters: mend the cause, then rtr dlq redrive";
        lines.push(format!("{words} --org {} --connection {}", report.org_id, report.connection));
    }
    if kinds.contains(&Kind::Extra) {
        lines.push("extra: a deleted event removes such a record; or remove it in the CRM".to_owned());
    }
    if kinds.contains(&Kind::Duplicate) {
        lines.push("duplicate: merge them in the CRM; the one that is linked is the one to keep".to_owned());
    }
    lines.join("\n")
}

fn repaired(repair: &Repair) -> String {
    let n = |n: u64| count(usize::try_from(n).unwrap_or(usize::MAX), "record");
    match repair {
        Repair { records: 0, .. } => "nothing to write again".to_owned(),
        Repair { dry_run: true, records, .. } => format!("would write {} again", n(*records)),
        Repair { done: true, sent, .. } => format!("wrote {} again", n(*sent)),
        Repair { sent, records, .. } => {
            format!("sent {sent} of {} to be written again; they may be on their way still", n(*records))
        }
    }
}

#[cfg(test)]
mod tests;
