//! Links that come from elsewhere: which of our records is which record of the CRM, told by a file rather than made by us.
//!
//! Invariant: nothing that is known here is ever overwritten. A line adds a link where there is none, agrees with the one
//! that stands, or is refused for a reason that a person can act on.
//!
//! - [`read`] a line of CSV or JSON → [`Told`] · [`Repeats`] lines of one file that contradict each other
//! - [`decide`] what a line does to an item · [`csv_field`] the way out

mod decide;
mod line;
mod repeats;

pub use decide::{Decision, Moment, decide};
pub use line::{Format, NotALink, csv_field, read};
pub use repeats::{Conflict, Repeats};

/// One line: this record of ours is that record of the CRM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Our record's id.
    pub record_id: String,
    /// The CRM's id of it.
    pub external_id: String,
    /// The version that the CRM was last brought to by whoever kept it so far.
    pub version: Option<u64>,
}

/// Why a line is not imported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The line is no link.
    #[error("{0}")]
    Malformed(String),
    /// Two records on one external id: nobody here can know which is right.
    #[error("line {0} links another record to this external id")]
    SharedExternal(u64),
    /// One record with two external ids.
    #[error("line {0} links this record to another external id")]
    SharedRecord(u64),
    /// The record is linked, and not to this.
    #[error("the record is linked to {0} already")]
    Linked(String),
    /// The CRM's record is linked to another of ours.
    #[error("the CRM's record is linked to another record already: {0}")]
    Owned(String),
    /// The record was deleted here.
    #[error("the record was deleted here; publish it again if it is back")]
    Deleted,
    /// Work of the record waits, which may make a link of its own.
    #[error("a version of the record waits here; try again when it is done")]
    Waiting,
    /// A create is under way, which may make another CRM record.
    #[error("a create of the record is under way; try again when it is done")]
    Creating,
    /// The CRM has no such record.
    #[error("the CRM has no record with this id")]
    Missing,
    /// The CRM's record carries the key of another record of ours.
    #[error("the CRM's record carries the key of another record: {0}")]
    Stamped(String),
    /// The CRM refused to be asked for this id.
    #[error("the CRM does not take this id: {0}")]
    NotAsked(String),
    /// Linked, but our key could not be written on the CRM's record.
    #[error("linked, but our key is not on the CRM's record: {0}")]
    NotStamped(String),
}

impl Refusal {
    /// The short name that scripts filter by.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed",
            Self::SharedExternal(_) => "shared_external_id",
            Self::SharedRecord(_) => "shared_record_id",
            Self::Linked(_) => "linked",
            Self::Owned(_) => "owned",
            Self::Deleted => "deleted",
            Self::Waiting => "waiting",
            Self::Creating => "creating",
            Self::Missing => "missing",
            Self::Stamped(_) => "stamped",
            Self::NotAsked(_) => "not_asked",
            Self::NotStamped(_) => "not_stamped",
        }
    }
}
