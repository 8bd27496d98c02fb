//! What it costs, in histories in which nothing goes wrong; and who feels it when one org alone is in trouble.

use super::{Landing, Oracle};
use crate::lambda::TIMEOUT_MS;
use crate::place::providers;
use crate::scenario::{Event, Kind, Mood, ORGS, Record, Says};
use crate::world::World;
use rtr_core::change::Message;
use rtr_core::time::Instant;
use rtr_engine::batch::Received;
use rtr_sandbox::Request;
use serde_json::Value;
use std::collections::BTreeMap;

/// What may pass between an event and its landing at a CRM that is well, in milliseconds, whatever others suffer: an
/// invocation that waits for another's slow CRM holds the groups of its batch until it ends, and no longer.
const LANDS_WITHIN_MS: i64 = TIMEOUT_MS + 5_000;

impl Oracle {
    /// Notes when a version was first sent.
    pub fn produced(&mut self, record: Record, version: u64, now: Instant) {
        self.produced_at.entry((record.to_string(), version)).or_insert(now);
        self.produced_last.insert((record.to_string(), version), now);
        self.sends.entry(record.to_string()).or_default().push(now);
    }

    /// A version landed: how long that took, where the trouble is another's.
    pub(super) fn took(&mut self, now: Instant, account: &str, record: &str, version: u64) {
        if let Some(diary) = &mut self.diary {
            match self.produced_at.get(&(record.to_owned(), version)) {
                Some(sent) => {
                    let took_ms = now.since_ms(*sent);
                    let landing = Landing { at: now, took_ms, record: record.to_owned(), version };
                    diary.landed.entry(account.to_owned()).or_default().push(landing);
                }
                None => diary.filled.entry(account.to_owned()).or_default().push(now),
            }
        }
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

/// Reads of items that an invocation needs at most: of its records and what they refer to, of what woken ones refer to, and
/// after each wave, of what was linked meanwhile: two waves, and one of what goes on for it.
const READS: u64 = 5;

/// Messages of a batch at most.
const BATCH: u64 = 10;

/// Calls of one kind for one object in an invocation: a wave of records that others refer to, and one of the others.
const CALLS_OF_A_KIND: u64 = 2;
/// Associations follow each call that writes: records that are made and records that are known, in each wave.
const ASSOCIATING_CALLS: u64 = 2 * CALLS_OF_A_KIND;

/// How often an invocation may make a call. Companies refer to nothing, so all of a batch's go in its first wave.
fn most(call: &str) -> u64 {
    if call.contains("/associations/") {
        ASSOCIATING_CALLS
    } else if call.contains("/companies/") {
        1
    } else {
        CALLS_OF_A_KIND
    }
}

/// What an invocation of a calm history has cost.
#[derive(Debug, Default)]
pub(super) struct Cost {
    reads: u64,
    writes: u64,
    /// Calls by method and path.
    calls: BTreeMap<String, u64>,
    /// Whether there was nothing to do: all that its batch says stood at the CRMs before.
    idle: bool,
}

impl Oracle {
    /// An invocation begins, which has something to do or not.
    pub fn costs(&mut self, env: usize, idle: bool) {
        if self.mood == Some(Mood::Calm) {
            self.cost_of.insert(env, Cost { idle, ..Cost::default() });
        }
    }

    /// `env` reads items.
    pub fn reads(&mut self, env: usize) {
        if let Some(cost) = self.cost_of.get_mut(&env) {
            cost.reads += 1;
        }
    }

    /// `env` writes items.
    pub fn writes(&mut self, env: usize) {
        if let Some(cost) = self.cost_of.get_mut(&env) {
            cost.writes += 1;
        }
    }

    /// What a write was to end had been parked anew, by a newer version: it is written again.
    pub fn overtaken(&mut self) {
        self.overtaken += 1;
    }

    /// `env` calls a CRM.
    pub(super) fn calls(&mut self, env: usize, request: &Request) {
        let Some(cost) = self.cost_of.get_mut(&env) else { return };
        // Salesforce's updates say in their records what they are of.
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let object = body["records"][0]["attributes"]["type"].as_str().unwrap_or_default();
        *cost.calls.entry(format!("{} {} {object}", request.method, request.path)).or_default() += 1;
    }

    /// The invocation in `env` is over.
    pub(super) fn has_cost(&mut self, env: usize) {
        let Some(cost) = self.cost_of.remove(&env) else { return };
        // A company that goes while its contacts are being tied to it is read for each of them, before the call and after it.
        let untied = self.accepted.iter().any(|(record, versions)| {
            record.kind == Kind::Company && versions.values().any(|event| event.says == Says::Deleted)
        });
        let most_reads = READS + if untied { 2 * BATCH } else { 0 };
        if cost.reads > most_reads {
            self.violate(
                "I22",
                None,
                format!("{} reads in one invocation: at most {most_reads}", cost.reads),
            );
        }
        if let Some((call, count)) = cost.calls.iter().find(|(call, count)| **count > most(call)) {
            let what = format!("{count} times {call} in one invocation: at most {}", most(call));
            self.violate("I22", None, what);
        }
        if cost.idle && (cost.writes > 0 || !cost.calls.is_empty()) {
            let what = format!("{} writes and {:?} for what was applied already", cost.writes, cost.calls);
            self.violate("I22", None, what);
        }
    }
}

impl World<'_> {
    /// Whether all that a batch says is applied already.
    pub fn is_idle(&self, batch: &[Received]) -> bool {
        let is_applied = |message: &Received| {
            let Ok(Message::Change(change)) = rtr_core::change::parse(&message.body) else { return false };
            let org = &change.key.org_id;
            let to = providers(org)
                .iter()
                .filter(|to| change.key.record_type != Kind::Deal.name() || **to == "hubspot");
            to.into_iter().all(|provider| {
                let item = self.item(&change.key, provider);
                item.slot.is_none() && item.applied_version >= Some(change.version)
            })
        };
        self.scenario.setup.mood == Mood::Calm && batch.iter().all(is_applied)
    }

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
        // Of what the lane tells a newer version may be parked meanwhile: that write is refused, and made again.
        let overtaken = self.core.oracle().overtaken;
        if writes > endings + 2 * keyless + n("linked_meanwhile") + n("passed") + untied + overtaken {
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
