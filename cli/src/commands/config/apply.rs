//! `rtr config diff` and `apply`: the folder against what is stored, document by document.

use super::store::{Act, store};
use super::{folder, trial};
use crate::app::App;
use crate::audit::Who;
use crate::aws::{Aws, unavailable};
use crate::commands::dlq::foresee::{self, Outlooks, foresee};
use crate::commands::dlq::outlook::Outlook;
use crate::confirm::confirm;
use crate::output::count;
use crate::problem::{Ended, Exit, Problem};
use crate::schema::foreign;
use rtr_connectors::registry;
use rtr_core::config::{
    Canaries, Change, ConfigSet, DocChange, GLOBAL_ORG, MAX_DOC_BYTES, Stored, Wish, plan_apply,
};
use rtr_core::mapping::nearest;
use schemars::JsonSchema;
use serde::Serialize;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

/// One document's change as scripts get it.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Shown<'a> {
    org: &'a str,
    revision: u64,
    replaces: Option<u64>,
    #[schemars(with = "Vec<foreign::ConfigChange>")]
    changes: &'a [Change],
    /// How the dead letters that it concerns would fare, where there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    dead_letters: Option<&'a Outlook>,
}

/// What to apply, and how.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder
    #[arg(default_value = "config")]
    dir: PathBuf,
    /// Also remove what the folder lacks, after a question
    #[arg(long, conflicts_with = "canary")]
    prune: bool,
    /// Show what would change, and change nothing (exit 1 if anything would)
    #[arg(long)]
    dry_run: bool,
    /// Do not ask: before something is removed, and at a terminal where dead letters are concerned
    #[arg(long)]
    yes: bool,
    /// Only for these orgs, global mappings and routes included: the others get it with the next apply
    #[arg(long, value_name = "ORG,…", value_delimiter = ',')]
    canary: Vec<String>,
    /// Also take back what the product's own connect page said of orgs that the folder says otherwise
    #[arg(long)]
    overwrite_pages: bool,
    /// Do not look how the dead letters that it concerns would fare
    #[arg(long)]
    no_dead: bool,
    #[command(flatten)]
    trial: trial::Trial,
    #[command(flatten)]
    who: Who,
}

/// Shows what `apply` would change.
pub(super) async fn diff(app: &App, dir: &Path, prune: bool) -> Ended {
    let wanted = folder::load_or_refuse(dir)?;
    let aws = Box::pin(app.aws()).await?;
    let stored = stored(&aws).await?;
    let plan = plan_apply(&stored, &wanted, Wish { prune, canaries: None });
    tell(app, &plan, "no difference");
    Ok(Exit::of_findings(!plan.is_empty()))
}

/// Stores what changed.
pub(super) async fn apply(app: &App, args: &Args) -> Ended {
    let wanted = folder::load_or_refuse(&args.dir)?;
    let aws = Box::pin(app.aws()).await?;
    let canaries: Canaries = args.canary.iter().cloned().collect();
    let wish = Wish { prune: args.prune, canaries: (!canaries.is_empty()).then_some(&canaries) };
    let outlooks = RefCell::new(Outlooks::new());
    let planned = async |stored: &Stored| {
        known(&canaries, stored, &wanted)?;
        let plan = plan_apply(stored, &wanted, wish);
        usable(stored, &plan)?;
        small_enough(&plan)?;
        if !args.overwrite_pages {
            nothing_of_pages(stored, &plan)?;
        }
        trial::passed(app, &aws, &args.trial, stored, &plan).await?;
        // What was asked once is not asked again where somebody else applied meanwhile.
        if !args.no_dead && outlooks.borrow().is_empty() {
            match Box::pin(foresee(&aws, stored, &plan)).await {
                Ok(found) => {
                    agreed_of_dead(app, &plan, &found, args.yes || args.dry_run)?;
                    outlooks.replace(found);
                }
                // Whoever may change the configuration need not be allowed to read records.
                Err(problem) => {
                    app.out.note(&format!("how dead letters would fare was not looked at: {}", problem.what));
                }
            }
        }
        Ok(plan)
    };
    if args.dry_run {
        let plan = planned(&stored(&aws).await?).await?;
        tell_with(app, &plan, "nothing would change", &outlooks.borrow());
        return Ok(Exit::of_findings(!plan.is_empty()));
    }
    if args.prune {
        let stored = stored(&aws).await?;
        let plan = planned(&stored).await?;
        if prunes(&stored, &wanted, &plan) && !agreed(app, &plan, args.yes)? {
            return Ok(Exit::Done);
        }
    }
    let act = Act { who: &args.who, action: "config.apply" };
    let ended = store(app, &aws, &act, planned, &outlooks).await?;
    if let Some(next) = foresee::next(&outlooks.borrow()).filter(|_| !app.out.is_json()) {
        app.out.note(&next);
    }
    Ok(ended)
}

