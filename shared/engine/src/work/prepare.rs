//! From jobs to decided jobs: configuration, mapping, one read for everything, and the plan.

use super::job::{Beside, Job, Setup, Stage};
use crate::seams::{Records, Seams};
use rtr_connectors::registry;
use rtr_core::change::Operation;
use rtr_core::code::Code;
use rtr_core::config::{Mode, OrgConfig};
use rtr_core::item::{Body, Item, Reason};
use rtr_core::key::{PairKey, RecordKey};
use rtr_core::mapping::Subject;
use rtr_core::payload::Resolved;
use rtr_core::plan::{Action, Fence, Situation, fence, plan};
use rtr_core::time::Instant;
use std::collections::HashMap;
use std::sync::Arc;

/// What the configuration says of records of `record_type` at the connection `name`.
///
/// # Errors
/// Why there is nothing to do there.
pub(crate) fn setup(config: &Arc<OrgConfig>, name: &str, record_type: &str) -> Result<Setup, Reason> {
    let Some(connection) = config.connections.get(name) else {
        return Err(Reason::new(Code::NoMapping, format!("there is no connection `{name}`")));
    };
    let Some(connector) = registry::by_name(&connection.provider) else {
        let message = format!("the provider `{}` of connection `{name}` is not known", connection.provider);
        return Err(Reason::new(Code::UnknownProvider, message));
    };
    let Some(mapping) = config.mapping(name, record_type) else {
        let message = format!("there is no {} mapping for `{record_type}`", connection.provider);
        return Err(Reason::new(Code::NoMapping, message));
    };
    Ok(Setup { config: config.clone(), mapping: mapping.clone(), connector })
}

/// Applies the mapping to the job's record.
pub(crate) fn map(job: &mut Job) {
    let (record, mapping) = (&job.record, &job.setup.mapping.mapping);
    let subject =
        Subject { org_id: &record.org_id, record_type: &record.record_type, record_id: &record.record_id };
    let failed = |field: Option<String>, message: String| Reason {
        field,
        ..Reason::new(Code::MappingFailed, message)
    };
    match mapping.key_value(&subject) {
        Ok(value) => job.key_value = value,
        Err(error) => job.unmappable = Some(failed(error.field.clone(), error.message.clone())),
    }
    if job.operation == Operation::Deleted {
        return;
    }
    match mapping.apply(&subject, &job.data) {
        Ok(mapped) => {
            job.references = mapped.references.iter().map(|one| (one.clone(), Resolved::NotYet)).collect();
            job.mapped = Some(mapped);
        }
        Err(error) => job.unmappable = Some(failed(error.field.clone(), error.message.clone())),
    }
}

/// Reads the items of all jobs and of what they refer to, in one read; a wake's data and references in a second.
pub(crate) async fn load(seams: &Seams<'_>, jobs: &mut [Job]) {
    let mut keys: Vec<PairKey> = jobs.iter().map(|job| job.key.clone()).collect();
    keys.extend(jobs.iter().flat_map(reference_keys));
    let Some(found) = read(seams.records, jobs, &keys).await else { return };
    for job in jobs.iter_mut() {
        job.item = found.get(&job.key).cloned().unwrap_or_default();
        job.linked_before = job.item.external_id.is_some();
        resolve(job, &found);
    }
    let mut woken: Vec<&mut Job> =
        jobs.iter_mut().filter(|job| job.wake && matches!(job.stage, Stage::Read)).collect();
    let now = seams.clock.now();
    for job in &mut woken {
        if fence(&job.item, &job.incoming(), job.earliest(now)) == Fence::Open {
            revive(seams, job).await;
        } else if let Some(beside) = job.beside.take() {
            take_beside(job, beside);
        }
    }
    let keys: Vec<PairKey> = woken.iter().flat_map(|job| reference_keys(job)).collect();
    if keys.is_empty() {
        return;
    }
    match seams.records.read(&keys).await {
        Ok(found) => woken.iter_mut().for_each(|job| resolve(job, &found)),
        Err(error) => woken.iter_mut().for_each(|job| job.give_back_as_is(&error.0)),
    }
}

async fn read(records: &dyn Records, jobs: &mut [Job], keys: &[PairKey]) -> Option<HashMap<PairKey, Item>> {
    if keys.is_empty() {
        return None;
    }
    match records.read(keys).await {
        Ok(found) => Some(found),
        Err(error) => {
            jobs.iter_mut().for_each(|job| job.give_back_as_is(&error.0));
            None
        }
    }
}

