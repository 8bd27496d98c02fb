//! What is measured of a crowd.

use super::{Crowd, LIMIT_MS, OTHER, Trouble};
use crate::kernel::BEGIN;
use crate::oracle::{Diary, Landing, Violation};
use crate::scenario::ORGS;
use crate::world::World;
use rtr_core::time::Instant;
use std::collections::BTreeMap;
use std::fmt;

/// An overload is steady after this, in milliseconds.
const STEADY_MS: i64 = 10_000;

/// What was measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    /// How long events of the other org took to its CRMs, in milliseconds, sorted.
    pub other_ms: Vec<i64>,
    /// Records of the org in trouble that are at its CRM.
    pub landed: usize,
    /// Of them, those that were written more than once since the CRM was back.
    pub rewritten: usize,
    /// Calls to its CRM while it was down.
    pub calls_down: usize,
    /// Calls after that.
    pub calls_after: usize,
    /// Jobs that its CRM was given.
    pub jobs: u64,
    /// From the CRM's return to the last landing, in milliseconds.
    pub drained_ms: i64,
    /// Its messages in flight, at most.
    pub in_flight: usize,
    /// Versions that are dead.
    pub dead: u64,
    /// Calls that the CRM refused for its limit.
    pub refused: usize,
    /// The same of a hundred calls, once the overload was steady.
    pub refused_percent: f64,
    /// Of a hundred calls that a limited CRM would have taken from then on, those that it took.
    pub used_percent: Option<f64>,
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

    /// Calls for each record, since the CRM was back.
    #[must_use]
    pub fn calls_each(&self) -> f64 {
        self.calls_after as f64 / self.landed.max(1) as f64
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "the other org's events: {} landed", self.other_ms.len())?;
        writeln!(f, "  median {} ms, p99 {} ms", self.within(50), self.within(99))?;
        writeln!(f, "the org in trouble: {} records landed, {} dead", self.landed, self.dead)?;
        writeln!(f, "  {} written more than once since the CRM's return", self.rewritten)?;
        writeln!(f, "  {} messages in flight at most", self.in_flight)?;
        writeln!(f, "  {} calls while its CRM was down, {} after", self.calls_down, self.calls_after)?;
        let (each, drained_s) = (self.calls_each(), self.drained_ms / 1_000);
        writeln!(
            f,
            "  {each:.4} calls a record, {} jobs, all landed {drained_s} s after its return",
            self.jobs
        )?;
        write!(
            f,
            "  {} calls refused for the limit, {:.2} % in steady overload",
            self.refused, self.refused_percent
        )?;
        match self.used_percent {
            Some(used) => write!(f, "; {used:.0} % of the limit used"),
            None => Ok(()),
        }
    }
}

pub(super) fn figures(world: &World<'_>, crowd: &Crowd, back: Instant) -> Figures {
    let oracle = world.core.oracle();
    let none = Diary::default();
    let diary = oracle.diary.as_ref().unwrap_or(&none);
    let account = crowd.account();
    let landed = |org: &str| diary.landed.get(org).map(Vec::as_slice).unwrap_or_default();
    let called = diary.called.get(account).map(Vec::as_slice).unwrap_or_default();
    let refused = diary.refused.get(account).map(Vec::as_slice).unwrap_or_default();
    let mut other_ms: Vec<i64> = landed(ORGS[OTHER]).iter().map(|landing| landing.took_ms).collect();
    other_ms.sort_unstable();
    let there = landed(account);
    let writes = by_record(there);
    let calls_down = called.iter().filter(|at| **at < back).count();
    let (steady, last) = (BEGIN.plus_ms(STEADY_MS), there.iter().map(|one| one.at).max().unwrap_or(back));
    // The last hundredth is no overload any more: a straggler waits for its own time, and the limit with it.
    let mut landings: Vec<Instant> = there.iter().map(|one| one.at).collect();
    landings.sort_unstable();
    let nearly = landings.iter().nth_back(landings.len() / 100).copied().unwrap_or(back);
    let within = |times: &[Instant]| times.iter().filter(|at| (steady..nearly).contains(at)).count();
    let (calls, refusals) = (within(called), within(refused));
    let takes = nearly.since_ms(steady) / LIMIT_MS;
    let used = 100.0 * calls.saturating_sub(refusals) as f64 / takes.max(1) as f64;
    let count = |name: &str| world.counts.get(name).copied().unwrap_or(0);
    Figures {
        other_ms,
        landed: writes.len(),
        rewritten: writes.values().filter(|count| **count > 1).count(),
        calls_down,
        calls_after: called.len() - calls_down,
        jobs: count("jobs_begun"),
        drained_ms: last.since_ms(back),
        in_flight: diary.in_flight.get(account).copied().unwrap_or(0),
        dead: count("dead"),
        refused: refused.len(),
        refused_percent: 100.0 * refusals as f64 / calls.max(1) as f64,
        used_percent: (!matches!(crowd.trouble, Trouble::Down(_) | Trouble::Hangs(_) | Trouble::Stalls(_)))
            .then_some(used),
        violations: oracle.violations().to_vec(),
    }
}

/// How often each record was written.
fn by_record(landings: &[Landing]) -> BTreeMap<&str, usize> {
    let mut writes: BTreeMap<&str, usize> = BTreeMap::new();
    for landing in landings {
        *writes.entry(&landing.record).or_default() += 1;
    }
    writes
}
