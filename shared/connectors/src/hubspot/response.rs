//! HubSpot's answer to a batch, read into one outcome per item.
//!
//! Results come in any order, and failed ones are left out. What an item is given is certainly its own: by the trace
//! that HubSpot returns, by ids, by key values, or because nothing else is left. Otherwise the outcome is unknown;
//! never is it guessed, and never is it derived from a count.

use super::body::{Complaint, list, text_of};
use super::request::text;
use super::{DEFAULT_KEY, built_in_unique, error};
use crate::connector::{Kind, Outcome, WriteCall, WriteItem, Written};
use crate::http::Response;
use rtr_core::failure::{Class, Failure};
use rtr_core::mapping::Patch;
use rtr_core::time::Instant;
use serde_json::Value;
use std::collections::BTreeMap;

/// The outcomes of `items`, which one batch call of `call` held, in their order.
#[must_use]
pub fn outcomes(call: &WriteCall, items: &[&WriteItem], response: &Response, now: Instant) -> Vec<Outcome> {
    if !(200..=299).contains(&response.status) {
        return refused(call, items, response, now);
    }
    let body = response.json().unwrap_or_default();
    let results = list(&body["results"]).iter().filter_map(|value| Row::of(value, &call.kind)).collect();
    let errors: Vec<Complaint> = list(&body["errors"]).iter().map(Complaint::of).collect();
    let unsaid = if list(&body["results"]).is_empty() && errors.is_empty() {
        "HubSpot answered with success and nothing in it: neither a result nor an error"
    } else {
        "HubSpot did not say what became of this record"
    };
    let mut attribution = Attribution { call, items, outcomes: vec![None; items.len()], results, errors };
    attribution.by_trace();
    attribution.by_id();
    attribution.by_elimination();
    attribution.finish(unsaid)
}

/// A batch refused as a whole: what is said of one item, or of a property, is theirs; the others are tried again in
/// parts.
fn refused(call: &WriteCall, items: &[&WriteItem], response: &Response, now: Instant) -> Vec<Outcome> {
    let failure = error::refusal(response, now);
    if let [item] = items {
        return vec![alone(&call.kind, &item.id, failure)];
    }
    // Not about any item: an unknown object, a key that is not unique, a wrong address.
    if failure.class == Class::Refused {
        return items.iter().map(|_| Err(failure.clone())).collect();
    }
    let complaint = Complaint::of_response(response);
    let again = Failure { class: Class::BatchRefused, ..failure.clone() };
    let one = |item: &&WriteItem| {
        let named = complaint.traces.contains(&item.trace) && !item.trace.is_empty();
        let by_field = unwritable(&complaint).find(|name| writes(call, item, name));
        match by_field {
            Some(name) => {
                let message = format!("HubSpot refused the property `{name}`: it is not there or read-only");
                // HubSpot's words are about the whole batch, and may repeat values of other records: not kept here.
                Err(Failure::new(Class::Invalid { field: Some(name.to_owned()) }, message))
            }
            None if named => alone(&call.kind, &item.id, failure.clone()),
            None => Err(again.clone()),
        }
    };
    items.iter().map(one).collect()
}

/// Properties that no record can have written: whoever writes one fails, so nobody needs to be tried for it.
fn unwritable(complaint: &Complaint) -> impl Iterator<Item = &str> {
    let codes = ["PROPERTY_DOESNT_EXIST", "READ_ONLY_VALUE"];
    complaint
        .properties
        .iter()
        .filter(move |(_, code)| codes.contains(&code.as_str()))
        .map(|(name, _)| name.as_str())
}

fn writes(call: &WriteCall, item: &WriteItem, name: &str) -> bool {
    let is_key = matches!(&call.kind, Kind::Upsert { property } if property == name);
    is_key || item.fields.get(name).is_some_and(|patch| !matches!(patch, Patch::Keep))
}

