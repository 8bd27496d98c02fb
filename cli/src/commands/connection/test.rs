//! `rtr connection test`: what would make records die, found before they do. Credentials that work end a suspension.

use super::Which;
use super::compare::Comparison;
use super::each::{self, Seen};
use super::open::{Finding, Opening};
use crate::app::App;
use crate::audit::Who;
use crate::problem::{Ended, Problem};
use rtr_connectors::connector::Asked;
use rtr_connectors::session::Session;
use rtr_core::config::Description;
use rtr_core::mapping::Mapping;
use schemars::JsonSchema;
use serde::Serialize;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A name that nothing has: what matters is whether it may be asked for.
const NOBODY: &str = "nobody@rtr-sync.invalid";

/// What a test finds beside its findings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Tested {
    /// The secret's type, and when its access token ends; null: it lasts, or nobody knows.
    credentials: Option<String>,
    expires_at: Option<String>,
    account: Option<String>,
    objects: Vec<String>,
    /// The files in which what the CRM describes is kept, if that was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    saved: Vec<String>,
}

/// Which connections, and whether what their CRMs describe is kept.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    who: Who,
    /// Keep what the CRM describes in DIR/crm/, so that `rtr config check` can tell what it does not take
    #[arg(long, value_name = "DIR", num_args = 0..=1, require_equals = true, default_missing_value = "config")]
    save: Option<PathBuf>,
}

/// Tests connections, one after another.
pub(super) async fn run(app: &App, args: &Args) -> Ended {
    if let Some(dir) = args.save.as_deref().filter(|dir| !dir.is_dir()) {
        return Err(Problem::not_found(format!("there is no folder {}", dir.display()))
            .hint("name the folder of the configuration: --save=DIR"));
    }
    let described = RefCell::new(Vec::new());
    let look = async |opening: &Opening<'_>,
                      session: &Session<'_>,
                      tested: &mut Tested,
                      findings: &mut Vec<Finding>| {
        let mut here = Vec::new();
        let ended = look(opening, session, tested, findings, &mut here, args.save.as_deref()).await;
        described.borrow_mut().append(&mut here);
        ended
    };
    let ended = Box::pin(each::run(app, (&args.which, |_: &[_]| true), &args.who, look, words)).await?;
    if let Some(dir) = &args.save {
        for one in described.into_inner() {
            save(dir, &one)?;
        }
    }
    Ok(ended)
}

/// Keeps what a CRM describes of an object.
fn save(dir: &Path, one: &Description) -> Result<(), Problem> {
    let path = dir.join(one.path());
    let written = path
        .parent()
        .map_or(Ok(()), std::fs::create_dir_all)
        .and_then(|()| std::fs::write(&path, one.text()));
    written.map_err(|error| Problem::usage(format!("{} cannot be written: {error}", path.display())))
}

async fn look(
    opening: &Opening<'_>,
    session: &Session<'_>,
    tested: &mut Tested,
    findings: &mut Vec<Finding>,
    described: &mut Vec<Description>,
    dir: Option<&Path>,
) -> Result<(), Finding> {
    opening.note_suspended().await?;
    let account = opening.connector.account(session).await;
    let account = account.map_err(|failure| Finding::failed("asking for the account", &failure))?;
    match opening.learn_account(&account).await? {
        Some(other) => findings.push(other),
        None => opening.go_on().await?,
    }
    tested.account = Some(account);
    // Read after the first call, which may have renewed the token.
    (tested.credentials, tested.expires_at) = opening.credentials().await?;
    let (mut asked, mut looked_up) = (BTreeSet::new(), BTreeSet::new());
    for mapping in opening.mappings() {
        let object = &mapping.object;
        if asked.insert(object.clone()) {
            tested.objects.push(object.clone());
            let lacking = opening.connector.lacks(session, object).await;
            let lacking =
                lacking.iter().map(|failure| Finding::failed("working with records", failure).at(object));
            findings.extend(lacking);
        }
        match opening.connector.properties(session, object).await {
            Ok(properties) => {
                let one = Description::new(opening.org(), opening.connection(), object, &properties);
                if let Some(dir) = dir.filter(|_| !described.contains(&one)) {
                    tested.saved.push(dir.join(one.path()).display().to_string());
                    described.push(one);
                }
                let object_of = |record_type: &str| opening.object_of(record_type);
                let crm = opening.connector;
                let comparison = Comparison { mapping, crm, object_of: &object_of, properties: &properties };
                findings.extend(comparison.findings());
            }
            Err(failure) => findings.push(Finding::failed("reading the properties", &failure).at(object)),
        }
        findings.extend(look_ups(opening, session, mapping, &mut looked_up).await);
    }
    Ok(())
}

