//! Follows a job up that a worker left a note of: looks how far it is, stops it when it must not go on, and settles its rows
//! when it has ended.

use super::note::Note;
use super::settling::{Settled, settle_job};
use super::{FIRST_LOOK_MS, LONGEST_LOOK_MS, MOST_MS, jobs_of};
use crate::bulk::{SOON_MS, STOPPED_MS, Work, is_stopped};
use crate::report::BatchReport;
use crate::work::connections::{Deed, Door, over};
use async_trait::async_trait;
use rtr_connectors::ingest::{Ingest, State};
use rtr_connectors::session::Session;
use rtr_core::config::OrgConfig;
use rtr_core::failure::{Class, Failure};
use rtr_core::item::Lane as Whose;
use rtr_core::lane::Lane;
use rtr_core::limit::Traffic;
use rtr_core::time::Instant;
use std::sync::Arc;

/// How a job stands.
#[derive(Debug)]
pub(super) enum Watched {
    /// There is none any more.
    Over,
    /// It is to be looked at then. Other work may go on.
    Pending(Instant),
    /// It is to be looked at then, and nothing may be called before.
    Stopped(Instant),
}

/// Follows up the job of `note`.
pub(super) async fn watch(lane: &Work<'_>, taken: &Lane, note: &str, report: &mut BatchReport) -> Watched {
    let seams = lane.seams;
    let now = seams.clock.now();
    let Some(note) = Note::from_text(note) else {
        tracing::error!(
            event = "job",
            org_id = lane.connection.org_id,
            connection = lane.connection.connection,
            "a note of a job cannot be read"
        );
        return clear(lane, taken, None).await;
    };
    // Once its records are due again by themselves, nothing may be called before it is known what became of the job.
    let overdue = lane.deadline.plus_ms(LONGEST_LOOK_MS) >= note.held;
    let pending = |at: Instant| if overdue { Watched::Stopped(at) } else { Watched::Pending(at) };
    let mut config = seams.configs.org(&lane.connection.org_id).await;
    // Whoever let the connection go on wants that seen now, not when a memory of the stop has expired.
    if config.as_ref().is_ok_and(|config| is_stopped(config, lane.connection)) {
        config = seams.configs.org_anew(&lane.connection.org_id).await;
    }
    let Ok(config) = config else { return pending(now.plus_ms(SOON_MS)) };
    if is_stopped(&config, lane.connection) {
        return pending(now.plus_ms(STOPPED_MS));
    }
    if let Some(own) = config.connections.get(&lane.connection.connection) {
        lane.caches.credentials.look_anew_if_refused(&own.secret);
    }
    let Some((connector, ingest)) = jobs_of(lane, &config) else {
        // The connection leads elsewhere now: nobody can ask.
        return if now >= note.held { clear(lane, taken, Some(&note)).await } else { pending(note.held) };
    };
    let (connection, traffic) = (lane.connection, Traffic::Live);
    let door = Door { config: &config, connection, connector, lane: Whose::Bulk, traffic };
    let counts = BatchReport::default();
    let mut watching =
        Watching { lane, config: &config, ingest, note: &note, found: Found::Later(None), counts };
    let Work { seams, settings, caches, deadline, .. } = *lane;
    over(seams, settings, caches, &door, deadline, &mut watching, report).await;
    let Watching { found, counts, .. } = watching;
    report.add(counts);
    let now = seams.clock.now();
    match found {
        Found::Settled => clear(lane, taken, Some(&note)).await,
        Found::Later(until) => pending(until.unwrap_or(now).max(now.plus_ms(pause_ms(&note, now)))),
        Found::Unfinished => Watched::Stopped(now.plus_ms(SOON_MS)),
        Found::OutOfTime => Watched::Stopped(now),
    }
}

/// Takes the note away, and with it the list that it names.
async fn clear(lane: &Work<'_>, taken: &Lane, note: Option<&Note>) -> Watched {
    let seams = lane.seams;
    match seams.limits.note_lane(lane.connection, taken, None).await {
        Ok(true) => {
            if let Some(note) = note {
                let _ = seams.records.delete_body(&note.list).await;
            }
            Watched::Over
        }
        _ => Watched::Stopped(seams.clock.now().plus_ms(SOON_MS)),
    }
}

/// A quarter of its age: a job of minutes is heard of in time, and one of an hour costs few calls.
fn pause_ms(note: &Note, now: Instant) -> i64 {
    (now.since_ms(note.made_at) / 4).clamp(FIRST_LOOK_MS, LONGEST_LOOK_MS)
}

/// What a look found.
enum Found {
    /// It has ended, and every row is settled.
    Settled,
    /// It has not, as far as is known; when to ask, if the CRM said so.
    Later(Option<Instant>),
    /// It has ended, and something could not be written.
    Unfinished,
    /// It has ended, and there was no time for all.
    OutOfTime,
}

struct Watching<'a> {
    lane: &'a Work<'a>,
    config: &'a Arc<OrgConfig>,
    ingest: &'a dyn Ingest,
    note: &'a Note,
    found: Found,
    counts: BatchReport,
}

#[async_trait]
impl Deed for Watching<'_> {
    async fn with(&mut self, session: &Session<'_>) {
        self.found = self.look(session).await;
    }
}

impl Watching<'_> {
    async fn look(&mut self, session: &Session<'_>) -> Found {
        let (note, clock) = (self.note, self.lane.seams.clock);
        let mut state = self.ingest.state(session, &note.id).await;
        let late = clock.now().since_ms(note.made_at) >= MOST_MS;
        // Its worker died before it started it, or the start never came: it might yet, and must not.
        if matches!(state, Ok(State::Open)) || (late && matches!(state, Ok(State::Running))) {
            if let Err(failure) = self.ingest.abort(session, &note.id).await {
                tracing::warn!(event = "job", org_id = self.lane.connection.org_id, connection = self.lane.connection.connection, message = %failure);
            }
            state = self.ingest.state(session, &note.id).await;
        }
        let overdue = clock.now() >= note.held;
        let state = match state {
            Ok(State::Open | State::Running) => return Found::Later(None),
            Ok(state) => Some(state),
            // It cannot be asked for any more: of another user's, or gone. Its records are let go when their time has come.
            Err(failure) if is_final(&failure) && overdue => None,
            Err(failure) => {
                tracing::warn!(event = "job", org_id = self.lane.connection.org_id, connection = self.lane.connection.connection, message = %failure);
                return Found::Later(until(&failure));
            }
        };
        match settle_job(self.lane, self.config, self.ingest, session, note, state, &mut self.counts).await {
            Settled::All => Found::Settled,
            Settled::OutOfTime => Found::OutOfTime,
            Settled::NotWritten => Found::Unfinished,
            Settled::NotTold(until) => Found::Later(until),
        }
    }
}

/// When the CRM takes calls again, where it said so.
pub(super) fn until(failure: &Failure) -> Option<Instant> {
    match failure.class {
        Class::Throttled { until } => until,
        Class::Resting { until } => Some(until),
        _ => None,
    }
}

/// Whether asking again would not help.
pub(super) fn is_final(failure: &Failure) -> bool {
    matches!(
        failure.class,
        Class::Missing
            | Class::Moved { .. }
            | Class::Forbidden
            | Class::Refused
            | Class::HostRefused
            | Class::Invalid { .. }
            | Class::Duplicate { .. }
            | Class::BatchRefused
            | Class::TooLarge
    )
}
