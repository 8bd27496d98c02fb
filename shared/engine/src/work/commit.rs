//! Writes endings: decided by the core, batched, and decided again from what stands there when a write is refused.

use super::job::{Job, Stage};
use crate::seams::{ClaimChange, Records, Seams, Write, Wrote};
use futures::future::{join, join_all};
use rtr_core::change::Operation;
use rtr_core::code::Code;
use rtr_core::item::{Body, Ended, Item, Lane, Reason};
use rtr_core::plan::Wait;
use rtr_core::settle::{Decision, Ending, Filing, Parking, claims, settle};
use rtr_core::time::Instant;
use serde_json::Value;

/// Bodies over this many bytes lie in the payload bucket. A quarter of DynamoDB's item limit.
pub(crate) const MAX_INLINE_BYTES: usize = 100 * 1_024;
/// Times a refused write is decided anew.
const MAX_ROUNDS: usize = 6;

/// What became of an ending.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Committed {
    /// It is written, or stood there already by our own hand.
    Written,
    /// Something newer stands there.
    Superseded,
    /// The item changed under us: come back and plan anew.
    PlanAgain,
    /// An older version went over a newer one at the CRM.
    Overtaken,
    /// Nothing could be written.
    Failed(String),
}

/// Commits `ending` for each job. The answers stand in their order; the jobs' items are what is written now.
pub(crate) async fn commit(seams: &Seams<'_>, mut work: Vec<(&mut Job, Ending)>) -> Vec<Committed> {
    let mut answers: Vec<Option<Committed>> = vec![None; work.len()];
    for round in 0..MAX_ROUNDS {
        let mut writes = Vec::new();
        for (at, (job, ending)) in work.iter().enumerate().filter(|(at, _)| answers[*at].is_none()) {
            writes.push((at, decide(job, ending, job.latest(seams.clock.now()))));
        }
        let mut pending = Vec::new();
        for (at, decided) in writes {
            match decided {
                Ok((write, after)) => pending.push((at, write, after)),
                Err(answer) => answers[at] = Some(answer),
            }
        }
        if pending.is_empty() {
            break;
        }
        let wrote = write_all(
            seams.records,
            &pending.iter().map(|(at, write, _)| (&*work[*at].0, write)).collect::<Vec<_>>(),
        )
        .await;
        let mut refused = Vec::new();
        for ((at, write, after), wrote) in pending.into_iter().zip(wrote) {
            let (job, ending) = &mut work[at];
            match wrote {
                Wrote::Done => {
                    drop_body(seams, &write).await;
                    job.item = write.new;
                    answers[at] = Some(after);
                }
                Wrote::Refused => refused.push(at),
                Wrote::Owned(owner) => match owned(seams, job, &owner).await {
                    Ok(filing) => *ending = Ending::Dead(Box::new(filing)),
                    Err(why) => answers[at] = Some(Committed::Failed(why)),
                },
                Wrote::Failed(error) => answers[at] = Some(Committed::Failed(error.0)),
            }
        }
        if refused.is_empty() {
            continue;
        }
        if round + 1 == MAX_ROUNDS {
            break;
        }
        let keys: Vec<_> = refused.iter().map(|at| work[*at].0.key.clone()).collect();
        match seams.records.read(&keys).await {
            Ok(mut found) => {
                for at in refused {
                    work[at].0.item = found.remove(&work[at].0.key).unwrap_or_default();
                }
            }
            Err(error) => {
                refused.into_iter().for_each(|at| answers[at] = Some(Committed::Failed(error.0.clone())))
            }
        }
    }
    for ((job, ending), answer) in work.iter().zip(&answers) {
        if matches!(answer, Some(Committed::Superseded | Committed::PlanAgain)) {
            drop_unwritten(seams, &job.item, ending).await;
        }
    }
    let contended = || Committed::Failed("the item kept changing".to_owned());
    answers.into_iter().map(|answer| answer.unwrap_or_else(contended)).collect()
}

