//! `rtr connection setup`: makes what rtr-sync needs at the CRM, and nothing else: the unique property per object that
//! holds our record id.

use super::Which;
use super::open::{Finding, Opening, runtime};
use super::select::{Selected, select, stored};
use super::test::not_unique;
use crate::app::App;
use crate::output::one_line;
use crate::problem::{Ended, Exit};
use rtr_aws::function::Runtime;
use rtr_core::config::Stored;
use rtr_core::mapping::Key;
use serde::Serialize;
use std::collections::BTreeSet;

/// One key property.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Made {
    object: String,
    property: String,
    /// False: it was there already.
    made: bool,
}

/// One connection, set up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct SetUp {
    org_id: String,
    connection: String,
    provider: String,
    ok: bool,
    properties: Vec<Made>,
    findings: Vec<Finding>,
}

/// Sets connections up, one after another.
pub(super) async fn run(app: &App, which: &Which) -> Ended {
    let aws = Box::pin(app.aws()).await?;
    let stored = stored(&aws).await?;
    let selected = select(&stored, which)?;
    let runtime = runtime(&aws).await?;
    let mut all = Vec::new();
    for one in &selected {
        all.push(Box::pin(set_up(&runtime, &stored, one)).await);
    }
    app.out.answer(&all, |_| all.iter().map(words).collect::<Vec<_>>().join("\n"));
    Ok(Exit::of_findings(all.iter().any(|one| !one.ok)))
}

async fn set_up(runtime: &Runtime, stored: &Stored, selected: &Selected) -> SetUp {
    let mut done = SetUp {
        org_id: selected.org.clone(),
        connection: selected.connection.clone(),
        provider: selected.provider().to_owned(),
        ok: false,
        properties: Vec::new(),
        findings: Vec::new(),
    };
    if let Err(finding) = make_all(runtime, stored, selected, &mut done).await {
        done.findings.push(finding);
    }
    done.ok = done.findings.is_empty();
    done
}

async fn make_all(
    runtime: &Runtime,
    stored: &Stored,
    selected: &Selected,
    done: &mut SetUp,
) -> Result<(), Finding> {
    let opening = Opening::new(runtime, stored, selected)?;
    let (auth, gate) = (opening.auth()?, opening.gate()?);
    let session = opening.session(&auth, &gate);
    let mut wanted = BTreeSet::new();
    for mapping in opening.mappings() {
        if let Key::Property { name } = &mapping.key {
            wanted.insert((mapping.object.clone(), name.clone()));
        }
    }
    for (object, name) in wanted {
        let about = |finding: Finding| finding.at(&object).on(&name);
        let properties = match opening.connector.properties(&session, &object).await {
            Ok(properties) => properties,
            Err(failure) => {
                done.findings.push(about(Finding::failed("reading the object's properties", &failure)));
                continue;
            }
        };
        let made = match properties.iter().find(|property| property.name == name) {
            Some(property) if !property.unique => {
                done.findings.push(about(not_unique(&name)));
                continue;
            }
            Some(_) => false,
            None => match opening.connector.create_key(&session, &object, &name).await {
                Ok(()) => true,
                Err(failure) => {
                    done.findings.push(about(Finding::failed("making the property", &failure)));
                    continue;
                }
            },
        };
        done.properties.push(Made { object: object.clone(), property: name.clone(), made });
    }
    Ok(())
}

fn words(done: &SetUp) -> String {
    let mut lines = vec![format!("{} {} ({}):", done.org_id, done.connection, done.provider)];
    lines.extend(done.properties.iter().map(|Made { object, property, made }| {
        let what = if *made { "made" } else { "was there already" };
        format!("  {object}.{property} {what}")
    }));
    lines.extend(done.findings.iter().map(|finding| format!("  {}", one_line(&finding.words()))));
    if lines.len() == 1 {
        lines.push("  nothing to make: no mapped object has a key property".to_owned());
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_what_was_made_when_told_then_each_object_has_a_line() {
        let made = |object: &str, made| Made {
            object: object.to_owned(),
            property: "rtr_record_id".to_owned(),
            made,
        };
        let done = SetUp {
            org_id: "acme".to_owned(),
            connection: "hubspot".to_owned(),
            provider: "hubspot".to_owned(),
            ok: false,
            properties: vec![made("contacts", true), made("companies", false)],
            findings: vec![not_unique("ref").at("deals")],
        };
        insta::assert_snapshot!(words(&done), @r"
        acme hubspot (hubspot):
          contacts.rtr_record_id made
          companies.rtr_record_id was there already
          RTR2004 deals.ref: this property holds our record id, but the CRM does not keep its values unique: name another in the mapping's `key`, and rtr connection setup makes it
        ");
    }
}
