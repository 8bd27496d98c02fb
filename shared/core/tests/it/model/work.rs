//! What a worker may do next: write, look, call, commit, settle its messages, or die.

use super::commit::Committed;
use super::decide::Model;
use super::take::set;
use super::world::{Fate, Job, LIFE_MS, Message, Request, Stage, World};
use super::{Step, Steps};
use crate::rule::Rule;
use rtr_core::marks::Marks;
use rtr_core::plan::First;
use rtr_core::settle::{Applied, Ending, Link, Open};
use std::rc::Rc;

/// From this receive count on, work is announced before it begins.
const WARY_RECEIVES: u8 = 3;

impl Model<'_> {
    pub(super) fn work(&self, world: &World, g: usize, steps: &mut Steps) {
        let Some(worker) = &world.groups[g].worker else { return self.take(world, g, steps) };
        let over = |job: &Job| matches!(job.stage, Stage::Ended | Stage::Returned(_));
        let writes = worker.jobs.iter().position(|job| matches!(job.stage, Stage::Write(_)));
        for (j, job) in worker.jobs.iter().enumerate() {
            // Endings that need no call are written first.
            if over(job) || writes.is_some_and(|first| first != j) {
                continue;
            }
            self.job_step(world, g, j, job, steps);
        }
        if worker.jobs.iter().all(over) {
            let mut next = world.clone();
            self.settle_messages(&mut next, g);
            steps.push((Step("settles its messages", world.groups[g].record, 0), next));
        }
        self.die(world, g, steps);
    }

    pub(super) fn job_step(&self, world: &World, g: usize, j: usize, job: &Job, steps: &mut Steps) {
        let step = |what| Step(what, job.conn, job.message.version);
        match &job.stage {
            Stage::Write(ending) => {
                let what = name(ending);
                for echo in [false, true] {
                    if echo && world.left.echoes == 0 {
                        continue;
                    }
                    let mut next = world.clone();
                    next.left.echoes -= u8::from(echo);
                    self.finish(&mut next, g, j, ending, echo);
                    self.linked_meanwhile(&mut next, g, j, ending);
                    steps.push((step(what), next));
                }
                self.outage(world, g, j, job, steps);
            }
            Stage::Going(go) => match &go.first {
                First::Look(by) => self.look(world, g, j, job, by, steps),
                First::Nothing => {
                    let mut next = world.clone();
                    self.before_call(&mut next, g, j);
                    if next.job(g, j).is_some_and(|job| matches!(job.stage, Stage::Going(_))) {
                        set(&mut next, g, j, Stage::Landed(go.clone(), None));
                    }
                    steps.push((step("needs no call for"), next));
                }
                _ => steps.push((step("calls"), self.send(world, g, j, job))),
            },
            Stage::Sent(go) => self.answers(world, g, j, job, go, steps),
            Stage::Landed(go, id) => {
                for echo in [false, true] {
                    if echo && world.left.echoes == 0 {
                        continue;
                    }
                    let mut next = world.clone();
                    next.left.echoes -= u8::from(echo);
                    self.finish(&mut next, g, j, &self.applied(job, go, *id), echo);
                    steps.push((step("commits"), next));
                }
                self.outage(world, g, j, job, steps);
            }
            Stage::Ended | Stage::Returned(_) => {}
        }
    }

    /// The table does not answer: the message comes back as it is.
    fn outage(&self, world: &World, g: usize, j: usize, job: &Job, steps: &mut Steps) {
        if world.left.outages > 0 {
            let mut next = world.clone();
            next.left.outages -= 1;
            set(&mut next, g, j, Stage::Returned(Fate::AsIs));
            steps.push((Step("cannot write", job.conn, job.message.version), next));
        }
    }

    /// A reference may have been linked between the read and the wait, and have told nobody: those go at once.
    fn linked_meanwhile(&self, world: &mut World, g: usize, j: usize, ending: &Ending) {
        let waits = matches!(ending, Ending::Parked(parking) if parking.wait.is_some());
        let (linked, settled) = (world.linked, world.settled);
        let Some(job) = world.job(g, j).filter(|_| waits) else { return };
        if matches!(job.stage, Stage::Ended) && linked | settled == (1 << self.scenario.refers) - 1 {
            (job.linked, job.settled, job.wake) = (linked, settled, true);
            self.decide(world, g, j);
        }
    }

    /// What must hold before a call: predecessors are out of the queue, and work on what keeps coming back is announced.
    fn before_call(&self, world: &mut World, g: usize, j: usize) {
        let Some(job) = world.job(g, j).cloned() else { return };
        let group = world.groups.get_mut(g);
        let got =
            group.as_ref().and_then(|group| Some(group.worker.as_ref()?.got.clone())).unwrap_or_default();
        let newest =
            |wake: Option<u8>| got.iter().filter(|one| one.wake == wake).max_by_key(|one| one.version);
        let passed = |one: &Message| {
            let stood_for = newest(one.wake).is_some_and(|newest| newest.id != one.id);
            let replaced = one.wake == Some(job.conn) && one.version < job.message.version;
            stood_for || replaced
        };
        if self.on(Rule::Compact) {
            let ids: Vec<u8> = got.iter().filter(|one| passed(one)).map(|one| one.id).collect();
            group.into_iter().for_each(|group| group.queue.retain(|one| !ids.contains(&one.id)));
        }
        let older = job.read.slot.as_ref().is_some_and(|slot| slot.wanted_version < job.message.version);
        if older
            && self.on(Rule::Pass)
            && self.commit(world, g, j, &Ending::Passed, false) != Committed::Written
        {
            let soon = world.now.plus_ms(1_000);
            return self.give_back(world, g, j, soon, false);
        }
        if job.message.receives >= WARY_RECEIVES {
            self.commit(world, g, j, &Ending::Begun, false);
        }
    }

    fn send(&self, world: &World, g: usize, j: usize, job: &Job) -> World {
        let mut next = world.clone();
        self.before_call(&mut next, g, j);
        if next.job(g, j).is_none_or(|job| !matches!(job.stage, Stage::Going(_))) {
            return next;
        }
        let Stage::Going(go) = &job.stage else { return next };
        if go.first == First::Create {
            let matched =
                self.mapped(job.message.record, job.message.version, job.revision).match_value.clone();
            let ending = Ending::Intended { nonce: "n".to_owned(), matched };
            match self.commit(&mut next, g, j, &ending, false) {
                Committed::Written => {}
                Committed::Superseded => {
                    set(&mut next, g, j, Stage::Ended);
                    return next;
                }
                Committed::PlanAgain | Committed::Overtaken => {
                    let soon = next.now.plus_ms(1_000);
                    self.give_back(&mut next, g, j, soon, false);
                    return next;
                }
            }
            let item = next.item(job.message.record, job.conn);
            let open = item.intent.as_ref().is_some_and(|intent| intent.version == job.message.version);
            if !open && self.on(Rule::Intent) {
                next.wrong = Some("a create was called without a durable intent");
            }
        }
        set(&mut next, g, j, Stage::Sent(go.clone()));
        next
    }

    /// The request that a job's call is.
    pub(super) fn request(&self, world: &World, job: &Job, first: &First) -> Option<Request> {
        let call = self.call(first, &job.read)?;
        Some(Request {
            record: job.message.record,
            conn: job.conn,
            version: job.message.version,
            revision: job.revision,
            linked: job.linked,
            call,
            dies_at: world.now.plus_ms(LIFE_MS),
        })
    }

    pub(super) fn applied(&self, job: &Job, go: &Rc<rtr_core::plan::Go>, id: Option<u8>) -> Ending {
        let body = rtr_core::item::Body::Inline(self.data(job.message.record, job.message.version));
        let open = go.open.clone().map(|wait| Box::new(Open { wait, body, attempts: 1 }));
        let link =
            id.map(|id| Link { object: "contacts".to_owned(), external_id: super::decide::external_id(id) });
        Ending::Applied(Applied {
            open,
            hash: Some(go.hash.clone()),
            base: Marks::default(),
            link,
            code: None,
            told: true,
        })
    }

    /// The worker dies: what it has called may land yet, and its messages come back.
    fn die(&self, world: &World, g: usize, steps: &mut Steps) {
        let Some(worker) = &world.groups[g].worker else { return };
        let deadly = worker.jobs.iter().find(|job| {
            matches!(job.stage, Stage::Sent(_)) && self.scenario.deadly.contains(&job.message.version)
        });
        if world.left.crashes == 0 && deadly.is_none() {
            return;
        }
        let mut next = world.clone();
        if deadly.is_none() {
            next.left.crashes -= 1;
        }
        let called = worker.jobs.iter().filter_map(|job| match &job.stage {
            Stage::Sent(go) => self.request(world, job, &go.first),
            _ => None,
        });
        next.pending.extend(called);
        let group = &mut next.groups[g];
        group.worker = None;
        group.hidden_until = if self.on(Rule::Quarantine) { world.now.plus_ms(LIFE_MS) } else { world.now };
        steps.push((Step("dies", group.record, 0), next));
    }
}

fn name(ending: &Ending) -> &'static str {
    match ending {
        Ending::Unchanged => "finds unchanged",
        Ending::Skipped(_) => "skips",
        Ending::Dead(_) => "files",
        Ending::Parked(parking) if parking.wait.is_some() => "waits with",
        Ending::Parked(_) => "parks",
        Ending::Dropped => "drops",
        _ => "writes",
    }
}