/// A failure as it stands for one item: nothing is left to divide, and what is gone needs no archiving.
pub(super) fn alone(kind: &Kind, id: &str, failure: Failure) -> Outcome {
    match (kind, &failure.class) {
        (Kind::Archive, Class::Missing) => Ok(silent(id)),
        // There is no record that a create or an upsert could miss: something else was not found.
        (Kind::Create | Kind::Upsert { .. }, Class::Missing) => {
            Err(Failure { class: Class::Refused, ..failure })
        }
        (_, Class::BatchRefused) => Err(Failure { class: Class::Invalid { field: None }, ..failure }),
        _ => Err(failure),
    }
}

/// Done, with nothing said of what is there now.
pub(super) fn silent(id: &str) -> Written {
    Written { external_id: id.to_owned(), created: false, held: BTreeMap::new() }
}

/// One of the answer's results.
#[derive(Debug)]
struct Row<'a> {
    written: Written,
    trace: Option<String>,
    properties: &'a Value,
}

impl<'a> Row<'a> {
    fn of(value: &'a Value, kind: &Kind) -> Option<Self> {
        let created = match kind {
            Kind::Create => true,
            _ => value["new"].as_bool().unwrap_or_default(),
        };
        let external_id = text_of(&value["id"]).filter(|id| !id.is_empty())?;
        let trace = text_of(&value["objectWriteTraceId"]);
        let written = Written { external_id, created, held: BTreeMap::new() };
        Some(Self { written, trace, properties: &value["properties"] })
    }
}

impl Row<'_> {
    /// The same with what HubSpot says that the item's own properties hold now. It tells of others beside, and what it
    /// took may differ from what it was given: an address in lower case, a lifecycle stage that does not go back.
    fn of_item(&self, item: &WriteItem) -> Written {
        let written = item.fields.iter().filter(|(_, patch)| !matches!(patch, Patch::Keep));
        let held = written.filter_map(|(name, _)| Some((name.clone(), self.properties.get(name)?.clone())));
        Written { held: held.collect(), ..self.written.clone() }
    }
}

struct Attribution<'a> {
    call: &'a WriteCall,
    items: &'a [&'a WriteItem],
    outcomes: Vec<Option<Outcome>>,
    results: Vec<Row<'a>>,
    errors: Vec<Complaint>,
}

