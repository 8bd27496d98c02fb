//! `rtr config history`: which revision changed what, whose it was and why.

use super::apply::name;
use crate::app::App;
use crate::aws::{Aws, unavailable};
use crate::output::one_line;
use crate::problem::{Ended, Exit, Problem};
use crate::schema::foreign;
use rtr_core::config::{Applied, Change, Signature, diff};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// What to list.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Of this org; `*`: of what holds for all [default: everything]
    org: Option<String>,
    /// At most so many, the newest
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    most: u32,
}

/// One revision, in the shape that scripts rely on.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Listed {
    revision: u64,
    org: String,
    author: String,
    at: String,
    reason: Option<String>,
    /// Whether the org tries something with it before others have it.
    canary: bool,
    #[schemars(with = "Vec<foreign::ConfigChange>")]
    changes: Vec<Change>,
}

/// Lists revisions, newest first.
pub(super) async fn run(app: &App, args: &Args) -> Ended {
    let aws = Box::pin(app.aws()).await?;
    let most = usize::try_from(args.most).unwrap_or(usize::MAX);
    let applied = applied(&aws, 0, if args.org.is_none() { most } else { usize::MAX }).await?;
    let meant = |one: &Applied| args.org.as_ref().is_none_or(|org| *org == one.org);
    let mut listed = Vec::new();
    for one in applied.into_iter().filter(meant).take(most) {
        listed.push(told(&aws, one).await?);
    }
    if let Some(org) = args.org.as_ref().filter(|_| listed.is_empty()) {
        let what = format!("nothing was ever applied to {}", name(org));
        return Err(Problem::not_found(what).hint("rtr config history lists the revisions of all"));
    }
    app.out.answer(&listed, |_| listed.iter().map(words).collect::<Vec<_>>().join("\n"));
    Ok(Exit::Done)
}

/// What was stored after revision `after`, newest first.
pub(super) async fn applied(aws: &Aws, after: u64, most: usize) -> Result<Vec<Applied>, Problem> {
    let applied = Box::pin(aws.config_store()?.applied(after, most)).await;
    applied.map_err(|error| unavailable("reading the history", &aws.place, &error))
}

async fn told(
    aws: &Aws,
    Applied { revision, org, by: Signature { author, at, reason } }: Applied,
) -> Result<Listed, Problem> {
    let store = aws.config_store()?;
    let failed = |error| unavailable(&format!("reading revision {revision}"), &aws.place, &error);
    let new = store.at::<Value>(&org, revision).await.map_err(failed)?.map(|stored| stored.doc);
    let old =
        store.at::<Value>(&org, revision.saturating_sub(1)).await.map_err(failed)?.map(|stored| stored.doc);
    let canary = new.as_ref().is_some_and(|doc| !doc["canary"].is_null());
    let changes = diff(old.as_ref(), &new.unwrap_or_default());
    Ok(Listed { revision, org, author, at, reason, canary, changes })
}

fn words(one: &Listed) -> String {
    let why = one.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
    let canary = if one.canary { " (canary)" } else { "" };
    let mut lines =
        vec![format!("{} {}{canary} by {} at {}{why}", one.revision, name(&one.org), one.author, one.at)];
    lines.extend(one.changes.iter().map(|change| format!("  {change}")));
    lines.iter().map(|line| one_line(line)).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn given_a_revision_when_listed_then_it_says_whose_it_is_why_and_what_changed() {
        let changes =
            diff(Some(&json!({"routes": {"contact": []}})), &json!({"routes": {"contact": ["hubspot"]}}));
        let one = Listed {
            revision: 12,
            org: "acme".to_owned(),
            author: "ada".to_owned(),
            at: "2026-11-23T10:00:00Z".to_owned(),
            reason: Some("asked for".to_owned()),
            canary: true,
            changes,
        };
        crate::schema::tests::holds("config history", &[&one]);
        insta::assert_snapshot!(words(&one), @r#"
        12 acme (canary) by ada at 2026-11-23T10:00:00Z: asked for
          ~ routes.contact: [] → ["hubspot"]
        "#);
        let outside = Listed { reason: Some("a\u{1b}[2Jb\u{9b}31m".to_owned()), changes: Vec::new(), ..one };
        assert!(words(&outside).ends_with(r": a\u{1b}[2Jb\u{9b}31m"), "{}", words(&outside));
    }
}
