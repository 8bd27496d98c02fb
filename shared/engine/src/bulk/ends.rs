//! Parked versions that end without a job: given up by a person, or left by a connection or mapping that is gone.

use crate::report::RecordLine;
use crate::seams::{Named, Seams, Write, Wrote};
use rtr_core::item::{Ended, Lane, Reason, Slot, SlotState};
use rtr_core::sent::Sent;
use rtr_core::settle::{Attempt, Decision, Ending, Filing, settle};

/// The ending of what a person has dropped.
pub(super) fn dropped(slot: &Slot) -> Option<Ending> {
    (slot.state == SlotState::Drop).then_some(Ending::Dropped)
}

/// The ending of what nobody can work: a dead letter that says why.
pub(super) fn orphaned(slot: &Slot, reason: &Reason) -> Ending {
    Ending::Dead(Box::new(Filing {
        reason: reason.clone(),
        body: slot.body.clone(),
        deleted: slot.deleted,
        attempts: slot.attempts,
        uncertain: true,
        not_created: false,
    }))
}

/// What became of endings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Ends {
    /// How many stand.
    pub(super) written: u64,
    /// Whether the table did not answer for any.
    pub(super) failed: bool,
}

/// The line of a version that is dead now.
fn tell(write: &Write) {
    let Some(slot) = write.new.dead() else { return };
    let word = |name: &Option<String>| name.clone().unwrap_or_default();
    RecordLine {
        org_id: &word(&write.names.org_id),
        record_type: &word(&write.names.record_type),
        record_id: &word(&write.names.record_id),
        connection: &word(&write.names.connection),
        version: slot.wanted_version,
        outcome: Ended::Dead,
        code: Some(slot.reason.code),
        message: &slot.reason.message,
        field: slot.reason.field.as_deref().unwrap_or(""),
        attempts: slot.attempts,
        trace: slot.trace.as_ref(),
    }
    .log();
}

/// Writes endings. What was refused or failed is found again by the next look.
pub(super) async fn end(seams: &Seams<'_>, by: &str, work: Vec<(Named, Ending)>) -> Ends {
    let now = seams.clock.now();
    let mut writes = Vec::new();
    for (Named { key, names, item: old }, ending) in work {
        let Some(slot) = &old.slot else { continue };
        let attempt = Attempt {
            trace: slot.trace.clone(),
            lane: Lane::Bulk,
            version: slot.wanted_version,
            mapping_revision: slot.mapping_revision,
            by: by.to_owned(),
            again: true,
            backfill: false,
            rewrite: false,
            occurred_at: slot.occurred_at,
            sent: Sent::default(),
        };
        if let Decision::Write(new) = settle(&old, &attempt, &ending, now) {
            writes.push(Write { key, names, old, new: *new });
        }
    }
    if writes.is_empty() {
        return Ends::default();
    }
    let wrote = seams.records.write(&writes).await;
    let mut ends = Ends::default();
    for (write, wrote) in writes.iter().zip(wrote) {
        if wrote == Wrote::Done {
            ends.written += 1;
            tell(write);
            if let Some(body) = write.old.stored_body().filter(|body| write.new.stored_body() != Some(body)) {
                let _ = seams.records.delete_body(body).await;
            }
        }
        ends.failed |= matches!(wrote, Wrote::Failed(_));
    }
    ends
}