impl Attribution<'_> {
    /// A result or error whose trace is not among ours, or was answered before, is nobody's.
    fn by_trace(&mut self) {
        let items = self.items;
        let position = |trace: &str| items.iter().position(|item| !trace.is_empty() && item.trace == trace);
        for row in std::mem::take(&mut self.results) {
            match row.trace.as_deref().filter(|trace| !trace.is_empty()) {
                Some(trace) => self.give_row(position(trace), row),
                None => self.results.push(row),
            }
        }
        for complaint in std::mem::take(&mut self.errors) {
            if complaint.traces.is_empty() {
                self.errors.push(complaint);
                continue;
            }
            for trace in &complaint.traces {
                self.fail(position(trace), &complaint);
            }
        }
    }

    /// Ids for what is addressed by id, key values for the rest. A result that names an item already answered is
    /// dropped, so that it cannot be taken for another's.
    fn by_id(&mut self) {
        for row in std::mem::take(&mut self.results) {
            match self.named(|item, equal| self.is_row_of(&row, item, equal)) {
                Some(item) => self.give_row(Some(item), row),
                None => self.results.push(row),
            }
        }
        for complaint in std::mem::take(&mut self.errors) {
            if complaint.ids.is_empty() {
                self.errors.push(complaint);
                continue;
            }
            let mut anyone = false;
            for id in &complaint.ids {
                let item = self.named(|item, equal| !id.is_empty() && equal(&item.id, id));
                anyone |= item.is_some();
                self.fail(item, &complaint);
            }
            if !anyone {
                self.errors.push(complaint);
            }
        }
    }

    /// One item and one result, or one error, are left: they belong together, since every result comes of one item. A
    /// merged record is found this way: it answers under another id than the one asked.
    fn by_elimination(&mut self) {
        let open: Vec<usize> = (0..self.items.len()).filter(|item| self.outcomes[*item].is_none()).collect();
        let [item] = open.as_slice() else { return };
        match (self.results.as_slice(), self.errors.as_slice()) {
            ([row], []) => {
                let id = &row.written.external_id;
                let elsewhere = |outcome: &Option<Outcome>| matches!(outcome, Some(Ok(other)) if other.external_id == *id);
                if !self.outcomes.iter().any(elsewhere) {
                    self.outcomes[*item] = Some(Ok(row.of_item(self.items[*item])));
                }
            }
            ([], [complaint]) => {
                let complaint = complaint.clone();
                self.fail(Some(*item), &complaint);
            }
            _ => {}
        }
    }

    fn finish(self, unsaid: &str) -> Vec<Outcome> {
        let Self { call, items, outcomes, errors, .. } = self;
        let rest = |item: &WriteItem| match (&call.kind, errors.first()) {
            // An archive has no results: whatever is not complained about is done.
            (Kind::Archive | Kind::Erase, None) => Ok(silent(&item.id)),
            // Some complaint names nobody. These may be sent again, so they are, in parts; a create may not.
            (Kind::Update | Kind::Upsert { .. } | Kind::Archive, Some(complaint)) if items.len() > 1 => {
                Err(Failure { class: Class::BatchRefused, ..error::of_complaint(complaint) })
            }
            _ => Err(Failure::new(Class::OutcomeUnknown, unsaid)),
        };
        outcomes.into_iter().zip(items).map(|(outcome, item)| outcome.unwrap_or_else(|| rest(item))).collect()
    }

    /// The one item that `test` holds for: with values exactly equal, or if there is none, alike.
    fn named(&self, test: impl Fn(&WriteItem, Equality) -> bool) -> Option<usize> {
        let all = |equal: Equality| -> Vec<usize> {
            (0..self.items.len()).filter(|item| test(self.items[*item], equal)).collect()
        };
        match (all(exactly).as_slice(), all(alike).as_slice()) {
            ([item], _) | ([], [item]) => Some(*item),
            _ => None,
        }
    }

    fn is_row_of(&self, row: &Row<'_>, item: &WriteItem, equal: Equality) -> bool {
        if self.call.kind == Kind::Update {
            return row.written.external_id == item.id;
        }
        let Some((property, value)) = key_of(self.call, item) else { return false };
        text_of(&row.properties[property.as_str()]).is_some_and(|there| equal(&there, &value))
    }

    fn give_row(&mut self, item: Option<usize>, row: Row<'_>) {
        let Some(written) = item.and_then(|item| self.items.get(item)).map(|item| row.of_item(item)) else {
            return;
        };
        self.give(item, Ok(written));
    }

    fn give(&mut self, item: Option<usize>, outcome: Outcome) {
        if let Some(slot @ None) = item.and_then(|item| self.outcomes.get_mut(item)) {
            *slot = Some(outcome);
        }
    }

    fn fail(&mut self, item: Option<usize>, complaint: &Complaint) {
        let id = item.and_then(|item| self.items.get(item)).map(|item| item.id.clone()).unwrap_or_default();
        self.give(item, alone(&self.call.kind, &id, error::of_complaint(complaint)));
    }
}

type Equality = fn(&str, &str) -> bool;

fn exactly(one: &str, other: &str) -> bool {
    one == other
}

/// HubSpot lower-cases e-mail addresses, and trims.
fn alike(one: &str, other: &str) -> bool {
    fold(one) == fold(other)
}

pub(super) fn fold(text: &str) -> String {
    text.trim().to_lowercase()
}

/// The unique property an item carries, and its value: the key of an upsert, and for a create our key or the e-mail
/// address if they are among its fields.
fn key_of(call: &WriteCall, item: &WriteItem) -> Option<(String, String)> {
    match &call.kind {
        Kind::Upsert { property } => Some((property.clone(), item.id.clone())),
        Kind::Create => {
            let unique = |name: &str| name == DEFAULT_KEY || built_in_unique(&call.object, name);
            item.fields.iter().find_map(|(name, patch)| match patch {
                Patch::Set(value) if unique(name) => Some((name.clone(), text(value))),
                _ => None,
            })
        }
        _ => None,
    }
    .filter(|(_, value)| !value.is_empty())
}
