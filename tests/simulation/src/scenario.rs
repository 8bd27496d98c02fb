//! A scenario: everything that was decided before a history begins. A value, so that it can be made smaller.

use crate::faults::Fault;
use std::fmt;

/// The orgs; what each is connected to stands in [`crate::place`].
pub const ORGS: [&str; 3] = ["acme", "globex", "initech"];

/// The orgs that are there for crowds alone: each has one CRM, see [`crate::place`].
pub const CROWDED: [&str; 4] = ["hooli", "umbra", "vandelay", "wonka"];

/// What there is to happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scenario {
    /// Decides what is left to chance: latencies, batch sizes, jitter.
    pub seed: u64,
    /// How the services are set up.
    pub setup: Setup,
    /// What the producer sends, in order of time.
    pub events: Vec<Event>,
    /// What goes wrong.
    pub faults: Vec<Planned>,
}

/// How the services are set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setup {
    /// Environments of the sync function at most.
    pub environments: usize,
    /// Message groups: 0 is one per record.
    pub group_buckets: u64,
    /// Receives before the queue gives a message up.
    pub max_receives: u32,
    /// Whether everything is sent once more at the end, twice, in any order.
    pub again: bool,
    /// What the history is about.
    pub mood: Mood,
}

/// What a history is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// Anything may go wrong.
    Any,
    /// Nothing goes wrong: what it costs is counted.
    Calm,
    /// Only the first org's CRMs are in trouble: the others must not feel it.
    OneOrgAlone,
    /// One org has more to do than its CRM takes: all of it live.
    Crowded,
}

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A person, who refers to a company.
    Contact,
    /// A company.
    Company,
    /// A deal: its object has no unique key.
    Deal,
}

impl Kind {
    /// The record type.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Contact => "contact",
            Self::Company => "company",
            Self::Deal => "deal",
        }
    }
}

/// A record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Record {
    /// Which of [`ORGS`], or after them of [`CROWDED`].
    pub org: usize,
    /// What it is.
    pub kind: Kind,
    /// Which one.
    pub number: u32,
}

impl Record {
    /// The org.
    #[must_use]
    pub fn org(&self) -> &'static str {
        let at = self.org % (ORGS.len() + CROWDED.len());
        ORGS.get(at).or_else(|| CROWDED.get(at - ORGS.len())).copied().unwrap_or(ORGS[0])
    }

    /// Its id, which is no value of it and may stand anywhere.
    #[must_use]
    pub fn id(&self) -> String {
        let letter = match self.kind {
            Kind::Contact => 'c',
            Kind::Company => 'k',
            Kind::Deal => 'd',
        };
        format!("{letter}{}", self.number)
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.org(), self.kind.name(), self.id())
    }
}

/// What a version says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Says {
    /// Values that name record and version.
    Stamp,
    /// One of two values, so that an older version may equal a newer one.
    Toggle(bool),
    /// A value that the CRM never takes.
    Poison,
    /// More than an item holds.
    Large,
    /// What its function dies of when it calls a CRM with it, so often at most.
    Deadly(u8),
    /// The record is gone.
    Deleted,
}

/// A change event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// When it is sent, in milliseconds from the beginning.
    pub at: i64,
    /// Of which record.
    pub record: Record,
    /// The version.
    pub version: u64,
    /// What it says.
    pub says: Says,
    /// The company it refers to.
    pub refers: Option<u32>,
    /// How it is sent.
    pub sent: Sent,
}

impl Event {
    /// Whether a backfill brings it, in a history where anything may happen: every fourth, by its time.
    #[must_use]
    pub fn is_backfilled(&self, mood: Mood) -> bool {
        mood == Mood::Any && self.sent == Sent::Once && self.at % 4 == 1
    }
}

/// How the producer sends an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// Once.
    Once,
    /// And again after the deduplication has forgotten it.
    AgainLate,
    /// And again at once under another deduplication id.
    AgainOther,
    /// Spoilt on its way: no event any more, the way it is spoilt by number.
    Spoilt(u8),
}

/// A fault and the chance it waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Planned {
    /// What.
    pub fault: Fault,
    /// At which chance of its site, from 1.
    pub nth: u32,
    /// What is left open of it: how long, which part.
    pub how: u32,
}