/// Commits endings that finish their jobs, and sets the jobs' stages.
pub(crate) async fn finish(seams: &Seams<'_>, work: Vec<(&mut Job, Ending, Ended, Option<Reason>)>) {
    let mut outcomes = Vec::with_capacity(work.len());
    let mut pairs = Vec::with_capacity(work.len());
    for (job, ending, ended, reason) in work {
        outcomes.push((ended, reason));
        pairs.push((job, ending));
    }
    let mut jobs = Vec::with_capacity(pairs.len());
    // The borrow of each job is needed twice: for the writes, then for its stage.
    let answers = {
        let reborrowed: Vec<(&mut Job, Ending)> =
            pairs.iter_mut().map(|(job, ending)| (&mut **job, ending.clone())).collect();
        commit(seams, reborrowed).await
    };
    jobs.extend(pairs.into_iter().map(|(job, _)| job));
    for ((job, answer), (ended, reason)) in jobs.into_iter().zip(answers).zip(outcomes) {
        let soon = seams.clock.now().plus_ms(1_000);
        match answer {
            // A claim that somebody else owns turns an ending into a dead letter: the item says so.
            Committed::Written => match job.item.dead().filter(|slot| slot.wanted_version == job.version) {
                Some(slot) => job.stage = Stage::Ended(Ended::Dead, Some(slot.reason.clone())),
                None => job.stage = Stage::Ended(ended, reason),
            },
            Committed::Superseded => job.end(Ended::Superseded),
            Committed::Overtaken => {
                job.stage = Stage::Ended(Ended::Superseded, Some(Reason::new(Code::Contended, "overtaken")));
            }
            Committed::PlanAgain => {
                job.give_back(soon, Reason::new(Code::Contended, "the item changed meanwhile"))
            }
            Committed::Failed(why) => job.give_back_as_is(&why),
        }
    }
}

/// A dead letter for `job`, its body stored outside when it is large.
///
/// # Errors
/// When the body could not be stored.
pub(crate) async fn filing(
    seams: &Seams<'_>,
    job: &Job,
    reason: Reason,
    certainty: Certainty,
) -> Result<Filing, String> {
    // A body that is gone may be restored under its name: the letter goes on naming it.
    let body = match job.item.slot.as_ref().filter(|_| reason.code == Code::BodyGone) {
        Some(slot) => slot.body.clone(),
        None => kept_body(seams, job).await?,
    };
    Ok(Filing {
        reason,
        body,
        deleted: job.operation == Operation::Deleted,
        attempts: job.attempts(),
        uncertain: certainty == Certainty::MayHaveLanded,
        not_created: certainty == Certainty::DidNotLand,
    })
}

/// What a dead letter knows of the call before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Certainty {
    /// The CRM refused: nothing landed.
    DidNotLand,
    /// Nothing was called.
    NotCalled,
    /// Something may have landed.
    MayHaveLanded,
}

/// Where the data of `job` is to lie: where it lies already, for a version that was woken.
///
/// # Errors
/// When the bucket does not answer.
pub(crate) async fn kept_body(seams: &Seams<'_>, job: &Job) -> Result<Body, String> {
    match job.item.slot.as_ref().filter(|slot| job.wake && slot.wanted_version == job.version) {
        Some(slot) => Ok(slot.body.clone()),
        None => store_body(seams, &job.key.pk, &job.data).await,
    }
}

/// The version of `job`, to be kept until `until`.
///
/// # Errors
/// When its body could not be stored.
pub(crate) async fn parking(
    seams: &Seams<'_>,
    job: &Job,
    reason: Reason,
    until: Instant,
    wait: Option<Wait>,
) -> Result<Parking, String> {
    Ok(Parking {
        reason,
        body: kept_body(seams, job).await?,
        deleted: job.operation == Operation::Deleted,
        attempts: job.attempts(),
        until,
        wait,
    })
}