/// Tells how dead letters would fare, and asks, if somebody is there, whether to go on.
fn agreed_of_dead(app: &App, plan: &[DocChange], outlooks: &Outlooks, yes: bool) -> Result<(), Problem> {
    if outlooks.is_empty() {
        return Ok(());
    }
    let asks = !yes && std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    if asks {
        app.out.note(&words(&shown(plan, &Outlooks::new())));
    }
    app.out.note(&foresee::words(outlooks));
    if asks && !confirm(app, "Apply it?", yes)? {
        return Err(Problem {
            exit: Exit::Findings,
            what: "the configuration is as it was".to_owned(),
            hint: None,
        });
    }
    Ok(())
}

/// Whether something goes by `plan` that would stay without `--prune`.
fn prunes(stored: &Stored, wanted: &ConfigSet, plan: &[DocChange]) -> bool {
    let of = |change: &DocChange| (change.org.clone(), change.changes.clone());
    let without = plan_apply(stored, wanted, Wish { prune: false, canaries: None });
    !plan.iter().map(of).eq(without.iter().map(of))
}

/// Shows what a plan changes, and asks.
pub(super) fn agreed(app: &App, plan: &[DocChange], yes: bool) -> Result<bool, Problem> {
    if plan.is_empty() {
        return Ok(true);
    }
    app.out.note(&words(&shown(plan, &Outlooks::new())));
    confirm(app, &format!("Store {}?", count(plan.len(), "changed document")), yes)
}

/// Refuses canaries that are nowhere.
fn known(canaries: &Canaries, stored: &Stored, wanted: &ConfigSet) -> Result<(), Problem> {
    let there = |org: &&String| {
        wanted.orgs.contains_key(*org) || stored.orgs.get(*org).is_some_and(|doc| !doc.doc.removed)
    };
    let Some(org) = canaries.iter().find(|org| !there(org)) else { return Ok(()) };
    let names = wanted.orgs.keys().chain(stored.orgs.keys()).map(String::as_str);
    let problem =
        Problem::not_found(format!("--canary {org}: there is no such org, in the folder or stored"));
    Err(match nearest(org, names) {
        Some(near) => problem.hint(format!("did you mean `{near}`?")),
        None => problem.hint("rtr config show lists the orgs"),
    })
}

/// Refuses a plan that would take back what customers said on the product's own connect page.
fn nothing_of_pages(stored: &Stored, plan: &[DocChange]) -> Result<(), Problem> {
    let orgs: Vec<&str> = stored.taken_from_pages(plan).collect();
    let Some(first) = orgs.first() else { return Ok(()) };
    let others = match orgs.len() - 1 {
        0 => String::new(),
        n => format!(" (and {})", count(n, "other org")),
    };
    let what = format!(
        "nothing was done: what org `{first}`{others} is now was said on the product's connect page, and this would take it back"
    );
    Err(Problem { exit: Exit::Findings, what, hint: None }.hint(format!(
        "rtr config diff shows it, rtr config show {first} what the page said: put it into orgs/{first}.yaml, or take that file out; --overwrite-pages goes on"
    )))
}

