//! What to write once something has happened, given the item as it stands now. Pure: the rows of the protocol's table.
//!
//! Called with the item as read, the answer is what to write. When that write is refused because somebody wrote in
//! between, it is called again with what stands there now, and may find that the work was overtaken or is done already.

mod ending;
mod rows;
// Test code: what it cannot do without is a mistake in it.
#[cfg(test)]
#[allow(clippy::panic)]
mod tests;

use crate::code::Code;
use crate::item::{Ended, Intent, Item, Lane, SlotState};
use crate::key::{ConnectionKey, PairKey};
use crate::plan::{may_end, may_rewrite};
use crate::sent::Sent;
use crate::time::Instant;
use crate::trace::Trace;
pub use ending::{Applied, Ending, Filing, Heard, Link, Open, Parking, Put};
use rows::{
    applied, confirm, confirm_beneath, file, heard, keeps, park, park_instead, put_off, released, sent,
    shadowed,
};

/// Who writes, and for which version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Who works it.
    pub lane: Lane,
    /// The version.
    pub version: u64,
    /// The mapping revision it was planned under.
    pub mapping_revision: u64,
    /// The message's id.
    pub by: String,
    /// Whether the message, or one compacted into it, was received before.
    pub again: bool,
    /// Whether it came by a backfill.
    pub backfill: bool,
    /// Whether it is to be written although it is applied.
    pub rewrite: bool,
    /// When the change occurred, by the internal system's word.
    pub occurred_at: Option<Instant>,
    /// The trace that it is part of.
    pub trace: Option<Trace>,
    /// What it may have written, or an older version whose place it takes: where values flow back from the CRM.
    pub sent: Sent,
}

/// What to do about it.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// Write this, conditioned on the `rev` of the item given.
    Write(Box<Item>),
    /// It stands there already, by our own hand.
    Done,
    /// Something newer stands there: acknowledge.
    Superseded,
    /// The ground has shifted: decide anew from what stands there now.
    PlanAgain,
    /// The CRM was told an older version over a newer one: drop the hash, raise the alarm.
    Overtaken(Box<Item>),
    /// The call went through, but parked work stands in the way: drop the hash and let the message come back.
    StillNewest(Box<Item>),
}

