//! From a seed to a scenario.

use crate::faults::{Fault, LATER, STRIKING, Site};
use crate::scenario::{Event, Jobs, Kind, Mood, ORGS, Planned, Record, Says, Scenario, Sent, Setup};
use fastrand::Rng;
use std::collections::BTreeMap;

/// How much of what a scenario has.
#[derive(Debug, Clone, Copy)]
pub struct Measure {
    /// Events.
    pub events: usize,
    /// Faults planned.
    pub faults: usize,
}

/// The standard scenario: three orgs, two CRMs, 40 events, 10 faults.
pub const STANDARD: Measure = Measure { events: 40, faults: 10 };
/// The same without a fault.
pub const CALM: Measure = Measure { events: 40, faults: 0 };

/// What troubles one org alone.
const ALONE: &[Fault] = &[
    Fault::CrmDown,
    Fault::CrmSlow,
    Fault::CrmThrottles,
    Fault::CrmReadDown,
    Fault::CrmAnswerLost,
    Fault::CrmThrottlesReads,
];

/// Over so many milliseconds the producer sends.
const SPAN_MS: i64 = 900_000;

/// Draws the scenario of `seed`.
#[must_use]
pub fn draw(seed: u64, measure: Measure) -> Scenario {
    let mut scenario = draw_first(seed, measure);
    if scenario.setup.mood == Mood::Any {
        draw_later(&mut Rng::with_seed(seed ^ LATER_SEED), &mut scenario);
    }
    scenario
}

/// Makes another generator of a seed.
const LATER_SEED: u64 = 0x6a6f_6273_2026;

/// What strikes jobs, beside what strikes everything.
const OF_JOBS: &[Fault] = &[Fault::JobFails, Fault::JobSlow, Fault::JobListCut, Fault::JobPaused];

/// What came to be drawn after seeds had been pinned, by a generator of its own: the rest of their histories stays.
fn draw_later(rng: &mut Rng, scenario: &mut Scenario) {
    if rng.u8(..4) == 0 {
        let takes_ms = [0, 2_000, 15_000, 90_000, 600_000][rng.usize(..5)];
        scenario.setup.jobs = Some(Jobs { from: 2 + usize::from(rng.u8(..4) == 0), takes_ms });
        for _ in 0..rng.usize(1..=3) {
            let planned = fault_of(rng, OF_JOBS);
            scenario.faults.push(planned);
        }
        // Work is parked by the burst, as jobs want it.
        for _ in 0..rng.usize(1..=2) {
            let planned = fault_of(rng, &[Fault::CrmPaused]);
            scenario.faults.push(planned);
        }
        // An even number waits for a remote call.
        let planned = fault_of(rng, &STRIKING);
        scenario.faults.push(Planned { how: planned.how & !1, ..planned });
    }
    if rng.u8(..8) == 0 {
        let planned = fault_of(rng, &[Fault::GroupsChange]);
        scenario.faults.push(planned);
    }
    if rng.u8(..6) == 0 {
        let planned = fault_of(rng, &[Fault::SomebodyDrops]);
        scenario.faults.push(planned);
    }
}

/// The part of [`draw`] that was there first.
#[must_use]
pub fn draw_first(seed: u64, measure: Measure) -> Scenario {
    let mut rng = Rng::with_seed(seed);
    // A share of the histories is calm, to see what it costs, and another has one org in trouble alone.
    let calm = measure.faults == 0 || seed.is_multiple_of(16);
    let alone = seed % 16 == 1;
    let setup = Setup {
        environments: rng.usize(1..=4),
        group_buckets: if rng.u8(..5) == 0 { 2 } else { 0 },
        max_receives: if !calm && rng.u8(..4) == 0 { rng.u32(3..=6) } else { 1_000 },
        again: rng.u8(..4) == 0,
        mood: match () {
            () if calm => Mood::Calm,
            () if alone => Mood::OneOrgAlone,
            () => Mood::Any,
        },
        jobs: None,
    };
    let setup =
        if alone { Setup { group_buckets: 0, max_receives: 1_000, environments: 4, ..setup } } else { setup };
    let events = events(&mut rng, measure.events, calm, alone);
    let count = if calm { 0 } else { measure.faults };
    let any: Vec<Fault> = Fault::ALL.iter().filter(|fault| !LATER.contains(fault)).copied().collect();
    let faults = (0..count).map(|_| fault_of(&mut rng, if alone { ALONE } else { &any })).collect();
    Scenario { seed, setup, events, faults }
}

