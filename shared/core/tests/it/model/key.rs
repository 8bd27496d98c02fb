//! What tells two worlds apart, as bytes: times count from now, and what only counts writes or repeats is left out.

use super::world::{Fate, Job, LAG_MS, LIFE_MS, Message, OLD_MS, Stage, WAIT_MS, World, by};
use rtr_core::item::{Item, Lane};
use rtr_core::plan::{First, Wait};
use rtr_core::settle::Ending;
use rtr_core::time::Instant;
use std::hash::{Hash, Hasher};
use std::mem::discriminant;

/// Keeps what is hashed, so that equal keys are equal worlds.
#[derive(Default)]
struct Bytes(Vec<u8>);

impl Hasher for Bytes {
    fn write(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn write_u64(&mut self, n: u64) {
        self.write_i64(n.cast_signed());
    }

    fn write_i64(&mut self, n: i64) {
        match i8::try_from(n) {
            Ok(small) if small != i8::MIN => self.0.push(small.cast_unsigned()),
            _ => {
                self.0.push(i8::MIN.cast_unsigned());
                self.0.extend_from_slice(&n.to_le_bytes());
            }
        }
    }

    fn write_isize(&mut self, n: isize) {
        self.write_i64(n as i64);
    }

    fn write_usize(&mut self, n: usize) {
        self.write_i64(n as i64);
    }

    fn finish(&self) -> u64 {
        0
    }
}

/// The key of a world. How long ago something was parked counts where `refers` says that it may wait for a reference.
pub(super) fn key(world: &World, refers: bool) -> Box<[u8]> {
    let mut to = Bytes(Vec::with_capacity(256));
    let now = world.now;
    for group in &world.groups {
        group.queue.len().hash(&mut to);
        group.queue.iter().for_each(|message| self::message(message, now, &mut to));
        let hidden = if group.queue.is_empty() { 0 } else { ahead(group.hidden_until, now) };
        hidden.hash(&mut to);
        group.worker.is_some().hash(&mut to);
        if let Some(worker) = &group.worker {
            (worker.got.len(), worker.jobs.len()).hash(&mut to);
            worker.got.iter().for_each(|message| message.id.hash(&mut to));
            worker.jobs.iter().for_each(|job| self::job(job, world, &mut to));
        }
    }
    for bulk in &world.bulks {
        (ahead(bulk.hidden_until, now), bulk.deaths, bulk.jobs.len()).hash(&mut to);
        bulk.jobs.iter().for_each(|job| self::job(job, world, &mut to));
    }
    for item in &world.items {
        self::item(item, now, &mut to);
        let parked = item.slot.as_ref().filter(|slot| refers && slot.state.lane() == Lane::Bulk);
        parked.map(|slot| age(slot.since, now)).hash(&mut to);
        // Who wrote last is of interest as long as that one may ask.
        world.in_flight().find(|id| item.by == by(*id)).hash(&mut to);
    }
    world.claims.hash(&mut to);
    world.crms.iter().for_each(|objects| objects.len().hash(&mut to));
    (world.pending.len(), world.letters.len()).hash(&mut to);
    for object in world.crms.iter().flatten() {
        let made_at = Instant(object.made_at.plus_ms(LAG_MS).since_ms(now).max(0));
        super::world::Object { made_at, ..*object }.hash(&mut to);
    }
    for request in &world.pending {
        super::world::Request { dies_at: Instant(request.dies_at.since_ms(now)), ..*request }.hash(&mut to);
    }
    world.letters.iter().for_each(|message| self::message(message, now, &mut to));
    (world.coming, world.revision, world.linked, world.settled, world.untold).hash(&mut to);
    (world.given_up, &world.dropped).hash(&mut to);
    (world.mended, world.shut, world.left, &world.landed, &world.wanted, world.wrong).hash(&mut to);
    to.0.into_boxed_slice()
}

/// How far `at` lies ahead; 0 when it is over.
fn ahead(at: Instant, now: Instant) -> i64 {
    at.since_ms(now).max(0)
}

/// How long ago `at` was, as far as decisions depend on it: in the wait for a reference, after it, days after it.
fn age(at: Instant, now: Instant) -> i64 {
    match now.since_ms(at) {
        waits @ ..WAIT_MS => waits,
        WAIT_MS..OLD_MS => WAIT_MS,
        _ => OLD_MS,
    }
}

fn message(message: &Message, now: Instant, to: &mut Bytes) {
    Message { arrived: message.arrived.map(|at| Instant(age(at, now))), ..*message }.hash(to);
}

fn item(item: &Item, now: Instant, to: &mut Bytes) {
    (item.rev == 0, item.applied_version, item.mapping_revision, &item.applied_hash).hash(to);
    (&item.external_id, item.deleted, item.crashes).hash(to);
    (item.intent.is_some(), item.slot.is_some()).hash(to);
    item.linked_at.map(|at| ahead(at.plus_ms(LAG_MS), now)).hash(to);
    if let Some(intent) = &item.intent {
        (intent.version, ahead(intent.at.plus_ms(LIFE_MS + LAG_MS), now), &intent.matched).hash(to);
    }
    if let Some(slot) = &item.slot {
        (slot.wanted_version, slot.mapping_revision, slot.deleted, slot.reason.code).hash(to);
        discriminant(&slot.state).hash(to);
        if slot.state.lane() == Lane::Bulk {
            ahead(slot.not_before, now).hash(to);
        }
        slot.waits.is_some().hash(to);
        if let Some(waits) = &slot.waits {
            (&waits.record_id, waits.look_at.0 == 0, ahead(waits.look_at, now), age(slot.since, now))
                .hash(to);
        }
    }
}

fn job(job: &Job, world: &World, to: &mut Bytes) {
    let now = world.now;
    (job.conn, job.message.id, job.wake, job.deleted, job.again, job.revision, job.linked, job.settled)
        .hash(to);
    if job.lane == Lane::Bulk {
        self::message(&job.message, now, to);
    }
    let stands = world.item(job.message.record, job.conn);
    let same = stands.rev == job.read.rev && stands.by == job.read.by;
    (same, job.read.by == by(job.message.id)).hash(to);
    if !same {
        item(&job.read, now, to);
    }
    discriminant(&job.stage).hash(to);
    match &job.stage {
        Stage::Write(ending) => self::ending(ending, now, to),
        Stage::Going(go) | Stage::Sent(go) | Stage::Landed(go, _) => {
            first(&go.first, to);
            (&go.hash, go.open.is_some()).hash(to);
            go.open.iter().for_each(|open| wait(open, now, to));
        }
        Stage::Ended => {}
        Stage::Returned(fate) => fate_of(fate, now, to),
    }
    if let Stage::Landed(_, id) = &job.stage {
        id.hash(to);
    }
}

fn fate_of(fate: &Fate, now: Instant, to: &mut Bytes) {
    discriminant(fate).hash(to);
    if let Fate::Return(until) | Fate::Hold(until) = fate {
        ahead(*until, now).hash(to);
    }
}

fn wait(wait: &Wait, now: Instant, to: &mut Bytes) {
    (&wait.waits.record_id, wait.waits.look_at.0 == 0, ahead(wait.waits.look_at, now)).hash(to);
    (age(wait.since, now), wait.until.0 == 0).hash(to);
}

fn ending(ending: &Ending, now: Instant, to: &mut Bytes) {
    discriminant(ending).hash(to);
    match ending {
        Ending::Dead(filing) => (filing.reason.code, filing.uncertain, filing.not_created).hash(to),
        Ending::Parked(parking) => {
            (ahead(parking.until, now), parking.wait.is_some()).hash(to);
            parking.wait.iter().for_each(|one| wait(one, now, to));
        }
        Ending::Applied(done) => {
            (&done.hash, done.link.as_ref().map(|link| &link.external_id)).hash(to);
        }
        _ => {}
    }
}

fn first(first: &First, to: &mut Bytes) {
    discriminant(first).hash(to);
    match first {
        First::Update { external_id } | First::Remove { external_id, .. } => external_id.hash(to),
        First::Look(by) => by.iter().for_each(|one| (&one.value, one.ours).hash(to)),
        First::Upsert { .. } | First::Create | First::Nothing => {}
    }
}
