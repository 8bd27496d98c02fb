//! Work on what came back again and again is announced before it begins, so that crashes can be counted.

use super::commit::{Committed, commit};
use super::job::Job;
use crate::seams::Seams;
use rtr_core::item::Lane;
use rtr_core::settle::Ending;

/// From this receive count on, work is announced.
pub(crate) const WARY_RECEIVES: u32 = 3;

/// Whether work on `job` is announced. A wake is sent anew while the one before it lies hidden with a function that died
/// of it, and takes that one's place: its own receives never grow, so that any that came again counts.
pub(crate) fn is_wary(job: &Job) -> bool {
    job.receive_count >= WARY_RECEIVES || job.lane == Lane::Sync && job.wake && job.again
}

/// Announces those of `jobs` that came back so often; what could not be announced is given back.
pub(crate) async fn announce(seams: &Seams<'_>, jobs: &mut [&mut Job]) {
    let wary: Vec<&mut Job> =
        jobs.iter_mut().map(|job| &mut **job).filter(|job| job.going().is_some() && is_wary(job)).collect();
    if wary.is_empty() {
        return;
    }
    let mut held = wary;
    let work = held.iter_mut().map(|job| (&mut **job, Ending::Begun)).collect();
    let answers = commit(seams, work).await;
    for (job, answer) in held.into_iter().zip(answers) {
        if let Committed::Failed(why) = answer {
            job.give_back_as_is(&why);
        }
    }
}
