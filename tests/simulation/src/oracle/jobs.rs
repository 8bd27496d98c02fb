//! Jobs of the CRM's: while one has a record, nobody else calls for that record there.

use super::{At, Oracle};
use crate::jobs::{PROVIDER, id_in};
use crate::network::Flight;
use crate::place::names;
use crate::scenario::Kind;
use rtr_core::time::Instant;
use rtr_sandbox::Request;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Calls of jobs in one invocation: one is looked at, told to stop, looked at again and asked for its three lists, and two are
/// made, given their rows, started and told to stop; each of the three times some calls are sent again.
pub(super) const JOB_CALLS: u64 = 24;

/// Jobs that have their rows.
#[derive(Debug, Default)]
pub(super) struct Jobs {
    rows: BTreeMap<String, Rows>,
    /// Jobs that were started, and by when they have ended.
    running: BTreeMap<String, (String, Instant)>,
}

/// The rows of a job: by what the CRM knows each.
#[derive(Debug, Default)]
struct Rows {
    kind: Option<Kind>,
    ids: BTreeSet<String>,
}

/// The kind of record that a request names by its object.
fn kind_of(object: &str) -> Option<Kind> {
    [Kind::Contact, Kind::Company].into_iter().find(|kind| names(*kind, PROVIDER).0 == object)
}

/// What a request to write addresses: object and id, by our key or the CRM's own.
fn addressed(request: &Request) -> Vec<(Option<Kind>, String)> {
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let records = body["records"].as_array().cloned().unwrap_or_default();
    let mut all = Vec::new();
    for record in &records {
        let kind = record["attributes"]["type"].as_str().and_then(kind_of);
        let own = ["id", "Id", names(Kind::Contact, PROVIDER).2].map(|name| record[name].as_str());
        all.extend(own.into_iter().flatten().map(|id| (kind, id.to_owned())));
    }
    // Deletes name ids alone, each of which tells what it is of.
    let deletes =
        request.path.split_once("ids=").map_or("", |(_, rest)| rest.split('&').next().unwrap_or(""));
    all.extend(deletes.split(',').filter(|id| !id.is_empty()).map(|id| (None, id.to_owned())));
    all
}

impl Oracle {
    /// A job was made of an object, or was given its rows, or was told to stop: as the CRM `answered`.
    pub(super) fn job_call(&mut self, flight: &Flight, step: &str, answered: u16, answer: &[u8]) {
        if !(200..300).contains(&answered) {
            return;
        }
        match step {
            "job open" => {
                let made: Value = serde_json::from_slice(answer).unwrap_or_default();
                let (id, object) = (made["id"].as_str(), made["object"].as_str());
                let rows = Rows { kind: object.and_then(kind_of), ids: BTreeSet::new() };
                self.jobs.rows.insert(id.unwrap_or_default().to_owned(), rows);
            }
            "job fill" => {
                let text = String::from_utf8_lossy(&flight.request.body).into_owned();
                let mut lines = text.lines();
                let header: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
                let unquoted = |cell: &str| cell.trim_matches('"').to_owned();
                let key = header.iter().position(|name| {
                    let name = unquoted(name);
                    name == "Id" || name == names(Kind::Contact, PROVIDER).2
                });
                // No value of ours holds a comma or a line's end.
                let ids = lines.filter_map(|line| Some(unquoted(line.split(',').nth(key?)?)));
                let rows = self.jobs.rows.entry(id_in(&flight.request.path).to_owned()).or_default();
                rows.ids.extend(ids);
            }
            "job abort" => drop(self.jobs.running.remove(id_in(&flight.request.path))),
            _ => {}
        }
    }

    /// The job `id` of `account` runs until then.
    pub fn job_runs(&mut self, account: &str, id: &str, until: Instant) {
        self.jobs.running.insert(id.to_owned(), (account.to_owned(), until));
    }

    /// A call that is no job's goes to `at`: for no record that a job has there.
    pub(super) fn keeps_jobs(&mut self, now: Instant, at: &At, request: &Request) {
        if at.0 != PROVIDER || self.jobs.running.is_empty() {
            return;
        }
        self.jobs.running.retain(|_, (_, until)| now < *until);
        let theirs: Vec<&Rows> = self
            .jobs
            .running
            .iter()
            .filter(|(_, (account, _))| *account == at.1)
            .filter_map(|(id, _)| self.jobs.rows.get(id))
            .collect();
        if theirs.is_empty() {
            return;
        }
        // A record that was linked while the job runs is known by either name.
        let ours = |id: &str| {
            let place = |object: &str| (at.clone(), object.to_owned(), id.to_owned());
            let known = ["Contact", "Account"].map(|object| self.external.get(&place(object)));
            known.into_iter().flatten().next().map(|known| known.key.clone())
        };
        let theirs_too = |kind: Option<Kind>, id: &str| {
            let key = ours(id);
            // Somebody merged another of ours into one that the job may have just made, which nobody has heard of yet.
            let name = |kind: &Kind| format!("{}/{}/{}", at.1, kind.name(), key.as_deref().unwrap_or(id));
            if kind.as_ref().is_some_and(|kind| self.touched.contains(&name(kind))) {
                return false;
            }
            theirs.iter().any(|rows| {
                let same = kind.is_none() || rows.kind.is_none() || kind == rows.kind;
                let has = |id: &str| {
                    rows.ids.contains(id) || rows.ids.iter().any(|row| ours(row).as_deref() == Some(id))
                };
                same && (has(id) || key.as_deref().is_some_and(has))
            })
        };
        let broken = addressed(request).into_iter().find(|(kind, id)| theirs_too(*kind, id));
        if let Some((kind, id)) = broken {
            let what = format!("a call for {id} of {} ({kind:?}), which a job of the CRM has", at.1);
            self.violate("I26", None, what);
        }
    }
}
