//! A job's rows: done as a collection's records are, and told of in three lists.

use super::{Job, Operation, State, csv};
use crate::salesforce::Salesforce;
use crate::salesforce::access::Context;
use crate::salesforce::errors::Fail;
use crate::salesforce::values::normalise;
use crate::salesforce::write::Key;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// A cell that empties its field; an empty one leaves it alone.
const EMPTY: &str = "#N/A";

/// Does the rows at `at`, or as many as it comes to before it fails.
pub(super) fn work(org: &mut Salesforce, job: &mut Job, at: i64, fails_after: Option<usize>) {
    if let Some(message) = malformed(org, job) {
        (job.state, job.message) = (State::Failed, Some(message));
        return;
    }
    let context = Context { now: at, ..job.context.clone() };
    let repeated = repeated(job);
    let most = fails_after.unwrap_or(usize::MAX);
    let rows: Vec<Vec<String>> = job.rows.iter().take(most).cloned().collect();
    for row in &rows {
        let twice = key_of(job, row).filter(|key| repeated.get(*key).is_some_and(|count| *count > 1));
        let done = match twice {
            Some(key) => {
                let message = format!("Duplicate external id specified: {key}");
                Err(Fail::bad("DUPLICATE_VALUE", message).fields(Vec::new()))
            }
            None => one(org, job, row, &context),
        };
        job.outcomes.push(done.map_err(told));
    }
    job.state = State::JobComplete;
    if job.outcomes.len() < job.rows.len() {
        job.state = State::Failed;
        job.message = Some("InternalServerError : Too many retries".to_owned());
    }
}

/// What is wrong with the table as a whole.
fn malformed(org: &Salesforce, job: &Job) -> Option<String> {
    if job.header.is_empty() {
        return Some("InvalidBatch : The file is empty or no CSV".to_owned());
    }
    for name in &job.header {
        let known = match name.split_once('.') {
            Some((way, _)) => org.way(job.kind, way).is_some(),
            None => org.field(job.kind, name).is_some(),
        };
        let only_id = job.operation == Operation::Delete && !name.eq_ignore_ascii_case("id");
        if !known || only_id {
            return Some(format!("InvalidBatch : Field name not found : {name}"));
        }
    }
    let short = job.rows.iter().any(|row| row.len() != job.header.len());
    short.then(|| "InvalidBatch : A row has another number of cells than the header".to_owned())
}

fn cell<'a>(job: &Job, row: &'a [String], name: &str) -> Option<&'a str> {
    let at = job.header.iter().position(|column| column.eq_ignore_ascii_case(name))?;
    row.get(at).map(String::as_str).filter(|cell| !cell.is_empty())
}

fn key_of<'a>(job: &Job, row: &'a [String]) -> Option<&'a str> {
    cell(job, row, job.key.as_deref()?)
}

/// How often each key is there.
fn repeated(job: &Job) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for key in job.rows.iter().filter_map(|row| key_of(job, row)) {
        *counts.entry(key.to_owned()).or_default() += 1;
    }
    counts
}

fn one(org: &mut Salesforce, job: &Job, row: &[String], context: &Context) -> Result<(String, bool), Fail> {
    let record = record(job, row);
    let id = || {
        let missing =
            || Fail::bad("MISSING_ARGUMENT", "Id not specified in an update call").fields(Vec::new());
        cell(job, row, "Id").map(str::to_owned).ok_or_else(missing)
    };
    let written = match job.operation {
        Operation::Insert => org.create(job.kind, &record, context)?,
        Operation::Update => org.update(job.kind, &id()?, &record, context)?,
        Operation::Delete => return org.delete(job.kind, &id()?, context).map(|id| (id, false)),
        Operation::Upsert => {
            let name = job.key.clone().unwrap_or_default();
            let field = org.key(job.kind, &name)?.clone();
            let value = json!(key_of(job, row).unwrap_or_default());
            let value = normalise(&field, &value)?;
            if value.is_null() {
                return Err(Fail::bad("MISSING_ARGUMENT", format!("{name} not specified")).fields(Vec::new()));
            }
            org.upsert(job.kind, &Key { field, value }, &record, context)?
        }
    };
    Ok((written.id, written.created))
}

/// The row as a record of a collection, without what names it.
fn record(job: &Job, row: &[String]) -> Map<String, Value> {
    let mut record = Map::new();
    for (name, cell) in job.header.iter().zip(row).filter(|(_, cell)| !cell.is_empty()) {
        if name.eq_ignore_ascii_case("id") {
            continue;
        }
        let value = if cell == EMPTY { Value::Null } else { json!(cell) };
        match name.split_once('.') {
            Some((way, _)) if value.is_null() => drop(record.insert(way.to_owned(), Value::Null)),
            Some((way, key)) => drop(record.insert(way.to_owned(), json!({ key: value }))),
            None => drop(record.insert(name.clone(), value)),
        }
    }
    record
}

/// `CODE:words:Field,Other --`
fn told(fail: Fail) -> String {
    let item = fail.item();
    let text = |name: &str| item[name].as_str().unwrap_or_default().to_owned();
    let fields: Vec<&str> =
        item["fields"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let fields = fields.iter().map(|name| format!("{name} ")).collect::<Vec<_>>().join(",");
    format!("{}:{}:{fields}--", text("statusCode"), text("message"))
}

/// One of the three lists. They begin where the job does not, and end where it does: in no order that could be counted on.
pub(super) fn list(job: &Job, name: &str) -> String {
    let own = job.header.iter().map(String::as_str);
    let worked = job.rows.iter().zip(&job.outcomes).rev();
    let mut text = String::new();
    match name {
        "successfulResults" => {
            text.push_str(&csv::line(["sf__Id", "sf__Created"].into_iter().chain(own)));
            for (row, outcome) in worked {
                let Ok((id, created)) = outcome else { continue };
                let created = if *created { "true" } else { "false" };
                text.push_str(&csv::line([id, created].into_iter().chain(row.iter().map(String::as_str))));
            }
        }
        "failedResults" => {
            text.push_str(&csv::line(["sf__Id", "sf__Error"].into_iter().chain(own)));
            for (row, outcome) in worked {
                let Err(error) = outcome else { continue };
                let id = if job.key.is_some() { "" } else { cell(job, row, "Id").unwrap_or_default() };
                text.push_str(&csv::line([id, error].into_iter().chain(row.iter().map(String::as_str))));
            }
        }
        _ => {
            text.push_str(&csv::line(own));
            for row in job.rows.iter().skip(job.outcomes.len()) {
                text.push_str(&csv::line(row.iter().map(String::as_str)));
            }
        }
    }
    text
}
