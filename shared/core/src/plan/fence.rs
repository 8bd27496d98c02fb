//! Whether a version may be looked at at all, by the item alone.

use super::Incoming;
use crate::item::{Item, Lane, Slot, SlotState};
use crate::time::Instant;

/// Whether the version may be looked at at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fence {
    /// It is the newest known.
    Open,
    /// An equal or newer one came first; a wake finds nothing to wake.
    Superseded,
    /// It may take the place of what is parked, and goes when that would have gone.
    Parked,
}

/// Whether `incoming` is still wanted by its lane.
///
/// What is parked is the bulk lane's, which may be calling it at this moment: the sync lane only puts newer versions in
/// its place. The bulk lane takes it up when its time has come, and not before: a request whose answer was lost may still
/// land.
#[must_use]
pub fn fence(item: &Item, incoming: &Incoming, now: Instant) -> Fence {
    let meant = item.slot.as_ref().filter(|slot| slot.wanted_version == incoming.version);
    let open = |is_open| if is_open { Fence::Open } else { Fence::Superseded };
    if incoming.lane == Lane::Bulk {
        // Whoever has not heard of the mapping yet that it is to be planned under leaves it to those who have.
        let due = |slot: &Slot| {
            slot.state == SlotState::Parked
                && slot.not_before <= now
                && slot.mapping_revision <= incoming.mapping_revision
        };
        return open(meant.is_some_and(due) && may_end(item, incoming.version, incoming.mapping_revision));
    }
    if incoming.wake {
        return open(meant.is_some() && item.lane() == Lane::Sync);
    }
    if incoming.rewrite && may_rewrite(item, incoming.version, incoming.mapping_revision) {
        return Fence::Open;
    }
    if !above_fence(item, incoming.version, incoming.mapping_revision) {
        return Fence::Superseded;
    }
    let newest = match &item.slot {
        None => true,
        Some(slot) if slot.wanted_version == incoming.version => {
            slot.mapping_revision < incoming.mapping_revision
        }
        Some(slot) => slot.wanted_version < incoming.version,
    };
    match (newest, item.lane()) {
        (false, _) => Fence::Superseded,
        (true, Lane::Bulk) => Fence::Parked,
        (true, Lane::Sync) => Fence::Open,
    }
}

/// FENCE(v, m) of the protocol: the applied version is older, or equal under an older mapping.
#[must_use]
pub fn above_fence(item: &Item, version: u64, mapping_revision: u64) -> bool {
    match item.applied_version {
        None => true,
        Some(applied) if applied == version => item.mapping_revision.unwrap_or(0) < mapping_revision,
        Some(applied) => applied < version,
    }
}

/// Whether a version that is applied may be written once more, since a person knows that the CRM holds something else: as long as
/// nothing newer is, or is on its way. The fence stays where it is.
#[must_use]
pub fn may_rewrite(item: &Item, version: u64, mapping_revision: u64) -> bool {
    let stands = |slot: &Slot| slot.state == SlotState::Incomplete && slot.wanted_version == version;
    item.applied_version == Some(version)
        && item.mapping_revision.unwrap_or(0) <= mapping_revision
        && item.slot.as_ref().is_none_or(stands)
}

