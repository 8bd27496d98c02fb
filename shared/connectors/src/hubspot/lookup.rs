//! Finding records by the value of a property, both halves: the requests, and what their answers hold.
//!
//! A unique property is read by key, which sees the latest writes; any other is searched, which lags behind and may
//! find several. All that is found is returned: what to make of several is the caller's matter.

use super::body::{Complaint, list, text_of};
use super::response::fold;
use super::{BATCH, SEARCH, built_in_unique, error, path, request};
use crate::connector::{Call, Found, Lookup, LookupBy, Property};
use crate::shape::Shape;
use rtr_core::failure::{Class, Failure};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// HubSpot refuses a longer search body, in characters. Some are left for what surrounds the values.
pub(super) const SEARCH_BODY: usize = 3_000;
const SEARCH_BODY_FRAME: usize = 500;
/// Results of one page of a search.
pub(super) const PAGE: usize = 200;
/// HubSpot pages through no more results than these.
const SEARCH_RESULTS: usize = 10_000;
/// The property that every record has and HubSpot keeps unique.
pub(super) const OBJECT_ID: &str = "hs_object_id";
/// The property that holds the ids of the records merged into this one, joined by `;`.
pub(super) const MERGED: &str = "hs_merged_object_ids";

/// How a look-up is carried out.
#[derive(Debug, Clone, PartialEq)]
pub enum Plan {
    /// One call each.
    Read(Vec<Call>),
    /// One call each, then [`next_page`] after page.
    Search(Vec<Call>),
}

/// The calls of a look-up.
///
/// # Errors
/// When a value is too long to be searched for.
pub fn plan(lookup: &Lookup) -> Result<Plan, Failure> {
    let built_in = lookup.property == OBJECT_ID || built_in_unique(&lookup.object, &lookup.property);
    if built_in || lookup.by == LookupBy::Unique {
        return Ok(Plan::Read(read_groups(lookup).iter().map(|values| read(lookup, values)).collect()));
    }
    Ok(Plan::Search(search_groups(lookup)?.iter().map(|values| search(lookup, values)).collect()))
}

/// The call for the page after this answer's, if there is one.
///
/// # Errors
/// When more records match than HubSpot pages through.
pub fn next_page(call: &Call, answer: &Value) -> Result<Option<Call>, Failure> {
    let Some(after) = text_of(&answer["paging"]["next"]["after"]) else { return Ok(None) };
    if after.parse::<usize>().is_ok_and(|offset| offset >= SEARCH_RESULTS) {
        let message =
            format!("more than {SEARCH_RESULTS} HubSpot records match; the match property tells too little");
        return Err(Failure::new(Class::Refused, message));
    }
    let mut next = call.clone();
    if let crate::http::RequestBody::Json(body) = &mut next.request.body {
        body["after"] = json!(after);
    }
    Ok(Some(next))
}

/// The records in an answer of either kind. Keys that nobody has, or can have, are errors in a 207, and simply not
/// found here.
///
/// # Errors
/// When HubSpot failed to read some, or gave no list at all: taking those for absent would make second records of them.
pub fn found(lookup: &Lookup, answer: &Value) -> Result<Vec<Found>, Failure> {
    let wanted: Vec<String> = lookup.values.iter().map(|value| fold(value)).collect();
    Ok(results(answer)?.iter().flat_map(|record| found_in(lookup, &wanted, record)).collect())
}

/// The call that reads what one record holds.
#[must_use]
pub fn holding(object: &str, external_id: &str, properties: &[String]) -> Call {
    let body = json!({ "inputs": [{ "id": external_id }], "properties": properties });
    asking(request::post(format!("{}/{}/batch/read", path::OBJECTS, request::segment(object)), body))
}

/// What the one record of an answer to [`holding`] holds; none when there is none in it.
///
/// # Errors
/// When HubSpot failed to read it, or gave no list at all.
pub fn held(answer: &Value, properties: &[String]) -> Result<Option<BTreeMap<String, Value>>, Failure> {
    let Some(record) = results(answer)?.first() else { return Ok(None) };
    let value = |name: &String| (name.clone(), record["properties"][name.as_str()].clone());
    Ok(Some(properties.iter().map(value).collect()))
}

/// What a property holds, by HubSpot's names of types. HubSpot keeps addresses in lower case.
#[must_use]
pub fn shape(property: &Property) -> Shape {
    match property.kind.as_str() {
        _ if property.name == "email" => Shape::Address,
        "number" => Shape::Number,
        "bool" => Shape::Truth,
        "date" => Shape::Day,
        "datetime" => Shape::Moment,
        "enumeration" => Shape::Choices,
        _ => Shape::Text,
    }
}

/// The records in an answer: see [`found`].
pub(super) fn results(answer: &Value) -> Result<&[Value], Failure> {
    if !answer["results"].is_array() {
        let message = "HubSpot answered a look-up without saying what it found";
        return Err(Failure::new(Class::Unavailable, message));
    }
    let absent = ["OBJECT_NOT_FOUND", "VALIDATION_ERROR"];
    let complaints = list(&answer["errors"]).iter().map(Complaint::of);
    if let Some(complaint) = complaints.into_iter().find(|it| !absent.contains(&it.category.as_str())) {
        return Err(match error::of_complaint(&complaint) {
            // Nothing was to be carried out, so nothing is unknown.
            failure if failure.class == Class::OutcomeUnknown => {
                Failure { class: Class::Unavailable, ..failure }
            }
            failure => failure,
        });
    }
    Ok(list(&answer["results"]))
}

