//! What the CRMs say now: whether credentials work, what is mapped and not there, and what differs from what was saved.

use super::checks::{Finding, finding};
use super::drift::drift;
use super::mend::Whose;
use crate::aws::Aws;
use crate::commands::connection::open::Finding as Flaw;
use crate::commands::connection::select::Selected;
use crate::commands::connection::survey::{Survey, survey, way};
use crate::problem::Problem;
use futures::stream::{self, StreamExt};
use rtr_core::config::{Description, Stored};
use std::path::Path;

/// CRMs asked at once: each is another account, and their answers are waited for.
const AT_ONCE: usize = 8;

/// What was found, and which saved descriptions it was held against.
type Told = (Vec<Finding>, Vec<String>);

/// Asks the CRMs of `all`. What was saved of them is looked for in `folder`.
pub(super) async fn live(
    aws: &Aws,
    stored: &Stored,
    all: &[Selected],
    folder: &Path,
    seen: &dyn Fn(usize),
) -> Result<Told, Problem> {
    let runtime = way(aws).await?;
    let ask = |one: Selected| {
        let runtime = &runtime;
        async move { (survey(runtime, stored, &one).await, one) }
    };
    let mut surveys = stream::iter(all.iter().cloned().map(ask)).buffered(AT_ONCE);
    let (mut found, mut compared, mut asked) = (Vec::new(), Vec::new(), 0);
    while let Some((survey, one)) = surveys.next().await {
        asked += 1;
        seen(asked);
        let saved = |now: &Description| saved(folder, now);
        let (more, with) = of(whose(&one), survey, saved);
        found.extend(more);
        compared.extend(with);
    }
    Ok((found, compared))
}

/// The description that was saved of the same object; none: there is none that can be read, which rtr config check tells.
fn saved(folder: &Path, now: &Description) -> Option<Description> {
    let text = std::fs::read_to_string(folder.join(now.path())).ok()?;
    serde_json::from_str(&text).ok()
}

fn whose(one: &Selected) -> Whose<'_> {
    Whose { org: &one.org, connection: &one.connection, provider: one.provider() }
}

/// What is wrong with one. An object of which nothing was saved is held against nothing, and not told as looked at.
fn of(
    whose: Whose<'_>,
    survey: Result<Survey, Flaw>,
    saved: impl Fn(&Description) -> Option<Description>,
) -> Told {
    let Whose { org, connection, .. } = whose;
    let about = |flaw: &Flaw| {
        let place = [flaw.object.as_deref(), flaw.property.as_deref()];
        let place = place.into_iter().flatten().collect::<Vec<_>>().join(".");
        format!("{org} {connection} {place}").trim_end().to_owned()
    };
    let survey = match survey {
        Ok(survey) => survey,
        Err(flaw) => {
            let message = format!("{} {}", flaw.code, flaw.message);
            let found = finding("credentials", &about(&flaw), message, &whose.about(flaw.code));
            return (vec![found], Vec::new());
        }
    };
    let (mut found, mut compared) = (Vec::new(), Vec::new());
    for flaw in &survey.findings {
        let action = format!("mend the mapping, or the CRM's property; rtr explain {}", flaw.code);
        found.push(finding("schema", &about(flaw), format!("{} {}", flaw.code, flaw.message), &action));
    }
    for now in &survey.described {
        let Some(before) = saved(now) else { continue };
        compared.push(format!("saved description of {org} {connection} {}", now.object));
        let action = format!(
            "rtr connection test {org} {connection} --save keeps what it is now, and rtr config check tells what does not fit it"
        );
        for (property, what) in drift(&before, now) {
            let about = format!("{org} {connection} {}.{property}", now.object);
            found.push(finding("schema_drift", &about, what, &action));
        }
    }
    (found, compared)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtr_connectors::connector::Property;
    use rtr_core::code::Code;

    fn described(names: &[&str]) -> Description {
        let property = |name: &&str| Property {
            name: (*name).to_owned(),
            kind: "string".to_owned(),
            ..Property::default()
        };
        let properties: Vec<Property> = names.iter().map(property).collect();
        Description::new("acme", "hubspot", "contacts", &properties)
    }

    #[test]
    fn given_what_a_crm_says_when_told_then_credentials_fields_and_drift_each_say_what_to_do() {
        let refused = Err(Flaw::of(Code::Suspended, "asking for the account: the token was revoked"));
        let flaw = Flaw::of(Code::ConfigReference, "the CRM has no such property").at("contacts").on("phone");
        let survey = Survey { described: vec![described(&["email"])], findings: vec![flaw] };
        let before = |_: &Description| Some(described(&["email", "phone"]));
        let whose = Whose { org: "acme", connection: "hubspot", provider: "hubspot" };
        let (mut found, with) = of(whose, refused, |_| None);
        assert_eq!(with, Vec::<String>::new(), "nothing was compared");
        found.extend(of(whose, Ok(survey), before).0);
        let lines = found
            .iter()
            .map(|one| format!("{} | {} | {}\n  {}", one.check, one.about, one.message, one.action));
        insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"), @r"
        credentials | acme hubspot | RTR4004 asking for the account: the token was revoked
          new credentials: rtr connection connect acme hubspot, or another token in its secret (docs/credentials.md); then rtr connection test acme hubspot
        schema | acme hubspot contacts.phone | RTR2002 the CRM has no such property
          mend the mapping, or the CRM's property; rtr explain RTR2002
        schema_drift | acme hubspot contacts.phone | it was there when the CRM's description was saved, and is not now
          rtr connection test acme hubspot --save keeps what it is now, and rtr config check tells what does not fit it
        ");
        let same = || Ok(Survey { described: vec![described(&["email"])], findings: Vec::new() });
        let compared = vec!["saved description of acme hubspot contacts".to_owned()];
        let before = |_: &Description| Some(described(&["email"]));
        assert_eq!(of(whose, same(), before), (Vec::new(), compared));
        assert_eq!(of(whose, same(), |_| None), (Vec::new(), Vec::new()), "nothing was saved");
    }
}
