//! Bulk API 2.0 ingest jobs: `/jobs/ingest`. A job is made open, given its rows as CSV, and started by closing it; it then
//! takes its time, and does its rows all at one moment, by the same rules as every other write. How long it takes, and
//! whether it fails on the way, is set by `PUT /_sandbox/settings`.

mod csv;
mod rows;

use super::access::{Context, body};
use super::errors::Fail;
use super::schema::{ObjectType, find};
use super::values::stamp;
use super::{Salesforce, ids};
use crate::clock::DAY_MS;
use crate::provider::{Answer, Call};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Jobs, and what is told of their rows, are kept for seven days.
const KEPT_MS: i64 = 7 * DAY_MS;

/// Every job, and how the next ones go.
#[derive(Debug, Clone, Default)]
pub(super) struct Jobs {
    jobs: BTreeMap<String, Job>,
    /// How long a job takes from its start, in milliseconds.
    takes_ms: i64,
    /// The next job that runs fails after so many rows.
    fails_after: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    UploadComplete,
    JobComplete,
    Failed,
    Aborted,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    Insert,
    Update,
    Upsert,
    Delete,
}

#[derive(Debug, Clone)]
struct Job {
    kind: &'static ObjectType,
    operation: Operation,
    /// The external id by which an upsert finds its records.
    key: Option<String>,
    context: Context,
    state: State,
    created: i64,
    header: Vec<String>,
    rows: Vec<Vec<String>>,
    started: Option<i64>,
    due: Option<i64>,
    /// What became of each row that was worked: id and whether it is new, or the error.
    outcomes: Vec<Result<(String, bool), String>>,
    message: Option<String>,
}

impl Jobs {
    /// When the next job does its rows.
    pub(super) fn next_due(&self) -> Option<i64> {
        self.jobs.values().filter_map(|job| job.due).min()
    }

    /// `{takes_ms?, fails_after?, finish?}`: what is not named stays as it is; `finish` ends the jobs under way; `fails_after` is spent by one job.
    pub(super) fn set(&mut self, setting: &Value) -> Result<(), String> {
        if let Some(ms) = setting.get("takes_ms") {
            let ms = ms.as_i64().filter(|ms| (0..=DAY_MS).contains(ms));
            self.takes_ms = ms.ok_or("ingest.takes_ms: expected 0 to 86400000")?;
        }
        if setting.get("finish").is_some_and(|finish| *finish == json!(true)) {
            self.jobs.values_mut().filter(|job| job.due.is_some()).for_each(|job| job.due = job.started);
        }
        match setting.get("fails_after") {
            None => {}
            Some(Value::Null) => self.fails_after = None,
            Some(rows) => {
                let rows = rows.as_u64().and_then(|rows| usize::try_from(rows).ok());
                self.fails_after =
                    Some(rows.ok_or("ingest.fails_after: expected a whole number, 0 or more")?);
            }
        }
        Ok(())
    }
}

/// Every path below `/jobs/ingest`.
pub(super) fn serve(
    org: &mut Salesforce,
    rest: &[&str],
    call: &Call<'_>,
    context: &Context,
) -> Result<Answer, Fail> {
    match (call.method(), rest) {
        ("POST", []) => make(org, &body(call)?, context),
        ("GET", [id]) => Ok(Answer::json(200, view(id, job(org, id, context)?, context))),
        ("PUT", [id, "batches"]) => fill(org, id, call, context),
        ("PATCH", [id]) => close(org, id, &body(call)?, context),
        ("GET", [id, list @ ("successfulResults" | "failedResults" | "unprocessedrecords")]) => {
            let text = rows::list(job(org, id, context)?, list);
            Ok(Answer { plain: true, ..Answer::json(200, json!(text)) })
        }
        (method, [] | [_] | [_, _]) => {
            Err(Fail::new(405, "METHOD_NOT_ALLOWED", format!("HTTP Method '{method}' not allowed")))
        }
        _ => Err(Fail::not_found()),
    }
}

fn job<'a>(org: &'a Salesforce, id: &str, context: &Context) -> Result<&'a Job, Fail> {
    let found = ids::canonical(id).and_then(|id| org.jobs.jobs.get(&id));
    found.filter(|job| context.now - job.created < KEPT_MS).ok_or_else(Fail::not_found)
}

fn open<'a>(org: &'a mut Salesforce, id: &str, context: &Context) -> Result<&'a mut Job, Fail> {
    job(org, id, context)?;
    let canonical = ids::canonical(id).unwrap_or_default();
    org.jobs.jobs.get_mut(&canonical).ok_or_else(Fail::not_found)
}

