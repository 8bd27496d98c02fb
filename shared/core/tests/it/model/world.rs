//! What there is at one moment: messages and their groups, the table, the CRMs, requests under way, and the clock.

use crate::scenario::Left;
use rtr_core::item::{Item, Lane};
use rtr_core::plan::Go;
use rtr_core::settle::Ending;
use rtr_core::time::Instant;
use std::rc::Rc;

/// The longest life of a request, in milliseconds; a dead worker's message is unseen as long.
pub(super) const LIFE_MS: i64 = 60_000;
/// After this a search finds what was made, in milliseconds.
pub(super) const LAG_MS: i64 = 60_000;
/// The wait for a reference, in milliseconds.
pub(super) const WAIT_MS: i64 = 180_000;
/// What went without a reference so long ago is looked at for the last time, in milliseconds.
pub(super) const OLD_MS: i64 = 48 * 3_600_000;
/// Longer than that, in milliseconds.
pub(super) const DAYS_MS: i64 = 50 * 3_600_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Message {
    pub(super) id: u8,
    pub(super) record: u8,
    pub(super) version: u64,
    /// The connection it wakes a version at; none: it is a change.
    pub(super) wake: Option<u8>,
    /// Whether it is to be written although it is applied.
    pub(super) rewrite: bool,
    pub(super) receives: u8,
    pub(super) arrived: Option<Instant>,
}

/// A message group with its one worker.
#[derive(Debug, Clone)]
pub(super) struct Group {
    pub(super) record: u8,
    /// Whether it is the record's own.
    pub(super) own: bool,
    pub(super) queue: Vec<Message>,
    pub(super) hidden_until: Instant,
    pub(super) worker: Option<Worker>,
}

#[derive(Debug, Clone)]
pub(super) struct Worker {
    pub(super) got: Vec<Message>,
    pub(super) jobs: Vec<Job>,
}

/// The bulk worker of a connection: it takes up what is parked there, at rest between what it takes.
#[derive(Debug, Clone)]
pub(super) struct Bulk {
    pub(super) conn: u8,
    /// It rests until then.
    pub(super) hidden_until: Instant,
    /// How often it died in a row.
    pub(super) deaths: u8,
    pub(super) jobs: Vec<Job>,
}

/// One record at one connection.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) lane: Lane,
    pub(super) conn: u8,
    pub(super) message: Message,
    pub(super) wake: bool,
    pub(super) deleted: bool,
    pub(super) again: bool,
    pub(super) revision: u64,
    /// The references that were linked when they were read, as bits.
    pub(super) linked: u8,
    /// Those that stood without a link, and are not waited for.
    pub(super) settled: u8,
    pub(super) read: Rc<Item>,
    pub(super) stage: Stage,
}

#[derive(Debug, Clone)]
pub(super) enum Stage {
    /// An ending that needs no call.
    Write(Rc<Ending>),
    Going(Rc<Go>),
    Sent(Rc<Go>),
    /// The CRM has answered; the id is none after a removal.
    Landed(Rc<Go>, Option<u8>),
    Ended,
    Returned(Fate),
}

/// When a message comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Fate {
    Done,
    Return(Instant),
    Hold(Instant),
    AsIs,
}

/// What a CRM record says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Content {
    pub(super) text: &'static str,
    pub(super) revised: bool,
    pub(super) linked: u8,
}

/// A record of a CRM.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Object {
    pub(super) id: u8,
    /// The record whose key or marker it holds.
    pub(super) ours: Option<u8>,
    /// The record it was made for.
    pub(super) made_for: Option<u8>,
    pub(super) email: u8,
    pub(super) content: Content,
    pub(super) alive: bool,
    pub(super) made_at: Instant,
}

/// What a request asks of a CRM.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Call {
    Update { id: u8, stamps: bool },
    Remove { id: u8 },
    Upsert,
    Create,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Request {
    pub(super) record: u8,
    pub(super) conn: u8,
    pub(super) version: u64,
    pub(super) revision: u64,
    pub(super) linked: u8,
    pub(super) call: Call,
    /// Until when it may land.
    pub(super) dies_at: Instant,
}

