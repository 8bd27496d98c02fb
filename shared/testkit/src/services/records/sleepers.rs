//! What the sparse indexes find, read strongly before anybody is told of it. The indexes of the local stack and of a twin in
//! calm weather show at once what was written.

use super::{
    BEGIN, CONNECTION, KIND, ORG, connection, insert, key, parked, record, sleeping, slot, stands, version,
    waiting, write, write_at,
};
use rtr_core::item::{Item, SlotState};
use rtr_core::key::{ConnectionKey, PairKey, RecordKey, SHARDS, Whose};
use rtr_core::time::Instant;
use rtr_engine::seams::{Records, Sleeper};

/// Any stem will do: the shard is the item's.
const STEM: &str = "!due";

fn at(ms: i64) -> Instant {
    BEGIN.plus_ms(ms)
}

fn ids(found: &[Sleeper]) -> Vec<&str> {
    found.iter().map(|one| one.record.record_id.as_str()).collect()
}

async fn due(records: &dyn Records, now: Instant, limit: usize) -> Vec<Sleeper> {
    records.due(now, limit).await.unwrap()
}

/// Record ids whose items lie in one partition of an index.
fn of_one_partition(other: bool) -> impl Iterator<Item = String> {
    let first = key("r0").index_partition(STEM);
    let here = move |id: &String| (key(id).index_partition(STEM) == first) != other;
    (0..).map(|n| format!("r{n}")).filter(here)
}

/// Not before its time, and with all that a wake-up needs.
pub async fn given_what_sleeps_when_asked_what_is_due_then_it_comes_from_its_time_on_and_as_it_was_filed(
    records: &dyn Records,
) {
    let writes = [insert("c-1", sleeping(waiting("company", BEGIN, at(1_000)))), insert("awake", version(7))];
    stands(records, &writes).await;
    assert_eq!(due(records, at(999), 100).await, []);
    let sleeper = Sleeper {
        record: record("c-1"),
        connection: CONNECTION.to_owned(),
        version: 8,
        due_at: at(1_000),
        whose: Whose::Record,
    };
    assert_eq!(due(records, at(1_000), 100).await, std::slice::from_ref(&sleeper));
    assert_eq!(due(records, at(1_001), 100).await, [sleeper]);
}

/// A dead one waits for a person, a parked or dropped one for the bulk lane; one that waits has its time only while it is
/// looked at.
pub async fn given_states_that_nobody_looks_at_when_asked_what_is_due_then_they_do_not_come(
    records: &dyn Records,
) {
    let looked_at = waiting("company", BEGIN, at(10));
    let gone_without = slot(SlotState::Incomplete, BEGIN, Instant(0));
    let incomplete = rtr_core::item::Slot { waits: looked_at.waits.clone(), ..gone_without.clone() };
    let writes = [
        insert("dead", sleeping(slot(SlotState::Dead, BEGIN, Instant(0)))),
        insert("parked", sleeping(parked(at(5)))),
        insert("drop", sleeping(slot(SlotState::Drop, BEGIN, at(5)))),
        insert("waits", sleeping(looked_at)),
        insert("waits no more", sleeping(waiting("company", BEGIN, Instant(0)))),
        insert("incomplete", sleeping(incomplete)),
        insert("incomplete for ever", sleeping(gone_without)),
    ];
    stands(records, &writes).await;
    let found = due(records, at(1_000), 1_000).await;
    let mut found = ids(&found);
    found.sort_unstable();
    assert_eq!(found, ["incomplete", "waits"]);
}

/// The earliest first, over all partitions.
pub async fn given_many_due_when_asked_then_they_come_in_the_order_of_their_times(records: &dyn Records) {
    let later = |n: i64| at((n * 37) % 50);
    let waits = |n| insert(&format!("r{n}"), sleeping(waiting("company", BEGIN, later(n))));
    let writes: Vec<_> = (0..50).map(waits).collect();
    stands(records, &writes).await;
    let found = due(records, at(1_000), 10_000).await;
    let times: Vec<Instant> = found.iter().map(|one| one.due_at).collect();
    assert_eq!(times, (0..50).map(at).collect::<Vec<_>>());
}

/// Each partition gives its share, so that a crowd in one does not stand before the others.
pub async fn given_more_due_than_asked_for_when_asked_then_each_partition_gives_its_share_of_the_earliest(
    records: &dyn Records,
) {
    let crowd: Vec<String> = of_one_partition(false).take(6).collect();
    let lone: String = of_one_partition(true).next().unwrap();
    let mut writes: Vec<_> = crowd
        .iter()
        .zip([30, 10, 50, 20, 60, 40])
        .map(|(id, ms)| insert(id, sleeping(waiting("company", BEGIN, at(ms)))))
        .collect();
    writes.push(insert(&lone, sleeping(waiting("company", BEGIN, at(900)))));
    stands(records, &writes).await;
    let shards = usize::try_from(SHARDS).unwrap();
    let found = due(records, at(1_000), 2 * shards).await;
    assert_eq!(ids(&found), [&crowd[1], &crowd[3], &lone]);
    assert_eq!(ids(&due(records, at(1_000), 1).await), [&crowd[1], &lone]);
    assert_eq!(due(records, at(1_000), 6 * shards).await.len(), 7);
}