/// The decision for `ending`, with the item as it stands now.
#[must_use]
pub fn settle(item: &Item, attempt: &Attempt, ending: &Ending, now: Instant) -> Decision {
    let (version, revision) = (attempt.version, attempt.mapping_revision);
    // What is written once more ends like what is written first; it is called for by the bulk lane alone.
    let rewrites = attempt.rewrite && attempt.lane == Lane::Sync && may_rewrite(item, version, revision);
    let fence = rewrites || may_end(item, version, revision);
    let slot = item.slot.as_ref();
    let wanted = slot.map(|slot| slot.wanted_version);
    // A slot gives way to its own version and to newer ones in the hands of the lane that it belongs to: what is parked is
    // not the sync lane's to end, and the bulk lane ends nothing else.
    let clear = match attempt.lane {
        Lane::Sync => slot.is_none() || (item.lane() == Lane::Sync && wanted <= Some(version)),
        Lane::Bulk => slot.is_some_and(|slot| slot.state == SlotState::Parked && keeps(slot, attempt)),
    };
    // Who would have dropped it comes too late: the CRM has it.
    let too_late = attempt.lane == Lane::Bulk
        && slot.is_some_and(|slot| slot.state == SlotState::Drop && keeps(slot, attempt));
    // Of one version, what is parked under a newer mapping is the newer one.
    let rank = slot.map(|slot| (slot.wanted_version, slot.mapping_revision));
    let newer = clear || (attempt.lane == Lane::Sync && rank < Some((version, revision)));
    // What was completed stands there in the same version already.
    let level = item.applied_version == Some(version) && item.mapping_revision.unwrap_or(0) <= revision;
    let overdue = attempt.lane == Lane::Bulk && (fence || level) && rank > Some((version, revision));
    let own = item.by == attempt.by
        && (item.applied_version == Some(version)
            || item.slot.as_ref().is_some_and(|slot| slot.wanted_version == version));
    let next = || Item { rev: item.rev + 1, by: attempt.by.clone(), ..item.clone() };
    let write = |item: Item| Decision::Write(Box::new(item));
    match ending {
        Ending::Unchanged if fence && slot.is_none() => {
            write(applied(next(), attempt).noting(Ended::Unchanged, version, now, None))
        }
        Ending::Skipped(code) if fence && clear => {
            let mut item_next = applied(next(), attempt);
            if attempt.again || slot.is_some() {
                item_next.applied_hash = None;
            }
            write(item_next.noting(Ended::Skipped, version, now, Some(*code)))
        }
        Ending::Applied(done) if fence && (clear || too_late) => write(confirm(next(), attempt, done, now)),
        Ending::Applied(_) if own => Decision::Done,
        Ending::Applied(done) if overdue => write(confirm_beneath(next(), attempt, done, now)),
        Ending::Applied(_) if fence && newer => {
            let dropped = Item { applied_hash: None, ..next() };
            Decision::StillNewest(Box::new(dropped.noting(Ended::Parked, version, now, None)))
        }
        Ending::Applied(_) => {
            Decision::Overtaken(Box::new(Item { applied_hash: None, sent: sent(item, attempt), ..next() }))
        }
        Ending::Dead(filing) if fence && newer && !clear && item.lane() == Lane::Bulk => {
            write(park_instead(next(), attempt, filing, now))
        }
        Ending::Dead(filing) if fence && newer => write(file(next(), attempt, filing, now)),
        Ending::Parked(parking) if fence && newer => {
            // Whoever wants it written once more says that the CRM holds something else.
            let applied_hash = item.applied_hash.clone().filter(|_| !rewrites);
            write(park(Item { applied_hash, sent: sent(item, attempt), ..next() }, attempt, parking, now))
        }
        Ending::Dead(_) | Ending::Parked(_) if own => Decision::Done,
        Ending::Dead(_) | Ending::Parked(_) => Decision::Superseded,
        Ending::Shadowed(shadow) if fence => write(shadowed(next(), attempt, shadow, now)),
        Ending::Shadowed(_) => Decision::Superseded,
        Ending::Put(put) => match put_off(next(), attempt, put, now) {
            Some(item) => write(item),
            None => Decision::Superseded,
        },
        Ending::Released { held, put } => match released(next(), attempt, *held, put, now) {
            Some(item) => write(item),
            None => Decision::Superseded,
        },
        Ending::Dropped => match slot.filter(|slot| slot.state == SlotState::Drop) {
            Some(_) if wanted == Some(version) => {
                let dropped = Item { applied_hash: None, ..applied(next(), attempt) };
                write(dropped.noting(Ended::Skipped, version, now, Some(Code::GivenUp)))
            }
            _ => Decision::Superseded,
        },
        Ending::Unknown if item.rev == 0 => Decision::Done,
        Ending::Unknown => {
            let unknown = Item { applied_hash: None, sent: sent(item, attempt), crashes: 0, ..next() };
            write(unknown.noting(Ended::Parked, version, now, Some(Code::OutcomeUnknown)))
        }
        Ending::Passed if fence && item.slot.as_ref().is_some_and(|slot| slot.wanted_version < version) => {
            write(Item { slot: None, ..next() })
        }
        Ending::Passed => Decision::Done,
        Ending::Begun => write(Item { applied_hash: None, crashes: item.crashes + 1, ..next() }),
        Ending::Returned if item.crashes == 0 => Decision::Done,
        Ending::Returned => write(Item { crashes: 0, ..next() }),
        Ending::NotCreated if item.crashes == 0 && item.intent.is_none() => Decision::Done,
        Ending::NotCreated => write(Item { crashes: 0, intent: None, ..next() }),
        // Linked since it was planned, it is not made a second time.
        Ending::Intended { nonce, matched } if fence && clear && item.external_id.is_none() => {
            let intent = Intent { nonce: nonce.clone(), version, at: now, matched: matched.clone() };
            write(Item { intent: Some(intent), ..next() })
        }
        Ending::Linked(link) if fence && clear => write(Item {
            external_id: Some(link.external_id.clone()),
            object: Some(link.object.clone()),
            linked_at: Some(now),
            deleted: false,
            applied_hash: None,
            intent: None,
            ..next()
        }),
        Ending::Unlinked if fence && clear => {
            write(Item { external_id: None, object: None, linked_at: None, applied_hash: None, ..next() })
        }
        Ending::Heard(of) => heard(item, of, now).map_or(Decision::PlanAgain, write),
        Ending::Unchanged | Ending::Skipped(_) if own => Decision::Done,
        Ending::Unchanged
        | Ending::Skipped(_)
        | Ending::Intended { .. }
        | Ending::Linked(_)
        | Ending::Unlinked => Decision::PlanAgain,
    }
}

/// The claims that change with an item: the one to take, the one to give back.
#[must_use]
pub fn claims(connection: &ConnectionKey, old: &Item, new: &Item) -> (Option<PairKey>, Option<PairKey>) {
    let claim = |item: &Item| {
        let (object, external_id) = (item.object.as_deref()?, item.external_id.as_deref()?);
        Some(PairKey::claim(connection, object, external_id))
    };
    let (before, after) = (claim(old), claim(new));
    if before == after { (None, None) } else { (after, before) }
}
