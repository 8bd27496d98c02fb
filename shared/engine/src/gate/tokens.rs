//! Tokens at hand: each may be used for as long as its lease lasts, the oldest first.

use rtr_core::time::Instant;
use std::collections::VecDeque;

/// Those of the leases that have some left, the oldest lease first.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    left: VecDeque<Left>,
    /// Until when the last that was taken could have been used.
    taken: Instant,
}

#[derive(Debug)]
struct Left {
    tokens: u64,
    until: Instant,
}

impl Tokens {
    /// How many may be used.
    pub(super) fn good(&self, now: Instant) -> u64 {
        let good = self.left.iter().filter(|left| left.until > now);
        good.map(|left| left.tokens).fold(0, u64::saturating_add)
    }

    /// Those of a lease, good until then.
    pub(super) fn put(&mut self, tokens: u64, until: Instant, now: Instant) {
        self.left.retain(|left| left.until > now && left.tokens > 0);
        self.left.push_back(Left { tokens, until });
    }

    /// Takes one; whether there was any.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        let oldest = self.left.iter_mut().find(|left| left.until > now && left.tokens > 0);
        let Some(oldest) = oldest else { return false };
        oldest.tokens -= 1;
        self.taken = oldest.until;
        true
    }

    /// The one that was taken last is there again.
    pub(super) fn give_back(&mut self) {
        self.left.push_front(Left { tokens: 1, until: self.taken });
    }

    /// There are none.
    pub(super) fn clear(&mut self) {
        self.left.clear();
    }
}
