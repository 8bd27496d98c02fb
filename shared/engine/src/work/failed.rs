//! What becomes of a record whose call failed.

use super::commit::{Certainty, Committed, commit, filing, finish};
use super::execute::applied;
use super::job::{Job, Stage, left};
use super::look::{adopt, adopt_if_matched};
use super::prepare::{decide, references_moved};
use super::treat::{Treatment, treat, waiting};
use crate::seams::Seams;
use rtr_connectors::session::Session;
use rtr_core::code::Code;
use rtr_core::failure::Failure;
use rtr_core::item::{Ended, Lane, Reason};
use rtr_core::plan::{Action, First};
use rtr_core::settle::{Ending, Link, Put};
use rtr_core::time::Instant;

/// The record stands at the CRM, its associations do not: the link is kept, the hash is not, and it is tried again.
pub(super) async fn half_written(seams: &Seams<'_>, job: &mut Job, external_id: String, failure: &Failure) {
    if job.item.external_id.as_deref() != Some(&external_id) {
        let link = Link { object: job.setup.mapping.mapping.object.clone(), external_id };
        let answers = commit(seams, vec![(&mut *job, Ending::Linked(link))]).await;
        if !matches!(answers.first(), Some(Committed::Written)) {
            return job.give_back_as_is("the link could not be written");
        }
    }
    let now = seams.clock.now();
    match treat(job, failure, now) {
        Treatment::Return(until) | Treatment::Hold(until) => hold(seams, job, until, waiting(failure)).await,
        _ if references_moved(seams, job).await => job.give_back(now.plus_ms(1_000), moved()),
        _ => {
            let reason = Reason::from(failure);
            let message = format!("the record was written, its association was not: {}", reason.message);
            dead(seams, job, Reason { message, ..reason }, Certainty::MayHaveLanded).await;
        }
    }
}

/// Does with a record whose write failed what its failure's class asks for.
pub(super) async fn failed(seams: &Seams<'_>, session: &Session<'_>, job: &mut Job, failure: &Failure) {
    let creating = matches!(job.going().map(|go| &go.first), Some(First::Create));
    match treat(job, failure, seams.clock.now()) {
        Treatment::Return(until) => {
            if creating
                && !matches!(
                    commit(seams, vec![(&mut *job, Ending::NotCreated)]).await[..],
                    [Committed::Written]
                )
            {
                return job.give_back_as_is("the intent could not be withdrawn");
            }
            job.give_back(until, waiting(failure));
        }
        Treatment::Hold(until) => hold(seams, job, until, waiting(failure)).await,
        Treatment::Dead(_) if !creating && references_moved(seams, job).await => {
            job.give_back(seams.clock.now().plus_ms(1_000), moved());
        }
        Treatment::Dead(reason) => {
            let certainty = if creating { Certainty::DidNotLand } else { Certainty::NotCalled };
            dead(seams, job, reason, certainty).await;
        }
        Treatment::Gone => {
            let ending = applied(job, None, Some(Code::Missing));
            finish(seams, vec![(job, ending, Ended::Applied, None)]).await;
        }
        Treatment::Ignore => {
            let reason = Some(left(Code::Ignored));
            finish(seams, vec![(job, Ending::Skipped(Code::Ignored), Ended::Skipped, reason)]).await
        }
        Treatment::Recreate => recreate(seams, job).await,
        Treatment::Follow(kept) => adopt(seams, job, kept).await,
        Treatment::Adopt(existing) => adopt_if_matched(seams, session, job, &existing, failure).await,
    }
}

fn moved() -> Reason {
    Reason::new(Code::Contended, "what the record refers to changed meanwhile")
}

/// Forgets the link and plans again, for the next round.
async fn recreate(seams: &Seams<'_>, job: &mut Job) {
    let answers = commit(seams, vec![(&mut *job, Ending::Unlinked)]).await;
    let now = seams.clock.now();
    match (answers.into_iter().next(), decide(job, now)) {
        (Some(Committed::Written), Action::Go(go)) => {
            job.stage = Stage::Going(go);
            // What was found was another record's.
            job.compared = None;
        }
        (Some(Committed::Failed(why)), _) => job.give_back_as_is(&why),
        _ => job.give_back(now.plus_ms(1_000), Reason::new(Code::Contended, "the item changed meanwhile")),
    }
}

async fn hold(seams: &Seams<'_>, job: &mut Job, until: Instant, reason: Reason) {
    let ending = match job.lane {
        Lane::Sync => Ending::Unknown,
        Lane::Bulk => {
            let attempts = job.attempts();
            Ending::Put(Put { until, reason: reason.clone(), uncertain: true, attempts })
        }
    };
    match (commit(seams, vec![(&mut *job, ending)]).await.into_iter().next(), job.lane) {
        // Its message stays unseen for longer than a request lives; a lane has none, and keeps the time itself.
        (Some(Committed::Failed(why)), Lane::Sync) => job.give_back_as_is(&why),
        (Some(Committed::Failed(why)), Lane::Bulk) => {
            job.hold(until, Reason::new(Code::StateUnavailable, why));
        }
        _ => job.hold(until, reason),
    }
}

async fn dead(seams: &Seams<'_>, job: &mut Job, reason: Reason, certainty: Certainty) {
    match filing(seams, job, reason.clone(), certainty).await {
        Ok(filed) => {
            finish(seams, vec![(job, Ending::Dead(Box::new(filed)), Ended::Dead, Some(reason))]).await
        }
        Err(why) => job.give_back_as_is(&why),
    }
}
