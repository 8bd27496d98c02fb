//! Where the poll of one kind of records at one connection is, kept in an item's slot: the sweep finds when it is due, and whoever
//! writes it first has it. Pure.

use rtr_connectors::changes::Position;
use rtr_core::code::Code;
use rtr_core::item::{Body, Item, Reason, Slot, SlotState, Waits};
use rtr_core::time::Instant;
use serde::{Deserialize, Serialize};

/// A poll begins with what changed so long before it was first heard of, in milliseconds.
const BEFORE_MS: i64 = 600_000;

/// How far a poll is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    /// All before it was seen.
    pub(super) next: Position,
    /// Whether all behind it was seen too, when it was last asked: the next run looks a while back first.
    pub(super) caught_up: bool,
    /// From when on something may have been changed that was not found yet, when the run came there: the next one begins there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) unsure: Option<Instant>,
    /// The cursor within the list of what is gone, while that is read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) gone: Option<String>,
    /// When that list was last read to its end.
    #[serde(default)]
    pub(super) gone_at: Instant,
}

impl Place {
    /// Of a poll that begins now.
    pub(super) fn new(now: Instant) -> Self {
        let next = Position { at: now.plus_ms(-BEFORE_MS), after: None };
        Self { next, caught_up: true, unsure: None, gone: None, gone_at: now }
    }

    /// Where a run begins: of one that was cut off, where that was.
    pub(super) fn begin(&self, overlap_ms: i64) -> Position {
        if self.caught_up {
            let at = self.next.at.plus_ms(-overlap_ms);
            Position { at: self.unsure.map_or(at, |unsure| unsure.min(at)), after: None }
        } else {
            self.next.clone()
        }
    }

    /// After a page that ends at `next`, asked for at `now`: what was seen before is not forgotten by looking back. What changed
    /// within `overlap_ms` of the asking may not have been found yet, however long the run goes on after that.
    pub(super) fn after(&self, next: Position, more: bool, now: Instant, overlap_ms: i64) -> Self {
        let begins = self.caught_up;
        let next = if more || next.at >= self.next.at { next } else { self.next.clone() };
        let edge = now.plus_ms(-overlap_ms);
        let unsure = self.unsure.filter(|_| !begins).or_else(|| (next.at > edge).then_some(edge));
        Self { next, caught_up: !more, unsure, ..self.clone() }
    }

    /// What is kept of it in `item`; none when that is something else, or nothing.
    pub(super) fn of(item: &Item) -> Option<Self> {
        match &item.slot.as_ref()?.body {
            Body::Inline(body) => serde_json::from_value(body.clone()).ok(),
            Body::Stored(_) => None,
        }
    }

    /// `item` with this in it, to be looked at then.
    pub(super) fn put(
        &self,
        item: &Item,
        object: &str,
        look_at: Instant,
        reason: Reason,
        by: &str,
        now: Instant,
    ) -> Item {
        let version = item.slot.as_ref().map_or(0, |slot| slot.wanted_version) + 1;
        let slot = Slot {
            trace: None,
            wanted_version: version,
            mapping_revision: 0,
            state: SlotState::Waiting,
            deleted: false,
            body: Body::Inline(serde_json::to_value(self).unwrap_or_default()),
            reason,
            since: item.slot.as_ref().map_or(now, |slot| slot.since),
            not_before: look_at,
            attempts: 0,
            waits: Some(Waits { record_type: object.to_owned(), record_id: object.to_owned(), look_at }),
            backfill: false,
            occurred_at: None,
        };
        Item { rev: item.rev + 1, by: by.to_owned(), slot: Some(slot), ..item.clone() }
    }
}

/// Why a poll waits that has nothing to do before its next time.
pub(super) fn idle() -> Reason {
    Reason::new(Code::Polling, Code::Polling.about())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn at(ms: i64, after: Option<&str>) -> Position {
        Position { at: Instant(ms), after: after.map(str::to_owned) }
    }

    #[test]
    fn given_a_run_that_was_cut_off_when_it_goes_on_then_it_is_where_it_was_and_the_next_one_looks_back() {
        let begun =
            Place { next: at(1_000, None), caught_up: true, unsure: None, gone: None, gone_at: Instant(0) };
        assert_eq!(begun.begin(60), at(940, None));
        let after = |place: &Place, next, more, now| place.after(next, more, Instant(now), 60);
        let midway = after(&begun, at(980, Some("7")), true, 9_000);
        assert_eq!(midway.begin(60), at(980, Some("7")));
        let done = after(&midway, at(1_500, None), false, 9_000);
        assert_eq!(done.begin(60), at(1_440, None));
        // It found nothing but what it had looked back for.
        let again = after(&done, at(1_450, None), false, 9_000);
        assert_eq!(again.next, at(1_500, None));
        // It came near the present, and went on for long: what had not been found by then is looked for.
        let near = after(&begun, at(8_990, None), true, 9_000);
        let long = after(&near, at(9_900, None), false, 9_950);
        assert_eq!((long.begin(60), long.unsure), (at(8_940, None), Some(Instant(8_940))));
        let next = after(&long, at(9_900, None), false, 90_000);
        assert_eq!(next.begin(60), at(9_840, None));
    }

    #[test]
    fn given_a_place_when_kept_then_it_is_read_back_and_each_keeping_has_a_number_of_its_own() {
        let place = Place::new(Instant(5_000_000));
        let item = place.put(&Item::default(), "contacts", Instant(9), idle(), "me", Instant(1));
        assert_eq!(Place::of(&item), Some(place.clone()));
        let slot = item.slot.clone().unwrap();
        assert_eq!((slot.wanted_version, slot.due_at()), (1, Some(Instant(9))));
        let again = place.put(&item, "contacts", Instant(10), idle(), "me", Instant(2));
        assert_eq!(again.slot.unwrap().wanted_version, 2);
    }
}
