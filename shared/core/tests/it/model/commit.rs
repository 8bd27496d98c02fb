//! Writing endings: decided by the real `settle`, conditioned on what was read, with the claim in the same write; decided
//! again from what stands there when the write is refused.

use super::decide::{Model, record_id};
use super::world::{Fate, Job, Stage, World, by};
use crate::rule::Rule;
use rtr_core::code::Code;
use rtr_core::item::{Body, Item, Lane, Reason, SlotState};
use rtr_core::key::ConnectionKey;
use rtr_core::plan::Wait;
use rtr_core::sent::Sent;
use rtr_core::settle::{Attempt, Decision, Ending, Filing, Parking, claims, settle};
use rtr_core::time::Instant;
use serde_json::Value;
use std::rc::Rc;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Committed {
    Written,
    Superseded,
    PlanAgain,
    Overtaken,
}

/// A dead letter of `data`.
pub(super) fn dead(data: Value, deleted: bool, reason: Reason, uncertain: bool, not_created: bool) -> Ending {
    let body = Body::Inline(data);
    Ending::Dead(Box::new(Filing { reason, body, deleted, attempts: 1, uncertain, not_created }))
}

/// `data` kept until `until` for this reason, or until what it waits for is linked.
pub(super) fn parked(
    data: Value,
    deleted: bool,
    (until, code): (Instant, Code),
    wait: Option<Wait>,
) -> Ending {
    let reason = wait.as_ref().map_or_else(|| Reason::new(code, "not now"), |wait| wait.reason.clone());
    let body = Body::Inline(data);
    Ending::Parked(Box::new(Parking { reason, body, deleted, attempts: 1, until, wait }))
}

