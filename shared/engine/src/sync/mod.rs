//! The sync flow: a batch of change events in, each brought to every CRM it is routed to, and what must come back.
//!
//! Parse → send strays on → routes and mappings → one read → plan → tokens → call → commit → park what must not wait in
//! the queue → wake what waited for what is linked now → settle. It never fails for
//! a record's sake, never loses a neighbour's work, and keeps nothing of one batch for the next but caches that expire.

mod answer;
mod aside;
mod begin;
mod commit;
mod connections;
mod execute;
mod intake;
mod job;
mod look;
mod notify;
mod orphans;
mod park;
mod prepare;
mod treat;
mod waves;

use crate::batch::{Received, Settings};
use crate::credentials::CredentialCache;
use crate::gate::Pools;
use crate::report::{BatchReport, RecordLine, log_batch};
use crate::seams::Seams;
use answer::{MessageFate, returned};
pub(crate) use commit::store_body;
use commit::{Certainty, commit, filing, finish};
use futures::future::join_all;
use intake::{Intake, take_in};
use job::{Job, Stage};
use orphans::Orphan;
use rtr_core::change::Change;
use rtr_core::code::Code;
use rtr_core::config::OrgConfig;
use rtr_core::item::{Ended, Reason};
use rtr_core::key::PairKey;
use rtr_core::payload::Resolved;
use rtr_core::plan::Action;
use rtr_core::settle::Ending;
use rtr_core::time::Instant;
use std::collections::HashMap;
use std::sync::Arc;

/// Kept back of the invocation's time for writing endings, in milliseconds.
const COMMIT_RESERVE_MS: i64 = 3_000;

/// What outlives an invocation: leases and credentials, each with an expiry.
#[derive(Debug, Default)]
pub struct Caches {
    /// Leases of tokens.
    pub pools: Pools,
    /// Credentials.
    pub credentials: CredentialCache,
}

/// Works one batch until `deadline`.
pub async fn run(
    seams: &Seams<'_>,
    settings: &Settings,
    caches: &Caches,
    batch: &[Received],
    deadline: Instant,
) -> BatchReport {
    let began = seams.clock.now();
    let mut report = BatchReport::default();
    let mut fates = vec![MessageFate::Done; batch.len()];
    let intake = take_in(batch, settings.group_buckets);
    aside::set_aside(seams, settings, batch, &intake, &mut fates, &mut report).await;
    let configs = configurations(seams, &intake, &mut fates).await;
    let mut jobs = make_jobs(seams, settings, batch, &intake, &configs, &mut fates, &mut report).await;
    prepare::load(seams, &mut jobs).await;
    let deadline = deadline.plus_ms(-COMMIT_RESERVE_MS);
    while waves::next(&mut jobs) {
        plan_all(seams, &mut jobs, &mut report).await;
        let alone = begin::before_first_call(seams, settings, batch, &intake, &mut jobs, &mut report).await;
        connections::call_all(seams, settings, caches, &mut jobs, alone, deadline, &mut report).await;
        waves::look_again(&mut jobs);
    }
    end_in_order(seams, &mut jobs).await;
    park::park(seams, &mut jobs).await;
    notify::notify(seams, settings, &jobs, &mut report).await;
    for job in &jobs {
        fates[job.message] = fates[job.message].and(job.fate());
        // While the wake is open, nobody knows whether the change beside it is what counts.
        if let Some(beside) = job.beside.as_ref().filter(|_| job.fate() != MessageFate::Done) {
            fates[beside.message] = fates[beside.message].and(job.fate());
        }
        note(job, &mut report);
    }
    settle_messages(seams, batch, &fates, &mut report).await;
    report.count("messages", batch.len() as u64);
    log_batch("sync", batch, &report, seams.clock.now().since_ms(began));
    report
}