/// Refuses documents that the table cannot take.
pub(super) fn small_enough(plan: &[DocChange]) -> Result<(), Problem> {
    let large = plan.iter().find_map(|change| Some((name(&change.org), change.too_large()?)));
    let Some((name, bytes)) = large else { return Ok(()) };
    let what = format!(
        "nothing was done: the document of {name} has {bytes} bytes, and at most {MAX_DOC_BYTES} can be stored"
    );
    Err(Problem::usage(what).hint("long value maps and mappings of many orgs' own take most: say them once for all orgs, or shorten them"))
}

/// Refuses a plan after which the functions could not use the configuration of an org, or records would die on a route.
pub(super) fn usable(stored: &Stored, plan: &[DocChange]) -> Result<(), Problem> {
    let facts = registry::facts();
    let after = stored.after(plan);
    let known = stored.dead_ends();
    let ends: Vec<_> = after.dead_ends().into_iter().filter(|end| !known.contains(end)).collect();
    if let Some((org, connection, record_type)) = ends.first() {
        let others = match ends.len() - 1 {
            0 => String::new(),
            n => format!(", and {}", count(n, "other route")),
        };
        let what = format!(
            "nothing was done: records of type `{record_type}` of org `{org}` would die at `{connection}`, which would have no mapping for them{others}"
        );
        return Err(Problem::usage(what)
            .hint("the folder's mappings, or those that are stored for all orgs, have to have one; or take the route out"));
    }
    let before: BTreeSet<String> = stored.unusable(&facts).into_iter().map(|error| error.org).collect();
    let mut broken = after.unusable(&facts);
    broken.retain(|error| !before.contains(&error.org));
    let Some(first) = broken.first() else { return Ok(()) };
    let others = match broken.len() - 1 {
        0 => String::new(),
        n => format!(", and {}", count(n, "other org")),
    };
    let what = format!(
        "nothing was done: stored org `{}` could not be used with it{others}: {}",
        first.org, first.message
    );
    Err(Problem::usage(what)
        .hint("its own mappings lie over the global ones: change them in the same folder"))
}

/// What is stored.
pub(super) async fn stored(aws: &Aws) -> Result<Stored, Problem> {
    let stored = Box::pin(aws.config_store()?.load()).await;
    stored.map_err(|error| unavailable("reading the stored configuration", &aws.place, &error))
}

/// Tells what a plan changes.
pub(super) fn tell(app: &App, plan: &[DocChange], nothing: &str) {
    tell_with(app, plan, nothing, &Outlooks::new());
}

/// The same, with how dead letters would fare.
pub(super) fn tell_with(app: &App, plan: &[DocChange], nothing: &str, outlooks: &Outlooks) {
    let shown = shown(plan, outlooks);
    app.out.answer(&shown, |_| if shown.is_empty() { nothing.to_owned() } else { words(&shown) });
}

fn shown<'a>(plan: &'a [DocChange], outlooks: &'a Outlooks) -> Vec<Shown<'a>> {
    let shown = |change: &'a DocChange| {
        let DocChange { org, revision, replaces, changes, .. } = change;
        let dead_letters = outlooks.get(org);
        Shown { org, revision: *revision, replaces: *replaces, changes, dead_letters }
    };
    plan.iter().map(shown).collect()
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

