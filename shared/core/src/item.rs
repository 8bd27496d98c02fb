//! What is kept of one record at one connection: link, fence, hash, the one version not applied, and recent outcomes.
//!
//! One item, so that a record costs one read and one conditional write. Every write raises `rev` and is conditioned on
//! the `rev` that was read.

use crate::code::Code;
use crate::marks::Marks;
use crate::sent::Sent;
pub use crate::slot::{Body, Lane, Shadow, Slot, SlotState, Waits};
use crate::time::Instant;
use crate::trail::Trail;
use serde::{Deserialize, Serialize};

/// Outcomes kept in an item.
pub const RECENT: usize = 5;
/// How many of them, the newest, say how they came about: with more an item would outgrow a KiB, and cost twice as much to write.
pub const TRAILS: usize = 3;
/// Runs begun without an end after which a record is filed as dead.
pub const MAX_CRASHES: u32 = 3;

/// The state of one (record, connection).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Item {
    /// Raised by every write; 0 before the first.
    pub rev: u64,
    /// The version the CRM was last brought to.
    pub applied_version: Option<u64>,
    /// The mapping revision under which it was.
    pub mapping_revision: Option<u64>,
    /// Digest of operation, object and payload the CRM last confirmed; none = unknown.
    pub applied_hash: Option<String>,
    /// What both sides had last of each property: the values that the CRM confirmed, or that it told of since.
    pub base: Marks,
    /// What may have been written beside that: of calls whose outcome nobody knows, since the last one that was confirmed.
    pub sent: Sent,
    /// The linked record of the CRM.
    pub external_id: Option<String>,
    /// The CRM's object of the linked record: with the id, the name of its claim.
    pub object: Option<String>,
    /// When the link was made.
    pub linked_at: Option<Instant>,
    /// True after a delete: the item stays as a tombstone, the link is gone.
    pub deleted: bool,
    /// The one newest version that is not applied, or not wholly.
    pub slot: Option<Slot>,
    /// What would have been written while the connection was shadowed.
    pub shadow: Option<Shadow>,
    /// A create under way at a CRM without a unique key.
    pub intent: Option<Intent>,
    /// The last writer: the message's id.
    pub by: String,
    /// Runs begun without an end.
    pub crashes: u32,
    /// The last [`RECENT`] outcomes, oldest first.
    pub recent: Vec<Recent>,
}

/// Why a version is dead or waits, in words that hold no value of the record but in `crm_message`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// The code.
    pub code: Code,
    /// Our words.
    pub message: String,
    /// The field at fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The CRM's words; shown on request only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crm_message: Option<String>,
}

impl Reason {
    /// A reason in our own words.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), field: None, crm_message: None }
    }

    /// The short name scripts filter by: the class of the code.
    #[must_use]
    pub fn class(&self) -> &'static str {
        match self.code.as_str().as_bytes().get(3) {
            Some(b'1') => "malformed",
            Some(b'2') => "mapping",
            Some(b'3') => "rejected",
            Some(b'4') => "waiting",
            _ => "crash",
        }
    }
}

impl From<&crate::failure::Failure> for Reason {
    fn from(failure: &crate::failure::Failure) -> Self {
        Self {
            code: failure.code(),
            message: failure.message.clone(),
            field: failure.field().map(str::to_owned),
            crm_message: failure.crm_message.clone(),
        }
    }
}

/// A create whose outcome is not known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// Who began it: unique to the attempt.
    pub nonce: String,
    /// The version it carried.
    pub version: u64,
    /// When it began.
    pub at: Instant,
    /// The value of the mapping's `match` it carried: what it made is found by this, whatever later versions hold.
    pub matched: Option<String>,
}

/// How an event ended at one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ended {
    /// The CRM confirmed it.
    Applied,
    /// Equal to what was last written.
    Unchanged,
    /// An equal or newer version came first.
    Superseded,
    /// No route, or the mapping says no.
    Skipped,
    /// It cannot go now.
    Parked,
    /// It needs a person.
    Dead,
}

impl Ended {
    /// Every ending.
    pub const ALL: [Self; 6] =
        [Self::Applied, Self::Unchanged, Self::Superseded, Self::Skipped, Self::Parked, Self::Dead];

    /// The name in logs, metrics and output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Unchanged => "unchanged",
            Self::Superseded => "superseded",
            Self::Skipped => "skipped",
            Self::Parked => "parked",
            Self::Dead => "dead",
        }
    }

    /// Reads [`Self::as_str`]'s name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|ended| ended.as_str() == name)
    }
}

/// One line of a record's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recent {
    /// How it ended.
    pub ended: Ended,
    /// The version.
    pub version: u64,
    /// When.
    pub at: Instant,
    /// Why, unless it was simply applied.
    pub code: Option<Code>,
    /// The field at fault, where there is one of a name that is kept.
    pub field: Option<String>,
    /// How it came about, where that was noted.
    pub trail: Option<Trail>,
}

/// What a field's name begins with in the compact form, so that it is told from a code.
const FIELD_MARK: char = '.';
/// Bytes of a field's name that is kept: an item that outgrows a KiB costs twice as much to write.
const FIELD_BYTES: usize = 40;

impl Recent {
    /// The compact form in which it is stored: `applied 7 1795000000000 RTR3001 ~s1203…`, the last as [`Trail`] writes it.
    #[must_use]
    pub fn to_text(&self) -> String {
        let code = self.code.map_or_else(String::new, |code| format!(" {code}"));
        let trail = self.trail.as_ref().map_or_else(String::new, |trail| format!(" {}", trail.to_text()));
        let field = self.field.as_ref().map_or_else(String::new, |field| format!(" {FIELD_MARK}{field}"));
        format!("{} {} {}{code}{field}{trail}", self.ended.as_str(), self.version, self.at.0)
    }

