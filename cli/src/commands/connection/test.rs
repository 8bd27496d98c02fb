//! `rtr connection test`: what would make records die, found before they do. Credentials that work end a suspension.

use super::Which;
use super::compare::Comparison;
use super::each::{self, Seen};
use super::open::{Finding, Opening};
use crate::app::App;
use crate::problem::Ended;
use rtr_connectors::session::Session;
use serde::Serialize;
use std::collections::BTreeSet;

/// What a test finds beside its findings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
struct Tested {
    /// The secret's type, and when its access token ends; null: it lasts, or nobody knows.
    credentials: Option<String>,
    expires_at: Option<String>,
    account: Option<String>,
    objects: Vec<String>,
}

/// Tests connections, one after another.
pub(super) async fn run(app: &App, which: &Which) -> Ended {
    each::run(app, which, look, words).await
}

async fn look(
    opening: &Opening<'_>,
    session: &Session<'_>,
    tested: &mut Tested,
    findings: &mut Vec<Finding>,
) -> Result<(), Finding> {
    let account = opening.connector.account(session).await;
    let account = account.map_err(|failure| Finding::failed("asking for the account", &failure))?;
    match opening.learn_account(&account).await? {
        Some(other) => findings.push(other),
        None => opening.go_on().await?,
    }
    tested.account = Some(account);
    // Read after the first call, which may have renewed the token.
    (tested.credentials, tested.expires_at) = opening.credentials().await?;
    let mut asked = BTreeSet::new();
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
                let object_of = |record_type: &str| opening.object_of(record_type);
                let crm = opening.connector;
                let comparison = Comparison { mapping, crm, object_of: &object_of, properties: &properties };
                findings.extend(comparison.findings());
            }
            Err(failure) => findings.push(Finding::failed("reading the properties", &failure).at(object)),
        }
    }
    Ok(())
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
    if seen.findings.is_empty() {
        return format!("{name}: ok; {credentials}{}", found.objects.join(", "));
    }
    let lines = seen.finding_lines().map(|line| format!("\n{line}"));
    format!("{name}:{}", lines.collect::<String>())
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
        seen.findings
            .push(Finding::of(Code::Forbidden, "working with records: a scope is missing").at("contacts"));
        insta::assert_snapshot!(format!("{fine}\n{}", words(&seen)), @r"
        acme main (hubspot, account 42): ok; credentials oauth2, token until 2026-11-24T10:30:00.000Z; contacts, companies
        acme main (hubspot, account 42):
          RTR3002 contacts: working with records: a scope is missing
        ");
    }
}
