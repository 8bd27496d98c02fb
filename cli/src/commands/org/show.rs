//! `rtr org show`: gathered from the tables. No CRM is asked.

use super::words::words;
use crate::app::App;
use crate::aws::{Aws, unavailable};
use crate::commands::audit::{self, concerns};
use crate::commands::config::absent;
use crate::commands::connection::Which;
use crate::commands::connection::dead::Dead;
use crate::commands::connection::list;
use crate::commands::connection::pause::Paused;
use crate::commands::connection::select::{resolved, stored};
use crate::moment::now;
use crate::problem::{Ended, Exit, Problem};
use rtr_core::config::{Mode, OrgConfig, OrgDoc, StoredDoc, Target};
use rtr_core::time::Instant;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Entries of the audit that are shown.
const ENTRIES: usize = 5;
/// How far back they are looked for, in milliseconds: 30 days.
const BACK_MS: i64 = 30 * 86_400_000;

/// An org, in the shape that scripts rely on.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Shown {
    pub(super) org_id: String,
    /// The revision of its document, whose it is and why.
    pub(super) revision: u64,
    pub(super) author: String,
    pub(super) at: String,
    pub(super) reason: Option<String>,
    /// Whether the product's own connect page said it.
    pub(super) from_page: bool,
    /// Since which revision it tries mappings before other orgs have them.
    pub(super) canary: Option<u64>,
    /// Why the functions could not use its configuration; all that follows from it is empty then.
    pub(super) unusable: Option<String>,
    /// Where changes made in the CRMs are delivered: http, sqs, eventbridge, lambda.
    pub(super) inbound: Option<&'static str>,
    /// Whether it says where its records are listed.
    pub(super) has_source: bool,
    pub(super) connections: Vec<At>,
    /// Where the records of each type go.
    pub(super) routes: BTreeMap<String, Vec<String>>,
    pub(super) mappings: Vec<Mapped>,
    /// What is paused of it, by whom and why.
    pub(super) pauses: Vec<Paused>,
    /// Dead letters that belong to no connection.
    pub(super) dead_elsewhere: u64,
    /// What was done to it in the last 30 days: the newest five.
    pub(super) audit: Vec<audit::Listed>,
}

/// One of its connections.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct At {
    pub(super) connection: String,
    pub(super) provider: String,
    /// As rtr connection list has it.
    pub(super) state: &'static str,
    pub(super) mode: Mode,
    pub(super) parked: u64,
    /// True: there are more, and nobody counted them.
    pub(super) parked_at_least: bool,
    pub(super) parked_since: Option<String>,
    pub(super) dead: u64,
    pub(super) message: Option<String>,
}

/// One of its mappings.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub(super) struct Mapped {
    pub(super) provider: String,
    pub(super) record_type: String,
    /// The CRM's object.
    pub(super) object: String,
    /// The revision that records are written under.
    pub(super) revision: u64,
    /// Whether the org has a mapping of its own over the one of all.
    pub(super) own: bool,
}

/// Shows the org.
pub(super) async fn run(app: &App, org: &str) -> Ended {
    let aws = Box::pin(app.aws()).await?;
    let stored = Box::pin(stored(&aws)).await?;
    let doc = stored.orgs.get(org).filter(|stored| !stored.doc.removed);
    let doc = doc.ok_or_else(|| absent(org, &stored))?;
    let which = Which { org: Some(org.to_owned()), connection: None };
    let listed = Box::pin(list::all(&aws, &stored, &which)).await?;
    let dead = Box::pin(Dead::count(&aws, Some(org))).await?;
    let config = resolved(&stored, org, &aws.stack.stage).map_err(|error| error.to_string());
    let shown = Shown { audit: entries(&aws, org).await?, ..shown(org, doc, config, listed, &dead) };
    app.out.answer(&shown, |style| words(style, &shown));
    Ok(Exit::Done)
}

async fn entries(aws: &Aws, org: &str) -> Result<Vec<audit::Listed>, Problem> {
    let found = aws.config_store()?.audit(now().plus_ms(-BACK_MS), Instant(i64::MAX), usize::MAX).await;
    let found = found.map_err(|error| unavailable("reading the audit", &aws.place, &error))?;
    let org = org.to_owned();
    Ok(found
        .into_iter()
        .filter(|entry| concerns(Some(&org), entry))
        .take(ENTRIES)
        .map(audit::listed)
        .collect())
}

