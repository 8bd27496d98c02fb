//! What only people ask: counts, what waits, a lane and a bucket as they stand, and what was done by whom.

use crate::stack::{SetClock, drop_table, make_indexed_table, make_lanes_table, make_table, with_stack};
use aws_sdk_dynamodb::types::AttributeValue;
use rtr_aws::config::ConfigStore;
use rtr_aws::limits::DynamoLimits;
use rtr_aws::records::{Count, Counted, DynamoRecords, Oldest};
use rtr_core::audit::Entry;
use rtr_core::breaker::{Breaker, Change, OPENS_AT, State};
use rtr_core::code::Code;
use rtr_core::config::{AUDIT, GLOBAL_ORG, Pauses};
use rtr_core::item::{Body, Item, Reason, Slot, SlotState, Waits};
use rtr_core::key::{ConnectionKey, PairKey, RecordKey};
use rtr_core::limit::{Ask, Rule, general_bucket, left};
use rtr_core::time::Instant;
use rtr_engine::seams::{Limits as _, Names, Records as _, Write, Wrote};
use serde_json::json;
use std::sync::Arc;

const NOW: Instant = Instant(1_795_000_000_000);

fn here() -> ConnectionKey {
    ConnectionKey::new("ac#me", "hubspot")
}

/// The write of a new item with this in its slot.
fn filed(record_id: &str, connection: &ConnectionKey, state: SlotState, at_ms: i64) -> Write {
    let waits = Waits {
        record_type: "company".to_owned(),
        record_id: "k".to_owned(),
        look_at: NOW.plus_ms(at_ms / 2),
    };
    let slot = Slot {
        trace: None,
        wanted_version: 1,
        mapping_revision: 1,
        state,
        deleted: false,
        body: Body::Inline(json!({})),
        reason: Reason::new(Code::Paused, "later"),
        since: NOW,
        not_before: NOW.plus_ms(at_ms),
        attempts: 1,
        waits: (state == SlotState::Waiting).then_some(waits),
        backfill: false,
        occurred_at: None,
    };
    let record = RecordKey::new(connection.org_id.clone(), "contact", record_id);
    let key = PairKey::new(&record, connection);
    let new = Item { rev: 1, slot: Some(slot), ..Item::default() };
    Write { key, names: Names::default(), old: Item::default(), new }
}

#[test]
fn given_what_is_parked_and_what_waits_when_counted_then_each_is_counted_once_and_not_beyond_what_was_asked()
{
    with_stack(async |clients, name| {
        make_indexed_table(&clients, &name, &["pk", "sk"], &["parked", "due", "waiting", "dead"]).await;
        let records = DynamoRecords::new(&clients, &name, &name);
        let other = ConnectionKey::new("ac#me", "hubspot-eu");
        let mut writes: Vec<Write> = (0..60)
            .map(|n| filed(&format!("p{n}"), &here(), SlotState::Parked, i64::from(n) * 1_000))
            .collect();
        writes.push(filed("w1", &here(), SlotState::Waiting, 30_000));
        writes.push(filed("w2", &here(), SlotState::Waiting, 90_000));
        writes.push(filed("d", &here(), SlotState::Drop, 0));
        writes.push(filed("x", &here(), SlotState::Dead, 0));
        writes.push(filed("o", &other, SlotState::Parked, 0));
        for part in writes.chunks(20) {
            assert!(records.write(part).await.iter().all(|wrote| *wrote == Wrote::Done));
        }
        let count = async |until: Option<i64>, with_waits, most| {
            let until = until.map(|ms| NOW.plus_ms(ms));
            records.count_parked(&here(), Counted { until, with_waits, most }).await.unwrap()
        };
        assert_eq!(count(None, true, 10_000).await, Count { number: 63, at_least: false });
        assert_eq!(count(None, false, 10_000).await, Count { number: 61, at_least: false });
        assert_eq!(count(Some(29_999), false, 10_000).await, Count { number: 31, at_least: false });
        let few = count(None, false, 16).await;
        assert!(few.at_least && (1..=16).contains(&few.number), "{few:?}");
        let waits: Vec<i64> = records
            .waits(&here(), 100)
            .await
            .unwrap()
            .iter()
            .map(|one| one.not_before.since_ms(NOW))
            .collect();
        assert_eq!(waits, [30_000, 90_000]);
        let ending = async |ms| {
            let ending = records.waits_ending(NOW.plus_ms(ms), 1_000).await.unwrap();
            ending.into_iter().map(|one| one.record.record_id).collect::<Vec<_>>()
        };
        // The second is looked at by then, and goes on waiting.
        assert_eq!(ending(60_000).await, ["w1"]);
        assert_eq!((ending(29_999).await, ending(90_000).await.len()), (vec![], 2));
        drop_table(&clients, &name).await;
    });
}

