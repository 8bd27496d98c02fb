//! Following merges: the record that lost one is deleted and names the record that was kept. Its updates may go there, if
//! that one is no other record's: which only the caller knows.

use super::{lookup, request, soql};
use crate::connector::{Outcome, WriteCall};
use crate::session::Session;
use rtr_core::failure::{Class, Failure};
use serde_json::Value;
use std::collections::BTreeMap;

/// The standard objects that can be merged; others have no `MasterRecordId` to ask for.
const MERGEABLE: [&str; 5] = ["Account", "Contact", "Lead", "Case", "Individual"];
/// Whether records of the object can be merged.
pub(super) fn is_mergeable(object: &str) -> bool {
    MERGEABLE.iter().any(|one| one.eq_ignore_ascii_case(object))
}

/// Merges of merged records that are followed.
const MERGES: usize = 3;

/// What became of a record that an update missed.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Fate {
    /// It is there: what was missed is something it refers to.
    There,
    /// Merged into this one.
    Into(String),
    /// Deleted, or never there.
    Gone,
}

/// Asks what became of the records that updates missed, in one query for all: the outcome of one that was merged tells
/// which record was kept. One that is there after all referred to something that is not, and its outcome says so.
pub(super) async fn tell_fates(session: &Session<'_>, call: &WriteCall, outcomes: &mut [Outcome]) {
    let missed = |outcome: &Outcome| matches!(outcome, Err(Failure { class: Class::Missing, .. }));
    let numbers: Vec<usize> = (0..outcomes.len()).filter(|number| missed(&outcomes[*number])).collect();
    let id = |number: &usize| call.items.get(*number).map(|item| item.id.clone());
    let mut fates = BTreeMap::new();
    let mut asked: Vec<String> = numbers.iter().filter_map(id).collect();
    for _ in 0..MERGES {
        if asked.is_empty() {
            break;
        }
        match fates_of(session, &call.object, &asked).await {
            Ok(found) => fates.extend(found),
            Err(failure)
                if matches!(failure.class, Class::Refused | Class::Forbidden | Class::BatchRefused) =>
            {
                break;
            }
            // Not known to be gone: nothing may be made anew.
            Err(failure) => {
                for number in &numbers {
                    outcomes[*number] = Err(failure.clone());
                }
                return;
            }
        }
        let kept = fates.values().filter_map(|fate| match fate {
            Fate::Into(id) if !fates.contains_key(id) => Some(id.clone()),
            _ => None,
        });
        asked = kept.collect();
    }
    for number in numbers {
        let Some(item) = call.items.get(number) else { continue };
        match end_of(&fates, &item.id) {
            Some(to) if to == item.id => outcomes[number] = Err(refers_to_nothing(&outcomes[number])),
            Some(to) => outcomes[number] = Err(merged(&outcomes[number], to)),
            None => {}
        }
    }
}

/// Where a record's merges end: at itself when it is there.
fn end_of(fates: &BTreeMap<String, Fate>, id: &str) -> Option<String> {
    let mut at = id.to_owned();
    for _ in 0..=MERGES {
        match fates.get(&at)? {
            Fate::There => return Some(at),
            Fate::Into(next) => at.clone_from(next),
            Fate::Gone => return None,
        }
    }
    None
}

fn merged(outcome: &Outcome, to: String) -> Failure {
    let words = outcome.as_ref().err().and_then(|failure| failure.crm_message.clone());
    let message = format!("the record was merged into Salesforce's record {to}");
    Failure { crm_message: words, ..Failure::new(Class::Moved { to }, message) }
}

fn refers_to_nothing(outcome: &Outcome) -> Failure {
    let words = outcome.as_ref().err().and_then(|failure| failure.crm_message.clone());
    let message = "the record is there, but Salesforce has no record with an id that it refers to";
    Failure { crm_message: words, ..Failure::new(Class::Invalid { field: None }, message) }
}

async fn fates_of(
    session: &Session<'_>,
    object: &str,
    ids: &[String],
) -> Result<BTreeMap<String, Fate>, Failure> {
    let columns = if is_mergeable(object) { "Id, IsDeleted, MasterRecordId" } else { "Id, IsDeleted" };
    let values: Vec<String> = ids.iter().map(|id| soql::literal(id)).collect();
    let query = format!("SELECT {columns} FROM {} WHERE Id IN ({})", soql::object(object)?, values.join(","));
    let records = lookup::all_pages(session, request::query(&query, true)).await?;
    let mut fates: BTreeMap<String, Fate> = ids.iter().map(|id| (id.clone(), Fate::Gone)).collect();
    for record in &records {
        if let Some(id) = record["Id"].as_str() {
            fates.insert(id.to_owned(), fate(record));
        }
    }
    Ok(fates)
}

fn fate(record: &Value) -> Fate {
    match (record["IsDeleted"].as_bool(), record["MasterRecordId"].as_str()) {
        (Some(false), _) => Fate::There,
        (_, Some(kept)) => Fate::Into(kept.to_owned()),
        _ => Fate::Gone,
    }
}
