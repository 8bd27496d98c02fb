//! What to do with one version of a record at one connection, given what is kept of it. Pure: the sync lane's decision.
//!
//! The order of the questions is the protocol: the fence, then what is parked, then crashes, then the mapping, then
//! whether the CRM knows it already, and last how to tell it.

mod begin;
mod fence;
mod references;
mod shadow;

pub use begin::after_finding_nothing;
pub use fence::{Fence, above_fence, fence, may_end, may_rewrite};

use crate::change::Operation;
use crate::code::Code;
use crate::config::Mode;
use crate::item::{Item, Lane, MAX_CRASHES, Reason, Shadow, SlotState, Waits};
use crate::mapping::{Mapped, Mapping, OnDelete, OnUnmatched, Patch, Reference, WriteMode};
use crate::marks::Marks;
use crate::payload::{Payload, Resolved};
use crate::time::Instant;
use begin::{intended, look, lost_to_sight, nothing_to_look_by, open_intent, ours, unlinked};
use std::collections::BTreeMap;

/// How long a paused connection's messages wait at a time, in milliseconds.
pub const PAUSE_MS: i64 = 60_000;

/// A version on its way in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    /// The version.
    pub version: u64,
    /// The mapping revision it is planned under.
    pub mapping_revision: u64,
    /// Upsert or deleted.
    pub operation: Operation,
    /// Who works it.
    pub lane: Lane,
    /// Whether it is what its slot keeps, taken up again.
    pub wake: bool,
    /// Whether its message, or one compacted into it, was received before.
    pub again: bool,
    /// Whether it is to be written although it is applied.
    pub rewrite: bool,
}

/// Everything the decision looks at beside the version.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// The item as read; a default one when there is none.
    pub item: &'a Item,
    /// The mapping.
    pub mapping: &'a Mapping,
    /// What the mapping made of the record; a delete has none.
    pub mapped: Option<&'a Mapped>,
    /// The mapping's references, looked up.
    pub references: &'a [(Reference, Resolved)],
    /// Our key's value, where the mapping has a key property.
    pub key_value: Option<&'a str>,
    /// The connection's mode.
    pub mode: Mode,
    /// When the version arrived: a wait for a reference begins then.
    pub arrived: Instant,
    /// After an intent's time, when a look-up surely finds what it made, in milliseconds.
    pub settle_ms: i64,
    /// The time now.
    pub now: Instant,
}

/// A property and the value to look by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookBy {
    /// The CRM's property.
    pub property: String,
    /// The value.
    pub value: String,
    /// Whether the property is our own key: at most one record has it.
    pub ours: bool,
}

/// How to begin telling the CRM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum First {
    /// Update the linked record.
    Update {
        /// The link.
        external_id: String,
    },
    /// Remove the linked record.
    Remove {
        /// The link.
        external_id: String,
        /// Beyond recovery.
        erase: bool,
    },
    /// Look for the record, in this order, before anything is written.
    Look(Vec<LookBy>),
    /// Upsert by our key.
    Upsert {
        /// The CRM's unique property.
        property: String,
        /// Our key's value.
        value: String,
    },
    /// Create, with a durable intent before it.
    Create,
    /// Nothing is there and nothing shall be.
    Nothing,
}

/// A version that goes to the CRM.
#[derive(Debug, Clone, PartialEq)]
pub struct Go {
    /// How to begin.
    pub first: First,
    /// Whether it is a delete.
    pub deleted: bool,
    /// What to write.
    pub payload: Payload,
    /// The digest of it.
    pub hash: String,
    /// The marks of what every write says.
    pub base: Marks,
    /// The reference that it goes without, to be completed later.
    pub open: Option<Wait>,
}

/// A wait for a referenced record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    /// The record waited for, and when to look for it.
    pub waits: Waits,
    /// Since when.
    pub since: Instant,
    /// When the record goes without it; 0: it went.
    pub until: Instant,
    /// In words.
    pub reason: Reason,
}

/// What to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Acknowledge; write nothing.
    Superseded {
        /// The same version came with other content.
        reused: bool,
    },
    /// Replace what is parked.
    ReplaceParked,
    /// The CRM has it already: move the fence.
    Unchanged,
    /// Not for this CRM, and why: move the fence.
    Skip(Code),
    /// Shadowed, with nothing to keep: neither call nor write.
    Pass,
    /// Shadowed: keep what would have been written.
    Shadow(Box<Shadow>),
    /// It never will without a person.
    Dead(Reason),
    /// Not now.
    Park {
        /// Not before.
        until: Instant,
        /// Why.
        reason: Reason,
    },
    /// Wait for a referenced record.
    Wait(Box<Wait>),
    /// Ask the CRM first for what the mapping looks up there, and plan again.
    LookUp,
    /// Tell the CRM.
    Go(Box<Go>),
}

