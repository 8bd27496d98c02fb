//! `rtr parked list`.

use super::entry::Entry;
use super::look::find;
use crate::app::App;
use crate::commands::dlq::filter::Filter;
use crate::commands::dlq::group::{Grouping, group_rows, groups};
use crate::output::{Style, count, or_dash, table};
use crate::problem::{Ended, Exit};

/// Lists what is parked, or counts it.
pub(super) async fn run(app: &App, filter: &Filter, group_by: &[Grouping]) -> Ended {
    let aws = Box::pin(app.aws()).await?;
    let runtime = aws.runtime("")?;
    let entries = Box::pin(find(&aws, &runtime, filter)).await?;
    if group_by.is_empty() {
        app.out.answer(&entries, |style| rows(style, &entries));
    } else {
        let letters: Vec<_> = entries.iter().map(|entry| entry.letter.clone()).collect();
        let groups = groups(group_by, &letters);
        app.out.answer(&groups, |style| group_rows(style, &groups));
    }
    if !app.out.is_json() {
        app.out.note(&count(entries.len(), "parked version"));
    }
    Ok(Exit::Done)
}

fn rows(style: Style, entries: &[Entry]) -> String {
    if entries.is_empty() {
        return String::new();
    }
    let header =
        ["id", "not before", "since", "org", "connection", "type", "record", "version", "code", "message"];
    let row = |entry: &Entry| {
        let letter = &entry.letter;
        vec![
            letter.id.clone(),
            entry.not_before.to_rfc3339(),
            letter.at.clone(),
            or_dash(letter.org_id.as_ref()),
            or_dash(letter.connection.as_ref()),
            or_dash(letter.record_type.as_ref()),
            or_dash(letter.record_id.as_ref()),
            or_dash(letter.version),
            or_dash(letter.code.as_ref()),
            letter.message.clone(),
        ]
    };
    table(style, &header, entries.iter().map(row).collect())
}

#[cfg(test)]
mod tests {
    use super::super::entry::tests::entry;
    use super::*;
    use rtr_core::code::Code;
    use rtr_core::item::SlotState;

    #[test]
    fn given_what_is_parked_when_listed_plain_then_each_is_a_line() {
        let entries = [
            entry("c-1", SlotState::Parked, Code::Paused).unwrap(),
            entry("c-2", SlotState::Drop, Code::Paused).unwrap(),
        ];
        insta::assert_snapshot!(rows(Style::Plain, &entries), @r"
        ID                NOT BEFORE                SINCE                     ORG   CONNECTION  TYPE     RECORD  VERSION  CODE     MESSAGE
        7ba3413ad828a995  2026-11-18T11:07:40.000Z  2026-11-18T11:06:40.000Z  acme  hubspot     contact  c-1     7        RTR4006  the connection is paused
        d8cd2451537cba3e  2026-11-18T11:07:40.000Z  2026-11-18T11:06:40.000Z  acme  hubspot     contact  c-2     7        RTR4006  to be dropped; it waited: the connection is paused
        ");
        assert_eq!(rows(Style::Plain, &[]), "");
    }
}