/// The items of what `job` refers to, in the order of its references.
pub(crate) fn reference_keys(job: &Job) -> Vec<PairKey> {
    let key = |record_type: &str, record_id: &str| {
        PairKey::new(&RecordKey::new(&job.record.org_id, record_type, record_id), &job.connection)
    };
    job.references.iter().map(|(reference, _)| key(&reference.record_type, &reference.record_id)).collect()
}

/// Says of each reference whether it is linked, as far as `found` knows.
pub(crate) fn resolve(job: &mut Job, found: &HashMap<PairKey, Item>) {
    let keys = reference_keys(job);
    for ((_, state), key) in job.references.iter_mut().zip(keys) {
        if let Some(item) = found.get(&key) {
            *state = reference(item, &job.record);
        }
        // It cannot be linked before it is written.
        if key == job.key && *state == Resolved::NotYet {
            *state = Resolved::NotAwaited;
        }
    }
}

/// Whether what `job` refers to is linked to something else by now, or to nothing, so that it may be refused for what it was
/// told before. Read anew: unknown is no.
pub(crate) async fn references_moved(seams: &Seams<'_>, job: &mut Job) -> bool {
    let keys = reference_keys(job);
    if keys.is_empty() {
        return false;
    }
    let before = job.references.clone();
    let Ok(found) = seams.records.read(&keys).await else { return false };
    resolve(job, &found);
    std::mem::replace(&mut job.references, before.clone()) != before
}

/// What the item of a record says to `whom`, which refers to it.
fn reference(item: &Item, whom: &RecordKey) -> Resolved {
    if let (Some(object), Some(external_id)) = (item.object.clone(), item.external_id.clone()) {
        return Resolved::Linked { object, external_id };
    }
    let waits_for_us =
        item.slot.as_ref().is_some_and(|slot| slot.waits_for(&whom.record_type, &whom.record_id));
    // Deleted, or skipped by its mapping: its newest version is settled without a link.
    let settled = item.slot.is_none() && item.applied_version.is_some();
    if waits_for_us || settled { Resolved::NotAwaited } else { Resolved::NotYet }
}

/// A wake with nothing to wake: the change that came beside it is what is left to do.
fn take_beside(job: &mut Job, beside: Beside) {
    job.wake = false;
    job.message = beside.message;
    job.receive_count = beside.receive_count;
    job.first_received_at = beside.first_received_at;
    job.arrived = beside.first_received_at;
    job.by = beside.by;
    job.version = beside.version;
    job.operation = beside.operation;
    job.occurred_at = beside.occurred_at;
    job.data = beside.data;
    job.backfill = beside.backfill;
    job.rewrite = beside.rewrite;
    job.entered_at = beside.entered_at;
    job.trace = beside.trace;
    map(job);
}

/// Fills a wake's job with the data of the version that sleeps.
pub(crate) async fn revive(seams: &Seams<'_>, job: &mut Job) {
    let Some(slot) = job.item.slot.clone() else { return };
    job.operation = slot.operation();
    job.occurred_at = slot.occurred_at.unwrap_or(slot.since);
    job.backfill = slot.backfill;
    job.entered_at = slot.since;
    job.trace = slot.trace.clone();
    job.data = match &slot.body {
        Body::Inline(data) => data.clone(),
        Body::Stored(key) => match seams.records.body(key).await {
            Ok(Some(bytes)) => match serde_json::from_slice(&bytes) {
                Ok(data) => data,
                Err(_) => return job.unmappable = Some(gone("is not JSON any more")),
            },
            Ok(None) => return job.unmappable = Some(gone("is gone")),
            Err(error) => return job.give_back_as_is(&error.0),
        },
    };
    map(job);
}

fn gone(what: &str) -> Reason {
    Reason::new(Code::BodyGone, format!("the stored body of the dead letter {what}; send the record again"))
}

/// What to do with the job.
pub(crate) fn decide(job: &Job, now: Instant) -> Action {
    let now = job.earliest(now);
    let mapping = &job.setup.mapping.mapping;
    let capabilities = job.setup.connector.capabilities();
    let situation = Situation {
        item: &job.item,
        mapping,
        mapped: job.mapped.as_ref(),
        references: &job.references,
        key_value: job.key_value.as_deref(),
        mode: job.settings().map_or(Mode::Live, |connection| connection.mode),
        arrived: job.arrived,
        settle_ms: capabilities.request_life_ms + capabilities.search_lag_ms,
        now,
    };
    let incoming = job.incoming();
    match &job.unmappable {
        Some(reason) if fence(&job.item, &incoming, now) == Fence::Open => Action::Dead(reason.clone()),
        _ => plan(&incoming, situation),
    }
}
