//! What to do with one version of a record at one connection, given what is kept of it. Pure: the sync lane's decision.
//!
//! The order of the questions is the protocol: the fence, then what is parked, then crashes, then the mapping, then
//! whether the CRM knows it already, and last how to tell it.

use crate::change::Operation;
use crate::code::Code;
use crate::config::Mode;
use crate::item::{Item, MAX_CRASHES, Reason};
use crate::mapping::{Key, Mapped, Mapping, OnDelete, OnUnmatched, Patch, Reference, WriteMode};
use crate::payload::{Payload, Resolved};
use crate::time::Instant;
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
    /// Whether it is a person's wake-up of a dead version.
    pub wake: bool,
    /// Whether its message, or one compacted into it, was received before.
    pub again: bool,
}

/// Whether the version may be looked at at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fence {
    /// It is the newest known.
    Open,
    /// An equal or newer one came first; a wake finds nothing to wake.
    Superseded,
    /// Parked work belongs to the bulk lane: only replace it.
    Parked,
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
    /// Until when an unlinked reference is waited for.
    pub reference_until: Instant,
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
    /// The fields' digests.
    pub base: Vec<u8>,
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
    /// Not for this CRM: move the fence.
    Skip,
    /// Shadowed: neither call nor write.
    Pass,
    /// It never will without a person.
    Dead(Reason),
    /// Not now.
    Park {
        /// Not before.
        until: Instant,
        /// Why.
        reason: Reason,
    },
    /// Tell the CRM.
    Go(Box<Go>),
}

/// Whether `incoming` is still wanted, by the item alone.
#[must_use]
pub fn fence(item: &Item, incoming: &Incoming) -> Fence {
    if !above_fence(item, incoming.version, incoming.mapping_revision) {
        return Fence::Superseded;
    }
    if incoming.wake {
        let dead = item.dead().is_some_and(|slot| slot.wanted_version == incoming.version);
        return if dead { Fence::Open } else { Fence::Superseded };
    }
    match &item.slot {
        None => Fence::Open,
        Some(slot) if slot.wanted_version > incoming.version => Fence::Superseded,
        Some(slot) if slot.wanted_version == incoming.version => {
            let newer_mapping = slot.mapping_revision < incoming.mapping_revision;
            if item.dead().is_some() && newer_mapping { Fence::Open } else { Fence::Superseded }
        }
        Some(_) if item.parked().is_some() => Fence::Parked,
        Some(_) => Fence::Open,
    }
}

/// FENCE(v, m) of the protocol: the applied version is older, or equal under an older mapping.
#[must_use]
pub fn above_fence(item: &Item, version: u64, mapping_revision: u64) -> bool {
    match item.applied_version {
        None => true,
        Some(applied) if applied == version => item.mapping_revision.unwrap_or(0) < mapping_revision,
        Some(applied) => applied < version,
    }
}

/// The decision.
#[must_use]
pub fn plan(incoming: &Incoming, at: Situation<'_>) -> Action {
    match fence(at.item, incoming) {
        Fence::Superseded => return Action::Superseded { reused: reused(incoming, at) },
        Fence::Parked => return Action::ReplaceParked,
        Fence::Open => {}
    }
    if at.mode == Mode::Shadow {
        return Action::Pass;
    }
    if at.item.crashes >= MAX_CRASHES && !incoming.wake {
        let message = format!("the function stopped {} times while working on this record", at.item.crashes);
        return Action::Dead(Reason::new(Code::Crash, message));
    }
    let unmatched = at.mapped.is_some_and(|mapped| !mapped.selected);
    if incoming.operation == Operation::Deleted {
        return delete(incoming, at, &at.mapping.on_delete);
    }
    if unmatched {
        return match at.mapping.on_unmatched {
            OnUnmatched::Ignore => Action::Skip,
            OnUnmatched::Delete => delete(incoming, at, &OnDelete::Archive),
        };
    }
    let Some(mapped) = at.mapped else {
        return Action::Dead(Reason::new(Code::MappingFailed, "the mapping gave nothing for this record"));
    };
    if at.mapping.write == WriteMode::Create && at.item.external_id.is_some() {
        return Action::Skip;
    }
    if let Some(wait) = wait_for_references(at) {
        return wait;
    }
    let payload = Payload::build(mapped, at.references);
    let hash = payload.hash("upsert", &at.mapping.object);
    if may_elide(incoming, at.item) && at.item.applied_hash.as_deref() == Some(hash.as_str()) {
        return Action::Unchanged;
    }
    if let Some(park) = paused(at) {
        return park;
    }
    let first = match &at.item.external_id {
        Some(external_id) => First::Update { external_id: external_id.clone() },
        None => match unlinked(incoming, at, mapped.match_value.as_deref()) {
            Ok(first) => first,
            Err(park) => return park,
        },
    };
    Action::Go(Box::new(Go { first, deleted: false, base: payload.base(), payload, hash }))
}

