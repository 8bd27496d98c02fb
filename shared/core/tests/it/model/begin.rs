//! The beginning of a scenario: what is applied and linked already, and what lies on the queue.

use super::decide::{Model, external_id};
use super::world::{Bulk, Content, DAYS_MS, Group, Job, Message, Object, Stage, World};
use crate::rule::Rule;
use crate::scenario::{Email, Key};
use rtr_core::item::{Item, Lane};
use rtr_core::plan::Action;
use rtr_core::settle::{Decision, settle};
use rtr_core::time::Instant;
use std::rc::Rc;

impl Model<'_> {
    /// The beginning: version 1 is applied and linked, or nothing is known yet.
    pub(super) fn begin(&self) -> World {
        let scenario = self.scenario;
        let connections = usize::from(scenario.more) + 1;
        let pairs = connections * usize::from(self.records());
        let group =
            |record, own| Group { record, own, queue: Vec::new(), hidden_until: Instant(0), worker: None };
        let records = 0..self.records();
        let astray = !self.on(Rule::Group) || scenario.events.iter().any(|event| event.stray);
        let strays = records.clone().filter(|_| astray).map(|record| group(record, false));
        let groups = records.clone().map(|record| group(record, true)).chain(strays).collect();
        // Without the rule there are two of them.
        let workers = if self.on(Rule::One) { 1 } else { 2 };
        let bulk = |conn| Bulk { conn, hidden_until: Instant(0), deaths: 0, jobs: Vec::new() };
        let bulks = (0..=scenario.more).flat_map(|conn| vec![bulk(conn); workers]).collect();
        let mut world = World {
            now: Instant(DAYS_MS),
            groups,
            bulks,
            items: (0..pairs).map(|_| Rc::new(Item::default())).collect(),
            claims: Vec::new(),
            crms: vec![Vec::new(); connections],
            pending: Vec::new(),
            letters: Vec::new(),
            coming: 0,
            revision: 1,
            linked: 0,
            settled: 0,
            untold: 0,
            mended: scenario.bad.is_empty(),
            shut: false,
            left: scenario.left,
            landed: vec![0; pairs],
            dropped: vec![(0, 0); pairs],
            given_up: 0,
            wanted: vec![(0, 1); usize::from(self.records())],
            wrong: None,
        };
        for conn in 0..connections {
            for id in 0..scenario.strangers {
                let content = Content { text: "stranger's", revised: false, linked: 0 };
                world.crms[conn].push(Object {
                    id,
                    ours: None,
                    made_for: None,
                    email: if scenario.email == Email::Text { b'B' } else { 9 },
                    content,
                    alive: true,
                    made_at: Instant(0),
                });
            }
        }
        if scenario.start.is_some() {
            records.for_each(|record| self.applied_before(&mut world, record));
        }
        world.shut = scenario.shut.is_some();
        for (at, event) in scenario.events.iter().enumerate() {
            if event.later {
                world.coming |= 1 << at;
            } else {
                self.arrive(&mut world, at, !event.stray);
            }
        }
        world
    }

    fn applied_before(&self, world: &mut World, record: u8) {
        for conn in 0..u8::try_from(world.connections()).unwrap() {
            let place = world.place(record, conn);
            let (id, wake, arrived) = (99, None, Some(Instant(0)));
            let message = Message { id, record, version: 1, wake, rewrite: false, receives: 1, arrived };
            let mut job = Job {
                lane: Lane::Sync,
                conn,
                message,
                wake: false,
                deleted: false,
                again: false,
                revision: 1,
                linked: 0,
                settled: 0,
                read: Rc::new(Item::default()),
                stage: Stage::Ended,
            };
            let Action::Go(mut go) = self.plan(world, &job) else { panic!("version 1 is to be called") };
            // It referred to nothing.
            go.open = None;
            let id = u8::try_from(world.crms[usize::from(conn)].len()).unwrap();
            let ours = Some(record).filter(|_| self.scenario.key != Key::Match);
            world.crms[usize::from(conn)].push(Object {
                id,
                ours,
                made_for: Some(record),
                email: self.email(record, 1),
                content: self.content(record, 1, 1, 0),
                alive: true,
                made_at: Instant(-DAYS_MS),
            });
            job.stage = Stage::Landed(Rc::new(*go), Some(id));
            let Stage::Landed(go, _) = &job.stage else { return };
            let ending = self.applied(&job, go, Some(id));
            let Decision::Write(item) = settle(&job.read, &self.attempt(&job), &ending, Instant(-DAYS_MS))
            else {
                panic!("version 1 is to be written")
            };
            world.items[place] = Rc::new(*item);
            world.claims.push((conn, external_id(id), record));
            world.landed[place] = 1;
            world.wanted[usize::from(record)] = (1, 1);
        }
    }
}
