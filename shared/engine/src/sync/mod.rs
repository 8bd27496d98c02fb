//! The sync flow: a batch of change events in, each brought to every CRM it is routed to, and what must come back.
//!
//! Parse → send strays on → routes and mappings → one read → plan → tokens → call → commit → park what must not wait in
//! the queue → wake what waited for what is linked now → look at what CRMs say has changed → settle. It never fails for
//! a record's sake, never loses a neighbour's work, and keeps nothing of one batch for the next but caches that expire.

mod answer;
mod aside;
mod begin;
mod intake;
mod jobs;
mod looks;
mod orgs;
mod orphans;
mod park;
mod settled;

use crate::batch::{Received, Settings};
use crate::poll::ensure_once;
use crate::report::{BatchReport, RecordLine, end_batch};
use crate::seams::Seams;
pub use crate::work::Caches;
use crate::work::fate::MessageFate;
use crate::work::job::Job;
use crate::work::note::note;
use crate::work::tally::{Unmapped, tally};
use crate::work::{COMMIT_RESERVE_MS, prepare};
use answer::returned;
use intake::{Intake, take_in};
use jobs::NoJob;
use orgs::{Common, work_all};
use orphans::Orphan;
use rtr_core::change::Change;
use rtr_core::code::Code;
use rtr_core::config::OrgConfig;
use rtr_core::item::{Ended, Reason};
use rtr_core::key::RecordKey;
use rtr_core::mapping::Mapped;
use rtr_core::metric::Metric;
use rtr_core::time::Instant;
use settled::Endings;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

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
    let mut endings = Endings::default();
    let (jobs, unmapped) =
        make_jobs(seams, settings, batch, (&intake, &configs), &mut fates, &mut endings, &mut report).await;
    let common = Common { seams, settings, caches, batch, intake: &intake, deadline };
    let jobs = bring(common, jobs, &mut report).await;
    for job in &jobs {
        fates[job.message] = fates[job.message].and(job.fate());
        // While the wake is open, nobody knows whether the change beside it is what counts.
        if let Some(beside) = job.beside.as_ref().filter(|_| job.fate() != MessageFate::Done) {
            fates[beside.message] = fates[beside.message].and(job.fate());
        }
        note(job, seams.clock.now(), &mut report);
        endings.note_job(job);
    }
    looks::look_all(
        seams,
        settings,
        caches,
        batch,
        &intake,
        &configs,
        &mut fates,
        deadline.plus_ms(-COMMIT_RESERVE_MS),
        &mut report,
    )
    .await;
    futures::join!(
        settle_messages(seams, batch, &fates, &mut report),
        std::mem::take(&mut endings.dead).raise(seams),
        tally(seams, &jobs, &unmapped),
        ensure_once(seams, &caches.polls, configs.values().map(Arc::as_ref)),
    );
    let returned: HashSet<&str> = report.failed.iter().map(String::as_str).collect();
    let left: HashSet<&str> = report.taken_out.iter().map(String::as_str).collect();
    let comes_back = |place: usize| {
        let id = batch[place].message_id.as_str();
        returned.contains(id) && !left.contains(id)
    };
    let mut books = BatchReport::default();
    endings.count(&intake, comes_back, &mut books);
    report.add(books);
    end_batch("sync", batch, &mut report, seams.clock.now().since_ms(began));
    report
}

/// Brings `jobs` to their endings.
async fn bring(mut common: Common<'_>, mut jobs: Vec<Job>, report: &mut BatchReport) -> Vec<Job> {
    prepare::load(common.seams, &mut jobs).await;
    common.deadline = common.deadline.plus_ms(-COMMIT_RESERVE_MS);
    work_all(&common, jobs, report).await
}

/// Brings the event in a batch of one to its endings, as [`run`] does, for whoever asks what comes of it: its jobs, or why
/// there is none at a connection that it is routed to. What is not a record's is not done: posts, logs, messages. Where the CRM is
/// not `asked`, what would be looked up there stands by its name.
pub(crate) async fn bring_one(
    asked: bool,
    seams: &Seams<'_>,
    settings: &Settings,
    caches: &Caches,
    batch: &[Received],
    deadline: Instant,
) -> (Vec<Job>, Option<Reason>) {
    let intake = take_in(batch, settings.group_buckets);
    let mut fates = vec![MessageFate::Done; batch.len()];
    let configs = configurations(seams, &intake, &mut fates).await;
    let found = intake.records.first().and_then(|record| Some((record, configs.get(&record.key.org_id)?)));
    let Some((record, config)) = found else { return (Vec::new(), None) };
    let (mut jobs, none) = jobs::jobs(record, config, batch);
    if !asked {
        jobs.iter_mut().filter_map(|job| job.mapped.as_mut()).for_each(Mapped::name_wanted);
    }
    let common = Common { seams, settings, caches, batch, intake: &intake, deadline };
    let jobs = bring(common, jobs, &mut BatchReport::default()).await;
    (jobs, none.into_iter().next().map(|none| none.reason))
}

