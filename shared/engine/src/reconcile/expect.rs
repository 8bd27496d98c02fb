//! What should be at the CRM: the records as the sync flow would plan them, were nothing known of them there.
//!
//! References are those that are linked now, look-ups are asked for as the flow asks for them, and the plan is its own: there is no
//! second way to say what a record means. Items are read once for all, and written nowhere.

use super::{Reconciliation, Stopped, patience};
use crate::rehearsal::State;
use crate::report::BatchReport;
use crate::seams::{Outbound, Queue, QueueName, Seams, Unavailable};
use crate::work::fate::MessageFate;
use crate::work::job::{Job, Setup, Stage};
use crate::work::lookup::look_up;
use crate::work::prepare::{decide, load, map};
use async_trait::async_trait;
use rtr_core::change::Change;
use rtr_core::code::Code;
use rtr_core::item::{Item, Lane, Reason};
use rtr_core::key::PairKey;
use rtr_core::payload::{Payload, Resolved};
use rtr_core::plan::{Action, First, LookBy};
use rtr_core::time::Instant;
use rtr_core::trail::Trail;
use serde_json::Value;

/// Times in a row that a look-up is asked for.
const TRIES: u32 = 8;

/// What should be of one record.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expected {
    /// The mapping does not say.
    Nothing,
    /// No record.
    Absent,
    /// These fields, if there is a record.
    Left(Payload),
    /// A record with these fields.
    Holding(Payload),
    /// It cannot be said.
    Unsaid(Reason),
}

/// One record: what should be, what is kept of it, and by what it is found.
pub(super) struct Planned {
    pub(super) change: Change,
    pub(super) item: Item,
    pub(super) expected: Expected,
    pub(super) key_value: Option<String>,
    pub(super) look_by: Vec<LookBy>,
}

/// Plans `changes`, one for each record.
pub(super) async fn planned(of: &Reconciliation<'_>, changes: Vec<Change>) -> Result<Vec<Planned>, Stopped> {
    let (state, nowhere) = (State::over(Some(of.seams.records)), Nowhere);
    // What fails is noted with its record, as ever; here that is kept nowhere.
    let seams = Seams { records: &state, queue: &nowhere, ..of.seams };
    let now = seams.clock.now();
    let mut jobs: Vec<Job> = changes.iter().map(|change| job(of, change, now)).collect();
    load(&seams, &mut jobs).await;
    if let Some(why) = jobs.iter().find_map(unread) {
        return Err(Stopped::Unavailable(Unavailable(why)));
    }
    let items: Vec<Item> = jobs.iter_mut().map(|job| std::mem::take(&mut job.item)).collect();
    for state in jobs.iter_mut().flat_map(|job| job.references.iter_mut().map(|(_, state)| state)) {
        // What is not linked was written without, or is on its way.
        if *state == Resolved::NotYet {
            *state = Resolved::NotAwaited;
        }
    }
    ask(of, &seams, &mut jobs).await?;
    let now = seams.clock.now();
    let planned = changes.into_iter().zip(jobs).zip(items).map(|((change, job), item)| {
        let (expected, look_by) = expected(&job, now);
        Planned { change, item, expected, key_value: job.key_value, look_by }
    });
    Ok(planned.collect())
}

