//! Which records of a batch go first: those that others of the batch refer to. Pure.
//!
//! A batch is worked in waves. A record whose reference is in the same batch, at the same connection, waits for that
//! one's wave; where they wait for each other in a circle, the first of the batch goes without.

use crate::work::job::{Job, Stage};
use crate::work::prepare::reference_keys;
use rtr_core::item::Item;
use rtr_core::key::PairKey;
use rtr_core::payload::Resolved;
use std::collections::{HashMap, HashSet};

/// Says for each undecided job whether it is its turn; false when none is left.
pub(crate) fn next(jobs: &mut [Job]) -> bool {
    let undecided: HashSet<PairKey> =
        jobs.iter().filter(|job| matches!(job.stage, Stage::Read)).map(|job| job.key.clone()).collect();
    let mut free = false;
    for job in jobs.iter_mut().filter(|job| matches!(job.stage, Stage::Read)) {
        job.deferred = refers_to(job, &undecided);
        free |= !job.deferred;
    }
    if !free && let Some(first) = jobs.iter_mut().find(|job| matches!(job.stage, Stage::Read)) {
        first.deferred = false;
        let keys = reference_keys(first);
        for ((_, state), key) in first.references.iter_mut().zip(keys) {
            if *state == Resolved::NotYet && undecided.contains(&key) {
                *state = Resolved::NotAwaited;
            }
        }
    }
    !undecided.is_empty()
}

fn refers_to(job: &Job, undecided: &HashSet<PairKey>) -> bool {
    let keys = reference_keys(job);
    let mut open =
        job.references.iter().zip(keys).filter(|((_, state), _)| !matches!(state, Resolved::Linked { .. }));
    open.any(|(_, key)| key != job.key && undecided.contains(&key))
}

/// Looks the references of what is left up again, among what the wave before has linked. Each says once what became of it:
/// later it knows less than what was read meanwhile.
pub(crate) fn look_again(jobs: &mut [Job]) {
    let mut ended: HashMap<PairKey, Item> = HashMap::new();
    for job in jobs.iter_mut().filter(|job| !matches!(job.stage, Stage::Read) && !job.told) {
        job.told = true;
        ended.insert(job.key.clone(), job.item.clone());
    }
    for job in jobs.iter_mut().filter(|job| matches!(job.stage, Stage::Read)) {
        crate::work::prepare::resolve(job, &ended);
    }
}
