//! What a worker hears of its call: done, refused, not now, not there, another's, or nothing at all.

use super::commit::{Committed, dead};
use super::crm::Landing;
use super::decide::Model;
use super::take::set;
use super::world::{Call, Fate, Job, LAG_MS, LIFE_MS, Request, Stage, World};
use super::{Step, Steps};
use crate::rule::Rule;
use crate::scenario::Shut;
use rtr_core::code::Code;
use rtr_core::item::{Lane, Reason};
use rtr_core::plan::{Action, First, Go};
use rtr_core::settle::Ending;
use std::rc::Rc;

/// A limit is over in a moment; who is down is left alone for longer, in milliseconds.
const LIMIT_MS: i64 = 1_000;
const DOWN_MS: i64 = 5_000;

impl Model<'_> {
    pub(super) fn answers(
        &self,
        world: &World,
        g: usize,
        j: usize,
        job: &Job,
        go: &Rc<Go>,
        steps: &mut Steps,
    ) {
        let version = job.message.version;
        let step = |what| Step(what, job.conn, version);
        let Some(request) = self.request(world, job, &go.first) else { return };
        if self.scenario.deadly.contains(&version) {
            return;
        }
        let down = world.shut
            && usize::from(job.conn) + 1 == world.connections()
            && self.scenario.shut == Some(Shut::Down);
        if down || world.left.throttles > 0 {
            let mut next = world.clone();
            next.left.throttles -= u8::from(!down);
            self.not_now(&mut next, g, j, &go.first, if down { DOWN_MS } else { LIMIT_MS });
            steps.push((step("is told: not now"), next));
        }
        if down {
            return;
        }
        let refused = self.refuses(world, job.conn, version);
        if refused || (job.conn == 0 && self.scenario.flaky.contains(&version)) {
            let mut next = world.clone();
            self.refused(&mut next, g, j, &go.first, Code::Invalid);
            steps.push((step("is refused"), next));
        }
        if !refused {
            let mut next = world.clone();
            let landing = self.land(&mut next, &request, world.now);
            self.heard(&mut next, g, j, landing, go);
            steps.push((step("lands"), next));
            self.lagging(world, g, j, &request, go, steps);
        }
        if world.left.unknowns > 0 && job.lane == Lane::Bulk {
            self.hears_nothing(world, g, j, request, steps);
        } else if world.left.unknowns > 0 {
            let mut next = world.clone();
            next.left.unknowns -= 1;
            next.pending.push(request);
            let (now, until) = (world.now, world.now.plus_ms(LIFE_MS));
            self.commit(&mut next, g, j, &Ending::Unknown, false);
            if self.on(Rule::Hold) {
                self.give_back(&mut next, g, j, until, true);
            } else {
                self.give_back(&mut next, g, j, now, false);
            }
            steps.push((step("hears nothing of"), next));
        }
    }

    fn heard(&self, world: &mut World, g: usize, j: usize, landing: Landing, go: &Rc<Go>) {
        match landing {
            Landing::Done(id) => set(world, g, j, Stage::Landed(go.clone(), id)),
            Landing::Missing => self.missing(world, g, j, go),
            Landing::Duplicate(existing) => {
                let unlinked = world.job(g, j).is_some_and(|job| job.read.external_id.is_none());
                if unlinked && self.mapping(1).match_on.is_some() {
                    self.adopt_named(world, g, j, existing);
                } else {
                    self.refused(world, g, j, &go.first, Code::Duplicate);
                }
            }
        }
    }

    /// A definite "not now": nothing landed.
    fn not_now(&self, world: &mut World, g: usize, j: usize, first: &First, wait_ms: i64) {
        if *first == First::Create {
            self.commit(world, g, j, &Ending::NotCreated, false);
        }
        let until = world.now.plus_ms(wait_ms);
        if world.job(g, j).is_some_and(|job| job.lane == Lane::Bulk) {
            // All of the connection's work rests.
            return set(world, g, j, Stage::Returned(Fate::Return(until)));
        }
        self.give_back(world, g, j, until, false);
    }

    fn refused(&self, world: &mut World, g: usize, j: usize, first: &First, code: Code) {
        let Some(job) = world.job(g, j).cloned() else { return };
        let data = self.data(job.message.record, job.message.version);
        let reason = Reason::new(code, "refused");
        let ending = dead(data, job.deleted, reason, false, *first == First::Create);
        self.finish(world, g, j, &ending, false);
        if job.lane == Lane::Bulk && *first == First::Create {
            // A newer version may be parked by now, so that nothing was filed.
            self.commit(world, g, j, &Ending::NotCreated, false);
        }
    }

    /// The CRM may not show a record yet that was made a moment ago; to remove what is not there counts as done.
    fn lagging(&self, world: &World, g: usize, j: usize, request: &Request, go: &Rc<Go>, steps: &mut Steps) {
        let Call::Update { id, .. } = request.call else { return };
        let young = world.crms[usize::from(request.conn)]
            .iter()
            .any(|one| one.id == id && one.alive && one.made_at.plus_ms(LAG_MS) > world.now);
        if world.left.lags > 0 && young {
            let mut next = world.clone();
            next.left.lags -= 1;
            self.missing(&mut next, g, j, go);
            steps.push((Step("is told: not there", request.conn, request.version), next));
        }
    }

    /// The linked record is not there: lag if it is young, else it is made anew, or gone as was asked.
    fn missing(&self, world: &mut World, g: usize, j: usize, go: &Rc<Go>) {
        let Some(job) = world.job(g, j).cloned() else { return };
        let visible = job.read.linked_at.map(|at| at.plus_ms(LAG_MS));
        if let Some(until) = visible.filter(|until| *until > world.now && self.on(Rule::Young)) {
            return self.give_back(world, g, j, until, false);
        }
        if go.deleted {
            return set(world, g, j, Stage::Landed(go.clone(), None));
        }
        let soon = world.now.plus_ms(1_000);
        if self.commit(world, g, j, &Ending::Unlinked, false) != Committed::Written {
            return self.give_back(world, g, j, soon, false);
        }
        let Some(job) = world.job(g, j).cloned() else { return };
        match self.plan(world, &job) {
            Action::Go(go) => set(world, g, j, Stage::Going(Rc::new(*go))),
            _ => self.give_back(world, g, j, soon, false),
        }
    }
}
