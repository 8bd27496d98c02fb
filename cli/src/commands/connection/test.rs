//! `rtr connection test`: what would make records die, found before they do.

use super::Which;
use super::open::{Finding, Opening, runtime};
use super::select::{Selected, select, stored};
use crate::app::App;
use crate::output::one_line;
use crate::problem::{Ended, Exit};
use rtr_aws::function::Runtime;
use rtr_connectors::connector::Property;
use rtr_core::code::Code;
use rtr_core::config::Stored;
use rtr_core::mapping::{Key, Mapping, nearest};
use serde::Serialize;

/// One connection, tested.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Tested {
    org_id: String,
    connection: String,
    provider: String,
    ok: bool,
    account: Option<String>,
    objects: Vec<String>,
    findings: Vec<Finding>,
}

/// Tests connections, one after another.
pub(super) async fn run(app: &App, which: &Which) -> Ended {
    let aws = Box::pin(app.aws()).await?;
    let stored = stored(&aws).await?;
    let selected = select(&stored, which)?;
    let runtime = runtime(&aws).await?;
    let mut all = Vec::new();
    for one in &selected {
        all.push(Box::pin(test(&runtime, &stored, one)).await);
    }
    app.out.answer(&all, |_| all.iter().map(words).collect::<Vec<_>>().join("\n"));
    Ok(Exit::of_findings(all.iter().any(|one| !one.ok)))
}

async fn test(runtime: &Runtime, stored: &Stored, selected: &Selected) -> Tested {
    let mut tested = Tested {
        org_id: selected.org.clone(),
        connection: selected.connection.clone(),
        provider: selected.provider().to_owned(),
        ok: false,
        account: None,
        objects: Vec::new(),
        findings: Vec::new(),
    };
    if let Err(finding) = look(runtime, stored, selected, &mut tested).await {
        tested.findings.push(finding);
    }
    tested.ok = tested.findings.is_empty();
    tested
}

/// An error is what ends the test; what is found on the way is noted.
async fn look(
    runtime: &Runtime,
    stored: &Stored,
    selected: &Selected,
    tested: &mut Tested,
) -> Result<(), Finding> {
    let opening = Opening::new(runtime, stored, selected)?;
    let (auth, gate) = (opening.auth()?, opening.gate()?);
    let session = opening.session(&auth, &gate);
    let account = opening.connector.account(&session).await;
    let account = account.map_err(|failure| Finding::failed("asking for the account", &failure))?;
    if let Some(other) = opening.learn_account(&account).await? {
        tested.findings.push(other);
    }
    tested.account = Some(account);
    for mapping in opening.mappings() {
        tested.objects.push(mapping.object.clone());
        match opening.connector.properties(&session, &mapping.object).await {
            Ok(properties) => tested.findings.extend(compare(mapping, &properties)),
            Err(failure) => {
                let doing = format!("reading the properties of {}", mapping.object);
                tested.findings.push(Finding::failed(&doing, &failure).at(&mapping.object));
            }
        }
    }
    Ok(())
}

/// What the mapping writes and the CRM does not take.
fn compare(mapping: &Mapping, properties: &[Property]) -> Vec<Finding> {
    let find = |name: &str| properties.iter().find(|property| property.name == name);
    let mut findings = Vec::new();
    for name in mapping.field_names() {
        match find(name) {
            None => findings.push(missing(name, properties)),
            Some(property) if !property.writable => {
                let message = "the CRM does not let this property be written: take it out of the mapping";
                findings.push(Finding::of(Code::ConfigConflict, message).on(name));
            }
            Some(_) => {}
        }
    }
    if let Key::Property { name } = &mapping.key {
        match find(name) {
            None => {
                let message =
                    "the unique property that holds our record id is missing: rtr connection setup makes it";
                findings.push(Finding::of(Code::ConfigReference, message).on(name));
            }
            Some(property) if !property.unique => findings.push(not_unique(name)),
            Some(_) => {}
        }
    }
    if let Some(name) = mapping.marker.as_deref().filter(|name| find(name).is_none()) {
        findings.push(missing(name, properties));
    }
    findings.into_iter().map(|finding| finding.at(&mapping.object)).collect()
}

/// A key property that two records could share.
pub(super) fn not_unique(name: &str) -> Finding {
    let message = "this property holds our record id, but the CRM does not keep its values unique: \
                   name another in the mapping's `key`, and rtr connection setup makes it";
    Finding::of(Code::ConfigConflict, message).on(name)
}

fn missing(name: &str, properties: &[Property]) -> Finding {
    let near = nearest(name, properties.iter().map(|property| property.name.as_str()));
    let meant = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    Finding::of(Code::ConfigReference, format!("the CRM has no such property{meant}")).on(name)
}

fn words(tested: &Tested) -> String {
    let Tested { org_id, connection, provider, account, objects, findings, .. } = tested;
    let account = account.as_ref().map_or_else(String::new, |account| format!(", account {account}"));
    let name = format!("{org_id} {connection} ({provider}{account})");
    if findings.is_empty() {
        return format!("{name}: ok; {}", objects.join(", "));
    }
    let lines = findings.iter().map(|finding| format!("\n  {}", one_line(&finding.words())));
    format!("{name}:{}", lines.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtr_connectors::registry::by_name;

    fn property(name: &str, unique: bool, writable: bool) -> Property {
        Property { name: name.to_owned(), kind: "string".to_owned(), unique, writable }
    }

    #[test]
    fn given_a_mapping_when_compared_with_the_crm_then_each_finding_says_what_to_do() {
        let raw = serde_json::json!({
            "object": "contacts", "fields": {"email": "email", "fristname": "first", "createdate": "at"},
        });
        let raw = serde_json::from_value(raw).unwrap();
        let mapping = Mapping::compile(&by_name("hubspot").unwrap().facts(), "contact", &raw).unwrap();
        let properties = [
            property("email", true, true),
            property("firstname", false, true),
            property("createdate", false, false),
        ];
        let tested = Tested {
            org_id: "acme".to_owned(),
            connection: "hubspot".to_owned(),
            provider: "hubspot".to_owned(),
            ok: false,
            account: Some("42".to_owned()),
            objects: Vec::new(),
            findings: compare(&mapping, &properties),
        };
        insta::assert_snapshot!(words(&tested), @r"
        acme hubspot (hubspot, account 42):
          RTR2004 contacts.createdate: the CRM does not let this property be written: take it out of the mapping
          RTR2002 contacts.fristname: the CRM has no such property; did you mean `firstname`?
          RTR2002 contacts.rtr_record_id: the unique property that holds our record id is missing: rtr connection setup makes it
        ");
        let keyed = [properties.to_vec(), vec![property("rtr_record_id", false, true)]].concat();
        assert!(compare(&mapping, &keyed).iter().any(|finding| finding.message.contains("unique")));
    }
}
