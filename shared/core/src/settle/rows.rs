//! The item after each ending that leaves one: what goes, what stays, and what is kept of the version.

use super::{Applied, Attempt, Filing, Heard, Open, Parking, Put};
use crate::code::Code;
use crate::item::{Ended, Item, Lane, Shadow, Slot, SlotState};
use crate::sent::Sent;
use crate::slot::is_hold;
use crate::time::Instant;

pub(super) fn applied(item: Item, attempt: &Attempt) -> Item {
    Item {
        applied_version: Some(attempt.version),
        mapping_revision: Some(attempt.mapping_revision),
        slot: None,
        crashes: 0,
        ..item
    }
}

/// What may have been written by now, the attempt's own included.
pub(super) fn sent(item: &Item, attempt: &Attempt) -> Sent {
    item.sent.clone().and_all(&attempt.sent)
}

pub(super) fn confirm(item: Item, attempt: &Attempt, done: &Applied, now: Instant) -> Item {
    let same_link =
        done.link.as_ref().is_some_and(|link| item.external_id.as_ref() == Some(&link.external_id));
    let linked_at = if same_link { item.linked_at } else { done.link.as_ref().map(|_| now) };
    let link = done.link.clone();
    Item {
        applied_hash: done.hash.clone(),
        // Under another mapping nothing is known of what was not written.
        base: if item.mapping_revision == Some(attempt.mapping_revision) && same_link {
            done.base.over(&item.base).and_there()
        } else {
            done.base.clone().since(&item.base)
        },
        // By now every earlier call has landed or never will.
        sent: Sent::default(),
        external_id: link.as_ref().map(|link| link.external_id.clone()),
        object: link.map(|link| link.object),
        linked_at,
        deleted: done.link.is_none(),
        intent: None,
        shadow: None,
        slot: done.open.as_ref().map(|open| incomplete(open, attempt)),
        ..applied(item, attempt)
    }
    .noting(if done.told { Ended::Applied } else { Ended::Unchanged }, attempt.version, now, done.code)
}

/// What the CRM holds of some properties is what both sides have now, whatever was written last: no version is equal to it
/// unasked. Whoever wrote the item last goes on being known by it. None where another record is linked.
pub(super) fn heard(item: &Item, heard: &Heard, now: Instant) -> Option<Item> {
    let Heard { link, from, marks, gone } = heard;
    let linked = item.external_id.as_ref() == Some(&link.external_id);
    if !linked && item.external_id != *from {
        return None;
    }
    let mut base = marks.over(&item.base);
    base.note_gone(*gone);
    Some(Item {
        rev: item.rev + 1,
        base,
        applied_hash: None,
        external_id: Some(link.external_id.clone()),
        object: Some(link.object.clone()),
        linked_at: if linked { item.linked_at } else { Some(now) },
        deleted: false,
        ..item.clone()
    })
}

/// Whether the slot keeps what was attempted: not another version, nor the same to be planned under a newer mapping.
pub(super) fn keeps(slot: &Slot, attempt: &Attempt) -> bool {
    slot.wanted_version == attempt.version && slot.mapping_revision <= attempt.mapping_revision
}

/// The bulk lane told the CRM a version, and a newer one was parked meanwhile: that one stays, nothing is equal to what
/// the CRM holds, and the link stands.
pub(super) fn confirm_beneath(item: Item, attempt: &Attempt, done: &Applied, now: Instant) -> Item {
    let slot = item.slot.clone();
    let closed = Applied { open: None, ..done.clone() };
    Item { slot, applied_hash: None, ..confirm(item, attempt, &closed, now) }
}

/// The hash, and what may have been written beside it; none and more, when something may have landed that nobody recorded.
fn certain(item: &Item, attempt: &Attempt, uncertain: bool) -> (Option<String>, Sent) {
    if uncertain { (None, sent(item, attempt)) } else { (item.applied_hash.clone(), item.sent.clone()) }
}

/// What is parked stays so until then at least; none when nothing is.
pub(super) fn put_off(item: Item, attempt: &Attempt, put: &Put, now: Instant) -> Option<Item> {
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
    let (applied_hash, sent) = certain(&item, attempt, put.uncertain);
    let item = Item { slot: Some(slot), applied_hash, sent, crashes: 0, ..item };
    Some(item.noting(Ended::Parked, attempt.version, now, Some(put.reason.code)))
}

/// What is put off until `held` exactly is put off as `put` says; none when something else keeps it, or nothing does. The
/// time is the mark: whoever put it off drew it, and a newer version that took the slot meanwhile kept it.
pub(super) fn released(
    item: Item,
    attempt: &Attempt,
    held: Instant,
    put: &Put,
    now: Instant,
) -> Option<Item> {
    let slot = item.slot.clone().filter(|slot| slot.state.lane() == Lane::Bulk && slot.not_before == held)?;
    let mine = slot.state == SlotState::Parked && keeps(&slot, attempt);
    let attempts = if mine { put.attempts } else { slot.attempts };
    let slot = Slot { not_before: put.until, reason: put.reason.clone(), attempts, ..slot };
    let (applied_hash, sent) = certain(&item, attempt, put.uncertain);
    let item = Item { slot: Some(slot), applied_hash, sent, crashes: 0, ..item };
    Some(item.noting(Ended::Parked, attempt.version, now, Some(put.reason.code)))
}

/// What the queue gave up while an older version is parked takes that one's place: the bulk lane may be calling the CRM for
/// the record, and nobody else may until it has ended what is parked.
pub(super) fn park_instead(item: Item, attempt: &Attempt, filing: &Filing, now: Instant) -> Item {
    let parking = Parking {
        reason: filing.reason.clone(),
        body: filing.body.clone(),
        deleted: filing.deleted,
        attempts: filing.attempts,
        until: now,
        wait: None,
    };
    let (applied_hash, sent) = certain(&item, attempt, filing.uncertain);
    park(Item { applied_hash, sent, ..item }, attempt, &parking, now)
}

pub(super) fn file(item: Item, attempt: &Attempt, filing: &Filing, now: Instant) -> Item {
    let (applied_hash, sent) = certain(&item, attempt, filing.uncertain);
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
        occurred_at: attempt.occurred_at,
        trace: attempt.trace.clone(),
        // Whoever wakes it is a person, and does not wait behind a backfill.
        backfill: false,
    };
    let intent = if filing.not_created { None } else { item.intent.clone() };
    Item { slot: Some(slot), applied_hash, sent, crashes: 0, intent, ..item }
        .noting(Ended::Dead, attempt.version, now, Some(filing.reason.code))
        .for_field(filing.reason.field.as_deref())
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
        occurred_at: attempt.occurred_at,
        trace: attempt.trace.clone(),
        // The backfill is done with it: it is looked at and completed like any other.
        backfill: false,
    }
}

/// A hold that stands is not cut short by what comes later.
pub(super) fn park(item: Item, attempt: &Attempt, parking: &Parking, now: Instant) -> Item {
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
        // A version holds the changes of those before it: it counts as of the latest of them.
        occurred_at: attempt.occurred_at.map(|at| item.slot.as_ref().map_or(at, |slot| slot.later(at))),
        trace: attempt.trace.clone(),
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
pub(super) fn shadowed(item: Item, attempt: &Attempt, shadow: &Shadow, now: Instant) -> Item {
    let applied_hash = if attempt.again { None } else { item.applied_hash.clone() };
    Item { shadow: Some(shadow.clone()), applied_hash, ..item }.noting(
        Ended::Skipped,
        attempt.version,
        now,
        Some(Code::Shadowed),
    )
}
