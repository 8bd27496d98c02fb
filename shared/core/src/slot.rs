//! The slot of an item: the one newest version that is not applied, or not wholly, with its data and why.
//!
//! What keeps a version says who may call the CRM for its record: a parked one is the bulk lane's, and the sync lane only
//! replaces it by newer ones; what waits for another record, or is dead, is woken through the record's own message group.

use crate::change::Operation;
use crate::code::Code;
use crate::item::Reason;
use crate::time::Instant;
use crate::trace::Trace;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Why a version is not applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SlotState {
    /// It cannot go now: not before a time.
    Parked,
    /// It never will without a person.
    Dead,
    /// Parked, and to be dropped.
    Drop,
    /// It waits for a record it refers to, and goes without it when the wait ends.
    Waiting,
    /// It went without a record it refers to, and is completed when that one is linked.
    Incomplete,
}

/// Who may call the CRM for a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lane {
    /// The one worker of the record's message group.
    Sync,
    /// The one worker of the connection.
    Bulk,
}

/// The one newest version that is not applied.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Slot {
    /// The version wanted.
    pub wanted_version: u64,
    /// The mapping revision under which it was planned.
    pub mapping_revision: u64,
    /// What keeps it.
    pub state: SlotState,
    /// Upsert or deleted.
    pub deleted: bool,
    /// The event's record, or where it lies.
    pub body: Body,
    /// Why.
    pub reason: Reason,
    /// Since when.
    pub since: Instant,
    /// Not to be tried before; for one that waits, when the wait ends; 0 for one that is dead or incomplete.
    pub not_before: Instant,
    /// Receives so far, as the queue counted.
    pub attempts: u32,
    /// The record it waits for, if that is what keeps it.
    pub waits: Option<Waits>,
    /// Whether it came by a backfill: what is live goes before it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub backfill: bool,
    /// When the change occurred, by the internal system's word: whoever changed a field last may win it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occurred_at: Option<Instant>,
    /// The trace that the event is part of, where it brought one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<Trace>,
}

/// A record that another waits for, at the same connection of the same org.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waits {
    /// Its type.
    pub record_type: String,
    /// Its id.
    pub record_id: String,
    /// When to look whether it is linked by now, should nobody have said so: a wake-up may be lost. 0: no more.
    pub look_at: Instant,
}

/// What would have been written, had the connection been live.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shadow {
    /// The version.
    pub version: u64,
    /// The mapping revision it was planned under.
    pub mapping_revision: u64,
    /// `upsert` or `deleted`.
    pub operation: String,
    /// The digest of operation, object and payload.
    pub hash: String,
    /// The names of the fields and associations that would have been written.
    pub fields: Vec<String>,
    /// When it was planned.
    pub at: Instant,
}

/// Where a record's data lies while its version waits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Body {
    /// In the item.
    Inline(Value),
    /// In the payload bucket, under this key.
    Stored(String),
}

/// Whether what waits for this reason waits for a request to land or to die, or for a job of the CRM's to end.
#[must_use]
pub fn is_hold(code: Code) -> bool {
    matches!(code, Code::OutcomeUnknown | Code::IntentOpen | Code::InJob)
}

impl SlotState {
    /// Whose it is: the other lane does not call for the record.
    #[must_use]
    pub fn lane(self) -> Lane {
        match self {
            Self::Parked | Self::Drop => Lane::Bulk,
            Self::Dead | Self::Waiting | Self::Incomplete => Lane::Sync,
        }
    }
}

impl Slot {
    /// `at`, or when its own version occurred, if that is later.
    #[must_use]
    pub fn later(&self, at: Instant) -> Instant {
        self.occurred_at.map_or(at, |own| own.max(at))
    }

    /// When it is to be woken through its record's group; none for what the bulk lane, a person or a newer version ends.
    #[must_use]
    pub fn due_at(&self) -> Option<Instant> {
        match self.state {
            SlotState::Waiting | SlotState::Incomplete => {
                self.waits.as_ref().map(|waits| waits.look_at).filter(|at| at.0 > 0)
            }
            SlotState::Parked | SlotState::Dead | SlotState::Drop => None,
        }
    }

    /// Whether a request may be under way whose outcome nobody knows: until then nobody may call for the record, whatever a
    /// person wants.
    #[must_use]
    pub fn is_held(&self, now: Instant) -> bool {
        self.not_before > now && is_hold(self.reason.code)
    }

    /// Whether it is kept for that record's sake.
    #[must_use]
    pub fn waits_for(&self, record_type: &str, record_id: &str) -> bool {
        self.waits.as_ref().is_some_and(|on| on.record_type == record_type && on.record_id == record_id)
    }

    /// Whether a live version holds a place before all that backfills bring, which a newer one keeps.
    #[must_use]
    pub fn goes_first(&self) -> bool {
        !self.backfill && matches!(self.state, SlotState::Parked | SlotState::Drop | SlotState::Waiting)
    }

    /// Whether it was parked at its first receive, without a call or with one that was refused: as far as the slot knows,
    /// nothing of it is at the CRM.
    #[must_use]
    pub fn is_untried(&self) -> bool {
        let refused = matches!(
            self.reason.code,
            Code::Backfilled
                | Code::Paused
                | Code::Suspended
                | Code::NoSecret
                | Code::Resting
                | Code::Throttled
                | Code::Unavailable
        );
        self.attempts <= 1 && refused
    }

    /// The operation of the version that waits.
    #[must_use]
    pub fn operation(&self) -> Operation {
        if self.deleted { Operation::Deleted } else { Operation::Upsert }
    }
}
