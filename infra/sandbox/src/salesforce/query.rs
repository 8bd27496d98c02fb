//! `/query`, `/queryAll`, and the pages that follow the first.

use super::Salesforce;
use super::access::Context;
use super::errors::Fail;
use super::ids;
use super::records::url;
use super::schema::find;
use super::soql::{Path, parse, run};
use super::store::Record;
use crate::provider::{Answer, Call};
use serde_json::{Value, json};
use std::collections::VecDeque;

/// How many queries may be half read; the oldest is let go.
const MAX_CURSORS: usize = 10;

/// The results of the queries of which not every page was asked for.
#[derive(Debug, Clone, Default)]
pub(super) struct Cursors {
    open: VecDeque<(String, Vec<Value>)>,
}

/// Every path below `/query` and `/queryAll`.
pub(super) fn serve(
    org: &mut Salesforce,
    name: &str,
    rest: &[&str],
    call: &Call<'_>,
    context: &Context,
) -> Result<Answer, Fail> {
    if call.method() != "GET" {
        return Err(Fail::new(
            405,
            "METHOD_NOT_ALLOWED",
            format!("HTTP Method '{}' not allowed", call.method()),
        ));
    }
    match rest {
        [] => query(org, name, call, context, false),
        [locator] => more(org, name, locator, context),
        _ => Err(Fail::not_found()),
    }
}

/// Answers `?q=`.
pub(super) fn query(
    org: &mut Salesforce,
    name: &str,
    call: &Call<'_>,
    context: &Context,
    tooling: bool,
) -> Result<Answer, Fail> {
    let text =
        call.query("q").ok_or_else(|| Fail::bad("MALFORMED_QUERY", "A query string has to be specified"))?;
    let query = parse(text)?;
    let twice = |(at, name): (usize, &String)| {
        query.fields.iter().take(at).any(|before| before.eq_ignore_ascii_case(name)).then(|| name.clone())
    };
    if let Some(name) = query.fields.iter().enumerate().find_map(twice) {
        return Err(Fail::bad("MALFORMED_QUERY", format!("duplicate field selected: {name}")));
    }
    let paths = match find(&query.from) {
        Some(kind) => {
            query.fields.iter().map(|name| Path::find(org, kind, name)).collect::<Result<Vec<_>, _>>()
        }
        None => Ok(Vec::new()),
    };
    let (_, found) = run(org, &query, name == "queryAll", tooling)?;
    let paths = paths?;
    if query.fields.is_empty() {
        return Ok(Answer::json(200, json!({"totalSize": found.len(), "done": true, "records": []})));
    }
    let records: Vec<Value> = found.iter().map(|record| row(org, record, &paths, context)).collect();
    if records.len() <= context.page {
        return Ok(Answer::json(200, json!({"totalSize": records.len(), "done": true, "records": records})));
    }
    let locator = ids::encode("01g", org.next_number(context.now));
    org.cursors.open.push_back((locator.clone(), records));
    if org.cursors.open.len() > MAX_CURSORS {
        org.cursors.open.pop_front();
    }
    more(org, name, &format!("{locator}-0"), context)
}

/// The page of a query's results that `01g…-2000` begins.
fn more(org: &Salesforce, name: &str, locator: &str, context: &Context) -> Result<Answer, Fail> {
    let missing = || Fail::bad("INVALID_QUERY_LOCATOR", "invalid query locator");
    let (id, start) = locator.split_once('-').ok_or_else(missing)?;
    let (_, records) = org.cursors.open.iter().find(|(open, _)| open == id).ok_or_else(missing)?;
    let start: usize = start.parse().ok().filter(|start| *start < records.len()).ok_or_else(missing)?;
    let page: Vec<&Value> = records.iter().skip(start).take(context.page).collect();
    let end = start + page.len();
    let mut answer = json!({"totalSize": records.len(), "done": end == records.len(), "records": page});
    if end < records.len() {
        answer["nextRecordsUrl"] = json!(format!("/services/data/{}/{name}/{id}-{end}", context.version));
    }
    Ok(Answer::json(200, answer))
}

/// A record as a query gives it: the fields that were selected, and no others.
fn row(org: &Salesforce, record: &Record, paths: &[Path], context: &Context) -> Value {
    let mut row = json!({"attributes": {"type": record.kind.name, "url": url(record, context)}});
    for path in paths {
        let Some(way) = &path.way else {
            row[path.field.name.as_str()] = org.value(record, &path.field);
            continue;
        };
        let name = way.relationship.as_deref().unwrap_or_default();
        let id = org.value(record, way);
        let Some(parent) = id.as_str().and_then(|id| org.store.get(id)) else {
            row[name] = Value::Null;
            continue;
        };
        if !row[name].is_object() {
            row[name] = json!({"attributes": {"type": parent.kind.name, "url": url(parent, context)}});
        }
        row[name][path.field.name.as_str()] = org.value(parent, &path.field);
    }
    row
}
