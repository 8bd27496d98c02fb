//! Looking before writing: what is found is linked first and then written to; what was made a moment ago may not be found.

use super::commit::{Committed, dead};
use super::decide::{Model, external_id, record_id};
use super::take::set;
use super::world::{Job, LAG_MS, Object, Stage, World};
use super::{Step, Steps};
use crate::rule::Rule;
use crate::scenario::Key;
use rtr_core::code::Code;
use rtr_core::item::Reason;
use rtr_core::plan::{First, Go, LookBy, after_finding_nothing};
use rtr_core::settle::{Ending, Link};
use std::rc::Rc;

impl Model<'_> {
    pub(super) fn look(
        &self,
        world: &World,
        g: usize,
        j: usize,
        job: &Job,
        by: &[LookBy],
        steps: &mut Steps,
    ) {
        let step = |what| Step(what, job.conn, job.message.version);
        let young = world.crms[usize::from(job.conn)]
            .iter()
            .any(|one| self.lags(one, by, world) && by.iter().any(|by| self.matches(one, by)));
        for all in [true, false] {
            if all || young {
                let mut next = world.clone();
                self.look_through(&mut next, g, j, by, all);
                steps.push((step(if all { "looks" } else { "looks too early" }), next));
            }
        }
    }

    /// Whether a search may not find the record yet. What is read by a unique key is found at once.
    fn lags(&self, object: &Object, by: &[LookBy], world: &World) -> bool {
        let search = by.iter().any(|by| !by.ours) || self.scenario.key != Key::Unique;
        search && object.made_at.plus_ms(LAG_MS) > world.now
    }

    fn matches(&self, object: &Object, by: &LookBy) -> bool {
        let held =
            if by.ours { object.ours.map(record_id) } else { Some(super::decide::email_text(object.email)) };
        object.alive && held.as_deref() == Some(by.value.as_str())
    }

    fn look_through(&self, world: &mut World, g: usize, j: usize, by: &[LookBy], all: bool) {
        let Some(job) = world.job(g, j).cloned() else { return };
        let record = job.message.record;
        let searched = self.on(Rule::Search) && (self.on(Rule::Seek) || !self.goes(&job.stage));
        for one in by.iter().filter(|_| searched) {
            let objects = &world.crms[usize::from(job.conn)];
            let late = |object: &Object| {
                !all && (!one.ours || self.scenario.key != Key::Unique)
                    && object.made_at.plus_ms(LAG_MS) > world.now
            };
            let hits: Vec<Object> =
                objects.iter().filter(|object| self.matches(object, one) && !late(object)).copied().collect();
            match hits.as_slice() {
                [] => {}
                [hit] if !one.ours && hit.ours.is_some_and(|other| other != record) => {
                    return self.bury(world, g, j, Code::Owned);
                }
                [hit] => return self.adopt(world, g, j, hit.id),
                _ => return self.bury(world, g, j, Code::Ambiguous),
            }
        }
        let key = record_id(record);
        let key = Some(key.as_str()).filter(|_| self.scenario.key != Key::Match);
        match after_finding_nothing(self.mapping(job.revision), key, self.goes(&job.stage)) {
            Some(first) => begin(world, g, j, first),
            None => self.finish(world, g, j, &Ending::Skipped(Code::Ignored), false),
        }
    }

    /// Whether what is under way is a delete.
    fn goes(&self, stage: &Stage) -> bool {
        matches!(stage, Stage::Going(go) if go.deleted)
    }

    fn bury(&self, world: &mut World, g: usize, j: usize, code: Code) {
        let Some(job) = world.job(g, j).cloned() else { return };
        let data = self.data(job.message.record, job.message.version);
        self.finish(world, g, j, &dead(data, job.deleted, Reason::new(code, "found"), false, false), false);
    }

    /// Links the job to what was found, claim first, and goes on as an update; a delete goes on as one.
    pub(super) fn adopt(&self, world: &mut World, g: usize, j: usize, object: u8) {
        let Some(job) = world.job(g, j).cloned() else { return };
        let id = external_id(object);
        if self.goes(&job.stage) {
            return begin(world, g, j, First::Remove { external_id: id, erase: false });
        }
        if !self.on(Rule::Adopt) {
            return begin(world, g, j, First::Update { external_id: id });
        }
        let link = Link { object: "contacts".to_owned(), external_id: id.clone() };
        match self.commit(world, g, j, &Ending::Linked(link), false) {
            Committed::Written => {
                let linked = world.job(g, j).is_some_and(|job| job.read.external_id.as_ref() == Some(&id));
                if linked {
                    begin(world, g, j, First::Update { external_id: id });
                } else {
                    // The claim was another's: the commit filed it as dead.
                    set(world, g, j, Stage::Ended);
                }
            }
            Committed::Superseded => set(world, g, j, Stage::Ended),
            Committed::PlanAgain | Committed::Overtaken => {
                let soon = world.now.plus_ms(1_000);
                self.give_back(world, g, j, soon, false);
            }
        }
    }

    /// The CRM named a duplicate: adopted if the mapping's match finds that very one.
    pub(super) fn adopt_named(&self, world: &mut World, g: usize, j: usize, existing: u8) {
        let Some(job) = world.job(g, j).cloned() else { return };
        let email = self.email(job.message.record, job.message.version);
        let objects = &world.crms[usize::from(job.conn)];
        let hits: Vec<Object> =
            objects.iter().filter(|one| one.alive && one.email == email).copied().collect();
        match hits.as_slice() {
            [hit] if hit.id == existing => match hit.ours {
                Some(other) if other != job.message.record => self.bury(world, g, j, Code::Owned),
                _ => self.adopt(world, g, j, existing),
            },
            many if many.iter().any(|hit| hit.id == existing) => self.bury(world, g, j, Code::Ambiguous),
            _ => self.bury(world, g, j, Code::Duplicate),
        }
    }
}

/// The job goes on, beginning with `first`.
pub(super) fn begin(world: &mut World, g: usize, j: usize, first: First) {
    let Some(job) = world.job(g, j) else { return };
    if let Stage::Going(go) | Stage::Sent(go) = &job.stage {
        job.stage = Stage::Going(Rc::new(Go { first, ..Go::clone(go) }));
    }
}
