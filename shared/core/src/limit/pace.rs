//! How fast a limit is used, after what the CRM thought of it: slower by three tenths when it refused, faster by a tenth
//! of the limit for each quiet minute.

use crate::time::Instant;
use serde::{Deserialize, Serialize};

/// The whole of the limit.
const FULL: u64 = 1_000;
/// Never less than a tenth of it.
const LEAST: u64 = 100;
/// What is left after a cut, in thousandths.
const CUT: u64 = 700;
/// What a quiet minute gives back.
const STEP: u64 = 100;
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
}

impl Default for Pace {
    fn default() -> Self {
        Self { permille: FULL, since: Instant(0), cut_at: None }
    }
}

impl Pace {
    /// The pace `now`, after the CRM refused at `refused_at`. Refusals of one window are one.
    #[must_use]
    pub fn after(self, refused_at: Option<Instant>, window_ms: i64, now: Instant) -> Self {
        let Some(at) = refused_at else { return self.quiet(now) };
        let mut pace = self.quiet(at);
        if pace.cut_at.is_none_or(|cut| at.since_ms(cut) >= window_ms) {
            pace.permille = (pace.permille * CUT / FULL).max(LEAST);
            pace.cut_at = Some(at);
        }
        pace.since = pace.since.max(at);
        pace.quiet(now)
    }

    fn quiet(self, until: Instant) -> Self {
        let minutes = until.since_ms(self.since) / MINUTE_MS;
        if self.permille >= FULL || minutes <= 0 {
            return self;
        }
        let gained = STEP.saturating_mul(minutes.unsigned_abs());
        let permille = self.permille.saturating_add(gained).min(FULL);
        Self { permille, since: self.since.plus_ms(minutes * MINUTE_MS), ..self }
    }
}
