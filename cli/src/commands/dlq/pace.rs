//! How fast letters are acted on, and how far that is.

use crate::output::progress_bar;
use indicatif::ProgressBar;
use std::time::Duration;
use tokio::time::Instant;

/// Dead letters per step: ten reads of DynamoDB at once.
const STEP: usize = 1_000;
/// With a rate, fewer: one request to SQS, or a tenth of a second's.
const PACED_STEP: usize = 10;
/// A second, in nanoseconds.
const SECOND: u64 = 1_000_000_000;

/// How fast to go.
pub(super) struct Pace {
    rate: Option<Rate>,
    began: Instant,
    bar: ProgressBar,
}

impl Pace {
    /// At most `rate` a second of `total`.
    pub(super) fn new(rate: Option<u32>, total: usize) -> Self {
        let rate = rate.map(Rate::new);
        // The first step goes at once: it counts for as long as each after it.
        let ahead = rate.map_or(Duration::ZERO, |rate| rate.slot);
        Self { rate, began: Instant::now(), bar: progress_bar(Some(total as u64)).with_elapsed(ahead) }
    }

    /// How many to do at a time.
    pub(super) fn step(&self) -> usize {
        self.rate.map_or(STEP, |rate| rate.step)
    }

    /// Shows no more of it.
    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }

    /// Notes that `done` more are done, and waits until the next step is within the rate.
    pub(super) async fn wait(&mut self, done: usize) {
        self.bar.inc(done as u64);
        let all_done = self.bar.length() == Some(self.bar.position());
        if all_done {
            self.end();
        }
        if let Some(rate) = self.rate.filter(|_| !all_done) {
            self.began += rate.next(self.began.elapsed());
            tokio::time::sleep_until(self.began).await;
        }
    }
}

/// A rate in steps.
#[derive(Debug, Clone, Copy)]
struct Rate {
    /// Letters of a step.
    step: usize,
    /// From the beginning of one to that of the next.
    slot: Duration,
}

impl Rate {
    /// As large steps as come within a twentieth of the rate in whole steps a second: never beyond it.
    fn new(rate: u32) -> Self {
        let rate = rate.max(1) as usize;
        let most = PACED_STEP.min(rate).max(rate / 10).min(STEP);
        let fits = |step: &usize| step * (rate / step) * 20 >= rate * 19;
        let step = (1..=most).rev().find(fits).unwrap_or(1);
        let slot = Duration::from_nanos(SECOND.div_ceil((rate / step).max(1) as u64));
        Self { step, slot }
    }

    /// When the next step begins, where the last one began so long ago. What a stall held up is not made up for: after it another
    /// slot goes by, since what was held up may have gone a moment ago.
    fn next(self, went: Duration) -> Duration {
        if went <= self.slot { self.slot } else { went + self.slot }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_a_rate_when_paced_then_steps_are_no_larger_than_it_and_come_close_to_it() {
        let rates = [None, Some(3), Some(15), Some(100), Some(2_000), Some(50_000)];
        assert_eq!(rates.map(|rate| Pace::new(rate, 5).step()), [1_000, 3, 5, 10, 200, 1_000]);
    }

    #[test]
    fn given_letters_that_are_done_when_shown_then_the_bar_alone_says_how_fast() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut pace = Pace::new(None, 5);
        runtime.block_on(pace.wait(2));
        assert_eq!((pace.bar.position(), pace.bar.message().as_str()), (2, ""));
    }

    #[test]
    fn given_stalls_when_paced_then_no_second_has_more_than_the_rate_and_the_rest_nearly_as_many() {
        for rate in [1_u32, 3, 7, 11, 15, 97, 100, 105, 2_000, 9_973, 50_000] {
            let pace = Rate::new(rate);
            // Each step takes no time, but for two that hang: one for seven seconds, one for a little longer than its slot.
            let (mut at, mut sent) = (Duration::ZERO, Vec::new());
            let steps = 30 * u32::try_from(rate as usize / pace.step).unwrap().max(1);
            for n in 0..steps {
                let took = match n {
                    2 => Duration::from_secs(7),
                    5 => pace.slot + Duration::from_millis(1),
                    _ => Duration::ZERO,
                };
                // What hangs goes at the end of it, which is worst.
                sent.push(at + took);
                at += pace.next(took);
            }
            for (first, from) in sent.iter().enumerate() {
                let within = sent[first..].iter().take_while(|at| **at < *from + Duration::from_secs(1));
                assert!(within.count() * pace.step <= rate as usize, "{rate} a second, from {from:?}");
            }
            let second = sent.iter().filter(|at| (20..21).contains(&at.as_secs())).count() * pace.step;
            assert!(second * 20 >= rate as usize * 19, "{rate} a second: {second}");
        }
    }
}
