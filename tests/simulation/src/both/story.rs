//! What happens in a history that goes both ways: a value drawn from a seed.

use super::fields;
use crate::draw::fault_of;
use crate::faults::BACK;
use crate::oracle::Violation;
use crate::place::providers;
use crate::run::History;
use crate::scenario::{Kind, Mood, ORGS, Scenario, Setup};
use fastrand::Rng;
use std::fmt::Write as _;

/// A history before it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Story {
    /// Seed, set-up and faults; it has no events.
    pub scenario: Scenario,
    /// What people do, in order of time.
    pub acts: Vec<Act>,
    /// How the internal system and the webhooks are.
    pub ways: Ways,
}

/// How the internal system and the webhooks are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ways {
    /// One field that it changed later itself makes it refuse all of a change; else it takes the others.
    pub refuses_whole: bool,
    /// Its versions say when the change that it was told of occurred; else when they were made.
    pub passes_time_on: bool,
    /// Of a hundred webhooks so many are lost,
    pub lost: u32,
    /// so many come twice,
    pub twice: u32,
    /// and so many late, by up to an hour.
    pub late: u32,
}

/// Somebody does something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Act {
    /// Its number, which its values bear.
    pub id: u32,
    /// When, in milliseconds from the beginning.
    pub at: i64,
    /// Of [`ORGS`].
    pub org: usize,
    /// To a record of which kind.
    pub kind: Kind,
    /// To which: of those that there are then.
    pub which: u32,
    /// What.
    pub deed: Deed,
}

/// What somebody does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// A user of the internal system makes a record.
    Makes,
    /// Changes this field of one.
    Edits(usize),
    /// Deletes one.
    Deletes,
    /// A person makes a record at a CRM of this number.
    MakesAt(usize),
    /// Changes this field of one there; by an integration, as we do, or by hand.
    EditsAt(usize, usize, bool),
    /// Deletes one there.
    DeletesAt(usize),
    /// Changes this field of every record there, at one time.
    EditsAllAt(usize, usize),
    /// The CRM tells of all its records, many times.
    FloodsAt(usize),
}

/// Of a line that is longer, so much is told, in characters.
const WIDTH: usize = 700;

/// Acts of a story.
const ACTS: u32 = 36;
/// Faults planned in one.
const FAULTS: usize = 9;
/// Over so many milliseconds people act.
const SPAN_MS: i64 = 1_500_000;

/// Draws the story of `seed`.
#[must_use]
pub fn draw_both(seed: u64) -> Story {
    let mut rng = Rng::with_seed(seed ^ 0x626f_7468_7761_7973);
    let calm = seed.is_multiple_of(12);
    let setup = Setup {
        environments: rng.usize(1..=4),
        group_buckets: if rng.u8(..5) == 0 { 2 } else { 0 },
        max_receives: if !calm && rng.u8(..5) == 0 { rng.u32(3..=6) } else { 1_000 },
        again: false,
        mood: Mood::Any,
        jobs: None,
    };
    let ways = Ways {
        refuses_whole: rng.bool(),
        passes_time_on: rng.bool(),
        lost: [0, 0, 20, 100][rng.usize(..4)],
        twice: [0, 20][rng.usize(..2)],
        late: [0, 0, 20, 60][rng.usize(..4)],
    };
    let acts = acts(&mut rng);
    let all = super::faults();
    let mut faults = Vec::new();
    for at in 0..if calm { 0 } else { FAULTS } {
        // The internal system is but one of many that can fail, and has its share all the same.
        let of: &[_] = if at % 4 == 0 { BACK } else { &all };
        faults.push(fault_of(&mut rng, of));
    }
    Story { scenario: Scenario { seed, setup, events: Vec::new(), faults }, acts, ways }
}

fn acts(rng: &mut Rng) -> Vec<Act> {
    let mut acts = Vec::new();
    let mut at = 0;
    // A history has one or two orgs that live: so that what it does meets.
    let orgs: Vec<usize> =
        if rng.bool() { vec![rng.usize(..ORGS.len())] } else { vec![0, rng.usize(1..ORGS.len())] };
    for id in 0..ACTS {
        let org = orgs[if id < 4 { id as usize % orgs.len() } else { rng.usize(..orgs.len()) }];
        let kind = if org == 2 && rng.u8(..2) == 0 { Kind::Deal } else { Kind::Contact };
        let there = if kind == Kind::Deal { 1 } else { providers(ORGS[org]).len() };
        let provider = rng.usize(..there);
        let field = rng.usize(..fields(kind).len());
        let deed = match rng.u8(..100) {
            _ if id < 4 => Deed::Makes,
            0..=7 => Deed::Makes,
            8..=34 => Deed::Edits(field),
            35..=38 => Deed::Deletes,
            39..=47 => Deed::MakesAt(provider),
            48..=87 => Deed::EditsAt(provider, field, rng.u8(..3) == 0),
            88..=91 => Deed::DeletesAt(provider),
            92..=96 => Deed::EditsAllAt(provider, field),
            _ => Deed::FloodsAt(provider),
        };
        at += match rng.u8(..12) {
            _ if id < 4 => rng.i64(0..1_000),
            0..=1 => rng.i64(0..SPAN_MS / 5),
            2..=4 => rng.i64(0..30_000),
            5..=7 => rng.i64(0..3_000),
            8..=9 => rng.i64(0..200),
            _ => 0,
        };
        acts.push(Act { id, at: at.min(SPAN_MS), org, kind, which: rng.u32(..), deed });
    }
    acts
}

/// What broke, in the smallest story that was found for it.
#[must_use]
pub fn failure_of(story: &Story, history: &History, violation: &Violation) -> String {
    let mut text = format!("seed {} breaks {violation}\n\n", story.scenario.seed);
    let _ = writeln!(text, "the smallest story found for it, {:?}, {:?}:", story.scenario.setup, story.ways);
    for act in &story.acts {
        let (at, org) = (act.at as f64 / 1_000.0, ORGS[act.org]);
        let _ =
            writeln!(text, "  {at:>8.3} s  #{} {org} {:?} {:?} of {}", act.id, act.kind, act.deed, act.which);
    }
    for planned in &story.scenario.faults {
        let fault = planned.fault;
        let struck = if history.fired.contains_key(fault.name()) { "" } else { " (did not strike)" };
        let (id, name, nth, site, how) = (fault.id(), fault.name(), planned.nth, fault.site(), planned.how);
        let words = fault.words();
        let _ = writeln!(text, "  {id} {name} at its {nth}. chance at {site:?}, {how}: {words}{struck}");
    }
    let _ = writeln!(text, "\nwhat happened:");
    for line in history.lines.iter().filter(|line| !matches!(line.place, "aws" | "lease" | "log" | "breaker"))
    {
        let line: String = line.to_string().chars().take(WIDTH).collect();
        let _ = writeln!(text, "{line}");
    }
    text
}
