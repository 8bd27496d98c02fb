//! Waiting for the records that a record refers to: how long, and when it goes without one.

use super::{Action, Incoming, Situation, Wait};
use crate::code::Code;
use crate::item::{Item, Reason, SlotState, Waits};
use crate::mapping::Reference;
use crate::payload::Resolved;
use crate::time::Instant;

/// The first look of a record that waits, should its wake-up be lost, in milliseconds; then twice as late each time …
const FIRST_LOOK_MS: i64 = 60_000;
/// … and at least this often.
const LOOK_AT_LEAST_MS: i64 = 900_000;
/// The first look of a record that went without its reference, in milliseconds; then twice as late each time …
const FIRST_LATE_LOOK_MS: i64 = 600_000;
/// … at least once a day …
const LATE_LOOK_AT_LEAST_MS: i64 = 24 * 3_600_000;
/// … until it has waited so long: from then on only the reference's own link wakes it. One that lacks several looks on,
/// since it is found by one of them at a time.
const LAST_LOOK_MS: i64 = 48 * 3_600_000;

/// The wait for the first reference that is worth one; none when the record can go.
pub(super) fn wait(incoming: &Incoming, at: Situation<'_>) -> Option<Action> {
    let (reference, _) = at.references.iter().find(|(_, state)| *state == Resolved::NotYet)?;
    // What went without it once does not wait again.
    let went = at.item.slot.as_ref().is_some_and(|slot| slot.state == SlotState::Incomplete);
    if went && (incoming.wake || for_it(at.item, reference)) {
        return None;
    }
    let since = since(incoming, at, reference);
    let until = since.plus_ms(at.mapping.reference_wait_ms);
    if until <= at.now {
        return None;
    }
    let pause_ms = at.now.since_ms(since).clamp(FIRST_LOOK_MS, LOOK_AT_LEAST_MS);
    let message = format!("the {} in `{}` is not linked yet", reference.record_type, reference.field);
    Some(Action::Wait(Box::new(Wait {
        waits: waits(reference, at.now.plus_ms(pause_ms).min(until)),
        since,
        until,
        reason: reason(reference, message),
    })))
}

/// What stays open when the record goes now: a reference that it goes without. Of several it is the one after that which
/// its slot names, so that each has its turn to be the one that wakes it. Only a look in vain may be the last: who goes
/// without it is not waiting for it yet when the word comes that it is linked.
pub(super) fn open(incoming: &Incoming, at: Situation<'_>, in_vain: bool) -> Option<Wait> {
    let lacking = at.references.iter().filter(|(_, state)| !matches!(state, Resolved::Linked { .. }));
    let lacking: Vec<&Reference> = lacking.map(|(reference, _)| reference).collect();
    let named = lacking.iter().position(|reference| for_it(at.item, reference));
    let next = named.map_or(0, |place| (place + 1) % lacking.len());
    let reference = *lacking.get(next)?;
    let since = since(incoming, at, reference);
    let age_ms = at.now.since_ms(since);
    let last = in_vain && for_it(at.item, reference) && age_ms >= LAST_LOOK_MS && lacking.len() == 1;
    let look_at = if last {
        Instant(0)
    } else {
        at.now.plus_ms(age_ms.clamp(FIRST_LATE_LOOK_MS, LATE_LOOK_AT_LEAST_MS))
    };
    let message = format!(
        "written without the {} in `{}`, which is not linked; completed when it is",
        reference.record_type, reference.field
    );
    Some(Wait {
        waits: waits(reference, look_at),
        since,
        until: Instant(0),
        reason: reason(reference, message),
    })
}

/// A record that changes while it waits does not begin to wait anew, nor does one that waits for several in turn.
fn since(incoming: &Incoming, at: Situation<'_>, reference: &Reference) -> Instant {
    let slot = at.item.waiting().filter(|_| incoming.wake || for_it(at.item, reference));
    slot.map_or(at.arrived, |slot| slot.since)
}

fn for_it(item: &Item, reference: &Reference) -> bool {
    item.waiting().is_some_and(|slot| slot.waits_for(&reference.record_type, &reference.record_id))
}

fn waits(reference: &Reference, look_at: Instant) -> Waits {
    Waits { record_type: reference.record_type.clone(), record_id: reference.record_id.clone(), look_at }
}

fn reason(reference: &Reference, message: String) -> Reason {
    Reason { field: Some(reference.field.clone()), ..Reason::new(Code::WaitingForReference, message) }
}
