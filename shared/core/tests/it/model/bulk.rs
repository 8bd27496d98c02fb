//! The bulk lane: one worker per connection, which takes up what is parked there when its time has come.

use super::decide::Model;
use super::take::set;
use super::world::{Bulk, Fate, Job, LIFE_MS, Message, Request, Stage, World};
use super::{Step, Steps};
use crate::rule::Rule;
use rtr_core::code::Code;
use rtr_core::item::{Item, Lane, Reason, SlotState};
use rtr_core::settle::{Ending, Put};
use rtr_core::time::Instant;
use std::rc::Rc;

/// More deaths than these are not told apart: work is announced after them.
const MOST_DEATHS: u8 = 2;

impl Model<'_> {
    pub(super) fn bulk(&self, world: &World, b: usize, steps: &mut Steps) {
        let bulk = &world.bulks[b];
        if bulk.jobs.is_empty() {
            return self.take_up(world, b, steps);
        }
        let before = steps.len();
        let going = bulk.jobs.iter().enumerate().filter(|(_, job)| !over(job));
        for (j, job) in going {
            self.job_step(world, world.groups.len() + b, j, job, steps);
        }
        for (_, next) in &mut steps[before..] {
            self.rest(next, b);
        }
        self.bulk_dies(world, b, steps);
    }

    /// It takes up one of the records that are due, or all of them.
    fn take_up(&self, world: &World, b: usize, steps: &mut Steps) {
        let Bulk { conn, hidden_until, .. } = world.bulks[b];
        if hidden_until > world.now || !self.on(Rule::Drain) {
            return;
        }
        let is_due = |not_before: Instant| not_before <= world.now || !self.on(Rule::Wait);
        let due: Vec<u8> = world
            .parked(conn)
            .filter(|(_, not_before)| is_due(*not_before))
            .map(|(record, _)| record)
            .collect();
        let all = (due.len() > 1).then_some(due.as_slice());
        for records in due.chunks(1).chain(all) {
            let mut next = world.clone();
            for (j, record) in records.iter().enumerate() {
                let job = self.taken_up(&next, b, *record);
                let drops = job.read.slot.as_ref().is_some_and(|slot| slot.state == SlotState::Drop);
                next.bulks[b].jobs.push(job);
                let g = next.groups.len() + b;
                if drops {
                    set(&mut next, g, j, Stage::Write(Rc::new(Ending::Dropped)));
                } else {
                    self.decide(&mut next, g, j);
                }
            }
            self.rest(&mut next, b);
            steps.push((Step("the bulk lane takes up", conn, u64::from(records[0])), next));
        }
    }

    fn taken_up(&self, world: &World, b: usize, record: u8) -> Job {
        let Bulk { conn, deaths, .. } = world.bulks[b];
        let read = world.item(record, conn).clone();
        let slot = read.slot.as_ref().unwrap();
        let message = Message {
            id: world.fresh_id(),
            record,
            version: slot.wanted_version,
            wake: Some(conn),
            rewrite: false,
            receives: 1 + deaths,
            arrived: Some(slot.since).filter(|_| self.scenario.refers > 0),
        };
        Job {
            lane: Lane::Bulk,
            conn,
            message,
            wake: true,
            deleted: slot.deleted,
            again: false,
            revision: world.revision,
            linked: world.linked,
            settled: world.settled,
            read,
            stage: Stage::Ended,
        }
    }

    /// The outcome is unknown: whatever is parked by now stays so until the request landed or died. If that cannot be
    /// written, the whole lane rests as long.
    pub(super) fn hears_nothing(
        &self,
        world: &World,
        g: usize,
        j: usize,
        request: Request,
        steps: &mut Steps,
    ) {
        let (conn, version) = (request.conn, request.version);
        let mut lost = world.clone();
        lost.left.unknowns -= 1;
        lost.pending.push(request);
        if world.left.outages > 0 {
            let mut next = lost.clone();
            next.left.outages -= 1;
            set(&mut next, g, j, Stage::Returned(Fate::AsIs));
            steps.push((Step("hears nothing of, and cannot write", conn, version), next));
        }
        let until = if self.on(Rule::Hold) { world.now.plus_ms(LIFE_MS) } else { world.now };
        self.put(&mut lost, g, j, until, true);
        steps.push((Step("hears nothing of", conn, version), lost));
    }

    /// What is parked stays so until then.
    pub(super) fn put(&self, world: &mut World, g: usize, j: usize, until: Instant, uncertain: bool) {
        let code = if uncertain { Code::OutcomeUnknown } else { Code::Throttled };
        let put = Put { until, reason: Reason::new(code, "later"), uncertain, attempts: 1 };
        self.commit(world, g, j, &Ending::Put(put), false);
        set(world, g, j, Stage::Ended);
    }

    /// What putting off writes without the rules that are switched off.
    pub(super) fn put_without(&self, job: &Job, new: Item) -> Item {
        let old = &job.read;
        let mine = old.slot.as_ref().is_some_and(|slot| slot.wanted_version == job.message.version);
        if !self.on(Rule::Withdraw) {
            return Item { intent: None, ..new };
        }
        if !self.on(Rule::Hold) {
            return Item { applied_hash: old.applied_hash.clone(), ..new };
        }
        if !mine && !self.on(Rule::Put) {
            return Item { slot: old.slot.clone(), ..new };
        }
        new
    }

    /// Once every job is over the worker rests, as long as one of them asked for.
    fn rest(&self, world: &mut World, b: usize) {
        if !world.bulks[b].jobs.iter().all(over) {
            return;
        }
        let g = world.groups.len() + b;
        let mut until = world.bulks[b].hidden_until;
        for j in 0..world.bulks[b].jobs.len() {
            until = match world.bulks[b].jobs[j].stage {
                Stage::Returned(Fate::AsIs) if self.on(Rule::Quarantine) => {
                    until.max(world.now.plus_ms(LIFE_MS))
                }
                Stage::Returned(Fate::AsIs) => until,
                Stage::Returned(Fate::Return(asked) | Fate::Hold(asked)) => until.max(asked),
                _ => until,
            };
            if !matches!(world.bulks[b].jobs[j].stage, Stage::Returned(Fate::AsIs)) {
                self.commit(world, g, j, &Ending::Returned, false);
            }
        }
        let bulk = &mut world.bulks[b];
        (bulk.hidden_until, bulk.deaths) = (until, 0);
        bulk.jobs.clear();
    }

    /// It dies: what it has called may land yet, and the lane rests as long.
    fn bulk_dies(&self, world: &World, b: usize, steps: &mut Steps) {
        let bulk = &world.bulks[b];
        let called: Vec<&Job> = bulk.jobs.iter().filter(|job| matches!(job.stage, Stage::Sent(_))).collect();
        let deadly = called.iter().any(|job| self.scenario.deadly.contains(&job.message.version));
        if world.left.crashes == 0 && !deadly {
            return;
        }
        let mut next = world.clone();
        next.left.crashes -= u8::from(!deadly);
        for job in called {
            let Stage::Sent(go) = &job.stage else { continue };
            next.pending.extend(self.request(world, job, &go.first));
        }
        let bulk = &mut next.bulks[b];
        bulk.jobs.clear();
        bulk.deaths = (bulk.deaths + 1).min(MOST_DEATHS);
        bulk.hidden_until = if self.on(Rule::Quarantine) { world.now.plus_ms(LIFE_MS) } else { world.now };
        steps.push((Step("the bulk lane dies", bulk.conn, 0), next));
    }
}

fn over(job: &Job) -> bool {
    matches!(job.stage, Stage::Ended | Stage::Returned(_))
}
