//! Instants as whole milliseconds since the Unix epoch, so that they compare, store and simulate exactly.

use serde::{Deserialize, Serialize};

/// An instant in milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Instant(pub i64);

impl Instant {
    /// This instant moved by `ms` milliseconds; saturates rather than wraps.
    #[must_use]
    pub fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this instant; negative when `earlier` is later.
    #[must_use]
    pub fn since_ms(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// RFC 3339 in UTC with milliseconds, or the bare number when it lies outside the calendar.
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        jiff::Timestamp::from_millisecond(self.0).map_or_else(|_| self.0.to_string(), |at| format!("{at:.3}"))
    }

    /// Reads RFC 3339.
    ///
    /// # Errors
    /// The parser's own words, when `text` is not a timestamp with an offset.
    pub fn from_rfc3339(text: &str) -> Result<Self, String> {
        text.parse::<jiff::Timestamp>().map(|at| Self(at.as_millisecond())).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::Instant;

    #[test]
    fn given_an_instant_when_written_and_read_then_it_is_the_same() {
        let at = Instant(1_795_000_000_123);
        assert_eq!(Instant::from_rfc3339(&at.to_rfc3339()), Ok(at));
        assert_eq!(at.to_rfc3339(), "2026-11-18T11:06:40.123Z");
    }
}
