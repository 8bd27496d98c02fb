//! Drains one chunk of what is parked and due.

use super::age::measure;
use super::ends::{dropped, end, orphaned};
use super::jobs::{job, load};
use super::rest::{holds, stops};
use super::{SOON_MS, Work};
use crate::notices::Dead;
use crate::report::BatchReport;
use crate::seams::Parked;
use crate::work::commit::{Committed, commit};
use crate::work::connections::call_all;
use crate::work::decide::plan_all;
use crate::work::fate::MessageFate;
use crate::work::job::{Job, Stage};
use crate::work::lookup::look_up;
use crate::work::note::note;
use crate::work::notify::notify;
use crate::work::tally::tally;
use crate::work::waves;
use rtr_core::code::Code;
use rtr_core::config::OrgConfig;
use rtr_core::item::{Body, Ended};
use rtr_core::key::PairKey;
use rtr_core::lane::Lane;
use rtr_core::metric::Metric;
use rtr_core::settle::{Ending, Put};
use rtr_core::time::Instant;
use std::sync::Arc;

/// Bodies kept outside the table that a worker holds at once: each may be as large as a message, and a worker that dies of
/// a full memory dies of no record that could be named.
const LARGE_AT_ONCE: usize = 20;

/// How a chunk went.
pub(super) enum Drain {
    /// The connection cannot go on until then.
    Stopped {
        /// When it may again.
        until: Instant,
        /// Why.
        code: Code,
        /// Whether anything has ended all the same.
        ended: bool,
        /// Whether it was refused what it asked for, and not only told to ask later.
        refused: bool,
    },
    /// Nobody may call for anything of the connection before.
    Held(Instant),
    /// It was worked; false when nothing came of it: the index shows what is not parked any more, or not for us.
    Worked(bool),
}

/// Works the versions of `chunk` that are still parked. A chunk is of live work or of what a `backfill` brought: what the
/// index shows as live yet has been replaced by a backfill is left to the chunks of that.
pub(super) async fn drain(
    lane: &Work<'_>,
    taken: &Lane,
    config: &Arc<OrgConfig>,
    chunk: &[Parked],
    backfill: bool,
    report: &mut BatchReport,
) -> Drain {
    let (seams, received) = (lane.seams, lane.received);
    let keys: Vec<PairKey> = chunk.iter().map(|one| one.key.clone()).collect();
    let named = match seams.records.read_named(&keys).await {
        Ok(named) => named,
        Err(error) => {
            tracing::warn!(event = "lane", org_id = lane.connection.org_id, connection = lane.connection.connection, message = %error);
            let (until, code) = soon(seams.clock.now());
            return Drain::Stopped { until, code, ended: false, refused: true };
        }
    };
    let mut named = named;
    // A table answers in an order of its own.
    named.sort_by_key(|one| one.item.slot.as_ref().map(|slot| slot.not_before));
    if let Some(first) = named.first().and_then(|one| one.item.slot.as_ref()) {
        measure(lane, config, first, report).await;
    }
    let wary = taken.runs > 1;
    let by = lane.by();
    let (mut jobs, mut drops, mut orphans) = (Vec::new(), Vec::new(), Vec::new());
    // Why the orphans are that: the connection or a mapping is gone.
    let mut without: Option<Code> = None;
    let mut large = 0;
    for one in named {
        // Its slot may have gone or be put off since the index was written.
        let Some(slot) = one.item.slot.clone().filter(|slot| slot.not_before <= by) else { continue };
        if slot.state.lane() != rtr_core::item::Lane::Bulk || (slot.backfill && !backfill) {
            continue;
        }
        if let Some(ending) = dropped(&slot) {
            drops.push((one, ending));
            continue;
        }
        // What is too much for now is due still, and shown again.
        large += usize::from(matches!(slot.body, Body::Stored(_)));
        if large > LARGE_AT_ONCE && matches!(slot.body, Body::Stored(_)) {
            continue;
        }
        match job(&one, lane.connection, config, received, wary) {
            Ok(job) => jobs.extend(job),
            Err(reason) => {
                without = Some(reason.code);
                orphans.push((one, orphaned(&slot, &reason)));
            }
        }
    }
    let dropped = end(seams, &received.message_id, drops).await;
    let dead = end(seams, &received.message_id, orphans).await;
    report.count(Metric::Dropped, dropped.written);
    report.count(Metric::Dead, dead.written);
    load(seams, &mut jobs).await;
    while waves::next(&mut jobs) {
        look_up(seams, lane.settings, lane.caches, &mut jobs, lane.deadline, report).await;
        plan_all(seams, &mut jobs, report).await;
        call_all(seams, lane.settings, lane.caches, &mut jobs, wary, lane.deadline, report).await;
        waves::look_again(&mut jobs);
    }
    let PutOff { mut stopped, some: some_put, held } = put_off(lane, &mut jobs, report).await;
    if dropped.failed || dead.failed {
        stopped = later(stopped, soon(seams.clock.now()));
    }
    notify(seams, lane.settings, &jobs, report).await;
    let mut ended = dropped.written + dead.written > 0;
    let mut raised = Dead::default();
    if let Some(code) = without.filter(|_| dead.written > 0) {
        let of = lane.connection;
        raised.note_all(&of.org_id, Some(&of.connection), None, code, dead.written);
    }
    for job in &jobs {
        raised.note_job(job);
        let Stage::Ended(how, _) = &job.stage else { continue };
        note(job, seams.clock.now(), report);
        ended |= *how != Ended::Superseded;
    }
    tally(seams, &jobs, &[]).await;
    raised.raise(seams).await;
    let refuses = |job: &Job| matches!(&job.stage, Stage::Returned(_, reason) if !matches!(reason.code, Code::Throttled | Code::Resting));
    let refused = jobs.iter().any(refuses);
    if let Some(until) = held {
        return Drain::Held(until);
    }
    stopped.map_or(Drain::Worked(ended || some_put), |(until, code)| Drain::Stopped {
        until,
        code,
        ended,
        refused,
    })
}