/// How a record without a link begins once the look-ups of [`First::Look`] found nothing.
#[must_use]
pub fn after_finding_nothing(mapping: &Mapping, key_value: Option<&str>, deleted: bool) -> Option<First> {
    if deleted {
        return Some(First::Nothing);
    }
    if mapping.write == WriteMode::Update {
        return None;
    }
    Some(match (&mapping.key, key_value) {
        (Key::Property { name }, Some(value)) => {
            First::Upsert { property: name.clone(), value: value.to_owned() }
        }
        _ => First::Create,
    })
}

fn delete(incoming: &Incoming, at: Situation<'_>, how: &OnDelete) -> Action {
    let set = match how {
        OnDelete::Ignore => return Action::Skip,
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
    Action::Go(Box::new(Go { first, deleted: true, base: payload.base(), payload, hash }))
}

fn unlinked(incoming: &Incoming, at: Situation<'_>, match_value: Option<&str>) -> Result<First, Action> {
    if let Some(wait) = open_intent(at) {
        return Err(wait);
    }
    let matched = at.mapping.match_on.as_ref().zip(match_value).map(|(property, value)| LookBy {
        property: property.clone(),
        value: value.to_owned(),
        ours: false,
    });
    // By our key only where something of ours may be there already: after a crash, a lost answer, or an open intent.
    let look_by_ours = incoming.again || at.item.intent.is_some() || at.mapping.write == WriteMode::Update;
    if lost_to_sight(at) {
        return Err(nothing_to_look_by());
    }
    let mut by: Vec<LookBy> = ours(at).filter(|_| look_by_ours).into_iter().chain(intended(at)).collect();
    by.extend(matched.filter(|one| !by.contains(one)));
    Ok(look(by)
        .or_else(|| after_finding_nothing(at.mapping, at.key_value, false))
        .unwrap_or(First::Look(Vec::new())))
}

/// What an open intent's create can be found by, beside our own key: the value that it carried.
fn intended(at: Situation<'_>) -> Option<LookBy> {
    let value = at.item.intent.as_ref()?.matched.clone()?;
    Some(LookBy { property: at.mapping.match_on.clone()?, value, ours: false })
}

/// Whether a create is open that nothing would find.
fn lost_to_sight(at: Situation<'_>) -> bool {
    at.item.intent.is_some() && ours(at).is_none() && intended(at).is_none()
}

/// A create may have landed, and nothing of the record finds it: making another is not for us to decide.
fn nothing_to_look_by() -> Action {
    let message =
        "a create's answer was lost, and there is neither a marker nor a value of `match` to look for it by";
    Action::Dead(Reason::new(Code::Ambiguous, message))
}

fn look(by: Vec<LookBy>) -> Option<First> {
    (!by.is_empty()).then_some(First::Look(by))
}

fn ours(at: Situation<'_>) -> Option<LookBy> {
    let property = match &at.mapping.key {
        Key::Property { name } => name,
        Key::Intent => at.mapping.marker.as_ref()?,
    };
    Some(LookBy { property: property.clone(), value: at.key_value?.to_owned(), ours: true })
}

/// An intent that is not ours to judge yet: its create may still land, or not be found by a look-up.
fn open_intent(at: Situation<'_>) -> Option<Action> {
    let intent = at.item.intent.as_ref()?;
    let until = intent.at.plus_ms(at.settle_ms);
    (until > at.now).then(|| Action::Park {
        until,
        reason: Reason::new(Code::IntentOpen, "a create is under way whose outcome is not known yet"),
    })
}

fn wait_for_references(at: Situation<'_>) -> Option<Action> {
    let missing = at.references.iter().find(|(_, state)| *state == Resolved::NotYet)?;
    (at.reference_until > at.now).then(|| {
        let message = format!("the {} in `{}` is not linked yet", missing.0.record_type, missing.0.field);
        let reason = Reason {
            field: Some(missing.0.field.clone()),
            ..Reason::new(Code::WaitingForReference, message)
        };
        Action::Park { until: at.reference_until.min(at.now.plus_ms(REFERENCE_LOOK_MS)), reason }
    })
}

/// How often a waiting record looks for its reference, in milliseconds.
const REFERENCE_LOOK_MS: i64 = 2_000;

fn paused(at: Situation<'_>) -> Option<Action> {
    (at.mode == Mode::Paused).then(|| Action::Park {
        until: at.now.plus_ms(PAUSE_MS),
        reason: Reason::new(Code::Paused, "the connection is paused"),
    })
}

/// The elide rule: only what was received once, with nothing open, may be called equal without asking the CRM.
fn may_elide(incoming: &Incoming, item: &Item) -> bool {
    !incoming.again && !incoming.wake && item.slot.is_none() && item.intent.is_none()
}

fn reused(incoming: &Incoming, at: Situation<'_>) -> bool {
    let same = at.item.applied_version == Some(incoming.version)
        && at.item.mapping_revision == Some(incoming.mapping_revision)
        && !at.item.deleted
        && incoming.operation == Operation::Upsert
        && at.item.applied_hash.is_some();
    same && at
        .mapped
        .is_some_and(|mapped| mapped.selected && Payload::build(mapped, at.references).base() != at.item.base)
}
