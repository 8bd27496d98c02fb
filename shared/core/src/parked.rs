//! What a person may do with what is parked: make it due, or give it up. Pure.
//!
//! Neither calls the CRM nor ends anything: what is parked is the bulk lane's, which may be in a call of it at this moment.
//! One moves its time, the other marks it; the lane does the rest, never before a hold is over.

use crate::item::{Item, Slot, SlotState};
use crate::time::Instant;

/// What was parked when somebody looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// The version.
    pub version: u64,
    /// Since when.
    pub since: Instant,
}

/// What to do about it.
#[derive(Debug, Clone, PartialEq)]
pub enum Act {
    /// Write this, conditioned on the `rev` of the item given.
    Write(Box<Item>),
    /// Nothing needs to be written: it is due, or marked, already.
    Already,
    /// A request may be under way whose outcome nobody knows: not before then.
    Held(Instant),
    /// It waits for another record, and is the sync lane's.
    Waits,
    /// It was given up, and only its lane has not ended it yet.
    Dropped,
    /// Something else is there by now.
    Gone,
}

impl Seen {
    /// What `slot` shows.
    #[must_use]
    pub fn of(slot: &Slot) -> Self {
        Self { version: slot.wanted_version, since: slot.since }
    }

    fn is(self, slot: &Slot) -> bool {
        Self::of(slot) == self
    }
}

/// Makes what was `seen` due now.
#[must_use]
pub fn hasten(item: &Item, seen: Seen, by: &str, now: Instant) -> Act {
    let Some(slot) = item.slot.as_ref().filter(|slot| seen.is(slot)) else { return Act::Gone };
    match slot.state {
        SlotState::Parked if slot.is_held(now) => Act::Held(slot.not_before),
        SlotState::Parked if slot.not_before <= now => Act::Already,
        SlotState::Parked => with(item, Slot { not_before: now, ..slot.clone() }, by),
        SlotState::Waiting => Act::Waits,
        SlotState::Drop => Act::Dropped,
        SlotState::Dead | SlotState::Incomplete => Act::Gone,
    }
}

/// Marks what was `seen` to be dropped. Its time stays: a request whose answer was lost may still land.
#[must_use]
pub fn give_up(item: &Item, seen: Seen, by: &str) -> Act {
    let Some(slot) = item.slot.as_ref().filter(|slot| seen.is(slot)) else { return Act::Gone };
    match slot.state {
        SlotState::Parked => with(item, Slot { state: SlotState::Drop, ..slot.clone() }, by),
        SlotState::Drop => Act::Already,
        SlotState::Waiting => Act::Waits,
        SlotState::Dead | SlotState::Incomplete => Act::Gone,
    }
}

fn with(item: &Item, slot: Slot, by: &str) -> Act {
    Act::Write(Box::new(Item { rev: item.rev + 1, slot: Some(slot), by: by.to_owned(), ..item.clone() }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic, clippy::unwrap_used)]

    use super::*;
    use crate::code::Code;
    use crate::item::{Body, Reason};
    use crate::plan::{Fence, Incoming, fence};
    use serde_json::Value;

    const NOW: Instant = Instant(1_000);
    const SEEN: Seen = Seen { version: 7, since: Instant(5) };

    fn item(state: SlotState, code: Code, not_before: i64) -> Item {
        let slot = Slot {
            trace: None,
            wanted_version: 7,
            mapping_revision: 1,
            state,
            deleted: false,
            body: Body::Inline(Value::Null),
            reason: Reason::new(code, "later"),
            since: Instant(5),
            not_before: Instant(not_before),
            attempts: 1,
            waits: None,
            backfill: false,
            occurred_at: None,
        };
        Item { rev: 3, applied_version: Some(6), slot: Some(slot), by: "m".to_owned(), ..Item::default() }
    }

    #[test]
    fn given_what_is_parked_when_hastened_then_it_is_due_unless_a_request_may_be_under_way() {
        let of = |code, at| hasten(&item(SlotState::Parked, code, at), SEEN, "me", NOW);
        let Act::Write(hastened) = of(Code::Throttled, 9_000) else { panic!("to be written") };
        assert_eq!((hastened.rev, hastened.by.as_str(), hastened.applied_version), (4, "me", Some(6)));
        assert_eq!(hastened.slot.unwrap().not_before, NOW);
        for code in [Code::OutcomeUnknown, Code::IntentOpen, Code::InJob] {
            assert_eq!(of(code, 9_000), Act::Held(Instant(9_000)));
            assert_eq!(of(code, 1_000), Act::Already, "its hold is over");
        }
        assert_eq!(of(Code::Paused, 900), Act::Already);
    }

    #[test]
    fn given_what_is_parked_when_given_up_then_it_is_marked_and_neither_its_time_nor_the_fence_moves() {
        let of = |code| give_up(&item(SlotState::Parked, code, 9_000), SEEN, "me");
        for code in [Code::Paused, Code::OutcomeUnknown] {
            let Act::Write(marked) = of(code) else { panic!("to be written") };
            let slot = marked.slot.clone().unwrap();
            assert_eq!((slot.state, slot.not_before), (SlotState::Drop, Instant(9_000)));
            assert_eq!((marked.rev, marked.applied_version), (4, Some(6)));
            // A newer version takes its place all the same.
            let (operation, lane) = (crate::change::Operation::Upsert, crate::item::Lane::Sync);
            let newer = Incoming {
                version: 8,
                mapping_revision: 1,
                operation,
                lane,
                wake: false,
                again: false,
                rewrite: false,
            };
            assert_eq!(fence(&marked, &newer, NOW), Fence::Parked);
        }
    }

    #[test]
    fn given_another_version_or_another_state_when_acted_on_then_it_is_left_alone() {
        let both = |item: &Item, seen| (hasten(item, seen, "me", NOW), give_up(item, seen, "me"));
        let parked = item(SlotState::Parked, Code::Throttled, 9_000);
        for seen in [Seen { version: 6, ..SEEN }, Seen { since: Instant(6), ..SEEN }] {
            assert_eq!(both(&parked, seen), (Act::Gone, Act::Gone));
        }
        let of = |state| both(&item(state, Code::WaitingForReference, 9_000), SEEN);
        assert_eq!(of(SlotState::Waiting), (Act::Waits, Act::Waits));
        assert_eq!(of(SlotState::Dead), (Act::Gone, Act::Gone));
        assert_eq!(of(SlotState::Drop), (Act::Dropped, Act::Already));
        assert_eq!(both(&Item::default(), SEEN), (Act::Gone, Act::Gone));
    }
}
