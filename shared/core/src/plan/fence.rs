//! Whether a version may be looked at at all, by the item alone.

use super::Incoming;
use crate::item::{Item, Lane, SlotState};
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
        return open(
            meant.is_some_and(|slot| slot.state == SlotState::Parked && slot.not_before <= now)
                && may_end(item, incoming.version, incoming.mapping_revision),
        );
    }
    if incoming.wake {
        return open(meant.is_some() && item.lane() == Lane::Sync);
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

/// The same for an ending: a version that was written without a reference may be written again, to be completed.
#[must_use]
pub fn may_end(item: &Item, version: u64, mapping_revision: u64) -> bool {
    let completes = item
        .slot
        .as_ref()
        .is_some_and(|slot| slot.wanted_version == version && item.applied_version == Some(version));
    completes || above_fence(item, version, mapping_revision)
}