/// What is known of it, but for the audit.
pub(super) fn shown(
    org: &str,
    stored: &StoredDoc<OrgDoc>,
    config: Result<OrgConfig, String>,
    listed: Vec<list::Listed>,
    dead: &Dead,
) -> Shown {
    let (config, unusable) = match config {
        Ok(config) => (Some(config), None),
        Err(why) => (None, Some(why)),
    };
    let mut pauses: Vec<Paused> = Vec::new();
    for pause in listed.iter().flat_map(|one| &one.paused) {
        if !pauses.contains(pause) {
            pauses.push(pause.clone());
        }
    }
    let known: u64 = listed.iter().map(|one| dead.at(org, &one.connection)).sum();
    let dead_elsewhere = dead.of_org(org).saturating_sub(known);
    let at = |one: list::Listed| At {
        dead: dead.at(org, &one.connection),
        connection: one.connection,
        provider: one.provider,
        state: one.state,
        mode: one.mode,
        parked: one.parked,
        parked_at_least: one.parked_at_least,
        parked_since: one.parked_since,
        message: one.message,
    };
    let StoredDoc { revision, author, at: since, reason, doc } = stored;
    Shown {
        org_id: org.to_owned(),
        revision: *revision,
        author: author.clone(),
        at: since.clone(),
        reason: reason.clone(),
        from_page: doc.from_page,
        canary: config.as_ref().and_then(|config| config.canary),
        unusable,
        inbound: config.as_ref().and_then(|config| config.inbound.as_ref()).map(|back| target(&back.target)),
        has_source: config.as_ref().is_some_and(|config| config.source.is_some()),
        mappings: config.as_ref().map(|config| mappings(config, doc)).unwrap_or_default(),
        routes: config.map(|config| config.routes).unwrap_or_default(),
        connections: listed.into_iter().map(at).collect(),
        pauses,
        dead_elsewhere,
        audit: Vec::new(),
    }
}

fn target(target: &Target) -> &'static str {
    match target {
        Target::Http { .. } => "http",
        Target::Sqs { .. } => "sqs",
        Target::Eventbridge { .. } => "eventbridge",
        Target::Lambda { .. } => "lambda",
    }
}

/// The mappings that its connections have, each once.
fn mappings(config: &OrgConfig, doc: &OrgDoc) -> Vec<Mapped> {
    let own = |provider: &str, record_type: &str| {
        doc.mappings.get(provider).is_some_and(|types| types.contains_key(record_type))
    };
    let of = |(id, connection): (&String, &rtr_core::config::Connection)| {
        let provider = connection.provider.clone();
        let mapped = config.mappings(id).map(|(record_type, at)| Mapped {
            own: own(&provider, record_type),
            provider: provider.clone(),
            record_type: record_type.to_owned(),
            object: at.mapping.object.clone(),
            revision: at.revision,
        });
        mapped.collect::<Vec<_>>()
    };
    config.connections.iter().flat_map(of).collect::<BTreeSet<_>>().into_iter().collect()
}

/// A sample for tests.
#[cfg(test)]
pub(super) fn sample() -> Shown {
    let text = str::to_owned;
    let at = |connection: &str, state, parked, dead, message: Option<&str>| At {
        connection: text(connection),
        provider: text(connection),
        state,
        mode: Mode::Live,
        parked,
        parked_at_least: false,
        parked_since: (parked > 0).then(|| text("2026-11-18T11:06:40.000Z")),
        dead,
        message: message.map(text),
    };
    let pause = Paused {
        of: text("acme hubspot"),
        by: text("ada"),
        at: text("2026-11-18T11:06:40.000Z"),
        reason: None,
    };
    let mapped = |provider: &str, object: &str, revision, own| Mapped {
        provider: text(provider),
        record_type: text("contact"),
        object: text(object),
        revision,
        own,
    };
    let entry = audit::Listed {
        at: text("2026-11-18T11:06:40.000Z"),
        by: text("ada"),
        action: text("connection.pause"),
        target: text("acme hubspot"),
        org_id: Some(text("acme")),
        count: None,
        reason: None,
    };
    Shown {
        org_id: text("acme"),
        revision: 41,
        author: text("bob"),
        at: text("2026-11-17T09:00:00Z"),
        reason: Some(text("phone numbers")),
        from_page: false,
        canary: Some(41),
        unusable: None,
        inbound: Some("http"),
        has_source: true,
        connections: vec![
            at("hubspot", "paused", 12, 0, Some("paused by ada at 2026-11-18T11:06:40.000Z")),
            at("salesforce", "ok", 0, 3, None),
        ],
        routes: BTreeMap::from([(text("contact"), vec![text("hubspot"), text("salesforce")])]),
        mappings: vec![mapped("hubspot", "contacts", 41, true), mapped("salesforce", "Contact", 7, false)],
        pauses: vec![pause],
        dead_elsewhere: 1,
        audit: vec![entry],
    }
}
