//! Storing a plan: written down first, each document by itself, and planned anew where somebody else was first.

use super::apply::{name, stored, tell, tell_with};
use crate::app::App;
use crate::audit::{Who, note};
use crate::aws::{Aws, unavailable};
use crate::commands::dlq::foresee::Outlooks;
use crate::moment::now;
use crate::output::count;
use crate::problem::{Ended, Exit, Problem};
use rtr_aws::config::ApplyError;
use rtr_core::config::{DocChange, GLOBAL_ORG, Signature, Stored};
use std::cell::RefCell;

/// Times a plan is made anew because somebody else applied at the same time.
const ROUNDS: usize = 5;

/// Orgs that an entry of the audit names.
const NAMED: usize = 5;

/// Stores what `planned` makes of what is stored, and plans anew where somebody else was first; what `outlooks` says of dead
/// letters by then is told with it.
pub(super) async fn store<P>(
    app: &App,
    aws: &Aws,
    act: &Act<'_>,
    planned: P,
    outlooks: &RefCell<Outlooks>,
) -> Ended
where
    P: AsyncFn(&Stored) -> Result<Vec<DocChange>, Problem>,
{
    let mut done: Vec<DocChange> = Vec::new();
    for _ in 0..ROUNDS {
        let (stored, ended) = round(aws, act, &planned).await;
        done.extend(stored);
        match ended {
            Ok(Round::Done) => {
                tell_with(app, &done, "nothing has changed", &outlooks.borrow());
                return Ok(Exit::Done);
            }
            Ok(Round::Again) => {}
            Err(problem) if done.is_empty() => return Err(problem),
            Err(problem) => {
                tell(app, &done, "");
                return Err(problem.hint(format!("{} of the documents were stored before", done.len())));
            }
        }
    }
    tell(app, &done, "");
    Err(Problem::unreachable("somebody else keeps applying configuration at the same time").hint("try again"))
}

/// Who stores, and by which command.
pub(super) struct Act<'a> {
    pub(super) who: &'a Who,
    /// As the audit has it.
    pub(super) action: &'a str,
}

enum Round {
    Done,
    Again,
}

/// Stores a plan made now, as far as it holds.
async fn round<P>(aws: &Aws, act: &Act<'_>, planned: &P) -> (Vec<DocChange>, Result<Round, Problem>)
where
    P: AsyncFn(&Stored) -> Result<Vec<DocChange>, Problem>,
{
    let mut done = Vec::new();
    let made = async {
        let stored = stored(aws).await?;
        let (store, plan) = (aws.config_store()?, planned(&stored).await?);
        audit(aws, act, &plan).await?;
        Ok((store, plan))
    };
    let (store, plan) = match made.await {
        Ok(made) => made,
        Err(problem) => return (done, Err(problem)),
    };
    for change in plan {
        let Who { author, reason } = act.who.clone();
        let by = Signature { author, at: now().to_rfc3339(), reason };
        match store.apply(&change, &by).await {
            Ok(()) => done.push(change),
            Err(ApplyError::Changed) => return (done, Ok(Round::Again)),
            Err(ApplyError::Unavailable(error)) => {
                let doing = format!("storing the configuration of {}", name(&change.org));
                return (done, Err(unavailable(&doing, &aws.place, &error)));
            }
        }
    }
    (done, Ok(Round::Done))
}

/// Writes a plan down: one entry, whose target names the documents.
async fn audit(aws: &Aws, act: &Act<'_>, plan: &[DocChange]) -> Result<(), Problem> {
    let (Some(first), Ok(documents)) = (plan.first(), u64::try_from(plan.len())) else { return Ok(()) };
    let mut entry = act.who.entry(act.action, target(plan));
    entry.org_id = (plan.len() == 1 && first.org != GLOBAL_ORG).then(|| first.org.clone());
    entry.count = Some(documents);
    note(aws, &entry).await
}

/// Whose documents they are: the first of them by name.
fn target(plan: &[DocChange]) -> String {
    let names: Vec<&str> = plan.iter().take(NAMED).map(|change| name(&change.org)).collect();
    match plan.len().saturating_sub(NAMED) {
        0 => names.join(", "),
        more => format!("{} and {}", names.join(", "), count(more, "other org")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtr_core::config::{DocBody, OrgDoc};

    #[test]
    fn given_a_plan_when_written_down_then_the_first_orgs_are_named_and_the_others_counted() {
        let change = |org: &str| DocChange {
            org: org.to_owned(),
            revision: 1,
            replaces: None,
            doc: DocBody::Org(OrgDoc::default()),
            changes: Vec::new(),
        };
        let plan = |orgs: &[&str]| orgs.iter().map(|org| change(org)).collect::<Vec<_>>();
        assert_eq!(target(&plan(&[GLOBAL_ORG, "acme"])), "all orgs, acme");
        assert_eq!(target(&plan(&["a", "b", "c", "d", "e", "f", "g"])), "a, b, c, d, e and 2 other orgs");
    }
}
