//! The record as people read it.

use super::unread;
use super::view::{At, Back, Outcome, Record, Shadowed};
use super::waiting::Waiting;
use crate::output::{Style, one_line, or_dash, pretty, safe, table};
use rtr_core::item::Ended;
use rtr_core::time::Instant;

/// The whole answer: what holds at each connection, the way of the newest outcome at each, and the outcomes before it.
pub(super) fn words(style: Style, record: &Record) -> String {
    let mut parts = Vec::new();
    if !record.connections.is_empty() {
        parts.push(state(style, record));
    }
    for (id, at) in &record.connections {
        parts.extend(way(style, id, at));
        parts.extend(at.inbound.as_ref().map(|back| way_back(style, id, back)));
        parts.extend(at.shadow.as_ref().map(|shadow| shadowed(id, shadow)));
        parts.extend(at.slot.as_ref().and_then(|slot| revealed(id, slot)));
    }
    if !record.unread.is_empty() {
        parts.push(unread::words(style, &record.unread));
    }
    for absent in &record.absent {
        parts.push(one_line(&absent.words()));
    }
    parts.join("\n\n")
}

fn state(style: Style, record: &Record) -> String {
    let rows = record.connections.iter().map(|(id, at)| {
        let why = at.slot.as_ref().map(Waiting::words);
        let (wanted, applied) = (or_dash(at.wanted_version), applied(at));
        let external = or_dash(at.external_id.as_ref());
        vec![id.clone(), at.status.to_owned(), wanted, applied, external, why.unwrap_or_default()]
    });
    let header = ["connection", "status", "wanted", "applied", "CRM id", "open"];
    let mut text = table(style, &header, rows.collect());
    for (id, action) in
        record.connections.iter().filter_map(|(id, at)| Some((id, at.slot.as_ref()?.action.as_ref()?)))
    {
        text.push_str(&format!("\n{}", one_line(&format!("{id}: {action}"))));
    }
    text
}

/// The version up to which all has ended; what ended without the CRM says so.
fn applied(at: &At) -> String {
    let version = or_dash(at.applied_version);
    let last = at.recent.iter().find(|one| Some(one.version) == at.applied_version);
    match last {
        Some(last) if last.outcome == Ended::Skipped.as_str() => format!("{version} (skipped)"),
        _ => version,
    }
}

/// The newest outcome's steps, and the outcomes before it.
fn way(style: Style, id: &str, at: &At) -> Option<String> {
    let (newest, before) = at.recent.split_first()?;
    let rows = newest.steps.iter().map(|step| {
        let code = step.code.map_or_else(String::new, |code| code.to_string());
        vec![step.at.clone().unwrap_or_default(), step.step.to_owned(), code, step.message.clone()]
    });
    let header = ["at", "step", "code", "what"];
    let mut text = format!("{id}, version {}\n{}", newest.version, table(style, &header, rows.collect()));
    if !before.is_empty() {
        let rows = before.iter().map(|one| line(id, one)).collect();
        text.push_str(&format!("\n\n{id}, before\n{}", table(style, &HEADER, rows)));
    }
    Some(text)
}

const HEADER: [&str; 6] = ["at", "connection", "outcome", "version", "code", "message"];

fn way_back(style: Style, id: &str, back: &Back) -> String {
    let told = back.told_version.map(stamp).unwrap_or_default();
    let known =
        if told.is_empty() { "nothing was told yet".to_owned() } else { format!("told up to {told}") };
    let open = back.slot.as_ref().map_or_else(String::new, |slot| {
        let more = slot.action.as_ref().map_or_else(String::new, |action| format!(" ({action})"));
        format!("; {} of {}: {} {}{more}", back.status, stamp(slot.version), slot.code, slot.message)
    });
    let rows: Vec<Vec<String>> = back
        .recent
        .iter()
        .map(|one| {
            let told = if one.outcome == "applied" { "told" } else { one.outcome };
            let message = one.message.clone().unwrap_or_default();
            vec![one.at.clone(), told.to_owned(), stamp(one.version), or_dash(one.code), message]
        })
        .collect();
    let header = ["at", "outcome", "change of", "code", "message"];
    let head = one_line(&format!("{id}, back to your system: {known}{open}"));
    if rows.is_empty() { head } else { format!("{head}\n{}", table(style, &header, rows)) }
}

