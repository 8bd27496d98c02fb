//! The bulk lane's rows of the table: what it writes while the sync lane, or a person, writes beside it.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::code::Code;
use crate::item::{Body, Reason, Slot};
use crate::marks::Marks;
use crate::sent::Sent;
use serde_json::Value;

/// Version 1 is applied and `wanted` in the slot, under the mappings given.
fn item(state: SlotState, wanted: u64, mapping_revision: u64) -> Item {
    let slot = Slot {
        trace: None,
        wanted_version: wanted,
        mapping_revision,
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
    Item {
        rev: 7,
        applied_version: Some(1),
        mapping_revision: Some(1),
        applied_hash: Some("one".to_owned()),
        slot: Some(slot),
        by: "other".to_owned(),
        ..Item::default()
    }
}

fn attempt(lane: Lane, version: u64) -> Attempt {
    Attempt {
        trace: None,
        lane,
        version,
        mapping_revision: 1,
        by: "me".to_owned(),
        again: false,
        backfill: false,
        rewrite: false,
        occurred_at: None,
        sent: Sent::default(),
    }
}

fn told() -> Ending {
    let link = Some(Link { object: "contacts".to_owned(), external_id: "x".to_owned() });
    Ending::Applied(Applied {
        hash: Some("two".to_owned()),
        base: Marks::default(),
        link,
        code: None,
        open: None,
        told: true,
    })
}

fn dead() -> Ending {
    Ending::Dead(Box::new(Filing {
        reason: Reason::new(Code::NativeDeadLetter, "given up"),
        body: Body::Inline(Value::Null),
        deleted: false,
        attempts: 1,
        uncertain: true,
        not_created: false,
    }))
}

fn put(until: i64, uncertain: bool) -> Ending {
    let reason = Reason::new(Code::OutcomeUnknown, "later");
    Ending::Put(Put { until: Instant(until), reason, uncertain, attempts: 2 })
}

fn bulk(item: &Item, ending: &Ending) -> Decision {
    settle(item, &attempt(Lane::Bulk, 2), ending, Instant(20))
}

fn written(decision: Decision) -> Item {
    match decision {
        Decision::Write(item) => *item,
        other => panic!("not written: {other:?}"),
    }
}

/// State, version and time of what is in the slot.
fn kept(item: &Item) -> Option<(SlotState, u64, i64)> {
    item.slot.as_ref().map(|slot| (slot.state, slot.wanted_version, slot.not_before.0))
}

#[test]
fn given_what_is_parked_when_the_bulk_lane_told_it_then_it_is_applied() {
    let item = written(bulk(&item(SlotState::Parked, 2, 1), &told()));
    assert_eq!(
        (item.applied_version, item.applied_hash.as_deref(), kept(&item)),
        (Some(2), Some("two"), None)
    );
}

#[test]
fn given_a_newer_one_parked_meanwhile_when_the_bulk_lane_told_its_own_then_that_stays_and_the_link_stands() {
    for (wanted, revision) in [(3, 1), (2, 2)] {
        let item = written(bulk(&item(SlotState::Parked, wanted, revision), &told()));
        assert_eq!(
            (item.applied_version, item.mapping_revision, item.applied_hash.as_deref()),
            (Some(2), Some(1), None)
        );
        assert_eq!(kept(&item), Some((SlotState::Parked, wanted, 10)));
        assert_eq!(item.external_id.as_deref(), Some("x"));
    }
}

#[test]
fn given_a_newer_one_parked_meanwhile_when_the_bulk_lane_completed_what_stood_then_nothing_was_overtaken() {
    let stands =
        Item { applied_version: Some(2), mapping_revision: Some(1), ..item(SlotState::Parked, 3, 1) };
    let item = written(bulk(&stands, &told()));
    assert_eq!((item.applied_version, kept(&item)), (Some(2), Some((SlotState::Parked, 3, 10))));
    let newer = Item { mapping_revision: Some(2), ..stands };
    assert!(matches!(bulk(&newer, &told()), Decision::Overtaken(_)), "a newer mapping stood there");
}

#[test]
fn given_it_was_to_be_dropped_when_the_bulk_lane_told_it_then_it_is_applied() {
    let item = written(bulk(&item(SlotState::Drop, 2, 1), &told()));
    assert_eq!(
        (item.applied_version, item.applied_hash.as_deref(), kept(&item)),
        (Some(2), Some("two"), None)
    );
}

#[test]
fn given_an_unknown_outcome_when_put_off_then_whatever_is_parked_by_then_waits_and_the_hash_goes() {
    for (state, wanted, revision) in [
        (SlotState::Parked, 2, 1),
        (SlotState::Parked, 3, 1),
        (SlotState::Parked, 2, 2),
        (SlotState::Drop, 2, 1),
    ] {
        let item = written(bulk(&item(state, wanted, revision), &put(50, true)));
        assert_eq!((kept(&item), item.applied_hash), (Some((state, wanted, 50)), None));
    }
}

#[test]
fn given_it_cannot_go_now_when_put_off_then_only_the_same_version_waits_and_a_later_time_stands() {
    let item = |state, wanted| item(state, wanted, 1);
    let same = written(bulk(&item(SlotState::Parked, 2), &put(5, false)));
    assert_eq!((kept(&same), same.applied_hash.as_deref()), (Some((SlotState::Parked, 2, 10)), Some("one")));
    for other in [item(SlotState::Parked, 3), item(SlotState::Drop, 2), item(SlotState::Dead, 2)] {
        assert_eq!(bulk(&other, &put(50, false)), Decision::Superseded);
    }
}

#[test]
fn given_a_hold_when_another_version_is_parked_beside_or_after_it_then_the_slot_says_that_it_is_held() {
    let code = |item: &Item| item.slot.as_ref().map(|slot| slot.reason.code);
    // The newer one was parked for a throttle while the older one's answer was lost.
    let newer = written(bulk(&item(SlotState::Parked, 3, 1), &put(50, true)));
    assert_eq!((kept(&newer), code(&newer)), (Some((SlotState::Parked, 3, 50)), Some(Code::OutcomeUnknown)));
    assert!(
        newer.slot.as_ref().unwrap().is_held(Instant(49))
            && !newer.slot.as_ref().unwrap().is_held(Instant(50))
    );
    let parking = |until: i64| {
        Ending::Parked(Box::new(Parking {
            reason: Reason::new(Code::Paused, "paused"),
            body: Body::Inline(Value::Null),
            deleted: false,
            attempts: 1,
            until: Instant(until),
            wait: None,
        }))
    };
    for (until, expected) in [(20, (50, Code::OutcomeUnknown)), (70, (70, Code::Paused))] {
        let after = written(settle(&newer, &attempt(Lane::Sync, 4), &parking(until), Instant(20)));
        let slot = after.slot.as_ref().unwrap();
        assert_eq!((slot.wanted_version, slot.not_before.0, slot.reason.code), (4, expected.0, expected.1));
    }
}

#[test]
fn given_a_newer_one_parked_meanwhile_when_the_bulk_lane_was_refused_then_nothing_is_written() {
    assert_eq!(bulk(&item(SlotState::Parked, 3, 1), &dead()), Decision::Superseded);
    assert_eq!(kept(&written(bulk(&item(SlotState::Parked, 2, 1), &dead()))), Some((SlotState::Dead, 2, 0)));
}

fn released(held: i64, until: i64, uncertain: bool) -> Ending {
    let reason = Reason::new(Code::Busy, "later");
    let put = Put { until: Instant(until), reason, uncertain, attempts: 5 };
    Ending::Released { held: Instant(held), put }
}

#[test]
fn given_what_was_put_off_until_a_time_when_released_then_whatever_version_stands_there_goes_before_it() {
    for (wanted, attempts) in [(2, 5), (3, 1)] {
        let let_go = written(bulk(&item(SlotState::Parked, wanted, 1), &released(10, 4, false)));
        assert_eq!(kept(&let_go), Some((SlotState::Parked, wanted, 4)));
        let slot = let_go.slot.as_ref().unwrap();
        assert_eq!((slot.reason.code, slot.attempts), (Code::Busy, attempts));
        assert_eq!(let_go.applied_hash.as_deref(), Some("one"));
        let unknown = written(bulk(&item(SlotState::Drop, wanted, 1), &released(10, 30, true)));
        assert_eq!((kept(&unknown), unknown.applied_hash), (Some((SlotState::Drop, wanted, 30)), None));
    }
}

#[test]
fn given_what_something_else_puts_off_when_released_then_nothing_is_written() {
    for held in [9, 11] {
        assert_eq!(bulk(&item(SlotState::Parked, 2, 1), &released(held, 4, true)), Decision::Superseded);
    }
    for state in [SlotState::Dead, SlotState::Waiting, SlotState::Incomplete] {
        assert_eq!(bulk(&item(state, 2, 1), &released(10, 4, true)), Decision::Superseded);
    }
    let empty = Item { slot: None, ..item(SlotState::Parked, 2, 1) };
    assert_eq!(bulk(&empty, &released(10, 4, true)), Decision::Superseded);
}

#[test]
fn given_what_is_to_be_dropped_when_dropped_then_the_fence_moves_past_it() {
    let dropped = written(bulk(&item(SlotState::Drop, 2, 1), &Ending::Dropped));
    assert_eq!(
        (dropped.applied_version, dropped.applied_hash.as_deref(), kept(&dropped)),
        (Some(2), None, None)
    );
    for other in [item(SlotState::Parked, 2, 1), item(SlotState::Drop, 3, 1)] {
        assert_eq!(bulk(&other, &Ending::Dropped), Decision::Superseded);
    }
}

#[test]
fn given_parked_work_when_the_queue_gave_up_a_newer_version_then_that_is_parked_in_its_place() {
    for state in [SlotState::Parked, SlotState::Drop] {
        let item = written(settle(&item(state, 2, 1), &attempt(Lane::Sync, 3), &dead(), Instant(5)));
        assert_eq!((kept(&item), item.applied_hash), (Some((SlotState::Parked, 3, 10)), None));
    }
}

#[test]
fn given_parked_work_when_the_sync_lane_ends_its_own_then_it_ends_nothing_of_the_bulk_lanes() {
    let sync = |version, ending: &Ending| {
        settle(&item(SlotState::Parked, 2, 1), &attempt(Lane::Sync, version), ending, Instant(5))
    };
    assert!(matches!(sync(3, &told()), Decision::StillNewest(_)));
    assert_eq!(sync(3, &Ending::Skipped(Code::LeftOut)), Decision::PlanAgain);
    assert_eq!(sync(2, &dead()), Decision::Superseded);
}