async fn configurations(
    seams: &Seams<'_>,
    intake: &Intake,
    fates: &mut [MessageFate],
) -> HashMap<String, Arc<OrgConfig>> {
    let mut orgs: Vec<&str> = intake.records.iter().map(|record| record.key.org_id.as_str()).collect();
    orgs.sort_unstable();
    orgs.dedup();
    let read = join_all(orgs.iter().map(|org| seams.configs.org(org))).await;
    let mut configs = HashMap::new();
    for (org, config) in orgs.into_iter().zip(read) {
        match config {
            Ok(config) => {
                configs.insert(org.to_owned(), config);
            }
            Err(error) => {
                tracing::warn!(event = "config", org_id = org, code = Code::ConfigUnavailable.as_str(), message = %error);
                for record in intake.records.iter().filter(|record| record.key.org_id == org) {
                    record.messages.iter().for_each(|place| fates[*place] = MessageFate::ReturnAsIs);
                }
            }
        }
    }
    configs
}

async fn make_jobs(
    seams: &Seams<'_>,
    settings: &Settings,
    batch: &[Received],
    intake: &Intake,
    configs: &HashMap<String, Arc<OrgConfig>>,
    fates: &mut [MessageFate],
    report: &mut BatchReport,
) -> Vec<Job> {
    let at = seams.clock.now().to_rfc3339();
    let (mut jobs, mut letters) = (Vec::new(), Vec::new());
    for record in &intake.records {
        let Some(config) = configs.get(&record.key.org_id) else { continue };
        let (made, none) = prepare::jobs(record, config, batch);
        report.count("superseded", record.compacted().len() as u64);
        if let Some((place, change)) = &record.change {
            if !config.known && settings.strict_orgs {
                let reason = Reason::new(Code::UnknownOrg, "the org has no configuration");
                letters.push(aside::unfiled(*place, &batch[*place], change, None, &reason, at.clone()));
                log_unfiled(change, "", Ended::Dead, &reason, &batch[*place]);
                continue;
            }
            if made.is_empty() && none.is_empty() {
                let reason = Reason::new(Code::NoMapping, "no route for this record");
                log_unfiled(change, "", prepare::NOT_ROUTED, &reason, &batch[*place]);
                report.count("skipped", 1);
            }
        }
        for none in &none {
            match orphans::end(seams, batch, record, none, fates).await {
                Orphan::Filed => report.count("dead", 1),
                Orphan::Returned => report.count("parked", 1),
                Orphan::Nothing => match &record.change {
                    Some((place, change)) => {
                        letters.push(aside::no_job(*place, &batch[*place], change, none, at.clone()));
                        log_unfiled(change, &none.connection, Ended::Dead, &none.reason, &batch[*place]);
                    }
                    // Its connection or mapping is gone: a dead version stays listed as it is.
                    None => report.count("superseded", 1),
                },
            }
        }
        jobs.extend(made);
    }
    report.count("dead", aside::post(seams, letters, batch, fates).await);
    jobs
}

fn log_unfiled(change: &Change, connection: &str, outcome: Ended, reason: &Reason, received: &Received) {
    RecordLine {
        org_id: &change.key.org_id,
        record_type: &change.key.record_type,
        record_id: &change.key.record_id,
        connection,
        version: change.version,
        outcome,
        code: Some(reason.code),
        message: &reason.message,
        field: "",
        attempts: received.receive_count,
    }
    .log();
}

