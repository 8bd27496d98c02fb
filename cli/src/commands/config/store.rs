//! Storing a plan: each document written down and stored by itself, and planned anew where somebody else was first.

use super::apply::{name, stored, tell, tell_with};
use crate::app::App;
use crate::audit::{Who, note};
use crate::aws::{Aws, unavailable};
use crate::commands::dlq::foresee::Outlooks;
use crate::moment::now;
use crate::problem::{Ended, Exit, Problem};
use rtr_aws::config::ApplyError;
use rtr_core::audit::Entry;
use rtr_core::config::{DocChange, GLOBAL_ORG, Signature, Stored};
use std::cell::RefCell;

/// Times a plan is made anew because somebody else applied at the same time.
const ROUNDS: usize = 5;

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
        Ok((aws.config_store()?, planned(&stored).await?))
    };
    let (store, plan) = match made.await {
        Ok(made) => made,
        Err(problem) => return (done, Err(problem)),
    };
    for change in plan {
        if let Err(problem) = note(aws, &entry(act, &change)).await {
            return (done, Err(problem));
        }
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

/// What the audit says of a document: an org finds its own there, whoever else's were stored by the same command.
fn entry(act: &Act<'_>, change: &DocChange) -> Entry {
    let target = name(&change.org).to_owned();
    if change.org == GLOBAL_ORG {
        act.who.entry(act.action, target)
    } else {
        act.who.entry_of(act.action, &change.org, target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtr_core::config::{DocBody, OrgDoc};

    #[test]
    fn given_documents_of_several_orgs_when_written_down_then_each_org_has_an_entry_and_what_holds_for_all_is_nobodys()
     {
        let change = |org: &str| DocChange {
            org: org.to_owned(),
            revision: 1,
            replaces: None,
            doc: DocBody::Org(OrgDoc::default()),
            changes: Vec::new(),
        };
        let who = Who { reason: Some("asked for".to_owned()), author: "ada".to_owned() };
        let act = Act { who: &who, action: "config.apply" };
        let of = |org: &str| {
            let Entry { by, action, target, org_id, reason, .. } = entry(&act, &change(org));
            assert_eq!((by.as_str(), action.as_str(), &reason), ("ada", "config.apply", &who.reason));
            (target, org_id)
        };
        assert_eq!(of("acme"), ("acme".to_owned(), Some("acme".to_owned())));
        assert_eq!(of("umbra"), ("umbra".to_owned(), Some("umbra".to_owned())));
        assert_eq!(of(GLOBAL_ORG), ("all orgs".to_owned(), None));
    }
}
