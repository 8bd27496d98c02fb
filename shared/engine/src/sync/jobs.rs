//! The jobs of a record: one for each connection it is routed to, or woken for.

use super::intake::RecordWork;
use crate::batch::Received;
use crate::work::job::{Beside, Job, Stage};
use crate::work::prepare::{map, setup};
use rtr_core::change::{Change, Operation};
use rtr_core::config::OrgConfig;
use rtr_core::item::{Ended, Item, Lane, Reason};
use rtr_core::key::{ConnectionKey, PairKey};
use rtr_core::trail::Trail;
use serde_json::Value;
use std::sync::Arc;

/// The ending that a batch reports for a record that has no job anywhere.
pub(super) const NOT_ROUTED: Ended = Ended::Skipped;

/// Why a record has no job at a connection it is routed to.
pub(super) struct NoJob {
    pub(super) connection: String,
    pub(super) reason: Reason,
}

/// The jobs of one record: one per connection it is routed to or woken for.
pub(super) fn jobs(work: &RecordWork, config: &Arc<OrgConfig>, batch: &[Received]) -> (Vec<Job>, Vec<NoJob>) {
    let (mut jobs, mut none) = (Vec::new(), Vec::new());
    let routed = config.route(&work.key.record_type);
    let woken = work.wakes.iter().map(|(_, wake)| &wake.connection).filter(|name| !routed.contains(name));
    for name in routed.iter().chain(woken) {
        let wake = work.wakes.iter().find(|(_, wake)| wake.connection == *name);
        let change = work.change_for(name).filter(|_| routed.contains(name));
        // Of equal versions the wake stands for the others: it is the one that may revive a dead version.
        let (place, version, woken) = match (wake, change) {
            (Some((place, wake)), Some((_, change))) if wake.version >= change.version => {
                (*place, wake.version, true)
            }
            (_, Some((place, change))) => (*place, change.version, false),
            (Some((place, wake)), None) => (*place, wake.version, true),
            (None, None) => continue,
        };
        let setup = match setup(config, name, &work.key.record_type) {
            Ok(setup) => setup,
            Err(reason) => {
                none.push(NoJob { connection: name.clone(), reason });
                continue;
            }
        };
        let event = change.filter(|_| !woken).map(|(_, change)| change);
        let connection = ConnectionKey::new(&work.key.org_id, name);
        let received = &batch[place];
        let mut job = Job {
            key: PairKey::new(&work.key, &connection),
            record: work.key.clone(),
            connection,
            message: place,
            lane: Lane::Sync,
            receive_count: received.receive_count,
            first_received_at: received.first_received_at,
            arrived: received.first_received_at,
            again: work.again,
            wake: woken,
            version,
            by: received.message_id.clone(),
            operation: event.map_or(Operation::Upsert, |change| change.operation),
            occurred_at: event.and_then(|change| change.occurred_at).unwrap_or(received.first_received_at),
            data: event.map_or(Value::Null, |change| change.data.clone()),
            beside: change.filter(|_| woken).map(|(at, change)| beside(*at, work, change, batch)),
            backfill: event.is_some_and(|change| work.is_backfill(change)),
            rewrite: event.is_some_and(|change| change.rewrite),
            setup,
            mapped: None,
            key_value: None,
            unmappable: None,
            references: Vec::new(),
            item: Item::default(),
            kept: None,
            stage: Stage::Read,
            deferred: false,
            told: false,
            linked_before: false,
            several: routed.len() > 1,
            replaces: false,
            before: work.older.iter().map(|older| older.data.clone()).collect(),
            compared: None,
            entered_at: received.sent_at,
            trace: event.and_then(|change| change.trace.clone()).or_else(|| received.trace.clone()),
            trail: Trail::default(),
        };
        if !woken {
            map(&mut job);
        }
        jobs.push(job);
    }
    (jobs, none)
}

fn beside(place: usize, work: &RecordWork, change: &Change, batch: &[Received]) -> Beside {
    let received = &batch[place];
    Beside {
        message: place,
        receive_count: received.receive_count,
        first_received_at: received.first_received_at,
        by: received.message_id.clone(),
        version: change.version,
        operation: change.operation,
        occurred_at: change.occurred_at.unwrap_or(received.first_received_at),
        data: change.data.clone(),
        backfill: work.is_backfill(change),
        rewrite: change.rewrite,
        entered_at: received.sent_at,
        trace: change.trace.clone().or_else(|| received.trace.clone()),
    }
}
