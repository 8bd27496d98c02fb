//! `rtr connection setup`: makes what rtr-sync needs at the CRM, and nothing else: the unique property per object that
//! holds our record id. Where it may not, or cannot, it says what a person has to click.

use super::Which;
use super::compare::unfit_key;
use super::each::{self, Seen};
use super::open::{Finding, Opening};
use super::select::{Selected, crowd};
use crate::app::App;
use crate::audit::Who;
use crate::confirm::confirm_where_somebody_sits;
use crate::problem::Ended;
use rtr_connectors::connector::Property;
use rtr_connectors::session::Session;
use rtr_core::code::Code;
use rtr_core::failure::{Class, Failure};
use rtr_core::mapping::Key;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeSet;

/// Which connections.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    which: Which,
    /// Do not ask: of more than one connection, at a terminal; where there is none nothing is asked
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    who: Who,
}

/// One key property.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
struct Made {
    object: String,
    property: String,
    /// False: it was there already.
    made: bool,
}

/// What a set-up did beside its findings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct SetUp {
    properties: Vec<Made>,
}

/// Sets connections up, one after another.
pub(super) async fn run(app: &App, args: &Args) -> Ended {
    let agreed = |selected: &[Selected]| {
        question(&args.which, selected)
            .is_none_or(|question| confirm_where_somebody_sits(app, &question, args.yes))
    };
    each::run(app, (&args.which, agreed), &args.who, make_all, words).await
}

/// What is asked: only where a connection is named it is known what is meant.
fn question(which: &Which, selected: &[Selected]) -> Option<String> {
    let properties = "Make the properties that hold our record ids, where they are missing, at";
    which.connection.is_none().then(|| format!("{properties} {}?", crowd(selected)))
}

async fn make_all(
    opening: &Opening<'_>,
    session: &Session<'_>,
    done: &mut SetUp,
    findings: &mut Vec<Finding>,
) -> Result<(), Finding> {
    let (mut keys, mut markers) = (BTreeSet::new(), BTreeSet::new());
    for mapping in opening.mappings() {
        match (&mapping.key, &mapping.marker) {
            (Key::Property { name }, _) => keys.insert((mapping.object.clone(), name.clone())),
            (_, Some(name)) => markers.insert((mapping.object.clone(), name.clone())),
            (_, None) => false,
        };
    }
    for (object, name) in keys {
        match make(opening, session, &object, &name).await {
            Ok(made) => done.properties.push(Made { object, property: name, made }),
            Err(finding) => findings.push(finding.at(&object).on(&name)),
        }
    }
    for (object, name) in markers {
        let properties = opening.connector.properties(session, &object).await;
        let there = properties.as_ref().map(|all| find(all, &name).is_some());
        let finding = match there {
            Ok(true) => continue,
            Ok(false) => by_hand("it is missing", &opening.connector.property_by_hand(&object, &name)),
            Err(failure) => Finding::failed("reading the object's properties", failure),
        };
        findings.push(finding.at(&object).on(&name));
    }
    Ok(())
}

/// Makes one key property, unless it is there, and looks whether it is as it must be. True: it was made.
async fn make(
    opening: &Opening<'_>,
    session: &Session<'_>,
    object: &str,
    name: &str,
) -> Result<bool, Finding> {
    if let Some(property) = read(opening, session, object, name).await? {
        return unfit_key(&property).map_or(Ok(false), Err);
    }
    let clicks = || opening.connector.key_by_hand(object, name);
    opening.note("connection.setup", &format!("{object}.{name}")).await?;
    let made = opening.connector.create_key(session, object, name).await;
    made.map_err(|failure| not_made(&failure, &clicks()))?;
    match read(opening, session, object, name).await? {
        Some(property) => unfit_key(&property).map_or(Ok(true), Err),
        None => Err(by_hand("it was made, but the credentials do not see it", &clicks())),
    }
}

