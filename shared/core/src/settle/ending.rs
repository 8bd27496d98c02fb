//! How work on a record at a connection ends, and what each ending has to tell.

use crate::code::Code;
use crate::item::{Body, Reason, Shadow};
use crate::marks::Marks;
use crate::plan::Wait;
use crate::time::Instant;

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Ending {
    /// The CRM has it already.
    Unchanged,
    /// It is not for this CRM, and why.
    Skipped(Code),
    /// The CRM confirmed it.
    Applied(Applied),
    /// It never will without a person.
    Dead(Box<Filing>),
    /// It cannot go now, and its message must not hold up the record's other connections.
    Parked(Box<Parking>),
    /// The connection is shadowed: what would have been written.
    Shadowed(Box<Shadow>),
    /// The answer was lost: the hash goes, the message comes back after the hold.
    Unknown,
    /// The bulk lane cannot go on with it now: whatever version is parked by then stays so.
    Put(Put),
    /// What kept it off until then is over: whatever version is put off until exactly then goes by the rest of this.
    Released {
        /// What it was put off until.
        held: Instant,
        /// Until when it is put off now, and what is known.
        put: Put,
    },
    /// It was given up by a person: the fence moves past it.
    Dropped,
    /// An older version that its slot keeps is passed by this one, before this one is called: were this one to land without
    /// a trace, whoever wakes the older one would tell it over this.
    Passed,
    /// Work begins on a message that came back again and again.
    Begun,
    /// Work ended in order, without an ending: the message is returned.
    Returned,
    /// A create that was begun certainly did not happen: its intent goes, the message is returned.
    NotCreated,
    /// A create begins.
    Intended {
        /// Unique to this attempt.
        nonce: String,
        /// The value of the mapping's `match` that it carries.
        matched: Option<String>,
    },
    /// The record was found at the CRM: linked before it is written to.
    Linked(Link),
    /// The linked record is gone for good and shall be made anew.
    Unlinked,
    /// What the linked record holds of these properties was told to the internal system: that is what both sides have now.
    Heard(Heard),
}

/// How long what is parked stays so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Put {
    /// Not before.
    pub until: Instant,
    /// Why.
    pub reason: Reason,
    /// Whether something may have landed that nobody recorded: the hash goes.
    pub uncertain: bool,
    /// Tries so far.
    pub attempts: u32,
}

/// A link to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The CRM's object.
    pub object: String,
    /// The CRM's id.
    pub external_id: String,
}

/// What a CRM's record holds that the internal system was told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// The record.
    pub link: Link,
    /// What it was known by before: itself, another that is a part of it by now, or none where the internal system has just
    /// made a record of it.
    pub from: Option<String>,
    /// What it holds.
    pub marks: Marks,
    /// Whether it is gone.
    pub gone: bool,
}

/// What the CRM confirmed.
#[derive(Debug, Clone, PartialEq)]
pub struct Applied {
    /// Digest of operation, object and payload; none when the CRM holds something else in a field that is its own to say.
    pub hash: Option<String>,
    /// What the CRM holds now of what was written.
    pub base: Marks,
    /// Whether the CRM had to be told.
    pub told: bool,
    /// Where it is now; none after a delete.
    pub link: Option<Link>,
    /// The code to note, when it was applied with a reservation.
    pub code: Option<Code>,
    /// The reference it went without, with the record's data to complete it by.
    pub open: Option<Box<Open>>,
}

/// What is kept of a version that went without a reference.
#[derive(Debug, Clone, PartialEq)]
pub struct Open {
    /// The reference.
    pub wait: Wait,
    /// The event's record, or where it lies.
    pub body: Body,
    /// Receives so far.
    pub attempts: u32,
}

/// A version to keep until it can go.
#[derive(Debug, Clone, PartialEq)]
pub struct Parking {
    /// Why.
    pub reason: Reason,
    /// The event's record, or where it lies.
    pub body: Body,
    /// Whether it is a delete.
    pub deleted: bool,
    /// Receives so far.
    pub attempts: u32,
    /// Not before.
    pub until: Instant,
    /// The reference it waits for, if that is why.
    pub wait: Option<Wait>,
}

/// A dead letter to file with its record.
#[derive(Debug, Clone, PartialEq)]
pub struct Filing {
    /// Why.
    pub reason: Reason,
    /// The event's record, or where it lies.
    pub body: Body,
    /// Whether it is a delete.
    pub deleted: bool,
    /// Receives so far.
    pub attempts: u32,
    /// Whether something may have landed that nobody recorded: the hash goes.
    pub uncertain: bool,
    /// Whether a create that was begun certainly did not happen: its intent goes. Else an open one stays, so that a
    /// later try looks before it creates.
    pub not_created: bool,
}
