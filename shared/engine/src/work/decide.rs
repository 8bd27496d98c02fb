//! Decides jobs, and writes at once the endings that need no call.

use super::commit::{Certainty, commit, filing, finish, kept_body, parking};
use super::job::{Job, Stage, left};
use super::prepare;
use crate::report::BatchReport;
use crate::seams::{Seams, Unavailable};
use rtr_core::code::Code;
use rtr_core::item::{Ended, Lane, Reason};
use rtr_core::key::{ConnectionKey, PairKey};
use rtr_core::metric::Metric;
use rtr_core::payload::Resolved;
use rtr_core::plan::Action;
use rtr_core::settle::Ending;
use rtr_core::time::Instant;

/// Decides every job, and writes at once the endings that need no call.
pub(crate) async fn plan_all(seams: &Seams<'_>, jobs: &mut [Job], report: &mut BatchReport) {
    let now = seams.clock.now();
    let (mut work, mut waiting, mut hurried) = (Vec::new(), Vec::new(), Vec::new());
    for (at, job) in
        jobs.iter_mut().enumerate().filter(|(_, job)| matches!(job.stage, Stage::Read) && !job.deferred)
    {
        match prepare::decide(job, now) {
            Action::Superseded { reused } => {
                report.count(Metric::VersionReused, u64::from(reused));
                job.end(Ended::Superseded);
            }
            // It may have landed in an earlier run: what stands at the CRM is not known any more.
            Action::Pass if job.again && job.item.applied_hash.is_some() => {
                work.push((job, Ending::Unknown, Ended::Skipped, Some(passed())));
            }
            Action::Pass => job.stage = Stage::Ended(Ended::Skipped, Some(passed())),
            Action::Shadow(shadow) => {
                let reason = Reason::new(Code::Shadowed, "the connection is shadowed: nothing was sent");
                work.push((job, Ending::Shadowed(shadow), Ended::Skipped, Some(reason)));
            }
            Action::ReplaceParked => {
                job.replaces = true;
                let (until, reason) = place_of(job, now);
                if !job.backfill
                    && job.item.slot.as_ref().is_some_and(|slot| slot.backfill)
                    && let Err(error) = hurry(seams, &mut hurried, &job.connection, until.max(now)).await
                {
                    job.give_back_as_is(&error.0);
                    continue;
                }
                // What is kept there now keeps its time. It may have gone before this is written, and its time with it: six
                // hours, where a job had it.
                match parking(seams, job, reason.clone(), until.min(now), None).await {
                    Ok(parking) => {
                        work.push((job, Ending::Parked(Box::new(parking)), Ended::Parked, Some(reason)))
                    }
                    Err(why) => job.give_back_as_is(&why),
                }
            }
            Action::Wait(wait) => {
                let (reason, until) = (wait.reason.clone(), wait.until);
                // What went without the reference has ended; it only looks for it.
                let (ended, told) = match until {
                    Instant(0) => (Ended::Unchanged, None),
                    _ => (Ended::Parked, Some(reason.clone())),
                };
                match parking(seams, job, reason.clone(), until, Some(*wait)).await {
                    Ok(parking) => {
                        if job.lane == Lane::Sync {
                            waiting.push(at);
                        }
                        work.push((job, Ending::Parked(Box::new(parking)), ended, told));
                    }
                    Err(why) => job.give_back_as_is(&why),
                }
            }
            Action::Park { until, reason } => job.give_back(until, reason),
            Action::Unchanged => work.push((job, Ending::Unchanged, Ended::Unchanged, None)),
            Action::Skip(code) => work.push((job, Ending::Skipped(code), Ended::Skipped, Some(left(code)))),
            Action::Dead(reason) => {
                let certainty =
                    if reason.code == Code::Crash { Certainty::MayHaveLanded } else { Certainty::NotCalled };
                match filing(seams, job, reason.clone(), certainty).await {
                    Ok(filed) => work.push((job, Ending::Dead(Box::new(filed)), Ended::Dead, Some(reason))),
                    Err(why) => job.give_back_as_is(&why),
                }
            }
            // Looked up before the plan; were it not, the message comes back.
            Action::LookUp => {
                let reason = Reason::new(Code::Contended, "what the mapping looks up is not known yet");
                job.give_back(now.plus_ms(1_000), reason);
            }
            Action::Go(_) if job.backfill && job.lane == Lane::Sync => {
                job.give_back(
                    now,
                    Reason::new(Code::Backfilled, "it came by a backfill: the bulk lane drains it"),
                );
            }
            Action::Go(go) if go.open.is_some() => match kept_body(seams, job).await {
                Ok(body) => (job.kept, job.stage) = (Some(body), Stage::Going(go)),
                Err(why) => job.give_back_as_is(&why),
            },
            Action::Go(go) => job.stage = Stage::Going(go),
        }
    }
    if !work.is_empty() {
        finish(seams, work).await;
    }
    report.count(Metric::LinkedMeanwhile, linked_meanwhile(seams, jobs, &waiting).await);
}

