//! `rtr config rollback REV` and `diff REV`: documents as they were at a revision, against those that hold now. And
//! `rollback --canary ORG`: what orgs try, and nothing else.

use super::apply::{agreed, small_enough, stored, tell, usable};
use super::history::applied;
use super::store::{Act, store};
use crate::app::App;
use crate::audit::Who;
use crate::aws::{Aws, unavailable};
use crate::problem::{Ended, Exit, Problem};
use rtr_core::config::{
    Canaries, DocChange, GLOBAL_ORG, GlobalDoc, OrgDoc, Stored, StoredDoc, Then, plan_end_trial,
    plan_rollback,
};
use std::collections::{BTreeMap, BTreeSet};

/// What to take back.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The revision after which everything is taken back; rtr config history lists them
    #[arg(required_unless_present = "canary")]
    revision: Option<u64>,
    /// Only what these orgs try before all others; what else was stored since stays
    #[arg(long, value_name = "ORG,…", value_delimiter = ',', conflicts_with_all = ["revision", "org"])]
    canary: Vec<String>,
    /// Only what these orgs' own documents say; `*`: only what holds for all
    #[arg(long, value_name = "ORG,…", value_delimiter = ',')]
    org: Vec<String>,
    /// Also take back what the product's own connect page said since, of orgs that --org does not name
    #[arg(long)]
    overwrite_pages: bool,
    /// Show what would change, and change nothing (exit 1 if anything would)
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    who: Who,
}

/// Takes back what was stored after a revision, as revisions of their own.
pub(super) async fn rollback(app: &App, args: &Args) -> Ended {
    let aws = Box::pin(app.aws()).await?;
    let orgs: BTreeSet<&str> = args.org.iter().map(String::as_str).collect();
    let planned = async |stored: &Stored| {
        let plan = match args.revision {
            Some(revision) => plan_rollback(stored, &then(&aws, stored, revision, &orgs).await?.0),
            None => plan_end_trial(stored, &trying(stored, &args.canary)?),
        };
        usable(stored, &plan)?;
        small_enough(&plan)?;
        if args.revision.is_some() && !args.overwrite_pages && !args.dry_run {
            nothing_of_pages(stored, &plan, &orgs)?;
        }
        Ok(plan)
    };
    if args.dry_run {
        let plan: Vec<DocChange> = planned(&stored(&aws).await?).await?;
        tell(app, &plan, "nothing would change");
        return Ok(Exit::of_findings(!plan.is_empty()));
    }
    let who = Who {
        reason: args.who.reason.clone().or_else(|| {
            Some(
                args.revision.map_or("end of trial".to_owned(), |revision| format!("rollback to {revision}")),
            )
        }),
        author: args.who.author.clone(),
    };
    if !agreed(app, &planned(&stored(&aws).await?).await?, args.yes)? {
        return Ok(Exit::Done);
    }
    let act = Act { who: &who, action: "config.rollback" };
    let ended = store(app, &aws, &act, planned, &std::cell::RefCell::default()).await?;
    app.out
        .note("the folder still says what was taken back: change it too, or the next apply brings it again");
    Ok(ended)
}

/// Refuses to take back what customers said on the product's own connect page, but of orgs that are named.
fn nothing_of_pages(stored: &Stored, plan: &[DocChange], named: &BTreeSet<&str>) -> Result<(), Problem> {
    let of_page = |change: &&DocChange| {
        stored.orgs.get(&change.org).is_some_and(|old| old.doc.from_page)
            && !named.contains(change.org.as_str())
    };
    let Some(first) = plan.iter().find(of_page) else { return Ok(()) };
    let what = format!(
        "nothing was done: org `{}` was stored by the product's connect page since, and this would take that back",
        first.org
    );
    Err(Problem { exit: Exit::Findings, what, hint: None }.hint(
        "--dry-run shows what would change; --org takes back named orgs or `*` alone, --overwrite-pages what pages said too",
    ))
}

/// The orgs of `canary`, each of which has to try something.
fn trying(stored: &Stored, canary: &[String]) -> Result<Canaries, Problem> {
    let tries = |org: &&String| stored.orgs.get(*org).is_some_and(|doc| doc.doc.canary.is_some());
    if let Some(org) = canary.iter().find(|org| !tries(org)) {
        let trying: Vec<&str> = stored.orgs.keys().filter(tries).map(String::as_str).collect();
        let problem = Problem::not_found(format!("org `{org}` tries nothing"));
        return Err(problem.hint(match trying.as_slice() {
            [] => "no org does".to_owned(),
            orgs => format!("these do: {}", orgs.join(", ")),
        }));
    }
    Ok(canary.iter().cloned().collect())
}

/// What has changed since a revision.
pub(super) async fn diff(app: &App, revision: u64) -> Ended {
    let aws = Box::pin(app.aws()).await?;
    let stored = stored(&aws).await?;
    let (then, revisions) = then(&aws, &stored, revision, &BTreeSet::new()).await?;
    // The way back, turned round.
    let back = plan_rollback(&stored, &then);
    let was = stored.after(&back);
    let changes: Vec<DocChange> =
        back.iter().map(|change| since(&stored, &was, &revisions, change)).collect();
    tell(app, &changes, "no difference");
    Ok(Exit::of_findings(!changes.is_empty()))
}

