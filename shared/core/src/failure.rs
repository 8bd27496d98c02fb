//! What may go wrong at a CRM, by what the caller should do about it.
//!
//! A connector classifies once; nobody looks at a status code after that.

use crate::code::Code;
use crate::time::Instant;

/// The classes of failure. Each has exactly one treatment, in the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Class {
    /// The rate limit is used up. Every environment stops until `until`, when the CRM said one.
    Throttled {
        /// When the CRM takes calls again.
        until: Option<Instant>,
    },
    /// Definitely not done, and may work in a moment: retried in place, then later.
    Unavailable,
    /// Not begun: the CRM failed or was slow again and again, so that its calls rest until `until`.
    Resting {
        /// When to ask again.
        until: Instant,
    },
    /// Not begun: the invocation has no time left for a call. Says nothing about the CRM.
    OutOfTime,
    /// Nobody knows whether it was done. Never tried again in place.
    OutcomeUnknown,
    /// The access token was refused. Refreshed once.
    Unauthorized,
    /// The credentials themselves were refused: the connection waits for a person.
    Revoked,
    /// There is no secret, or none that can be used: the connection waits for a person.
    NoSecret,
    /// The credentials lack a scope or permission.
    Forbidden,
    /// The CRM's record is not there.
    Missing,
    /// The CRM's record was merged into another, and nothing was written: that one may be another record's.
    Moved {
        /// The id of the record that was kept.
        to: String,
    },
    /// Another record of the CRM has the unique value.
    Duplicate {
        /// That record's id, when the CRM named it.
        existing: Option<String>,
    },
    /// The CRM has the record locked: retried in place.
    Busy,
    /// A value was refused.
    Invalid {
        /// The CRM's name of the field, when it named one.
        field: Option<String>,
    },
    /// The call as a whole was refused, which may be the fault of one item: bisected.
    BatchRefused,
    /// The record, or the call, is larger than the CRM takes.
    TooLarge,
    /// Any other refusal that trying again cannot mend.
    Refused,
    /// Not begun: the connection's address is none that may be called.
    HostRefused,
}

/// One failure: its class, words of ours for the log, and the CRM's words for who may see them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} {message}", self.code())]
pub struct Failure {
    /// What to do about it.
    pub class: Class,
    /// Ours: never holds a value of the record.
    pub message: String,
    /// The CRM's own words, which may repeat values of the record: kept with the record only.
    pub crm_message: Option<String>,
}

impl Failure {
    /// A failure in our own words.
    pub fn new(class: Class, message: impl Into<String>) -> Self {
        Self { class, message: message.into(), crm_message: None }
    }

    /// The same failure with the CRM's words beside ours.
    #[must_use]
    pub fn saying(mut self, words: impl Into<String>) -> Self {
        self.crm_message = Some(words.into());
        self
    }

    /// The code people look up.
    #[must_use]
    pub fn code(&self) -> Code {
        match &self.class {
            Class::Throttled { .. } => Code::Throttled,
            Class::Unavailable => Code::Unavailable,
            Class::Resting { .. } => Code::Resting,
            Class::OutOfTime => Code::OutOfTime,
            Class::OutcomeUnknown => Code::OutcomeUnknown,
            Class::Unauthorized | Class::Revoked => Code::Suspended,
            Class::NoSecret => Code::NoSecret,
            Class::TooLarge => Code::TooLarge,
            Class::Forbidden => Code::Forbidden,
            Class::Missing | Class::Moved { .. } => Code::Missing,
            Class::Duplicate { .. } => Code::Duplicate,
            Class::Busy => Code::Busy,
            Class::Invalid { .. } => Code::Invalid,
            Class::BatchRefused | Class::Refused => Code::Refused,
            Class::HostRefused => Code::HostRefused,
        }
    }

    /// The field at fault, when the CRM named one.
    #[must_use]
    pub fn field(&self) -> Option<&str> {
        match &self.class {
            Class::Invalid { field } => field.as_deref(),
            _ => None,
        }
    }
}
