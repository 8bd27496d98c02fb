//! Versions that cannot go now leave the queue where they would hold up others: another connection of their record, or
//! newer versions. They are kept in their slots, and woken when they are due.
//!
//! A record with one connection waits in the queue, which costs nothing and comes back on time; but what cannot go after
//! a few receives is kept in its slot as well, so that it neither fills the queue nor is tried at the queue's pace for ever.

use super::answer::MessageFate;
use super::commit::{finish, kept_body};
use super::job::{Job, Stage};
use super::treat::backoff_ms;
use crate::seams::Seams;
use rtr_core::change::Operation;
use rtr_core::code::Code;
use rtr_core::item::{Ended, Reason, SlotState};
use rtr_core::plan::Wait;
use rtr_core::settle::{Ending, Parking};
use rtr_core::time::Instant;

/// A wait up to this long stays in the queue the first time, in milliseconds: it is over before a slot would be read.
const SHORT_MS: i64 = 1_000;

/// Receives after which the queue is no place to wait: half a minute, which is longer than any lock.
const FAST_RECEIVES: u32 = 5;
/// The same for what the CRM or the limiter asked to wait, which comes back when they said.
const PATIENT_RECEIVES: u32 = 10;

/// Parks what waits and must not wait in the queue.
pub(super) async fn park(seams: &Seams<'_>, jobs: &mut [Job]) {
    let now = seams.clock.now();
    let mut work = Vec::new();
    for job in jobs.iter_mut() {
        let Some((until, reason)) = to_park(job, now) else { continue };
        match parking(seams, job, reason.clone(), until, None).await {
            Ok(parking) => work.push((job, Ending::Parked(Box::new(parking)), Ended::Parked, Some(reason))),
            Err(why) => job.give_back_as_is(&why),
        }
    }
    finish(seams, work).await;
}

/// The version of `job`, to be kept until `until`.
///
/// # Errors
/// When its body could not be stored.
pub(super) async fn parking(
    seams: &Seams<'_>,
    job: &Job,
    reason: Reason,
    until: Instant,
    wait: Option<Wait>,
) -> Result<Parking, String> {
    Ok(Parking {
        reason,
        body: kept_body(seams, job).await?,
        deleted: job.operation == Operation::Deleted,
        attempts: job.attempts(),
        until,
        wait,
    })
}

fn to_park(job: &Job, now: Instant) -> Option<(Instant, Reason)> {
    let Stage::Returned(fate, reason) = &job.stage else { return None };
    let (until, held) = match fate {
        MessageFate::Return(until) => (*until, false),
        MessageFate::Hold(until) => (*until, true),
        MessageFate::Done | MessageFate::ReturnAsIs => return None,
    };
    let short = until.since_ms(now) <= SHORT_MS && job.receive_count == 1 && !held;
    let woken = job.wake && job.item.slot.as_ref().is_some_and(|slot| slot.state != SlotState::Dead);
    let most = if reason.code == Code::Throttled { PATIENT_RECEIVES } else { FAST_RECEIVES };
    let slow = job.receive_count >= most;
    if !woken && !slow && (!job.several || short) {
        return None;
    }
    // What only a person ends is asked about less and less often.
    let patient = matches!(reason.code, Code::Paused | Code::Shadowed | Code::Suspended | Code::NoSecret);
    let least = if patient { now.plus_ms(backoff_ms(job.attempts())) } else { until };
    Some((until.max(least), reason.clone()))
}
