//! The bulk flow: one worker for each connection drains what is parked there, in calls as large as its CRM takes.
//!
//! A baton starts it; whoever takes the baton has the lane until its message is settled. It reads what is parked and due,
//! in the order of its time, and works it as the sync flow works messages: the same plan, calls and endings, each written
//! only while the slot still holds the version. What backfills brought goes when nothing live is due. Where thousands are
//! due and the CRM has jobs for them, one takes them. What stops the connection as a whole stops the lane and touches no
//! slot, so that an outage costs a hundred thousand parked versions nothing. In the end the next baton is sent, or the lane
//! says when it is to be looked at again.

mod age;
mod backfill;
pub(crate) mod baton;
mod drain;
mod ends;
mod ingest;
mod jobs;
mod rest;

use crate::batch::{Received, Settings};
use crate::report::{BatchReport, end_batch, log_lane};
use crate::seams::{Baton, Parked, Seams, Unavailable};
use crate::work::{COMMIT_RESERVE_MS, Caches};
use backfill::Backfill;
use drain::{Drain, drain};
use futures::future::join_all;
use ingest::{Begun, Ingesting};
use rest::Rest;
use rtr_connectors::registry;
use rtr_core::code::Code;
use rtr_core::config::{Mode, OrgConfig};
use rtr_core::key::ConnectionKey;
use rtr_core::lane::Lane;
use rtr_core::limit::Traffic;
use rtr_core::metric::Metric;
use rtr_core::time::Instant;

/// Versions looked for at once.
const LOOK_AT: usize = 1_000;
/// The largest chunk that is worked at once, in calls of the CRM's own size: of several objects each has its calls full.
const CALLS_AT_ONCE: usize = 4;
/// With less time left than this, in milliseconds, no other chunk is begun; a function of little time needs a quarter of it.
const LEAST_CHUNK_MS: i64 = 15_000;
/// A rest up to this long is waited out in place, in milliseconds: a lane that is given up and found again takes longer.
const WAIT_MS: i64 = 5_000;
/// After so many calls that ended nothing a stop is not waited out in place.
const MOST_IN_VAIN: u64 = 3;
/// A connection that a person has stopped is looked at again after this, in milliseconds.
const STOPPED_MS: i64 = 60_000;
/// A table that does not answer is asked again after this, in milliseconds.
const SOON_MS: i64 = 5_000;

/// Works one batch of batons until `deadline`.
pub async fn run(
    seams: &Seams<'_>,
    settings: &Settings,
    caches: &Caches,
    batch: &[Received],
    deadline: Instant,
) -> BatchReport {
    let began = seams.clock.now();
    let deadline = deadline.plus_ms(-COMMIT_RESERVE_MS);
    let mut report = BatchReport::default();
    let lanes = batch.iter().map(|received| one(seams, settings, caches, received, deadline));
    for (received, lane) in batch.iter().zip(join_all(lanes).await) {
        match lane {
            Ok(counts) => report.add(counts),
            Err(()) => report.failed.push(received.message_id.clone()),
        }
    }
    end_batch("bulk", batch, &mut report, seams.clock.now().since_ms(began));
    report
}

async fn one(
    seams: &Seams<'_>,
    settings: &Settings,
    caches: &Caches,
    received: &Received,
    deadline: Instant,
) -> Result<BatchReport, ()> {
    let mut report = BatchReport::default();
    let Some(baton) = baton::read(&received.body) else {
        tracing::warn!(event = "lane", message_id = received.message_id, "a message is no baton");
        return Ok(report);
    };
    let began = seams.clock.now();
    let connection = &baton.connection;
    let warn = |message: &str| {
        tracing::warn!(
            event = "lane",
            org_id = connection.org_id,
            connection = connection.connection,
            message
        )
    };
    // A worker that died is followed when its requests have landed or died, as the queue would let it be.
    let quiet_ms = settings.visibility_ms - settings.timeout_ms;
    let taken = match seams.limits.take_lane(&baton, quiet_ms).await {
        Ok(Some(taken)) => taken,
        Ok(None) => return Ok(report),
        Err(error) => {
            warn(&error.0);
            return Err(());
        }
    };
    let lane = Work { seams, settings, caches, connection, received, deadline };
    let rest = match taken.held(lane.by()) {
        Some(until) => Rest::Held(until),
        None => ingest::work(&lane, &taken, &mut report).await,
    };
    let now = seams.clock.now();
    let next = match rest {
        Rest::Until(at, _) | Rest::Held(at) => Some(at.max(now)),
        Rest::Empty { next } => taken.look_again(next, now),
    };
    // A worker whose clock is ahead of the queue's has found nothing due: nor will the next one, until it is time by that.
    let by = match rest {
        Rest::Empty { .. } if received.receive_count == 1 => {
            now.min(received.first_received_at.plus_ms(now.since_ms(began)))
        }
        _ => now,
    };
    log_lane(
        (&connection.org_id, &connection.connection),
        taken.n,
        &report,
        (next, rest.code()),
        now.since_ms(began),
    );
    match seams.limits.pass_lane(connection, &taken, next, rest.held()).await {
        // Else the sweep sends it, when it is time.
        Ok(true) if next.is_some_and(|at| at <= by) => {
            let next = Baton { connection: connection.clone(), n: taken.n };
            baton::send(seams, &[next]).await;
        }
        Ok(_) => {}
        Err(error) => {
            warn(&error.0);
            // Nobody else knows that nothing may be called: the queue keeps the lane closed until its message is seen again.
            if rest.held().is_some() {
                return Err(());
            }
        }
    }
    Ok(report)
}

