//! What backfills brought of a connection's parked work: one chunk at a time, and only while nothing live is due.
//!
//! A backfill has a share of the connection's tokens, so it rests while live work need not. It rests in short steps, between
//! which the lane looks for what is live.

use super::drain::{Drain, drain};
use super::ingest::{Begun, Ingesting};
use super::rest::Rest;
use super::{LOOK_AT, SOON_MS, STOPPED_MS, Tries, Work};
use crate::report::BatchReport;
use crate::seams::Parked;
use rtr_core::code::Code;
use rtr_core::config::OrgConfig;
use rtr_core::lane::Lane;
use rtr_core::limit::Traffic;
use rtr_core::time::Instant;
use std::collections::VecDeque;
use std::sync::Arc;

/// The longest that a resting backfill keeps the lane from looking for live work, in milliseconds.
const STEP_MS: i64 = 1_000;

/// How far a worker is with it.
#[derive(Debug, Default)]
pub(super) struct Backfill {
    /// What the last look showed and is not worked yet.
    shown: VecDeque<Parked>,
    /// Whether anything that the last look showed was still parked; none before the first.
    worked: Option<bool>,
    /// Whether a chunk was worked at all.
    begun: bool,
    /// It cannot go on before.
    rests_until: Instant,
}

impl Backfill {
    #[allow(clippy::too_many_arguments)] // what a worker has to do with, and where it stands
    /// Works the next chunk, of `size` at most, or rests for a moment; why the worker ends, if it does. `live` is the first
    /// that the index shows of live work, which is not due or not there any more.
    pub(super) async fn step(
        &mut self,
        lane: &Work<'_>,
        taken: &Lane,
        config: &Arc<OrgConfig>,
        size: usize,
        live: Option<&Parked>,
        jobs: &mut Ingesting,
        tries: &mut Tries,
        report: &mut BatchReport,
    ) -> Option<Rest> {
        let clock = lane.seams.clock;
        // This baton's time is over for what came since: the next baton's is not, and it goes first.
        if self.begun && live.is_some_and(|one| lane.by() < one.not_before && one.not_before <= clock.now()) {
            return Some(Rest::Until(clock.now(), Code::OutOfTime));
        }
        if self.shown.is_empty() {
            let Some((due, later)) =
                lane.split(lane.seams.records.backfilled(lane.connection, LOOK_AT).await)
            else {
                return Some(Rest::Until(clock.now().plus_ms(SOON_MS), Code::StateUnavailable));
            };
            if due.is_empty() {
                let next = live.into_iter().chain(&later).map(|one| one.not_before).min();
                return Some(Rest::Empty { next });
            }
            // The index still shows what is drained already.
            if self.worked.replace(false) == Some(false) {
                return Some(Rest::Until(clock.now().plus_ms(SOON_MS), Code::NotVisibleYet));
            }
            match jobs.begin(lane, taken, config, Traffic::Backfill, due.len(), report).await {
                Begun::No => self.shown = due.into(),
                Begun::Yes => {
                    self.worked = Some(true);
                    return None;
                }
                Begun::Stopped(rest) => return Some(rest),
            }
        }
        if lane.deadline.since_ms(clock.now()) < lane.least_chunk_ms() {
            return Some(lane.out_of_time(self.begun));
        }
        let rest_ms = self.rests_until.since_ms(clock.now());
        if rest_ms > 0 {
            clock.sleep_ms(rest_ms.min(STEP_MS)).await;
            return None;
        }
        if let Some(code) = lane.was_stopped().await {
            return Some(Rest::Until(clock.now().plus_ms(STOPPED_MS), code));
        }
        let chunk: Vec<Parked> = self.shown.drain(..size.min(self.shown.len())).collect();
        self.begun = true;
        match drain(lane, taken, config, &chunk, true, report).await {
            Drain::Stopped { until, code, ended, refused } => {
                if tries.end(lane, until, ended, refused, report) {
                    return Some(Rest::Until(until, code));
                }
                // The rest of what was shown is looked at anew.
                self.shown.clear();
                self.worked = Some(true);
                self.rests_until = until;
            }
            Drain::Held(until) => return Some(Rest::Held(until)),
            Drain::Worked(any) => self.worked = Some(self.worked == Some(true) || any),
        }
        None
    }
}
