//! `rtr config diff` and `apply`: the folder against what is stored, document by document.

use super::folder;
use crate::app::App;
use crate::aws::{Aws, unavailable};
use crate::moment::now;
use crate::output::count;
use crate::problem::{Ended, Exit, Problem};
use rtr_aws::config::ApplyError;
use rtr_core::config::{Change, ConfigSet, DocChange, GLOBAL_ORG, plan_apply};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;

/// Times a plan is made anew because somebody else applied at the same time.
const ROUNDS: usize = 5;

/// One document's change as scripts get it.
#[derive(Debug, Serialize)]
struct Shown<'a> {
    org: &'a str,
    revision: u64,
    replaces: Option<u64>,
    changes: &'a [Change],
}

/// Shows what `apply` would change.
pub(super) async fn diff(app: &App, dir: &Path, prune: bool) -> Ended {
    let wanted = folder::load_or_refuse(dir)?;
    let aws = Box::pin(app.aws()).await?;
    let plan = plan(&aws, &wanted, prune).await?;
    tell(app, &plan, "no difference");
    Ok(Exit::of_findings(!plan.is_empty()))
}

/// Stores what changed.
pub(super) async fn apply(app: &App, dir: &Path, prune: bool, author: &str) -> Ended {
    let wanted = folder::load_or_refuse(dir)?;
    let aws = Box::pin(app.aws()).await?;
    let mut done: Vec<DocChange> = Vec::new();
    for _ in 0..ROUNDS {
        let (stored, ended) = round(&aws, &wanted, prune, author).await;
        done.extend(stored);
        match ended {
            Ok(Round::Done) => {
                tell(app, &done, "nothing has changed");
                return Ok(Exit::Done);
            }
            Ok(Round::Again) => {}
            Err(problem) => {
                tell(app, &done, "");
                let left = format!("{} of the documents were stored before", done.len());
                return Err(if done.is_empty() { problem } else { problem.hint(left) });
            }
        }
    }
    tell(app, &done, "");
    Err(Problem::unreachable("somebody else keeps applying configuration at the same time").hint("try again"))
}

enum Round {
    Done,
    Again,
}

/// Stores a plan made now, as far as it holds.
async fn round(
    aws: &Aws,
    wanted: &ConfigSet,
    prune: bool,
    author: &str,
) -> (Vec<DocChange>, Result<Round, Problem>) {
    let mut stored = Vec::new();
    let made = async { Ok((aws.config_store()?, plan(aws, wanted, prune).await?)) };
    let (store, plan) = match made.await {
        Ok(made) => made,
        Err(problem) => return (stored, Err(problem)),
    };
    for change in plan {
        match store.apply(&change, author, &now().to_rfc3339()).await {
            Ok(()) => stored.push(change),
            Err(ApplyError::Changed) => return (stored, Ok(Round::Again)),
            Err(ApplyError::Unavailable(error)) => {
                let doing = format!("storing the configuration of {}", name(&change.org));
                return (stored, Err(unavailable(&doing, &aws.place, &error)));
            }
        }
    }
    (stored, Ok(Round::Done))
}

async fn plan(aws: &Aws, wanted: &ConfigSet, prune: bool) -> Result<Vec<DocChange>, Problem> {
    let stored = Box::pin(aws.config_store()?.load()).await;
    let stored =
        stored.map_err(|error| unavailable("reading the stored configuration", &aws.place, &error))?;
    Ok(plan_apply(&stored, wanted, prune))
}

fn tell(app: &App, plan: &[DocChange], nothing: &str) {
    let shown: Vec<Shown<'_>> = plan
        .iter()
        .map(|DocChange { org, revision, replaces, changes, .. }| Shown {
            org,
            revision: *revision,
            replaces: *replaces,
            changes,
        })
        .collect();
    app.out.answer(&shown, |_| if shown.is_empty() { nothing.to_owned() } else { words(&shown) });
}

fn words(shown: &[Shown<'_>]) -> String {
    let mut lines = Vec::new();
    for one in shown {
        let from = one.replaces.map_or_else(|| "new".to_owned(), |old| format!("revision {old}"));
        lines.push(format!("{} ({from} → {})", name(one.org), one.revision));
        match one.replaces {
            Some(_) => lines.extend(one.changes.iter().map(|change| format!("  {change}"))),
            None => lines.extend(contents(one.changes)),
        }
    }
    lines.join("\n")
}

/// What a new document holds, in a line per connection, route and mapping: all of it is new. JSON has every value.
fn contents(changes: &[Change]) -> Vec<String> {
    let mut parts: BTreeMap<String, usize> = BTreeMap::new();
    for change in changes {
        let depth = if change.path.starts_with("mappings.") { 3 } else { 2 };
        let part: Vec<&str> = change.path.splitn(depth + 1, '.').take(depth).collect();
        *parts.entry(part.join(".")).or_default() += 1;
    }
    parts.into_iter().map(|(part, settings)| format!("  + {part} ({})", count(settings, "setting"))).collect()
}

fn name(org: &str) -> &str {
    if org == GLOBAL_ORG { "all orgs" } else { org }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtr_core::config::ChangeKind;

    #[test]
    fn given_a_plan_when_shown_then_people_see_each_difference_and_scripts_the_same() {
        let changes = vec![Change {
            kind: ChangeKind::Changed,
            path: "connections.hubspot.mode".to_owned(),
            old: Some("live".into()),
            new: Some("paused".into()),
        }];
        let added = |path: &str| Change {
            kind: ChangeKind::Added,
            path: path.to_owned(),
            old: None,
            new: Some(true.into()),
        };
        let new = ["mappings.hubspot.contact.fields.a", "mappings.hubspot.contact.object", "routes.deal"]
            .map(added);
        let shown = [
            Shown { org: GLOBAL_ORG, revision: 4, replaces: None, changes: &new },
            Shown { org: "acme", revision: 5, replaces: Some(3), changes: &changes },
        ];
        insta::assert_snapshot!(words(&shown), @r#"
        all orgs (new → 4)
          + mappings.hubspot.contact (2 settings)
          + routes.deal (1 setting)
        acme (revision 3 → 5)
          ~ connections.hubspot.mode: "live" → "paused"
        "#);
        insta::assert_snapshot!(serde_json::to_string(&shown[1]).unwrap(), @r#"{"org":"acme","revision":5,"replaces":3,"changes":[{"kind":"changed","path":"connections.hubspot.mode","old":"live","new":"paused"}]}"#);
    }
}