/// Everything.
#[derive(Debug, Clone)]
pub(super) struct World {
    pub(super) now: Instant,
    pub(super) groups: Vec<Group>,
    pub(super) bulks: Vec<Bulk>,
    /// The table: per record and connection.
    pub(super) items: Vec<Rc<Item>>,
    /// Connection, external id, owner.
    pub(super) claims: Vec<(u8, String, u8)>,
    pub(super) crms: Vec<Vec<Object>>,
    /// Requests whose caller does not listen any more.
    pub(super) pending: Vec<Request>,
    /// What the queue gave up.
    pub(super) letters: Vec<Message>,
    /// Events yet to arrive, as bits.
    pub(super) coming: u8,
    pub(super) revision: u64,
    /// References that are linked, that stand without a link, and those of which nobody was told yet, as bits.
    pub(super) linked: u8,
    pub(super) settled: u8,
    pub(super) untold: u8,
    pub(super) mended: bool,
    pub(super) shut: bool,
    pub(super) left: Left,
    /// Per record and connection: the version that landed last.
    pub(super) landed: Vec<u64>,
    /// Per record and connection: the version that was dropped last, and the mapping's revision then.
    pub(super) dropped: Vec<(u64, u64)>,
    /// The versions that the queue gave up, as bits: who redrives one of them may tell it over a newer one that was given
    /// up as well and is not filed yet.
    pub(super) given_up: u64,
    /// Per record: the newest version that arrived, and the mapping's revision then.
    pub(super) wanted: Vec<(u64, u64)>,
    pub(super) wrong: Option<&'static str>,
}

impl World {
    pub(super) fn connections(&self) -> usize {
        self.crms.len()
    }

    pub(super) fn place(&self, record: u8, conn: u8) -> usize {
        usize::from(record) * self.connections() + usize::from(conn)
    }

    pub(super) fn item(&self, record: u8, conn: u8) -> &Rc<Item> {
        &self.items[self.place(record, conn)]
    }

    /// The group that serves `record`, or the one that does not.
    pub(super) fn group_of(&mut self, record: u8, own: bool) -> Option<&mut Group> {
        self.groups.iter_mut().find(|group| group.record == record && group.own == own)
    }

    pub(super) fn idle(&self) -> bool {
        self.groups.iter().all(|group| group.worker.is_none())
            && self.bulks.iter().all(|bulk| bulk.jobs.is_empty())
    }

    /// The `j`th job of a worker: those of the groups come first, then the connections'.
    pub(super) fn job(&mut self, g: usize, j: usize) -> Option<&mut Job> {
        match g.checked_sub(self.groups.len()) {
            None => self.groups[g].worker.as_mut().and_then(|worker| worker.jobs.get_mut(j)),
            Some(b) => self.bulks[b].jobs.get_mut(j),
        }
    }

    /// What is parked at a connection, or to be dropped there: the record, and not before when.
    pub(super) fn parked(&self, conn: u8) -> impl Iterator<Item = (u8, Instant)> {
        let items = self.items.iter().enumerate().skip(usize::from(conn)).step_by(self.connections());
        items.filter_map(|(place, item)| {
            let slot = item.slot.as_ref().filter(|slot| slot.state.lane() == Lane::Bulk)?;
            Some((u8::try_from(place / self.connections()).unwrap(), slot.not_before))
        })
    }

    /// The ids of every message, and of what the bulk lane works on.
    pub(super) fn in_flight(&self) -> impl Iterator<Item = u8> {
        let held = self.groups.iter().flat_map(|group| &group.queue).chain(&self.letters);
        let worked = self.bulks.iter().flat_map(|bulk| &bulk.jobs).map(|job| &job.message);
        held.chain(worked).map(|message| message.id)
    }

    /// An id that no message has, and no item was last written by.
    pub(super) fn fresh_id(&self) -> u8 {
        let used = |id: u8| {
            self.in_flight().any(|other| other == id) || self.items.iter().any(|item| item.by == by(id))
        };
        (100..u8::MAX).find(|id| !used(*id)).unwrap_or(u8::MAX)
    }

    /// Wakes the version at `conn`.
    pub(super) fn wake(&mut self, record: u8, conn: u8, version: u64, own: bool) {
        let id = self.fresh_id();
        let message =
            Message { id, record, version, wake: Some(conn), rewrite: false, receives: 0, arrived: None };
        if let Some(group) = self.group_of(record, own) {
            group.queue.push(message);
        }
    }

    /// Has the version, which is applied, written once more.
    pub(super) fn rewrite(&mut self, record: u8, version: u64) {
        let (id, wake, arrived) = (self.fresh_id(), None, None);
        let message = Message { id, record, version, wake, rewrite: true, receives: 0, arrived };
        if let Some(group) = self.group_of(record, true) {
            group.queue.push(message);
        }
    }

    /// Whether a message that wakes the version at `conn` is on its way.
    pub(super) fn wakes(&self, record: u8, conn: u8, version: u64) -> bool {
        let wakes = |message: &Message| {
            (message.record, message.wake, message.version) == (record, Some(conn), version)
        };
        self.groups.iter().any(|group| group.queue.iter().any(wakes))
    }
}

/// The writer that a message's id stands for.
pub(super) fn by(id: u8) -> String {
    format!("m{id}")
}