/// A CRM's stamp in microseconds, as a time.
fn stamp(version: u64) -> String {
    Instant(i64::try_from(version / 1_000).unwrap_or(i64::MAX)).to_rfc3339()
}

fn shadowed(id: &str, shadow: &Shadowed) -> String {
    let Shadowed { version, operation, fields, .. } = shadow;
    one_line(&format!("{id} is shadowed: version {version} would {operation} {}", fields.join(", ")))
}

/// What is shown on request only.
fn revealed(id: &str, slot: &Waiting) -> Option<String> {
    let said = slot.crm_message.iter().map(|words| format!("{id}: the CRM says: {}", one_line(words)));
    let data =
        slot.data.iter().map(|data| format!("{id}: version {}\n{}", slot.version, safe(&pretty(data))));
    let parts: Vec<String> = said.chain(data).collect();
    (!parts.is_empty()).then(|| parts.join("\n\n"))
}

/// An outcome's cells.
pub(super) fn line(connection: &str, one: &Outcome) -> Vec<String> {
    vec![
        one.at.clone(),
        connection.to_owned(),
        one.outcome.to_owned(),
        one.version.to_string(),
        or_dash(one.code),
        one.message.clone().unwrap_or_default(),
    ]
}

/// The same of an outcome on the way back: its version is a time of the CRM's.
pub(super) fn line_back(connection: &str, one: &Outcome) -> Vec<String> {
    let told = if one.outcome == "applied" { "told" } else { one.outcome };
    let change = format!("change of {}", stamp(one.version));
    vec![
        one.at.clone(),
        format!("{connection}, back"),
        told.to_owned(),
        change,
        or_dash(one.code),
        one.message.clone().unwrap_or_default(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtr_core::code::Code;
    use rtr_core::item::Item;

    #[test]
    fn given_data_and_names_from_outside_when_shown_then_no_terminal_acts_on_them() {
        let outside = "a\u{1b}[2Jb\u{9b}31m";
        let slot = Waiting {
            state: rtr_core::item::SlotState::Dead,
            version: 8,
            operation: "upsert",
            code: Code::Invalid,
            message: String::new(),
            field: None,
            since: String::new(),
            not_before: None,
            attempts: 1,
            waits_for: None,
            action: None,
            crm_message: Some(outside.to_owned()),
            data: Some(serde_json::json!({ "name": outside })),
        };
        insta::assert_snapshot!(revealed("hubspot", &slot).unwrap(), @r#"
        hubspot: the CRM says: a\u{1b}[2Jb\u{9b}31m

        hubspot: version 8
        {
          "name": "a\u001b[2Jb\u{9b}31m"
        }
        "#);
    }

    #[test]
    fn given_what_the_internal_system_was_told_when_shown_then_stamps_are_times() {
        let item = Item { rev: 2, applied_version: Some(1_795_000_000_123_000), ..Item::default() };
        let item = item.noting(Ended::Applied, 1_795_000_000_123_000, Instant(1_795_000_001_000), None);
        let item = item.noting(
            Ended::Superseded,
            1_795_000_000_124_000,
            Instant(1_795_000_002_000),
            Some(Code::NotTaken),
        );
        insta::assert_snapshot!(way_back(Style::Plain, "hubspot", &Back::of(&item).unwrap()), @r"
        hubspot, back to your system: told up to 2026-11-18T11:06:40.123Z
        AT                        OUTCOME     CHANGE OF                 CODE     MESSAGE
        2026-11-18T11:06:42.000Z  superseded  2026-11-18T11:06:40.124Z  RTR3010  The internal system does not take a change of the CRM's as it is.
        2026-11-18T11:06:41.000Z  told        2026-11-18T11:06:40.123Z  -
        ");
        assert_eq!(Back::of(&Item::default()), None);
    }
}