/// Decides every job, and writes at once the endings that need no call.
async fn plan_all(seams: &Seams<'_>, jobs: &mut [Job], report: &mut BatchReport) {
    let now = seams.clock.now();
    let (mut work, mut waiting) = (Vec::new(), Vec::new());
    for (at, job) in
        jobs.iter_mut().enumerate().filter(|(_, job)| matches!(job.stage, Stage::Read) && !job.deferred)
    {
        match prepare::decide(job, now) {
            Action::Superseded { reused } => {
                report.count("version_reused", u64::from(reused));
                job.end(Ended::Superseded);
            }
            // It may have landed in an earlier run: what stands at the CRM is not known any more.
            Action::Pass if job.again && job.item.applied_hash.is_some() => {
                work.push((job, Ending::Unknown, Ended::Skipped, None));
            }
            Action::Pass => job.end(Ended::Skipped),
            Action::Shadow(shadow) => {
                let reason = Reason::new(Code::Shadowed, "the connection is shadowed: nothing was sent");
                work.push((job, Ending::Shadowed(shadow), Ended::Skipped, Some(reason)));
            }
            Action::ReplaceParked => {
                let held = job.item.slot.as_ref().map(|slot| (slot.not_before, slot.reason.clone()));
                let (until, reason) =
                    held.unwrap_or((now, Reason::new(Code::Contended, "the record is parked")));
                match park::parking(seams, job, reason.clone(), until, None).await {
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
                match park::parking(seams, job, reason.clone(), until, Some(*wait)).await {
                    Ok(parking) => {
                        waiting.push(at);
                        work.push((job, Ending::Parked(Box::new(parking)), ended, told));
                    }
                    Err(why) => job.give_back_as_is(&why),
                }
            }
            Action::Park { until, reason } => job.give_back(until, reason),
            Action::Unchanged => work.push((job, Ending::Unchanged, Ended::Unchanged, None)),
            Action::Skip => work.push((job, Ending::Skipped, Ended::Skipped, None)),
            Action::Dead(reason) => {
                let certainty =
                    if reason.code == Code::Crash { Certainty::MayHaveLanded } else { Certainty::NotCalled };
                match filing(seams, job, reason.clone(), certainty).await {
                    Ok(filed) => work.push((job, Ending::Dead(Box::new(filed)), Ended::Dead, Some(reason))),
                    Err(why) => job.give_back_as_is(&why),
                }
            }
            Action::Go(go) if go.open.is_some() => match commit::kept_body(seams, job).await {
                Ok(body) => (job.kept, job.stage) = (Some(body), Stage::Going(go)),
                Err(why) => job.give_back_as_is(&why),
            },
            Action::Go(go) => job.stage = Stage::Going(go),
        }
    }
    if !work.is_empty() {
        finish(seams, work).await;
    }
    report.count("linked_meanwhile", linked_meanwhile(seams, jobs, &waiting).await);
}

/// A reference may have been linked between our read and our wait, and have told nobody: those go at once. Says how many.
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
async fn end_in_order(seams: &Seams<'_>, jobs: &mut [Job]) {
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

fn note(job: &Job, report: &mut BatchReport) {
    let (ended, reason) = match &job.stage {
        Stage::Ended(ended, reason) => (*ended, reason.as_ref()),
        Stage::Returned(_, reason) => (Ended::Parked, Some(reason)),
        Stage::Read | Stage::Going(_) => (Ended::Parked, None),
    };
    report.count(ended.as_str(), 1);
    if reason.is_some_and(|reason| reason.message == "overtaken") {
        report.count("overtaken", 1);
    }
    if matches!(ended, Ended::Applied | Ended::Unchanged | Ended::Superseded) && reason.is_none() {
        return;
    }
    RecordLine {
        org_id: &job.record.org_id,
        record_type: &job.record.record_type,
        record_id: &job.record.record_id,
        connection: &job.connection.connection,
        version: job.version,
        outcome: ended,
        code: reason.map(|reason| reason.code),
        message: reason.map_or("", |reason| &reason.message),
        field: reason.and_then(|reason| reason.field.as_deref()).unwrap_or(""),
        attempts: job.receive_count,
    }
    .log();
}

/// Sets the visibility of what is returned, and names it.
async fn settle_messages(
    seams: &Seams<'_>,
    batch: &[Received],
    fates: &[MessageFate],
    report: &mut BatchReport,
) {
    let back = returned(batch, fates, seams.clock.now());
    let visible: Vec<(String, i32)> =
        back.iter().filter_map(|(place, wait)| Some((batch[*place].receipt.clone(), (*wait)?))).collect();
    if !visible.is_empty() {
        // Refused only when the message is in other hands already: then they settle it.
        let _ = seams.queue.set_visibility(&visible).await;
    }
    report.failed = back.iter().map(|(place, _)| batch[*place].message_id.clone()).collect();
}
