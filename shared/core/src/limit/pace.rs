//! How fast a limit is used, after what the CRM thought of it. A refusal takes three tenths of the pace, the next half, and is
//! remembered: each quiet minute gives back half of the way to the pace that was refused, so that most of it is had again soon and the
//! last of it slowly. Only who passes it unrefused goes on faster, twice as fast each minute. So a limit that is configured
//! far too high is used to what the CRM takes, which hardly ever refuses, and what was a bad hour is forgotten soon.
//!
//! A refusal after many calls that were taken says little against the pace: some call came a moment late. It costs
//! little.

use crate::time::Instant;
use serde::{Deserialize, Serialize};

/// The whole of the limit.
const FULL: u64 = 1_000;
/// Never less than a fiftieth of it.
const LEAST: u64 = 20;
/// What is left after a cut, in thousandths.
const CUT: u64 = 700;
/// The same where it refuses again before anything of the last cut was given back: it takes much less than we think.
const CUT_AGAIN: u64 = 500;
/// The same where the CRM has taken many calls since it last refused: so many, and as many as two windows have.
const CUT_LITTLE: u64 = 970;
const MANY: u64 = 100;
/// Close to the pace that was refused a quiet minute gives one part in so many.
const CLOSE: u64 = 100;
const MINUTE_MS: i64 = 60_000;

/// The pace of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pace {
    /// Thousandths of the limit.
    pub permille: u64,
    /// Quiet since then.
    pub since: Instant,
    /// The refusal that it was last cut for.
    pub cut_at: Option<Instant>,
    /// The pace that was refused last; the whole where none was.
    pub refused: u64,
    /// Tokens granted since the last refusal.
    pub granted: u64,
}

impl Default for Pace {
    fn default() -> Self {
        Self { permille: FULL, since: Instant(0), cut_at: None, refused: FULL, granted: 0 }
    }
}

impl Pace {
    /// The pace `now`, after the CRM refused at `refused_at` what was granted by so many `requests` a window. Refusals of one
    /// window are one.
    #[must_use]
    pub fn after(self, refused_at: Option<Instant>, (requests, window_ms): (u64, i64), now: Instant) -> Self {
        let Some(at) = refused_at else { return self.quiet(now) };
        let mut pace = self.quiet(at);
        if pace.cut_at.is_none_or(|cut| at.since_ms(cut) >= window_ms) {
            let many = requests.saturating_mul(2).max(MANY);
            let again = pace.permille * FULL <= pace.refused * CUT;
            let cut = match pace.granted >= many {
                true => CUT_LITTLE,
                false if again => CUT_AGAIN,
                false => CUT,
            };
            pace.refused = pace.permille;
            pace.permille = (pace.permille * cut / FULL).max(LEAST);
            pace.cut_at = Some(at);
        }
        pace.granted = 0;
        pace.since = pace.since.max(at);
        pace.quiet(now)
    }

    /// The pace after `tokens` more were granted.
    #[must_use]
    pub fn granting(self, tokens: u64) -> Self {
        Self { granted: self.granted.saturating_add(tokens), ..self }
    }

    fn quiet(self, until: Instant) -> Self {
        let minutes = until.since_ms(self.since) / MINUTE_MS;
        if self.permille >= FULL || minutes <= 0 {
            return self;
        }
        let mut pace = self;
        for _ in 0..minutes {
            if pace.permille >= FULL {
                break;
            }
            pace.permille = (pace.permille + pace.step()).min(FULL);
        }
        pace.since = self.since.plus_ms(minutes * MINUTE_MS);
        pace
    }
    /// What a quiet minute gives.
    fn step(&self) -> u64 {
        let least = (self.permille / CLOSE).max(1);
        match self.refused.checked_sub(self.permille) {
            Some(below) => (below / 2).max(least),
            None => (self.permille - self.refused).max(least),
        }
    }
}