    /// Reads [`Self::to_text`]'s form; none when it is something else.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let mut parts = text.split(' ');
        let ended = Ended::from_name(parts.next()?)?;
        let version = parts.next()?.parse().ok()?;
        let at = Instant(parts.next()?.parse().ok()?);
        let rest: Vec<&str> = parts.collect();
        let code = rest.iter().find_map(|code| code.parse().ok());
        let trail = rest.iter().find_map(|trail| Trail::from_text(trail));
        let field = rest.iter().find_map(|field| field.strip_prefix(FIELD_MARK)).map(str::to_owned);
        Some(Self { ended, version, at, code, field, trail })
    }
}

impl Item {
    /// The dead version, if there is one.
    #[must_use]
    pub fn dead(&self) -> Option<&Slot> {
        self.slot.as_ref().filter(|slot| slot.state == SlotState::Dead)
    }

    /// Who may call the CRM for the record, as the item stands.
    #[must_use]
    pub fn lane(&self) -> Lane {
        self.slot.as_ref().map_or(Lane::Sync, |slot| slot.state.lane())
    }

    /// A version that waits for a record it refers to, written without it or not.
    #[must_use]
    pub fn waiting(&self) -> Option<&Slot> {
        self.slot.as_ref().filter(|slot| matches!(slot.state, SlotState::Waiting | SlotState::Incomplete))
    }

    /// The body kept outside, if there is one.
    #[must_use]
    pub fn stored_body(&self) -> Option<&str> {
        match self.slot.as_ref().map(|slot| &slot.body) {
            Some(Body::Stored(key)) => Some(key),
            _ => None,
        }
    }

    /// This item with one more outcome, the oldest beyond [`RECENT`] gone, and the ways of those beyond [`TRAILS`].
    #[must_use]
    pub fn noting(mut self, ended: Ended, version: u64, at: Instant, code: Option<Code>) -> Self {
        self.recent.push(Recent { ended, version, at, code, field: None, trail: None });
        let extra = self.recent.len().saturating_sub(RECENT);
        self.recent.drain(..extra);
        let old = self.recent.len().saturating_sub(TRAILS);
        self.recent[..old].iter_mut().for_each(|one| (one.field, one.trail) = (None, None));
        self
    }

    /// This item, its last outcome being for this field's sake. A name too long, or of several words, is not kept.
    #[must_use]
    pub fn for_field(mut self, field: Option<&str>) -> Self {
        let is_kept =
            |name: &&str| !name.is_empty() && name.len() <= FIELD_BYTES && !name.contains([' ', '\n']);
        if let Some(last) = self.recent.last_mut() {
            last.field = field.filter(is_kept).map(str::to_owned);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_many_outcomes_when_noted_then_the_last_five_stand_and_the_newest_say_how_they_came_about() {
        let mut item = Item::default();
        for version in 1..=9 {
            item = item.noting(Ended::Applied, version, Instant(0), None);
            item.recent.iter_mut().filter(|one| one.version == version).for_each(|one| {
                one.trail = Some(Trail { receives: 1, ..Trail::default() });
            });
        }
        let kept: Vec<_> = item.recent.iter().map(|one| (one.version, one.trail.is_some())).collect();
        assert_eq!(kept, [(5, false), (6, false), (7, true), (8, true), (9, true)]);
    }

    #[test]
    fn given_an_outcome_when_stored_and_read_then_it_is_the_same() {
        let recent = Recent {
            ended: Ended::Dead,
            version: 9,
            at: Instant(12),
            code: Some(Code::Invalid),
            field: None,
            trail: None,
        };
        assert_eq!(recent.to_text(), "dead 9 12 RTR3001");
        assert_eq!(Recent::from_text(&recent.to_text()), Some(recent.clone()));
        let trail = Trail { entered_ms: 1_203, calls: 2, status: Some(400), ..Trail::default() };
        let told = Recent { trail: Some(trail), ..recent };
        assert_eq!(told.to_text(), "dead 9 12 RTR3001 ~s1203n0c2h400");
        assert_eq!(Recent::from_text(&told.to_text()), Some(told.clone()));
        let plain = Recent { code: None, ended: Ended::Applied, ..told };
        assert_eq!(Recent::from_text(&plain.to_text()), Some(plain));
    }

    #[test]
    fn given_an_outcome_for_a_fields_sake_when_stored_and_read_then_a_name_of_one_short_word_is_kept() {
        let dead =
            |field| Item::default().noting(Ended::Dead, 9, Instant(12), Some(Code::Invalid)).for_field(field);
        let text = |item: Item| item.recent[0].to_text();
        assert_eq!(text(dead(Some("email"))), "dead 9 12 RTR3001 .email");
        assert_eq!(Recent::from_text("dead 9 12 RTR3001 .email"), dead(Some("email")).recent.pop());
        let long = "f".repeat(41);
        for none in [None, Some(""), Some("first name"), Some(long.as_str())] {
            assert_eq!(text(dead(none)), "dead 9 12 RTR3001", "{none:?}");
        }
    }

    #[test]
    fn given_six_outcomes_when_noted_then_the_last_five_stay() {
        let item = (1..=6).fold(Item::default(), |item, v| item.noting(Ended::Applied, v, Instant(0), None));
        assert_eq!(item.recent.iter().map(|recent| recent.version).collect::<Vec<_>>(), [2, 3, 4, 5, 6]);
    }
}
