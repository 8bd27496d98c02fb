//! What a plan of `rtr config apply` would do for the dead letters that it concerns. Where nothing is dead that costs one look.

use super::filter::Filter;
use super::index::{self, Extent};
use super::letter::Letter;
use super::outlook::{Alike, Outcome, Outlook};
use super::rehearse::rehearse;
use crate::aws::Aws;
use crate::output::{Style, one_line, progress_bar};
use crate::problem::Problem;
use rtr_core::config::{DocChange, GLOBAL_ORG, Stored};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Letters that are looked at, at most.
const MOST: usize = 1_000;
/// Pages of each part of the index that are read, at most: some ten thousand letters.
const PAGES: usize = 2;

/// How the dead letters of each document would fare, by its org: those of the global one are of orgs that say nothing themselves.
pub(crate) type Outlooks = BTreeMap<String, Outlook>;

/// How the dead letters that `plan` concerns would fare.
pub(crate) async fn foresee(aws: &Aws, stored: &Stored, plan: &[DocChange]) -> Result<Outlooks, Problem> {
    let concerning = plan.iter().any(|change| change.changes.iter().any(|one| is_of_records(&one.path)));
    if !concerning || !index::is_any(aws).await? {
        return Ok(Outlooks::new());
    }
    let then = stored.after(plan);
    let org = match plan {
        [only] if only.org != GLOBAL_ORG => Some(only.org.clone()),
        _ => None,
    };
    let filter = Filter { org, direction: Some("out".to_owned()), ..Filter::default() };
    let found = Box::pin(index::read_some(aws, &filter, Extent::Pages(PAGES))).await?;
    let concerned = |letter: Letter| Some((concerned(&letter, &then, plan)?.to_owned(), letter));
    let (mut whose, mut letters): (Vec<String>, Vec<Letter>) =
        found.letters.into_iter().filter_map(concerned).unzip();
    let mut outlooks = Outlooks::new();
    for org in whose.drain(MOST.min(whose.len())..) {
        let outlook = outlooks.entry(org).or_default();
        outlook.not_looked_at += 1;
    }
    letters.truncate(MOST);
    if letters.is_empty() {
        return Ok(outlooks);
    }
    let of: BTreeMap<&str, &String> = letters.iter().map(|letter| letter.id.as_str()).zip(&whose).collect();
    let runtime = aws.runtime("")?;
    let bar = progress_bar(Some(letters.len() as u64));
    let each = |fared: &rtr_engine::letters::Fared<'_>| {
        if let Some(org) = of.get(fared.letter.id.as_str()) {
            outlooks.entry((*org).clone()).or_default().add(fared);
        }
    };
    Box::pin(rehearse(aws, &runtime, &then, &letters, &bar, each)).await?;
    let or_more = !found.whole;
    let finished = |(org, outlook): (String, Outlook)| (org, Outlook { or_more, ..outlook.sorted() });
    Ok(outlooks.into_iter().map(finished).collect())
}

/// Whether it can change what becomes of a record at all.
fn is_of_records(path: &str) -> bool {
    let path = path.strip_prefix("canary.").unwrap_or(path);
    ["connections", "mappings", "routes", "removed", "canary"]
        .iter()
        .any(|part| path.strip_prefix(part).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
}

/// The org of the document in `plan` that concerns `letter`: its own org's, else the global one.
fn concerned<'p>(letter: &Letter, then: &Stored, plan: &'p [DocChange]) -> Option<&'p str> {
    let (org, connection, record_type) =
        (letter.org_id.as_deref()?, letter.connection.as_deref()?, letter.record_type.as_deref()?);
    let own = then.orgs.get(org).and_then(|stored| stored.doc.connections.get(connection));
    let provider = own.and_then(|doc| doc.provider.as_deref()).unwrap_or(connection);
    let stems = [
        format!("mappings.{provider}.{record_type}"),
        format!("connections.{connection}"),
        format!("routes.{record_type}"),
        "removed".to_owned(),
    ];
    let concerns = |change: &&DocChange| {
        (change.org == org || change.org == GLOBAL_ORG)
            && change.changes.iter().any(|one| stems.iter().any(|stem| touches(&one.path, stem)))
    };
    let found: Vec<&DocChange> = plan.iter().filter(concerns).collect();
    let own = found.iter().find(|change| change.org == org);
    own.or(found.first()).map(|change| change.org.as_str())
}