fn is_stopped(config: &OrgConfig, connection: &ConnectionKey) -> bool {
    stop(config, connection).is_some()
}

/// How a person has stopped the connection, if one has.
fn stop(config: &OrgConfig, connection: &ConnectionKey) -> Option<Code> {
    match config.connections.get(&connection.connection)?.mode {
        Mode::Live => None,
        Mode::Shadow => Some(Code::Shadowed),
        Mode::Paused => Some(Code::Paused),
    }
}

/// What one worker has to do with.
struct Work<'a> {
    seams: &'a Seams<'a>,
    settings: &'a Settings,
    caches: &'a Caches,
    connection: &'a ConnectionKey,
    received: &'a Received,
    deadline: Instant,
}

/// The calls of a worker, for one whose CRM takes nothing.
#[derive(Debug, Default)]
struct Tries {
    /// Calls made when something ended last.
    called: u64,
}

impl Tries {
    /// Whether the worker ends, which was stopped until then: a CRM that takes nothing is not asked on and on by one
    /// invocation, and a long rest is not waited out.
    fn end(
        &mut self,
        lane: &Work<'_>,
        until: Instant,
        ended: bool,
        refused: bool,
        report: &BatchReport,
    ) -> bool {
        let calls = report.n(Metric::CrmCalls);
        if ended {
            self.called = calls;
        }
        let in_vain = !ended && refused || calls - self.called > MOST_IN_VAIN;
        let wait_ms = until.since_ms(lane.seams.clock.now());
        in_vain || wait_ms > WAIT_MS || lane.deadline.since_ms(until) < lane.least_chunk_ms()
    }
}

