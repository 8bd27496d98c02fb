//! Lets the records of a job go: what it did not settle is due again, at once or once its last requests have landed or died.
//!
//! Only a slot that is still put off until the job's own time is touched, whatever version stands there by now.

use super::CHUNK;
use super::begin::attempt;
use super::note::{Entry, Note};
use crate::bulk::Work;
use crate::seams::{Named, Unavailable, Write, Wrote};
use rtr_connectors::ingest::State;
use rtr_core::code::Code;
use rtr_core::item::{Lane, Reason, Slot};
use rtr_core::key::PairKey;
use rtr_core::settle::{Decision, Ending, Put, settle};
use rtr_core::time::Instant;
use std::collections::HashMap;

/// Times a refused write is decided anew.
const MAX_ROUNDS: usize = 6;

/// Lets the records go of a job that was never started.
///
/// # Errors
/// When the store does not answer.
pub(super) async fn release_all(lane: &Work<'_>, note: &Note, now: Instant) -> Result<(), Unavailable> {
    let entries: Vec<Entry> = entries(lane, note).await?.into_values().collect();
    for chunk in entries.chunks(CHUNK) {
        let keys: Vec<PairKey> = chunk.iter().map(Entry::key).collect();
        let mut named = read(lane, &keys).await?;
        let put = again(lane, Some(State::Failed), now, false);
        let work =
            chunk.iter().filter_map(|entry| Some((named.remove(&entry.key())?, entry.clone(), put.clone())));
        release(lane, note, work.collect()).await?;
    }
    Ok(())
}

/// The job's rows by the id that the CRM knows them by. A list that is gone lets nothing go: its records' own time does.
pub(super) async fn entries(lane: &Work<'_>, note: &Note) -> Result<HashMap<String, Entry>, Unavailable> {
    let body = lane.seams.records.body(&note.list).await?;
    let read = body.and_then(|bytes| serde_json::from_slice::<Vec<Entry>>(&bytes).ok());
    if read.is_none() {
        tracing::error!(
            event = "job",
            org_id = lane.connection.org_id,
            connection = lane.connection.connection,
            list = note.list,
            "the list of a job is gone"
        );
    }
    Ok(read.unwrap_or_default().into_iter().map(|entry| (entry.id.clone(), entry)).collect())
}

pub(super) async fn read(lane: &Work<'_>, keys: &[PairKey]) -> Result<HashMap<PairKey, Named>, Unavailable> {
    let named = lane.seams.records.read_named(keys).await?;
    Ok(named.into_iter().map(|one| (one.key.clone(), one)).collect())
}

/// How a row goes again that the job did not settle. After a job was told to stop its last requests may still be landing.
pub(super) fn again(lane: &Work<'_>, state: Option<State>, now: Instant, unknown: bool) -> Put {
    let life_ms = lane.settings.visibility_ms - lane.settings.timeout_ms;
    let hold = matches!(state, None | Some(State::Aborted));
    let message = if unknown {
        "a bulk job of the CRM has ended and does not say what became of the record"
    } else {
        "a bulk job of the CRM has ended without the record"
    };
    Put {
        until: if hold { now.plus_ms(life_ms) } else { now },
        reason: Reason::new(Code::InJob, message),
        uncertain: unknown || hold,
        attempts: 0,
    }
}

pub(super) fn is_held(slot: &Slot, held: Instant) -> bool {
    slot.state.lane() == Lane::Bulk && slot.not_before == held
}

/// Lets records go, each until its own time, and whatever version stands there by now. The lane is told of it: the index may
/// not show them in time.
pub(super) async fn release(
    lane: &Work<'_>,
    note: &Note,
    mut work: Vec<(Named, Entry, Put)>,
) -> Result<(), Unavailable> {
    let seams = lane.seams;
    if let Some(first) = work.iter().map(|(_, _, put)| put.until).min() {
        seams.limits.want_lane(lane.connection, first).await?;
    }
    for _ in 0..MAX_ROUNDS {
        if work.is_empty() {
            return Ok(());
        }
        let now = seams.clock.now();
        let (mut writes, mut of) = (Vec::new(), Vec::new());
        for (one, entry, put) in work {
            let ending = Ending::Released { held: note.held, put: put.clone() };
            if let Decision::Write(new) = settle(&one.item, &attempt(lane, &entry), &ending, now) {
                let Named { key, names, item: old } = one;
                writes.push(Write { key, names, old, new: *new });
                of.push((entry, put));
            }
        }
        if writes.is_empty() {
            return Ok(());
        }
        let wrote = seams.records.write(&writes).await;
        let mut refused = Vec::new();
        for (of, wrote) in of.into_iter().zip(wrote) {
            match wrote {
                Wrote::Refused => refused.push(of),
                Wrote::Failed(error) => return Err(error),
                Wrote::Done | Wrote::Owned(_) => {}
            }
        }
        let keys: Vec<PairKey> = refused.iter().map(|(entry, _)| entry.key()).collect();
        let mut named = if keys.is_empty() { HashMap::new() } else { read(lane, &keys).await? };
        let anew = |(entry, put): (Entry, Put)| Some((named.remove(&entry.key())?, entry, put));
        work = refused.into_iter().filter_map(anew).collect();
    }
    match work.first() {
        None => Ok(()),
        Some(_) => Err(Unavailable("items kept changing".to_owned())),
    }
}