#[test]
fn given_what_is_held_behind_a_crowd_that_came_later_when_the_oldest_is_asked_for_then_it_is_found() {
    with_stack(async |clients, name| {
        make_indexed_table(&clients, &name, &["pk", "sk"], &["parked", "due", "waiting", "dead"]).await;
        let records = DynamoRecords::new(&clients, &name, &name);
        let since = |mut write: Write, ms: i64, backfill: bool| {
            let slot = write.new.slot.as_mut().unwrap();
            (slot.since, slot.backfill) = (NOW.plus_ms(ms), backfill);
            write
        };
        let parked = |id: &str, at_ms| filed(id, &here(), SlotState::Parked, at_ms);
        let mut writes: Vec<Write> =
            (0..48).map(|n| since(parked(&format!("p{n}"), n), -n, n % 2 == 0)).collect();
        // Dead for long, which is another matter.
        writes.push(since(filed("x", &here(), SlotState::Dead, 0), -900_000, false));
        for part in writes.chunks(20) {
            assert!(records.write(part).await.iter().all(|wrote| *wrote == Wrote::Done));
        }
        let oldest = async |parked| records.oldest_parked(&here(), parked).await.unwrap();
        let is = |ms: i64, at_latest| Oldest { since: Some(NOW.plus_ms(ms)), at_latest };
        assert_eq!(oldest(0).await, Oldest::default());
        assert_eq!(oldest(48).await, is(-47, false));
        for (n, held) in [
            since(parked("held", 21_600_000), -1_000, false),
            since(parked("in a job", 21_600_000), -2_000, true),
            since(filed("waits", &here(), SlotState::Waiting, 3_600_000), -3_000, false),
        ]
        .into_iter()
        .enumerate()
        {
            let before = -1_000 * i64::try_from(n + 1).unwrap();
            assert_eq!(records.write(&[held]).await, [Wrote::Done]);
            assert_eq!(oldest(49).await, is(before, false));
            // Of a crowd what goes last is looked at too.
            assert_eq!(oldest(10_000).await, is(before, true));
        }
        drop_table(&clients, &name).await;
    });
}

#[test]
fn given_a_lane_and_a_bucket_when_looked_at_then_they_stand_as_before() {
    with_stack(async |clients, name| {
        make_lanes_table(&clients, &name).await;
        let limits = DynamoLimits::new(&clients, &name, Arc::new(SetClock::at(NOW.0)));
        let rules = [Rule { requests: 10, per_ms: 1_000, burst: 10 }];
        assert_eq!(limits.lane(&here()).await.unwrap().due_at, None);
        let (bucket, breaker) = limits.general(&here()).await.unwrap();
        assert_eq!((left(&bucket, &rules, NOW), breaker), (vec![10], Breaker::default()));
        limits.want_lane(&here(), NOW.plus_ms(5)).await.unwrap();
        let general = general_bucket(&here());
        assert_eq!(limits.lease(&general, &rules, &Ask::whole(4)).await.unwrap().granted, 4);
        limits.block(&general, NOW.plus_ms(9_000)).await.unwrap();
        let failed = Change::Failed { by: "me".to_owned(), count: OPENS_AT, answered: false, random: 0.5 };
        let opened = limits.change_breaker(&here(), &failed).await.unwrap();
        for _ in 0..2 {
            assert_eq!(limits.lane(&here()).await.unwrap().due_at, Some(NOW.plus_ms(5)));
            let (bucket, breaker) = limits.general(&here()).await.unwrap();
            assert!(matches!(breaker.state(NOW), State::Open { .. }) && breaker == opened, "{breaker:?}");
            assert_eq!(
                (left(&bucket, &rules, NOW), bucket.blocked_until),
                // After a refusal it begins anew, with one.
                (vec![1], Some(NOW.plus_ms(9_000)))
            );
        }
        drop_table(&clients, &name).await;
    });
}

#[test]
fn given_what_people_did_when_asked_then_the_newest_comes_first_and_configuration_does_not_show_it() {
    with_stack(async |clients, name| {
        make_table(&clients, &name, &["pk", "sk"]).await;
        let store = ConfigStore::new(&clients, &name);
        let entry = |ms: i64, action: &str| Entry {
            at: NOW.plus_ms(ms),
            by: "ada".to_owned(),
            action: action.to_owned(),
            target: "acme hubspot".to_owned(),
            org_id: Some("acme".to_owned()),
            reason: Some("they \"asked\"".to_owned()),
            count: Some(3),
        };
        for (ms, nonce) in [(0, "a"), (5, "b"), (5, "c"), (9, "d")] {
            store.note(&entry(ms, nonce), nonce).await.unwrap();
        }
        store.note(&entry(9, "d"), "d").await.unwrap();
        let asked = async |since: i64, until: i64, most| {
            let found = store.audit(NOW.plus_ms(since), NOW.plus_ms(until), most).await.unwrap();
            found.into_iter().map(|entry| entry.action).collect::<Vec<_>>()
        };
        assert_eq!(store.audit(Instant(0), Instant(i64::MAX), 100).await.unwrap()[0], entry(9, "d"));
        assert_eq!(asked(0, 10, 100).await, ["d", "c", "b", "a"]);
        assert_eq!(asked(5, 9, 100).await, ["c", "b"]);
        assert_eq!(
            (asked(0, 10, 2).await.len(), asked(9, 9, 9).await.len(), asked(9, 5, 9).await.len()),
            (2, 0, 0)
        );
        let s = |text: &str| AttributeValue::S(text.to_owned());
        // Who may write lines may write others there, and none of them is configuration.
        for key in ["current", "counter", "current#paused#hubspot"] {
            let put = clients.dynamodb.put_item().table_name(&name).item("pk", s(AUDIT)).item("sk", s(key));
            put.item("entry", s("{}")).send().await.unwrap();
        }
        let stored = store.load().await.unwrap();
        assert_eq!((stored.revision, stored.orgs.len(), stored.global), (0, 0, None));
        assert_eq!(stored.pauses, Pauses::default());
        assert_eq!(asked(0, 10, 100).await, ["d", "c", "b", "a"]);
        // They lie where nothing else does: that is all that a right to write them can name.
        for (pk, lines) in [(AUDIT, 4), (GLOBAL_ORG, 0)] {
            let query = clients.dynamodb.query().table_name(&name).consistent_read(true);
            let query = query.key_condition_expression("pk = :pk AND begins_with(sk, :audit)");
            let query = query.expression_attribute_values(":pk", s(pk));
            let query = query.expression_attribute_values(":audit", s("audit#"));
            assert_eq!(query.send().await.unwrap().count(), lines, "{pk}");
        }
        drop_table(&clients, &name).await;
    });
}
