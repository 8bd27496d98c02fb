//! What has changed at Salesforce, both halves: the queries, and what their records hold.
//!
//! A query sees what was committed, what lies in the bin as well, and is sorted by several fields: a page ends exactly at a
//! stamp and an id, and the next one begins behind them. A stamp is of the beginning of a transaction, which is seen when it
//! ends: whoever goes on from a stamp alone passes over what was under way.

use super::body::id18;
use super::{BATCH, follow, request, soql};
use crate::changes::{Fate, FeedFacts, Page, Position, Snapshot, stamp};
use rtr_core::failure::{Class, Failure};
use rtr_core::time::Instant;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// How it tells of changes: deletes and merges among all others, since a query of all sees the bin.
///
/// Ten minutes: what a transaction changes bears the time of its beginning and is seen when it ends, which the limits bound, by
/// ten seconds of CPU and two minutes for calls of other systems, and people have seen to take up to ten minutes.
/// <https://developer.salesforce.com/docs/atlas.en-us.apexcode.meta/apexcode/apex_gov_limits.htm>
pub const FEED: FeedFacts = FeedFacts { overlap_ms: 600_000, lists_gone: false, read_batch: BATCH };

/// Records of one page, which is what one answer holds at most.
pub(super) const PAGE: usize = 2_000;
/// The fields of a query, encoded, in bytes: half of what an address has room for; the other half is for the ids.
const COLUMN_BYTES: usize = 6_000;
/// The times that SOQL takes: from 1700 to the end of 4000.
/// <https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/sforce_api_calls_soql_select_dateformats.htm>
const TIMES_MS: [i64; 2] = [-8_520_336_000_000, 64_092_211_199_000];

/// The fields of which a query tells, and the names they were asked for by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns<'f> {
    /// As they stand in the query.
    select: String,
    /// Those whose values are wanted.
    fields: Vec<&'f str>,
}

/// The fields in groups that have room in an address, one at least. Each asks for what becomes of the record, too.
///
/// # Errors
/// When a name is none.
pub fn columns<'f>(object: &str, fields: &'f [String]) -> Result<Vec<Columns<'f>>, Failure> {
    let mut own = vec!["Id", "IsDeleted", "SystemModstamp", "LastModifiedById"];
    // Only what can be merged has a field for where to.
    if follow::is_mergeable(object) {
        own.push("MasterRecordId");
    }
    let group = || Columns { select: own.join(", "), fields: Vec::new() };
    let mut groups = vec![group()];
    let mut seen: Vec<String> = own.iter().map(|name| name.to_lowercase()).collect();
    for name in fields {
        let column = soql::field(name)?;
        let is_new = !seen.contains(&name.to_lowercase());
        let full = |last: &Columns<'_>| {
            request::encoded(&format!("{}, {column}", last.select)).len() > COLUMN_BYTES
                && !last.fields.is_empty()
        };
        if is_new && groups.last().is_some_and(full) {
            groups.push(group());
        }
        let Some(last) = groups.last_mut() else { continue };
        // A field that is selected twice is refused, whatever its case.
        if is_new {
            last.select.push_str(", ");
            last.select.push_str(column);
            seen.push(name.to_lowercase());
        }
        last.fields.push(name);
    }
    Ok(groups)
}

/// The ids that can be Salesforce's, with 18 characters and each once, as many together as one query has room for. One that
/// can be none would have the whole query refused.
#[must_use]
pub fn groups(ids: &[String]) -> Vec<Vec<String>> {
    let mut seen = BTreeSet::new();
    let ids = ids.iter().filter_map(|id| id18(id)).filter(|id| seen.insert(id.clone()));
    let ids: Vec<String> = ids.collect();
    ids.chunks(BATCH).map(<[String]>::to_vec).collect()
}

/// The query for what these records hold.
///
/// # Errors
/// When the object's name is none.
pub fn of_ids(object: &str, ids: &[String], columns: &Columns<'_>) -> Result<String, Failure> {
    let ids: Vec<String> = ids.iter().map(|id| soql::literal(id)).collect();
    let object = soql::object(object)?;
    Ok(format!("SELECT {} FROM {object} WHERE Id IN ({})", columns.select, ids.join(",")))
}

