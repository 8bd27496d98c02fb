//! How fast a limit is used, after what the CRM thought of it: slower by three tenths when it refused, faster by a tenth for
//! each quiet minute. After some of them by a tenth of the limit: a limit that is configured far too high is approached from
//! below, so that the CRM hardly ever refuses, and what was a bad hour is forgotten soon.
//!
//! A refusal after many calls that were taken says little against the limit: some call came a moment late. It costs
//! little.

use crate::time::Instant;
use serde::{Deserialize, Serialize};

/// The whole of the limit.
const FULL: u64 = 1_000;
/// Never less than a fiftieth of it.
const LEAST: u64 = 20;
/// What is left after a cut, in thousandths.
const CUT: u64 = 700;
/// The same where the CRM has taken many calls since it last refused: so many, and as many as two windows have.
const CUT_LITTLE: u64 = 970;
const MANY: u64 = 100;
/// What a quiet minute gives back, in thousandths of the pace…
const STEP: u64 = 100;
/// …and from so many minutes after the last cut on, in thousandths of the limit.
const LONG_QUIET_MS: i64 = 6 * MINUTE_MS;
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
    /// Tokens granted since the last refusal.
    pub granted: u64,
}

impl Default for Pace {
    fn default() -> Self {
        Self { permille: FULL, since: Instant(0), cut_at: None, granted: 0 }
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
            let cut = if pace.granted >= many { CUT_LITTLE } else { CUT };
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
            pace.since = pace.since.plus_ms(MINUTE_MS);
            let long = pace.cut_at.is_none_or(|cut| pace.since.since_ms(cut) >= LONG_QUIET_MS);
            let step = if long { STEP } else { (pace.permille * STEP / FULL).max(1) };
            pace.permille = (pace.permille + step).min(FULL);
            if pace.permille == FULL {
                break;
            }
        }
        pace.since = self.since.plus_ms(minutes * MINUTE_MS);
        pace
    }
}
