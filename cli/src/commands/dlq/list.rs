//! `rtr dlq list`.

use super::filter::Filter;
use super::group::{Group, Grouping, group_rows, groups};
use super::index;
use super::letter::Letter;
use super::slip;
use crate::app::App;
use crate::output::{Style, count, or_dash, table};
use crate::problem::{Ended, Exit};
use rtr_core::time::Instant;

/// From so many on a list is too long to be read letter by letter.
const MANY: usize = 20;

/// Lists what is dead, or counts it.
pub(super) async fn run(app: &App, filter: &Filter, group_by: &[Grouping]) -> Ended {
    let aws = Box::pin(app.aws()).await?;
    let mut letters = Box::pin(index::read(&aws, filter)).await?;
    letters.reverse();
    if letters.is_empty() {
        slip::tell(app, &aws, filter).await?;
    }
    if group_by.is_empty() {
        app.out.answer(&letters, |style| rows(style, &letters));
    }
    let groups = groups(group_by, &letters);
    if !group_by.is_empty() {
        app.out.answer(&groups, |style| group_rows(style, &groups));
    }
    if !app.out.is_json() {
        app.out.note(&count(letters.len(), "dead letter"));
        match groups.first().filter(|_| !group_by.is_empty()) {
            Some(group) => app.out.note(&next(filter, group)),
            None if group_by.is_empty() && letters.len() > MANY => {
                app.out.note(&format!("by cause: rtr dlq list{} --group-by code,field", filter.words()));
            }
            None => {}
        }
    }
    Ok(Exit::Done)
}

fn rows(style: Style, letters: &[Letter]) -> String {
    if letters.is_empty() {
        return String::new();
    }
    let header = ["id", "at", "org", "connection", "type", "record", "version", "code", "field", "message"];
    let row = |letter: &Letter| {
        vec![
            letter.id.clone(),
            letter.at.clone(),
            or_dash(letter.org_id.as_ref()),
            or_dash(letter.connection.as_ref()),
            or_dash(letter.record_type.as_ref()),
            or_dash(letter.record_id.as_ref()),
            or_dash(letter.version),
            or_dash(letter.code.as_ref()),
            or_dash(letter.field.as_ref()),
            letter.message.clone(),
        ]
    };
    table(style, &header, letters.iter().map(row).collect())
}

/// What one does next about the largest group: ready to be copied.
fn next(filter: &Filter, group: &Group) -> String {
    let meant = narrowed(filter, group).words();
    format!("the largest group:\n  rtr dlq show --id {}\n  rtr dlq preview{meant}", group.example)
}

/// `filter` with what the group has in common, as far as it can be asked for.
fn narrowed(filter: &Filter, group: &Group) -> Filter {
    let mut filter = filter.clone();
    for (name, value) in group.by.iter().filter(|(_, value)| value.is_some()) {
        let value = value.clone();
        match *name {
            "org_id" => filter.org = value,
            "connection" => filter.connection = value,
            "record_type" => filter.record_type = value,
            "reason" => filter.reason = value.filter(|class| !class.is_empty()),
            "code" => filter.code = value,
            "field" => filter.field = value,
            // All of the group lies between its oldest and its newest, whatever else does.
            "day" | "hour" => {
                filter.since = Some(group.since);
                filter.until = Some(Instant(group.until.0.saturating_add(1)));
            }
            _ => {}
        }
    }
    filter
}

#[cfg(test)]
mod tests {
    use super::super::letter::tests::letter;
    use super::*;

    fn refused() -> Letter {
        let summary = r#"{"org_id":"acme","connection":"hubspot","record_type":"contact","record_id":"c-1",
            "version":7,"reason":"rejected","code":"RTR3001","message":"the CRM refused a value","field":"email",
            "attempts":2}"#;
        letter("c-1", "hubspot", 1_795_000_000_000, summary)
    }

    #[test]
    fn given_letters_when_listed_plain_then_each_is_a_line() {
        let letters = [refused()];
        insta::assert_snapshot!(rows(Style::Plain, &letters), @r"
        ID                AT                        ORG   CONNECTION  TYPE     RECORD  VERSION  CODE     FIELD  MESSAGE
        7ba3413ad828a995  2026-11-18T11:06:40.000Z  acme  hubspot     contact  c-1     7        RTR3001  email  the CRM refused a value
        ");
        insta::assert_snapshot!(group_rows(Style::Plain, &groups(&[Grouping::Reason], &letters)), @r"
        COUNT  REASON    SINCE                     UNTIL                     EXAMPLE
        1      rejected  2026-11-18T11:06:40.000Z  2026-11-18T11:06:40.000Z  7ba3413ad828a995
        ");
        assert_eq!(rows(Style::Plain, &[]), "");
    }

    #[test]
    fn given_groups_when_shown_then_what_to_do_about_the_largest_stands_ready_to_be_copied() {
        let letters = [refused()];
        let filter = Filter { org: Some("acme".to_owned()), ..Filter::default() };
        let by_cause = groups(&[Grouping::Code, Grouping::Field], &letters);
        insta::assert_snapshot!(next(&filter, &by_cause[0]), @r"
        the largest group:
          rtr dlq show --id 7ba3413ad828a995
          rtr dlq preview --org acme --code RTR3001 --field email
        ");
        let by_time = groups(&[Grouping::Connection, Grouping::Hour], &letters);
        insta::assert_snapshot!(narrowed(&Filter::default(), &by_time[0]).words().trim_start(), @"--org acme --connection hubspot --since 2026-11-18T11:06:40.000Z --until 2026-11-18T11:06:40.001Z");
        let nobodys = Letter { code: None, field: None, ..refused() };
        let by_cause = groups(&[Grouping::Field], &[nobodys]);
        assert_eq!(narrowed(&Filter::default(), &by_cause[0]).words(), "");
    }
}
