//! The values of the judgement: what goes in, and what comes out.

use rtr_connectors::changes::Snapshot;
use rtr_connectors::shape::{Compared, Shape};
use rtr_core::item::Item;
use rtr_core::mapping::Mapping;
use rtr_core::payload::Payload;
use rtr_core::time::Instant;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// It should be there, and is not.
    Missing,
    /// It should not be there, and is.
    Extra,
    /// A field holds another value.
    Different,
    /// Several records of the CRM have what is to tell this one from others.
    Duplicate,
    /// A field holds another value though this version, or a newer one, was confirmed, and nobody can say what went over it.
    Overtaken,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 5] =
        [Self::Missing, Self::Extra, Self::Different, Self::Duplicate, Self::Overtaken];

    /// The name in output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Extra => "extra",
            Self::Different => "different",
            Self::Duplicate => "duplicate",
            Self::Overtaken => "overtaken",
        }
    }

    /// Whether writing the record once more mends it.
    #[must_use]
    pub fn is_mended_by_writing(self) -> bool {
        matches!(self, Self::Missing | Self::Different | Self::Overtaken)
    }
}

/// A field that holds another value than it should.
#[derive(Debug, Clone, PartialEq)]
pub struct Differs {
    /// The CRM's property.
    pub field: String,
    /// How.
    pub is: Compared,
    /// What it holds.
    pub held: Value,
    /// What it should hold.
    pub wanted: Value,
}

/// One thing that is wrong with a record.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// What.
    pub kind: Kind,
    /// The fields at fault, where it is about fields.
    pub fields: Vec<Differs>,
    /// Other records of the CRM that it is about.
    pub others: Vec<String>,
    /// Why, in a few words that hold no value of the record.
    pub because: String,
}

/// How a record stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// As it should be.
    Same,
    /// Something is wrong.
    Drift,
    /// A newer version, or a change back, is on its way: it is not judged.
    Pending,
    /// The mapping leaves it alone.
    NotMeant,
    /// The source lists an older version than the one that was applied: it cannot be judged by it.
    Older,
    /// It could not be judged.
    Unjudged,
}

/// What should be at the CRM.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Wanted<'a> {
    /// The mapping does not say.
    Nothing,
    /// No record.
    Absent,
    /// If there is a record, these fields: what is deleted is marked and left.
    Left(&'a Payload),
    /// A record with these fields.
    Holding(&'a Payload),
}

/// One record, with all that is known of it.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// The version that the source lists.
    pub version: u64,
    /// When it came to be, by the source's word.
    pub occurred_at: Option<Instant>,
    /// The time now.
    pub now: Instant,
    /// What is kept of it.
    pub item: &'a Item,
    /// The mapping.
    pub mapping: &'a Mapping,
    /// Whether values flow back from the CRM.
    pub flows_back: bool,
    /// After so many milliseconds a record that was made is surely found.
    pub lag_ms: i64,
    /// What should be.
    pub wanted: Wanted<'a>,
    /// The CRM's record that it is linked to, or that was found for it.
    pub found: Option<&'a Snapshot>,
    /// Other records of the CRM that have its key or match value.
    pub others: &'a [String],
    /// How the CRM's properties compare; what is not among them, it does not have.
    pub shapes: &'a BTreeMap<String, Shape>,
    /// The property of our key, and its value for this record.
    pub key: Option<(&'a str, &'a str)>,
}

/// How the record stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// In a word.
    pub standing: Standing,
    /// What is wrong with it.
    pub findings: Vec<Finding>,
    /// Fields that were not compared: written on create only, the CRM's own to say, or on their way back.
    pub left_out: usize,
}