/// Why nothing is noted of what a shadowed connection would be sent.
fn passed() -> Reason {
    Reason::new(Code::Shadowed, "the connection is shadowed, and nothing new would be written")
}

/// When and why a version goes that takes the place of what is parked.
fn place_of(job: &Job, now: Instant) -> (Instant, Reason) {
    match &job.item.slot {
        Some(slot) if slot.reason.code == Code::Backfilled && !job.backfill => {
            let message = "it took the place of a version that a backfill had brought, and goes before those";
            (slot.not_before, Reason::new(Code::Backfilled, message))
        }
        Some(slot) => (slot.not_before, slot.reason.clone()),
        None => (now, Reason::new(Code::Contended, "the record is parked")),
    }
}

/// A live version takes the place of a backfilled one: its lane may be resting until a backfill may go on, and must not for
/// it. Once for each connection of a batch.
async fn hurry(
    seams: &Seams<'_>,
    hurried: &mut Vec<(ConnectionKey, Instant)>,
    connection: &ConnectionKey,
    until: Instant,
) -> Result<(), Unavailable> {
    let soon_enough = |(known, at): &(ConnectionKey, Instant)| known == connection && *at <= until;
    if !hurried.iter().any(soon_enough) {
        seams.limits.want_lane(connection, until).await?;
        hurried.push((connection.clone(), until));
    }
    Ok(())
}

/// A reference may have been linked between our read and our wait, and have told nobody: those go at once. Says how many.
/// What the bulk lane lets wait is the sync lane's from then on, and finds out by its own look.
async fn linked_meanwhile(seams: &Seams<'_>, jobs: &mut [Job], waiting: &[usize]) -> u64 {
    let keys: Vec<PairKey> = waiting.iter().flat_map(|at| prepare::reference_keys(&jobs[*at])).collect();
    if keys.is_empty() {
        return 0;
    }
    // A look that fails is made up for by the slot's own.
    let Ok(found) = seams.records.read(&keys).await else { return 0 };
    let mut went = 0;
    for at in waiting {
        let job = &mut jobs[*at];
        let before = job.references.clone();
        prepare::resolve(job, &found);
        let waits = job.references.iter().any(|(_, state)| *state == Resolved::NotYet);
        let is_linked = |state: &Resolved| matches!(state, Resolved::Linked { .. });
        let linked = before
            .iter()
            .zip(&job.references)
            .any(|((_, before), (_, now))| is_linked(now) && !is_linked(before));
        let goes = match job.stage {
            Stage::Ended(Ended::Parked, _) => !waits,
            // It looked in vain, and would again, for what is not waited for.
            Stage::Ended(Ended::Unchanged, _) => linked,
            _ => false,
        };
        if goes {
            // Its own slot is what it goes by now.
            (job.wake, job.stage) = (true, Stage::Read);
            went += 1;
        }
    }
    went
}

/// An orderly end is no crash: what was announced and is returned is taken back.
pub(crate) async fn end_in_order(seams: &Seams<'_>, jobs: &mut [Job]) {
    let mut held: Vec<&mut Job> = jobs
        .iter_mut()
        .filter(|job| job.item.crashes > 0 && matches!(job.stage, Stage::Returned(..)))
        .collect();
    if held.is_empty() {
        return;
    }
    let work = held.iter_mut().map(|job| (&mut **job, Ending::Returned)).collect();
    let _ = commit(seams, work).await;
}
