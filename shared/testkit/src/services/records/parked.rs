//! What the index of parked work shows a connection's lane: a hint, so nothing is read strongly for it. The indexes of the
//! local stack and of a twin in calm weather show at once what was written.

use super::{
    BEGIN, ORG, connection, insert, key, parked, record, sleeping, slot, stands, version, waiting, write,
    write_at,
};
use rtr_core::item::{Item, Slot, SlotState};
use rtr_core::key::{ConnectionKey, PairKey, SHARDS};
use rtr_core::time::Instant;
use rtr_engine::seams::{Parked, Records, Write};

fn at(ms: i64) -> Instant {
    BEGIN.plus_ms(ms)
}

async fn shown(records: &dyn Records, connection: &ConnectionKey, limit: usize) -> Vec<Parked> {
    records.parked(connection, limit).await.unwrap()
}

fn parks(id: &str, ms: i64) -> Write {
    insert(id, sleeping(parked(at(ms))))
}

fn expected(id: &str, ms: i64) -> Parked {
    Parked { key: key(id), not_before: at(ms) }
}

/// Over all partitions, with the times that their slots have; what is due in a year stands behind the rest.
pub async fn given_what_is_parked_when_asked_then_it_comes_in_the_order_of_its_times_due_or_not(
    records: &dyn Records,
) {
    let year = 365 * 86_400_000;
    let when = |n: i64| if n == 7 { year } else { (n * 37) % 50 };
    let writes: Vec<Write> = (0..50).map(|n| parks(&format!("r{n}"), when(n))).collect();
    stands(records, &writes).await;
    let found = shown(records, &connection(), 10_000).await;
    let mut all: Vec<Parked> = (0..50).map(|n| expected(&format!("r{n}"), when(n))).collect();
    all.sort_by_key(|one| one.not_before);
    assert_eq!(found, all);
}

/// What waits for a record or is dead is woken by its group, and what went without a record is applied.
pub async fn given_states_and_connections_that_are_not_the_lanes_when_asked_then_they_do_not_come(
    records: &dyn Records,
) {
    let elsewhere = [ConnectionKey::new(ORG, "salesforce"), ConnectionKey::new("other", "hubspot")];
    let mut writes = vec![
        parks("parked", 20),
        insert("drop", sleeping(slot(SlotState::Drop, BEGIN, at(10)))),
        insert("dead", sleeping(slot(SlotState::Dead, BEGIN, Instant(0)))),
        insert("waits", sleeping(waiting("company", BEGIN, at(5)))),
        insert("incomplete", sleeping(slot(SlotState::Incomplete, BEGIN, Instant(0)))),
        insert("applied", version(7)),
    ];
    let there =
        |one: &ConnectionKey| write_at(one, &record("parked"), &Item::default(), sleeping(parked(at(1))));
    writes.extend(elsewhere.iter().map(there));
    stands(records, &writes).await;
    let found = shown(records, &connection(), 1_000).await;
    assert_eq!(found, [expected("drop", 10), expected("parked", 20)]);
    let own = Parked { key: PairKey::new(&record("parked"), &elsewhere[0]), not_before: at(1) };
    assert_eq!(shown(records, &elsewhere[0], 1_000).await, [own]);
    assert_eq!(shown(records, &ConnectionKey::new(ORG, "hub"), 1_000).await, []);
}

/// What a backfill brought stands apart, until a live version takes its place.
pub async fn given_what_backfills_brought_when_asked_then_it_comes_apart_from_what_is_live(
    records: &dyn Records,
) {
    let backfilled = |ms: i64| Slot { backfill: true, ..parked(at(ms)) };
    let waits = Slot { backfill: true, ..waiting("company", BEGIN, at(5)) };
    let before = [
        parks("live", 30),
        insert("late", sleeping(backfilled(20))),
        insert("early", sleeping(backfilled(10))),
        insert("waits", sleeping(waits)),
    ];
    stands(records, &before).await;
    let apart = async || records.backfilled(&connection(), 1_000).await.unwrap();
    assert_eq!(shown(records, &connection(), 1_000).await, [expected("live", 30)]);
    assert_eq!(apart().await, [expected("early", 10), expected("late", 20)]);
    assert_eq!(records.backfilled(&ConnectionKey::new(ORG, "salesforce"), 1_000).await.unwrap(), []);
    let read = records.read(&[key("early")]).await.unwrap();
    assert_eq!(read[&key("early")].slot, Some(backfilled(10)), "it is read as it was written");
    stands(records, &[write("early", &before[2].new, sleeping(parked(at(10))))]).await;
    assert_eq!(shown(records, &connection(), 1_000).await, [expected("early", 10), expected("live", 30)]);
    assert_eq!(apart().await, [expected("late", 20)]);
}

