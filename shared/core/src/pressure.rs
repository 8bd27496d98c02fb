//! How much a backfill may put on `changes.fifo`, which live traffic shares. Pure.
//!
//! The queue is looked at before so many are sent that it could be full, not before every page: a look costs as much as a
//! page. Once it is full it is left to empty by half, so that the looks stay few.

use std::time::Duration;

/// Between two looks at a queue that is full.
pub const LOOK: Duration = Duration::from_secs(1);

/// What may still be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pressure {
    /// The most that may wait in the queue, ours and others'.
    most: u64,
    /// What may be sent before the next look.
    allowed: u64,
    full: bool,
}

impl Pressure {
    /// With `most` messages in the queue at most.
    #[must_use]
    pub fn new(most: u64) -> Self {
        Self { most: most.max(1), allowed: 0, full: false }
    }

    /// Takes leave for `n` more; false when the queue has to be looked at first.
    pub fn take(&mut self, n: u64) -> bool {
        let may = n <= self.allowed;
        if may {
            self.allowed -= n;
        }
        may
    }

    /// The queue has `depth` messages; true when it has room for a page now.
    pub fn look(&mut self, depth: u64) -> bool {
        // Near the limit each look would give leave for a page or two: then it counts as full.
        let level = if self.full { self.most / 2 } else { self.most - self.most.div_ceil(4) };
        self.full = depth > level;
        // A page is sent whole, so a queue of less than a page's room has some.
        self.allowed = if self.full { 0 } else { self.most.saturating_sub(depth).max(10) };
        !self.full
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends pages as fast as it may into a queue that takes `drained` off between two pages, and a second's worth of that
    /// between two looks; the deepest it was, and the looks.
    fn fill(most: u64, drained: u64, second: u64, pages: u64) -> (u64, u64) {
        let (mut pressure, mut depth, mut deepest, mut looks) = (Pressure::new(most), 0_u64, 0, 0_u64);
        for _ in 0..pages {
            while !pressure.take(10) {
                looks += 1;
                if !pressure.look(depth) {
                    depth = depth.saturating_sub(second);
                }
            }
            depth = (depth + 10).saturating_sub(drained);
            deepest = deepest.max(depth);
        }
        (deepest, looks)
    }

    #[test]
    fn given_a_queue_that_empties_slowly_when_filled_then_it_never_holds_more_and_is_seldom_looked_at() {
        let (deepest, looks) = fill(5_000, 1, 500, 100_000);
        assert!(deepest <= 5_000 && looks <= 1_000_000 / 400, "{deepest} deep, {looks} looks");
        let (deepest, looks) = fill(5_000, 10, 500, 100_000);
        assert!(deepest <= 10 && looks <= 201, "{deepest} deep, {looks} looks where it empties at once");
    }

    #[test]
    fn given_a_queue_of_less_than_a_page_when_it_is_empty_then_a_page_goes() {
        let mut pressure = Pressure::new(1);
        assert!(pressure.look(0) && pressure.take(10) && !pressure.take(1));
        assert!(!pressure.look(11));
    }
}
