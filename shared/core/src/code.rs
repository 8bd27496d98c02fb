//! The `RTR` codes: one for each thing that can go wrong, each with a section in `docs/errors.md`.
//!
//! 1xxx the event · 2xxx configuration and mapping · 3xxx the CRM · 4xxx waiting, not failing · 5xxx our own running.

use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($name:ident = $text:literal, $about:literal;)+) => {
        /// A stable code for scripts, logs and `rtr explain`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Code {
            $(#[doc = $about] #[serde(rename = $text)] $name,)+
        }

        impl Code {
            /// Every code, in order.
            pub const ALL: &'static [Code] = &[$(Code::$name,)+];

            /// The code as people and scripts see it.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$name => $text,)+ }
            }

            /// What it means, in one line.
            #[must_use]
            pub fn about(self) -> &'static str {
                match self { $(Code::$name => $about,)+ }
            }
        }
    };
}

codes! {
    MalformedJson = "RTR1001", "The message's body is not JSON.";
    MissingField = "RTR1002", "The event lacks a field it must have.";
    WrongType = "RTR1003", "A field of the event has the wrong type or an unknown value.";
    BadId = "RTR1004", "An id is empty, over 512 characters, or holds a control character.";
    BadVersion = "RTR1005", "The version is not an integer from 0 to 2^53-1.";
    UnknownOrg = "RTR1006", "The org has no configuration and StrictOrgs is on.";
    BodyGone = "RTR1007", "The stored body of a dead letter is gone or unreadable.";
    EventTooLarge = "RTR1008", "The event is larger than a message may be, or a request has too many.";
    ForeignOrg = "RTR1009", "The event is of another org than the one whose secret let it in.";
    QueueRefused = "RTR1010", "The queue refuses the event for what it is.";
    ConfigSyntax = "RTR2001", "A configuration file is not valid YAML or has the wrong shape.";
    ConfigReference = "RTR2002", "A configuration file names something that does not exist.";
    BadExpression = "RTR2003", "A mapping's expression cannot be compiled.";
    ConfigConflict = "RTR2004", "Two parts of the configuration contradict each other.";
    MappingFailed = "RTR2005", "A mapping's expression failed on this record.";
    NoMapping = "RTR2006", "A route leads to a connection that has no mapping for this record type.";
    UnknownProvider = "RTR2007", "The connection's provider is not one that rtr-sync knows.";
    BadStoredConfig = "RTR2008", "The stored configuration cannot be used.";
    HostRefused = "RTR2009", "The connection's address is not an allowed host.";
    NeverWorks = "RTR2010", "A part of a mapping fails, or has no effect, for every record.";
    NotKept = "RTR2011", "A number would not be kept as it is written.";
    Invalid = "RTR3001", "The CRM refused a value.";
    Forbidden = "RTR3002", "The credentials may not do this: a scope or permission is missing.";
    Missing = "RTR3003", "The CRM's record is gone and the mapping says to fail.";
    Duplicate = "RTR3004", "The CRM already has another record with this unique value.";
    Ambiguous = "RTR3005", "Several records of the CRM match.";
    Owned = "RTR3006", "The CRM's record is linked to another record already.";
    Refused = "RTR3007", "The CRM refused the request in a way that trying again cannot mend.";
    TooLarge = "RTR3008", "The record is larger than the CRM takes.";
    NotInCrm = "RTR3009", "The CRM has nothing by the name that the record gives: no such owner, pipeline or stage.";
    NotTaken = "RTR3010", "The internal system does not take a change of the CRM's as it is.";
    Throttled = "RTR4001", "The rate limit is used up.";
    Unavailable = "RTR4002", "The CRM cannot be reached or says that it is unavailable.";
    OutcomeUnknown = "RTR4003", "The CRM's answer was lost: the write may have landed.";
    Suspended = "RTR4004", "The connection's credentials were refused; it waits for a person.";
    WaitingForReference = "RTR4005", "A referenced record is not linked yet.";
    Paused = "RTR4006", "The connection is paused.";
    NoSecret = "RTR4007", "The connection's secret is missing or unreadable.";
    NotVisibleYet = "RTR4008", "The CRM does not show a record yet that was written a moment ago.";
    OutOfTime = "RTR4009", "The invocation had no time left for the call.";
    Busy = "RTR4010", "The CRM has the record locked.";
    IntentOpen = "RTR4011", "A create is under way whose outcome is not known yet.";
    Shadowed = "RTR4012", "The connection is shadowed: what would have been written is kept, nothing was sent.";
    Resting = "RTR4013", "The CRM failed or was slow again and again: its calls rest.";
    InJob = "RTR4014", "A bulk job of the CRM has the record.";
    OverRate = "RTR4015", "The org hands in more events than IngestPerOrgRps allows.";
    OfferOpen = "RTR4016", "A record of this CRM is being offered to the internal system: it may be this one.";
    Untold = "RTR4017", "The internal system could not be told of a change in the CRM yet.";
    Polling = "RTR4018", "The CRM is asked what has changed when it is time.";
    Backfilled = "RTR4020", "It came by a backfill, or took the place of what did: the bulk lane drains it.";
    LeftOut = "RTR4021", "The mapping's `when` does not take the record.";
    Ignored = "RTR4022", "The mapping says to leave it: by `write`, `on_delete` or `on_missing`.";
    GivenUp = "RTR4023", "A person gave the version up.";
    Crash = "RTR5001", "The function stopped again and again while working on this record.";
    StateUnavailable = "RTR5002", "The records table does not answer.";
    ConfigUnavailable = "RTR5003", "The configuration table does not answer.";
    Contended = "RTR5004", "The record's item kept changing while its ending was written.";
    NativeDeadLetter = "RTR5005", "The queue gave the message up after its receive limit.";
    QueueThrottled = "RTR5006", "The queue takes no more at the moment.";
    QueueUnavailable = "RTR5007", "The queue does not answer.";
    BehindAnother = "RTR5008", "An earlier event of the same record was not taken, so this one was not sent.";
    IngestOutOfTime = "RTR5009", "The request had more events than its time was enough for.";
    SecretUnavailable = "RTR5010", "The store of secrets does not answer.";
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Code {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wanted = text.to_ascii_uppercase();
        Self::ALL
            .iter()
            .copied()
            .find(|code| code.as_str() == wanted)
            .ok_or_else(|| format!("`{text}` is no code; codes look like RTR3001"))
    }
}
