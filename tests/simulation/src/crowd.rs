//! A crowd: one org changes thousands of records while its CRM is down, another lives its life. What the other feels, and what
//! it costs when the CRM is back, is measured.

use crate::kernel::BEGIN;
use crate::logs::Lines;
use crate::oracle::{Diary, Violation};
use crate::place::{Place, control};
use crate::scenario::{Event, Kind, Mood, Record, Says, Scenario, Sent, Setup};
use crate::trace::Trace;
use crate::world::World;
use rtr_core::time::Instant;
use serde_json::json;
use std::fmt;

/// The org whose CRM is in trouble: it has one, HubSpot. Of [`crate::scenario::ORGS`].
const BLOCKED: (usize, &str) = (2, "initech");
/// The one that lives its life.
const OTHER: (usize, &str) = (0, "acme");

/// What happens.
#[derive(Debug, Clone, Copy)]
pub struct Crowd {
    /// Events of the org that is in trouble, each of a record of its own, all within [`Self::over_ms`].
    pub blocked: u32,
    /// Events of the other one.
    pub other: u32,
    /// The time in which all are sent, evenly.
    pub over_ms: i64,
    /// What its CRM does.
    pub trouble: Trouble,
    /// Invocations of the sync function at once.
    pub pollers: usize,
    /// Decides what is left to chance.
    pub seed: u64,
}

/// What a CRM does to whoever calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// It is down for so long, in milliseconds.
    Down(i64),
    /// It takes a call a second, and refuses the others.
    Limited,
}

/// What was measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    /// How long events of the other org took to its CRMs, in milliseconds, sorted.
    pub other_ms: Vec<i64>,
    /// Versions of the org in trouble that are at its CRM.
    pub landed: usize,
    /// Calls to its CRM while it was down.
    pub calls_down: usize,
    /// Calls after that.
    pub calls_after: usize,
    /// From the CRM's return to the last landing, in milliseconds.
    pub drained_ms: i64,
    /// Its messages in flight, at most.
    pub in_flight: usize,
    /// Versions that are dead.
    pub dead: u64,
    /// Calls that the CRM refused for its limit.
    pub refused: usize,
    /// What did not hold.
    pub violations: Vec<Violation>,
}

impl Figures {
    /// The time within which so many percent of the other org's events were at its CRMs.
    #[must_use]
    pub fn within(&self, percent: usize) -> i64 {
        let last = self.other_ms.len().saturating_sub(1);
        self.other_ms.get(last * percent / 100).copied().unwrap_or(0)
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "the other org's events: {} landed", self.other_ms.len())?;
        writeln!(f, "  median {} ms, p99 {} ms", self.within(50), self.within(99))?;
        writeln!(f, "the org in trouble: {} landed, {} dead", self.landed, self.dead)?;
        writeln!(f, "  {} messages in flight at most", self.in_flight)?;
        writeln!(f, "  {} calls while its CRM was down, {} after", self.calls_down, self.calls_after)?;
        let each = self.calls_after as f64 / self.landed.max(1) as f64;
        writeln!(f, "  {each:.4} calls a record, all landed {} s after its return", self.drained_ms / 1_000)?;
        write!(f, "  {} calls refused for the limit", self.refused)
    }
}

impl Crowd {
    fn events(&self) -> Vec<Event> {
        let of = |org: usize, count: u32| {
            (0..count).map(move |number| Event {
                at: self.over_ms * i64::from(number) / i64::from(count.max(1)),
                record: Record { org, kind: Kind::Contact, number },
                version: 1,
                says: Says::Stamp,
                refers: None,
                sent: Sent::Once,
            })
        };
        let mut events: Vec<Event> = of(BLOCKED.0, self.blocked).chain(of(OTHER.0, self.other)).collect();
        events.sort_by_key(|event| event.at);
        events
    }

    /// Lets it happen.
    #[must_use]
    pub fn run(&self, place: &Place) -> Figures {
        let setup = Setup {
            environments: self.pollers,
            group_buckets: 0,
            max_receives: 1_000,
            again: false,
            mood: Mood::Any,
            jobs: None,
        };
        let scenario = Scenario { seed: self.seed, setup, events: self.events(), faults: Vec::new() };
        let lines = Lines::default();
        tracing::subscriber::with_default(lines.clone(), || {
            let mut world = World::new(place, &scenario, Trace::default(), None);
            world.core.oracle().diary = Some(Diary::default());
            let back = self.befall(&mut world);
            world.run(&lines);
            figures(&world, back)
        })
    }

    /// Sets what its CRM does; when that is over.
    fn befall(&self, world: &mut World<'_>) -> Instant {
        let (path, body, back) = match self.trouble {
            Trouble::Down(ms) => {
                let fault = json!([{"provider": "hubspot", "account": BLOCKED.1, "fault": "status", "value": 503, "for_ms": ms}]);
                ("/_sandbox/faults", fault, BEGIN.plus_ms(ms))
            }
            Trouble::Limited => {
                let limit = json!([{"provider": "hubspot", "account": BLOCKED.1, "api": "*", "requests": 1, "per_ms": 1_000}]);
                ("/_sandbox/limits", limit, BEGIN)
            }
        };
        let set = control(&mut world.crm, BEGIN.0, "PUT", path, &body);
        debug_assert!(!set.is_null(), "{set}");
        back
    }
}

fn figures(world: &World<'_>, back: Instant) -> Figures {
    let oracle = world.core.oracle();
    let diary = oracle.diary.as_ref();
    let landed = |org: &str| diary.and_then(|diary| diary.landed.get(org)).cloned().unwrap_or_default();
    let called = diary.and_then(|diary| diary.called.get(BLOCKED.1)).cloned().unwrap_or_default();
    let mut other_ms: Vec<i64> = landed(OTHER.1).into_iter().map(|(_, took)| took).collect();
    other_ms.sort_unstable();
    let there = landed(BLOCKED.1);
    let calls_down = called.iter().filter(|at| **at < back).count();
    Figures {
        other_ms,
        landed: there.len(),
        calls_down,
        calls_after: called.len() - calls_down,
        drained_ms: there.iter().map(|(at, _)| at.since_ms(back)).max().unwrap_or(0),
        in_flight: diary.and_then(|diary| diary.in_flight.get(BLOCKED.1)).copied().unwrap_or(0),
        dead: world.counts.get("dead").copied().unwrap_or(0),
        refused: diary.and_then(|diary| diary.refused.get(BLOCKED.1)).copied().unwrap_or(0),
        violations: oracle.violations().to_vec(),
    }
}
