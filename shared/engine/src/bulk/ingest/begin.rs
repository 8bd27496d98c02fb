//! Begins a job: made, noted, its records put off, filled, started. In this order: until the last step it does nothing, and
//! before the last step everything is written down.

use super::gather::{Candidate, Gathered};
use super::note::{Entry, Note};
use super::release::release_all;
use super::{Begun, CHUNK, HELD_MS};
use crate::bulk::rest::Rest;
use crate::bulk::{SOON_MS, Work};
use crate::seams::{Named, Write, Wrote};
use crate::work::connections::Deed;
use async_trait::async_trait;
use rtr_connectors::ingest::{Ingest, Row, Target};
use rtr_connectors::session::Session;
use rtr_core::code::Code;
use rtr_core::digest;
use rtr_core::item::{Lane as Whose, Reason, SlotState};
use rtr_core::lane::Lane;
use rtr_core::sent::Sent;
use rtr_core::settle::{Attempt, Decision, Ending, Put, settle};
use rtr_core::time::Instant;
use std::collections::HashMap;

/// A job that is being begun.
pub(super) struct Beginning<'a> {
    lane: &'a Work<'a>,
    taken: &'a Lane,
    ingest: &'a dyn Ingest,
    target: Target,
    candidates: Vec<Candidate>,
    begun: Begun,
    rows: usize,
}

impl<'a> Beginning<'a> {
    pub(super) fn new(
        lane: &'a Work<'a>,
        taken: &'a Lane,
        ingest: &'a dyn Ingest,
        gathered: Gathered,
    ) -> Self {
        let Gathered { target, candidates } = gathered;
        Self { lane, taken, ingest, target, candidates, begun: Begun::No, rows: 0 }
    }

    /// How it ended, and with how many rows.
    pub(super) fn end(self) -> (Begun, usize) {
        (self.begun, self.rows)
    }

    async fn begin(&mut self, session: &Session<'_>) -> Begun {
        let (seams, lane) = (self.lane.seams, self.lane);
        let warn = |message: &str| {
            tracing::warn!(
                event = "job",
                org_id = lane.connection.org_id,
                connection = lane.connection.connection,
                message
            );
        };
        let id = match self.ingest.open(session, &self.target).await {
            Ok(id) => id,
            // The calls that are made instead find out what is the matter.
            Err(failure) => {
                warn(&failure.to_string());
                return Begun::No;
            }
        };
        let soon = || Begun::Stopped(Rest::Until(seams.clock.now().plus_ms(SOON_MS), Code::StateUnavailable));
        let (now, nonce) = (seams.clock.now(), seams.clock.nonce());
        let list = format!("jobs/{}/{nonce}", digest::hex(lane.connection.key().as_bytes()));
        let entries: Vec<&Entry> = self.candidates.iter().map(|one| &one.entry).collect();
        let bytes = serde_json::to_vec(&entries).unwrap_or_default();
        let held = now.plus_ms(HELD_MS);
        let Some(note) = Note::new(id, &self.target, list, held, now) else { return Begun::No };
        if let Err(error) = seams.records.put_body(&note.list, &bytes).await {
            warn(&error.0);
            let _ = self.ingest.abort(session, &note.id).await;
            return soon();
        }
        match seams.limits.note_lane(lane.connection, self.taken, Some(&note.to_text())).await {
            Ok(true) => {}
            // Whoever has the lane now has not heard of this job, which was never started and nobody else would tidy away.
            Ok(false) => {
                let _ = self.ingest.abort(session, &note.id).await;
                let _ = seams.records.delete_body(&note.list).await;
                return soon();
            }
            Err(error) => {
                warn(&error.0);
                return soon();
            }
        }
        let rows = self.put_off(note.held).await;
        if rows.is_empty() {
            return self.give_up(session, &note).await;
        }
        if let Err(failure) = self.ingest.fill(session, &note.id, &rows).await {
            warn(&failure.to_string());
            return self.give_up(session, &note).await;
        }
        self.rows = rows.len();
        // Whatever the answer: whoever looks at the job next sees whether it runs.
        if let Err(failure) = self.ingest.start(session, &note.id).await {
            warn(&failure.to_string());
        }
        Begun::Yes
    }