/// The same for an ending: a version that was written without a reference may be written again, to be completed.
#[must_use]
pub fn may_end(item: &Item, version: u64, mapping_revision: u64) -> bool {
    let completes = item
        .slot
        .as_ref()
        .is_some_and(|slot| slot.wanted_version == version && item.applied_version == Some(version));
    completes || above_fence(item, version, mapping_revision)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::Operation;
    use crate::code::Code;
    use crate::item::{Body, Reason};
    use serde_json::Value;

    /// The applied version 1 and version 2 in the slot, both under mapping 1; parked until 10.
    fn item(state: SlotState) -> Item {
        let slot = Slot {
            trace: None,
            wanted_version: 2,
            mapping_revision: 1,
            state,
            deleted: false,
            body: Body::Inline(Value::Null),
            reason: Reason::new(Code::Throttled, "later"),
            since: Instant(0),
            not_before: Instant(10),
            attempts: 1,
            waits: None,
            backfill: false,
            occurred_at: None,
        };
        Item { applied_version: Some(1), mapping_revision: Some(1), slot: Some(slot), ..Item::default() }
    }

    fn of_lane(
        state: SlotState,
        lane: Lane,
        version: u64,
        mapping_revision: u64,
        wake: bool,
        now: i64,
    ) -> Fence {
        let operation = Operation::Upsert;
        let incoming =
            Incoming { version, mapping_revision, operation, lane, wake, again: false, rewrite: false };
        fence(&item(state), &incoming, Instant(now))
    }

    #[test]
    fn given_parked_work_when_the_sync_lane_comes_then_it_only_takes_its_place() {
        for state in [SlotState::Parked, SlotState::Drop] {
            for now in [5, 20] {
                assert_eq!(of_lane(state, Lane::Sync, 3, 1, false, now), Fence::Parked, "{state:?}, newer");
                assert_eq!(
                    of_lane(state, Lane::Sync, 2, 2, false, now),
                    Fence::Parked,
                    "{state:?}, newer mapping"
                );
                assert_eq!(
                    of_lane(state, Lane::Sync, 2, 1, false, now),
                    Fence::Superseded,
                    "{state:?}, the same"
                );
                assert_eq!(
                    of_lane(state, Lane::Sync, 2, 1, true, now),
                    Fence::Superseded,
                    "{state:?}, a wake"
                );
            }
        }
    }

    #[test]
    fn given_a_slot_of_the_sync_lane_when_it_comes_then_it_goes() {
        for state in [SlotState::Dead, SlotState::Waiting, SlotState::Incomplete] {
            assert_eq!(of_lane(state, Lane::Sync, 3, 1, false, 5), Fence::Open, "{state:?}, newer");
            assert_eq!(of_lane(state, Lane::Sync, 2, 1, true, 5), Fence::Open, "{state:?}, a wake");
            assert_eq!(
                of_lane(state, Lane::Bulk, 2, 1, true, 20),
                Fence::Superseded,
                "{state:?}, the bulk lane"
            );
        }
    }

    #[test]
    fn given_what_is_applied_when_it_is_to_be_written_again_then_only_as_long_as_nothing_newer_is_known() {
        let of = |item: &Item, version, mapping_revision, rewrite| {
            let (operation, lane) = (Operation::Upsert, Lane::Sync);
            let incoming =
                Incoming { version, mapping_revision, operation, lane, wake: false, again: false, rewrite };
            fence(item, &incoming, Instant(20))
        };
        let at_rest = Item { slot: None, ..item(SlotState::Dead) };
        assert_eq!(of(&at_rest, 1, 1, true), Fence::Open);
        assert_eq!(of(&at_rest, 1, 1, false), Fence::Superseded, "nobody wants it");
        assert_eq!(of(&at_rest, 0, 1, true), Fence::Superseded, "an older version");
        assert_eq!(of(&at_rest, 1, 0, true), Fence::Superseded, "an older mapping");
        assert_eq!(of(&at_rest, 2, 1, true), Fence::Open, "a newer one goes like any other");
        for state in [SlotState::Parked, SlotState::Dead, SlotState::Waiting] {
            assert_eq!(
                of(&item(state), 1, 1, true),
                Fence::Superseded,
                "{state:?}: a newer one is on its way"
            );
        }
    }

    #[test]
    fn given_the_bulk_lane_when_it_takes_up_then_only_what_is_parked_and_due() {
        let of = |state, version, now| of_lane(state, Lane::Bulk, version, 1, true, now);
        assert_eq!(of(SlotState::Parked, 2, 9), Fence::Superseded);
        assert_eq!(of(SlotState::Parked, 2, 10), Fence::Open);
        assert_eq!(of(SlotState::Parked, 3, 10), Fence::Superseded);
        assert_eq!(of(SlotState::Drop, 2, 10), Fence::Superseded);
        let under = |revision| of_lane(SlotState::Parked, Lane::Bulk, 2, revision, true, 10);
        assert_eq!((under(0), under(2)), (Fence::Superseded, Fence::Open));
    }
}
