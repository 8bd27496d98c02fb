//! Associations in batches, both halves: the requests, and what became of each.
//!
//! Making an association again changes nothing, so whatever HubSpot leaves unsaid may be repeated at leave; still no
//! such request counts as read-only, since it writes.

use super::body::{Complaint, list, text_of};
use super::{BATCH, Standard, error, path, request};
use crate::connector::{Association, Call};
use crate::http::Response;
use rtr_core::failure::{Class, Failure};
use rtr_core::time::Instant;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What is said of associations made.
pub type Made = Result<(), Failure>;

/// HubSpot's type for a label between two objects; none is the unlabelled one.
///
/// # Errors
/// When HubSpot has no such label between these objects.
pub fn type_id(association: &Association) -> Result<Option<u32>, Failure> {
    let ends = (Standard::of(&association.from_object), Standard::of(&association.to_object));
    match (association.label.as_str(), ends) {
        ("default" | "", _) => Ok(None),
        ("primary", (Some(Standard::Contact), Some(Standard::Company))) => Ok(Some(1)),
        ("primary", (Some(Standard::Deal), Some(Standard::Company))) => Ok(Some(5)),
        (label, _) => {
            let message = format!(
                "HubSpot has no association `{label}` from {} to {} that rtr-sync knows; there are `default` between \
                 any two objects, and `primary` from contacts or deals to companies",
                association.from_object, association.to_object
            );
            Err(Failure::new(Class::Invalid { field: None }, message))
        }
    }
}

/// The numbers of associations that may share a call: same objects, same label, each pair of ids once.
#[must_use]
pub fn groups(wanted: &[Association]) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (number, association) in wanted.iter().enumerate() {
        let fits = |group: &&mut Vec<usize>| {
            let same_call = group.first().and_then(|first| wanted.get(*first)).is_some_and(|first| {
                (&first.from_object, &first.to_object, &first.label)
                    == (&association.from_object, &association.to_object, &association.label)
            });
            let ends = (&association.from_id, &association.to_id);
            let again = group.iter().any(|n| wanted.get(*n).is_some_and(|a| (&a.from_id, &a.to_id) == ends));
            same_call && group.len() < BATCH && !again
        };
        match groups.iter_mut().find(fits) {
            Some(group) => group.push(number),
            None => groups.push(vec![number]),
        }
    }
    groups
}

/// The call for associations that share their objects and label.
#[must_use]
pub fn call(first: &Association, type_id: Option<u32>, wanted: &[&Association]) -> Call {
    let verb = if type_id.is_some() { "batch/create" } else { "batch/associate/default" };
    let input = |association: &&Association| {
        let mut input = json!({ "from": { "id": association.from_id }, "to": { "id": association.to_id } });
        if let Some(id) = type_id {
            input["types"] = json!([{ "associationCategory": "HUBSPOT_DEFINED", "associationTypeId": id }]);
        }
        input
    };
    let inputs: Vec<Value> = wanted.iter().map(input).collect();
    let (from, to) = (request::segment(&first.from_object), request::segment(&first.to_object));
    request::post(format!("{}/{from}/{to}/{verb}", path::ASSOCIATIONS), json!({ "inputs": inputs }))
}

/// What became of `wanted`, which one call held, in their order.
#[must_use]
pub fn outcomes(wanted: &[&Association], response: &Response, now: Instant) -> Vec<Made> {
    if !(200..=299).contains(&response.status) {
        return refused(wanted, error::refusal(response, now));
    }
    let body = response.json().unwrap_or_default();
    let made: BTreeSet<(String, String)> = list(&body["results"]).iter().filter_map(ends).collect();
    let complaints: Vec<Complaint> = list(&body["errors"]).iter().map(Complaint::of).collect();
    let (mut nameless, mut named) = (Vec::new(), Vec::new());
    for complaint in &complaints {
        if wanted.iter().any(|association| names(complaint, association)) {
            named.push(complaint);
        } else {
            nameless.push(complaint);
        }
    }
    let asked: BTreeSet<_> = wanted.iter().map(|one| (one.from_id.clone(), one.to_id.clone())).collect();
    // The id of a record that was merged is answered by the id of the one it was merged into: a pair for every pair asked
    // for, and no complaint, is all of them. A pair seen from either end is one.
    let seen: BTreeSet<_> = made.iter().map(|(from, to)| (from.min(to), from.max(to))).collect();
    let all = complaints.is_empty() && seen.len() >= asked.len();
    let one = |association: &&Association| {
        if all || made.contains(&(association.from_id.clone(), association.to_id.clone())) {
            return Ok(());
        }
        let complaint = named.iter().find(|complaint| names(complaint, association));
        match (complaint.or(nameless.first()), wanted.len()) {
            (Some(complaint), 1) => Err(settled(error::of_complaint(complaint))),
            (Some(complaint), _) if names(complaint, association) => {
                Err(settled(error::of_complaint(complaint)))
            }
            (Some(complaint), _) => Err(again(error::of_complaint(complaint))),
            (None, _) => {
                let message = "HubSpot did not say what became of this association";
                Err(Failure::new(Class::OutcomeUnknown, message))
            }
        }
    };
    wanted.iter().map(one).collect()
}

/// Refused as a whole: a lone association has the failure, several are tried in parts, unless it is nobody's fault.
fn refused(wanted: &[&Association], failure: Failure) -> Vec<Made> {
    let whole = matches!(failure.class, Class::Refused | Class::TooLarge);
    let one = match wanted {
        [_] => settled(failure),
        _ if whole => failure,
        _ => again(failure),
    };
    wanted.iter().map(|_| Err(one.clone())).collect()
}

fn again(failure: Failure) -> Failure {
    Failure { class: Class::BatchRefused, ..failure }
}

fn settled(failure: Failure) -> Failure {
    match failure.class {
        Class::BatchRefused => Failure { class: Class::Invalid { field: None }, ..failure },
        _ => failure,
    }
}

/// `from.id` as text from one endpoint, `fromObjectId` as a number from the other.
fn ends(result: &Value) -> Option<(String, String)> {
    let end = |object: &str, flat: &str| text_of(&result[object]["id"]).or_else(|| text_of(&result[flat]));
    Some((end("from", "fromObjectId")?, end("to", "toObjectId")?))
}

/// Whether a complaint is about this association: it names both ends, or the only one it names is one of them.
fn names(complaint: &Complaint, association: &Association) -> bool {
    let Complaint { from_ids, to_ids, ids, .. } = complaint;
    if !from_ids.is_empty() || !to_ids.is_empty() {
        return (from_ids.is_empty() || from_ids.contains(&association.from_id))
            && (to_ids.is_empty() || to_ids.contains(&association.to_id));
    }
    ids.contains(&association.from_id) || ids.contains(&association.to_id)
}
