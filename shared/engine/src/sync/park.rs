//! Versions that cannot go now leave the queue, where they would hold up others: another connection of their record, newer
//! versions, other orgs. They are kept in their slots, from where the bulk lane drains them.
//!
//! A short wait stays in the queue, which costs nothing and comes back on time. But what waits for tokens, or for
//! a CRM that is left alone, has waited in place already, and is parked at once: thousands of messages that wait their turn,
//! be it for a second each, would fill the queue's flight.

use crate::seams::Seams;
use crate::work::commit::{finish, parking};
use crate::work::fate::MessageFate;
use crate::work::job::{Job, Stage};
use rtr_core::code::Code;
use rtr_core::item::{Ended, Reason, SlotState};
use rtr_core::key::ConnectionKey;
use rtr_core::plan::PAUSE_MS;
use rtr_core::settle::Ending;
use rtr_core::time::Instant;
use std::collections::BTreeMap;

/// A wait up to this long stays in the queue the first time, in milliseconds: it is over before a slot would be read.
const SHORT_MS: i64 = 1_000;
/// A wait over this long never stays in the queue, in milliseconds.
const LONG_MS: i64 = 20_000;

/// Receives after which the queue is no place to wait: half a minute, which is longer than any lock.
const FAST_RECEIVES: u32 = 5;

/// Parks what waits and must not wait in the queue. The lanes know before anything is parked: a slot that no lane knows of
/// would sleep for ever.
pub(super) async fn park(seams: &Seams<'_>, jobs: &mut [Job]) {
    let now = seams.clock.now();
    let mut wanted: BTreeMap<ConnectionKey, Instant> = BTreeMap::new();
    for job in jobs.iter() {
        if let Some((until, reason)) = to_park(job, now) {
            // A lane that a person has stopped is looked at once a minute, however much comes.
            let until = if is_patient(&reason) { now.plus_ms(PAUSE_MS) } else { until };
            let at = wanted.entry(job.connection.clone()).or_insert(until);
            *at = until.min(*at);
        }
    }
    let mut unknown: Vec<ConnectionKey> = Vec::new();
    for (connection, at) in wanted {
        if let Err(error) = seams.limits.want_lane(&connection, at).await {
            tracing::warn!(event = "lane", org_id = connection.org_id, connection = connection.connection, message = %error);
            unknown.push(connection);
        }
    }
    let mut work = Vec::new();
    for job in jobs.iter_mut() {
        let Some((until, reason)) = to_park(job, now) else { continue };
        if unknown.contains(&job.connection) {
            job.give_back_as_is("nobody could be told that it is parked");
            continue;
        }
        job.replaces = false;
        match parking(seams, job, reason.clone(), until, None).await {
            Ok(parking) => work.push((job, Ending::Parked(Box::new(parking)), Ended::Parked, Some(reason))),
            Err(why) => job.give_back_as_is(&why),
        }
    }
    finish(seams, work).await;
}

/// Until when a job's version is parked, and why; none when its message may wait in the queue, or has ended.
pub(super) fn to_park(job: &Job, now: Instant) -> Option<(Instant, Reason)> {
    let Stage::Returned(fate, reason) = &job.stage else { return None };
    let (until, held) = match fate {
        MessageFate::Return(until) => (*until, false),
        MessageFate::Hold(until) => (*until, true),
        MessageFate::Done | MessageFate::ReturnAsIs => return None,
    };
    let wait_ms = until.since_ms(now);
    // Not a matter of waiting: it is the bulk lane's to call for.
    if reason.code == Code::Backfilled {
        return Some((until, reason.clone()));
    }
    let alone = matches!(reason.code, Code::Throttled | Code::Resting);
    let short = wait_ms <= SHORT_MS && job.receive_count == 1 && !held && !alone;
    let woken = job.wake && job.item.slot.as_ref().is_some_and(|slot| slot.state != SlotState::Dead);
    let crowded = job.several || alone;
    let slow = job.receive_count >= FAST_RECEIVES || wait_ms > LONG_MS;
    if !woken && !slow && (!crowded || short) {
        return None;
    }
    // Each goes as soon as its lane does.
    Some((if is_patient(reason) { now } else { until }, reason.clone()))
}

/// Whether only a person ends it, which is for the whole lane to wait for.
fn is_patient(reason: &Reason) -> bool {
    matches!(reason.code, Code::Paused | Code::Shadowed | Code::Suspended | Code::NoSecret)
}