/// The properties in an answer to [`request::properties`].
#[must_use]
pub fn properties(object: &str, answer: &Value) -> Vec<Property> {
    let property = |value: &Value| {
        let name = value["name"].as_str()?.to_owned();
        let read_only = value["modificationMetadata"]["readOnlyValue"].as_bool().unwrap_or_default()
            || value["calculated"].as_bool().unwrap_or_default();
        Some(Property {
            unique: value["hasUniqueValue"].as_bool().unwrap_or_default() || built_in_unique(object, &name),
            kind: value["type"].as_str().unwrap_or_default().to_owned(),
            writable: !read_only,
            options: options(value),
            name,
            ..Property::default()
        })
    };
    list(&answer["results"]).iter().filter_map(property).collect()
}

/// The values of a choice. Properties of other types may list options too, which bind nothing.
fn options(property: &Value) -> Vec<String> {
    let binding = matches!(property["type"].as_str(), Some("enumeration" | "bool"));
    let listed = list(&property["options"]).iter().filter_map(|option| text_of(&option["value"]));
    listed.filter(|_| binding).collect()
}

/// A record is found by its value, and by the values it has from merges: a contact's further e-mail addresses, the
/// ids of records merged into it.
fn found_in(lookup: &Lookup, wanted: &[String], record: &Value) -> Vec<Found> {
    let Some(external_id) = text_of(&record["id"]) else { return Vec::new() };
    let property = |name: &str| text_of(&record["properties"][name]);
    let own =
        if lookup.property == OBJECT_ID { Some(external_id.clone()) } else { property(&lookup.property) };
    let further = further(lookup).and_then(property).unwrap_or_default();
    let values = own.iter().map(String::as_str).chain(further.split(';')).map(str::trim);
    let mut matching: Vec<String> =
        values.filter(|value| wanted.contains(&fold(value))).map(str::to_owned).collect();
    if matching.is_empty() {
        // HubSpot found it, by a reading of the value that we do not know.
        matching.extend(own);
    }
    let also = lookup.also.as_deref().and_then(property).filter(|value| !value.is_empty());
    let found = |value| Found { external_id: external_id.clone(), value, also: also.clone() };
    once(&matching).into_iter().map(found).collect()
}

fn further(lookup: &Lookup) -> Option<&'static str> {
    if lookup.property == OBJECT_ID {
        Some(MERGED)
    } else if built_in_unique(&lookup.object, &lookup.property) {
        Some("hs_additional_emails")
    } else {
        None
    }
}

fn returned(lookup: &Lookup) -> Vec<&str> {
    let mut names = vec![lookup.property.as_str()];
    names.extend(further(lookup));
    names.extend(lookup.also.as_deref().filter(|name| *name != lookup.property));
    names
}

fn read(lookup: &Lookup, values: &[String]) -> Call {
    let inputs: Vec<Value> = values.iter().map(|value| json!({ "id": value })).collect();
    let mut body = json!({ "inputs": inputs, "properties": returned(lookup) });
    if lookup.property != OBJECT_ID {
        body["idProperty"] = json!(lookup.property);
    }
    asking(request::post(format!("{}/{}/batch/read", path::OBJECTS, request::segment(&lookup.object)), body))
}

fn search(lookup: &Lookup, values: &[String]) -> Call {
    let filter = json!({ "propertyName": lookup.property, "operator": "IN", "values": values });
    let body = json!({
        "filterGroups": [{ "filters": [filter] }],
        // Pages are offsets, so the order must hold from one to the next.
        "sorts": [{ "propertyName": OBJECT_ID, "direction": "ASCENDING" }],
        "properties": returned(lookup),
        "limit": PAGE,
    });
    let call = request::post(format!("{}/{}/search", path::OBJECTS, request::segment(&lookup.object)), body);
    Call { api: SEARCH, ..asking(call) }
}

/// A POST that only asks, and so may be sent again.
pub(super) fn asking(mut call: Call) -> Call {
    call.request.reads_only = true;
    call
}

/// Values in groups that fit one search: `IN` compares text only in lower case.
fn search_groups(lookup: &Lookup) -> Result<Vec<Vec<String>>, Failure> {
    let names: usize = returned(lookup).iter().map(|name| name.len() + 3).sum();
    let room = SEARCH_BODY.saturating_sub(SEARCH_BODY_FRAME + names);
    let lowered: Vec<String> = lookup.values.iter().map(|value| fold(value)).collect();
    let mut groups: Vec<Vec<String>> = Vec::new();
    let mut used = 0;
    for value in once(&lowered) {
        // As it stands in the body: quotes, escapes and the comma.
        let length = json!(value).to_string().chars().count() + 1;
        if length > room {
            let message = format!("a value of `{}` is too long for HubSpot's search", lookup.property);
            return Err(Failure::new(Class::Invalid { field: Some(lookup.property.clone()) }, message));
        }
        match groups.last_mut() {
            Some(group) if group.len() < BATCH && used + length <= room => group.push(value),
            _ => {
                groups.push(vec![value]);
                used = 0;
            }
        }
        used += length;
    }
    Ok(groups)
}

/// Keys in groups that fit one read. HubSpot refuses a key that stands twice in a batch, and does not say whether case
/// matters: keys that differ in nothing else go in separate calls.
fn read_groups(lookup: &Lookup) -> Vec<Vec<String>> {
    let mut groups: Vec<(BTreeSet<String>, Vec<String>)> = Vec::new();
    for value in once(&lookup.values) {
        let folded = fold(&value);
        match groups.iter_mut().find(|(seen, group)| group.len() < BATCH && !seen.contains(&folded)) {
            Some((seen, group)) => {
                seen.insert(folded);
                group.push(value);
            }
            None => groups.push((BTreeSet::from([folded]), vec![value])),
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

/// Each value once, in order.
pub(super) fn once(values: &[String]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    values.iter().filter(|value| seen.insert(value.as_str())).cloned().collect()
}
