//! Owners by their addresses, pipelines and stages by their labels, both halves: the requests, and what their answers hold.
//!
//! <https://developers.hubspot.com/docs/api-reference/crm-crm-owners-v3/guide>,
//! <https://developers.hubspot.com/docs/api-reference/crm-pipelines-v3/guide>

use super::body::{list, text_of};
use super::{path, request};
use crate::connector::{Call, Entry};
use rtr_core::failure::{Class, Failure};
use rtr_core::mapping::{LookupFact, Objects, Read};
use serde_json::Value;
use std::collections::BTreeSet;

/// So many addresses are asked for one by one; for more the list of all owners is the cheaper question.
const ONE_BY_ONE: usize = 3;
/// Owners of one page: "limit <= 500".
const PAGE: usize = 500;
/// Pages of owners: more is an answer that turns in a circle.
pub(super) const PAGES: usize = 100;
/// The longest address that there is, in bytes (RFC 5321).
const ADDRESS: usize = 254;

pub(super) const OWNER: &str = "owner";
pub(super) const PIPELINE: &str = "pipeline";
pub(super) const STAGE: &str = "stage";

/// People, companies and products have no pipelines of their own making; deals, tickets, leads, orders, services and custom objects
/// may.
const WITH_PIPELINES: Objects = Objects::AllBut(&[
    "contacts",
    "contact",
    "0-1",
    "companies",
    "company",
    "0-2",
    "products",
    "product",
    "0-7",
]);

/// What a field can look up.
pub(super) const LOOKUPS: &[LookupFact] = &[
    LookupFact {
        name: OWNER,
        noun: "owner",
        by: "e-mail",
        objects: Objects::All,
        within: None,
        read: Read::Each,
        add: "add the user in HubSpot",
        several: "let only one have it",
    },
    LookupFact {
        name: PIPELINE,
        noun: "pipeline",
        by: "label",
        objects: WITH_PIPELINES,
        within: None,
        read: Read::Whole,
        add: "add the pipeline in HubSpot",
        several: "give them different labels in HubSpot",
    },
    LookupFact {
        name: STAGE,
        noun: "stage",
        by: "label",
        objects: WITH_PIPELINES,
        // "Each pipeline stage's label must be unique within that pipeline": in another one it may stand again.
        within: Some(PIPELINE),
        read: Read::Whole,
        add: "add the stage in HubSpot",
        several: "say in which pipeline: `within: <the field of the pipeline>`",
    },
];

/// How owners are asked for.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Owners {
    /// One call each.
    ByAddress(Vec<Call>),
    /// All of them: this call, then [`next_page`] after page.
    All(Call),
}

/// The question for the owners of these addresses. What cannot be an address is nobody's, and not asked for. Users who have
/// left are not among the answers, unless `archived` asks for them: they can own nothing new.
pub(super) fn owners(names: &[String]) -> Owners {
    let addresses: BTreeSet<String> =
        names.iter().map(|name| name.trim().to_lowercase()).filter(|name| is_address(name)).collect();
    if addresses.len() > ONE_BY_ONE {
        return Owners::All(request::get(format!("{}?limit={PAGE}", path::OWNERS)));
    }
    let call = |address: &String| {
        request::get(format!("{}?email={}&limit={PAGE}", path::OWNERS, request::segment(address)))
    };
    Owners::ByAddress(addresses.iter().map(call).collect())
}

/// The page after this answer's, if there is one.
pub(super) fn next_page(answer: &Value) -> Option<Call> {
    let after = text_of(&answer["paging"]["next"]["after"])?;
    Some(request::get(format!("{}?limit={PAGE}&after={}", path::OWNERS, request::segment(&after))))
}

/// The owners in an answer, by their addresses. It is the `id` that is assigned: "userId … will result in an error if it is
/// used to assign ownership".
///
/// # Errors
/// When HubSpot gave no list: taking that for nobody would make dead letters of everybody's records.
pub(super) fn owners_in(answer: &Value) -> Result<Vec<Entry>, Failure> {
    let owner = |owner: &Value| {
        let name = owner["email"].as_str().filter(|email| !email.is_empty())?.to_owned();
        let left = owner["archived"].as_bool().unwrap_or_default();
        let id = text_of(&owner["id"]).filter(|_| !left)?;
        Some(Entry { lookup: OWNER, name, within: None, id })
    };
    Ok(results(answer)?.iter().filter_map(owner).collect())
}

/// The pipelines of `object`, with all their stages.
pub(super) fn pipelines(object: &str) -> Call {
    request::get(format!("{}/{}", path::PIPELINES, request::segment(object)))
}

/// The pipelines and the stages in an answer, by their labels.
///
/// # Errors
/// When HubSpot gave no list.
pub(super) fn pipelines_in(answer: &Value) -> Result<Vec<Entry>, Failure> {
    let mut entries = Vec::new();
    for pipeline in results(answer)?.iter().filter(|one| one["archived"] != true) {
        let Some(of) = entry(PIPELINE, pipeline, None) else { continue };
        let stages = list(&pipeline["stages"]).iter().filter(|one| one["archived"] != true);
        entries.extend(stages.filter_map(|stage| entry(STAGE, stage, Some(of.id.clone()))));
        entries.push(of);
    }
    Ok(entries)
}

fn entry(lookup: &'static str, value: &Value, within: Option<String>) -> Option<Entry> {
    let (name, id) = (value["label"].as_str()?.to_owned(), text_of(&value["id"])?);
    Some(Entry { lookup, name, within, id })
}

fn results(answer: &Value) -> Result<&[Value], Failure> {
    if answer["results"].is_array() {
        return Ok(list(&answer["results"]));
    }
    Err(Failure::new(Class::Unavailable, "HubSpot answered a look-up without saying what it found"))
}

fn is_address(text: &str) -> bool {
    let parts = text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty());
    parts && text.len() <= ADDRESS && !text.chars().any(|c| c.is_whitespace() || c.is_control())
}