/// A job that knows nothing of its record at the CRM, and has been received before: so it looks by our own key first.
fn job(of: &Reconciliation<'_>, change: &Change, now: Instant) -> Job {
    let Setup { config, mapping, connector } = &of.setup;
    let setup = Setup { config: config.clone(), mapping: mapping.clone(), connector: *connector };
    let mut job = Job {
        key: PairKey::new(&change.key, &of.connection),
        record: change.key.clone(),
        connection: of.connection.clone(),
        message: 0,
        lane: Lane::Sync,
        receive_count: 1,
        first_received_at: now,
        arrived: now,
        again: true,
        wake: false,
        version: change.version,
        by: String::new(),
        operation: change.operation,
        occurred_at: change.occurred_at.unwrap_or(now),
        beside: None,
        data: change.data.clone(),
        setup,
        mapped: None,
        key_value: None,
        unmappable: None,
        references: Vec::new(),
        item: Item::default(),
        kept: None,
        stage: Stage::Read,
        deferred: false,
        told: false,
        linked_before: false,
        several: false,
        // It spends what backfills may.
        backfill: true,
        rewrite: false,
        replaces: false,
        before: Vec::new(),
        compared: None,
        entered_at: now,
        trace: None,
        trail: Trail::default(),
    };
    map(&mut job);
    // Of a large record nothing is needed any more.
    job.data = Value::Null;
    job
}

fn unread(job: &Job) -> Option<String> {
    match &job.stage {
        Stage::Returned(_, reason) if reason.code == Code::StateUnavailable => Some(reason.message.clone()),
        _ => None,
    }
}

/// Has the CRM say what the mappings look up there, for as long as it takes.
async fn ask(of: &Reconciliation<'_>, seams: &Seams<'_>, jobs: &mut [Job]) -> Result<(), Stopped> {
    for tried in 0.. {
        let deadline = of.deadline();
        let mut report = BatchReport::default();
        look_up(seams, of.settings, of.caches, jobs, deadline, &mut report).await;
        let returned = jobs.iter().find_map(|job| match &job.stage {
            Stage::Returned(fate, reason) => Some((*fate, reason.clone())),
            _ => None,
        });
        let Some((fate, reason)) = returned else { return Ok(()) };
        let waits = matches!(
            reason.code,
            Code::Throttled | Code::Resting | Code::Unavailable | Code::OutOfTime | Code::Contended
        );
        if !waits || tried >= TRIES {
            return Err(Stopped::Refused(reason));
        }
        let until = match fate {
            MessageFate::Return(until) | MessageFate::Hold(until) => until,
            MessageFate::Done | MessageFate::ReturnAsIs => seams.clock.now().plus_ms(patience(tried)),
        };
        of.wait(until).await;
        let open = jobs.iter_mut().filter(|job| matches!(job.stage, Stage::Returned(..)));
        open.for_each(|job| job.stage = Stage::Read);
    }
    Ok(())
}

fn expected(job: &Job, now: Instant) -> (Expected, Vec<LookBy>) {
    if let Stage::Ended(_, Some(reason)) = &job.stage {
        return (Expected::Unsaid(reason.clone()), Vec::new());
    }
    match decide(job, now) {
        Action::Skip(_) => (Expected::Nothing, Vec::new()),
        Action::Dead(reason) => (Expected::Unsaid(reason), Vec::new()),
        Action::Go(go) => {
            let look_by = match go.first {
                First::Look(by) => by,
                _ => Vec::new(),
            };
            let expected = match (go.deleted, go.payload.fields.is_empty()) {
                (true, true) => Expected::Absent,
                (true, false) => Expected::Left(go.payload),
                (false, _) => Expected::Holding(go.payload),
            };
            (expected, look_by)
        }
        _ => {
            let reason = Reason::new(Code::Contended, "what the mapping looks up at the CRM is not known");
            (Expected::Unsaid(reason), Vec::new())
        }
    }
}

/// A queue that nothing is put on.
struct Nowhere;

#[async_trait]
impl Queue for Nowhere {
    async fn send(&self, _: QueueName, messages: &[Outbound]) -> Vec<Result<(), Unavailable>> {
        vec![Ok(()); messages.len()]
    }

    async fn delete(&self, receipts: &[String]) -> Vec<Result<(), Unavailable>> {
        vec![Ok(()); receipts.len()]
    }

    async fn set_visibility(&self, receipts: &[(String, i32)]) -> Vec<Result<(), Unavailable>> {
        vec![Ok(()); receipts.len()]
    }
}
