//! One event: what becomes of it at each connection.

use super::Args;
use super::events::Event;
use super::letterhead::letterhead;
use super::live::{self, Live};
use super::setting::Setting;
use super::unpreviewed::Unpreviewed;
use crate::commands::connection::Which;
use crate::commands::connection::open::{Finding, Opening};
use crate::commands::connection::select::select;
use crate::problem::Problem;
use crate::schema::foreign;
use rtr_core::change::{Change, Operation};
use rtr_core::code::Code;
use rtr_core::config::{Connection, Mode, OrgConfig};
use rtr_core::item::Ended;
use rtr_core::key::{ConnectionKey, RecordKey};
use rtr_core::mapping::{Subject, nearest};
use rtr_engine::rehearsal::{Rehearsed, Scene, Sent, State, id_of, rehearse};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// An event and what it would do.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(super) struct Told {
    #[serde(flatten)]
    #[schemars(with = "foreign::Record")]
    pub(super) key: RecordKey,
    pub(super) version: u64,
    pub(super) operation: &'static str,
    /// One for each connection that it goes to; empty: it is skipped.
    pub(super) connections: Vec<At>,
    /// Why it cannot be previewed, where others can.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) problem: Option<Unpreviewed>,
}

/// What it would do at one connection.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(super) struct At {
    pub(super) connection: String,
    pub(super) provider: String,
    /// Other than `live`: nothing is sent as long as it is so.
    pub(super) mode: Mode,
    /// As `rtr record` says it.
    #[schemars(schema_with = "foreign::ended")]
    pub(super) outcome: Ended,
    /// What happens to the CRM's record, when something does.
    pub(super) effect: Option<Effect>,
    #[schemars(schema_with = "foreign::code_or_null")]
    pub(super) code: Option<Code>,
    pub(super) field: Option<String>,
    pub(super) message: Option<String>,
    /// The CRM's record.
    pub(super) external_id: Option<String>,
    /// Records that are taken to be linked, since nothing is known of any.
    pub(super) assumed: Vec<String>,
    pub(super) requests: Vec<Request>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) live: Option<Live>,
}

/// What happens to the CRM's record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Effect {
    /// It is made, or found by its key.
    Created,
    /// It is written.
    Updated,
    /// One that is there already is found, linked and written.
    Adopted,
    /// It goes, or is written as the mapping's `on_delete` says.
    Deleted,
}

/// A request.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(crate) struct Request {
    pub(crate) method: &'static str,
    pub(crate) url: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Value,
    /// Whether it changes nothing at the CRM.
    pub(crate) is_question: bool,
    /// Whether it was asked, with `--live`; else it is taken to find nothing.
    pub(crate) was_asked: bool,
}

impl Told {
    pub(super) fn of(change: &Change, connections: Vec<At>) -> Self {
        let Change { key, version, operation, .. } = change;
        let operation = operation.as_str();
        Self { key: key.clone(), version: *version, operation, connections, problem: None }
    }

    /// Whether something is not as one would have it: a dead letter, a difference, or an event that cannot be previewed.
    pub(super) fn has_findings(&self) -> bool {
        let differs = |at: &At| at.live.as_ref().is_some_and(Live::differs);
        self.problem.is_some() || self.connections.iter().any(|at| at.outcome == Ended::Dead || differs(at))
    }
}

/// What `event` would do.
pub(super) async fn preview(
    setting: &Setting,
    state: &State<'_>,
    event: &Event,
    args: &Args,
) -> Result<Told, Problem> {
    let change = &event.change;
    let config = setting.org(&change.key.org_id)?;
    let names = connections(&config, change, args)?;
    let mut connections = Vec::with_capacity(names.len());
    for name in &names {
        let place = Place { setting, state, config: &config, name, linked: args.linked.as_deref() };
        connections.push(Box::pin(place.preview(event, args.live)).await?);
    }
    Ok(Told::of(change, connections))
}

/// The connections that the event goes to, and that are asked for.
fn connections(config: &OrgConfig, change: &Change, args: &Args) -> Result<Vec<String>, Problem> {
    let route = config.route(&change.key.record_type);
    let Some(wanted) = &args.connection else {
        if args.linked.is_some() && route.len() > 1 {
            let what = format!(
                "--linked names a record of one CRM, and {} go to {}",
                change.key.record_type,
                route.join(", ")
            );
            return Err(Problem::usage(what).hint("name one of them: --connection ID"));
        }
        return Ok(route.to_vec());
    };
    if route.contains(wanted) {
        return Ok(vec![wanted.clone()]);
    }
    let org = &change.key.org_id;
    let problem =
        Problem::not_found(format!("no `{}` of org `{org}` goes to `{wanted}`", change.key.record_type));
    Err(match nearest(wanted, route.iter().map(String::as_str)) {
        Some(near) => problem.hint(format!("did you mean `{near}`?")),
        None => problem.hint(format!("it goes to: {}", route.join(", "))),
    })
}

/// One connection.
struct Place<'a> {
    setting: &'a Setting,
    state: &'a State<'a>,
    config: &'a OrgConfig,
    name: &'a str,
    linked: Option<&'a str>,
}

