//! Opening the connection as the flows do, and waiting where the CRM says "not now".

use super::{Reconciliation, Stopped};
use crate::report::BatchReport;
use crate::work::connections::{Deed, Door, over};
use crate::work::job::Setup;
use rtr_core::code::Code;
use rtr_core::failure::{Class, Failure};
use rtr_core::item::{Lane, Reason};
use rtr_core::limit::Traffic;
use rtr_core::time::Instant;

/// How long a connection is held open at a time, in milliseconds.
const ROUND_MS: i64 = 120_000;
/// Times in a row that a CRM which does not answer is asked.
const TRIES: u32 = 8;
/// The longest pause between two of them, in milliseconds.
const LONGEST_PAUSE_MS: i64 = 30_000;
/// The wait for tokens where nobody says how long, in milliseconds.
const THROTTLED_MS: i64 = 2_000;

impl Reconciliation<'_> {
    pub(super) fn deadline(&self) -> Instant {
        self.seams.clock.now().plus_ms(ROUND_MS)
    }

    /// Opens the connection, as for what is drained from a backfill.
    pub(super) async fn over(&self, deed: &mut dyn Deed) {
        let Setup { config, connector, .. } = &self.setup;
        let door = Door {
            config,
            connection: &self.connection,
            connector: *connector,
            lane: Lane::Bulk,
            traffic: Traffic::Backfill,
        };
        let mut report = BatchReport::default();
        over(&self.seams, self.settings, self.caches, &door, self.deadline(), deed, &mut report).await;
    }

    /// Waits as long as `failure` says; an outage is not waited out for ever.
    pub(super) async fn after(&self, failure: Failure, tried: &mut u32) -> Result<(), Stopped> {
        let now = self.seams.clock.now();
        let until = match &failure.class {
            Class::Throttled { until } => until.unwrap_or(now.plus_ms(THROTTLED_MS)),
            Class::Resting { until } => *until,
            Class::OutOfTime => now,
            Class::Unavailable | Class::Busy | Class::OutcomeUnknown if *tried < TRIES => {
                *tried += 1;
                now.plus_ms(patience(*tried))
            }
            _ => return Err(Stopped::Failed(failure)),
        };
        self.wait(until).await;
        Ok(())
    }

    pub(super) async fn wait(&self, until: Instant) {
        let clock = self.seams.clock;
        let ms = until.since_ms(clock.now());
        if ms > 0 {
            (self.waiting)(until);
            clock.sleep_ms(ms).await;
        }
    }

    pub(super) fn lost(&self) -> Stopped {
        let message = format!("there is no connection `{}`", self.connection.connection);
        Stopped::Refused(Reason::new(Code::NoMapping, message))
    }
}

/// A second, doubling with each try.
pub(super) fn patience(tried: u32) -> i64 {
    (1_000_i64 << tried.min(10)).min(LONGEST_PAUSE_MS)
}