/// The query for the page behind a position.
///
/// # Errors
/// When the object's name is none.
pub fn since(object: &str, from: &Position, columns: &Columns<'_>) -> Result<String, Failure> {
    let object = soql::object(object)?;
    let at = moment(from.at);
    let behind = match &from.after {
        None => String::new(),
        // Ids are compared letter by letter, as they are sorted.
        Some(id) => format!(" AND (SystemModstamp > {at} OR Id > {})", soql::literal(id)),
    };
    Ok(format!(
        "SELECT {} FROM {object} WHERE SystemModstamp >= {at}{behind} ORDER BY SystemModstamp, Id LIMIT {PAGE}",
        columns.select
    ))
}

/// A record of a query's answer; none when it lacks its id.
#[must_use]
pub fn snapshot(record: &Value, columns: &Columns<'_>) -> Option<Snapshot> {
    let text = |name: &str| record[name].as_str();
    let id = text("Id").and_then(id18)?;
    let at = stamp(&record["SystemModstamp"]);
    let by = text("LastModifiedById").map(str::to_owned);
    let gone = Snapshot { by: by.clone(), ..Snapshot::gone(&id, at) };
    Some(match (record["IsDeleted"].as_bool(), text("MasterRecordId")) {
        (Some(true), Some(into)) => {
            let into = id18(into).unwrap_or_else(|| into.to_owned());
            Snapshot { fate: Fate::Merged { into }, ..gone }
        }
        (Some(true), None) => gone,
        _ => Snapshot { fate: Fate::Here, values: values(record, columns), ..gone },
    })
}

/// The records of an answer.
///
/// # Errors
/// When one does not say which it is.
pub fn snapshots(records: &[Value], columns: &Columns<'_>) -> Result<Vec<Snapshot>, Failure> {
    records.iter().map(|record| snapshot(record, columns).ok_or_else(nameless)).collect()
}

/// The same with what a later query for further fields tells of them. The stamp stays that of the first: what changed
/// between the two is told again.
#[must_use]
pub fn joined(first: Snapshot, later: Option<&Snapshot>) -> Snapshot {
    match later {
        Some(Snapshot { fate: Fate::Here, values, .. }) => {
            let mut first = first;
            first.values.extend(values.iter().map(|(name, value)| (name.clone(), value.clone())));
            first
        }
        Some(later) => later.clone(),
        None => Snapshot::gone(&first.external_id, None),
    }
}

/// The page that these are, the answer to [`since`].
///
/// # Errors
/// When one does not say when it changed, or they lead nowhere.
pub fn page(from: &Position, changed: Vec<Snapshot>) -> Result<Page, Failure> {
    if changed.iter().any(|one| one.at.is_none()) {
        return Err(nameless());
    }
    let next = match changed.last() {
        Some(Snapshot { at: Some(at), external_id, .. }) => {
            Position { at: *at, after: Some(external_id.clone()) }
        }
        _ => from.clone(),
    };
    let more = changed.len() >= PAGE;
    if more && next == *from {
        let message = "Salesforce answered a query for changes with those that came before";
        return Err(Failure::new(Class::Unavailable, message));
    }
    Ok(Page { changed, next, more })
}

fn values(record: &Value, columns: &Columns<'_>) -> BTreeMap<String, Value> {
    let value = |name: &&str| ((*name).to_owned(), soql::at(record, name).unwrap_or_default());
    columns.fields.iter().map(value).collect()
}

/// A time as SOQL has it, bare and in whole seconds, as the stamps are.
fn moment(at: Instant) -> String {
    let [first, last] = TIMES_MS;
    let seconds = at.0.clamp(first, last).div_euclid(1_000);
    let text = Instant(seconds.saturating_mul(1_000)).to_rfc3339();
    text.replace(".000Z", "Z")
}

fn nameless() -> Failure {
    Failure::new(Class::Unavailable, "Salesforce told of a change without saying of which record, or when")
}
