//! The sync flow: a batch of change events in, each brought to every CRM it is routed to, and what must come back.
//!
//! Parse → send strays on → routes and mappings → one read → plan → tokens → call → commit → settle. It never fails for
//! a record's sake, never loses a neighbour's work, and keeps nothing of one batch for the next but caches that expire.

mod answer;
mod aside;
mod commit;
mod execute;
mod intake;
mod job;
mod look;
mod prepare;
mod treat;

use crate::batch::{Received, Settings};
use crate::credentials::{ConnectionAuth, CredentialCache};
use crate::gate::{LimiterGate, Pools};
use crate::report::{BatchReport, RecordLine, log_batch};
use crate::seams::{QueueName, Seams};
use answer::{MessageFate, returned};
use commit::{Certainty, Committed, commit, filing, finish};
pub(crate) use commit::store_body;
use futures::future::join_all;
use intake::{Intake, take_in};
use job::{Job, Stage};
use rtr_connectors::session::Session;
use rtr_core::change::Change;
use rtr_core::code::Code;
use rtr_core::config::OrgConfig;
use rtr_core::item::{Ended, Reason};
use rtr_core::key::ConnectionKey;
use rtr_core::plan::Action;
use rtr_core::settle::Ending;
use rtr_core::time::Instant;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Kept back of the invocation's time for writing endings, in milliseconds.
const COMMIT_RESERVE_MS: i64 = 3_000;
/// From this receive count on, work is announced before it begins, so that crashes can be counted.
const WARY_RECEIVES: u32 = 3;

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
    set_aside(seams, settings, batch, &intake, &mut fates, &mut report).await;
    let configs = configurations(seams, &intake, &mut fates).await;
    let mut jobs = make_jobs(seams, settings, batch, &intake, &configs, &mut fates, &mut report).await;
    prepare::load(seams, &mut jobs).await;
    plan_all(seams, &mut jobs, &mut report).await;
    before_first_call(seams, settings, batch, &intake, &mut jobs).await;
    call_all(seams, settings, caches, &mut jobs, deadline.plus_ms(-COMMIT_RESERVE_MS), &mut report).await;
    end_in_order(seams, &mut jobs).await;
    for job in &jobs {
        fates[job.message] = fates[job.message].and(job.fate());
        note(job, &mut report);
    }
    settle_messages(seams, batch, &fates, &mut report).await;
    report.count("messages", batch.len() as u64);
    log_batch("sync", batch, &report, seams.clock.now().since_ms(began));
    report
}

