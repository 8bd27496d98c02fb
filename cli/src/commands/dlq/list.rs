//! `rtr dlq list`.

use super::filter::{Filter, Group, Grouping};
use super::index;
use super::letter::Letter;
use crate::app::App;
use crate::output::{Style, count, or_dash, table};
use crate::problem::{Ended, Exit};

/// Lists what is dead, or counts it.
pub(super) async fn run(app: &App, filter: &Filter, group_by: Option<Grouping>) -> Ended {
    let aws = Box::pin(app.aws()).await?;
    let mut letters = Box::pin(index::read(&aws, filter)).await?;
    letters.reverse();
    match group_by {
        None => app.out.answer(&letters, |style| rows(style, &letters)),
        Some(grouping) => {
            let groups = grouping.count(&letters);
            app.out.answer(&groups, |style| group_rows(style, &groups));
        }
    }
    if !app.out.is_json() {
        app.out.note(&count(letters.len(), "dead letter"));
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

/// Groups as rows.
pub(crate) fn group_rows(style: Style, groups: &[Group]) -> String {
    let Some(first) = groups.first() else { return String::new() };
    let header: Vec<&str> = ["count"].into_iter().chain(first.by.keys().copied()).chain(["since"]).collect();
    let row = |group: &Group| {
        let by = group.by.values().map(|value| or_dash(value.as_ref()));
        [group.count.to_string()].into_iter().chain(by).chain([group.since.clone()]).collect()
    };
    table(style, &header, groups.iter().map(row).collect())
}

#[cfg(test)]
mod tests {
    use super::super::letter::tests::letter;
    use super::*;

    #[test]
    fn given_letters_when_listed_plain_then_each_is_a_line() {
        let summary = r#"{"org_id":"acme","connection":"hubspot","record_type":"contact","record_id":"c-1",
            "version":7,"reason":"rejected","code":"RTR3001","message":"the CRM refused a value","attempts":2}"#;
        let letters = [letter("c-1", "hubspot", 1_795_000_000_000, summary)];
        insta::assert_snapshot!(rows(Style::Plain, &letters), @r"
        ID                AT                        ORG   CONNECTION  TYPE     RECORD  VERSION  CODE     FIELD  MESSAGE
        7ba3413ad828a995  2026-11-18T11:06:40.000Z  acme  hubspot     contact  c-1     7        RTR3001  -      the CRM refused a value
        ");
        insta::assert_snapshot!(group_rows(Style::Plain, &Grouping::Reason.count(&letters)), @r"
        COUNT  REASON    SINCE
        1      rejected  2026-11-18T11:06:40.000Z
        ");
        assert_eq!(rows(Style::Plain, &[]), "");
    }
}