fn record(rng: &mut Rng) -> Record {
    let org = rng.usize(..ORGS.len());
    let (kind, most) = match (rng.u8(..10), org) {
        (0..=1, _) => (Kind::Company, 2),
        (2..=5, 2) => (Kind::Deal, 2),
        _ => (Kind::Contact, 3),
    };
    Record { org, kind, number: u32::from(rng.u8(..most)) }
}

/// Versions of a record grow, mostly by one, and mostly come in order.
fn events(rng: &mut Rng, count: usize, calm: bool, alone: bool) -> Vec<Event> {
    let mut newest: BTreeMap<Record, u64> = BTreeMap::new();
    // Bursts, with rests between them in which caches expire and environments grow cold.
    let mut at = 0;
    let mut events = Vec::with_capacity(count);
    for _ in 0..count {
        at += match rng.u8(..10) {
            0 => rng.i64(0..SPAN_MS / 8),
            1 => rng.i64(0..5_000),
            2 => rng.i64(0..200),
            _ => 0,
        };
        let record = record(rng);
        let last = newest.get(&record).copied().unwrap_or(0);
        let late = last > 1 && rng.u8(..12) == 0;
        let version = if late { rng.u64(1..=last) } else { last + 1 + u64::from(rng.u8(..6) == 0) };
        newest.insert(record, last.max(version));
        let says = match rng.u8(..40) {
            0..=4 => Says::Toggle(version % 2 == 0),
            5..=8 => Says::Deleted,
            9 if !calm => Says::Poison,
            10 if !calm && rng.u8(..3) == 0 => Says::Large,
            11 if !calm && !alone && rng.u8(..4) == 0 => Says::Deadly([1, 2, 4, 40][rng.usize(..4)]),
            _ => Says::Stamp,
        };
        let sent = match rng.u8(..40) {
            0 => Sent::AgainLate,
            1 => Sent::AgainOther,
            2 if !calm => Sent::Spoilt(rng.u8(..4)),
            _ => Sent::Once,
        };
        let refers = (record.kind == Kind::Contact && rng.u8(..3) > 0).then(|| u32::from(rng.u8(..2)));
        // What is spoilt is no version of anything.
        if matches!(sent, Sent::Spoilt(_)) {
            newest.insert(record, last);
        }
        events.push(Event { at, record, version, says, refers, sent });
    }
    refer_to_what_comes(rng, &mut events);
    dedup_versions(&mut events);
    events
}

/// Most records refer to one that comes, sooner or later: who waits for one that never does waits for days.
fn refer_to_what_comes(rng: &mut Rng, events: &mut [Event]) {
    let stays = |record: &Record, events: &[Event]| {
        let last = events.iter().filter(|event| event.record == *record).max_by_key(|event| event.version);
        last.is_some_and(|event| event.says != Says::Deleted)
    };
    for at in 0..events.len() {
        let Event { record, refers, .. } = events[at];
        let company = refers.map(|number| Record { kind: Kind::Company, number, ..record });
        if company.is_some_and(|company| !stays(&company, events)) && rng.u8(..48) > 0 {
            events[at].refers = None;
        }
    }
}

/// One version of a record says one thing: a version that comes again is the same event.
fn dedup_versions(events: &mut [Event]) {
    let mut said: BTreeMap<(Record, u64), (Says, Option<u32>)> = BTreeMap::new();
    for event in events.iter_mut().filter(|event| !matches!(event.sent, Sent::Spoilt(_))) {
        let first = said.entry((event.record, event.version)).or_insert((event.says, event.refers));
        (event.says, event.refers) = *first;
    }
}

/// Each kind of fault is as likely as any other.
pub(crate) fn fault_of(rng: &mut Rng, faults: &[Fault]) -> Planned {
    let fault = faults[rng.usize(..faults.len())];
    // Early chances are the likelier ones to come at all.
    let most = fault.site().usual();
    let nth = if fault.site() == Site::Time { 1 } else { 1 + rng.u32(..most).min(rng.u32(..most)) };
    Planned { fault, nth, how: rng.u32(..) }
}
