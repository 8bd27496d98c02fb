//! What the sync lane would do with an event, found out by doing it: the lane's own steps, over state that is kept nowhere
//! and a CRM that is played.
//!
//! Invariants: what is rehearsed is the lane's code and no other, so it cannot differ from what is sent; no secret comes in,
//! so none can come out; nothing is written, and the CRM gets nothing but questions, and those only over a session that the
//! caller lends.
//!
//! - `state` items that are read, and written to nowhere else · `crm` the requests, noted and answered
//! - `house` everything else that the lane asks for

mod crm;
mod house;
mod state;

pub use crm::Sent;
pub use state::State;

use crate::batch::{Received, Settings, TOKENS_WITHIN_MS};
use crate::seams::{Clock, Seams};
use crate::sync::{self, Caches};
use crate::work::job::{Job, Stage};
use crm::Played;
use house::{House, PLACEHOLDER};
use rtr_connectors::registry::Connector;
use rtr_connectors::session::Session;
use rtr_core::change::{Malformed, Message, parse};
use rtr_core::config::{Mode, OrgConfig};
use rtr_core::failure::Failure;
use rtr_core::item::{Ended, Reason};
use rtr_core::key::{ConnectionKey, PairKey, RecordKey};
use rtr_core::limit::LIMITER_BUDGET_MS;
use rtr_core::payload::Payload;
use rtr_core::time::Instant;

/// The time that a rehearsed invocation has, in milliseconds: more than any takes.
const TIMEOUT_MS: i64 = 120_000;
/// The longest that what is read may be used, in milliseconds: longer than a rehearsal takes.
const CACHE_MS: i64 = 3_600_000;
/// Stands for the id of the message by which an event comes, which nobody knows before.
pub const MESSAGE_ID: &str = "message-id";

/// How requests would be authorised, without what authorises them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letterhead {
    /// The address of the CRM's API.
    pub base_url: String,
    /// The header.
    pub header: String,
    /// What stands in it before the secret, such as `Bearer `.
    pub scheme: &'static str,
}

/// Where an event is rehearsed: one connection.
pub struct Scene<'a> {
    /// The org's configuration. Its mode is not asked for: what is rehearsed is a live connection.
    pub config: &'a OrgConfig,
    /// The connection, one that the record is routed to.
    pub connection: &'a str,
    /// How its requests are authorised.
    pub letterhead: &'a Letterhead,
    /// What is kept of records.
    pub state: &'a State<'a>,
    /// The way to the CRM for questions; none: they are taken to find nothing.
    pub questions: Option<&'a Session<'a>>,
    /// Time and chance.
    pub clock: &'a dyn Clock,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Rehearsed {
    /// How the event would end.
    pub ended: Ended,
    /// Why, unless it would simply be applied.
    pub reason: Option<Reason>,
    /// The CRM's record that it was linked to before.
    pub linked_before: Option<String>,
    /// The one it is linked to then.
    pub linked_then: Option<String>,
    /// What the record means at the CRM; none where it is deleted, not for this CRM, or cannot be mapped.
    pub payload: Option<Payload>,
    /// Our key's value.
    pub key_value: Option<String>,
    /// The requests, in their order.
    pub requests: Vec<Sent>,
    /// Why a question could not be asked: nothing else is to be believed then.
    pub unasked: Option<Failure>,
}

/// The id that a record is taken to have at the CRM where nobody knows it yet.
#[must_use]
pub fn id_of(record: &RecordKey) -> String {
    format!("id-of:{}:{}", record.record_type, record.record_id)
}

/// Rehearses the event in `body`.
///
/// # Errors
/// When the body is no event.
pub async fn rehearse(scene: &Scene<'_>, body: &str) -> Result<Rehearsed, Malformed> {
    let message = parse(body)?;
    let record = message.key().clone();
    let now = scene.clock.now();
    let connector = connector_of(scene);
    let played = Played::new(connector, scene, id_of(&record));
    let house = House::new(live(scene, &record.record_type), scene.letterhead);
    let seams = Seams {
        records: scene.state,
        limits: &house,
        notices: &house,
        configs: &house,
        secrets: &house,
        queue: &house,
        http: &played,
        clock: scene.clock,
    };
    let pair = PairKey::new(&record, &ConnectionKey::new(&record.org_id, scene.connection));
    // A store that does not answer now is told of by the lane, which asks it again.
    let linked_before = scene.state.item(&pair).await.ok().and_then(|item| item.external_id);
    let batch = [received(body, &message, now)];
    let asked = scene.questions.is_some();
    let (jobs, none) =
        sync::bring_one(asked, &seams, &settings(), &Caches::default(), &batch, now.plus_ms(TIMEOUT_MS))
            .await;
    let (requests, unasked) = played.noted();
    let told = match (jobs.first(), none) {
        (Some(job), _) => told(job),
        (None, Some(reason)) => nothing(Ended::Dead, Some(reason)),
        (None, None) => nothing(Ended::Skipped, None),
    };
    Ok(Rehearsed { requests, unasked, linked_before, ..told })
}

fn connector_of(scene: &Scene<'_>) -> Option<Connector> {
    let provider = &scene.config.connections.get(scene.connection)?.provider;
    rtr_connectors::registry::by_name(provider)
}

/// The configuration with the one connection alone, live and at the letterhead's address.
fn live(scene: &Scene<'_>, record_type: &str) -> OrgConfig {
    let mut config = scene.config.clone();
    config.routes = [(record_type.to_owned(), vec![scene.connection.to_owned()])].into();
    for connection in config.connections.values_mut() {
        connection.mode = Mode::Live;
        connection.base_url = Some(scene.letterhead.base_url.clone());
        connection.secret = PLACEHOLDER.to_owned();
        connection.limits.clear();
    }
    config
}

fn received(body: &str, message: &Message, now: Instant) -> Received {
    Received {
        sent_at: now,
        trace: None,
        message_id: MESSAGE_ID.to_owned(),
        receipt: String::new(),
        body: body.to_owned(),
        group: message.key().message_group(0),
        first_received_at: now,
        receive_count: 1,
        lane: None,
    }
}

fn settings() -> Settings {
    Settings {
        stage: String::new(),
        group_buckets: 0,
        strict_orgs: false,
        timeout_ms: TIMEOUT_MS,
        visibility_ms: 6 * TIMEOUT_MS,
        cache_ms: CACHE_MS,
        connection_share: 1,
        tokens_within_ms: TOKENS_WITHIN_MS,
        limiter_budget_ms: LIMITER_BUDGET_MS,
        job_from: 0,
    }
}

fn told(job: &Job) -> Rehearsed {
    let (ended, reason) = match &job.stage {
        Stage::Ended(ended, reason) => (*ended, reason.clone()),
        Stage::Returned(_, reason) => (Ended::Parked, Some(reason.clone())),
        Stage::Read | Stage::Going(_) => (Ended::Parked, None),
    };
    Rehearsed {
        linked_then: job.item.external_id.clone(),
        payload: job
            .mapped
            .as_ref()
            .filter(|mapped| mapped.selected)
            .map(|mapped| Payload::build(mapped, &job.references)),
        key_value: job.key_value.clone(),
        ..nothing(ended, reason)
    }
}

fn nothing(ended: Ended, reason: Option<Reason>) -> Rehearsed {
    Rehearsed {
        ended,
        reason,
        linked_before: None,
        linked_then: None,
        payload: None,
        key_value: None,
        requests: Vec::new(),
        unasked: None,
    }
}