/// An org, or all of them, in words.
pub(super) fn name(org: &str) -> &str {
    if org == GLOBAL_ORG { "all orgs" } else { org }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtr_core::config::{ChangeKind, SourceFile, load};

    const CONTACT: (&str, &str) =
        ("mappings/hubspot/contact.yaml", "object: contacts\nfields: {email: email}\n");

    /// What applying these files to an empty table would store.
    fn planned(files: &[(&str, &str)]) -> Vec<DocChange> {
        let file =
            |(path, text): &(&str, &str)| SourceFile { path: (*path).to_owned(), text: (*text).to_owned() };
        let files: Vec<SourceFile> = files.iter().map(file).collect();
        let set = load(&files, &registry::facts()).unwrap();
        plan_apply(&Stored::default(), &set, Wish::default())
    }

    #[test]
    fn given_a_route_to_where_no_mapping_is_when_applied_then_it_is_refused_unless_it_stood_there_before() {
        let org = |name: &str| {
            format!("org: acme\nconnections: {{hubspot: {{}}}}\nroutes: {{{name}: [hubspot]}}\n")
        };
        let (dead, good) = (org("deal"), org("contact"));
        let plan = planned(&[("orgs/acme.yaml", &dead)]);
        let told = usable(&Stored::default(), &plan).unwrap_err();
        assert!(told.what.contains("records of type `deal` of org `acme` would die at `hubspot`"), "{told}");
        assert!(usable(&Stored::default(), &planned(&[CONTACT, ("orgs/acme.yaml", &good)])).is_ok());
        let stored = Stored::default().after(&plan);
        assert!(usable(&stored, &[]).is_ok(), "what is so already stands in nobody's way");
    }

    #[test]
    fn given_a_document_that_the_table_cannot_take_when_applied_then_its_org_and_size_are_told() {
        let fields: String = (0..400).map(|n| format!("  f{n}: '\"{}\"'\n", "x".repeat(1_000))).collect();
        let large = format!("object: contacts\nfields:\n{fields}");
        let told = small_enough(&planned(&[(CONTACT.0, &large)])).unwrap_err();
        assert!(told.what.contains("all orgs") && told.what.contains(&MAX_DOC_BYTES.to_string()), "{told}");
        assert!(small_enough(&planned(&[CONTACT])).is_ok());
    }

    #[test]
    fn given_a_canary_that_is_nowhere_when_applied_then_what_was_asked_for_does_not_exist() {
        let acme = SourceFile { path: "orgs/acme.yaml".to_owned(), text: "org: acme\n".to_owned() };
        let set = load(&[acme], &registry::facts()).unwrap();
        let of = |org: &str| known(&Canaries::from([org.to_owned()]), &Stored::default(), &set);
        assert_eq!(of("acme"), Ok(()));
        let told = of("acmee").unwrap_err();
        assert_eq!((told.exit, told.hint.as_deref()), (Exit::NotFound, Some("did you mean `acme`?")));
    }

    #[test]
    fn given_a_folder_that_lacks_something_when_pruned_then_that_something_goes_is_known() {
        let org = |connections: &str| format!("org: acme\nconnections: {{{connections}}}\n");
        let (both, one) = (org("hubspot: {}, salesforce: {}"), org("hubspot: {}"));
        let stored = Stored::default().after(&planned(&[("orgs/acme.yaml", &both)]));
        let goes = |path: &str, text: &str| {
            let file = SourceFile { path: path.to_owned(), text: text.to_owned() };
            let set = load(&[file], &registry::facts()).unwrap();
            prunes(&stored, &set, &plan_apply(&stored, &set, Wish { prune: true, canaries: None }))
        };
        assert!(goes("orgs/umbra.yaml", &one.replace("acme", "umbra")), "the folder lacks acme");
        let other = both.replace("{}, s", "{mode: paused}, s");
        assert_eq!([goes("orgs/acme.yaml", &both), goes("orgs/acme.yaml", &other)], [false, false]);
    }

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
            Shown { org: GLOBAL_ORG, revision: 4, replaces: None, changes: &new, dead_letters: None },
            Shown { org: "acme", revision: 5, replaces: Some(3), changes: &changes, dead_letters: None },
        ];
        insta::assert_snapshot!(words(&shown), @r#"
        all orgs (new → 4)
          + mappings.hubspot.contact (2 settings)
          + routes.deal (1 setting)
        acme (revision 3 → 5)
          ~ connections.hubspot.mode: "live" → "paused"
        "#);
        for command in ["config apply", "config diff", "config rollback"] {
            crate::schema::tests::holds(command, &shown);
        }
        insta::assert_snapshot!(serde_json::to_string(&shown[1]).unwrap(), @r#"{"org":"acme","revision":5,"replaces":3,"changes":[{"kind":"changed","path":"connections.hubspot.mode","old":"live","new":"paused"}]}"#);
    }
}
