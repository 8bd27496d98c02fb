//! Settles the rows of a job that has ended: each as a call's result is settled, but for what has to be looked into, which
//! goes by a call of its own.
//!
//! Settling twice does what settling once does. What is not told of is not guessed: it is let go with its hash gone, as after
//! any answer that was lost.

use super::CHUNK;
use super::note::{Entry, Note};
use super::release::{again, entries, is_held, read, release};
use super::watch::{is_final, until};
use crate::bulk::Work;
use crate::bulk::jobs::job;
use crate::notices::Dead;
use crate::report::BatchReport;
use crate::seams::{Named, Unavailable};
use crate::work::commit::{Certainty, filing, finish};
use crate::work::fate::MessageFate;
use crate::work::job::{Job, Stage};
use crate::work::note::note as tell;
use crate::work::notify::notify;
use crate::work::treat::{Treatment, treat, waiting};
use rtr_connectors::connector::{Kind, Outcome};
use rtr_connectors::ingest::{Fate, Ingest, Part, State, Target};
use rtr_connectors::session::Session;
use rtr_core::change::Operation;
use rtr_core::config::OrgConfig;
use rtr_core::failure::Failure;
use rtr_core::item::{Ended, Reason, Slot, SlotState};
use rtr_core::key::PairKey;
use rtr_core::marks::Marks;
use rtr_core::metric::Metric;
use rtr_core::payload::Payload;
use rtr_core::plan::{First, Go, above_fence};
use rtr_core::settle::{Applied, Ending, Link, Put};
use rtr_core::time::Instant;
use std::sync::Arc;

/// How far the settling came.
pub(super) enum Settled {
    /// Every row is settled.
    All,
    /// The CRM has not told of all; when to ask again, if it said so.
    NotTold(Option<Instant>),
    /// The store did not answer.
    NotWritten,
    /// There was no time left for all.
    OutOfTime,
}

/// What is known of one row.
enum Told {
    /// The CRM worked it.
    Worked(Outcome),
    /// It may go again, at once or once the job's last requests have landed or died.
    Again(Put),
}

/// Settles every row of the job of `note`, which ended as `state`; nobody can say how with none.
pub(super) async fn settle_job(
    lane: &Work<'_>,
    config: &Arc<OrgConfig>,
    ingest: &dyn Ingest,
    session: &Session<'_>,
    note: &Note,
    state: Option<State>,
    report: &mut BatchReport,
) -> Settled {
    let clock = lane.seams.clock;
    let mut left = match entries(lane, note).await {
        Ok(entries) => entries,
        Err(_) => return Settled::NotWritten,
    };
    let settling = Settling { lane, config, note, target: note.target() };
    let parts: &[Part] = match state {
        None => &[],
        Some(State::Complete) => &[Part::Done, Part::Refused],
        Some(_) => &Part::ALL,
    };
    for part in parts {
        let fates = match ingest.results(session, &note.id, &settling.target, *part).await {
            Ok(fates) => fates,
            // Kept for seven days, and read late: nobody will ever know.
            Err(failure) if is_final(&failure) || clock.now() >= note.held => {
                tracing::warn!(event = "job", org_id = lane.connection.org_id, connection = lane.connection.connection, message = %failure);
                continue;
            }
            Err(failure) => return Settled::NotTold(until(&failure)),
        };
        let told = fates.into_iter().filter_map(|(id, fate)| {
            let told = match fate {
                Fate::Worked(outcome) => Told::Worked(outcome),
                Fate::Untouched => Told::Again(again(lane, state, clock.now(), false)),
            };
            Some((left.remove(&id)?, told))
        });
        let told: Vec<(Entry, Told)> = told.collect();
        if let Some(end) = settling.in_chunks(told, report).await {
            return end;
        }
    }
    let unknown = left.into_values().map(|entry| (entry, Told::Again(again(lane, state, clock.now(), true))));
    let unknown: Vec<(Entry, Told)> = unknown.collect();
    match settling.in_chunks(unknown, report).await {
        Some(end) => end,
        None => {
            report.count(Metric::JobsEnded, 1);
            Settled::All
        }
    }
}

struct Settling<'a> {
    lane: &'a Work<'a>,
    config: &'a Arc<OrgConfig>,
    note: &'a Note,
    target: Target,
}

