//! Jobs of the CRM's: how a lane hands thousands of records over at once, where the CRM has jobs for that.
//!
//! A job outlives the worker that began it, so everything about it is written down before it may run: a note in the lane's
//! row names it, and a list in the payload bucket says which version of which record each of its rows is. The slots of these
//! records are put off until one time drawn for the job, to the millisecond: nobody calls for them meanwhile, newer versions
//! take their places and keep that time, and by it they are found again when the job has ended. A note that is found by a
//! worker is followed up before anything else; a job that was never started is stopped, and its records go another way.
//!
//! At most one job runs at a time for each connection; whatever else is due goes by ordinary calls meanwhile.

mod begin;
mod gather;
mod note;
mod release;
mod settling;
mod watch;

use super::rest::Rest;
use super::{LOOK_AT, SOON_MS, Work};
use crate::report::BatchReport;
use crate::work::connections::{Door, over};
use begin::Beginning;
use rtr_connectors::ingest::{Ingest, IngestFacts};
use rtr_connectors::registry::{self, Connector};
use rtr_core::code::Code;
use rtr_core::config::OrgConfig;
use rtr_core::item::Lane as Whose;
use rtr_core::lane::Lane;
use rtr_core::limit::Traffic;
use rtr_core::metric::Metric;
use rtr_core::time::Instant;
use std::sync::Arc;
use watch::{Watched, watch};

/// Records read, or written, at once.
const CHUNK: usize = 400;
/// A job that has not ended after this long is told to stop, in milliseconds. Salesforce works thousands of rows in minutes.
const MOST_MS: i64 = 60 * 60 * 1_000;
/// The slots of a job's records are put off for so long, in milliseconds: longer than the job is given, so that only who
/// knows its end lets them go. Until then an outage may keep us from hearing of it.
const HELD_MS: i64 = 6 * MOST_MS;
/// A job is looked at after this, in milliseconds, and then less and less often.
const FIRST_LOOK_MS: i64 = 10_000;
/// Between two looks at the most, in milliseconds.
const LONGEST_LOOK_MS: i64 = 60_000;

/// What one worker of a lane has to do with jobs.
#[derive(Debug, Default)]
pub(super) struct Ingesting {
    /// When the job that is under way is to be looked at.
    look_at: Option<Instant>,
    /// Whether this worker has tried to begin one: of live work, of what backfills brought.
    tried: (bool, bool),
}

/// Whether a job was begun.
#[derive(Debug)]
pub(super) enum Begun {
    /// No: what is due goes by ordinary calls.
    No,
    /// It is under way: what is due is to be looked at anew.
    Yes,
    /// The lane cannot go on.
    Stopped(Rest),
}

/// The work of a lane, the job first that an earlier worker left a note of.
pub(super) async fn work(lane: &Work<'_>, taken: &Lane, report: &mut BatchReport) -> Rest {
    let mut jobs = Ingesting::default();
    if let Some(note) = &taken.note {
        match watch(lane, taken, note, report).await {
            Watched::Over => {}
            Watched::Pending(at) => jobs.look_at = Some(at),
            Watched::Stopped(at) => return Rest::Until(at, Code::InJob),
        }
    }
    let rest = lane.work(taken, &mut jobs, report).await;
    match (rest, jobs.look_at) {
        (rest @ Rest::Held(_), _) | (rest, None) => rest,
        (Rest::Until(until, code), Some(at)) => Rest::Until(until.min(at), code),
        (Rest::Empty { next }, Some(at)) => Rest::Empty { next: Some(next.map_or(at, |next| next.min(at))) },
    }
}

impl Ingesting {
    /// Begins a job, where the CRM has jobs and enough is due that one can carry: at most one by each worker, and none while
    /// one is under way. Who follows a worker that died works each record by itself.
    pub(super) async fn begin(
        &mut self,
        lane: &Work<'_>,
        taken: &Lane,
        config: &Arc<OrgConfig>,
        traffic: Traffic,
        due: usize,
        report: &mut BatchReport,
    ) -> Begun {
        let Some((connector, ingest)) = jobs_of(lane, config) else { return Begun::No };
        let facts = facts(lane, ingest);
        let tried = if traffic == Traffic::Backfill { &mut self.tried.1 } else { &mut self.tried.0 };
        if *tried || self.look_at.is_some() || taken.runs > 1 || due < facts.least.min(LOOK_AT) {
            return Begun::No;
        }
        *tried = true;
        if lane.was_stopped().await.is_some() {
            return Begun::No;
        }
        let gathered = match gather::gather(lane, config, ingest, facts, traffic, report).await {
            Ok(Some(gathered)) => gathered,
            Ok(None) => return Begun::No,
            Err(error) => {
                tracing::warn!(event = "lane", org_id = lane.connection.org_id, connection = lane.connection.connection, message = %error);
                let at = lane.seams.clock.now().plus_ms(SOON_MS);
                return Begun::Stopped(Rest::Until(at, Code::StateUnavailable));
            }
        };
        let door = Door { config, connection: lane.connection, connector, lane: Whose::Bulk, traffic };
        let mut beginning = Beginning::new(lane, taken, ingest, gathered);
        let Work { seams, settings, caches, deadline, .. } = *lane;
        over(seams, settings, caches, &door, deadline, &mut beginning, report).await;
        let (begun, rows) = beginning.end();
        report.count(Metric::JobRows, rows as u64);
        report.count(Metric::JobsBegun, u64::from(matches!(begun, Begun::Yes)));
        if matches!(begun, Begun::Yes) {
            self.look_at = Some(lane.seams.clock.now().plus_ms(FIRST_LOOK_MS));
        }
        begun
    }
}

/// The connection's CRM, where it has jobs.
fn jobs_of(lane: &Work<'_>, config: &OrgConfig) -> Option<(Connector, &'static dyn Ingest)> {
    let own = config.connections.get(&lane.connection.connection)?;
    let connector = registry::by_name(&own.provider)?;
    Some((connector, connector.ingest()?))
}

fn facts(lane: &Work<'_>, ingest: &dyn Ingest) -> IngestFacts {
    let facts = ingest.facts();
    match lane.settings.job_from {
        0 => facts,
        least => IngestFacts { least, ..facts },
    }
}

/// Whether a version kept for this reason may go by a job: what one has failed to settle goes by calls of its own, whose
/// answers are acted upon at once.
fn suits_a_job(code: Code) -> bool {
    let alone = [Code::InJob, Code::Busy, Code::NotVisibleYet, Code::OutcomeUnknown, Code::Contended];
    !alone.contains(&code) && !code.as_str().starts_with("RTR3")
}
