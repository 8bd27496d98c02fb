//! Jobs: how a CRM takes thousands of records at once, and tells later what became of each.
//!
//! A job is made open and does nothing, is given its rows and does nothing, and runs once it is started: from then on it
//! outlives whoever started it. What became of its rows is asked for when it has ended. Only what may be said twice without
//! harm goes by a job: by our unique key, or by the CRM's own id.

use crate::connector::{Kind, Outcome, WriteItem};
use crate::session::Session;
use async_trait::async_trait;
use rtr_core::failure::Failure;
use std::collections::BTreeMap;

/// When a job is worth it, and how much it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IngestFacts {
    /// From so many rows on a job is worth its calls.
    pub least: usize,
    /// Rows of one job at most.
    pub most: usize,
    /// Bytes of one job's rows at most: they, and what is told of them, are in memory at once.
    pub most_bytes: usize,
}

/// What a job writes, and how its rows are addressed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// The CRM's object.
    pub object: String,
    /// How the rows are addressed.
    pub kind: Kind,
}

/// One record of a job: its cells by column.
pub type Row = BTreeMap<String, String>;

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It was never started.
    Open,
    /// It is under way, or waits for its turn.
    Running,
    /// It has worked every row.
    Complete,
    /// It has given up: what it had done by then stays done.
    Failed,
    /// It was told to stop: what it had done by then stays done.
    Aborted,
}

/// A part of what became of a job's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Those it wrote.
    Done,
    /// Those that were refused.
    Refused,
    /// Those it did not come to.
    Untouched,
}

impl Part {
    /// Every part.
    pub const ALL: [Self; 3] = [Self::Done, Self::Refused, Self::Untouched];
}

/// What became of one row.
#[derive(Debug, Clone, PartialEq)]
pub enum Fate {
    /// It was worked.
    Worked(Outcome),
    /// It was not.
    Untouched,
}

/// A CRM that has jobs.
#[async_trait]
pub trait Ingest: std::fmt::Debug + Send + Sync {
    /// When a job is worth it, and how much it takes.
    fn facts(&self) -> IngestFacts;

    /// The row of `item`; none for what only a call of its own can say.
    fn row(&self, target: &Target, item: &WriteItem) -> Option<Row>;

    /// Makes a job, which does nothing yet; its id.
    ///
    /// # Errors
    /// The failure of the call.
    async fn open(&self, session: &Session<'_>, target: &Target) -> Result<String, Failure>;

    /// Gives an open job its rows, all at once. It still does nothing.
    ///
    /// # Errors
    /// The failure of the call.
    async fn fill(&self, session: &Session<'_>, id: &str, rows: &[Row]) -> Result<(), Failure>;

    /// Lets the job run.
    ///
    /// # Errors
    /// The failure of the call.
    async fn start(&self, session: &Session<'_>, id: &str) -> Result<(), Failure>;

    /// Tells the job to stop. One that has ended already is asked in vain, which is a failure.
    ///
    /// # Errors
    /// The failure of the call.
    async fn abort(&self, session: &Session<'_>, id: &str) -> Result<(), Failure>;

    /// How far the job is.
    ///
    /// # Errors
    /// The failure of the call.
    async fn state(&self, session: &Session<'_>, id: &str) -> Result<State, Failure>;

    /// One part of what became of the rows of a job that has ended, by the id of each item, in no order.
    ///
    /// # Errors
    /// The failure of the call; also when the answer cannot be read whole.
    async fn results(
        &self,
        session: &Session<'_>,
        id: &str,
        target: &Target,
        part: Part,
    ) -> Result<Vec<(String, Fate)>, Failure>;
}