/// The change that `back` takes back, from the document of then, whose revision is in `revisions` if there was one.
fn since(stored: &Stored, was: &Stored, revisions: &BTreeMap<String, u64>, back: &DocChange) -> DocChange {
    fn at<T>(doc: Option<&StoredDoc<T>>) -> u64 {
        doc.map_or(0, |doc| doc.revision)
    }
    let json = |of: &Stored| -> serde_json::Value {
        let doc = match back.org.as_str() {
            GLOBAL_ORG => of.global.as_ref().map(|stored| serde_json::to_value(&stored.doc)),
            org => of.orgs.get(org).map(|stored| serde_json::to_value(&stored.doc)),
        };
        doc.and_then(Result::ok).unwrap_or_default()
    };
    let revision = match back.org.as_str() {
        GLOBAL_ORG => at(stored.global.as_ref()),
        org => at(stored.orgs.get(org)),
    };
    let changes = rtr_core::config::diff(Some(&json(was)), &json(stored));
    DocChange { revision, replaces: revisions.get(&back.org).copied(), changes, ..back.clone() }
}

/// The documents that were stored since `revision`, of `orgs` where any are named, as they were then, each with its own revision.
async fn then(
    aws: &Aws,
    stored: &Stored,
    revision: u64,
    orgs: &BTreeSet<&str>,
) -> Result<(Then, BTreeMap<String, u64>), Problem> {
    if revision > stored.revision {
        let last = stored.revision;
        return Err(Problem::not_found(format!("there is no revision {revision}; the last one is {last}")));
    }
    let touched: BTreeSet<String> =
        applied(aws, revision, usize::MAX).await?.into_iter().map(|one| one.org).collect();
    if let Some(org) = orgs.iter().find(|org| !touched.contains(**org)) {
        return Err(Problem::not_found(format!("nothing was applied to `{org}` after revision {revision}"))
            .hint("rtr config history lists the revisions"));
    }
    let store = aws.config_store()?;
    let failed = |error| unavailable(&format!("reading revision {revision}"), &aws.place, &error);
    let (mut then, mut revisions) = (Then::default(), BTreeMap::new());
    for org in touched.into_iter().filter(|org| orgs.is_empty() || orgs.contains(org.as_str())) {
        if org == GLOBAL_ORG {
            let doc = store.at::<GlobalDoc>(&org, revision).await.map_err(failed)?;
            revisions.extend(doc.iter().map(|stored| (org.clone(), stored.revision)));
            then.global = Some(doc.map(|stored| stored.doc));
        } else {
            let doc = store.at::<OrgDoc>(&org, revision).await.map_err(failed)?;
            revisions.extend(doc.iter().map(|stored| (org.clone(), stored.revision)));
            then.orgs.insert(org, doc.map(|stored| stored.doc));
        }
    }
    Ok((then, revisions))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtr_core::config::{ConnectionDoc, DocBody};

    #[test]
    fn given_a_revision_when_what_changed_since_is_told_then_it_is_from_the_document_of_then_to_that_of_now()
    {
        let doc = |url: &str| OrgDoc {
            connections: BTreeMap::from([(
                "hubspot".to_owned(),
                ConnectionDoc { base_url: Some(url.to_owned()), ..ConnectionDoc::default() },
            )]),
            ..OrgDoc::default()
        };
        let change = |revision, replaces, url| DocChange {
            org: "acme".to_owned(),
            revision,
            replaces,
            doc: DocBody::Org(doc(url)),
            changes: Vec::new(),
        };
        let stored = Stored::default().after(&[change(5, None, "https://a.x")]).after(&[change(
            6,
            Some(5),
            "https://b.x",
        )]);
        let then =
            Then { orgs: BTreeMap::from([("acme".to_owned(), Some(doc("https://a.x")))]), ..Then::default() };
        let back = plan_rollback(&stored, &then);
        let was = stored.after(&back);
        let told = since(&stored, &was, &BTreeMap::from([("acme".to_owned(), 5)]), &back[0]);
        assert_eq!((told.replaces, told.revision), (Some(5), 6));
        assert_eq!(
            told.changes.iter().map(ToString::to_string).collect::<Vec<_>>(),
            [r#"~ connections.hubspot.base_url: "https://a.x" → "https://b.x""#]
        );
        assert_eq!(since(&stored, &was, &BTreeMap::new(), &back[0]).replaces, None, "there was none");
    }

    #[test]
    fn given_an_org_that_a_page_stored_when_rolled_back_then_it_has_to_be_named() {
        let change = |from_page| DocChange {
            org: "acme".to_owned(),
            revision: 1,
            replaces: None,
            doc: DocBody::Org(OrgDoc { from_page, ..OrgDoc::default() }),
            changes: Vec::new(),
        };
        let (page, files) =
            (Stored::default().after(&[change(true)]), Stored::default().after(&[change(false)]));
        let back = [change(false)];
        let told = nothing_of_pages(&page, &back, &BTreeSet::new()).unwrap_err();
        assert!(told.what.contains("org `acme` was stored by the product's connect page"), "{told}");
        assert_eq!(told.exit, Exit::Findings);
        assert!(nothing_of_pages(&page, &back, &["acme"].into()).is_ok());
        assert!(nothing_of_pages(&files, &back, &BTreeSet::new()).is_ok());
    }
}
