//! Jobs of Salesforce's: their remote calls by name, how long they take, and what goes wrong with them.

use crate::faults::{Fault, Site};
use crate::lambda::Happen;
use crate::network::Flight;
use crate::place::control;
use crate::scenario::ORGS;
use crate::world::World;
use rtr_core::key::ConnectionKey;
use rtr_sandbox::Reply;
use serde_json::{Value, json};

/// The CRM that has jobs.
pub const PROVIDER: &str = "salesforce";

/// A job that takes long takes up to this, in milliseconds: longer than a lane lets it.
const LONG_MS: u32 = 7_200_000;

/// The call of a job that a request is, as the report names it; none of what is no job's.
#[must_use]
pub fn step(method: &str, path: &str, body: &[u8]) -> Option<&'static str> {
    let (_, rest) = path.split_once("/jobs/ingest")?;
    let list = rest.trim_start_matches('/').split_once('/').map(|(_, list)| list);
    Some(match (method, list) {
        ("POST", _) => "job open",
        ("PUT", _) => "job fill",
        ("PATCH", _) if String::from_utf8_lossy(body).contains("Aborted") => "job abort",
        ("PATCH", _) => "job start",
        (_, None) => "job state",
        (_, Some(_)) => "job results",
    })
}

/// The id of the job that a request is about.
#[must_use]
pub fn id_in(path: &str) -> &str {
    let (_, rest) = path.split_once("/jobs/ingest/").unwrap_or_default();
    rest.split('/').next().unwrap_or_default()
}

impl World<'_> {
    /// Sets how long jobs take, of every org that has them.
    pub(crate) fn furnish_jobs(&mut self) {
        let Some(jobs) = self.scenario.setup.jobs else { return };
        for org in ORGS.iter().filter(|org| crate::place::providers(org).contains(&PROVIDER)) {
            self.set_jobs(org, &json!({"takes_ms": jobs.takes_ms}));
        }
    }

    fn set_jobs(&mut self, org: &str, ingest: &Value) {
        let body = json!({"provider": PROVIDER, "account": org, "ingest": ingest});
        let now = self.core.kernel.now().0;
        let set = control(&mut self.crm, now, "PUT", "/_sandbox/settings", &body);
        debug_assert!(set.get("error").is_none(), "{set}");
    }

    /// A job is about to be started: what strikes it, and how long it will take.
    pub(crate) fn before_start(&mut self, flight: &Flight) -> i64 {
        let mut takes_ms = self.scenario.setup.jobs.map_or(0, |jobs| jobs.takes_ms);
        let core = self.core.clone();
        let Some((fault, how)) = core.chance(Site::Job) else { return takes_ms };
        core.fire(fault);
        match fault {
            Fault::JobFails => self.set_jobs(&flight.account, &json!({"fails_after": how % 4})),
            Fault::JobSlow => {
                takes_ms = i64::from(how % LONG_MS);
                self.set_jobs(&flight.account, &json!({"takes_ms": takes_ms}));
            }
            _ => {
                let Some(org) = ORGS.iter().position(|org| *org == flight.account) else { return takes_ms };
                let mut state = self.states[org];
                state.paused_there = true;
                self.configure(org, state);
                core.kernel.after(i64::from(how % 600_000), Happen::Mends(fault, as_how(org)));
            }
        }
        takes_ms
    }

    /// A job was told to start, and answered so: what must have been written down by then.
    pub(crate) fn after_start(&mut self, flight: &Flight, reply: &Reply, takes_ms: i64) {
        if let Some(jobs) = self.scenario.setup.jobs {
            self.set_jobs(&flight.account, &json!({"takes_ms": jobs.takes_ms}));
        }
        if !(200..300).contains(&reply.status) {
            return;
        }
        let id = id_in(&flight.request.path);
        let connection = ConnectionKey::new(&flight.account, PROVIDER);
        let note = self.limits.state().lanes.get(&connection).and_then(|lane| lane.note.clone());
        let note: Value = note.and_then(|note| serde_json::from_str(&note).ok()).unwrap_or_default();
        let list = note["list"].as_str().unwrap_or_default();
        let listed = self.records.state().bodies.contains_key(list);
        let now = self.core.kernel.now();
        let mut oracle = self.core.oracle();
        if note["id"].as_str() != Some(id) || !listed {
            let what = format!("job {id} of {} is started, and nothing names its rows", flight.account);
            oracle.violate("I27", None, what);
        }
        oracle.job_runs(&flight.account, id, now.plus_ms(takes_ms));
    }
}

fn as_how(org: usize) -> u32 {
    u32::try_from(org).unwrap_or(0)
}
