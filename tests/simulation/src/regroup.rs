//! The number of message groups is changed while events flow, as `docs/group-buckets.md` says: everything is paused, idleness
//! waited for, the new number deployed, and everything resumed once no environment of the old one is left.
//!
//! Producers that send to the queue themselves go over to the new groups when they will, before the functions or long after.

use crate::env::Env;
use crate::faults::Fault;
use crate::lambda::{Function, Happen};
use crate::scenario::ORGS;
use crate::world::World;
use rtr_core::time::Instant;
use rtr_engine::batch::Settings;
use std::sync::Arc;

/// Numbers of groups that there may be: none is one for each record.
const NUMBERS: [u64; 4] = [0, 1, 2, 7];
/// `rtr wait --idle --timeout 10m`.
const PATIENCE_MS: i64 = 600_000;
/// Idleness is looked for so often, in milliseconds.
const LOOKS_MS: i64 = 5_000;
/// Until a deployment has replaced every environment, at the most.
const REPLACES_MS: i64 = 30_000;
/// Until whoever deployed goes on, at the most.
const PERSON_MS: i64 = 90_000;
/// Until the producers' own setting is the new one, at the most.
const PRODUCERS_MS: i64 = 300_000;

/// The next step of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Regrouping {
    /// To so many, if everything is idle by then.
    Waits(u64, Instant),
    /// Producers go by so many from now on.
    Producers(u64),
    /// The environments of the old number are gone.
    Replaced,
    /// The connections may go on.
    Resumes,
}

impl World<'_> {
    /// A person begins to change the number of groups.
    pub(crate) fn begin_to_regroup(&mut self, how: u32) {
        if self.regroups {
            return;
        }
        let others: Vec<u64> =
            NUMBERS.into_iter().filter(|number| *number != self.settings.group_buckets).collect();
        let to = others[how as usize % others.len()];
        self.pause_all(true);
        let until = self.core.kernel.now().plus_ms(PATIENCE_MS);
        self.regroup_after(LOOKS_MS, Regrouping::Waits(to, until));
    }

    fn regroup_after(&self, ms: i64, step: Regrouping) {
        let after = self.core.kernel.draw(ms / 5..=ms);
        self.core.kernel.after(after, Happen::Regroups(step));
    }

    fn pause_all(&mut self, paused: bool) {
        self.regroups = paused;
        for org in 0..ORGS.len() {
            self.configure(org, self.states[org]);
        }
    }

    /// The next step of it.
    pub(crate) fn regroup(&mut self, step: Regrouping) {
        match step {
            Regrouping::Producers(groups) => self.producers_groups = groups,
            // Everything was put right meanwhile.
            _ if !self.regroups => {}
            Regrouping::Waits(to, _) if self.is_all_idle() => self.deploy(to),
            Regrouping::Waits(_, until) if self.core.kernel.now() > until => self.pause_all(false),
            Regrouping::Waits(..) => self.regroup_after(LOOKS_MS, step),
            Regrouping::Replaced => {
                self.replaces = false;
                let current = self.settings.group_buckets;
                for envs in &mut self.idle {
                    envs.retain(|env| env.settings.group_buckets == current);
                }
                self.regroup_after(PERSON_MS, Regrouping::Resumes);
            }
            Regrouping::Resumes => self.pause_all(false),
        }
    }

    /// Whether nothing is in a queue and nothing runs.
    fn is_all_idle(&self) -> bool {
        let state = self.queue.state();
        self.running == 0 && state.changes.is_empty() && state.bulk.is_empty() && state.dead_letter.is_empty()
    }

    fn deploy(&mut self, to: u64) {
        self.core.fire(Fault::GroupsChange);
        self.core.trace.note(self.core.kernel.now(), "people", || {
            format!("deploy {to} message groups instead of {}", self.settings.group_buckets)
        });
        self.settings = Arc::new(Settings { group_buckets: to, ..(*self.settings).clone() });
        self.replaces = true;
        self.regroup_after(REPLACES_MS, Regrouping::Replaced);
        self.regroup_after(PRODUCERS_MS, Regrouping::Producers(to));
    }

    /// Where an invocation runs: while a deployment goes on, in an environment of either number of groups.
    pub(crate) fn environment(&mut self, function: Function) -> Arc<Env> {
        let current = self.settings.group_buckets;
        let new_alone = self.replaces && self.core.kernel.draw(0..=1) == 0;
        let envs = &mut self.idle[function as usize];
        let free = envs.iter().rposition(|env| !new_alone || env.settings.group_buckets == current);
        match free {
            Some(at) => envs.remove(at),
            None => {
                let start = Env::start(&self.core, &self.services, &self.settings, function, self.mutant);
                Arc::new(start)
            }
        }
    }

    /// An invocation has ended: its environment is free, if it is not to be replaced.
    pub(crate) fn set_free(&mut self, function: Function, env: Arc<Env>) {
        if self.replaces || env.settings.group_buckets == self.settings.group_buckets {
            self.idle[function as usize].push(env);
        }
    }
}
