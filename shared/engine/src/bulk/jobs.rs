//! Jobs of what is parked.

use crate::batch::Received;
use crate::seams::{Named, Seams};
use crate::work::announce::WARY_RECEIVES;
use crate::work::job::{Job, Stage};
use crate::work::prepare::{reference_keys, resolve, revive, setup};
use rtr_core::config::OrgConfig;
use rtr_core::item::{Lane, Reason};
use rtr_core::key::{ConnectionKey, RecordKey};
use rtr_core::trail::Trail;
use serde_json::Value;
use std::sync::Arc;

/// The job of one parked version.
///
/// # Errors
/// Why nobody can work it: its connection or its mapping is gone.
pub(super) fn job(
    named: &Named,
    connection: &ConnectionKey,
    config: &Arc<OrgConfig>,
    received: &Received,
    wary: bool,
) -> Result<Option<Job>, Reason> {
    let names = &named.names;
    let (Some(slot), Some(org_id), Some(record_type), Some(record_id)) =
        (&named.item.slot, &names.org_id, &names.record_type, &names.record_id)
    else {
        return Ok(None);
    };
    let setup = setup(config, &connection.connection, record_type)?;
    Ok(Some(Job {
        key: named.key.clone(),
        record: RecordKey::new(org_id, record_type, record_id),
        connection: connection.clone(),
        message: 0,
        lane: Lane::Bulk,
        // After a crash each record's work is announced, so that the one that causes it is found.
        receive_count: if wary { WARY_RECEIVES } else { 1 },
        first_received_at: received.first_received_at,
        arrived: slot.since,
        // What its earlier tries did is not known, nor what a worker did that died. A first look for what was never called
        // for would cost as much as the call.
        again: wary || !slot.is_untried(),
        wake: true,
        version: slot.wanted_version,
        by: received.message_id.clone(),
        operation: slot.operation(),
        occurred_at: slot.occurred_at.unwrap_or(slot.since),
        beside: None,
        data: Value::Null,
        setup,
        mapped: None,
        key_value: None,
        unmappable: None,
        references: Vec::new(),
        linked_before: named.item.external_id.is_some(),
        item: named.item.clone(),
        kept: None,
        stage: Stage::Read,
        deferred: false,
        told: false,
        several: false,
        backfill: slot.backfill,
        rewrite: false,
        replaces: false,
        before: Vec::new(),
        compared: None,
        entered_at: slot.since,
        trace: slot.trace.clone(),
        trail: Trail::default(),
    }))
}

/// Fills the jobs with the data of their versions, and looks their references up.
pub(super) async fn load(seams: &Seams<'_>, jobs: &mut [Job]) {
    for job in jobs.iter_mut() {
        revive(seams, job).await;
    }
    let mut keys: Vec<_> = jobs.iter().flat_map(reference_keys).collect();
    keys.sort();
    keys.dedup();
    if keys.is_empty() {
        return;
    }
    match seams.records.read(&keys).await {
        Ok(found) => jobs.iter_mut().for_each(|job| resolve(job, &found)),
        Err(error) => jobs.iter_mut().for_each(|job| job.give_back_as_is(&error.0)),
    }
}
