//! `rtr audit`: who changed what, when and why.

use crate::app::App;
use crate::aws::unavailable;
use crate::commands::config::absent;
use crate::commands::connection::select::stored;
use crate::moment::{now, read_time};
use crate::output::{Style, or_dash, table};
use crate::problem::{Ended, Exit, Problem};
use crate::schema::Answer;
use rtr_core::audit::{ACTIONS, Entry};
use rtr_core::mapping::nearest;
use rtr_core::time::Instant;
use schemars::JsonSchema;
use serde::Serialize;

/// The shapes of its `--json` answers.
pub(super) const ANSWERS: [Answer; 1] = [Answer::of::<Vec<Listed>>("audit")];

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
    /// By this person, as --author or $USER had it
    #[arg(long, value_name = "AUTHOR")]
    by: Option<String>,
    /// Of this action, such as connection.pause or dlq.drop; connection: of all that begin so
    #[arg(long, value_parser = action)]
    action: Option<String>,
    /// At most so many, the newest
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = at_least_one)]
    most: usize,
}

/// One entry, in the shape that scripts rely on.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Listed {
    pub(super) at: String,
    pub(super) by: String,
    pub(super) action: String,
    pub(super) target: String,
    pub(super) org_id: Option<String>,
    pub(super) count: Option<u64>,
    pub(super) reason: Option<String>,
}

fn time(text: &str) -> Result<Instant, String> {
    read_time(text, now())
}

/// A slip in an action finds nothing, which would pass for good news.
fn action(text: &str) -> Result<String, String> {
    if ACTIONS.iter().any(|known| is_of(known, text)) {
        return Ok(text.to_owned());
    }
    let near = nearest(text, ACTIONS.iter().copied());
    let near = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    Err(format!("there is no such action{near}\n  there are {}", ACTIONS.join(", ")))
}

/// Whether `action` is `wanted`, or one of those that begin so.
fn is_of(action: &str, wanted: &str) -> bool {
    action.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => {
            Err("none at all says nothing: 1 or more, or leave it out for the newest thousand".to_owned())
        }
        Ok(most) => Ok(most),
        Err(_) => Err("say a whole number, 1 or more".to_owned()),
    }
}

/// Lists what people did, newest first.
pub(crate) async fn run(app: &App, args: &Args) -> Ended {
    let (since, until) = between(args.since, args.until)?;
    let aws = Box::pin(app.aws()).await?;
    // Which are an org's is seen only once they are read: the newest of all may be others'.
    let narrows = args.org.is_some() || args.by.is_some() || args.action.is_some();
    let most = if narrows { usize::MAX } else { args.most };
    let found = aws.config_store()?.audit(since, until, most).await;
    let found = found.map_err(|error| unavailable("reading the audit", &aws.place, &error))?;
    if let Some(org) =
        args.org.as_ref().filter(|org| !found.iter().any(|one| one.org_id.as_ref() == Some(*org)))
    {
        let stored = Box::pin(stored(&aws)).await?;
        if stored.orgs.get(org).is_none_or(|stored| stored.doc.removed) {
            return Err(absent(org, &stored));
        }
    }
    let concerned =
        found.into_iter().filter(|entry| concerns(args.org.as_ref(), entry) && takes(args, entry));
    let all: Vec<Listed> = concerned.take(args.most).map(listed).collect();
    app.out.answer(&all, |style| words(style, &all));
    if all.is_empty() {
        // Nothing at all on a screen would pass for a command that did nothing.
        app.out.note("no entry matches");
    }
    Ok(Exit::Done)
}

/// The time that is meant.
fn between(since: Option<Instant>, until: Option<Instant>) -> Result<(Instant, Instant), Problem> {
    let (from, to) = (since.unwrap_or(Instant(0)), until.unwrap_or(Instant(i64::MAX)));
    if from < to {
        return Ok((from, to));
    }
    let (from, to) = (from.to_rfc3339(), to.to_rfc3339());
    let what = format!("audit: nothing is since {from} and before {to}");
    Err(Problem::usage(what).hint("--since is the earlier of the two, and itself in; --until is not"))
}

/// Whether the entry is the org's, or everybody's.
pub(super) fn concerns(org: Option<&String>, entry: &Entry) -> bool {
    org.is_none() || entry.org_id.is_none() || entry.org_id.as_ref() == org
}

/// Whether it is by the person, and of the action, that are asked for.
fn takes(args: &Args, entry: &Entry) -> bool {
    args.by.as_ref().is_none_or(|by| *by == entry.by)
        && args.action.as_ref().is_none_or(|wanted| is_of(&entry.action, wanted))
}