fn make(org: &mut Salesforce, input: &Value, context: &Context) -> Result<Answer, Fail> {
    let text = |name: &str| input.get(name).and_then(Value::as_str);
    let invalid = |message: String| Fail::bad("INVALIDJOB", message);
    let object = text("object").ok_or_else(|| invalid("InvalidJob : No object specified".to_owned()))?;
    let kind = find(object).filter(|kind| !kind.tooling && kind.writable);
    let kind = kind.ok_or_else(|| invalid(format!("InvalidJob : Unable to find object: {object}")))?;
    let operation = match text("operation") {
        Some("insert") => Operation::Insert,
        Some("update") => Operation::Update,
        Some("upsert") => Operation::Upsert,
        Some("delete") => Operation::Delete,
        other => return Err(invalid(format!("InvalidJob : Unknown operation {}", other.unwrap_or("none")))),
    };
    if text("contentType").is_some_and(|kind| kind != "CSV")
        || text("lineEnding").is_some_and(|end| end != "LF")
    {
        return Err(invalid("InvalidJob : only CSV with lines that end in LF is known here".to_owned()));
    }
    let key = text("externalIdFieldName").map(str::to_owned);
    match (operation, &key) {
        (Operation::Upsert, Some(name)) if org.key(kind, name).is_err() => {
            return Err(invalid(format!("InvalidJob : Field name not found : {name}")));
        }
        (Operation::Upsert, None) => {
            return Err(invalid("InvalidJob : External ID was blank for upsert".to_owned()));
        }
        _ => {}
    }
    let id = ids::encode("750", org.next_number(context.now));
    let made = Job {
        kind,
        operation,
        key,
        context: context.clone(),
        state: State::Open,
        created: context.now,
        header: Vec::new(),
        rows: Vec::new(),
        started: None,
        due: None,
        outcomes: Vec::new(),
        message: None,
    };
    let answer = view(&id, &made, context);
    org.jobs.jobs.insert(id, made);
    Ok(Answer::json(200, answer))
}

fn fill(org: &mut Salesforce, id: &str, call: &Call<'_>, context: &Context) -> Result<Answer, Fail> {
    let sent = call.request.find_header("content-type").unwrap_or_default().to_lowercase();
    if !sent.starts_with("text/csv") {
        return Err(Fail::new(415, "UNSUPPORTED_MEDIA_TYPE", "The content type has to be text/csv"));
    }
    let job = open(org, id, context)?;
    if job.state != State::Open || !job.header.is_empty() {
        return Err(wrong_state(job));
    }
    let text = std::str::from_utf8(&call.request.body).ok().and_then(csv::read);
    let mut lines = text.unwrap_or_default().into_iter();
    // What is no table is found out when the job runs.
    job.header = lines.next().unwrap_or_default();
    job.rows = lines.collect();
    Ok(Answer::empty(201))
}

fn close(org: &mut Salesforce, id: &str, input: &Value, context: &Context) -> Result<Answer, Fail> {
    let due = context.now + org.jobs.takes_ms;
    let job = open(org, id, context)?;
    match (input.get("state").and_then(Value::as_str), job.state) {
        (Some("UploadComplete"), State::Open) => {
            (job.state, job.started, job.due) = (State::UploadComplete, Some(context.now), Some(due));
            job.context = Context { serial: context.serial, ..job.context.clone() };
        }
        (Some("Aborted"), State::Open | State::UploadComplete) => {
            (job.state, job.due) = (State::Aborted, None);
        }
        (Some("UploadComplete" | "Aborted"), _) => return Err(wrong_state(job)),
        _ => return Err(Fail::bad("INVALIDJOB", "InvalidJob : state has to be UploadComplete or Aborted")),
    }
    let answer = view(id, job, context);
    run(org, context.now);
    Ok(Answer::json(200, answer))
}

fn wrong_state(job: &Job) -> Fail {
    let message = format!("InvalidJobState : Job is in state {:?} and cannot be changed", job.state);
    Fail::bad("INVALIDJOBSTATE", message)
}

/// Does the jobs that are due, in the order of their times.
pub(super) fn run(org: &mut Salesforce, now: i64) {
    loop {
        let due = org.jobs.jobs.iter().filter_map(|(id, job)| Some((job.due.filter(|due| *due <= now)?, id)));
        let Some(id) = due.min().map(|(_, id)| id.clone()) else { return };
        let Some(mut job) = org.jobs.jobs.remove(&id) else { return };
        let at = job.due.take().unwrap_or(now);
        let fails_after = org.jobs.fails_after.take();
        rows::work(org, &mut job, at, fails_after);
        org.store.keep();
        org.locks.settle(job.context.serial, at);
        org.jobs.jobs.insert(id, job);
    }
}

/// A job as its own address tells of it.
fn view(id: &str, job: &Job, context: &Context) -> Value {
    // In the middle of its time it is seen to be at work.
    let at_work = job.started.is_some_and(|at| context.now > at);
    let state = match job.state {
        State::UploadComplete if at_work => "InProgress".to_owned(),
        state => format!("{state:?}"),
    };
    let operation = format!("{:?}", job.operation).to_lowercase();
    let failed = job.outcomes.iter().filter(|outcome| outcome.is_err()).count();
    let mut view = json!({
        "id": ids::canonical(id).unwrap_or_default(),
        "operation": operation,
        "object": job.kind.name,
        "createdDate": stamp(job.created),
        "state": state,
        "concurrencyMode": "Parallel",
        "contentType": "CSV",
        "apiVersion": job.context.number,
        "lineEnding": "LF",
        "columnDelimiter": "COMMA",
        "jobType": "V2Ingest",
        "numberRecordsProcessed": job.outcomes.len(),
        "numberRecordsFailed": failed,
    });
    if let Some(key) = &job.key {
        view["externalIdFieldName"] = json!(key);
    }
    if job.state == State::Open {
        let place = format!("services/data/{}/jobs/ingest/{id}/batches", context.version);
        view["contentUrl"] = json!(place);
    }
    if let Some(message) = &job.message {
        view["errorMessage"] = json!(message);
    }
    view
}
