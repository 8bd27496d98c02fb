//! What happened, line by line. Kept only when somebody wants to read it.

use crate::kernel::{BEGIN, held};
use rtr_core::time::Instant;
use std::sync::Mutex;

/// The trace of a history.
#[derive(Debug, Default)]
pub struct Trace {
    lines: Option<Mutex<Vec<Line>>>,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Milliseconds from the beginning.
    pub at_ms: i64,
    /// Where.
    pub place: &'static str,
    /// What.
    pub what: String,
}

impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (s, ms) = (self.at_ms / 1_000, self.at_ms % 1_000);
        write!(f, "{s:>6}.{ms:03}  {:<9} {}", self.place, self.what)
    }
}

impl Trace {
    /// A trace that keeps what happened.
    #[must_use]
    pub fn kept() -> Self {
        Self { lines: Some(Mutex::default()) }
    }

    /// Whether what happens is kept.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.lines.is_some()
    }

    /// Notes what happened, if it is kept.
    pub fn note(&self, now: Instant, place: &'static str, what: impl FnOnce() -> String) {
        if let Some(lines) = &self.lines {
            held(lines).push(Line { at_ms: now.since_ms(BEGIN), place, what: what() });
        }
    }

    /// The lines so far.
    #[must_use]
    pub fn lines(&self) -> Vec<Line> {
        self.lines.as_ref().map(|lines| held(lines).clone()).unwrap_or_default()
    }
}
