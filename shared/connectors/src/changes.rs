//! What has changed at a CRM: the values of the questions and answers.
//!
//! A CRM is asked in two ways: what some records hold now, which is the truth, and which records have changed since a
//! position, which leads to them. Positions go by the CRM's own stamps. Many records may share a stamp, so a position within
//! them is told by the last record's id as well, and nothing is paged by offsets: what changes while it is paged moves, and
//! whatever stood behind it would be passed over.

use rtr_core::time::Instant;
use serde_json::Value;
use std::collections::BTreeMap;

/// What has become of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It is there.
    Here,
    /// It is gone, to the bin or for good.
    Gone,
    /// It is part of another record now.
    Merged {
        /// That record's id.
        into: String,
    },
}

/// What one record holds, as its CRM gives it.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// The id that was asked for, or that is listed.
    pub external_id: String,
    /// Whether it is there.
    pub fate: Fate,
    /// The CRM's stamp of its last change; none when it is gone and the CRM does not say since when.
    pub at: Option<Instant>,
    /// Who changed it last, in the CRM's words, where it tells: a hint, and no more than that.
    pub by: Option<String>,
    /// The properties asked for, null for what is empty; nothing of a record that is not there.
    pub values: BTreeMap<String, Value>,
}

/// A place in the order of a CRM's changes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Position {
    /// What was changed after this is behind it.
    pub at: Instant,
    /// Of what was changed at that very time, what has a higher id; all of it, when none.
    pub after: Option<String>,
}

/// The next of a CRM's changes.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// Those behind the position asked for, in the order of their stamps; of one stamp in any order.
    pub changed: Vec<Snapshot>,
    /// From where to go on.
    pub next: Position,
    /// Whether there may be more already.
    pub more: bool,
}

/// Records that are gone, of those that [`crate::connector::Crm::changed`] does not tell of.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GonePage {
    /// They.
    pub gone: Vec<Snapshot>,
    /// The cursor of the next page, if there is one.
    pub next: Option<String>,
}

/// How a CRM tells of changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedFacts {
    /// A change is seen at last so many milliseconds after the stamp it bears: whoever has seen everything up to now asks
    /// again from so long before.
    pub overlap_ms: i64,
    /// Whether what is gone is listed apart, without any order: the whole list has to be read to find what is new in it.
    pub lists_gone: bool,
    /// Records of one question for what they hold now.
    pub read_batch: usize,
}

impl Snapshot {
    /// A record that is gone.
    #[must_use]
    pub fn gone(external_id: &str, at: Option<Instant>) -> Self {
        let (fate, values) = (Fate::Gone, BTreeMap::new());
        Self { external_id: external_id.to_owned(), fate, at, by: None, values }
    }
}

/// A CRM's stamp: a time with its offset, or milliseconds since the epoch, as text.
pub(crate) fn stamp(value: &Value) -> Option<Instant> {
    crate::shape::timestamp(value.as_str()?).map(|at| Instant(at.as_millisecond()))
}
