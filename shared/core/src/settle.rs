//! What to write once something has happened, given the item as it stands now. Pure: the rows of the protocol's table.
//!
//! Called with the item as read, the answer is what to write. When that write is refused because somebody wrote in
//! between, it is called again with what stands there now, and may find that the work was overtaken or is done already.

use crate::code::Code;
use crate::item::{Body, Ended, Intent, Item, Lane, Reason, Shadow, Slot, SlotState};
use crate::key::{ConnectionKey, PairKey};
use crate::plan::{Wait, may_end};
use crate::slot::is_hold;
use crate::time::Instant;

// Test code: what it cannot do without is a mistake in it.
#[cfg(test)]
#[allow(clippy::panic)]
mod tests;

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
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Ending {
    /// The CRM has it already.
    Unchanged,
    /// It is not for this CRM.
    Skipped,
    /// The CRM confirmed it.
    Applied(Applied),
    /// It never will without a person.
    Dead(Box<Filing>),
    /// It cannot go now, and its message must not hold up the record's other connections.
    Parked(Box<Parking>),
    /// The connection is shadowed: what would have been written.
    Shadowed(Box<Shadow>),
    /// The answer was lost: the hash goes, the message comes back after the hold.
    Unknown,
    /// The bulk lane cannot go on with it now: whatever version is parked by then stays so.
    Put(Put),
    /// What kept it off until then is over: whatever version is put off until exactly then goes by the rest of this.
    Released {
        /// What it was put off until.
        held: Instant,
        /// Until when it is put off now, and what is known.
        put: Put,
    },
    /// It was given up by a person: the fence moves past it.
    Dropped,
    /// An older version that its slot keeps is passed by this one, before this one is called: were this one to land without
    /// a trace, whoever wakes the older one would tell it over this.
    Passed,
    /// Work begins on a message that came back again and again.
    Begun,
    /// Work ended in order, without an ending: the message is returned.
    Returned,
    /// A create that was begun certainly did not happen: its intent goes, the message is returned.
    NotCreated,
    /// A create begins.
    Intended {
        /// Unique to this attempt.
        nonce: String,
        /// The value of the mapping's `match` that it carries.
        matched: Option<String>,
    },
    /// The record was found at the CRM: linked before it is written to.
    Linked(Link),
    /// The linked record is gone for good and shall be made anew.
    Unlinked,
}

/// How long what is parked stays so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Put {
    /// Not before.
    pub until: Instant,
    /// Why.
    pub reason: Reason,
    /// Whether something may have landed that nobody recorded: the hash goes.
    pub uncertain: bool,
    /// Tries so far.
    pub attempts: u32,
}

/// A link to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The CRM's object.
    pub object: String,
    /// The CRM's id.
    pub external_id: String,
}

/// What the CRM confirmed.
#[derive(Debug, Clone, PartialEq)]
pub struct Applied {
    /// Digest of operation, object and payload.
    pub hash: String,
    /// The fields' digests.
    pub base: Vec<u8>,
    /// Where it is now; none after a delete.
    pub link: Option<Link>,
    /// The code to note, when it was applied with a reservation.
    pub code: Option<Code>,
    /// The reference it went without, with the record's data to complete it by.
    pub open: Option<Box<Open>>,
}

/// What is kept of a version that went without a reference.
#[derive(Debug, Clone, PartialEq)]
pub struct Open {
    /// The reference.
    pub wait: Wait,
    /// The event's record, or where it lies.
    pub body: Body,
    /// Receives so far.
    pub attempts: u32,
}

/// A version to keep until it can go.
#[derive(Debug, Clone, PartialEq)]
pub struct Parking {
    /// Why.
    pub reason: Reason,
    /// The event's record, or where it lies.
    pub body: Body,
    /// Whether it is a delete.
    pub deleted: bool,
    /// Receives so far.
    pub attempts: u32,
    /// Not before.
    pub until: Instant,
    /// The reference it waits for, if that is why.
    pub wait: Option<Wait>,
}

