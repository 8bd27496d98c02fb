//! What a session has sent, request by request, for logs, metrics and the records' trails. No query, no header, no body: those
//! hold values.

use rtr_core::code::Code;
use rtr_core::failure::{Class, Failure};
use rtr_core::time::Instant;
use std::sync::{Mutex, PoisonError};

/// What an answer says, as it is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Answered {
    /// It did as asked, or says item by item what became of each.
    Fine,
    /// There was none, or the CRM is not well.
    Failed,
    /// The rate limit is used up.
    Throttled,
    /// The credentials were refused, or lack a right.
    Unauthorized,
    /// Anything else was refused.
    Refused,
}

/// One request that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Called {
    /// When it was sent.
    pub at: Instant,
    /// Its method.
    pub method: &'static str,
    /// Its path, without the query.
    pub path: String,
    /// The answer's status; none without an answer.
    pub status: Option<u16>,
    /// What it says.
    pub answered: Answered,
    /// Why not, where the call as a whole was refused.
    pub code: Option<Code>,
    /// How long it took, in milliseconds.
    pub took_ms: i64,
    /// How long it had waited for its token, in milliseconds.
    pub waited_ms: i64,
}

/// What was sent, in order, and whether somebody has told of it.
#[derive(Debug, Default)]
pub struct Tape(Mutex<Vec<(Called, bool)>>);

impl Tape {
    /// How many there are: a place to listen from.
    #[must_use]
    pub fn end(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> Vec<Called> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .map(|(called, _)| called.clone())
            .collect()
    }

    /// Those since `from`, of which the asker tells.
    #[must_use]
    pub fn take(&self, from: usize) -> Vec<Called> {
        let mut calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = calls.get_mut(from..).unwrap_or_default().iter_mut();
        taken
            .map(|(called, told)| {
                *told = true;
                called.clone()
            })
            .collect()
    }

    /// Those of which nobody tells.
    #[must_use]
    pub fn untold(&self) -> Vec<Called> {
        let calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        calls.iter().filter(|(_, told)| !told).map(|(called, _)| called.clone()).collect()
    }

    pub(super) fn note(&self, called: Called) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((called, false));
    }
}

impl Answered {
    /// By what the connector made of it, else by the status.
    pub(super) fn of(failure: Option<&Failure>, status: Option<u16>) -> Self {
        match failure.map(|failure| &failure.class) {
            Some(Class::Throttled { .. }) => Self::Throttled,
            Some(Class::HostRefused) => Self::Refused,
            Some(Class::Unavailable | Class::OutcomeUnknown | Class::Resting { .. }) => Self::Failed,
            Some(Class::Unauthorized | Class::Revoked | Class::Forbidden | Class::NoSecret) => {
                Self::Unauthorized
            }
            _ => match status {
                Some(429) => Self::Throttled,
                Some(401 | 403) => Self::Unauthorized,
                Some(400..=499) => Self::Refused,
                Some(500..) | None => Self::Failed,
                Some(_) if failure.is_some() => Self::Refused,
                Some(_) => Self::Fine,
            },
        }
    }
}

/// `path` without its query.
pub(super) fn bare(path: &str) -> String {
    path.split(['?', '#']).next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_calls_when_taken_then_the_others_are_untold_and_all_are_counted() {
        let tape = Tape::default();
        let call = |path: &str| Called {
            at: Instant(0),
            method: "GET",
            path: path.to_owned(),
            status: Some(200),
            answered: Answered::Fine,
            code: None,
            took_ms: 1,
            waited_ms: 0,
        };
        tape.note(call("/a"));
        let from = tape.end();
        tape.note(call("/b"));
        assert_eq!(tape.take(from), [call("/b")]);
        assert_eq!((tape.untold(), tape.take(9)), (vec![call("/a")], vec![]));
        assert_eq!(tape.all(), [call("/a"), call("/b")]);
    }

    #[test]
    fn given_answers_when_counted_then_the_connectors_word_goes_before_the_status() {
        let of = |class, status| Answered::of(Some(&Failure::new(class, "")), status);
        assert_eq!(Answered::of(None, Some(207)), Answered::Fine);
        assert_eq!(Answered::of(None, Some(400)), Answered::Refused);
        assert_eq!(Answered::of(None, Some(429)), Answered::Throttled);
        assert_eq!(Answered::of(None, None), Answered::Failed);
        // Salesforce says by 403 that its day's limit is used up, and refuses under a 200.
        assert_eq!(of(Class::Throttled { until: None }, Some(403)), Answered::Throttled);
        assert_eq!(of(Class::Refused, Some(200)), Answered::Refused);
        assert_eq!(of(Class::Unavailable, Some(503)), Answered::Failed);
        assert_eq!(of(Class::Forbidden, Some(403)), Answered::Unauthorized);
        assert_eq!(bare("/a/b?q=SELECT+Email#x"), "/a/b");
    }
}