/// Applied, dead, or put off: it is not told of, however the index stands.
pub async fn given_what_no_longer_sleeps_when_asked_then_it_is_gone(records: &dyn Records) {
    let sleeps = |id: &str| insert(id, sleeping(waiting("company", BEGIN, at(10))));
    let before = ["applied", "dead", "put off", "stays"].map(sleeps);
    stands(records, &before).await;
    assert_eq!(due(records, at(100), 1_000).await.len(), 4);
    let then = [
        write("applied", &before[0].new, version(8)),
        write("dead", &before[1].new, sleeping(slot(SlotState::Dead, BEGIN, Instant(0)))),
        write("put off", &before[2].new, sleeping(waiting("other", BEGIN, at(200)))),
    ];
    stands(records, &then).await;
    assert_eq!(ids(&due(records, at(100), 1_000).await), ["stays"]);
    let wait = records.waiting_for(&connection(), &record("company"), 100).await.unwrap();
    assert_eq!(ids(&wait), ["stays"]);
    assert_eq!(due(records, at(200), 1_000).await.len(), 2);
}

/// By record and connection; also those that went without it.
pub async fn given_some_who_wait_when_asked_for_a_record_then_its_own_come_and_no_others(
    records: &dyn Records,
) {
    let elsewhere = ConnectionKey::new(ORG, "salesforce");
    let incomplete =
        rtr_core::item::Slot { state: SlotState::Incomplete, ..waiting("company", at(2), Instant(0)) };
    let writes = [
        insert("waits", sleeping(waiting("company", at(1), at(10)))),
        insert("incomplete", sleeping(incomplete)),
        insert("for another", sleeping(waiting("another", at(1), at(10)))),
        insert("parked", sleeping(parked(at(10)))),
        write_at(&elsewhere, &record("waits"), &Item::default(), sleeping(waiting("company", at(1), at(10)))),
    ];
    stands(records, &writes).await;
    let found = records.waiting_for(&connection(), &record("company"), 100).await.unwrap();
    let mut found: Vec<_> = found.iter().map(|one| (one.record.record_id.as_str(), one.due_at)).collect();
    found.sort_unstable();
    assert_eq!(found, [("incomplete", at(2)), ("waits", at(1))]);
    let found = records.waiting_for(&elsewhere, &record("company"), 100).await.unwrap();
    assert_eq!((ids(&found), found[0].connection.as_str()), (vec!["waits"], "salesforce"));
    let of_another_type = RecordKey::new(ORG, "company", "company");
    assert_eq!(records.waiting_for(&connection(), &of_another_type, 100).await, Ok(Vec::new()));
}

/// The limit is exact here: one partition is asked. Nothing is promised about the order of the answer.
pub async fn given_more_who_wait_than_asked_for_when_asked_then_those_who_wait_longest_come(
    records: &dyn Records,
) {
    let since = |n: i64| at((n * 7) % 30);
    let writes: Vec<_> = (0..30)
        .map(|n| insert(&format!("r{n}"), sleeping(waiting("company", since(n), at(1_000)))))
        .collect();
    stands(records, &writes).await;
    let found = records.waiting_for(&connection(), &record("company"), 12).await.unwrap();
    let mut times: Vec<Instant> = found.iter().map(|one| one.due_at).collect();
    times.sort_unstable();
    assert_eq!(times, (0..12).map(at).collect::<Vec<_>>());
    assert_eq!(records.waiting_for(&connection(), &record("company"), 100).await.unwrap().len(), 30);
}

/// Keys are escaped or digests; whoever is told of a sleeper gets the names themselves.
pub async fn given_names_of_any_characters_and_length_when_asked_then_they_come_as_they_were_given(
    records: &dyn Records,
) {
    let long = "é".repeat(512);
    let odd = [record("a#b%23c"), record(&long), RecordKey::new(ORG, "kind#of", "#")];
    let connection = ConnectionKey::new(ORG, "hub#spot");
    let on = RecordKey::new(ORG, KIND, &long);
    let writes: Vec<_> = odd
        .iter()
        .map(|record| {
            write_at(&connection, record, &Item::default(), sleeping(waiting(&long, BEGIN, at(10))))
        })
        .collect();
    assert!(PairKey::new(&odd[1], &connection).pk.starts_with("sha256:"));
    stands(records, &writes).await;
    for found in
        [due(records, at(10), 1_000).await, records.waiting_for(&connection, &on, 100).await.unwrap()]
    {
        assert_eq!(found.len(), 3);
        for record in &odd {
            assert!(
                found.iter().any(|one| one.record == *record && one.connection == "hub#spot"),
                "{record:?}"
            );
        }
    }
}
