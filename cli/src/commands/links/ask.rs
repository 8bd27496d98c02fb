//! Asking the CRM for as long as it takes: a limit is waited out, since nobody pays for a command that waits.

use crate::commands::connection::open::{Finding, Opening};
use crate::problem::Problem;
use rtr_aws::function::Runtime;
use rtr_core::failure::{Class, Failure};
use rtr_core::links::{Refusal, Told};
use rtr_core::time::Instant;
use rtr_engine::links::{Seen, Target, stamp, verify};
use std::cell::Cell;

/// The longest wait at a time, in milliseconds: a person who looks sees that it goes on.
const LONGEST_WAIT_MS: i64 = 30_000;
/// The wait when the CRM names no time, in milliseconds.
const USUAL_WAIT_MS: i64 = 2_000;

/// What the CRM has of a line.
type Verified = Result<Seen, Refusal>;
/// Whether our key is on it.
type Stamped = Result<(), Refusal>;

/// The way to one connection's CRM.
pub(super) struct Asker<'a> {
    /// The stack's adapters.
    pub(super) runtime: &'a Runtime,
    /// The connection.
    pub(super) opening: &'a Opening<'a>,
    /// Until when it waits, for whoever shows progress; 0 while it does not.
    pub(super) waiting: Cell<Instant>,
}

impl Asker<'_> {
    /// What the CRM has of `lines`. Each try has a session of its own, whose deadline begins anew.
    ///
    /// # Errors
    /// What else than a limit is in the way.
    pub(super) async fn verify(
        &self,
        target: &Target<'_>,
        lines: &[&Told],
    ) -> Result<Vec<Verified>, Problem> {
        loop {
            let (auth, gate) = (self.opening.auth().map_err(stop)?, self.opening.gate().map_err(stop)?);
            let session = self.opening.session(&auth, &gate);
            match verify(self.opening.connector, &session, target, lines).await {
                Ok(answers) => return Ok(answers),
                Err(failure) => self.after("looking for the records", &failure).await?,
            }
        }
    }

    /// Writes our key on the records of `lines`.
    ///
    /// # Errors
    /// What else than a limit is in the way.
    pub(super) async fn stamp(&self, target: &Target<'_>, lines: &[&Told]) -> Result<Vec<Stamped>, Problem> {
        loop {
            let (auth, gate) = (self.opening.auth().map_err(stop)?, self.opening.gate().map_err(stop)?);
            let session = self.opening.session(&auth, &gate);
            match stamp(self.opening.connector, &session, target, lines).await {
                Ok(answers) => return Ok(answers),
                Err(failure) => self.after("writing our key", &failure).await?,
            }
        }
    }

    async fn after(&self, doing: &str, failure: &Failure) -> Result<(), Problem> {
        match failure.class {
            Class::Throttled { until } => {
                self.wait(until).await;
                Ok(())
            }
            _ => Err(stop(Finding::failed(doing, failure))),
        }
    }

    async fn wait(&self, until: Option<Instant>) {
        let clock = self.runtime.seams().clock;
        let now = clock.now();
        let wait = until.map_or(USUAL_WAIT_MS, |until| until.since_ms(now)).clamp(1, LONGEST_WAIT_MS);
        self.waiting.set(now.plus_ms(wait));
        clock.sleep_ms(wait).await;
    }
}

fn stop(finding: Finding) -> Problem {
    Problem::unreachable(format!("the CRM: {}", finding.words()))
        .hint("rtr connection test says what is wrong with a connection")
}
