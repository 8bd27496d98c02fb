//! Creates wait while a record of the same CRM is being offered to the internal system: it may be the very record that the
//! internal system has just made of it, and whose link nobody knows yet. A second one at the CRM would be the answer.

use super::job::Job;
use crate::seams::Seams;
use rtr_core::code::Code;
use rtr_core::item::Reason;
use rtr_core::key::PairKey;
use rtr_core::plan::First;

/// After this an open offer is asked about again, in milliseconds.
const AGAIN_MS: i64 = 2_000;

/// Gives back what would make records while one is being offered. All are of one connection.
pub(super) async fn wait(seams: &Seams<'_>, jobs: &mut [&mut Job]) {
    let Some(first) = jobs.iter().find(|job| makes(job)) else { return };
    let connection = first.connection.clone();
    match seams.limits.offers(&connection).await {
        Ok(None) => linked_since(seams, jobs).await,
        Ok(Some(until)) => {
            let now = seams.clock.now();
            if until <= now {
                return linked_since(seams, jobs).await;
            }
            let message = "a record of this CRM is being offered to the internal system: it may be this one";
            for job in jobs.iter_mut().filter(|job| makes(job)) {
                job.give_back(now.plus_ms(AGAIN_MS).min(until), Reason::new(Code::OfferOpen, message));
            }
        }
        Err(error) => {
            jobs.iter_mut().filter(|job| makes(job)).for_each(|job| job.give_back_as_is(&error.0));
        }
    }
}

/// An offer that was open when the jobs were read may have been closed since, by the link of one of their records: nothing is made
/// of what is linked by now.
async fn linked_since(seams: &Seams<'_>, jobs: &mut [&mut Job]) {
    let keys: Vec<PairKey> = jobs.iter().filter(|job| makes(job)).map(|job| job.key.clone()).collect();
    let now = seams.clock.now();
    match seams.records.read(&keys).await {
        Ok(found) => {
            let is_linked = |job: &Job| found.get(&job.key).is_some_and(|item| item.external_id.is_some());
            for job in jobs.iter_mut().filter(|job| makes(job) && is_linked(job)) {
                job.give_back(
                    now,
                    Reason::new(Code::OfferOpen, "it was linked to a record of this CRM just now"),
                );
            }
        }
        Err(error) => {
            jobs.iter_mut().filter(|job| makes(job)).for_each(|job| job.give_back_as_is(&error.0));
        }
    }
}

/// Whether a record may come of it that flows back.
fn makes(job: &Job) -> bool {
    let begins = matches!(
        job.going().map(|go| &go.first),
        Some(First::Upsert { .. } | First::Create | First::Look(_))
    );
    begins && job.item.external_id.is_none() && !job.going().is_some_and(|go| go.deleted) && job.flows_back()
}
