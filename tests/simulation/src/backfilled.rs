//! A backfill beside live traffic: `rtr backfill` sends thousands of records of one org, which lives its life, as another does.
//! What live events of either feel of it is measured, beside the same without it.

mod lines;

pub use lines::judge;

use crate::events::message;
use crate::kernel::BEGIN;
use crate::lambda::Happen;
use crate::logs::Lines;
use crate::oracle::{Diary, Violation};
use crate::place::Place;
use crate::scenario::{Event, Kind, Mood, ORGS, Record, Says, Scenario, Sent, Setup};
use crate::trace::Trace;
use crate::world::World;
use rtr_core::change::BULK;
use rtr_core::pressure::{LOOK, Pressure};
use rtr_core::time::Instant;
use rtr_engine::batch::Settings;
use std::fmt;
use std::sync::Arc;

/// Messages of a page, which is one request to SQS.
const PAGE: u32 = 10;
/// How long a request to SQS takes there and back, in milliseconds.
const REQUEST_MS: std::ops::RangeInclusive<i64> = 8..=25;
/// What waits in the queue at most, as `rtr backfill` has it.
const MOST_QUEUED: u64 = 5_000;
/// Live events are of records beyond this number, unless they are of those that are backfilled.
const ELSEWHERE: u32 = 1_000_000;

/// What happens.
#[derive(Debug, Clone, Copy)]
pub struct Backfilled {
    /// Records of the backfill; none is the same without it.
    pub records: u32,
    /// Whose: of [`ORGS`].
    pub org: usize,
    /// Between two live events of that org, in milliseconds; a multiple of four.
    pub every_ms: i64,
    /// Whether its live events are of records that the backfill brings too.
    pub same_records: bool,
    /// The other org that lives its life.
    pub other: usize,
    /// Between two events of that.
    pub other_every_ms: i64,
    /// So long do they live, in milliseconds.
    pub over_ms: i64,
    /// When the backfill begins, in milliseconds: what came before is not measured.
    pub after_ms: i64,
    /// Invocations of the sync function at once.
    pub pollers: usize,
    /// Decides what is left to chance.
    pub seed: u64,
}

/// `rtr backfill` at work.
#[derive(Debug)]
pub struct Feed {
    org: usize,
    next: u32,
    records: u32,
    pressure: Pressure,
}

impl Feed {
    /// Events that it has.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.records.into()
    }
}

/// What was measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    /// How long live events of the org took to its CRMs while it was backfilled, in milliseconds, sorted.
    pub own_ms: Vec<i64>,
    /// The same of the other org.
    pub other_ms: Vec<i64>,
    /// Backfilled records that are at the org's first CRM.
    pub landed: usize,
    /// Versions that are dead.
    pub dead: u64,
    /// The most messages in the queue.
    pub queued: u64,
    /// How long it took until everything was sent, and until everything was there, in milliseconds.
    pub took_ms: (i64, i64),
    /// What did not hold.
    pub violations: Vec<Violation>,
}

/// The time within which so many percent of `sorted` were.
#[must_use]
pub fn within(sorted: &[i64], percent: usize) -> i64 {
    let last = sorted.len().saturating_sub(1);
    sorted.get(last * percent / 100).copied().unwrap_or(0)
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (whose, ms) in [("its own", &self.own_ms), ("another org's", &self.other_ms)] {
            let (median, p99) = (within(ms, 50), within(ms, 99));
            writeln!(f, "{whose} live events: {} landings, median {median} ms, p99 {p99} ms", ms.len())?;
        }
        let (sent, there) = (self.took_ms.0 / 1_000, self.took_ms.1 / 1_000);
        writeln!(
            f,
            "the backfill: {} landed, {} dead, sent in {sent} s, there in {there} s",
            self.landed, self.dead
        )?;
        write!(f, "  {} messages in the queue at most", self.queued)
    }
}

impl Backfilled {
    /// Beside an org with room: 100 calls a second, ten changes a second; the other has a change a second and four calls.
    pub const BESIDE: Self = Self {
        records: 20_000,
        org: 0,
        every_ms: 100,
        same_records: false,
        other: 2,
        other_every_ms: 1_000,
        over_ms: 240_000,
        after_ms: 20_000,
        pollers: 50,
        seed: 1,
    };
    /// Beside one with little: four calls a second, a change a second; the other has room, and ten changes a second.
    pub const BESIDE_SMALL: Self =
        Self { org: 2, every_ms: 1_000, other: 0, other_every_ms: 100, over_ms: 480_000, ..Self::BESIDE };

