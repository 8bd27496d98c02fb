//! Users by e-mail or username, stages of opportunities by their labels: the queries, and what their answers hold.
//!
//! <https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/sforce_api_objects_user.htm>,
//! <https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/sforce_api_objects_opportunitystage.htm>

use super::lookup::QUERY_BYTES;
use super::{request, soql};
use crate::connector::Entry;
use rtr_core::mapping::{LookupFact, Objects, Read};
use serde_json::Value;
use std::collections::BTreeSet;

pub(super) const OWNER: &str = "owner";
pub(super) const STAGE: &str = "stage";
/// The longest e-mail address or username, in bytes: User.Email takes 128 characters, User.Username 80.
const ADDRESS: usize = 254;
/// The kind of user who works with records by default; others are partners' and customers' people, and machines.
const STANDARD: &str = "Standard";

/// What a field can look up.
pub(super) const LOOKUPS: &[LookupFact] = &[
    LookupFact {
        name: OWNER,
        noun: "active user",
        by: "e-mail or username",
        objects: Objects::All,
        within: None,
        read: Read::Each,
        add: "add or activate the user in Salesforce",
        // A username is unique at Salesforce; an e-mail address need not be.
        several: "send the username, which is unique",
    },
    LookupFact {
        name: STAGE,
        noun: "active stage",
        by: "label",
        objects: Objects::Only(&["Opportunity"]),
        within: None,
        read: Read::Whole,
        add: "add or activate the stage in Salesforce",
        several: "give them different labels in Salesforce",
    },
];

/// The active stages: "Inactive opportunity stage values are not available in the picklist".
pub(super) const STAGES: &str = "SELECT ApiName, MasterLabel FROM OpportunityStage WHERE IsActive = true";

/// The queries for the active users of these addresses. An inactive user can own nothing new
/// (`INACTIVE_OWNER_OR_USER`). What cannot be an address is nobody's, and not asked for.
pub(super) fn users(names: &[String]) -> Vec<String> {
    let names: BTreeSet<&str> =
        names.iter().map(|name| name.trim()).filter(|name| is_address(name)).collect();
    let frame = request::encoded(&query("")).len();
    let mut groups: Vec<(usize, String)> = Vec::new();
    for name in names {
        let literal = soql::literal(name);
        // It stands in the query twice, with a comma.
        let length = 2 * (request::encoded(&literal).len() + 3);
        match groups.last_mut() {
            Some((used, group)) if *used + length <= QUERY_BYTES => {
                *used += length;
                group.push_str(&format!(",{literal}"));
            }
            _ => groups.push((frame + length, literal)),
        }
    }
    groups.iter().map(|(_, group)| query(group)).collect()
}

fn query(literals: &str) -> String {
    format!(
        "SELECT Id, Username, Email, UserType FROM User WHERE IsActive = true AND (Username IN ({literals}) OR Email IN \
         ({literals}))"
    )
}

/// Who each of `names` stands for: the user of this username; else those of this address who are standard users; else
/// those of this address. Salesforce compares both without case.
pub(super) fn users_in(names: &[String], records: &[Value]) -> Vec<Entry> {
    let text = |record: &Value, field: &str| soql::value_of(record, field).unwrap_or_default();
    let has = |record: &&Value, field: &str, name: &str| {
        text(record, field).to_lowercase() == name.trim().to_lowercase()
    };
    let mut entries = Vec::new();
    for name in names {
        let by_username: Vec<&Value> = records.iter().filter(|user| has(user, "Username", name)).collect();
        let by_email: Vec<&Value> = records.iter().filter(|user| has(user, "Email", name)).collect();
        let standard: Vec<&Value> =
            by_email.iter().filter(|user| text(user, "UserType") == STANDARD).copied().collect();
        let found = [by_username, standard, by_email].into_iter().find(|found| !found.is_empty());
        let ids: BTreeSet<String> =
            found.into_iter().flatten().map(|user| text(user, "Id")).filter(|id| !id.is_empty()).collect();
        entries.extend(ids.into_iter().map(|id| Entry {
            lookup: OWNER,
            name: name.clone(),
            within: None,
            id,
        }));
    }
    entries
}

/// The stages by their labels. What is written is the picklist's value, which is the `ApiName`: the two differ once a label
/// was changed.
pub(super) fn stages_in(records: &[Value]) -> Vec<Entry> {
    let stage = |record: &Value| {
        let name = record["MasterLabel"].as_str()?.to_owned();
        let id = record["ApiName"].as_str().unwrap_or(&name).to_owned();
        Some(Entry { lookup: STAGE, name, within: None, id })
    };
    records.iter().filter_map(stage).collect()
}

fn is_address(text: &str) -> bool {
    text.contains('@') && text.len() <= ADDRESS && !text.chars().any(|c| c.is_whitespace() || c.is_control())
}