/// Whether the CRM can be asked for what the mapping looks up there, each look-up of an object once.
async fn look_ups(
    opening: &Opening<'_>,
    session: &Session<'_>,
    mapping: &Mapping,
    looked_up: &mut BTreeSet<(&'static str, String)>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (field, fact) in mapping.lookups() {
        if !looked_up.insert((fact.name, mapping.object.clone())) {
            continue;
        }
        let names = vec![NOBODY.to_owned()];
        let asked = Asked { lookup: fact.name, object: mapping.object.clone(), names };
        if let Err(failure) = opening.connector.directory(session, &asked).await {
            let what = format!("looking up the {}", fact.noun);
            findings.push(Finding::failed(&what, &failure).at(&mapping.object).on(field));
        }
    }
    findings
}

fn words(seen: &Seen<Tested>) -> String {
    let Seen { org_id, connection, provider, found, .. } = seen;
    let account = found.account.as_ref().map_or_else(String::new, |account| format!(", account {account}"));
    let name = format!("{org_id} {connection} ({provider}{account})");
    let credentials = match (&found.credentials, &found.expires_at) {
        (Some(kind), Some(until)) => format!("credentials {kind}, token until {until}; "),
        (Some(kind), None) => format!("credentials {kind}; "),
        (None, _) => String::new(),
    };
    let saved = if found.saved.is_empty() {
        String::new()
    } else {
        format!("\n  kept in {}", found.saved.join(", "))
    };
    if seen.findings.is_empty() {
        return format!("{name}: ok; {credentials}{}{saved}", found.objects.join(", "));
    }
    let lines = seen.finding_lines().map(|line| format!("\n{line}"));
    format!("{name}:{}{saved}", lines.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtr_core::code::Code;

    #[test]
    fn given_a_test_when_told_then_it_is_a_line_or_a_line_per_finding() {
        let found = Tested {
            credentials: Some("oauth2".to_owned()),
            expires_at: Some("2026-11-24T10:30:00.000Z".to_owned()),
            account: Some("42".to_owned()),
            objects: vec!["contacts".to_owned(), "companies".to_owned()],
            saved: Vec::new(),
        };
        let mut seen = Seen {
            org_id: "acme".to_owned(),
            connection: "main".to_owned(),
            provider: "hubspot".to_owned(),
            ok: true,
            found,
            findings: Vec::new(),
        };
        let fine = words(&seen);
        seen.found.saved = vec!["config/crm/acme/main/contacts.json".to_owned()];
        seen.findings
            .push(Finding::of(Code::Forbidden, "working with records: a scope is missing").at("contacts"));
        crate::schema::tests::holds("connection test", &[&seen]);
        insta::assert_snapshot!(format!("{fine}\n{}", words(&seen)), @r"
        acme main (hubspot, account 42): ok; credentials oauth2, token until 2026-11-24T10:30:00.000Z; contacts, companies
        acme main (hubspot, account 42):
          RTR3002 contacts: working with records: a scope is missing
          kept in config/crm/acme/main/contacts.json
        ");
    }
}