impl Model<'_> {
    pub(super) fn attempt(&self, job: &Job) -> Attempt {
        Attempt {
            trace: None,
            lane: job.lane,
            version: job.message.version,
            mapping_revision: self.incoming(job).mapping_revision,
            by: by(job.message.id),
            again: job.again,
            backfill: false,
            rewrite: job.message.rewrite && job.lane == Lane::Sync,
            occurred_at: None,
            sent: Sent::default(),
        }
    }

    /// Commits the ending of job `j`; with `echo`, the table's first answer is lost and the write refused when repeated.
    pub(super) fn commit(
        &self,
        world: &mut World,
        g: usize,
        j: usize,
        ending: &Ending,
        echo: bool,
    ) -> Committed {
        let Some(mut job) = world.job(g, j).cloned() else { return Committed::Superseded };
        let committed = self.write(world, &mut job, ending.clone(), echo);
        if let Some(held) = world.job(g, j) {
            held.read = job.read.clone();
        }
        let stands = job.lane == Lane::Bulk || job.read.applied_version >= Some(job.message.version);
        if committed == Committed::Overtaken && stands {
            world.wrong = Some("the alarm was raised over an older version told over a newer one");
        }
        committed
    }

    fn write(&self, world: &mut World, job: &mut Job, mut ending: Ending, mut echo: bool) -> Committed {
        let place = world.place(job.message.record, job.conn);
        for _ in 0..6 {
            let mut attempt = self.attempt(job);
            if !self.on(Rule::By) {
                attempt.by.push_str(" again");
            }
            let (new, after) = match settle(&job.read, &attempt, &ending, world.now) {
                Decision::Write(item) => (*item, Committed::Written),
                Decision::Overtaken(item) => (*item, Committed::Overtaken),
                Decision::StillNewest(item) => (*item, Committed::PlanAgain),
                Decision::Done => return Committed::Written,
                Decision::Superseded => return Committed::Superseded,
                Decision::PlanAgain => return Committed::PlanAgain,
            };
            if self.on(Rule::Condition) && world.items[place].rev != job.read.rev {
                job.read = world.items[place].clone();
                continue;
            }
            let mut new = self.bent(job, &ending, new);
            if !self.on(Rule::By) {
                new.by = by(job.message.id);
            }
            if let Some(owner) = self.claim(world, job, &new) {
                let reason = Reason::new(Code::Owned, format!("linked to {} already", record_id(owner)));
                let data = self.data(job.message.record, job.message.version);
                ending = dead(data, job.deleted, reason, true, true);
                continue;
            }
            world.items[place] = Rc::new(new);
            if ending == Ending::Dropped {
                world.dropped[place] = (attempt.version, attempt.mapping_revision);
            }
            if std::mem::take(&mut echo) {
                continue;
            }
            job.read = world.items[place].clone();
            return after;
        }
        panic!("the item kept changing")
    }

    /// Takes and gives back the claims that change with the item; the owner, when it is another record's.
    fn claim(&self, world: &mut World, job: &Job, new: &Item) -> Option<u8> {
        let connection = ConnectionKey::new("acme", format!("c{}", job.conn));
        let (take, release) = claims(&connection, &job.read, new);
        let mine = |claim: &(u8, String, u8), id: &Option<String>| {
            claim.0 == job.conn && Some(&claim.1) == id.as_ref()
        };
        let owner = world.claims.iter().find(|claim| take.is_some() && mine(claim, &new.external_id));
        let owner = owner.map(|claim| claim.2).filter(|owner| *owner != job.message.record);
        if owner.is_some() && self.on(Rule::Claim) {
            return owner;
        }
        if release.is_some() {
            world.claims.retain(|claim| !mine(claim, &job.read.external_id));
        }
        if let Some(id) = new.external_id.clone().filter(|_| take.is_some() && owner.is_none()) {
            world.claims.push((job.conn, id, job.message.record));
            world.claims.sort();
        }
        None
    }

    /// What is written without the rules that are switched off.
    fn bent(&self, job: &Job, ending: &Ending, new: Item) -> Item {
        let old = &job.read;
        match ending {
            Ending::Skipped(_) if !self.on(Rule::Skip) => {
                Item { applied_hash: old.applied_hash.clone(), ..new }
            }
            Ending::Put(put) if put.uncertain => self.put_without(job, new),
            Ending::Unknown if !self.on(Rule::Withdraw) => Item { intent: None, ..new },
            Ending::Unknown if !self.on(Rule::Hold) => Item { applied_hash: old.applied_hash.clone(), ..new },
            Ending::Begun if !self.on(Rule::Announce) => {
                Item { crashes: 0, applied_hash: old.applied_hash.clone(), ..new }
            }
            Ending::Intended { .. } if !self.on(Rule::Intent) => Item { intent: None, ..new },
            Ending::Parked(_) if !self.on(Rule::Later) && old.slot.is_some() => {
                let mut new = new;
                new.slot.iter_mut().for_each(|slot| slot.not_before = Instant(0));
                new
            }
            Ending::Applied(_) if job.lane == Lane::Bulk && !self.on(Rule::Beneath) => {
                Item { slot: None, applied_hash: new.applied_hash.clone(), ..new }
            }
            Ending::Applied(done) if done.link.is_none() && !self.on(Rule::Tombstone) => {
                Item { rev: new.rev, ..Item::default() }
            }
            _ => new,
        }
    }

    /// Commits an ending that finishes the job.
    pub(super) fn finish(&self, world: &mut World, g: usize, j: usize, ending: &Ending, echo: bool) {
        let stage = match self.commit(world, g, j, ending, echo) {
            Committed::Written | Committed::Superseded | Committed::Overtaken => Stage::Ended,
            Committed::PlanAgain => {
                let soon = world.now.plus_ms(1_000);
                return self.give_back(world, g, j, soon, false);
            }
        };
        super::take::set(world, g, j, stage);
    }

    /// Returns the job's message, or parks its version where the message must not wait in the queue.
    pub(super) fn give_back(&self, world: &mut World, g: usize, j: usize, until: Instant, held: bool) {
        if world.job(g, j).is_some_and(|job| job.lane == Lane::Bulk) {
            return self.put(world, g, j, until, false);
        }
        let fate = if held { Fate::Hold(until) } else { Fate::Return(until) };
        super::take::set(world, g, j, Stage::Returned(fate));
        let Some(job) = world.job(g, j).cloned() else { return };
        let short = until.since_ms(world.now) <= 1_000 && job.message.receives == 1 && !held;
        let woken = job.wake && job.read.slot.as_ref().is_some_and(|slot| slot.state != SlotState::Dead);
        let several = self.scenario.parks || world.connections() > 1;
        if woken || (several && !short) {
            let data = self.data(job.message.record, job.message.version);
            let code = if held { Code::OutcomeUnknown } else { Code::Throttled };
            let ending = parked(data, job.deleted, (until, code), None);
            match self.commit(world, g, j, &ending, false) {
                // It waits in the queue for a moment, as the engine's does.
                Committed::PlanAgain => {}
                _ => super::take::set(world, g, j, Stage::Ended),
            }
        }
    }
}
