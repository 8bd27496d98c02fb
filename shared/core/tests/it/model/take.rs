//! Taking a batch: strays are sent on, of several versions the newest stands for all, and each connection has its job.

use super::decide::Model;
use super::world::{Group, Job, Message, Stage, Worker, World};
use super::{Step, Steps};
use crate::rule::Rule;
use crate::scenario::Kind;
use rtr_core::code::Code;
use rtr_core::item::Lane;
use rtr_core::plan::{Action, Fence};
use rtr_core::settle::Ending;
use std::rc::Rc;

/// More receives than this are not told apart.
const MOST_RECEIVES: u8 = 4;

impl Model<'_> {
    pub(super) fn take(&self, world: &World, g: usize, steps: &mut Steps) {
        let group = &world.groups[g];
        let Some(head) = group.queue.first().copied().filter(|_| group.hidden_until <= world.now) else {
            return;
        };
        let spent =
            |message: &Message| self.scenario.gives_up > 0 && message.receives >= self.scenario.gives_up;
        if spent(&head) {
            let mut next = world.clone();
            next.groups[g].queue.remove(0);
            next.letters.push(head);
            next.given_up |= 1 << head.version;
            steps.push((Step("the queue gives up", head.record, head.version), next));
            return;
        }
        let most = group.queue.iter().position(spent).unwrap_or(group.queue.len());
        for count in 1..=most {
            let mut next = world.clone();
            for message in &mut next.groups[g].queue[..count] {
                message.receives = (message.receives + 1).min(MOST_RECEIVES);
                message.arrived = message.arrived.or(Some(world.now)).filter(|_| self.scenario.refers > 0);
            }
            let got = next.groups[g].queue[..count].to_vec();
            if !group.own && self.on(Rule::Canon) && self.on(Rule::Group) {
                send_on(&mut next, g, &got);
                steps.push((Step("sends on", head.record, head.version), next));
                continue;
            }
            let jobs = self.jobs(&next, &next.groups[g], &got);
            next.groups[g].worker = Some(Worker { got, jobs });
            for j in 0..next.groups[g].worker.as_ref().map_or(0, |worker| worker.jobs.len()) {
                self.decide(&mut next, g, j);
            }
            steps.push((Step("takes up to", head.record, count as u64), next));
        }
    }

    fn jobs(&self, world: &World, group: &Group, got: &[Message]) -> Vec<Job> {
        let again = got.iter().any(|message| message.receives > 1);
        // Of equal versions the one to be written once more stands, and then the later one.
        let change = got
            .iter()
            .filter(|message| message.wake.is_none())
            .max_by_key(|message| (message.version, message.rewrite));
        let mut jobs = Vec::new();
        for conn in 0..u8::try_from(world.connections()).unwrap() {
            let wake =
                got.iter().filter(|message| message.wake == Some(conn)).max_by_key(|message| message.version);
            // Of equal versions the wake stands for the others.
            let woken = wake.filter(|wake| change.is_none_or(|change| wake.version >= change.version));
            let Some(message) = woken.or(change) else { continue };
            let mut job = self.job(world, group.record, conn, message, again);
            if job.wake {
                if self.fence(world, &job) == Fence::Open {
                    job.deleted = job.read.slot.as_ref().is_some_and(|slot| slot.deleted);
                } else if let Some(change) = change {
                    job = self.job(world, group.record, conn, change, again);
                }
            }
            jobs.push(job);
        }
        jobs
    }

    fn job(&self, world: &World, record: u8, conn: u8, message: &Message, again: bool) -> Job {
        let wake = message.wake.is_some();
        let deleted = self.event(record, message.version).is_some_and(|event| event.kind == Kind::Delete);
        Job {
            lane: Lane::Sync,
            conn,
            message: *message,
            wake,
            deleted: deleted && !wake,
            again,
            revision: world.revision,
            linked: world.linked,
            settled: world.settled,
            read: world.item(record, conn).clone(),
            stage: Stage::Ended,
        }
    }

    /// Decides the job: what needs no call is to be written, what does is going.
    pub(super) fn decide(&self, world: &mut World, g: usize, j: usize) {
        let Some(job) = world.job(g, j).cloned() else { return };
        let (record, version) = (job.message.record, job.message.version);
        let data = || self.data(record, version);
        let ending = match self.plan(world, &job) {
            Action::Superseded { .. } => return set(world, g, j, Stage::Ended),
            // Without the rule, nothing is written where nothing was.
            Action::Skip(_) if job.read.rev == 0 && !self.on(Rule::Note) => {
                return set(world, g, j, Stage::Ended);
            }
            Action::Skip(code) => Ending::Skipped(code),
            Action::Unchanged => {
                if job.lane == Lane::Bulk {
                    world.wrong = Some("the bulk lane found something unchanged");
                }
                Ending::Unchanged
            }
            // It came by a backfill, as all that is written once more: the bulk lane calls for it.
            Action::Go(_) if job.message.rewrite && job.lane == Lane::Sync => {
                super::commit::parked(data(), job.deleted, (world.now, Code::Backfilled), None)
            }
            Action::Go(go) => return set(world, g, j, Stage::Going(Rc::new(*go))),
            Action::Dead(reason) => {
                let uncertain = reason.code == Code::Crash;
                super::commit::dead(data(), job.deleted, reason, uncertain, false)
            }
            Action::ReplaceParked => {
                let held = job.read.slot.as_ref().map(|slot| (slot.not_before, slot.reason.code));
                let held = held.unwrap_or((world.now, Code::Throttled));
                super::commit::parked(data(), job.deleted, held, None)
            }
            Action::Wait(wait) => {
                let until = (wait.until, wait.reason.code);
                super::commit::parked(data(), job.deleted, until, Some(*wait))
            }
            Action::Park { reason, .. } if job.lane == Lane::Bulk && reason.code == Code::Paused => {
                return set(world, g, j, Stage::Ended);
            }
            Action::Park { until, .. } => return self.give_back(world, g, j, until, false),
            Action::Pass | Action::Shadow(_) => panic!("nothing is shadowed"),
            Action::LookUp => panic!("nothing is looked up"),
        };
        set(world, g, j, Stage::Write(Rc::new(ending)));
    }
}

pub(super) fn set(world: &mut World, g: usize, j: usize, stage: Stage) {
    if let Some(job) = world.job(g, j) {
        job.stage = stage;
    }
}

fn send_on(world: &mut World, g: usize, got: &[Message]) {
    world.groups[g].queue.drain(..got.len());
    let record = world.groups[g].record;
    if let Some(own) = world.group_of(record, true) {
        own.queue.extend(got.iter().map(|message| Message { receives: 0, arrived: None, ..*message }));
    }
}
