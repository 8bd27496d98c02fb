//! What has changed at HubSpot, both halves: the questions, and what their answers hold.
//!
//! What a record holds is read in a batch by its id, which sees the latest writes. What has changed is searched for, which
//! lags behind them; how a search is gone through is [`keyset`]'s matter. A search never tells of what is in the bin: that is
//! a list of its own. Of a record that was merged into another only that one tells.

use super::body::{Complaint, list, text_of};
use super::keyset::{self, Mark};
use super::lookup::{MERGED, OBJECT_ID, PAGE, SEARCH_BODY, asking, once, results};
use super::{BATCH, CAPABILITIES, SEARCH, Standard, path, request};
use crate::changes::{Fate, FeedFacts, GonePage, Page, Position, Snapshot, stamp};
use crate::connector::Call;
use crate::http::RequestBody;
use rtr_core::failure::{Class, Failure};
use rtr_core::time::Instant;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// How it tells of changes: by a search that lags, and by the list of what is in the bin.
pub const FEED: FeedFacts =
    FeedFacts { overlap_ms: CAPABILITIES.search_lag_ms, lists_gone: true, read_batch: BATCH };

/// Records of one page of a list: "The maximum number of results to display per page", at most 100.
const LISTED: usize = 100;

/// What an answer to [`reading`] says of the records asked for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reading {
    /// Those it says something of.
    pub told: BTreeMap<String, Snapshot>,
    /// Those it says nothing of: a record in it that nobody asked for may be what one of them was merged into, and what an
    /// answer leaves out is not gone for that.
    pub unsaid: Vec<String>,
}

/// The ids that can be HubSpot's, each once, as many together as one call reads. Ids are numbers; a batch with something else
/// in it may be refused as a whole.
#[must_use]
pub fn groups(ids: &[String]) -> Vec<Vec<String>> {
    let mut ids = once(ids);
    ids.retain(|id| id.parse::<u64>().is_ok());
    ids.chunks(BATCH).map(<[String]>::to_vec).collect()
}

/// The call that reads what the records `ids` hold now, at most a batch of them.
#[must_use]
pub fn reading(object: &str, ids: &[String], properties: &[String]) -> Call {
    let inputs: Vec<Value> = ids.iter().map(|id| json!({ "id": id })).collect();
    let body = json!({ "inputs": inputs, "properties": columns(object, properties) });
    asking(request::post(format!("{}/{}/batch/read", path::OBJECTS, request::segment(object)), body))
}

/// What an answer to [`reading`] says. A merged record answers under the id of the one that it was merged into.
///
/// # Errors
/// When HubSpot failed to read some, or gave no list at all: taking those for gone would delete them.
pub fn read(
    object: &str,
    asked: &[String],
    properties: &[String],
    answer: &Value,
) -> Result<Reading, Failure> {
    let records = results(answer)?.iter().filter_map(|record| Some((text_of(&record["id"])?, record)));
    let records: BTreeMap<String, &Value> = records.collect();
    let lost = records.iter().flat_map(|(into, record)| merged(record).map(move |id| (id, into)));
    let lost: BTreeMap<String, &String> = lost.collect();
    let missing: BTreeSet<String> =
        list(&answer["errors"]).iter().flat_map(|error| Complaint::of(error).ids).collect();
    let mut reading = Reading::default();
    for id in asked {
        let snapshot = match (records.get(id), lost.get(id)) {
            (Some(record), _) => of(object, id, record, properties),
            (None, Some(into)) => {
                merged_into(id, into, records.get(*into).and_then(|one| stamped(object, one)))
            }
            (None, None) if missing.contains(id) => Snapshot::gone(id, None),
            (None, None) => {
                reading.unsaid.push(id.clone());
                continue;
            }
        };
        reading.told.insert(id.clone(), snapshot);
    }
    reading.by_elimination(object, asked, &records);
    Ok(reading)
}

impl Reading {
    /// One id and one record are left: they belong together, since every record comes of one id. What was asked for alone and
    /// answered with nothing is gone.
    fn by_elimination(&mut self, object: &str, asked: &[String], records: &BTreeMap<String, &Value>) {
        let [id] = self.unsaid.as_slice() else { return };
        let named = |other: &String| {
            let is_into = |one: &Snapshot| matches!(&one.fate, Fate::Merged { into } if into == other);
            asked.contains(other) || self.told.values().any(is_into)
        };
        let strangers: Vec<_> = records.iter().filter(|(other, _)| !named(other)).collect();
        let snapshot = match strangers.as_slice() {
            [(into, record)] => merged_into(id, into, stamped(object, record)),
            [] if asked.len() == 1 => Snapshot::gone(id, None),
            _ => return,
        };
        self.told.insert(id.clone(), snapshot);
        self.unsaid.clear();
    }
}

/// Whether a search from `from` has room for these properties.
#[must_use]
pub fn has_room(object: &str, from: &Position, properties: &[String]) -> bool {
    match search(object, from, properties).request.body {
        RequestBody::Json(body) => body.to_string().chars().count() <= SEARCH_BODY,
        _ => true,
    }
}

