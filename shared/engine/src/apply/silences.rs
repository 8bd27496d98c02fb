//! An internal system that does not answer is left alone for a while, so that what it keeps waiting is its own org's alone: every
//! delivery that it leaves unanswered takes ten seconds of what all orgs are told by.

use rtr_core::time::Instant;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The first rest, in milliseconds; it doubles with each that follows.
const FIRST_MS: i64 = 1_000;
/// The longest, in milliseconds.
const LONGEST_MS: i64 = 60_000;
/// What is known of one that was left alone is forgotten so long after its rest, in milliseconds.
const FORGOTTEN_MS: i64 = 600_000;

/// Who does not answer, by org: an org's changes go to one address.
#[derive(Debug, Default)]
pub struct Silences(Mutex<HashMap<String, Silence>>);

#[derive(Debug, Clone, Copy)]
struct Silence {
    /// Rests in a row.
    rests: u32,
    until: Instant,
}

impl Silences {
    /// Until when `org`'s is to be left alone; none when it may be asked.
    #[must_use]
    pub fn until(&self, org: &str, now: Instant) -> Option<Instant> {
        self.known().get(org).map(|silence| silence.until).filter(|until| *until > now)
    }

    /// It answered.
    pub fn ended(&self, org: &str) {
        self.known().remove(org);
    }

    /// It did not answer, or said that it cannot now. Of those that it was asked together the first counts.
    pub fn noted(&self, org: &str, now: Instant) {
        let mut known = self.known();
        known.retain(|_, silence| now.since_ms(silence.until) < FORGOTTEN_MS);
        let silence = known.entry(org.to_owned()).or_insert(Silence { rests: 0, until: now });
        if now >= silence.until {
            let rest_ms = (FIRST_MS << silence.rests.min(10)).min(LONGEST_MS);
            *silence = Silence { rests: silence.rests.saturating_add(1), until: now.plus_ms(rest_ms) };
        }
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Silence>> {
        // A poisoned lock only says that a thread died elsewhere: what is in the map is still whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_one_that_does_not_answer_when_asked_again_and_again_then_its_rests_grow_until_it_answers() {
        let silences = Silences::default();
        let mut now = Instant(0);
        let mut rests = Vec::new();
        for _ in 0..8 {
            assert_eq!(silences.until("acme", now), None);
            // Ten at once are one silence.
            (0..10).for_each(|_| silences.noted("acme", now));
            let until = silences.until("acme", now).unwrap_or(now);
            rests.push(until.since_ms(now) / 1_000);
            now = until;
        }
        assert_eq!(rests, [1, 2, 4, 8, 16, 32, 60, 60]);
        silences.noted("acme", now);
        assert_eq!(silences.until("globex", now), None, "it is no other's");
        silences.ended("acme");
        assert_eq!(silences.until("acme", now), None);
        silences.noted("acme", now);
        assert_eq!(silences.until("acme", now), Some(now.plus_ms(FIRST_MS)));
        // What is over for long is no row any more.
        silences.noted("globex", now.plus_ms(2 * FORGOTTEN_MS));
        assert_eq!(silences.known().len(), 1);
    }
}