impl Place<'_> {
    async fn preview(&self, event: &Event, is_live: bool) -> Result<At, Problem> {
        let change = &event.change;
        let missing = || Problem::not_found(format!("there is no connection `{}`", self.name));
        let own = self.config.connections.get(self.name).ok_or_else(missing)?;
        let assumed = self.assume(change);
        let letterhead = letterhead(self.setting.runtime(), own).await?;
        let scene = |questions| Scene {
            config: self.config,
            connection: self.name,
            letterhead: &letterhead,
            state: self.state,
            questions,
            clock: self.setting.clock(),
        };
        let malformed = |error: rtr_core::change::Malformed| Problem::usage(error.to_string());
        let Some(runtime) = self.setting.runtime().filter(|_| is_live) else {
            let rehearsed = rehearse(&scene(None), &event.body).await.map_err(malformed)?;
            return Ok(at(own, change, self.believed(rehearsed)?, assumed, None));
        };
        let which = Which { org: Some(change.key.org_id.clone()), connection: Some(self.name.to_owned()) };
        let selected = select(&self.setting.stored, &which)?;
        let one = selected.first().ok_or_else(missing)?;
        let opening = Opening::new(runtime, &self.setting.stored, one).map_err(in_the_way)?;
        let (auth, gate) = (opening.auth().map_err(in_the_way)?, opening.gate().map_err(in_the_way)?);
        let session = opening.session(&auth, &gate);
        let rehearsed = rehearse(&scene(Some(&session)), &event.body).await.map_err(malformed)?;
        let rehearsed = self.believed(rehearsed)?;
        let live = match opening.mapping(&change.key.record_type) {
            Some(mapping) => live::look(&opening, &session, &mapping.mapping, change, &rehearsed).await,
            None => Ok(None),
        };
        Ok(at(own, change, rehearsed, assumed, live.map_err(in_the_way)?))
    }

    /// Where nothing is known of records, those that this one refers to are taken to be there: whether they are is not
    /// what a preview of a mapping is for.
    fn assume(&self, change: &Change) -> Vec<String> {
        let key = ConnectionKey::new(&change.key.org_id, self.name);
        let object = |record_type: &str| {
            self.config.mapping(self.name, record_type).map(|at| at.mapping.object.clone())
        };
        if let (Some(external_id), Some(object)) = (self.linked, object(&change.key.record_type)) {
            self.state.assume(&change.key, &key, &object, external_id);
        }
        let mapping = self.config.mapping(self.name, &change.key.record_type);
        let Some(mapping) =
            mapping.filter(|_| !self.state.is_stored() && change.operation == Operation::Upsert)
        else {
            return Vec::new();
        };
        let RecordKey { org_id, record_type, record_id } = &change.key;
        // What cannot be mapped refers to nothing, and is told by the rehearsal.
        let mapped = mapping.mapping.apply(&Subject { org_id, record_type, record_id }, &change.data);
        let mut assumed = Vec::new();
        for reference in mapped.map(|mapped| mapped.references).unwrap_or_default() {
            let other = RecordKey::new(org_id, &reference.record_type, &reference.record_id);
            if let Some(object) = object(&other.record_type).filter(|_| other != change.key) {
                self.state.assume(&other, &key, &object, &id_of(&other));
                assumed.push(format!("{} {}", other.record_type, other.record_id));
            }
        }
        assumed
    }

    /// The rehearsal, unless it went without something that it could not read.
    fn believed(&self, rehearsed: Rehearsed) -> Result<Rehearsed, Problem> {
        if let Some(failure) = &rehearsed.unasked {
            return Err(in_the_way(Finding::failed("asking", failure)));
        }
        match &rehearsed.reason {
            Some(reason) if reason.code == Code::StateUnavailable => {
                Err(Problem::unreachable(format!("the records cannot be read: {}", reason.message)))
            }
            _ => Ok(rehearsed),
        }
    }
}

fn in_the_way(finding: Finding) -> Problem {
    Problem::unreachable(format!("the CRM: {}", finding.words()))
        .hint("rtr connection test says what is wrong with a connection")
}

fn at(
    own: &Connection,
    change: &Change,
    rehearsed: Rehearsed,
    assumed: Vec<String>,
    live: Option<Live>,
) -> At {
    let effect = effect(change, &rehearsed);
    let Rehearsed { ended, reason, linked_before, linked_then, requests, .. } = rehearsed;
    At {
        connection: own.id.clone(),
        provider: own.provider.clone(),
        mode: own.mode,
        outcome: ended,
        effect,
        code: reason.as_ref().map(|reason| reason.code),
        field: reason.as_ref().and_then(|reason| reason.field.clone()),
        message: reason.map(|reason| reason.message),
        external_id: linked_then.or(linked_before),
        assumed,
        requests: requests.into_iter().map(request).collect(),
        live,
    }
}

fn effect(change: &Change, rehearsed: &Rehearsed) -> Option<Effect> {
    if rehearsed.ended != Ended::Applied {
        return None;
    }
    let is_delete = change.operation == Operation::Deleted || rehearsed.payload.is_none();
    Some(match (&rehearsed.linked_before, &rehearsed.linked_then) {
        _ if is_delete => Effect::Deleted,
        (Some(_), _) => Effect::Updated,
        (None, Some(id)) if *id != id_of(&change.key) => Effect::Adopted,
        (None, _) => Effect::Created,
    })
}

/// A request as it is shown.
pub(crate) fn request(sent: Sent) -> Request {
    let text = || Value::from(String::from_utf8_lossy(&sent.body).into_owned());
    let body = if sent.body.is_empty() {
        Value::Null
    } else {
        serde_json::from_slice(&sent.body).unwrap_or_else(|_| text())
    };
    Request {
        method: sent.method.as_str(),
        url: sent.url,
        headers: sent.headers.into_iter().collect(),
        body,
        is_question: sent.is_question,
        was_asked: sent.was_asked,
    }
}