/// A dead letter to file with its record.
#[derive(Debug, Clone, PartialEq)]
pub struct Filing {
    /// Why.
    pub reason: Reason,
    /// The event's record, or where it lies.
    pub body: Body,
    /// Whether it is a delete.
    pub deleted: bool,
    /// Receives so far.
    pub attempts: u32,
    /// Whether something may have landed that nobody recorded: the hash goes.
    pub uncertain: bool,
    /// Whether a create that was begun certainly did not happen: its intent goes. Else an open one stays, so that a
    /// later try looks before it creates.
    pub not_created: bool,
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
    let fence = may_end(item, version, revision);
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
        Ending::Skipped if fence && clear => {
            let mut item_next = applied(next(), attempt);
            if attempt.again || slot.is_some() {
                item_next.applied_hash = None;
            }
            write(item_next.noting(Ended::Skipped, version, now, None))
        }
        Ending::Applied(done) if fence && (clear || too_late) => write(confirm(next(), attempt, done, now)),
        Ending::Applied(_) if own => Decision::Done,
        Ending::Applied(done) if overdue => write(confirm_beneath(next(), attempt, done, now)),
        Ending::Applied(_) if fence && newer => {
            let dropped = Item { applied_hash: None, ..next() };
            Decision::StillNewest(Box::new(dropped.noting(Ended::Parked, version, now, None)))
        }
        Ending::Applied(_) => Decision::Overtaken(Box::new(Item { applied_hash: None, ..next() })),
        Ending::Dead(filing) if fence && newer && !clear && item.lane() == Lane::Bulk => {
            write(park_instead(next(), attempt, filing, now))
        }
        Ending::Dead(filing) if fence && newer => write(file(next(), attempt, filing, now)),
        Ending::Parked(parking) if fence && newer => write(park(next(), attempt, parking, now)),
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
            Some(slot) if wanted == Some(version) => {
                let dropped = Item { applied_hash: None, ..applied(next(), attempt) };
                write(dropped.noting(Ended::Skipped, version, now, Some(slot.reason.code)))
            }
            _ => Decision::Superseded,
        },
        Ending::Unknown if item.rev == 0 => Decision::Done,
        Ending::Unknown => write(Item { applied_hash: None, crashes: 0, ..next() }.noting(
            Ended::Parked,
            version,
            now,
            Some(Code::OutcomeUnknown),
        )),
        Ending::Passed if fence && item.slot.as_ref().is_some_and(|slot| slot.wanted_version < version) => {
            write(Item { slot: None, ..next() })
        }
        Ending::Passed => Decision::Done,
        Ending::Begun => write(Item { applied_hash: None, crashes: item.crashes + 1, ..next() }),
        Ending::Returned if item.crashes == 0 => Decision::Done,
        Ending::Returned => write(Item { crashes: 0, ..next() }),
        Ending::NotCreated if item.crashes == 0 && item.intent.is_none() => Decision::Done,
        Ending::NotCreated => write(Item { crashes: 0, intent: None, ..next() }),
        Ending::Intended { nonce, matched } if fence && clear => {
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
        Ending::Unchanged | Ending::Skipped if own => Decision::Done,
        Ending::Unchanged
        | Ending::Skipped
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

fn applied(item: Item, attempt: &Attempt) -> Item {
    Item {
        applied_version: Some(attempt.version),
        mapping_revision: Some(attempt.mapping_revision),
        slot: None,
        crashes: 0,
        ..item
    }
}

fn confirm(item: Item, attempt: &Attempt, done: &Applied, now: Instant) -> Item {
    let same_link =
        done.link.as_ref().is_some_and(|link| item.external_id.as_ref() == Some(&link.external_id));
    let linked_at = if same_link { item.linked_at } else { done.link.as_ref().map(|_| now) };
    let link = done.link.clone();
    Item {
        applied_hash: Some(done.hash.clone()),
        base: done.base.clone(),
        external_id: link.as_ref().map(|link| link.external_id.clone()),
        object: link.map(|link| link.object),
        linked_at,
        deleted: done.link.is_none(),
        intent: None,
        shadow: None,
        slot: done.open.as_ref().map(|open| incomplete(open, attempt)),
        ..applied(item, attempt)
    }
    .noting(Ended::Applied, attempt.version, now, done.code)
}

/// Whether the slot keeps what was attempted: not another version, nor the same to be planned under a newer mapping.
fn keeps(slot: &Slot, attempt: &Attempt) -> bool {
    slot.wanted_version == attempt.version && slot.mapping_revision <= attempt.mapping_revision
}

/// The bulk lane told the CRM a version, and a newer one was parked meanwhile: that one stays, nothing is equal to what
/// the CRM holds, and the link stands.
fn confirm_beneath(item: Item, attempt: &Attempt, done: &Applied, now: Instant) -> Item {
    let slot = item.slot.clone();
    let closed = Applied { open: None, ..done.clone() };
    Item { slot, applied_hash: None, ..confirm(item, attempt, &closed, now) }
}

/// What is parked stays so until then at least; none when nothing is.
fn put_off(item: Item, attempt: &Attempt, put: &Put, now: Instant) -> Option<Item> {
    let slot = item.slot.clone().filter(|slot| slot.state.lane() == Lane::Bulk)?;
    let mine = slot.state == SlotState::Parked && keeps(&slot, attempt);
    if !put.uncertain && !mine {
        return None;
    }
    let not_before = slot.not_before.max(put.until);
    let slot = if mine {
        Slot { not_before, reason: put.reason.clone(), attempts: put.attempts, ..slot }
    } else {
        // What keeps it longest is why it is kept: a hold must not look like a wait that a person may cut short.
        let reason = if not_before > slot.not_before { put.reason.clone() } else { slot.reason.clone() };
        Slot { not_before, reason, ..slot }
    };
    let applied_hash = item.applied_hash.clone().filter(|_| !put.uncertain);
    let item = Item { slot: Some(slot), applied_hash, crashes: 0, ..item };
    Some(item.noting(Ended::Parked, attempt.version, now, Some(put.reason.code)))
}

/// What is put off until `held` exactly is put off as `put` says; none when something else keeps it, or nothing does. The
/// time is the mark: whoever put it off drew it, and a newer version that took the slot meanwhile kept it.
fn released(item: Item, attempt: &Attempt, held: Instant, put: &Put, now: Instant) -> Option<Item> {
    let slot = item.slot.clone().filter(|slot| slot.state.lane() == Lane::Bulk && slot.not_before == held)?;
    let mine = slot.state == SlotState::Parked && keeps(&slot, attempt);
    let attempts = if mine { put.attempts } else { slot.attempts };
    let slot = Slot { not_before: put.until, reason: put.reason.clone(), attempts, ..slot };
    let applied_hash = item.applied_hash.clone().filter(|_| !put.uncertain);
    let item = Item { slot: Some(slot), applied_hash, crashes: 0, ..item };
    Some(item.noting(Ended::Parked, attempt.version, now, Some(put.reason.code)))
}

/// What the queue gave up while an older version is parked takes that one's place: the bulk lane may be calling the CRM for
/// the record, and nobody else may until it has ended what is parked.
fn park_instead(item: Item, attempt: &Attempt, filing: &Filing, now: Instant) -> Item {
    let parking = Parking {
        reason: filing.reason.clone(),
        body: filing.body.clone(),
        deleted: filing.deleted,
        attempts: filing.attempts,
        until: now,
        wait: None,
    };
    let applied_hash = item.applied_hash.clone().filter(|_| !filing.uncertain);
    park(Item { applied_hash, ..item }, attempt, &parking, now)
}

fn file(item: Item, attempt: &Attempt, filing: &Filing, now: Instant) -> Item {
    let hash = if filing.uncertain { None } else { item.applied_hash.clone() };
    let slot = Slot {
        wanted_version: attempt.version,
        mapping_revision: attempt.mapping_revision,
        state: SlotState::Dead,
        deleted: filing.deleted,
        body: filing.body.clone(),
        reason: filing.reason.clone(),
        since: now,
        not_before: Instant(0),
        attempts: filing.attempts,
        waits: None,
        // Whoever wakes it is a person, and does not wait behind a backfill.
        backfill: false,
    };
    let intent = if filing.not_created { None } else { item.intent.clone() };
    Item { slot: Some(slot), applied_hash: hash, crashes: 0, intent, ..item }.noting(
        Ended::Dead,
        attempt.version,
        now,
        Some(filing.reason.code),
    )
}

fn incomplete(open: &Open, attempt: &Attempt) -> Slot {
    Slot {
        wanted_version: attempt.version,
        mapping_revision: attempt.mapping_revision,
        state: SlotState::Incomplete,
        deleted: false,
        body: open.body.clone(),
        reason: open.wait.reason.clone(),
        since: open.wait.since,
        not_before: Instant(0),
        attempts: open.attempts,
        waits: Some(open.wait.waits.clone()),
        // The backfill is done with it: it is looked at and completed like any other.
        backfill: false,
    }
}

/// A hold that stands is not cut short by what comes later.
fn park(item: Item, attempt: &Attempt, parking: &Parking, now: Instant) -> Item {
    let held = item.slot.as_ref().filter(|slot| slot.state.lane() == Lane::Bulk);
    let not_before = held.map(|slot| slot.not_before);
    // It goes on saying so, whatever else the newer version would wait for.
    let hold = held.filter(|slot| slot.not_before > parking.until && is_hold(slot.reason.code));
    // What waited for another record goes on counting from then.
    let same = item.waiting().filter(|slot| slot.wanted_version == attempt.version);
    let since = held.or(same).map(|slot| slot.since);
    let state = match &parking.wait {
        None => SlotState::Parked,
        Some(wait) if wait.until == Instant(0) => SlotState::Incomplete,
        Some(_) => SlotState::Waiting,
    };
    let slot = Slot {
        wanted_version: attempt.version,
        mapping_revision: attempt.mapping_revision,
        state,
        deleted: parking.deleted,
        body: parking.body.clone(),
        reason: hold.map_or(&parking.reason, |slot| &slot.reason).clone(),
        since: parking.wait.as_ref().map(|wait| wait.since).or(since).unwrap_or(now),
        not_before: not_before.map_or(parking.until, |held| held.max(parking.until)),
        attempts: parking.attempts,
        waits: parking.wait.as_ref().map(|wait| wait.waits.clone()),
        // A newer version keeps the place of a live one, whatever way it came.
        backfill: attempt.backfill && !item.slot.as_ref().is_some_and(Slot::goes_first),
    };
    let code = Some(parking.reason.code);
    if state == SlotState::Incomplete {
        // A look in vain is no news.
        return Item { slot: Some(slot), crashes: 0, ..item };
    }
    Item { slot: Some(slot), crashes: 0, ..item }.noting(Ended::Parked, attempt.version, now, code)
}

/// The fence stays where it is: what is shadowed was not written.
fn shadowed(item: Item, attempt: &Attempt, shadow: &Shadow, now: Instant) -> Item {
    let applied_hash = if attempt.again { None } else { item.applied_hash.clone() };
    Item { shadow: Some(shadow.clone()), applied_hash, ..item }.noting(
        Ended::Skipped,
        attempt.version,
        now,
        Some(Code::Shadowed),
    )
}