/// Record ids whose items lie in one partition of the connection's, or in another.
fn of_one_partition(other: bool) -> impl Iterator<Item = String> {
    let stem = connection().key();
    let first = key("r0").index_partition(&stem);
    let here = move |id: &String| (key(id).index_partition(&stem) == first) != other;
    (0..).map(|n| format!("r{n}")).filter(here)
}

/// The limit is the most that comes; each partition gives its share of it, so that a crowd in one does not stand before the
/// others.
pub async fn given_more_parked_than_asked_for_when_asked_then_each_partition_gives_its_share_of_the_earliest(
    records: &dyn Records,
) {
    let crowd: Vec<String> = of_one_partition(false).take(6).collect();
    let lone: String = of_one_partition(true).next().unwrap();
    let times = [30, 10, 50, 20, 60, 40];
    let mut writes: Vec<Write> = crowd.iter().zip(times).map(|(id, ms)| parks(id, ms)).collect();
    writes.push(parks(&lone, 900));
    stands(records, &writes).await;
    let shards = usize::try_from(SHARDS).unwrap();
    let first_two = [expected(&crowd[1], 10), expected(&crowd[3], 20), expected(&lone, 900)];
    assert_eq!(shown(records, &connection(), 2 * shards).await, first_two);
    assert_eq!(shown(records, &connection(), 2).await, [expected(&crowd[1], 10), expected(&lone, 900)]);
    assert_eq!(shown(records, &connection(), 1).await, [expected(&crowd[1], 10)]);
    assert_eq!(shown(records, &connection(), 6 * shards).await.len(), 7);
}

/// The index follows the slot.
pub async fn given_what_is_drained_put_off_or_filed_when_asked_then_it_is_gone_or_has_its_new_time(
    records: &dyn Records,
) {
    let before = ["applied", "dead", "waits", "put off", "drop", "stays"].map(|id| parks(id, 10));
    stands(records, &before).await;
    assert_eq!(shown(records, &connection(), 1_000).await.len(), 6);
    let then = [
        write("applied", &before[0].new, version(8)),
        write("dead", &before[1].new, sleeping(slot(SlotState::Dead, BEGIN, Instant(0)))),
        write("waits", &before[2].new, sleeping(waiting("company", BEGIN, at(5)))),
        write("put off", &before[3].new, sleeping(parked(at(70)))),
        write("drop", &before[4].new, sleeping(slot(SlotState::Drop, BEGIN, at(30)))),
    ];
    stands(records, &then).await;
    let left = [expected("stays", 10), expected("drop", 30), expected("put off", 70)];
    assert_eq!(shown(records, &connection(), 1_000).await, left);
}

/// Keys are escaped or digests.
pub async fn given_a_connection_of_any_characters_and_length_when_asked_then_its_own_come(
    records: &dyn Records,
) {
    let odd = [ConnectionKey::new("a#b%23c", "#"), ConnectionKey::new("🦀".repeat(512), "é")];
    let one = |at_connection: &ConnectionKey| {
        write_at(at_connection, &record("c-1"), &Item::default(), sleeping(parked(at(3))))
    };
    stands(records, &odd.each_ref().map(one)).await;
    for connection in &odd {
        let expected = Parked { key: PairKey::new(&record("c-1"), connection), not_before: at(3) };
        assert_eq!(shown(records, connection, 10).await, [expected]);
    }
}
