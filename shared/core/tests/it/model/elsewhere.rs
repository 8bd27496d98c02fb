//! What happens without the record's worker: messages arrive, requests land late, references are linked, time passes.

use super::commit::dead;
use super::decide::{Model, TARGETS};
use super::world::{DAYS_MS, LAG_MS, LIFE_MS, Message, World, by};
use super::{Step, Steps};
use crate::rule::Rule;
use rtr_core::code::Code;
use rtr_core::item::{Item, Lane, Reason, Slot, SlotState};
use rtr_core::parked::{Act, Seen, hasten};
use rtr_core::sent::Sent;
use rtr_core::settle::{Attempt, Decision, Ending, settle};
use std::rc::Rc;

impl Model<'_> {
    pub(super) fn steps(&self, world: &World) -> Steps {
        let mut steps = Vec::new();
        self.people(world, &mut steps);
        self.arrivals(world, &mut steps);
        self.late(world, &mut steps);
        self.sleepers(world, &mut steps);
        self.references(world, &mut steps);
        self.letters(world, &mut steps);
        self.time(world, &mut steps);
        (0..world.groups.len()).for_each(|g| self.work(world, g, &mut steps));
        (0..world.bulks.len()).for_each(|b| self.bulk(world, b, &mut steps));
        steps
    }

    /// The cause of a refusal is mended, a connection opened, the mapping revised, a dead version woken, a parked one
    /// dropped, a record removed.
    fn people(&self, world: &World, steps: &mut Steps) {
        if !world.mended {
            steps.push((Step("the cause is mended", 0, 0), World { mended: true, ..world.clone() }));
        }
        if world.shut {
            steps.push((Step("the connection is opened", 0, 0), World { shut: false, ..world.clone() }));
        }
        if world.revision == 1 && self.scenario.revised.is_some() {
            steps.push((Step("the mapping is revised", 0, 2), World { revision: 2, ..world.clone() }));
        }
        for (place, item) in world.items.iter().enumerate() {
            let Some(slot) = item.dead().filter(|_| world.left.redrives > 0) else { continue };
            let (record, conn) = split(world, place);
            let mut next = world.clone();
            next.left.redrives -= 1;
            next.wake(record, conn, slot.wanted_version, self.on(Rule::Group));
            steps.push((Step("is redriven", record, slot.wanted_version), next));
        }
        for (place, item) in world.items.iter().enumerate().filter(|_| world.left.drops > 0) {
            let Some(slot) = item.slot.as_ref().filter(|slot| slot.state == SlotState::Parked) else {
                continue;
            };
            let mut next = world.clone();
            next.left.drops -= 1;
            let marked = Some(Slot { state: SlotState::Drop, ..slot.clone() });
            let by = by(world.fresh_id());
            next.items[place] = Rc::new(Item { rev: item.rev + 1, slot: marked, by, ..Item::clone(item) });
            steps.push((Step("is to be dropped", split(world, place).0, slot.wanted_version), next));
        }
        for (place, item) in world.items.iter().enumerate().filter(|_| world.left.hastens > 0) {
            let Some(slot) = item.slot.as_ref() else { continue };
            let by = by(world.fresh_id());
            let hastened = match hasten(item, Seen::of(slot), &by, world.now) {
                Act::Write(item) => item,
                Act::Held(_) if !self.on(Rule::Held) => {
                    let slot = Some(Slot { not_before: world.now, ..slot.clone() });
                    Box::new(Item { rev: item.rev + 1, slot, by, ..Item::clone(item) })
                }
                _ => continue,
            };
            let mut next = world.clone();
            next.left.hastens -= 1;
            next.items[place] = Rc::new(*hastened);
            steps.push((Step("is made due", split(world, place).0, slot.wanted_version), next));
        }
        for (place, item) in world.items.iter().enumerate().filter(|_| world.left.rewrites > 0) {
            let Some(version) = item.applied_version else { continue };
            let (record, _) = split(world, place);
            let mut next = world.clone();
            next.left.rewrites -= 1;
            next.rewrite(record, version);
            steps.push((Step("is to be written once more", record, version), next));
        }
        for (conn, objects) in world.crms.iter().enumerate().filter(|_| world.left.removals > 0) {
            for (at, object) in objects.iter().enumerate().filter(|(_, object)| object.alive) {
                let mut next = world.clone();
                next.left.removals -= 1;
                next.crms[conn][at].alive = false;
                steps.push((Step("somebody removes", object.id, 0), next));
            }
        }
    }

    fn arrivals(&self, world: &World, steps: &mut Steps) {
        for (at, event) in self.scenario.events.iter().enumerate() {
            if world.coming & (1 << at) != 0 {
                let mut next = world.clone();
                next.coming &= !(1 << at);
                let own = !event.stray && (self.on(Rule::Group) || !event.later);
                self.arrive(&mut next, at, own);
                steps.push((Step("arrives", event.record, event.version), next));
            }
        }
    }

    pub(super) fn arrive(&self, world: &mut World, at: usize, own: bool) {
        let event = self.scenario.events[at];
        let id = u8::try_from(at).unwrap();
        let wanted = &mut world.wanted[usize::from(event.record)];
        *wanted = (*wanted).max((event.version, world.revision));
        let message = Message {
            id,
            record: event.record,
            version: event.version,
            wake: None,
            rewrite: false,
            receives: 0,
            arrived: None,
        };
        if let Some(group) = world.group_of(event.record, own) {
            group.queue.push(message);
        }
    }

    /// Requests whose caller died or gave up land, or die.
    fn late(&self, world: &World, steps: &mut Steps) {
        for at in 0..world.pending.len() {
            let mut rest = world.clone();
            let request = rest.pending.remove(at);
            if !self.refuses(world, request.conn, request.version) {
                let mut landed = rest.clone();
                self.land(&mut landed, &request, request.dies_at);
                steps.push((Step("lands late", request.conn, request.version), landed));
            }
            steps.push((Step("never lands", request.conn, request.version), rest));
        }
    }

    /// The sweep wakes what is due.
    fn sleepers(&self, world: &World, steps: &mut Steps) {
        for (place, item) in world.items.iter().enumerate().filter(|_| self.on(Rule::Look)) {
            let Some(slot) = item.slot.as_ref() else { continue };
            let ((record, conn), version) = (split(world, place), slot.wanted_version);
            let due = slot.due_at().is_some_and(|at| at <= world.now);
            if due && !world.wakes(record, conn, version) {
                let mut next = world.clone();
                next.wake(record, conn, version, true);
                steps.push((Step("is looked at", record, version), next));
            }
        }
    }

    /// A reference is linked, and what waits for it is told, or the word is lost.
    fn references(&self, world: &World, steps: &mut Steps) {
        for (at, (record_type, _, id)) in TARGETS.iter().enumerate().take(usize::from(self.scenario.refers)) {
            let bit = 1 << at;
            if world.linked & bit == 0 {
                let mut next = world.clone();
                (next.linked, next.untold) = (world.linked | bit, world.untold | bit);
                next.settled &= !bit;
                steps.push((Step("a reference is linked", at as u8, 0), next));
            }
            if (world.linked | world.settled) & bit == 0 && self.scenario.settles {
                let settled = World { settled: world.settled | bit, ..world.clone() };
                steps.push((Step("a reference stands without a link", at as u8, 0), settled));
            }
            if world.untold & bit == 0 {
                continue;
            }
            let waits = |item: &Item| {
                let slot = item.slot.as_ref().filter(|slot| slot.waits_for(record_type, id))?;
                Some((slot.wanted_version, slot.due_at().is_none()))
            };
            let mut next = World { untold: world.untold & !bit, ..world.clone() };
            let waiting: Vec<(usize, u64, bool)> = (world.items.iter().enumerate())
                .filter_map(|(place, item)| waits(item).map(|(version, last)| (place, version, last)))
                .collect();
            // What is not looked at any more depends on the word.
            if world.left.words > 0 && waiting.iter().any(|(.., last)| !last) {
                let mut lost = next.clone();
                lost.left.words -= 1;
                for (place, version, _) in waiting.iter().filter(|(.., last)| *last) {
                    let (record, conn) = split(world, *place);
                    lost.wake(record, conn, *version, true);
                }
                steps.push((Step("the word is lost", at as u8, 0), lost));
            }
            for (place, version, _) in waiting.iter().filter(|_| self.on(Rule::Tell)) {
                let (record, conn) = split(world, *place);
                next.wake(record, conn, *version, true);
            }
            steps.push((Step("those that wait are told", at as u8, 0), next));
        }
    }

    /// What the queue gave up is filed with its record, beside its worker.
    fn letters(&self, world: &World, steps: &mut Steps) {
        let Some(letter) = world.letters.first() else { return };
        let mut next = world.clone();
        next.letters.remove(0);
        let connections = 0..u8::try_from(world.connections()).unwrap();
        for conn in connections.filter(|conn| letter.wake.is_none_or(|woken| woken == *conn)) {
            let place = world.place(letter.record, conn);
            let item = &world.items[place];
            // What is kept to be tried again needs no person yet.
            let kept = item
                .slot
                .as_ref()
                .is_some_and(|slot| slot.state != SlotState::Dead && slot.wanted_version >= letter.version);
            if kept && letter.wake.is_none() {
                continue;
            }
            let revision = item.mapping_revision.unwrap_or(0);
            let attempt = Attempt {
                trace: None,
                lane: Lane::Sync,
                version: letter.version,
                mapping_revision: if letter.wake.is_some() { revision } else { revision.max(world.revision) },
                by: by(letter.id),
                again: true,
                backfill: false,
                rewrite: false,
                occurred_at: None,
                sent: Sent::default(),
            };
            let ending = if letter.wake.is_some() {
                Ending::Returned
            } else {
                let deleted = self.removes(letter.record, letter.version);
                let reason = Reason::new(Code::NativeDeadLetter, "given up");
                dead(self.data(letter.record, letter.version), deleted, reason, true, false)
            };
            if let Decision::Write(item) = settle(item, &attempt, &ending, world.now) {
                next.items[place] = Rc::new(*item);
            }
        }
        steps.push((Step("a dead letter is filed", letter.record, letter.version), next));
    }

    /// Time passes to the next moment that anything waits for, but not past the end of a request under way.
    fn time(&self, world: &World, steps: &mut Steps) {
        if !world.idle() {
            return;
        }
        let hidden = world.groups.iter().filter(|group| !group.queue.is_empty()).map(|one| one.hidden_until);
        let slots = world.items.iter().filter_map(|item| item.slot.as_ref()?.due_at());
        let intents = world.items.iter().filter_map(|item| item.intent.as_ref());
        let settled = intents.map(|intent| intent.at.plus_ms(LIFE_MS + LAG_MS));
        let bulks = world.bulks.iter().flat_map(|bulk| {
            world.parked(bulk.conn).flat_map(|(_, not_before)| [not_before, bulk.hidden_until])
        });
        let next = hidden.chain(slots).chain(settled).chain(bulks).filter(|at| *at > world.now).min();
        let ends = world.pending.iter().map(|request| request.dies_at).min();
        if let Some(now) = next.filter(|at| ends.is_none_or(|ends| *at < ends)) {
            steps.push((Step("time passes", 0, 0), World { now, ..world.clone() }));
        }
        if world.left.days > 0 && ends.is_none() {
            let mut next = World { now: world.now.plus_ms(DAYS_MS), ..world.clone() };
            next.left.days -= 1;
            steps.push((Step("days pass", 0, 0), next));
        }
    }
}

fn split(world: &World, place: usize) -> (u8, u8) {
    let connections = world.connections();
    (u8::try_from(place / connections).unwrap(), u8::try_from(place % connections).unwrap())
}
