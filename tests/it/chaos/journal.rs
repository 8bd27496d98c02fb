//! What each CRM was told, in the order in which it took effect, read from its own log of requests.

use super::orgs::{account, connections};
use super::story::{Story, What};
use crate::stack::{CrmRequest, Org};
use serde_json::Value;
use std::collections::BTreeMap;

/// Delay of a `drop_then_commit`, in milliseconds.
const LATE_MS: i64 = 1_000;

/// The versions of each record that took effect, by org, connection and id, in their order.
pub(super) type Applied = BTreeMap<(usize, &'static str, String), Vec<usize>>;

/// Reads the logs of all accounts.
pub(super) fn applied(story: &Story, orgs: &[Org<'_>]) -> Applied {
    let mut applied = Applied::new();
    for (at, org) in orgs.iter().enumerate() {
        for connection in connections(at).iter().copied() {
            let mut requests = account(org, connection).requests_with_bodies(0);
            requests.retain(took_effect);
            requests.sort_by_key(lands_at);
            for request in &requests {
                let mut told = Vec::new();
                tags(&request.body, &story.mark, &mut told);
                for (id, version) in told {
                    let record = story.records.iter().find(|one| one.org == at && one.id == id);
                    // What the CRM refused took no effect, whatever became of its neighbours.
                    if record.is_some_and(|one| one.versions[version - 1] != What::Poison) {
                        applied.entry((at, connection, id)).or_default().push(version);
                    }
                }
            }
        }
    }
    applied
}

fn took_effect(request: &CrmRequest) -> bool {
    let cut_late = request.fault.contains("drop_");
    let in_its_stead = request.fault.contains("html") || request.fault.contains("status");
    let reads = request.what.contains("/search") || request.what.contains("/batch/read");
    let done = (200..300).contains(&request.status) || (request.status == 0 && cut_late);
    done && !in_its_stead && !reads && !request.what.starts_with("GET")
}

fn lands_at(request: &CrmRequest) -> i64 {
    request.at_ms + if request.fault.contains("drop_then_commit") { LATE_MS } else { 0 }
}

/// Every `MARK id vN` among the texts of `body`.
fn tags(body: &Value, mark: &str, found: &mut Vec<(String, usize)>) {
    match body {
        Value::String(text) => found.extend(tag(text, mark)),
        Value::Array(values) => values.iter().for_each(|value| tags(value, mark, found)),
        Value::Object(fields) => fields.values().for_each(|value| tags(value, mark, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn tag(text: &str, mark: &str) -> Option<(String, usize)> {
    let (id, version) = text.strip_prefix(mark)?.trim().split_once(" v")?;
    Some((id.to_owned(), version.parse().ok()?))
}
