//! Salesforce's answer to a write, read into one outcome per item.
//!
//! Results come in the order of the request, so an item is given what stands at its place: but only when the answer has
//! as many as were asked for, and the ids in it are those that were. Otherwise no place can be trusted, and nobody
//! knows.

use super::body::{id18, list};
use super::error;
use crate::connector::{Kind, Outcome, WriteCall, WriteItem, Written};
use crate::http::Response;
use rtr_core::failure::{Class, Failure};
use rtr_core::mapping::Patch;
use rtr_core::time::Instant;
use serde_json::Value;
use std::collections::BTreeMap;

/// The outcomes of `items`, which one call of `call` held, in their order.
#[must_use]
pub fn outcomes(call: &WriteCall, items: &[&WriteItem], response: &Response, now: Instant) -> Vec<Outcome> {
    if !(200..=299).contains(&response.status) {
        return refused(call, items, error::refusal(response, now));
    }
    let results = match response.json() {
        Some(Value::Array(results)) => results,
        // The record's own address answers for one.
        Some(one @ Value::Object(_)) if items.len() == 1 => vec![one],
        _ => return unknown(items, "Salesforce answered with success and nothing that can be read"),
    };
    if results.len() != items.len() {
        return unknown(items, "Salesforce answered for another number of records than were sent");
    }
    if results.iter().zip(items).any(|(result, item)| is_strange(call, result, item)) {
        return unknown(items, "Salesforce answered for other records than were sent");
    }
    let one =
        |(result, item): (&Value, &&WriteItem)| outcome(call, items, result, item, response.status, now);
    results.iter().zip(items).map(one).collect()
}

/// A refusal of one item that passes by itself: locks, and another call that makes a record with the same key at the
/// same moment. Sent again, that one finds the record and becomes an update. Only the key in Salesforce's words tells
/// it from a clash of another unique field.
#[must_use]
pub fn is_passing(call: &WriteCall, failure: &Failure) -> bool {
    let says = |name: &str| failure.crm_message.as_deref().is_some_and(|words| words.contains(name));
    match (&failure.class, &call.kind) {
        (Class::Busy, _) => true,
        (Class::Duplicate { existing: Some(_) }, Kind::Upsert { property }) => says(property),
        _ => false,
    }
}

fn unknown(items: &[&WriteItem], why: &str) -> Vec<Outcome> {
    items.iter().map(|_| Err(Failure::new(Class::OutcomeUnknown, why))).collect()
}

/// A call refused as a whole: a lone item has the failure, several are tried in parts, unless it is nobody's fault.
fn refused(call: &WriteCall, items: &[&WriteItem], failure: Failure) -> Vec<Outcome> {
    if let [item] = items {
        return vec![alone(&call.kind, item, failure)];
    }
    let own = matches!(failure.class, Class::Invalid { .. } | Class::Missing | Class::Duplicate { .. });
    let failure = if own { Failure { class: Class::BatchRefused, ..failure } } else { failure };
    items.iter().map(|_| Err(failure.clone())).collect()
}

/// What is addressed by id answers with that id.
fn is_strange(call: &WriteCall, result: &Value, item: &WriteItem) -> bool {
    let addressed = matches!(call.kind, Kind::Update | Kind::Archive);
    let there = result["id"].as_str().filter(|id| !id.is_empty());
    addressed && there.is_some_and(|there| !is_same(there, &item.id))
}

fn is_same(one: &str, other: &str) -> bool {
    one == other || id18(one).is_some_and(|id| id18(other) == Some(id))
}

fn outcome(
    call: &WriteCall,
    items: &[&WriteItem],
    result: &Value,
    item: &WriteItem,
    status: u16,
    now: Instant,
) -> Outcome {
    let unsaid =
        || Err(Failure::new(Class::OutcomeUnknown, "Salesforce did not say what became of this record"));
    match result["success"].as_bool() {
        Some(true) => {
            let own = matches!(call.kind, Kind::Archive).then_some(item.id.as_str());
            let Some(id) = result["id"].as_str().filter(|id| !id.is_empty()).or(own) else { return unsaid() };
            let created = match call.kind {
                Kind::Create => true,
                _ => result["created"].as_bool().unwrap_or(status == 201),
            };
            Ok(Written { created, ..silent(&id18(id).unwrap_or_else(|| id.to_owned())) })
        }
        Some(false) => match list(&result["errors"]).first() {
            Some(error) => settled(call, items, item, error::of_item(error, now)),
            None => unsaid(),
        },
        None => unsaid(),
    }
}

/// Done. Salesforce never says what a record holds after a write.
pub(super) fn silent(id: &str) -> Written {
    Written { external_id: id.to_owned(), created: false, held: BTreeMap::new() }
}

/// What was not done for its neighbours' sake is tried again without them.
fn settled(call: &WriteCall, items: &[&WriteItem], item: &WriteItem, failure: Failure) -> Outcome {
    if failure.class == Class::BatchRefused && items.len() > 1 {
        return Err(failure);
    }
    alone(&call.kind, item, failure)
}

/// A failure as it stands for one item: nothing is left to divide, what is gone needs no deleting, and a field that
/// only Salesforce's words name is looked for among the item's own.
pub(super) fn alone(kind: &Kind, item: &WriteItem, failure: Failure) -> Outcome {
    match (kind, failure.class.clone()) {
        (Kind::Archive, Class::Missing) => Ok(silent(&item.id)),
        // There is no record that a create or an upsert could miss: what it refers to is.
        (Kind::Create | Kind::Upsert { .. }, Class::Missing) | (_, Class::Invalid { field: None }) => {
            let field = named(item, failure.crm_message.as_deref().unwrap_or_default());
            let message = match failure.class {
                Class::Missing => "Salesforce has no record with an id that this one refers to".to_owned(),
                _ => failure.message,
            };
            Err(Failure { class: Class::Invalid { field }, message, ..failure })
        }
        (_, Class::BatchRefused) => Err(Failure { class: Class::Invalid { field: None }, ..failure }),
        _ => Err(failure),
    }
}

/// The one field of the item that the words name; of a dotted one, its part at the parent.
fn named(item: &WriteItem, words: &str) -> Option<String> {
    let said = |name: &str| {
        let own = name.rsplit('.').next().unwrap_or(name);
        words.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|word| word == own)
    };
    let written = item.fields.iter().filter(|(_, patch)| !matches!(patch, Patch::Keep));
    let mut names = written.map(|(name, _)| name).filter(|name| said(name));
    match (names.next(), names.next()) {
        (Some(name), None) => Some(name.clone()),
        _ => None,
    }
}
