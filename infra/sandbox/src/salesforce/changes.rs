//! What changed and what was deleted between two times, by the minute.

use super::Salesforce;
use super::access::Context;
use super::errors::Fail;
use super::schema::ObjectType;
use super::values::{instant, stamp};
use crate::clock::DAY_MS;
use crate::provider::{Answer, Call};
use serde_json::{Value, json};

const MINUTE_MS: i64 = 60_000;
const KEPT_DAYS: i64 = 15;

/// The two times; their seconds are ignored.
fn span(call: &Call<'_>) -> Result<(i64, i64), Fail> {
    let time = |name: &str| {
        let text = call.query(name).unwrap_or_default();
        let moment = instant(text).map(|ms| ms.div_euclid(MINUTE_MS) * MINUTE_MS);
        moment.ok_or_else(|| Fail::bad("INVALID_REPLICATION_DATE", format!("{name} is not a time: {text}")))
    };
    let (start, end) = (time("start")?, time("end")?);
    if end <= start {
        return Err(Fail::bad("INVALID_REPLICATION_DATE", "end must be at least a minute after start"));
    }
    Ok((start, end))
}

/// `…/updated/?start&end`
pub(super) fn updated(org: &Salesforce, kind: &ObjectType, call: &Call<'_>) -> Result<Answer, Fail> {
    let (start, end) = span(call)?;
    let found = org
        .store
        .all(kind)
        .filter(|record| record.deleted.is_none() && (start..end).contains(&record.modified));
    let ids: Vec<&String> = found.map(|record| &record.id).collect();
    Ok(Answer::json(200, json!({"ids": ids, "latestDateCovered": stamp(end)})))
}

/// `…/deleted/?start&end`; the recycle bin is emptied after fifteen days.
pub(super) fn deleted(
    org: &Salesforce,
    kind: &ObjectType,
    call: &Call<'_>,
    context: &Context,
) -> Result<Answer, Fail> {
    let (start, end) = span(call)?;
    let earliest = context.now - KEPT_DAYS * DAY_MS;
    if start < earliest - MINUTE_MS {
        return Err(Fail::bad("INVALID_REPLICATION_DATE", "startDate before org replication enabled date"));
    }
    let found = org
        .store
        .all(kind)
        .filter_map(|record| record.deleted.filter(|at| (start..end).contains(at)).map(|at| (record, at)));
    let list: Vec<Value> =
        found.map(|(record, at)| json!({"id": record.id, "deletedDate": stamp(at)})).collect();
    Ok(Answer::json(
        200,
        json!({"deletedRecords": list, "earliestDateAvailable": stamp(earliest), "latestDateCovered": stamp(end)}),
    ))
}