/// What became of what could not go.
struct PutOff {
    /// Until when the connection as a whole cannot go on, and why.
    stopped: Option<(Instant, Code)>,
    /// Whether anything was put off by itself.
    some: bool,
    /// Until when nobody may call for anything: a hold could not be written.
    held: Option<Instant>,
}

/// Writes how long what could not go stays parked; what stopped the connection as a whole is left as it is. The lane knows as of anything that is parked: the index may not show it, when
/// the lane is looked at next.
async fn put_off(lane: &Work<'_>, jobs: &mut [Job], report: &mut BatchReport) -> PutOff {
    let seams = lane.seams;
    let now = seams.clock.now();
    let (mut stopped, mut held, mut first, mut work) = (None, None::<Instant>, None, Vec::new());
    for job in jobs.iter_mut() {
        let Stage::Returned(fate, reason) = &job.stage else { continue };
        let holds = holds(fate, reason);
        held = held.max(holds);
        let stops = stops(fate, reason, now);
        if let Some(until) = stops {
            stopped = later(stopped, (until, reason.code));
        }
        if holds.or(stops).is_some() {
            // What was announced ended in order.
            if job.item.crashes > 0 {
                work.push((job, Ending::Returned));
            }
            continue;
        }
        report.count(Metric::PutOff, 1);
        let (MessageFate::Return(until) | MessageFate::Hold(until)) = *fate else { continue };
        first = Some(first.map_or(until, |held: Instant| held.min(until)));
        // What is held is written already, with the hash gone.
        if matches!(fate, MessageFate::Return(_)) {
            let put = Put { until, reason: reason.clone(), uncertain: false, attempts: job.attempts() };
            work.push((job, Ending::Put(put)));
        }
    }
    if let Some(at) = first
        && let Err(error) = seams.limits.want_lane(lane.connection, at).await
    {
        tracing::warn!(event = "lane", org_id = lane.connection.org_id, connection = lane.connection.connection, message = %error);
        stopped = later(stopped, (at, Code::StateUnavailable));
    }
    if !work.is_empty() {
        let answers = commit(seams, work).await;
        if answers.iter().any(|answer| matches!(answer, Committed::Failed(_))) {
            stopped = later(stopped, soon(now));
        }
    }
    PutOff { stopped, some: first.is_some(), held }
}

/// When a table that took no write is tried again: what it did not take is due still.
fn soon(now: Instant) -> (Instant, Code) {
    (now.plus_ms(SOON_MS), Code::StateUnavailable)
}

/// What stops the lane longer.
fn later(stopped: Option<(Instant, Code)>, by: (Instant, Code)) -> Option<(Instant, Code)> {
    Some(stopped.filter(|held| held.0 >= by.0).unwrap_or(by))
}