    fn live(&self) -> Vec<Event> {
        let of = |org: usize, every_ms: i64, first: u32| {
            let count = u32::try_from(self.over_ms / every_ms.max(1)).unwrap_or(0);
            (0..count).map(move |n| Event {
                at: i64::from(n) * every_ms,
                record: Record { org, kind: Kind::Contact, number: first + n },
                // Newer than what a backfill brings.
                version: 2,
                says: Says::Stamp,
                refers: None,
                sent: Sent::Once,
            })
        };
        let first = if self.same_records { 0 } else { ELSEWHERE };
        let own = of(self.org, self.every_ms, first);
        let mut events: Vec<Event> = own.chain(of(self.other, self.other_every_ms, ELSEWHERE)).collect();
        events.sort_by_key(|event| event.at);
        events
    }

    /// Lets it happen.
    #[must_use]
    pub fn run(&self, place: &Place) -> Figures {
        let setup = Setup {
            environments: self.pollers,
            group_buckets: 0,
            max_receives: 1_000,
            again: false,
            mood: Mood::Any,
            jobs: None,
        };
        let scenario = Scenario { seed: self.seed, setup, events: self.live(), faults: Vec::new() };
        let lines = Lines::default();
        tracing::subscriber::with_default(lines.clone(), || {
            let mut world = World::new(place, &scenario, Trace::default(), None);
            world.core.oracle().diary = Some(Diary::default());
            world.each_polls = true;
            // Jobs have rules of their own, which the watch does not know.
            world.settings = Arc::new(Settings { job_from: usize::MAX, ..(*world.settings).clone() });
            let began = BEGIN.plus_ms(self.after_ms);
            if self.records > 0 {
                let pressure = Pressure::new(MOST_QUEUED);
                world.feed = Some(Feed { org: self.org, next: 0, records: self.records, pressure });
                world.core.kernel.at(began, Happen::Feeds);
            }
            world.run(&lines);
            self.figures(&world, began)
        })
    }

    fn figures(&self, world: &World<'_>, began: Instant) -> Figures {
        let oracle = world.core.oracle();
        let diary = oracle.diary.as_ref();
        let landed = |org: usize| {
            let all = diary.and_then(|diary| diary.landed.get(ORGS[org])).cloned().unwrap_or_default();
            let live = all.into_iter().filter(|one| one.at.plus_ms(-one.took_ms) >= began);
            let mut ms: Vec<i64> = live.map(|one| one.took_ms).collect();
            ms.sort_unstable();
            ms
        };
        let live = u32::try_from(self.over_ms / self.every_ms.max(1)).unwrap_or(0);
        let beside = if self.same_records { live.saturating_sub(self.records) } else { live };
        let there = oracle.live("hubspot", ORGS[self.org]).len();
        let filled =
            diary.and_then(|diary| diary.filled.get(ORGS[self.org])).map(Vec::as_slice).unwrap_or_default();
        let since = |at: Option<&Instant>| at.map_or(0, |at| at.since_ms(began));
        Figures {
            own_ms: landed(self.org),
            other_ms: landed(self.other),
            landed: there.saturating_sub(beside as usize),
            dead: world.counts.get("dead").copied().unwrap_or(0),
            queued: world.fed.queued,
            took_ms: (since(world.fed.sent_at.as_ref()), since(filled.last())),
            violations: oracle.violations().to_vec(),
        }
    }
}

/// How far a backfill came.
#[derive(Debug, Default)]
pub struct Fed {
    queued: u64,
    sent_at: Option<Instant>,
}

impl World<'_> {
    /// The backfill sends its next page, looks at the queue, or waits for room in it.
    pub fn feed(&mut self) {
        let Some(mut feed) = self.feed.take() else { return };
        let (core, now) = (self.core.clone(), self.core.kernel.now());
        let depth = self.queue.state().changes.len() as u64;
        let page = PAGE.min(feed.records - feed.next);
        let next_ms = core.kernel.draw(REQUEST_MS);
        if feed.pressure.take(u64::from(page)) {
            for number in feed.next..feed.next + page {
                let event = Event {
                    at: now.since_ms(BEGIN),
                    record: Record { org: feed.org, kind: Kind::Contact, number },
                    version: 1,
                    says: Says::Stamp,
                    refers: None,
                    sent: Sent::Once,
                };
                // A newer one may be told already.
                core.oracle().accept(&event);
                let mut message = message(&event, self.settings.group_buckets, 0);
                message.lane = Some(BULK.to_owned());
                self.queue.state().changes.send(&message, now);
            }
            feed.next += page;
            self.fed.queued = self.fed.queued.max(depth + u64::from(page));
            self.look_at_queues();
        } else if !feed.pressure.look(depth) {
            let wait_ms = i64::try_from(LOOK.as_millis()).unwrap_or(1_000);
            core.kernel.after(wait_ms, Happen::Feeds);
            self.feed = Some(feed);
            return;
        }
        if feed.next == feed.records {
            self.fed.sent_at = Some(now);
            return;
        }
        core.kernel.after(next_ms, Happen::Feeds);
        self.feed = Some(feed);
    }
}