async fn read(
    opening: &Opening<'_>,
    session: &Session<'_>,
    object: &str,
    name: &str,
) -> Result<Option<Property>, Finding> {
    let properties = opening.connector.properties(session, object).await;
    let properties =
        properties.map_err(|failure| Finding::failed("reading the object's properties", &failure))?;
    Ok(find(&properties, name).cloned())
}

fn find<'a>(properties: &'a [Property], name: &str) -> Option<&'a Property> {
    properties.iter().find(|property| property.name == name)
}

/// What trying again cannot mend a person can.
fn not_made(failure: &Failure, clicks: &str) -> Finding {
    let mut finding = Finding::failed("making the property", failure);
    let refused = matches!(
        failure.class,
        Class::Forbidden | Class::Refused | Class::Invalid { .. } | Class::BatchRefused
    );
    if refused {
        finding.message = format!("{}. {}", finding.message, then(clicks));
    }
    finding
}

fn by_hand(what: &str, clicks: &str) -> Finding {
    Finding::of(Code::ConfigReference, format!("{what}. {}", then(clicks)))
}

fn then(clicks: &str) -> String {
    format!("Make it by hand: {clicks}; then run rtr connection test")
}

fn words(seen: &Seen<SetUp>) -> String {
    let mut lines = vec![format!("{} {} ({}):", seen.org_id, seen.connection, seen.provider)];
    lines.extend(seen.found.properties.iter().map(|Made { object, property, made }| {
        let what = if *made { "made" } else { "was there already" };
        format!("  {object}.{property} {what}")
    }));
    lines.extend(seen.finding_lines());
    if lines.len() == 1 {
        lines.push("  nothing to make: no mapped object has a key property".to_owned());
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_more_than_a_connection_when_set_up_then_how_many_stands_in_the_question_and_a_named_one_asks_nothing()
     {
        let one = Selected {
            org: "acme".to_owned(),
            connection: "hubspot".to_owned(),
            doc: rtr_core::config::ConnectionDoc::default(),
        };
        let all = Which { org: None, connection: None };
        assert_eq!(
            question(&all, &[one.clone(), Selected { org: "umbra".to_owned(), ..one.clone() }]).unwrap(),
            "Make the properties that hold our record ids, where they are missing, at 2 connections of 2 orgs?"
        );
        let named = Which { org: Some("acme".to_owned()), connection: Some("hubspot".to_owned()) };
        assert_eq!(question(&named, &[one]), None);
    }

    #[test]
    fn given_what_was_made_when_told_then_each_object_has_a_line_and_clicks_where_a_person_must() {
        let made = |object: &str, made| Made {
            object: object.to_owned(),
            property: "rtr_record_id".to_owned(),
            made,
        };
        let shared = Property { name: "ref".to_owned(), ..Property::default() };
        let forbidden = Failure::new(Class::Forbidden, "a scope is missing");
        let seen = Seen {
            org_id: "acme".to_owned(),
            connection: "hubspot".to_owned(),
            provider: "hubspot".to_owned(),
            ok: false,
            found: SetUp { properties: vec![made("contacts", true), made("companies", false)] },
            findings: vec![
                unfit_key(&shared).unwrap().at("deals"),
                not_made(&forbidden, "Settings > Properties").at("tickets").on("rtr_record_id"),
                not_made(&Failure::new(Class::Unavailable, "it is down"), "Settings")
                    .at("products")
                    .on("ref"),
            ],
        };
        crate::schema::tests::holds("connection setup", &[&seen]);
        insta::assert_snapshot!(words(&seen), @r"
        acme hubspot (hubspot):
          contacts.rtr_record_id made
          companies.rtr_record_id was there already
          RTR2004 deals.ref: this property holds our record id, but the CRM does not keep its values unique: name another in the mapping's `key`, and rtr connection setup makes it
          RTR3002 tickets.rtr_record_id: making the property: a scope is missing. Make it by hand: Settings > Properties; then run rtr connection test
          RTR4002 products.ref: making the property: it is down
        ");
    }
}