async fn set_aside(
    seams: &Seams<'_>,
    settings: &Settings,
    batch: &[Received],
    intake: &Intake,
    fates: &mut [MessageFate],
    report: &mut BatchReport,
) {
    aside::send_on(seams, settings, batch, &intake.strays, fates).await;
    report.count("sent_on", intake.strays.len() as u64);
    let at = seams.clock.now().to_rfc3339();
    let letters = intake.malformed.iter().map(|(place, why)| aside::malformed(&batch[*place], why, at.clone()));
    let places: Vec<usize> = intake.malformed.iter().map(|(place, _)| *place).collect();
    aside::send(seams, QueueName::DeadLetter, letters.collect(), &places, fates).await;
    report.count("dead", intake.malformed.len() as u64);
    report.count("malformed", intake.malformed.len() as u64);
    for (place, why) in &intake.malformed {
        let (field, attempts) = (why.field.unwrap_or(""), batch[*place].receive_count);
        let line = RecordLine {
            org_id: "", record_type: "", record_id: "", connection: "", version: 0, outcome: Ended::Dead,
            code: Some(why.code), message: &why.message, field, attempts,
        };
        line.log();
    }
    let unknown: usize =
        intake.records.iter().filter_map(|record| record.change.as_ref()).map(|(_, change)| change.unknown_fields).sum();
    report.count("unknown_fields", unknown as u64);
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
    let (mut jobs, mut letters, mut places) = (Vec::new(), Vec::new(), Vec::new());
    for record in &intake.records {
        let Some(config) = configs.get(&record.key.org_id) else { continue };
        let (made, none) = prepare::jobs(record, config, batch);
        report.count("superseded", record.compacted().len() as u64);
        if let Some((place, change)) = &record.change {
            if !config.known && settings.strict_orgs {
                let reason = Reason::new(Code::UnknownOrg, "the org has no configuration");
                letters.push(aside::unfiled(&batch[*place], change, None, &reason, at.clone()));
                places.push(*place);
                log_unfiled(change, "", Ended::Dead, &reason, &batch[*place]);
                report.count("dead", 1);
                continue;
            }
            if made.is_empty() && none.is_empty() {
                let reason = Reason::new(Code::NoMapping, "no route for this record");
                log_unfiled(change, "", prepare::NOT_ROUTED, &reason, &batch[*place]);
                report.count("skipped", 1);
            }
            for none in &none {
                letters.push(aside::no_job(&batch[*place], change, none, at.clone()));
                places.push(*place);
                log_unfiled(change, &none.connection, Ended::Dead, &none.reason, &batch[*place]);
                report.count("dead", 1);
            }
        }
        jobs.extend(made);
    }
    aside::send(seams, QueueName::DeadLetter, letters, &places, fates).await;
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
    let mut work = Vec::new();
    for job in jobs.iter_mut().filter(|job| matches!(job.stage, Stage::Read)) {
        match prepare::decide(job, now) {
            Action::Superseded { reused } => {
                report.count("version_reused", u64::from(reused));
                job.end(Ended::Superseded);
            }
            Action::Pass => job.end(Ended::Skipped),
            Action::ReplaceParked => {
                job.give_back(now.plus_ms(1_000), Reason::new(Code::Contended, "another lane holds this record"));
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
            Action::Go(go) => job.stage = Stage::Going(go),
        }
    }
    if !work.is_empty() {
        finish(seams, work).await;
    }
}

/// What must hold before a CRM is called: the message is unseen long enough, its predecessors are out of the queue, and
/// work on what came back again and again is announced.
async fn before_first_call(
    seams: &Seams<'_>,
    settings: &Settings,
    batch: &[Received],
    intake: &Intake,
    jobs: &mut [Job],
) {
    let now = seams.clock.now();
    let slack_ms = settings.visibility_ms - settings.timeout_ms;
    let stale = |job: &&Job| {
        let life_ms = job.setup.connector.capabilities().request_life_ms;
        job.receive_count > 1 || now.since_ms(job.first_received_at) > slack_ms - life_ms
    };
    let mut places: Vec<usize> =
        jobs.iter().filter(|job| job.going().is_some()).filter(stale).map(|job| job.message).collect();
    places.sort_unstable();
    places.dedup();
    let visibility_s = i32::try_from(settings.visibility_ms / 1_000).unwrap_or(i32::MAX);
    let renewals: Vec<(String, i32)> =
        places.iter().map(|place| (batch[*place].receipt.clone(), visibility_s)).collect();
    if !renewals.is_empty() {
        let set = seams.queue.set_visibility(&renewals).await;
        for (place, set) in places.iter().zip(set) {
            if let Err(error) = set {
                going_of(jobs, *place).for_each(|job| job.give_back_as_is(&error.0));
            }
        }
    }
    delete_predecessors(seams, batch, intake, jobs).await;
    announce(seams, jobs).await;
}

fn going_of(jobs: &mut [Job], place: usize) -> impl Iterator<Item = &mut Job> {
    jobs.iter_mut().filter(move |job| job.message == place && job.going().is_some())
}

async fn delete_predecessors(seams: &Seams<'_>, batch: &[Received], intake: &Intake, jobs: &mut [Job]) {
    let mut receipts = Vec::new();
    let mut records = Vec::new();
    for record in &intake.records {
        if jobs.iter().any(|job| job.record == record.key && job.going().is_some()) {
            for place in record.compacted() {
                receipts.push(batch[place].receipt.clone());
                records.push(&record.key);
            }
        }
    }
    if receipts.is_empty() {
        return;
    }
    for (key, deleted) in records.into_iter().zip(seams.queue.delete(&receipts).await) {
        if let Err(error) = deleted {
            let of_record = jobs.iter_mut().filter(|job| job.record == *key && job.going().is_some());
            of_record.for_each(|job| job.give_back_as_is(&error.0));
        }
    }
}

async fn announce(seams: &Seams<'_>, jobs: &mut [Job]) {
    let wary: Vec<&mut Job> =
        jobs.iter_mut().filter(|job| job.going().is_some() && job.receive_count >= WARY_RECEIVES).collect();
    if wary.is_empty() {
        return;
    }
    let mut held = wary;
    let work = held.iter_mut().map(|job| (&mut **job, Ending::Begun)).collect();
    let answers = commit(seams, work).await;
    for (job, answer) in held.into_iter().zip(answers) {
        if let Committed::Failed(why) = answer {
            job.give_back_as_is(&why);
        }
    }
}

/// Calls the CRMs, connections concurrently. Once a record has crashed its function, records are worked one at a time.
async fn call_all(
    seams: &Seams<'_>,
    settings: &Settings,
    caches: &Caches,
    jobs: &mut [Job],
    deadline: Instant,
    report: &mut BatchReport,
) {
    let alone = jobs.iter().any(|job| job.going().is_some() && job.item.crashes > 1);
    let mut by_connection: BTreeMap<ConnectionKey, Vec<&mut Job>> = BTreeMap::new();
    for job in jobs.iter_mut().filter(|job| job.going().is_some()) {
        by_connection.entry(job.connection.clone()).or_default().push(job);
    }
    if alone {
        for job in by_connection.into_values().flatten() {
            add(report, one_connection(seams, settings, caches, vec![job], deadline).await);
        }
        return;
    }
    let running = by_connection.into_values().map(|jobs| one_connection(seams, settings, caches, jobs, deadline));
    for calls in join_all(running).await {
        add(report, calls);
    }
}

struct Calls {
    made: u64,
    let_through: u64,
}

fn add(report: &mut BatchReport, calls: Calls) {
    report.count("crm_calls", calls.made);
    report.count("limiter_unavailable", calls.let_through);
}

async fn one_connection(
    seams: &Seams<'_>,
    settings: &Settings,
    caches: &Caches,
    mut jobs: Vec<&mut Job>,
    deadline: Instant,
) -> Calls {
    let (config, connection) = match jobs.first() {
        Some(job) => (job.setup.config.clone(), job.connection.clone()),
        None => return Calls { made: 0, let_through: 0 },
    };
    let connector = jobs[0].setup.connector;
    let Some(own) = config.connections.get(&connection.connection) else { return Calls { made: 0, let_through: 0 } };
    let gate = LimiterGate::new(seams.limits, seams.clock, &caches.pools, connection.clone(), &own.limits);
    let auth = ConnectionAuth {
        seams: *seams,
        cache: &caches.credentials,
        connection,
        connector,
        secret: &own.secret,
        base_url: own.base_url.as_deref(),
        cache_ms: settings.cache_ms,
    };
    match auth.base_url().await {
        Ok(base_url) => {
            let session = Session {
                http: seams.http,
                clock: seams.clock,
                gate: &gate,
                auth: &auth,
                base_url,
                deadline,
                call_timeout_ms: connector.capabilities().call_timeout_ms,
                classify: connector.classify(),
            };
            execute::execute(seams, &session, &mut jobs).await;
        }
        Err(failure) => {
            for job in &mut jobs {
                match treat::treat(job, &failure, seams.clock.now()) {
                    treat::Treatment::Return(until) => job.give_back(until, treat::waiting(&failure)),
                    _ => job.give_back_as_is(&failure.message),
                }
            }
        }
    }
    Calls { made: gate.calls(), let_through: gate.let_through() }
}

/// An orderly end is no crash: what was announced and is returned is taken back.
async fn end_in_order(seams: &Seams<'_>, jobs: &mut [Job]) {
    let mut held: Vec<&mut Job> = jobs
        .iter_mut()
        .filter(|job| job.item.crashes > 0 && matches!(job.stage, Stage::Returned(MessageFate::Return(_), _)))
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
async fn settle_messages(seams: &Seams<'_>, batch: &[Received], fates: &[MessageFate], report: &mut BatchReport) {
    let back = returned(batch, fates, seams.clock.now());
    let visible: Vec<(String, i32)> =
        back.iter().filter_map(|(place, wait)| Some((batch[*place].receipt.clone(), (*wait)?))).collect();
    if !visible.is_empty() {
        // Refused only when the message is in other hands already: then they settle it.
        let _ = seams.queue.set_visibility(&visible).await;
    }
    report.failed = back.iter().map(|(place, _)| batch[*place].message_id.clone()).collect();
}