impl Settling<'_> {
    async fn in_chunks(&self, told: Vec<(Entry, Told)>, report: &mut BatchReport) -> Option<Settled> {
        let (clock, mut left) = (self.lane.seams.clock, told.into_iter());
        loop {
            let chunk: Vec<(Entry, Told)> = left.by_ref().take(CHUNK).collect();
            if chunk.is_empty() {
                return None;
            }
            if self.lane.deadline.since_ms(clock.now()) < self.lane.least_chunk_ms() / 2 {
                return Some(Settled::OutOfTime);
            }
            if self.chunk(chunk, report).await.is_err() {
                return Some(Settled::NotWritten);
            }
        }
    }

    async fn chunk(&self, chunk: Vec<(Entry, Told)>, report: &mut BatchReport) -> Result<(), Unavailable> {
        let (lane, held) = (self.lane, self.note.held);
        let keys: Vec<PairKey> = chunk.iter().map(|(entry, _)| entry.key()).collect();
        let mut named = read(lane, &keys).await?;
        let (mut ends, mut releases) = (Vec::new(), Vec::new());
        for (entry, told) in chunk {
            let Some(one) = named.remove(&entry.key()) else { continue };
            let Some(slot) = one.item.slot.clone().filter(|slot| is_held(slot, held)) else { continue };
            // Told to the CRM, and written here already, by a worker that did not come to the end of this.
            let told_before = !above_fence(&one.item, entry.version, entry.revision);
            match told {
                Told::Worked(_) if told_before => {
                    releases.push((
                        one,
                        entry,
                        again(lane, Some(State::Complete), lane.seams.clock.now(), false),
                    ));
                }
                Told::Worked(outcome) => match self.job(&one, &entry) {
                    Ok(job) => match self.ending(&job, &slot, &entry, outcome).await {
                        Judged::Ends(ending, ended, reason) => {
                            ends.push((one, entry, job, ending, ended, reason))
                        }
                        Judged::Again(put) => releases.push((one, entry, put)),
                        Judged::NotStored(why) => return Err(Unavailable(why)),
                    },
                    // Its mapping is gone or another: whoever takes it up sees to it.
                    Err(_) => {
                        let now = lane.seams.clock.now();
                        releases.push((one, entry, again(lane, Some(State::Complete), now, true)));
                    }
                },
                Told::Again(put) => {
                    let attempts = slot.attempts;
                    releases.push((one, entry, Put { attempts, ..put }));
                }
            }
        }
        report.count(Metric::JobRowsAgain, releases.len() as u64);
        let mut jobs = Vec::with_capacity(ends.len());
        let mut work = Vec::with_capacity(ends.len());
        let mut of = Vec::with_capacity(ends.len());
        for (one, entry, job, ending, ended, reason) in ends {
            jobs.push(job);
            work.push((ending, ended, reason));
            of.push((one, entry));
        }
        let pairs =
            jobs.iter_mut().zip(work).map(|(job, (ending, ended, reason))| (job, ending, ended, reason));
        finish(lane.seams, pairs.collect()).await;
        notify(lane.seams, lane.settings, &jobs, report).await;
        let (mut failed, mut dead) = (None, Dead::default());
        for (job, (one, entry)) in jobs.iter().zip(of) {
            tell(job, lane.seams.clock.now(), report);
            dead.note_job(job);
            match &job.stage {
                Stage::Returned(MessageFate::ReturnAsIs, reason) => failed = Some(reason.message.clone()),
                // A newer version took its place meanwhile: it is due now.
                _ if job.item.slot.as_ref().is_some_and(|slot| is_held(slot, held)) => {
                    let now = lane.seams.clock.now();
                    let one = Named { item: job.item.clone(), ..one };
                    releases.push((one, entry, again(lane, Some(State::Complete), now, false)));
                }
                _ => {}
            }
        }
        dead.raise(lane.seams).await;
        release(lane, self.note, releases).await?;
        failed.map_or(Ok(()), |why| Err(Unavailable(why)))
    }

    /// The job of a row, as it was planned.
    fn job(&self, one: &Named, entry: &Entry) -> Result<Job, ()> {
        let lane = self.lane;
        let made = job(one, lane.connection, self.config, lane.received, false);
        let mut job = made.ok().flatten().ok_or(())?;
        job.version = entry.version;
        job.operation = if entry.deleted { Operation::Deleted } else { Operation::Upsert };
        // Deployed meanwhile: what it was planned under is not known any more, and saying it again does no harm.
        if job.setup.mapping.revision != entry.revision {
            return Err(());
        }
        let first = match &self.target.kind {
            Kind::Upsert { property } => {
                First::Upsert { property: property.clone(), value: entry.id.clone() }
            }
            Kind::Archive | Kind::Erase => First::Remove { external_id: entry.id.clone(), erase: false },
            Kind::Update | Kind::Create => First::Update { external_id: entry.id.clone() },
        };
        job.stage = Stage::Going(Box::new(Go {
            first,
            deleted: entry.deleted,
            payload: Payload::default(),
            hash: entry.hash.clone(),
            base: Marks::from_bytes(&entry.base),
            open: None,
        }));
        Ok(job)
    }

    async fn ending(&self, job: &Job, slot: &Slot, entry: &Entry, outcome: Outcome) -> Judged {
        match outcome {
            Ok(written) => {
                let removed = matches!(self.target.kind, Kind::Archive | Kind::Erase);
                let link = Link { object: self.target.object.clone(), external_id: written.external_id };
                let applied = Applied {
                    hash: Some(entry.hash.clone()),
                    base: Marks::from_bytes(&entry.base),
                    link: (!removed).then_some(link),
                    code: None,
                    open: None,
                    told: true,
                };
                Judged::Ends(Ending::Applied(applied), Ended::Applied, None)
            }
            Err(failure) => self.refused(job, slot, &failure).await,
        }
    }

    /// What is wrong with the record's own values is said as ever. Everything else is found out anew by a call of its own:
    /// a link that leads nowhere, a duplicate, a lock, something that it refers to and that may have changed meanwhile.
    async fn refused(&self, job: &Job, slot: &Slot, failure: &Failure) -> Judged {
        let now = self.lane.seams.clock.now();
        let put = |until, uncertain| {
            Judged::Again(Put { until, reason: waiting(failure), uncertain, attempts: slot.attempts })
        };
        let refers = job.setup.mapping.mapping.referenced_types().next().is_some();
        let still_wanted = slot.state == SlotState::Parked && slot.wanted_version == job.version;
        match treat(job, failure, now) {
            Treatment::Hold(until) => put(until, true),
            Treatment::Return(until) => put(until, false),
            Treatment::Dead(reason) if still_wanted && !refers => {
                match filing(self.lane.seams, job, reason.clone(), Certainty::NotCalled).await {
                    Ok(filed) => Judged::Ends(Ending::Dead(Box::new(filed)), Ended::Dead, Some(reason)),
                    Err(why) => Judged::NotStored(why),
                }
            }
            _ => put(now, false),
        }
    }
}

enum Judged {
    Ends(Ending, Ended, Option<Reason>),
    Again(Put),
    NotStored(String),
}