async fn configurations(
    seams: &Seams<'_>,
    intake: &Intake,
    fates: &mut [MessageFate],
) -> HashMap<String, Arc<OrgConfig>> {
    let mut orgs: Vec<&str> = intake.records.iter().map(|record| record.key.org_id.as_str()).collect();
    orgs.sort_unstable();
    orgs.dedup();
    let read = seams.configs.orgs(&orgs).await;
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
    (intake, configs): (&Intake, &HashMap<String, Arc<OrgConfig>>),
    fates: &mut [MessageFate],
    endings: &mut Endings,
    report: &mut BatchReport,
) -> (Vec<Job>, Vec<Unmapped>) {
    let at = seams.clock.now().to_rfc3339();
    let (mut jobs, mut unmapped, mut letters) = (Vec::new(), Vec::new(), Vec::new());
    for record in &intake.records {
        let Some(config) = configs.get(&record.key.org_id) else { continue };
        let (made, none) = jobs::jobs(record, config, batch);
        report.count(Metric::Superseded, record.compacted().len() as u64);
        if !config.known && settings.strict_orgs && record.changes().next().is_some() {
            let reason = Reason::new(Code::UnknownOrg, "the org has no configuration");
            for (place, change) in record.changes() {
                let (received, only) = (&batch[*place], change.only.as_deref());
                letters.push(aside::unfiled(*place, received, change, only, &reason, at.clone()));
                endings.note(*place, Ended::Dead);
                log_unfiled(change, only.unwrap_or(""), Ended::Dead, &reason, received);
            }
            continue;
        }
        if let Some((place, change)) = record.changes().next().filter(|_| made.is_empty() && none.is_empty())
        {
            let reason = Reason::new(Code::NoMapping, "no route for this record");
            log_unfiled(change, "", jobs::NOT_ROUTED, &reason, &batch[*place]);
            report.count(Metric::Skipped, 1);
            endings.note(*place, jobs::NOT_ROUTED);
        }
        for none in &none {
            match orphans::end(seams, batch, record, none, fates).await {
                Orphan::Filed(version) => {
                    report.count(Metric::Dead, 1);
                    let (org, connection) = (&record.key.org_id, Some(none.connection.as_str()));
                    endings.dead.note(org, connection, None, none.reason.code);
                    log_dead(&record.key, version, none);
                }
                Orphan::Returned => report.count(Metric::Parked, 1),
                Orphan::Nothing => match record.change_for(&none.connection) {
                    Some((place, change)) => {
                        let trial = config.route_trial(&record.key.record_type);
                        unmapped.extend(trial.map(|trial| Unmapped { org: config.org.clone(), trial }));
                        letters.push(aside::no_job(*place, &batch[*place], change, none, at.clone()));
                        endings.note(*place, Ended::Dead);
                        log_unfiled(change, &none.connection, Ended::Dead, &none.reason, &batch[*place]);
                    }
                    // Its connection or mapping is gone: a dead version stays listed as it is.
                    None => report.count(Metric::Superseded, 1),
                },
            }
        }
        jobs.extend(made);
    }
    report.count(Metric::Dead, aside::post(seams, letters, batch, fates).await);
    (jobs, unmapped)
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
        trace: received.trace.as_ref(),
    }
    .log();
}

/// The line of a version that slept where nobody can work it any more.
fn log_dead(key: &RecordKey, version: u64, none: &NoJob) {
    RecordLine {
        org_id: &key.org_id,
        record_type: &key.record_type,
        record_id: &key.record_id,
        connection: &none.connection,
        version,
        outcome: Ended::Dead,
        code: Some(none.reason.code),
        message: &none.reason.message,
        field: "",
        attempts: 0,
        trace: None,
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
