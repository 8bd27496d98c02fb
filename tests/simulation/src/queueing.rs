//! Producer, queues and event source mappings.

use crate::events::{message, stamp};
use crate::faults::{Fault, Site};
use crate::lambda::{Function, Happen};
use crate::mutants::Mutant;
use crate::scenario::{Says, Sent};
use crate::world::World;
use rtr_core::change::{self, Message};
use rtr_core::key::RecordKey;
use rtr_engine::batch::Received;
use rtr_testkit::fifo::{DEDUPLICATION_MS, Held};

impl World<'_> {
    /// The producer sends an event, perhaps once more later.
    pub fn produce(&mut self, at: usize, copy: u32) {
        let event = self.scenario.events[at];
        let core = self.core.clone();
        let now = core.kernel.now();
        let mut message = message(&event, self.producers_groups, copy);
        if event.is_backfilled(&self.scenario.setup) {
            message.lane = Some(rtr_core::change::BULK.to_owned());
        }
        core.trace.note(now, "produced", || {
            format!("{} v{} {:?} {:?}", event.record, event.version, event.says, event.sent)
        });
        self.queue.state().changes.send(&message, now);
        match event.sent {
            Sent::Spoilt(_) => core.shape("Spoilt"),
            _ => {
                core.oracle().accept(&event);
                core.oracle().produced(event.record, event.version, now);
            }
        }
        match event.says {
            Says::Poison => core.shape("Poison"),
            Says::Large => core.shape("Large"),
            Says::Deadly(times) if copy == 0 => core.make_deadly(stamp(&event), times),
            _ => {}
        }
        match (event.sent, copy) {
            (Sent::AgainLate, 0) => {
                core.shape("SentAgainLate");
                core.kernel.after(DEDUPLICATION_MS + core.kernel.draw(0..=100_000), Happen::Produces(at, 1));
            }
            (Sent::AgainOther, 0) => {
                core.shape("SentAgainOther");
                core.kernel.after(core.kernel.draw(0..=2_000), Happen::Produces(at, 1));
            }
            _ => {}
        }
        self.look_at_queues();
    }

    /// Sees to it that every queue is looked at when there is something to receive.
    pub fn look_at_queues(&mut self) {
        let now = self.core.kernel.now();
        for function in [Function::Sync, Function::Redrive, Function::Bulk, Function::Apply, Function::Poll] {
            if function == Function::Sync && self.running >= self.scenario.setup.environments {
                continue;
            }
            let next = {
                let state = self.queue.state();
                match function {
                    Function::Redrive => state.dead_letter.next_visible(),
                    Function::Bulk => state.bulk.next_visible(),
                    Function::Apply => state.inbound.next_visible(),
                    Function::Poll => state.poll.next_visible(),
                    _ => state.changes.next_visible(),
                }
            };
            let Some(next) = next else { continue };
            let at = next.max(now).plus_ms(self.core.kernel.draw(1..=30));
            let planned = self.polls_at(function);
            if planned.is_none_or(|planned| planned > at) {
                *planned = Some(at);
                self.core.kernel.at(at, Happen::Polls(function));
            }
        }
    }

    /// A mapping asks its queue.
    pub fn poll(&mut self, function: Function) {
        let core = self.core.clone();
        let now = core.kernel.now();
        // Another look was planned sooner, and has been.
        if *self.polls_at(function) != Some(now) {
            return;
        }
        *self.polls_at(function) = None;
        if function == Function::Sync && self.running >= self.scenario.setup.environments {
            return;
        }
        if let Some((fault, _)) = core.chance(Site::Receive) {
            core.fire(fault);
            let at = now.plus_ms(1_000);
            *self.polls_at(function) = Some(at);
            core.kernel.at(at, Happen::Polls(function));
            return;
        }
        // Each lane has an invocation of its own: none waits for another's.
        let alone = matches!(function, Function::Bulk | Function::Poll);
        let most = if alone { 1 } else { core.kernel.draw(1..=10) };
        let most = usize::try_from(most).unwrap_or(1);
        let (batch, moved) = {
            let mut state = self.queue.state();
            let queue = match function {
                Function::Redrive => &mut state.dead_letter,
                Function::Bulk => &mut state.bulk,
                Function::Apply => &mut state.inbound,
                Function::Poll => &mut state.poll,
                _ => &mut state.changes,
            };
            let batch = queue.receive(most, now);
            let moved = queue.take_moved();
            for message in &moved {
                state.dead_letter.send(message, now);
            }
            (batch, moved)
        };
        for message in &moved {
            core.shape("GivenUp");
            core.trace.note(now, "queue", || format!("gives up {}", message.body));
            if let Ok(Message::Change(change)) = change::parse(&message.body) {
                let RecordKey { org_id, record_type, record_id } = &change.key;
                core.oracle().queue_gives_up(&format!("{org_id}/{record_type}/{record_id}"), change.version);
            }
        }
        if function == Function::Sync {
            self.measure();
        }
        let more = self.each_polls && function == Function::Sync && !batch.is_empty();
        if !batch.is_empty() {
            self.deliver(function, batch);
        }
        self.look_at_queues();
        // The others ask at the same time.
        if more && self.running < self.scenario.setup.environments {
            *self.polls_at(function) = Some(now);
            core.kernel.at(now, Happen::Polls(function));
        }
    }

    /// Counts what is in flight, where that is asked for.
    fn measure(&self) {
        let mut oracle = self.core.oracle();
        let Some(diary) = &mut oracle.diary else { return };
        let (now, state) = (self.core.kernel.now(), self.queue.state());
        for org in &self.place.orgs {
            let count = state.changes.in_flight(now, |group| group.split('#').next() == Some(*org));
            let most = diary.in_flight.entry((*org).to_owned()).or_default();
            *most = count.max(*most);
        }
    }

    fn deliver(&mut self, function: Function, batch: Vec<Received>) {
        let core = self.core.clone();
        if function == Function::Sync && batch.iter().any(|one| one.group != batch[0].group) {
            core.shape("BatchMixed");
        }
        if self.mutant == Some(Mutant::AcknowledgesFirst) {
            self.settle(function, &batch);
        }
        if function == Function::Bulk
            && let Some((fault, _)) = core.chance(Site::Baton)
        {
            core.fire(fault);
            self.settle(function, &batch);
            return;
        }
        match core.chance(Site::Delivery) {
            Some((fault @ Fault::Throttled, _)) => core.fire(fault),
            Some((fault @ Fault::DeliveredLate, how)) => {
                core.fire(fault);
                core.kernel.after(i64::from(how % 420_000), Happen::Invokes(function, batch));
            }
            Some((fault, how)) => {
                core.fire(fault);
                let again = self.settings.visibility_ms + i64::from(how % 30_000);
                core.kernel.after(again, Happen::Invokes(function, batch.clone()));
                self.invoke(function, batch);
            }
            None => self.invoke(function, batch),
        }
    }

    /// A mapping deletes what its function settled.
    pub fn settle(&mut self, function: Function, batch: &[Received]) {
        let now = self.core.kernel.now();
        for message in batch {
            let held = {
                let mut state = self.queue.state();
                match function {
                    Function::Redrive => state.dead_letter.delete(&message.receipt, now),
                    Function::Bulk => state.bulk.delete(&message.receipt, now),
                    Function::Apply => state.inbound.delete(&message.receipt, now),
                    Function::Poll => state.poll.delete(&message.receipt, now),
                    _ => state.changes.delete(&message.receipt, now),
                }
            };
            if held == Held::Expired {
                self.core
                    .trace
                    .note(now, "queue", || format!("{}: the receipt has expired", message.message_id));
            }
        }
        self.look_at_queues();
    }
}