/// Whether what changed at `path` is `stem`, a part of it, or holds it.
fn touches(path: &str, stem: &str) -> bool {
    let path = path.strip_prefix("canary.").unwrap_or(path);
    let below = |long: &str, short: &str| {
        long.strip_prefix(short).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    below(path, stem) || below(stem, path)
}

/// What people are told of them before anything is stored; nothing where nothing is concerned.
pub(crate) fn words(outlooks: &Outlooks) -> String {
    let mut text = String::new();
    for (org, outlook) in outlooks {
        let whose = if org == GLOBAL_ORG { "all orgs" } else { org };
        let _ = writeln!(text, "{}", one_line(&format!("Of {whose}, {}", outlook.summary())));
        let bad = |alike: &&Alike| matches!(alike.outcome, Outcome::Dead | Outcome::AsRefused);
        let groups: Vec<Alike> = outlook.groups.iter().filter(bad).cloned().collect();
        let rows = Outlook { groups, ..Outlook::default() }.rows(Style::Plain);
        rows.lines().for_each(|line| {
            let _ = writeln!(text, "  {line}");
        });
        outlook.remarks().iter().for_each(|line| {
            let _ = writeln!(text, "  {line}");
        });
    }
    text.trim_end().to_owned()
}

/// What one does next about those that would go through now: ready to be copied.
pub(crate) fn next(outlooks: &Outlooks) -> Option<String> {
    let well = |(org, outlook): (&String, &Outlook)| {
        let found = outlook.groups.iter().find(|alike| alike.outcome == Outcome::Applied)?;
        Some((org.clone(), found.clone()))
    };
    let (org, alike) = outlooks.iter().filter_map(well).max_by_key(|(_, alike)| alike.count)?;
    let org = (org != GLOBAL_ORG).then_some(org);
    let meant = Filter { org, code: alike.code, field: alike.field, ..Filter::default() };
    Some(format!("to send them again:\n  rtr dlq redrive{}", meant.words()))
}

#[cfg(test)]
mod tests {
    use super::super::letter::tests::letter;
    use super::*;
    use rtr_core::config::{Change, ChangeKind, DocBody, OrgDoc};

    fn change(org: &str, path: &str) -> DocChange {
        let changes = vec![Change { kind: ChangeKind::Changed, path: path.to_owned(), old: None, new: None }];
        let doc = DocBody::Org(OrgDoc::default());
        DocChange { org: org.to_owned(), revision: 2, replaces: Some(1), doc, changes }
    }

    fn dead(connection: &str) -> Letter {
        let summary = format!(
            r#"{{"org_id":"acme","connection":"{connection}","record_type":"contact","record_id":"c","version":1,
            "reason":"mapping","code":"RTR2005","message":"m","field":"stage"}}"#
        );
        letter("c", connection, 1, &summary)
    }

    #[test]
    fn given_a_plan_when_asked_whom_it_concerns_then_only_letters_of_what_changes_are_looked_at() {
        let of = |path: &str| {
            let plan = [change("acme", path)];
            concerned(&dead("hubspot"), &Stored::default(), &plan).is_some()
        };
        let concerning = [
            "mappings.hubspot.contact.fields.stage",
            "mappings.hubspot",
            "connections.hubspot.mode",
            "routes.contact",
            "canary.mappings.hubspot.contact.fields.stage",
            "removed",
        ];
        assert!(concerning.iter().all(|path| of(path) && is_of_records(path)));
        let others =
            ["mappings.hubspot.contacts.object", "mappings.salesforce.contact.object", "routes.deal"];
        assert!(!others.iter().any(|path| of(path)));
        assert!(!is_of_records("inbound.target") && !is_of_records("source.http"));
        let global =
            [change("*", "mappings.hubspot.contact.fields.stage"), change("umbra", "routes.contact")];
        assert_eq!(concerned(&dead("hubspot"), &Stored::default(), &global), Some("*"));
        let both = [change("*", "routes.contact"), change("acme", "routes.contact")];
        assert_eq!(concerned(&dead("hubspot"), &Stored::default(), &both), Some("acme"));
    }

    #[test]
    fn given_how_letters_would_fare_when_told_before_an_apply_then_trouble_has_its_cause_and_the_rest_its_command()
     {
        let alike = |outcome, count, field: &str| Alike {
            outcome,
            code: Some("RTR2005".to_owned()),
            field: Some(field.to_owned()),
            message: "no value of the map".to_owned(),
            count,
            example: "7ba3413ad828a995".to_owned(),
        };
        let groups = vec![alike(Outcome::Applied, 98, "stage"), alike(Outcome::Dead, 2, "phone")];
        let outlook =
            Outlook { looked_at: 100, applied: 98, dead: 2, groups, or_more: true, ..Outlook::default() };
        let outlooks = Outlooks::from([("acme".to_owned(), outlook)]);
        insta::assert_snapshot!(words(&outlooks), @r"
        Of acme, 100 dead letters: 98 applied, 2 dead again (and more that were not looked at)
          WOULD BE    COUNT  CODE     FIELD  EXAMPLE           MESSAGE
          dead again  2      RTR2005  phone  7ba3413ad828a995  no value of the map
        ");
        insta::assert_snapshot!(next(&outlooks).unwrap(), @r"
        to send them again:
          rtr dlq redrive --org acme --code RTR2005 --field stage
        ");
        assert_eq!((words(&Outlooks::new()), next(&Outlooks::new())), (String::new(), None));
    }
}
