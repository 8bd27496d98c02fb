//! Looks before it overwrites: where values flow back from a CRM, what its record holds is read before it is written to, and a
//! value that is the CRM's to say is left as it is.
//!
//! What is there already is not written either: a version that the internal system made of a change in this very CRM ends
//! unchanged there. What else the CRM has that is new is not told from here, but heard of as if the CRM had said so.

use super::calls;
use super::job::{Compared, Job, Stage};
use super::look::{fail, stamp};
use super::treat::{Treatment, treat};
use crate::seams::{Outbound, QueueName, Seams};
use rtr_connectors::changes::{Fate, Snapshot};
use rtr_connectors::session::Session;
use rtr_core::inbound::canonical::{canonical, mark};
use rtr_core::inbound::{Had, Judgement, Notice, Operation, Pending, Seen, judge, judge::Seen as AtCrm};
use rtr_core::key::sqs_id;
use rtr_core::payload::written;
use rtr_core::plan::First;
use rtr_core::time::Instant;
use rtr_core::trail::Did;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Compares what is about to be written to what is there. A job that could not be compared for now is given back.
pub(super) async fn compare(seams: &Seams<'_>, session: &Session<'_>, jobs: &mut [&mut Job]) {
    let mut by_object: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (at, job) in jobs.iter().enumerate().filter(|(_, job)| is_open(job)) {
        by_object.entry(job.setup.mapping.mapping.object.clone()).or_default().push(at);
    }
    for (object, places) in by_object {
        let connector = jobs[places[0]].setup.connector;
        for places in places.chunks(connector.feed().read_batch.max(1)) {
            let ids: BTreeSet<String> = places.iter().filter_map(|at| linked(jobs[*at])).collect();
            let names: BTreeSet<String> = places.iter().flat_map(|at| properties(jobs[*at])).collect();
            let (ids, names): (Vec<String>, Vec<String>) =
                (ids.into_iter().collect(), names.into_iter().collect());
            let from = session.tape.end();
            let read = connector.snapshots(session, &object, &ids, &names).await;
            calls::tell(session, jobs, places, from, Did::Look);
            match read {
                Ok(found) => {
                    for at in places {
                        let snapshot =
                            found.iter().find(|one| Some(&one.external_id) == linked(jobs[*at]).as_ref());
                        jobs[*at].compared = Some(compared(jobs[*at], snapshot));
                    }
                }
                Err(failure) => {
                    for at in places {
                        let job = &mut *jobs[*at];
                        match treat(job, &failure, seams.clock.now()) {
                            Treatment::Return(_) | Treatment::Hold(_) => fail(seams, job, &failure).await,
                            // What is wrong with a property, its write says best.
                            _ => job.compared = Some(Compared::default()),
                        }
                    }
                }
            }
        }
    }
}

/// Has what was found to be new heard of, where the version itself has ended. Lost, it is heard of by the next poll.
pub(super) async fn tell(seams: &Seams<'_>, jobs: &[&mut Job]) {
    let now = seams.clock.now();
    let is_news = |job: &&&mut Job| {
        matches!(job.stage, Stage::Ended(..)) && job.compared.as_ref().is_some_and(|found| found.news)
    };
    let messages: Vec<Outbound> = jobs
        .iter()
        .filter(is_news)
        .filter_map(|job| notice(job, now))
        .map(|(job, notice)| message(job, &notice))
        .collect();
    if messages.is_empty() {
        return;
    }
    let lost =
        seams.queue.send(QueueName::Inbound, &messages).await.iter().filter(|sent| sent.is_err()).count();
    if lost > 0 {
        let message = format!("{lost} of {} changes seen at a CRM could not be sent on", messages.len());
        tracing::warn!(event = "compare", message);
    }
}

fn notice(job: &Job, now: Instant) -> Option<(&Job, Notice)> {
    let notice = Notice {
        connection: job.connection.clone(),
        object: job.item.object.clone()?,
        external_id: job.item.external_id.clone()?,
        operation: Operation::Upsert,
        at: None,
        seen: Seen::Ourselves,
        received_at: now,
        origin: None,
        record: None,
    };
    Some((job, notice))
}

fn message(job: &Job, notice: &Notice) -> Outbound {
    Outbound {
        trace: None,
        body: notice.to_body().to_string(),
        group: notice.message_group(),
        deduplication_id: sqs_id(&format!("news#{}#{}#{}", job.by, job.key.pk, job.key.sk)),
        lane: None,
    }
}

fn is_open(job: &Job) -> bool {
    let updates = job.going().is_some_and(|go| matches!(go.first, First::Update { .. }) && !go.deleted);
    updates && job.compared.is_none() && job.flows_back()
}

fn linked(job: &Job) -> Option<String> {
    match &job.going()?.first {
        First::Update { external_id } => Some(external_id.clone()),
        _ => None,
    }
}

/// What has to be known of the job's record.
fn properties(job: &Job) -> Vec<String> {
    let mapping = &job.setup.mapping.mapping;
    let fields = job.going().into_iter().flat_map(|go| go.payload.fields.iter());
    let written = fields.filter(|(_, patch)| written(patch).is_some()).map(|(name, _)| name.clone());
    let back = mapping.inbound().map(|field| field.field.to_owned());
    let key = stamp(mapping, job.key_value.as_deref()).map(|(property, _)| property);
    written.chain(back).chain(key).collect()
}

fn compared(job: &Job, snapshot: Option<&Snapshot>) -> Compared {
    // What is not there is found out by the write.
    let found = snapshot.filter(|one| one.fate == Fate::Here).zip(job.going());
    let Some((snapshot, go)) = found else { return Compared::default() };
    let mapping = &job.setup.mapping.mapping;
    let back: BTreeSet<&str> = mapping.inbound().map(|field| field.field).collect();
    // What does not flow back is ours to spell.
    let holds = |name: &str, value: &Value| {
        let is_same = |held: &Value| held == value || back.contains(name) && mark(held) == mark(value);
        snapshot.values.get(name).is_some_and(is_same)
    };
    let occurred_at = job.item.slot.as_ref().map_or(job.occurred_at, |slot| slot.later(job.occurred_at));
    let sent = job.item.sent.clone().and_all(&job.older());
    let Judgement { taken, kept, lost } = judge(
        mapping.inbound().map(|field| (field.field, field.wins)),
        Had { base: &job.item.base, sent: &sent },
        AtCrm { stamp: snapshot.at.unwrap_or(Instant(0)), values: &snapshot.values },
        Some(&Pending { occurred_at, marks: go.payload.marks() }),
    );
    if !lost.is_empty() {
        let (org_id, connection) = (&job.connection.org_id, &job.connection.connection);
        let (record_type, record_id) = (&job.record.record_type, &job.record.record_id);
        let fields = lost.join(", ");
        tracing::info!(event = "overwritten", org_id, connection, record_type, record_id, fields);
    }
    let kept: BTreeSet<String> = kept.into_iter().collect();
    let is_left = |name: &str, value: &Value| kept.contains(name) || holds(name, value);
    let left = go
        .payload
        .fields
        .iter()
        .filter(|(name, patch)| written(patch).is_some_and(|value| is_left(name, value)))
        .map(|(name, _)| name.clone())
        .collect();
    let stamped = stamp(mapping, job.key_value.as_deref()).is_none_or(|(property, value)| {
        snapshot.values.get(&property).is_some_and(|held| canonical(held) == canonical(&value))
    });
    Compared { left, kept, stamped, news: !taken.is_empty() }
}
