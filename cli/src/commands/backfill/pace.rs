//! How fast a backfill arrives at the CRM, and when it will be over. Pure.

use std::collections::VecDeque;
use std::time::Duration;

/// The time over which the rate is taken: long enough to hold several of a lane's rests.
const OVER: Duration = Duration::from_secs(120);

/// What was seen of the way to the CRM.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Pace {
    seen: VecDeque<(Duration, u64)>,
}

/// How far the whole is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Whole {
    /// Events sent in this run and before.
    pub(super) sent: u64,
    /// Of those, what has not reached the CRM yet.
    pub(super) on_the_way: u64,
    /// Of the source, in thousandths, as far as it is read; none where its size is not known.
    pub(super) read_milli: Option<u64>,
}

impl Pace {
    /// At `at`, counted from the beginning, so many had arrived.
    pub(super) fn see(&mut self, at: Duration, arrived: u64) {
        while self.seen.len() > 1
            && self.seen.get(1).is_some_and(|(then, _)| at.saturating_sub(*then) >= OVER)
        {
            self.seen.pop_front();
        }
        self.seen.push_back((at, arrived));
    }

    /// Arrivals a second; none until something arrived.
    pub(super) fn rate(&self) -> Option<f64> {
        let ((from, before), (to, now)) = (self.seen.front()?, self.seen.back()?);
        let seconds = to.saturating_sub(*from).as_secs_f64();
        #[allow(clippy::cast_precision_loss)] // counts of events
        let arrived = now.saturating_sub(*before) as f64;
        (seconds > 0.0 && arrived > 0.0).then(|| arrived / seconds)
    }

    /// How long it will take until everything of `whole` has arrived.
    pub(super) fn left(&self, whole: &Whole) -> Option<Duration> {
        let left = whole.total()?.saturating_sub(whole.arrived());
        #[allow(clippy::cast_precision_loss)] // counts of events
        let seconds = left as f64 / self.rate()?;
        // More than a year is no forecast.
        (seconds < 31_536_000.0).then(|| Duration::from_secs_f64(seconds))
    }
}

impl Whole {
    /// What has arrived.
    pub(super) fn arrived(&self) -> u64 {
        self.sent.saturating_sub(self.on_the_way)
    }

    /// What there is in all, by how much of the source the sent ones took; none before anything can be said.
    pub(super) fn total(&self) -> Option<u64> {
        let read = self.read_milli.filter(|read| *read > 0)?;
        Some((u128::from(self.sent) * 1_000 / u128::from(read.min(1_000))).try_into().unwrap_or(u64::MAX))
    }

    /// Thousandths of the whole way, for a bar.
    pub(super) fn milli(&self) -> u64 {
        match self.total() {
            Some(total) if total > 0 => {
                (u128::from(self.arrived()) * 1_000 / u128::from(total)).try_into().unwrap_or(1_000)
            }
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn given_arrivals_when_asked_then_the_rate_is_that_of_the_last_two_minutes() {
        let mut pace = Pace::default();
        assert_eq!(pace.rate(), None);
        pace.see(s(0), 0);
        pace.see(s(10), 1_000);
        assert_eq!(pace.rate(), Some(100.0));
        (2..=40).for_each(|n| pace.see(s(n * 10), 1_000 + (n - 1) * 2_000));
        assert_eq!(pace.rate(), Some(200.0), "what was long ago is forgotten");
    }

    #[test]
    fn given_a_whole_when_half_is_read_then_the_forecast_is_over_the_way_to_the_crm_and_not_to_the_queue() {
        let mut pace = Pace::default();
        pace.see(s(0), 0);
        pace.see(s(60), 6_000);
        let whole = Whole { sent: 10_000, on_the_way: 4_000, read_milli: Some(500) };
        assert_eq!((whole.total(), whole.arrived(), whole.milli()), (Some(20_000), 6_000, 300));
        assert_eq!(pace.left(&whole), Some(s(140)));
        let unknown = Whole { read_milli: None, ..whole };
        assert_eq!((pace.left(&unknown), unknown.milli()), (None, 0));
        assert_eq!(Pace::default().left(&whole), None);
    }
}
