//! A vendor's contract sheet: what it answers when it says no, and what that has to mean to us.

use rtr_core::failure::{Class, Failure};
use serde_json::Value;

/// One refusal.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// Its name, for whoever reads a failed test.
    pub name: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// Headers beside the vendor's usual ones.
    pub headers: &'static [(&'static str, &'static str)],
    /// The body, as JSON.
    pub body: &'static str,
    /// What a write of a lone record has to make of it.
    pub means: Means,
}

/// The class a refusal has to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Means {
    /// Throttled, for so many milliseconds from the answer on.
    ThrottledFor(i64),
    /// Definitely not done, and may work in a moment.
    Unavailable,
    /// Nobody knows; never sent again in place.
    OutcomeUnknown,
    /// The token was refused, again after it was renewed.
    Unauthorized,
    /// A scope or permission is missing.
    Forbidden,
    /// The record is not there.
    Missing,
    /// Another record has the value; the vendor names it.
    DuplicateOf(&'static str),
    /// Another record has the value; the vendor does not say which.
    DuplicateOfUnnamed,
    /// Locked; tried again in place first.
    Busy,
    /// This field's value was refused.
    InvalidField(&'static str),
    /// The values were refused, of no field in particular.
    Invalid,
    /// Larger than the vendor takes.
    TooLarge,
    /// Any other refusal.
    Refused,
}

impl Means {
    /// Whether `failure`, which ended at `now_ms`, is that.
    #[must_use]
    pub fn is(self, failure: &Failure, now_ms: i64) -> bool {
        match (self, &failure.class) {
            (Self::ThrottledFor(ms), Class::Throttled { until: Some(until) }) => until.0 - now_ms == ms,
            (Self::DuplicateOf(id), Class::Duplicate { existing }) => existing.as_deref() == Some(id),
            (Self::InvalidField(name), Class::Invalid { field }) => field.as_deref() == Some(name),
            (Self::Unavailable, Class::Unavailable)
            | (Self::OutcomeUnknown, Class::OutcomeUnknown)
            | (Self::Unauthorized, Class::Unauthorized)
            | (Self::Forbidden, Class::Forbidden)
            | (Self::Missing, Class::Missing)
            | (Self::DuplicateOfUnnamed, Class::Duplicate { existing: None })
            | (Self::Busy, Class::Busy)
            | (Self::Invalid, Class::Invalid { field: None })
            | (Self::TooLarge, Class::TooLarge)
            | (Self::Refused, Class::Refused) => true,
            _ => false,
        }
    }

    /// Whether the same request may be sent again in place after such an answer.
    #[must_use]
    pub fn is_tried_again(self) -> bool {
        matches!(self, Self::Unavailable | Self::Busy | Self::Unauthorized | Self::ThrottledFor(..=1_500))
    }
}

impl Row {
    /// The sandbox's fault that answers so.
    #[must_use]
    pub fn fault(&self) -> Value {
        let headers: serde_json::Map<String, Value> =
            self.headers.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect();
        let mut value = serde_json::json!({"status": self.status, "headers": headers});
        if let Ok(body) = serde_json::from_str::<Value>(self.body) {
            value["body"] = body;
        }
        serde_json::json!({"fault": "status", "value": value})
    }
}