    /// Puts the candidates' slots off; the rows of those that were. A version that was replaced meanwhile is not the job's,
    /// and of one whose write nobody answered for nobody knows: its slot is let go with the others.
    async fn put_off(&mut self, held: Instant) -> Vec<Row> {
        let (seams, lane) = (self.lane.seams, self.lane);
        let enough_ms = lane.deadline.since_ms(seams.clock.now()) / 2;
        let mut rows = Vec::new();
        let mut left = std::mem::take(&mut self.candidates).into_iter();
        loop {
            let chunk: Vec<Candidate> = left.by_ref().take(CHUNK).collect();
            if chunk.is_empty() || lane.deadline.since_ms(seams.clock.now()) < enough_ms {
                return rows;
            }
            let keys: Vec<_> = chunk.iter().map(|one| one.entry.key()).collect();
            let Ok(named) = seams.records.read_named(&keys).await else { continue };
            let mut named: HashMap<_, Named> = named.into_iter().map(|one| (one.key.clone(), one)).collect();
            let (mut writes, mut written) = (Vec::new(), Vec::new());
            for candidate in chunk {
                let Some(one) = named.remove(&candidate.entry.key()) else { continue };
                if let Some(write) = self.put(one, &candidate.entry, held) {
                    writes.push(write);
                    written.push(candidate.row);
                }
            }
            if writes.is_empty() {
                continue;
            }
            let wrote = seams.records.write(&writes).await;
            let done = written.into_iter().zip(wrote).filter(|(_, wrote)| *wrote == Wrote::Done);
            rows.extend(done.map(|(row, _)| row));
        }
    }

    fn put(&self, one: Named, entry: &Entry, held: Instant) -> Option<Write> {
        let Named { key, names, item: old } = one;
        let slot = old.slot.as_ref()?;
        // What came meanwhile, or is not due any more, is not what was planned.
        let same = slot.state == SlotState::Parked
            && slot.wanted_version == entry.version
            && slot.mapping_revision <= entry.revision
            && slot.not_before <= self.lane.by();
        if !same {
            return None;
        }
        let put = Put {
            until: held,
            reason: Reason::new(Code::InJob, "a bulk job of the CRM has the record"),
            uncertain: false,
            attempts: slot.attempts.saturating_add(1),
        };
        let attempt = attempt(self.lane, entry);
        match settle(&old, &attempt, &Ending::Put(put), self.lane.seams.clock.now()) {
            Decision::Write(new) => Some(Write { key, names, old, new: *new }),
            _ => None,
        }
    }

    /// Stops a job that was never started, and lets its records go. Where it cannot be stopped now, the next worker does it.
    async fn give_up(&self, session: &Session<'_>, note: &Note) -> Begun {
        if self.ingest.abort(session, &note.id).await.is_err() {
            return Begun::Yes;
        }
        let seams = self.lane.seams;
        let at = seams.clock.now().plus_ms(SOON_MS);
        let soon = Begun::Stopped(Rest::Until(at, Code::StateUnavailable));
        if release_all(self.lane, note, seams.clock.now()).await.is_err() {
            return soon;
        }
        match seams.limits.note_lane(self.lane.connection, self.taken, None).await {
            Ok(true) => {
                let _ = seams.records.delete_body(&note.list).await;
                Begun::No
            }
            _ => soon,
        }
    }
}

/// Whose hand a row's endings are.
pub(super) fn attempt(lane: &Work<'_>, entry: &Entry) -> Attempt {
    Attempt {
        trace: None,
        lane: Whose::Bulk,
        version: entry.version,
        mapping_revision: entry.revision,
        by: lane.received.message_id.clone(),
        again: true,
        backfill: false,
        rewrite: false,
        occurred_at: None,
        sent: Sent::default(),
    }
}

#[async_trait]
impl Deed for Beginning<'_> {
    async fn with(&mut self, session: &Session<'_>) {
        self.begun = self.begin(session).await;
    }
}
