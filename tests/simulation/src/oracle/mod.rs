//! The watch: what must hold at every step and in the end, checked on every request, every landing and every answer.

mod associations;
mod batch;
mod breaker;
mod cost;
mod crm;
mod end;
mod groups;
mod held;
mod jobs;
mod ledger;
mod limiter;
mod pauses;
mod rate;
mod rests;

use crate::scenario::{Event, Mood, Record};
use rtr_core::code::Code;
use rtr_core::item::Item;
use rtr_core::key::PairKey;
use rtr_core::time::Instant;
use std::collections::{BTreeMap, BTreeSet};

pub use end::Ended;

/// An invariant that did not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which: its id in `docs/faults.md`.
    pub invariant: &'static str,
    /// What was seen.
    pub what: String,
    /// The record it is about.
    pub record: Option<String>,
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.invariant, self.what)
    }
}

/// A record of a CRM, as the watch knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct External {
    /// The value of our key.
    key: String,
    live: bool,
    values: BTreeMap<String, String>,
}

/// Vendor and account.
type At = (String, String);

/// The watch of one history.
#[derive(Debug, Default)]
pub struct Oracle {
    violations: Vec<Violation>,
    accepted: BTreeMap<Record, BTreeMap<u64, Event>>,
    tokens: BTreeMap<String, At>,
    /// What else of the secrets may not show: refresh tokens, clients' secrets.
    secrets: BTreeSet<String>,
    external: BTreeMap<(At, String, String), External>,
    highest: BTreeMap<(String, String), u64>,
    /// Versions that the queue gave up.
    given_up: BTreeSet<(String, u64)>,
    /// Calls by bucket: when, and whose.
    calls: BTreeMap<String, Vec<(Instant, usize)>>,
    rests: BTreeMap<At, Vec<rests::Rest>>,
    limiter: limiter::Limiter,
    breakers: breaker::Breakers,
    /// Environments that died, or stand still.
    gone: BTreeSet<usize>,
    /// When environments that stood still went on.
    thawed: BTreeMap<usize, Instant>,
    slow_leases: BTreeMap<usize, Instant>,
    /// Records that somebody deleted or merged in a CRM.
    pub touched: BTreeSet<String>,
    /// The CRMs' accounts in which somebody deleted or merged records.
    meddled: BTreeSet<At>,
    /// Records whose message came again while their org had no configuration: what its first try did is not known any more.
    pub unsure: BTreeSet<String>,
    /// Records that were worked by a clock that is behind, from a message whose own time is past: a hold of theirs may end too
    /// soon.
    pub late: BTreeSet<String>,
    /// Changes of records in the CRMs since this was last set to 0.
    pub landings: u64,
    produced_at: BTreeMap<(String, u64), Instant>,
    /// The same, of the last time.
    produced_last: BTreeMap<(String, u64), Instant>,
    /// When anything of each record was sent.
    sends: BTreeMap<String, Vec<Instant>>,
    /// What the history is about.
    pub mood: Option<Mood>,
    /// Calls of each invocation under way, by environment and CRM; tokens apart.
    calls_of: BTreeMap<(usize, At), u64>,
    /// The same of the services that give out tokens.
    token_calls_of: BTreeMap<usize, u64>,
    /// The same of jobs of the CRMs'.
    job_calls_of: BTreeMap<usize, u64>,
    jobs: jobs::Jobs,
    /// Connections that a person has paused: since when.
    paused: BTreeMap<At, Instant>,
    /// By environment of the sync function: the number of message groups it goes by, and those of its batch.
    groups_of: BTreeMap<usize, (u64, BTreeSet<String>)>,
    /// What people gave up: vendor and record, and the newest such version.
    dropped: BTreeMap<(String, String), u64>,
    /// When the configuration last could not be read.
    config_unread: Option<Instant>,
    /// The parked versions that each environment's invocation took up.
    taken_up: BTreeMap<usize, BTreeSet<(PairKey, u64)>>,
    cost_of: BTreeMap<usize, cost::Cost>,
    /// Writes that were refused since a newer version had been parked meanwhile.
    overtaken: u64,
    /// What the invocation in each environment brought to its end: pair and version.
    finished: BTreeMap<usize, Vec<(PairKey, u64)>>,
    /// How often functions died of a record, by its value.
    deaths: BTreeMap<String, u64>,
    /// When the invocation in each environment began, and by when it must end.
    times: BTreeMap<usize, (Instant, Instant)>,
    books: ledger::Books,
    /// What is measured, where it is.
    pub diary: Option<Diary>,
}

/// What is measured of a crowd, beside what must hold.
#[derive(Debug, Default)]
pub struct Diary {
    /// Versions that landed, by account.
    pub landed: BTreeMap<String, Vec<Landing>>,
    /// When what a backfill sent landed, by account.
    pub filled: BTreeMap<String, Vec<Instant>>,
    /// Calls, by account, tokens apart.
    pub called: BTreeMap<String, Vec<Instant>>,
    /// When calls were refused for a limit, by account.
    pub refused: BTreeMap<String, Vec<Instant>>,
    /// Messages of each org that nobody else may receive, at most.
    pub in_flight: BTreeMap<String, usize>,
}

/// A version that landed at a CRM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Landing {
    /// When.
    pub at: Instant,
    /// How long after it was first sent, in milliseconds.
    pub took_ms: i64,
    /// The record, `org/type/id`.
    pub record: String,
    /// Which version.
    pub version: u64,
}

impl Oracle {
    /// Notes that the producer's `event` was taken.
    pub fn accept(&mut self, event: &Event) {
        self.accepted.entry(event.record).or_default().insert(event.version, *event);
    }

    /// Notes what did not hold.
    pub fn violate(&mut self, invariant: &'static str, record: Option<String>, what: String) {
        self.violations.push(Violation { invariant, what, record });
    }

    /// What did not hold.
    #[must_use]
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// Whether what a CRM holds of `record`, which stands as `item`, is known to nobody: where a hold may end too soon, only if
    /// there was one.
    fn is_unsure(&self, record: &str, item: &Item) -> bool {
        let held = || item.recent.iter().any(|recent| recent.code == Some(Code::OutcomeUnknown));
        self.unsure.contains(record) || self.late.contains(record) && held()
    }

    /// Whether everything held so far.
    #[must_use]
    pub fn is_content(&self) -> bool {
        self.violations.is_empty()
    }

    /// A request to a host that may not be called.
    pub fn outside(&mut self, url: &str) {
        self.violate("I19", None, format!("a request to {url}"));
    }
}
