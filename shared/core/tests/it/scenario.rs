//! What happens in one search of the protocol: what arrives, what the CRM is like, and how much may go wrong.

use crate::rule::Rule;

/// What a version says of its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It is so.
    Upsert,
    /// It is gone.
    Delete,
    /// It is so, and the mapping's `when` does not hold for it.
    Unwanted,
}

/// One version of a record, on its way in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Event {
    pub(crate) version: u64,
    pub(crate) text: &'static str,
    pub(crate) kind: Kind,
    pub(crate) record: u8,
    /// Whether it lies in a message group that is not its record's own.
    pub(crate) stray: bool,
    /// Whether it arrives at any moment; else it is on the queue at the beginning.
    pub(crate) later: bool,
}

/// The record is changed to `text`.
pub(crate) const fn up(version: u64, text: &'static str) -> Event {
    Event { version, text, kind: Kind::Upsert, record: 0, stray: false, later: false }
}

/// The record is deleted.
pub(crate) const fn del(version: u64) -> Event {
    Event { kind: Kind::Delete, ..up(version, "") }
}

/// The record is changed to `text` and is none for this CRM.
pub(crate) const fn unwanted(version: u64, text: &'static str) -> Event {
    Event { kind: Kind::Unwanted, ..up(version, text) }
}

impl Event {
    /// The same of the other record.
    pub(crate) const fn other(self) -> Self {
        Self { record: 1, ..self }
    }

    /// The same in a group that is not its own.
    pub(crate) const fn stray(self) -> Self {
        Self { stray: true, ..self }
    }

    /// The same at any moment.
    pub(crate) const fn later(self) -> Self {
        Self { later: true, ..self }
    }
}

/// How a CRM tells which of its records is ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Key {
    /// By a unique property.
    #[default]
    Unique,
    /// By a property that anybody may write, found by a search that lags.
    Marker,
    /// Not at all: by what `match` names.
    Match,
}

/// What stands in the property that `match` names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Email {
    /// The mapping has no `match`, or the record no value for it.
    #[default]
    None,
    /// Each record has its own.
    Own,
    /// All records have the same.
    Shared,
    /// It changes with the record's text.
    Text,
}

/// How often something may happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Left {
    /// The worker dies.
    pub(crate) crashes: u8,
    /// The CRM's answer is lost.
    pub(crate) unknowns: u8,
    /// The CRM says "not now".
    pub(crate) throttles: u8,
    /// A person wakes what is dead.
    pub(crate) redrives: u8,
    /// A person drops what is parked.
    pub(crate) drops: u8,
    /// A person makes what is parked due.
    pub(crate) hastens: u8,
    /// The CRM does not show a record that was made a moment ago.
    pub(crate) lags: u8,
    /// The table's answer is lost, and the write, tried again, refused.
    pub(crate) echoes: u8,
    /// The table does not answer when an ending is to be written.
    pub(crate) outages: u8,
    /// Word that a reference is linked is lost.
    pub(crate) words: u8,
    /// Days pass.
    pub(crate) days: u8,
    /// Somebody removes a record from the CRM.
    pub(crate) removals: u8,
    /// A person has what is applied written once more.
    pub(crate) rewrites: u8,
}

/// How the last connection cannot be used at first; it can be at any moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shut {
    /// It answers "not now".
    Down,
    /// A person has paused it.
    Paused,
}

/// What happens in one search.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scenario {
    /// What arrives.
    pub(crate) events: Vec<Event>,
    /// The text of version 1, which is applied at the beginning; without one the records are not known yet.
    pub(crate) start: Option<&'static str>,
    /// The CRM's key, and what `match` finds.
    pub(crate) key: Key,
    pub(crate) email: Email,
    /// Records of the CRM that are nobody's yet and have the shared email, or that of the text `B`.
    pub(crate) strangers: u8,
    /// Whether the CRM refuses a second record with an email.
    pub(crate) unique_email: bool,
    /// Versions that the first connection's CRM refuses until the cause is mended, may refuse, and that kill the worker.
    pub(crate) bad: &'static [u64],
    pub(crate) flaky: &'static [u64],
    pub(crate) deadly: &'static [u64],
    /// What may go wrong.
    pub(crate) left: Left,
    /// Receives after which the queue gives a message up; 0: never.
    pub(crate) gives_up: u8,
    /// References of each record; none is linked at the beginning.
    pub(crate) refers: u8,
    /// Whether a reference may stand without a link, so that waiting for it does not help, before it is linked after all.
    pub(crate) settles: bool,
    /// Connections beyond the first.
    pub(crate) more: u8,
    /// Whether the record goes to yet other connections: what cannot go now is parked, and its message acknowledged.
    pub(crate) parks: bool,
    /// How the last connection cannot be used at first.
    pub(crate) shut: Option<Shut>,
    /// Whether the mapping is revised at some moment, and whether that changes what is written.
    pub(crate) revised: Option<bool>,
    /// Whether what is unwanted is deleted.
    pub(crate) unwanted_goes: bool,
    /// The rule that the search does without.
    pub(crate) without: Option<Rule>,
}
