//! What it costs, in histories in which nothing goes wrong; and who feels it when one org alone is in trouble.

use super::Oracle;
use crate::lambda::TIMEOUT_MS;
use crate::scenario::{Event, Kind, Mood, ORGS, Record, Says};
use crate::world::World;
use rtr_core::time::Instant;

/// What may pass between an event and its landing at a CRM that is well, in milliseconds, whatever others suffer: an
/// invocation that waits for another's slow CRM holds the groups of its batch until it ends, and no longer.
const LANDS_WITHIN_MS: i64 = TIMEOUT_MS + 5_000;

impl Oracle {
    /// Notes when a version was first sent.
    pub fn produced(&mut self, record: Record, version: u64, now: Instant) {
        self.produced_at.entry((record.to_string(), version)).or_insert(now);
        self.sends.entry(record.to_string()).or_default().push(now);
    }

    /// A version landed: how long that took, where the trouble is another's.
    pub(super) fn took(&mut self, now: Instant, account: &str, record: &str, version: u64) {
        if self.mood != Some(Mood::OneOrgAlone) || account == ORGS[0] {
            return;
        }
        let Some(sent) = self.produced_at.get(&(record.to_owned(), version)) else { return };
        let took = now.since_ms(*sent);
        // Each message before it in its group may be in a batch that waits for somebody else's slow CRM.
        let before = self.sends.get(record).into_iter().flatten();
        let before = before.filter(|at| *at < sent && sent.since_ms(**at) < 2 * LANDS_WITHIN_MS).count();
        let most = LANDS_WITHIN_MS * (1 + i64::try_from(before).unwrap_or(0));
        let waits = self.accepted.iter().any(|(one, versions)| {
            one.kind == Kind::Contact
                && one.to_string() == record
                && versions.values().any(|event| event.refers.is_some())
        });
        // Who waits for a company waits by intent.
        if took > most && !waits {
            let what =
                format!("{record}: version {version} took {took} ms while only {} was in trouble", ORGS[0]);
            self.violate("I12", Some(record.to_owned()), what);
        }
    }
}

impl World<'_> {
    /// Checks what a calm history has cost: no more than a read and a write a record and connection, and nothing for
    /// what was superseded.
    pub fn check_cost(&self) {
        if self.scenario.setup.mood != Mood::Calm {
            return;
        }
        let state = self.records.state();
        let (writes, transactions) = (state.writes, state.transactions);
        drop(state);
        let n = |name: &str| self.counts.get(name).copied().unwrap_or(0);
        let endings = n("applied") + n("unchanged") + n("skipped") + n("dead") + n("parked");
        // An intent before a create without a key, and its end, are two more.
        let keyless = self
            .scenario
            .events
            .iter()
            .filter(|event| event.record.kind == Kind::Deal && event.says != Says::Deleted)
            .count() as u64;
        // What parked itself for a record that was being linked at that moment has written so, and goes on.
        // So has what was told while an older version slept in the slot: that one left it first.
        // A company that goes while a contact is being tied to it: that one is linked, put off, and written anew.
        let untied =
            4 * self.scenario.events.iter().filter(|event| self.is_referred_to_and_goes(event)).count()
                as u64;
        if writes > endings + 2 * keyless + n("linked_meanwhile") + n("passed") + untied {
            let what = format!("{writes} writes ({transactions} in transactions) for {endings} endings");
            self.core.oracle().violate("I22", None, what);
        }
    }

    fn is_referred_to_and_goes(&self, event: &Event) -> bool {
        let refers =
            |other: &Event| other.record.org == event.record.org && other.refers == Some(event.record.number);
        event.record.kind == Kind::Company
            && event.says == Says::Deleted
            && self.scenario.events.iter().any(refers)
    }
}
