//! How fast letters are acted on, and how far that is.

use crate::output::progress_bar;
use indicatif::ProgressBar;
use std::time::Duration;
use tokio::time::Instant;

/// Dead letters per step: ten reads of DynamoDB at once.
const STEP: usize = 1_000;
/// With a rate, fewer: one request to SQS, or a tenth of a second's.
const PACED_STEP: usize = 10;

/// How fast to go.
pub(super) struct Pace {
    rate: Option<u32>,
    began: Instant,
    bar: ProgressBar,
}

impl Pace {
    /// At most `rate` a second of `total`.
    pub(super) fn new(rate: Option<u32>, total: usize) -> Self {
        Self { rate, began: Instant::now(), bar: progress_bar(Some(total as u64)) }
    }

    /// How many to do at a time.
    pub(super) fn step(&self) -> usize {
        let paced = |rate: u32| PACED_STEP.min(rate as usize).max(rate as usize / 10).min(STEP);
        self.rate.map_or(STEP, paced).max(1)
    }

    /// Notes that `done` more are done, and waits until that is within the rate.
    pub(super) async fn wait(&self, done: usize) {
        self.bar.inc(done as u64);
        let went = self.began.elapsed().as_secs_f64();
        if went > 0.0 {
            self.bar.set_message(format!("{:.0}/s", self.bar.position() as f64 / went));
        }
        let all_done = self.bar.length() == Some(self.bar.position());
        if all_done {
            self.bar.finish_and_clear();
        }
        if let Some(rate) = self.rate.filter(|_| !all_done) {
            let ms = self.bar.position().saturating_mul(1_000) / u64::from(rate.max(1));
            tokio::time::sleep_until(self.began + Duration::from_millis(ms)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_a_rate_when_paced_then_steps_are_no_larger_than_it() {
        let rates = [None, Some(3), Some(100), Some(2_000), Some(50_000)];
        assert_eq!(rates.map(|rate| Pace::new(rate, 5).step()), [1_000, 3, 10, 200, 1_000]);
    }
}