/// The search for what lies behind a position.
#[must_use]
pub fn search(object: &str, from: &Position, properties: &[String]) -> Call {
    let modified = modified(object);
    let filter = |name: &str, operator: &str, value: &str| json!({ "propertyName": name, "operator": operator, "value": value });
    let at = from.at.0.max(0).to_string();
    let (filters, sort) = match &from.after {
        None => (vec![filter(modified, "GTE", &at)], modified),
        Some(id) => (vec![filter(modified, "EQ", &at), filter(OBJECT_ID, "GT", id)], OBJECT_ID),
    };
    let body = json!({
        "filterGroups": [{ "filters": filters }],
        "sorts": [{ "propertyName": sort, "direction": "ASCENDING" }],
        "properties": columns(object, properties),
        "limit": PAGE,
    });
    let call = request::post(format!("{}/{}/search", path::OBJECTS, request::segment(object)), body);
    Call { api: SEARCH, ..asking(call) }
}

/// What an answer to [`search`] tells. Of a record that others were merged into, it tells of those as well, each time it
/// changes: nothing else ever says so.
///
/// # Errors
/// When the answer does not say what was found, or leads nowhere.
pub fn page(object: &str, from: &Position, properties: &[String], answer: &Value) -> Result<Page, Failure> {
    let (mut changed, mut marks) = (Vec::new(), Vec::new());
    for record in results(answer)? {
        let id = text_of(&record["id"]).and_then(|id| id.parse().ok());
        // The stamp that it is sorted by, and no other.
        let at = stamp(&record["properties"][modified(object)]);
        let (Some(id), Some(at)) = (id, at) else { return Err(nameless()) };
        marks.push(Mark { at, id });
        let id = id.to_string();
        changed.extend(merged(record).map(|lost| merged_into(&lost, &id, Some(at))));
        changed.push(of(object, &id, record, properties));
    }
    let paging = text_of(&answer["paging"]["next"]["after"]).is_some();
    let total = answer["total"].as_u64().and_then(|total| usize::try_from(total).ok()).unwrap_or_default();
    let full = paging || marks.len() >= PAGE || total > marks.len();
    let (next, more) = keyset::next(from, &marks, full)?;
    Ok(Page { changed, next, more })
}

/// The call for a page of what is in the bin.
#[must_use]
pub fn bin(object: &str, after: Option<&str>) -> Call {
    let after = after.map(|cursor| format!("&after={}", request::segment(cursor))).unwrap_or_default();
    let object = request::segment(object);
    request::get(format!(
        "{}/{object}?archived=true&limit={LISTED}&properties={OBJECT_ID}{after}",
        path::OBJECTS
    ))
}

/// What an answer to [`bin`] tells.
///
/// # Errors
/// When it does not say what is there, or leads back to itself.
pub fn binned(after: Option<&str>, answer: &Value) -> Result<GonePage, Failure> {
    let gone = |record: &Value| {
        let id = text_of(&record["id"]).ok_or_else(nameless)?;
        Ok(Snapshot::gone(&id, stamp(&record["archivedAt"])))
    };
    let gone = results(answer)?.iter().map(gone).collect::<Result<_, Failure>>()?;
    let next = text_of(&answer["paging"]["next"]["after"]);
    if next.is_some() && next.as_deref() == after {
        return Err(Failure::new(
            Class::Unavailable,
            "HubSpot's list of archived records leads back to itself",
        ));
    }
    Ok(GonePage { gone, next })
}

/// The property that holds the time of a record's last change; contacts have a name of their own for it.
fn modified(object: &str) -> &'static str {
    if Standard::of(object) == Some(Standard::Contact) { "lastmodifieddate" } else { "hs_lastmodifieddate" }
}

/// The properties to ask for, each once.
fn columns<'p>(object: &str, properties: &'p [String]) -> Vec<&'p str> {
    let mut names: Vec<&str> = vec![modified(object), MERGED];
    for name in properties {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    names
}

fn of(object: &str, id: &str, record: &Value, properties: &[String]) -> Snapshot {
    if record["archived"].as_bool() == Some(true) {
        return Snapshot::gone(id, stamp(&record["archivedAt"]));
    }
    let value = |name: &String| (name.clone(), record["properties"][name.as_str()].clone());
    Snapshot {
        external_id: id.to_owned(),
        fate: Fate::Here,
        at: stamped(object, record),
        // HubSpot tells by whom each property was changed, not by whom the record was.
        by: None,
        values: properties.iter().map(value).collect(),
    }
}

fn merged_into(id: &str, into: &str, at: Option<Instant>) -> Snapshot {
    Snapshot { fate: Fate::Merged { into: into.to_owned() }, ..Snapshot::gone(id, at) }
}

fn stamped(object: &str, record: &Value) -> Option<Instant> {
    stamp(&record["properties"][modified(object)]).or_else(|| stamp(&record["updatedAt"]))
}

/// The ids of the records that were merged into this one.
fn merged(record: &Value) -> impl Iterator<Item = String> + use<> {
    let own = text_of(&record["id"]).unwrap_or_default();
    let ids = text_of(&record["properties"][MERGED]).unwrap_or_default();
    let ids: Vec<String> = ids.split(';').map(|id| id.trim().to_owned()).collect();
    ids.into_iter().filter(move |id| !id.is_empty() && *id != own)
}

fn nameless() -> Failure {
    Failure::new(Class::Unavailable, "HubSpot told of a change without saying of which record, or when")
}