/// Where `data` lies: inline, or in the bucket under a key of its own.
///
/// # Errors
/// When the bucket does not answer.
pub(crate) async fn store_body(seams: &Seams<'_>, pk: &str, data: &Value) -> Result<Body, String> {
    let text = data.to_string();
    if text.len() <= MAX_INLINE_BYTES {
        return Ok(Body::Inline(data.clone()));
    }
    let key = format!("bodies/{}/{}", rtr_core::digest::hex(pk.as_bytes()), seams.clock.nonce());
    seams.records.put_body(&key, text.as_bytes()).await.map_err(|error| error.0)?;
    Ok(Body::Stored(key))
}

fn decide(job: &Job, ending: &Ending, now: Instant) -> Result<(Write, Committed), Committed> {
    let write = |new: Item| Write { key: job.key.clone(), names: job.names(), old: job.item.clone(), new };
    // The bulk lane has drained what was to be replaced, and may not look again: the version is planned anew.
    if job.replaces && matches!(ending, Ending::Parked(_)) && job.item.lane() != Lane::Bulk {
        return Err(Committed::PlanAgain);
    }
    // The ending that is noted now tells how it came about.
    let write = |mut new: Item| {
        if let Some(last) = new.recent.last_mut().filter(|last| last.at == now && last.version == job.version)
        {
            last.trail = Some(job.trail_at(now));
        }
        write(new)
    };
    match settle(&job.item, &job.attempt(), ending, now) {
        Decision::Write(item) => Ok((write(*item), Committed::Written)),
        Decision::Overtaken(item) => Ok((write(*item), Committed::Overtaken)),
        Decision::StillNewest(item) => Ok((write(*item), Committed::PlanAgain)),
        Decision::Done => Err(Committed::Written),
        Decision::Superseded => Err(Committed::Superseded),
        Decision::PlanAgain => Err(Committed::PlanAgain),
    }
}

async fn write_all(records: &dyn Records, writes: &[(&Job, &Write)]) -> Vec<Wrote> {
    let mut plain = (Vec::new(), Vec::new());
    let mut linked = Vec::new();
    for (at, (job, write)) in writes.iter().enumerate() {
        let (take, release) = claims(&job.connection, &write.old, &write.new);
        let changes: Vec<ClaimChange> =
            take.map(ClaimChange::Take).into_iter().chain(release.map(ClaimChange::Release)).collect();
        if changes.is_empty() {
            plain.0.push(at);
            plain.1.push((*write).clone());
        } else {
            linked.push((at, *write, changes));
        }
    }
    let batched = async { if plain.1.is_empty() { Vec::new() } else { records.write(&plain.1).await } };
    let each = join_all(linked.iter().map(|(_, write, changes)| records.write_with_claims(write, changes)));
    let (batched, each) = join(batched, each).await;
    let mut answers = vec![Wrote::Refused; writes.len()];
    plain.0.into_iter().zip(batched).for_each(|(at, wrote)| answers[at] = wrote);
    linked.iter().zip(each).for_each(|((at, ..), wrote)| answers[*at] = wrote);
    answers
}

/// Removes the body that the write just made unnamed. A failure only wastes space.
async fn drop_body(seams: &Seams<'_>, write: &Write) {
    if let Some(key) = write.old.stored_body().filter(|key| write.new.stored_body() != Some(key)) {
        let _ = seams.records.delete_body(key).await;
    }
}

/// Removes the body of an ending that was certainly not written, unless `item` names it. A failure only wastes space.
async fn drop_unwritten(seams: &Seams<'_>, item: &Item, ending: &Ending) {
    let body = match ending {
        Ending::Dead(filing) => &filing.body,
        Ending::Parked(parking) => &parking.body,
        _ => return,
    };
    if let Body::Stored(key) = body
        && item.stored_body() != Some(key.as_str())
    {
        let _ = seams.records.delete_body(key).await;
    }
}

async fn owned(seams: &Seams<'_>, job: &Job, owner: &str) -> Result<Filing, String> {
    let message = format!("the CRM's record is linked to another record already: {owner}");
    Ok(Filing {
        reason: Reason::new(Code::Owned, message),
        body: kept_body(seams, job).await?,
        deleted: job.operation == Operation::Deleted,
        attempts: job.receive_count,
        uncertain: true,
        not_created: true,
    })
}
