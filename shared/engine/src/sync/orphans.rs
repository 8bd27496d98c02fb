//! Versions that sleep at a connection which is gone from the configuration, or has no mapping for them any more.
//!
//! Nobody can work them, and left as they are they would be due for ever and stand before those that can be worked. What
//! was not written becomes a dead letter that says why; what was written without a reference is looked at no more, and
//! completed if the connection is there again when the reference is linked.

use super::intake::RecordWork;
use super::jobs::NoJob;
use crate::batch::Received;
use crate::seams::{Names, Seams, Write, Wrote};
use crate::work::fate::MessageFate;
use rtr_core::item::{Item, Lane, Slot, SlotState, Waits};
use rtr_core::key::{ConnectionKey, PairKey};
use rtr_core::sent::Sent;
use rtr_core::settle::{Attempt, Decision, Ending, Filing, settle};
use rtr_core::time::Instant;

/// What became of a version that sleeps where nobody can work it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Orphan {
    /// It is a dead letter now: the version.
    Filed(u64),
    /// Its ending could not be written: its messages come back.
    Returned,
    /// There is none that counts: a change that came for the connection is for itself.
    Nothing,
}

/// Ends what the wake of `record` for the connection of `none` found without a job. A newer change that came beside it
/// stands for it.
pub(super) async fn end(
    seams: &Seams<'_>,
    batch: &[Received],
    record: &RecordWork,
    none: &NoJob,
    fates: &mut [MessageFate],
) -> Orphan {
    let Some((place, wake)) = record.wakes.iter().find(|(_, wake)| wake.connection == none.connection) else {
        return Orphan::Nothing;
    };
    let change = record.change_for(&none.connection);
    if change.is_some_and(|(_, change)| change.version > wake.version) {
        return Orphan::Nothing;
    }
    match one(seams, &batch[*place], record, wake.version, none).await {
        Ok(true) => Orphan::Filed(wake.version),
        Ok(false) => Orphan::Nothing,
        Err(()) => {
            let beside = change.map(|(place, _)| *place);
            for place in beside.into_iter().chain([*place]) {
                fates[place] = fates[place].and(MessageFate::ReturnAsIs);
            }
            Orphan::Returned
        }
    }
}

/// Whether a dead letter was filed.
async fn one(
    seams: &Seams<'_>,
    received: &Received,
    record: &RecordWork,
    version: u64,
    none: &NoJob,
) -> Result<bool, ()> {
    let connection = ConnectionKey::new(&record.key.org_id, &none.connection);
    let key = PairKey::new(&record.key, &connection);
    let found = seams.records.read(std::slice::from_ref(&key)).await.map_err(|_| ())?;
    let Some(old) = found.get(&key).cloned() else { return Ok(false) };
    let Some(slot) = old.slot.clone().filter(|slot| slot.wanted_version == version) else { return Ok(false) };
    let new = match slot.state {
        SlotState::Dead | SlotState::Drop => return Ok(false),
        SlotState::Incomplete if slot.due_at().is_none() => return Ok(false),
        SlotState::Incomplete => {
            let waits = slot.waits.clone().map(|waits| Waits { look_at: Instant(0), ..waits });
            let slot = Some(Slot { waits, ..slot });
            Item { rev: old.rev + 1, slot, by: received.message_id.clone(), ..old.clone() }
        }
        SlotState::Parked | SlotState::Waiting => {
            let filing = Filing {
                reason: none.reason.clone(),
                body: slot.body.clone(),
                deleted: slot.deleted,
                attempts: slot.attempts,
                uncertain: true,
                not_created: false,
            };
            let attempt = Attempt {
                trace: slot.trace.clone(),
                lane: Lane::Sync,
                version,
                mapping_revision: slot.mapping_revision,
                by: received.message_id.clone(),
                again: true,
                backfill: false,
                rewrite: false,
                occurred_at: slot.occurred_at,
                sent: Sent::default(),
            };
            match settle(&old, &attempt, &Ending::Dead(Box::new(filing)), seams.clock.now()) {
                Decision::Write(item) => *item,
                _ => return Ok(false),
            }
        }
    };
    let names = Names {
        org_id: Some(record.key.org_id.clone()),
        connection: Some(none.connection.clone()),
        record_type: Some(record.key.record_type.clone()),
        record_id: Some(record.key.record_id.clone()),
    };
    let dead = new.dead().is_some();
    let dropped = old.stored_body().filter(|body| new.stored_body() != Some(body)).map(str::to_owned);
    match seams.records.write(&[Write { key, names, old, new }]).await.first() {
        Some(Wrote::Done) => {
            if let Some(body) = dropped {
                let _ = seams.records.delete_body(&body).await;
            }
            Ok(dead)
        }
        // Somebody else was here: their wake-up finds what stands now.
        _ => Err(()),
    }
}
