//! What a person has paused is not called, once everybody knows.

use super::{At, Oracle};
use crate::lambda::TIMEOUT_MS;
use rtr_core::time::Instant;

/// Until every environment knows of a pause: what it remembers of the configuration has expired, and the invocation that went
/// by it has ended.
const KNOWN_MS: i64 = 60_000 + TIMEOUT_MS;
/// The same where the configuration cannot be read: what is remembered is gone by for so much longer.
const UNREAD_MS: i64 = 600_000;
/// A clock that was set back since counts a memory of before for so much longer.
const SKEW_MS: i64 = 300_000 + KNOWN_MS;

impl Oracle {
    /// `org`'s connection to `provider` is paused, or not.
    pub fn pauses(&mut self, now: Instant, provider: &str, org: &str, paused: bool) {
        let at: At = (provider.to_owned(), org.to_owned());
        if paused {
            self.paused.entry(at).or_insert(now);
        } else {
            self.paused.remove(&at);
        }
    }

    /// The configuration could not be read at some time.
    pub fn config_unread(&mut self, now: Instant) {
        self.config_unread = Some(now);
    }

    /// A call of `env` goes to `at`.
    pub(super) fn keeps_pauses(&mut self, now: Instant, env: usize, at: &At) {
        let Some(since) = self.paused.get(at).copied() else { return };
        let unread = self.config_unread.is_some_and(|unread| unread >= since.plus_ms(-UNREAD_MS));
        let most = if unread { KNOWN_MS + UNREAD_MS } else { KNOWN_MS };
        if now.since_ms(since) <= most || self.limiter.clock_was_off(since.plus_ms(-SKEW_MS)) {
            return;
        }
        let what = format!(
            "environment {env} calls {} of {}, which was paused {} ms ago",
            at.0,
            at.1,
            now.since_ms(since)
        );
        self.violate("I28", None, what);
    }
}
