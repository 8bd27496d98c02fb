//! How long calls take, as one environment sees it: of the last few, so that one hiccup says nothing.

/// Calls remembered.
const KEPT: usize = 9;
/// Calls that say how long one takes.
const LEAST: usize = 3;
/// Calls that say that nearly all take so long: a few may do so by chance.
const LEAST_FOR_ALL: usize = 5;

/// The last calls' durations.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Latency {
    last_ms: Vec<i64>,
    next: usize,
}

impl Latency {
    /// Takes in that a call took `ms`.
    pub fn took(&mut self, ms: i64) {
        if self.last_ms.len() < KEPT {
            self.last_ms.push(ms.max(0));
        } else {
            self.last_ms[self.next] = ms.max(0);
        }
        self.next = (self.next + 1) % KEPT;
    }

    /// The median, in milliseconds; none while too few calls are known.
    #[must_use]
    pub fn median_ms(&self) -> Option<i64> {
        let sorted = self.sorted();
        (sorted.len() >= LEAST).then(|| sorted[sorted.len() / 2])
    }

    /// What nearly all calls take at least, in milliseconds: all of five or six, all but one of seven or eight, but two of nine.
    /// None while too few calls are known.
    #[must_use]
    pub fn nearly_all_ms(&self) -> Option<i64> {
        let sorted = self.sorted();
        let but = sorted.len().checked_sub(LEAST_FOR_ALL)? / 2;
        sorted.get(but).copied()
    }

    fn sorted(&self) -> Vec<i64> {
        let mut sorted = self.last_ms.clone();
        sorted.sort_unstable();
        sorted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn given_few_calls_or_one_hiccup_when_asked_then_nothing_is_called_slow() {
        let mut latency = Latency::default();
        for ms in [30_000, 40_000] {
            latency.took(ms);
            assert_eq!(latency.median_ms(), None);
        }
        (0..7).for_each(|_| latency.took(50));
        assert_eq!(latency.median_ms(), Some(50));
        (0..6).for_each(|_| latency.took(9_000));
        assert_eq!((latency.median_ms(), latency.nearly_all_ms()), (Some(9_000), Some(50)));
        latency.took(9_000);
        assert_eq!(latency.nearly_all_ms(), Some(9_000));
        let mut first = Latency::default();
        (0..4).for_each(|_| first.took(9_000));
        assert_eq!((first.median_ms(), first.nearly_all_ms()), (Some(9_000), None), "some may be by chance");
        first.took(50);
        assert_eq!(first.nearly_all_ms(), Some(50), "and four of five too");
    }

    proptest! {
        #[test]
        fn given_any_calls_when_asked_then_the_median_is_that_of_the_last_ones(
            all in prop::collection::vec(0i64..100_000, 3..40),
        ) {
            let mut latency = Latency::default();
            all.iter().for_each(|ms| latency.took(*ms));
            let mut last = all[all.len().saturating_sub(KEPT)..].to_vec();
            last.sort_unstable();
            prop_assert_eq!(latency.median_ms(), Some(last[last.len() / 2]));
        }
    }
}
