//! What a dropped or resent dead letter leaves of its item. Pure.

use rtr_core::code::Code;
use rtr_core::item::{Ended, Item, Slot};
use rtr_core::time::Instant;

/// What kind of item a dead letter lies in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A record at a connection: it has a fence.
    Pair,
    /// What no connection's lane could file: a place to lie, and nothing else.
    Unfiled,
}

/// What lay dead when somebody looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// The dead version; none where it has none.
    pub version: Option<u64>,
    /// Since when: the same version may have been tried and have died anew, for another reason or with other data.
    pub since: Instant,
}

impl Seen {
    fn is(self, slot: &Slot) -> bool {
        slot.since == self.since && self.version.is_none_or(|version| slot.wanted_version == version)
    }
}

/// The item after what was `seen` in it was given up; none when that does not lie there any more.
///
/// At a pair the fence moves to the version, so that no older one that lies elsewhere is applied after all, and the hash
/// goes, since nobody knows what the CRM has. An open intent stays: a later try must look before it creates. An unfiled
/// item gets no fence: the same body arriving again is a new dead letter, not a repetition.
#[must_use]
pub fn dropped(item: &Item, seen: Seen, kind: Kind, by: &str, now: Instant) -> Option<Item> {
    let slot = item.dead().filter(|slot| seen.is(slot))?;
    let next = Item { rev: item.rev + 1, slot: None, by: by.to_owned(), ..item.clone() };
    let next = match kind {
        Kind::Unfiled => next,
        Kind::Pair => Item {
            applied_version: Some(slot.wanted_version.max(item.applied_version.unwrap_or(0))),
            mapping_revision: Some(slot.mapping_revision.max(item.mapping_revision.unwrap_or(0))),
            applied_hash: None,
            crashes: 0,
            ..next
        },
    };
    Some(next.noting(Ended::Skipped, slot.wanted_version, now, Some(Code::GivenUp)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtr_core::code::Code;
    use rtr_core::item::{Body, Intent, Reason, SlotState};
    use rtr_core::plan::above_fence;
    use serde_json::json;

    fn seen(version: Option<u64>) -> Seen {
        Seen { version, since: Instant(1) }
    }

    fn item(state: SlotState) -> Item {
        let slot = Slot {
            trace: None,
            wanted_version: 7,
            mapping_revision: 3,
            state,
            deleted: false,
            body: Body::Inline(json!({})),
            reason: Reason::new(Code::Invalid, "refused"),
            since: Instant(1),
            not_before: Instant(0),
            attempts: 1,
            waits: None,
            backfill: false,
            occurred_at: None,
        };
        let intent = Some(Intent { nonce: "n".to_owned(), version: 7, at: Instant(0), matched: None });
        Item {
            rev: 4,
            applied_version: Some(5),
            mapping_revision: Some(2),
            applied_hash: Some("h".to_owned()),
            external_id: Some("x-1".to_owned()),
            slot: Some(slot),
            intent,
            by: "m".to_owned(),
            ..Item::default()
        }
    }

    #[test]
    fn given_a_dead_version_when_dropped_then_the_fence_stands_there_and_the_hash_is_gone() {
        let dropped = dropped(&item(SlotState::Dead), seen(Some(7)), Kind::Pair, "me", Instant(9)).unwrap();
        assert_eq!((dropped.rev, dropped.applied_version, dropped.mapping_revision), (5, Some(7), Some(3)));
        assert_eq!((&dropped.applied_hash, &dropped.slot, dropped.by.as_str()), (&None, &None, "me"));
        assert!(dropped.external_id.is_some() && dropped.intent.is_some());
        assert!(!above_fence(&dropped, 7, 3) && above_fence(&dropped, 8, 3));
        assert_eq!(dropped.recent[0].to_text(), "skipped 7 9 RTR4023");
    }

    #[test]
    fn given_another_version_or_parked_work_when_dropped_then_nothing_is_touched() {
        let now = Instant(9);
        assert_eq!(dropped(&item(SlotState::Dead), seen(Some(6)), Kind::Pair, "me", now), None);
        assert_eq!(dropped(&item(SlotState::Parked), seen(Some(7)), Kind::Pair, "me", now), None);
        assert_eq!(dropped(&Item::default(), seen(None), Kind::Pair, "me", now), None);
    }

    #[test]
    fn given_an_unfiled_letter_when_dropped_then_the_same_body_may_die_again() {
        let filed = Item { applied_version: None, mapping_revision: None, ..item(SlotState::Dead) };
        let dropped = dropped(&filed, seen(None), Kind::Unfiled, "me", Instant(9)).unwrap();
        assert_eq!((dropped.applied_version, dropped.slot.is_none()), (None, true));
        assert!(above_fence(&dropped, 7, 0));
    }

    #[test]
    fn given_a_version_that_died_anew_since_it_was_listed_when_dropped_then_it_is_left_alone() {
        let listed = Seen { version: Some(7), since: Instant(0) };
        for kind in [Kind::Pair, Kind::Unfiled] {
            assert_eq!(dropped(&item(SlotState::Dead), listed, kind, "me", Instant(9)), None);
        }
    }
}
