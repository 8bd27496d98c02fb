//! What must hold before the first call: the messages are unseen long enough, their predecessors have left queue and slot,
//! and work on what came back again and again is announced.

use super::intake::Intake;
use super::park::to_park;
use crate::batch::{Received, Settings};
use crate::report::BatchReport;
use crate::seams::Seams;
use crate::work::announce::announce;
use crate::work::announce::is_wary;
use crate::work::commit::{Committed, commit};
use crate::work::job::Job;
use rtr_core::change::Wake;
use rtr_core::code::Code;
use rtr_core::item::Reason;
use rtr_core::metric::Metric;
use rtr_core::settle::Ending;

/// What must hold before a CRM is called: the message is unseen long enough, its predecessors are out of the queue, and
/// work on what came back again and again is announced.
pub(super) async fn before_first_call(
    seams: &Seams<'_>,
    settings: &Settings,
    batch: &[Received],
    intake: &Intake,
    jobs: &mut [Job],
    report: &mut BatchReport,
) -> bool {
    let now = seams.clock.now();
    let slack_ms = settings.visibility_ms - settings.timeout_ms;
    let stale = |job: &&Job| {
        let life_ms = job.setup.connector.capabilities().request_life_ms;
        job.receive_count > 1 || now.since_ms(job.first_received_at) > slack_ms - life_ms
    };
    // What is parked is called for by the bulk lane: a message that others have by now must not bring that about either.
    let acts = |job: &&Job| job.going().is_some() || to_park(job, now).is_some();
    let mut places: Vec<usize> = jobs.iter().filter(acts).filter(stale).map(|job| job.message).collect();
    places.sort_unstable();
    places.dedup();
    let visibility_s = i32::try_from(settings.visibility_ms / 1_000).unwrap_or(i32::MAX);
    let renewals: Vec<(String, i32)> =
        places.iter().map(|place| (batch[*place].receipt.clone(), visibility_s)).collect();
    if !renewals.is_empty() {
        let set = seams.queue.set_visibility(&renewals).await;
        for (place, set) in places.iter().zip(set) {
            if let Err(error) = set {
                let of_message = jobs.iter_mut().filter(|job| job.message == *place);
                of_message
                    .filter(|job| job.going().is_some() || to_park(job, now).is_some())
                    .for_each(|job| job.give_back_as_is(&error.0));
            }
        }
    }
    report.taken_out.extend(delete_predecessors(seams, batch, intake, jobs).await);
    report.count(Metric::Passed, pass_older_slots(seams, jobs).await);
    // Once one has crashed, each is announced alone, right before its own work: see `call_all`.
    let alone = alone(jobs);
    if !alone {
        let mut jobs: Vec<&mut Job> = jobs.iter_mut().collect();
        announce(seams, &mut jobs).await;
    }
    alone
}

/// Gives the ids of those that are out of the queue.
async fn delete_predecessors(
    seams: &Seams<'_>,
    batch: &[Received],
    intake: &Intake,
    jobs: &mut [Job],
) -> Vec<String> {
    let mut receipts = Vec::new();
    let mut records = Vec::new();
    for record in &intake.records {
        let of_record = |job: &&Job| job.record == record.key && job.going().is_some();
        let going: Vec<&Job> = jobs.iter().filter(of_record).collect();
        if going.is_empty() {
            continue;
        }
        let passed = |(place, wake): &&(usize, Wake)| going.iter().any(|job| passes(job, *place, wake));
        let wakes = record.wakes.iter().filter(passed).map(|(place, _)| *place);
        for place in record.compacted().into_iter().chain(wakes) {
            receipts.push(batch[place].receipt.clone());
            records.push((place, &record.key));
        }
    }
    let mut out = Vec::new();
    if receipts.is_empty() {
        return out;
    }
    for ((place, key), deleted) in records.into_iter().zip(seams.queue.delete(&receipts).await) {
        match deleted {
            Ok(()) => out.push(batch[place].message_id.clone()),
            Err(error) => {
                let of_record = jobs.iter_mut().filter(|job| job.record == *key && job.going().is_some());
                of_record.for_each(|job| job.give_back_as_is(&error.0));
            }
        }
    }
    out
}

/// What an older version's slot keeps leaves it before the newer one is told, as its messages leave the queue.
async fn pass_older_slots(seams: &Seams<'_>, jobs: &mut [Job]) -> u64 {
    let keeps_older =
        |job: &&mut Job| job.item.slot.as_ref().is_some_and(|slot| slot.wanted_version < job.version);
    let mut passing: Vec<&mut Job> =
        jobs.iter_mut().filter(|job| job.going().is_some()).filter(keeps_older).collect();
    if passing.is_empty() {
        return 0;
    }
    let mut passed = 0;
    let soon = seams.clock.now().plus_ms(1_000);
    let work = passing.iter_mut().map(|job| (&mut **job, Ending::Passed)).collect();
    let answers = commit(seams, work).await;
    for (job, answer) in passing.into_iter().zip(answers) {
        match answer {
            Committed::Written => passed += 1,
            Committed::Failed(why) => job.give_back_as_is(&why),
            _ => job.give_back(soon, Reason::new(Code::Contended, "the item changed before the call")),
        }
    }
    passed
}

/// Whether `job` tells a newer version than the one that the wake is for. Were the wake to come back without the newer
/// one, it would be told over it.
fn passes(job: &Job, place: usize, wake: &Wake) -> bool {
    job.connection.connection == wake.connection && job.message != place && job.version > wake.version
}

/// Whether a record of the batch has crashed its function.
fn alone(jobs: &[Job]) -> bool {
    jobs.iter().any(|job| job.going().is_some() && is_wary(job) && job.item.crashes > 0)
}
