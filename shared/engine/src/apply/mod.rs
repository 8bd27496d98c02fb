//! The apply flow: what `inbound.fifo` carries, on to the internal system.
//!
//! A notice of a record that is linked goes to that record's own worker, which looks and judges ([`crate::sync`]); one that is
//! not is offered as a new record. What is to be told is told, and what could not be is kept beside the record's claim until
//! it is due, or until a person says so. Nothing fails for a record's sake, and a record's messages are worked in their order,
//! different records' at once.
//!
//! - `intake.rs` the batch, purely · `known.rs` whose a record is · `flow.rs` what is due of a record · `look.rs` asks its worker
//! - `offer.rs` offers what is nobody's · `nobodys.rs` what that is · `link.rs` links it to what was made of it
//! - `tell.rs` tells in order, and keeps what is not taken · `deliver.rs` once · `signing.rs` with what it is signed
//! - `silences.rs` who does not answer · `keep.rs` writes what became of it

mod deliver;
mod flow;
mod intake;
pub(crate) mod keep;
pub(crate) mod known;
mod link;
mod look;
mod nobodys;
mod offer;
mod signing;
mod silences;
mod tell;

pub use signing::{Signing, can_sign};
pub use silences::Silences;

use crate::batch::{Received, Settings};
use crate::notices::Dead;
use crate::poll::ensure_once;
use crate::report::{BatchReport, end_batch};
use crate::seams::{Courier, Outbound, QueueName, Seams};
use crate::work::{COMMIT_RESERVE_MS, Caches};
use base64::Engine as _;
use flow::Flow;
use futures::future::join_all;
use intake::{Intake, take_in};
use known::{External, known};
use rtr_core::code::Code;
use rtr_core::config::OrgConfig;
use rtr_core::dead_letter::{DeadLetter, SCHEMA, unattributed_group};
use rtr_core::inbound::message;
use rtr_core::key::sqs_id;
use rtr_core::metric::Metric;
use rtr_core::time::Instant;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// What the flow has to do with beside the seams.
#[derive(Clone, Copy)]
pub struct Ways<'a> {
    /// What the flows need to know of the function.
    pub settings: &'a Settings,
    /// What outlives an invocation.
    pub caches: &'a Caches,
    /// What deliveries are signed with.
    pub signing: &'a Signing,
    /// The way to internal systems that are reached through AWS.
    pub courier: &'a dyn Courier,
}

/// Works one batch until `deadline`.
pub async fn run(seams: &Seams<'_>, ways: Ways<'_>, batch: &[Received], deadline: Instant) -> BatchReport {
    let began = seams.clock.now();
    let deadline = deadline.plus_ms(-COMMIT_RESERVE_MS);
    let mut report = BatchReport::default();
    let intake = take_in(batch);
    let mut dead = Dead::default();
    let mut failed: HashSet<usize> = unreadable(seams, batch, &intake, &mut report).await;
    let about: Vec<External<'_>> =
        intake.records.iter().map(|work| (&work.connection, &*work.object, &*work.external_id)).collect();
    match known(seams, &about).await {
        Ok(known) => {
            let configs = configurations(seams, &intake).await;
            ensure_once(seams, &ways.caches.polls, configs.values().map(Arc::as_ref)).await;
            let working = intake.records.iter().zip(known).map(|(work, known)| {
                let flow = Flow {
                    seams,
                    ways,
                    config: configs.get(&work.connection.org_id).cloned(),
                    by: work.places.last().map_or("", |place| &batch[*place].message_id),
                    work,
                    deadline,
                };
                flow.run(known)
            });
            for (work, (ended, own)) in intake.records.iter().zip(join_all(working).await) {
                for _ in 0..own.n(Metric::Dead) {
                    let of = &work.connection;
                    dead.note(&of.org_id, Some(&of.connection), None, Code::NotTaken);
                }
                report.add(own);
                if let Err(why) = ended {
                    let (org_id, connection) = (&work.connection.org_id, &work.connection.connection);
                    let external_id = &work.external_id;
                    tracing::warn!(event = "inbound", org_id, connection, external_id, message = why);
                    failed.extend(&work.places);
                }
            }
        }
        Err(error) => {
            tracing::warn!(event = "inbound", code = Code::StateUnavailable.as_str(), message = %error);
            failed.extend(0..batch.len());
        }
    }
    dead.raise(seams).await;
    report.failed = behind(batch, &failed);
    end_batch("apply", batch, &mut report, seams.clock.now().since_ms(began));
    report
}

/// What failed, and all behind it in its message group.
fn behind(batch: &[Received], failed: &HashSet<usize>) -> Vec<String> {
    let mut held: HashSet<&str> = HashSet::new();
    let mut back = Vec::new();
    for (place, received) in batch.iter().enumerate() {
        if failed.contains(&place) || held.contains(received.group.as_str()) {
            held.insert(&received.group);
            back.push(received.message_id.clone());
        }
    }
    back
}

async fn configurations(seams: &Seams<'_>, intake: &Intake) -> BTreeMap<String, Arc<OrgConfig>> {
    let mut orgs: Vec<&str> = intake.records.iter().map(|work| work.connection.org_id.as_str()).collect();
    orgs.sort_unstable();
    orgs.dedup();
    let mut configs = BTreeMap::new();
    for (org, config) in orgs.iter().zip(seams.configs.orgs(&orgs).await) {
        match config {
            Ok(config) => drop(configs.insert((*org).to_owned(), config)),
            Err(error) => {
                tracing::warn!(event = "config", org_id = org, code = Code::ConfigUnavailable.as_str(), message = %error);
            }
        }
    }
    configs
}

/// What cannot be read goes to the dead-letter queue; the places that could not be posted.
async fn unreadable(
    seams: &Seams<'_>,
    batch: &[Received],
    intake: &Intake,
    report: &mut BatchReport,
) -> HashSet<usize> {
    let at = seams.clock.now().to_rfc3339();
    let letter = |(place, why): &(usize, rtr_core::change::Malformed)| {
        let received = &batch[*place];
        let about = message::about(&received.body);
        let letter = DeadLetter {
            schema: SCHEMA,
            source: "apply".to_owned(),
            event: None,
            raw_base64: Some(base64::engine::general_purpose::STANDARD.encode(&received.body)),
            body_ref: None,
            org_id: about.as_ref().map(|(connection, ..)| connection.org_id.clone()),
            record_type: about.as_ref().map(|(_, object, _)| object.clone()),
            record_id: about.as_ref().map(|(.., id)| id.clone()),
            version: None,
            connection: about.map(|(connection, ..)| connection.connection),
            reason: "malformed".to_owned(),
            code: why.code,
            field: why.field.map(str::to_owned),
            message: why.message.clone(),
            attempts: received.receive_count,
            at: at.clone(),
        };
        Outbound {
            trace: None,
            body: serde_json::to_string(&letter).unwrap_or_default(),
            group: unattributed_group(&received.body),
            deduplication_id: sqs_id(&received.message_id),
            lane: None,
        }
    };
    let letters: Vec<Outbound> = intake.malformed.iter().map(letter).collect();
    if letters.is_empty() {
        return HashSet::new();
    }
    let sent = seams.queue.send(QueueName::DeadLetter, &letters).await;
    let lost = intake.malformed.iter().zip(&sent).filter(|(_, sent)| sent.is_err());
    let lost: HashSet<usize> = lost.map(|((place, _), _)| *place).collect();
    report.count(Metric::Malformed, (intake.malformed.len() - lost.len()) as u64);
    report.count(Metric::Dead, (intake.malformed.len() - lost.len()) as u64);
    lost
}
