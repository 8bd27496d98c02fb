//! `rtr config show`: what is stored, as the functions read it.

pub(super) mod merged;

use crate::app::App;
use crate::aws::unavailable;
use crate::output::{pretty, table};
use crate::problem::{Ended, Exit, Problem};
use rtr_core::config::{GLOBAL_ORG, Stored};
use rtr_core::mapping::nearest;
use schemars::JsonSchema;
use serde::Serialize;

/// One stored document in a list.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Row<'a> {
    org: &'a str,
    revision: u64,
    author: &'a str,
    at: &'a str,
    connections: Vec<&'a str>,
}

/// Shows the list, one document, or one mapping of an org.
pub(super) async fn run(app: &App, org: Option<&str>, mapping: Option<(&str, &str)>) -> Ended {
    let aws = Box::pin(app.aws()).await?;
    let stored = Box::pin(aws.config_store()?.load()).await;
    let stored =
        stored.map_err(|error| unavailable("reading the stored configuration", &aws.place, &error))?;
    match (org, mapping) {
        (None, _) => list(app, &stored),
        (Some(org), Some(mapping)) => return merged::run(app, &stored, org, mapping),
        (Some(GLOBAL_ORG), None) => {
            let global = stored.global.as_ref();
            let missing = || Problem::not_found("nothing is stored that holds for all orgs");
            app.out.answer(global.ok_or_else(missing)?, |_| pretty(&global));
        }
        (Some(org), None) => {
            let doc = stored
                .orgs
                .get(org)
                .filter(|stored| !stored.doc.removed)
                .ok_or_else(|| absent(org, &stored))?;
            app.out.answer(doc, |_| pretty(doc));
        }
    }
    Ok(Exit::Done)
}

fn list(app: &App, stored: &Stored) {
    let rows = rows(stored);
    app.out.answer(&rows, |style| {
        let cells = rows
            .iter()
            .map(|row| {
                let connections =
                    if row.connections.is_empty() { "-".to_owned() } else { row.connections.join(", ") };
                vec![
                    row.org.to_owned(),
                    row.revision.to_string(),
                    row.author.to_owned(),
                    row.at.to_owned(),
                    connections,
                ]
            })
            .collect();
        table(style, &["org", "revision", "author", "at", "connections"], cells)
    });
}

fn rows(stored: &Stored) -> Vec<Row<'_>> {
    let all = stored.global.as_ref().map(|stored| Row {
        org: GLOBAL_ORG,
        revision: stored.revision,
        author: &stored.author,
        at: &stored.at,
        connections: Vec::new(),
    });
    let orgs = stored.orgs.iter().filter(|(_, stored)| !stored.doc.removed).map(|(org, stored)| Row {
        org,
        revision: stored.revision,
        author: &stored.author,
        at: &stored.at,
        connections: stored.doc.connections.keys().map(String::as_str).collect(),
    });
    all.into_iter().chain(orgs).collect()
}

/// An org that is not stored, with the name that was probably meant.
pub(crate) fn absent(org: &str, stored: &Stored) -> Problem {
    let names = stored.orgs.iter().filter(|(_, doc)| !doc.doc.removed).map(|(org, _)| org.as_str());
    let problem = Problem::not_found(format!("org `{org}` has no configuration"));
    match nearest(org, names) {
        Some(near) => problem.hint(format!("did you mean `{near}`? rtr config show lists all")),
        None => problem.hint("rtr config show lists all; rtr config apply stores a folder's"),
    }
}
