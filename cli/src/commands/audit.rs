//! `rtr audit`: who paused, resumed, hastened or dropped what, when and why.

use crate::app::App;
use crate::aws::unavailable;
use crate::moment::{now, read_time};
use crate::output::{Style, or_dash, table};
use crate::problem::{Ended, Exit};
use rtr_core::audit::Entry;
use rtr_core::time::Instant;
use serde::Serialize;

/// What to list.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Of this org; what concerns all orgs is listed too
    #[arg(long)]
    org: Option<String>,
    /// Since this time: 2026-11-23T10:00:00Z, 2026-11-23, or a time ago such as 2h
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<Instant>,
    /// Before this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<Instant>,
    /// At most so many, the newest
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    most: usize,
}

/// One entry, in the shape that scripts rely on.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Listed {
    at: String,
    by: String,
    action: String,
    target: String,
    org_id: Option<String>,
    count: Option<u64>,
    reason: Option<String>,
}

fn time(text: &str) -> Result<Instant, String> {
    read_time(text, now())
}

/// Lists what people did, newest first.
pub(crate) async fn run(app: &App, args: &Args) -> Ended {
    let aws = Box::pin(app.aws()).await?;
    let (since, until) = (args.since.unwrap_or(Instant(0)), args.until.unwrap_or(Instant(i64::MAX)));
    let found = aws.config_store()?.audit(since, until, args.most).await;
    let found = found.map_err(|error| unavailable("reading the audit", &aws.place, &error))?;
    let all: Vec<Listed> =
        found.into_iter().filter(|entry| concerns(args.org.as_ref(), entry)).map(listed).collect();
    app.out.answer(&all, |style| words(style, &all));
    Ok(Exit::Done)
}

fn concerns(org: Option<&String>, entry: &Entry) -> bool {
    org.is_none() || entry.org_id.is_none() || entry.org_id.as_ref() == org
}

fn listed(entry: Entry) -> Listed {
    let Entry { at, by, action, target, org_id, reason, count } = entry;
    Listed { at: at.to_rfc3339(), by, action, target, org_id, count, reason }
}

fn words(style: Style, all: &[Listed]) -> String {
    if all.is_empty() {
        return String::new();
    }
    let row = |one: &Listed| {
        vec![
            one.at.clone(),
            one.by.clone(),
            one.action.clone(),
            one.target.clone(),
            or_dash(one.count),
            one.reason.clone().unwrap_or_default(),
        ]
    };
    table(style, &["at", "by", "action", "of", "records", "reason"], all.iter().map(row).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_entries_when_listed_then_each_is_a_line_and_an_org_has_its_own_and_those_of_all() {
        let entry = |action: &str, target: &str, org: Option<&str>, count: Option<u64>| Entry {
            at: Instant(1_795_000_000_000),
            by: "ada".to_owned(),
            action: action.to_owned(),
            target: target.to_owned(),
            org_id: org.map(str::to_owned),
            reason: count.map(|_| "sent by mistake".to_owned()),
            count,
        };
        let all = [
            entry("parked.drop", "acme hubspot", Some("acme"), Some(12)),
            entry("connection.pause", "--all", None, None),
            entry("connection.pause", "umbra hubspot", Some("umbra"), None),
        ];
        let acme = "acme".to_owned();
        let of_acme: Vec<Listed> =
            all.iter().filter(|entry| concerns(Some(&acme), entry)).cloned().map(listed).collect();
        insta::assert_snapshot!(words(Style::Plain, &of_acme), @r"
        AT                        BY   ACTION            OF            RECORDS  REASON
        2026-11-18T11:06:40.000Z  ada  parked.drop       acme hubspot  12       sent by mistake
        2026-11-18T11:06:40.000Z  ada  connection.pause  --all         -
        ");
        insta::assert_snapshot!(serde_json::to_string(&of_acme[0]).unwrap(), @r#"{"at":"2026-11-18T11:06:40.000Z","by":"ada","action":"parked.drop","target":"acme hubspot","org_id":"acme","count":12,"reason":"sent by mistake"}"#);
        assert_eq!(words(Style::Plain, &[]), "");
    }
}