/// The decision.
#[must_use]
pub fn plan(incoming: &Incoming, at: Situation<'_>) -> Action {
    match fence(at.item, incoming, at.now) {
        Fence::Superseded => return Action::Superseded { reused: reused(incoming, at) },
        Fence::Parked => return Action::ReplaceParked,
        Fence::Open => {}
    }
    if at.mode == Mode::Shadow {
        // What was parked or waits when the connection was shadowed goes on sleeping: its own time must not stand still.
        let asleep = incoming.wake && at.item.dead().is_none();
        return if asleep { shadow::sleep(at) } else { shadow::shadow(incoming, at) };
    }
    // A person who wakes a dead version knows of its crashes.
    let by_a_person = incoming.wake && at.item.dead().is_some();
    if at.item.crashes >= MAX_CRASHES && !by_a_person {
        let message = format!("the function stopped {} times while working on this record", at.item.crashes);
        return Action::Dead(Reason::new(Code::Crash, message));
    }
    let unmatched = at.mapped.is_some_and(|mapped| !mapped.selected);
    if incoming.operation == Operation::Deleted {
        return delete(incoming, at, &at.mapping.on_delete);
    }
    if unmatched {
        return match at.mapping.on_unmatched {
            OnUnmatched::Ignore => Action::Skip(Code::LeftOut),
            OnUnmatched::Delete => delete(incoming, at, &OnDelete::Archive),
        };
    }
    let Some(mapped) = at.mapped else {
        return Action::Dead(Reason::new(Code::MappingFailed, "the mapping gave nothing for this record"));
    };
    if at.mapping.write == WriteMode::Create && at.item.external_id.is_some() {
        return Action::Skip(Code::Ignored);
    }
    if let Some(wait) = references::wait(incoming, at) {
        return wait;
    }
    if !mapped.wanted.is_empty() {
        return paused(at).unwrap_or(Action::LookUp);
    }
    let payload = Payload::build(mapped, at.references);
    let hash = payload.hash("upsert", &at.mapping.object);
    let known = at.item.applied_hash.as_deref() == Some(hash.as_str());
    let in_vain = known && looked_in_vain(incoming, at.item);
    // What goes without a reference has that to note, though the CRM has all the rest.
    let open = references::open(incoming, at, in_vain);
    if known && open.is_none() && may_elide(incoming, at.item) {
        return Action::Unchanged;
    }
    if let Some(open) = open.as_ref().filter(|_| in_vain) {
        return Action::Wait(Box::new(open.clone()));
    }
    if let Some(park) = paused(at) {
        return park;
    }
    if let Some(reason) = merged_into_anothers(incoming, at.item) {
        return Action::Dead(reason.clone());
    }
    let first = match &at.item.external_id {
        Some(external_id) => First::Update { external_id: external_id.clone() },
        None => match unlinked(incoming, at, mapped.match_value.as_deref()) {
            Ok(first) => first,
            Err(park) => return park,
        },
    };
    Action::Go(Box::new(Go { first, deleted: false, base: payload.marks(), payload, hash, open }))
}

fn delete(incoming: &Incoming, at: Situation<'_>, how: &OnDelete) -> Action {
    let set = match how {
        OnDelete::Ignore => return Action::Skip(Code::Ignored),
        OnDelete::Archive | OnDelete::Erase => None,
        OnDelete::Set(fields) => Some(fields),
    };
    let fields: BTreeMap<_, _> =
        set.into_iter().flatten().map(|(name, value)| (name.clone(), Patch::Set(value.clone()))).collect();
    let payload = Payload { fields, ..Payload::default() };
    let hash = payload.hash("deleted", &at.mapping.object);
    if may_elide(incoming, at.item) && at.item.applied_hash.as_deref() == Some(hash.as_str()) {
        return Action::Unchanged;
    }
    if let Some(park) = paused(at) {
        return park;
    }
    let first = match (&at.item.external_id, set) {
        // What is there now is another record's.
        _ if merged_into_anothers(incoming, at.item).is_some() => First::Nothing,
        (Some(external_id), None) => {
            First::Remove { external_id: external_id.clone(), erase: *how == OnDelete::Erase }
        }
        (Some(external_id), Some(_)) => First::Update { external_id: external_id.clone() },
        // An upsert may have landed unrecorded: look by our own key or marker, and by what an open create carried.
        (None, _) => match open_intent(at) {
            Some(wait) => return wait,
            None if lost_to_sight(at) => return nothing_to_look_by(),
            None => look(ours(at).into_iter().chain(intended(at)).collect()).unwrap_or(First::Nothing),
        },
    };
    Action::Go(Box::new(Go { first, deleted: true, base: payload.marks(), payload, hash, open: None }))
}

fn paused(at: Situation<'_>) -> Option<Action> {
    (at.mode == Mode::Paused).then(|| Action::Park {
        until: at.now.plus_ms(PAUSE_MS),
        reason: Reason::new(Code::Paused, "the connection is paused"),
    })
}

/// The CRM's record was merged into one that belongs to another record: writing to it would write over that record's
/// values. A person decides, and wakes it.
fn merged_into_anothers<'a>(incoming: &Incoming, item: &'a Item) -> Option<&'a Reason> {
    let slot = item.dead().filter(|_| !incoming.wake && item.external_id.is_some())?;
    (slot.reason.code == Code::Owned).then_some(&slot.reason)
}

/// The elide rule: only what was received once, with nothing open, may be called equal without asking the CRM.
fn may_elide(incoming: &Incoming, item: &Item) -> bool {
    !incoming.again && !incoming.wake && !incoming.rewrite && item.slot.is_none() && item.intent.is_none()
}

/// A look at what was written without a reference, which is still lacking: the CRM has all there is.
fn looked_in_vain(incoming: &Incoming, item: &Item) -> bool {
    let written = item.applied_version == Some(incoming.version);
    let incomplete = item.slot.as_ref().is_some_and(|slot| slot.state == SlotState::Incomplete);
    incoming.wake && !incoming.again && written && incomplete && item.intent.is_none()
}

fn reused(incoming: &Incoming, at: Situation<'_>) -> bool {
    let same = at.item.applied_version == Some(incoming.version)
        && at.item.mapping_revision == Some(incoming.mapping_revision)
        && !at.item.deleted
        && incoming.operation == Operation::Upsert
        && at.item.applied_hash.is_some();
    same && at
        .mapped
        // What is not looked up yet is not known to differ.
        .filter(|mapped| mapped.selected && mapped.wanted.is_empty())
        .is_some_and(|mapped| !Payload::build(mapped, at.references).marks().are_in(&at.item.base))
}