impl Work<'_> {
    async fn work(&self, taken: &Lane, jobs: &mut Ingesting, report: &mut BatchReport) -> Rest {
        let clock = self.seams.clock;
        let config = match self.seams.configs.org(&self.connection.org_id).await {
            Ok(config) => config,
            Err(error) => {
                tracing::warn!(event = "config", org_id = self.connection.org_id, message = %error);
                return Rest::Until(clock.now().plus_ms(SOON_MS), Code::StateUnavailable);
            }
        };
        // Whoever let it go on wants that seen now, not when a memory of the stop has expired.
        let config = if is_stopped(&config, self.connection) {
            match self.seams.configs.org_anew(&self.connection.org_id).await {
                Ok(config) if !is_stopped(&config, self.connection) => config,
                _ => {
                    let code = stop(&config, self.connection).unwrap_or(Code::Paused);
                    return self.stopped(&config, code, report).await;
                }
            }
        } else {
            config
        };
        let own = config.connections.get(&self.connection.connection);
        if let Some(own) = own {
            self.caches.credentials.look_anew_if_refused(&own.secret);
        }
        let connector = own.and_then(|own| registry::by_name(&own.provider));
        let size = connector.map_or(1, |connector| connector.capabilities().write_batch);
        let size = size.max(1) * CALLS_AT_ONCE;
        let (mut backfill, mut tries) = (Backfill::default(), Tries::default());
        let mut begun = false;
        loop {
            let Some((due, later)) = self.split(self.seams.records.parked(self.connection, LOOK_AT).await)
            else {
                return Rest::Until(clock.now().plus_ms(SOON_MS), Code::StateUnavailable);
            };
            if due.is_empty() {
                match backfill
                    .step(self, taken, &config, size, later.as_ref(), jobs, &mut tries, report)
                    .await
                {
                    Some(rest) => return rest,
                    None => continue,
                }
            }
            match jobs.begin(self, taken, &config, Traffic::Live, due.len(), report).await {
                Begun::No => {}
                Begun::Yes => continue,
                Begun::Stopped(rest) => return rest,
            }
            let mut worked = false;
            for chunk in due.chunks(size) {
                if self.deadline.since_ms(clock.now()) < self.least_chunk_ms() {
                    return self.out_of_time(begun);
                }
                if let Some(code) = self.was_stopped().await {
                    return Rest::Until(clock.now().plus_ms(STOPPED_MS), code);
                }
                begun = true;
                match drain(self, taken, &config, chunk, false, report).await {
                    Drain::Stopped { until, code, ended, refused } => {
                        if tries.end(self, until, ended, refused, report) {
                            return Rest::Until(until, code);
                        }
                        // Tokens come back in a moment: the rest of what was shown is looked at anew.
                        clock.sleep_ms(until.since_ms(clock.now()).max(0)).await;
                        worked = true;
                        break;
                    }
                    Drain::Held(until) => return Rest::Held(until),
                    Drain::Worked(any) => worked |= any,
                }
            }
            // The index still shows what is drained already: what it shows of backfills may go meanwhile.
            if !worked
                && let Some(rest) =
                    backfill.step(self, taken, &config, size, None, jobs, &mut tries, report).await
            {
                return rest.at_latest(clock.now().plus_ms(SOON_MS), Code::NotVisibleYet);
            }
        }
    }

    /// What is due of what an index shows, and the first that is not; none when it did not answer.
    fn split(&self, shown: Result<Vec<Parked>, Unavailable>) -> Option<(Vec<Parked>, Option<Parked>)> {
        match shown {
            Ok(shown) => {
                let by = self.by();
                let (due, later): (Vec<Parked>, Vec<Parked>) =
                    shown.into_iter().partition(|one| one.not_before <= by);
                Some((due, later.into_iter().next()))
            }
            Err(error) => {
                tracing::warn!(event = "lane", org_id = self.connection.org_id, connection = self.connection.connection, message = %error);
                None
            }
        }
    }

    /// How a person has stopped the connection since this run began. From memory: it costs a request when that expires.
    async fn was_stopped(&self) -> Option<Code> {
        let config = self.seams.configs.org(&self.connection.org_id).await;
        stop(config.as_ref().ok()?, self.connection)
    }

    /// A connection that a person has stopped is looked at again and again while something is parked there, and touched in
    /// nothing; where nothing is, whoever parks wakes its lane.
    async fn stopped(&self, config: &OrgConfig, code: Code, report: &mut BatchReport) -> Rest {
        let records = self.seams.records;
        let none = |shown: &Result<Vec<Parked>, Unavailable>| shown.as_ref().is_ok_and(Vec::is_empty);
        let live = records.parked(self.connection, 1).await;
        if none(&live) && none(&records.backfilled(self.connection, 1).await) {
            return Rest::Empty { next: None };
        }
        if let Some(first) = live.ok().and_then(|live| live.into_iter().next())
            && let Ok(found) = records.read(std::slice::from_ref(&first.key)).await
            && let Some(slot) = found.get(&first.key).and_then(|item| item.slot.as_ref())
        {
            age::measure(self, config, slot, report).await;
        }
        Rest::Until(self.seams.clock.now().plus_ms(STOPPED_MS), code)
    }

    /// How a run ends whose time is over. One whose clock is ahead has no time from its beginning: nor may the next one have.
    fn out_of_time(&self, begun: bool) -> Rest {
        let now = self.seams.clock.now();
        let soon = self.by().plus_ms(SOON_MS);
        if begun || now <= soon {
            Rest::Until(now, Code::OutOfTime)
        } else {
            Rest::Empty { next: Some(soon) }
        }
    }

    fn least_chunk_ms(&self) -> i64 {
        LEAST_CHUNK_MS.min(self.settings.timeout_ms / 4)
    }

    /// The time by which something is due. A baton that comes for the first time tells the queue's time, and a clock of ours
    /// that is ahead of it must not end a hold too soon.
    fn by(&self) -> Instant {
        let now = self.seams.clock.now();
        if self.received.receive_count == 1 { now.min(self.received.first_received_at) } else { now }
    }
}