/// The entry as it is shown.
pub(super) fn listed(entry: Entry) -> Listed {
    let Entry { at, by, action, target, org_id, reason, count } = entry;
    Listed { at: at.to_rfc3339(), by, action, target, org_id, count, reason }
}

/// Entries as a table.
pub(super) fn words(style: Style, all: &[Listed]) -> String {
    if all.is_empty() {
        return String::new();
    }
    let row = |one: &Listed| {
        vec![
            one.at.clone(),
            one.by.clone(),
            or_dash(one.org_id.as_ref()),
            one.action.clone(),
            one.target.clone(),
            or_dash(one.count),
            one.reason.clone().unwrap_or_default(),
        ]
    };
    table(style, &["at", "by", "org", "action", "of", "records", "reason"], all.iter().map(row).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_a_time_that_ends_before_it_begins_or_none_at_most_when_asked_for_then_it_is_refused() {
        let (one, two) = (Instant(1_795_000_000_000), Instant(1_795_000_000_001));
        assert_eq!(between(Some(one), Some(two)), Ok((one, two)));
        assert_eq!(between(None, Some(one)), Ok((Instant(0), one)));
        for (since, until) in [(two, one), (one, one)] {
            let refused = between(Some(since), Some(until)).unwrap_err();
            assert_eq!(refused.exit, Exit::Usage);
            assert!(refused.what.contains("2026-11-18"), "{}", refused.what);
        }
        assert_eq!(at_least_one("1"), Ok(1));
        assert!(at_least_one("0").is_err() && at_least_one("-1").is_err() && at_least_one("x").is_err());
    }

    #[test]
    fn given_a_person_or_an_action_when_asked_for_then_others_are_left_out() {
        let entry = |by: &str, action: &str| Entry {
            at: Instant(0),
            by: by.to_owned(),
            action: action.to_owned(),
            target: "acme".to_owned(),
            org_id: None,
            reason: None,
            count: None,
        };
        let all =
            [entry("ada", "connection.pause"), entry("bob", "connection.resume"), entry("ada", "dlq.drop")];
        let found = |by: Option<&str>, action: Option<&str>| {
            let (by, action) = (by.map(str::to_owned), action.map(str::to_owned));
            let args = Args { org: None, since: None, until: None, by, action, most: 1 };
            let taken = all.iter().filter(|entry| takes(&args, entry));
            taken.map(|entry| format!("{} {}", entry.by, entry.action)).collect::<Vec<_>>()
        };
        assert_eq!(found(Some("ada"), None), ["ada connection.pause", "ada dlq.drop"]);
        assert_eq!(found(None, Some("connection")), ["ada connection.pause", "bob connection.resume"]);
        assert_eq!(found(Some("ada"), Some("connection.pause")), ["ada connection.pause"]);
        assert_eq!(found(None, Some("connection.p")), Vec::<String>::new());
    }

    #[test]
    fn given_an_action_when_read_then_whole_ones_and_beginnings_are_taken_and_a_slip_is_told_with_what_there_is()
     {
        for fine in ["dlq.drop", "connection", "publish", "config"] {
            assert_eq!(action(fine), Ok(fine.to_owned()));
        }
        for slip in ["", "con", "connection.", "connection.p", "nope"] {
            assert!(action(slip).is_err(), "{slip}");
        }
        insta::assert_snapshot!(action("dlq.drp").unwrap_err(), @r"
        there is no such action; did you mean `dlq.drop`?
          there are backfill, config.apply, config.rollback, connection.connect, connection.pause, connection.resume, connection.setup, connection.test, dlq.drop, dlq.redrive, links.import, parked.drain, parked.drop, publish, reconcile.repair
        ");
    }

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
        AT                        BY   ORG   ACTION            OF            RECORDS  REASON
        2026-11-18T11:06:40.000Z  ada  acme  parked.drop       acme hubspot  12       sent by mistake
        2026-11-18T11:06:40.000Z  ada  -     connection.pause  --all         -
        ");
        insta::assert_snapshot!(serde_json::to_string(&of_acme[0]).unwrap(), @r#"{"at":"2026-11-18T11:06:40.000Z","by":"ada","action":"parked.drop","target":"acme hubspot","org_id":"acme","count":12,"reason":"sent by mistake"}"#);
        crate::schema::tests::holds("audit", &of_acme);
        assert_eq!(words(Style::Plain, &[]), "");
    }
}
