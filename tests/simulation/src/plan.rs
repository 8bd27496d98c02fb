//! What was planned, and what has come of it: each step asks whether this is its turn.

use crate::faults::{Fault, Site};
use crate::scenario::Planned;
use std::collections::BTreeMap;

/// The plan of a history.
#[derive(Debug, Default)]
pub struct Plan {
    waiting: Vec<Planned>,
    chances: BTreeMap<Site, u32>,
    fired: BTreeMap<&'static str, u64>,
    struck: BTreeMap<(&'static str, &'static str), u64>,
    over: bool,
}

impl Plan {
    /// A plan of these.
    #[must_use]
    pub fn new(planned: &[Planned]) -> Self {
        Self { waiting: planned.to_vec(), ..Self::default() }
    }

    /// One more chance of `site`: what strikes there now, and how.
    pub fn chance(&mut self, site: Site) -> Option<(Fault, u32)> {
        let nth = self.chances.entry(site).or_default();
        *nth += 1;
        let nth = *nth;
        if self.over {
            return None;
        }
        let at = self.waiting.iter().position(|one| one.fault.site() == site && one.nth == nth)?;
        let planned = self.waiting.swap_remove(at);
        Some((planned.fault, planned.how))
    }

    /// Notes that a fault struck.
    pub fn fire(&mut self, name: &'static str) {
        *self.fired.entry(name).or_default() += 1;
    }

    /// Notes at which remote call a fault of an invocation struck.
    pub fn strike_at(&mut self, name: &'static str, step: &'static str) {
        *self.struck.entry((name, step)).or_default() += 1;
    }

    /// Which faults struck invocations at which call, and how often.
    #[must_use]
    pub fn struck(&self) -> &BTreeMap<(&'static str, &'static str), u64> {
        &self.struck
    }

    /// No more faults: what follows is calm.
    pub fn end(&mut self) {
        self.over = true;
    }

    /// Whether it is over.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// How many of what was planned struck.
    #[must_use]
    pub fn fired_of_plan(&self) -> u64 {
        Fault::ALL.iter().filter_map(|fault| self.fired.get(fault.name())).sum()
    }

    /// What struck, and how often.
    #[must_use]
    pub fn fired(&self) -> &BTreeMap<&'static str, u64> {
        &self.fired
    }
}
