//! Plain writes and reads.

use super::{BEGIN, KB, insert, key, one, parked, read, stands, version, weighing, write};
use rtr_core::code::Code;
use rtr_core::item::{Ended, Intent, Item};
use rtr_core::key::PairKey;
use rtr_core::time::Instant;
use rtr_engine::seams::{Records, Write, Wrote};

/// Whatever an item can hold comes back, in the next read after the write; what is taken out is gone.
pub async fn given_an_item_when_written_then_it_reads_back_whole_at_once(records: &dyn Records) {
    let full = Item {
        applied_version: Some(7),
        mapping_revision: Some(2),
        applied_hash: Some("0a".repeat(16)),
        base: rtr_core::marks::Marks::from_bytes(&[0, 1, 255, 4, 5, 6, 7, 8]),
        external_id: Some("501".to_owned()),
        object: Some("contacts".to_owned()),
        linked_at: Some(Instant(5)),
        slot: Some(parked(BEGIN)),
        intent: Some(Intent { nonce: "n".to_owned(), version: 8, at: Instant(4), matched: None }),
        by: "m-1".to_owned(),
        crashes: 1,
        ..Item::default()
    };
    let full = full.noting(Ended::Dead, 8, Instant(6), Some(Code::Invalid));
    let id = "c'\"?;--é%#";
    assert_eq!(read(records, id).await, Item::default());
    let first = insert(id, full);
    assert_eq!(one(records, &first).await, Wrote::Done);
    assert_eq!(read(records, id).await, first.new);

    let emptied = Item { by: "m-2".to_owned(), deleted: true, ..Item::default() };
    let second = write(id, &first.new, emptied);
    assert_eq!(one(records, &second).await, Wrote::Done);
    assert_eq!(read(records, id).await, second.new);
}

/// Compare-and-set: of two who read the same, the second learns that somebody wrote in between.
pub async fn given_two_who_read_the_same_when_both_write_then_one_is_refused_and_changes_nothing(
    records: &dyn Records,
) {
    let first = insert("c", version(7));
    stands(records, std::slice::from_ref(&first)).await;
    let mine = write("c", &first.new, version(8));
    let theirs = write("c", &first.new, version(9));
    assert_eq!(one(records, &mine).await, Wrote::Done);
    assert_eq!(one(records, &theirs).await, Wrote::Refused);
    assert_eq!(read(records, "c").await, mine.new);
    // Whoever reads again may write again.
    assert_eq!(one(records, &write("c", &mine.new, version(9))).await, Wrote::Done);
    assert_eq!(read(records, "c").await, Item { rev: 3, ..version(9) });
}

/// The same write a second time finds its own hand, and is not done again.
pub async fn given_a_write_that_stands_when_sent_again_then_it_is_refused_and_done_once(
    records: &dyn Records,
) {
    let first = insert("c", version(7));
    assert_eq!(one(records, &first).await, Wrote::Done);
    assert_eq!(one(records, &first).await, Wrote::Refused);
    let second = write("c", &first.new, version(8));
    assert_eq!(one(records, &second).await, Wrote::Done);
    assert_eq!(one(records, &second).await, Wrote::Refused);
    assert_eq!(read(records, "c").await, second.new);
}

/// An insert over an item, an update of none, and one of another revision are all stale.
pub async fn given_an_item_that_is_there_or_is_not_when_written_on_the_contrary_then_it_is_refused(
    records: &dyn Records,
) {
    let there = insert("there", version(7));
    stands(records, std::slice::from_ref(&there)).await;
    let later = Item { rev: 9, ..there.new.clone() };
    let stale = [insert("there", version(8)), write("absent", &there.new, version(8))];
    assert_eq!(records.write(&stale).await, [Wrote::Refused, Wrote::Refused]);
    assert_eq!(one(records, &write("there", &later, version(8))).await, Wrote::Refused);
    assert_eq!(read(records, "there").await, there.new);
    assert_eq!(read(records, "absent").await, Item::default());
}

/// A call is no transaction: what is refused costs its neighbours nothing, in calls of any size.
pub async fn given_some_refused_when_many_are_written_at_once_then_each_is_answered_in_its_place(
    records: &dyn Records,
) {
    assert!(records.write(&[]).await.is_empty());
    let inserts: Vec<Write> = (0..60).map(|n| insert(&n.to_string(), version(7))).collect();
    stands(records, &inserts).await;
    let mut again: Vec<Write> =
        inserts.iter().enumerate().map(|(n, first)| write(&n.to_string(), &first.new, version(8))).collect();
    let refused = [0, 3, 24, 25, 40, 59];
    for at in refused {
        let stale = Item { rev: 5, ..version(7) };
        again[at] = write(&at.to_string(), &stale, version(8));
    }
    let wrote = records.write(&again).await;
    assert_eq!(wrote.len(), 60);
    for (at, wrote) in wrote.iter().enumerate() {
        let stale = refused.contains(&at);
        assert_eq!(*wrote, if stale { Wrote::Refused } else { Wrote::Done }, "{at}");
        let applied = if stale { 7 } else { 8 };
        assert_eq!(read(records, &at.to_string()).await.applied_version, Some(applied), "{at}");
    }
}

/// DynamoDB takes no item twice in one request: only the first write of a key is tried, whatever became of it.
pub async fn given_a_key_twice_in_a_call_when_written_then_only_the_first_write_counts(
    records: &dyn Records,
) {
    let first = insert("twice", version(7));
    let same = insert("twice", version(8));
    let next = write("next", &insert("next", version(7)).new, version(8));
    let call = [first.clone(), same, insert("next", version(7)), next];
    let wrote = records.write(&call).await;
    assert_eq!(wrote, [Wrote::Done, Wrote::Refused, Wrote::Done, Wrote::Refused]);
    assert_eq!(read(records, "twice").await, first.new);
    assert_eq!(read(records, "next").await, Item { rev: 1, ..version(7) });

    let stale = write("twice", &Item { rev: 9, ..version(7) }, version(9));
    let good = write("twice", &first.new, version(9));
    assert_eq!(records.write(&[stale, good]).await, [Wrote::Refused, Wrote::Refused]);
    assert_eq!(read(records, "twice").await, first.new);
}

/// More keys than one request takes, some of them absent, all asked twice.
pub async fn given_many_keys_when_read_then_each_that_is_there_comes_once(records: &dyn Records) {
    let inserts: Vec<Write> = (0..120).map(|n| insert(&n.to_string(), version(n))).collect();
    stands(records, &inserts).await;
    let keys: Vec<PairKey> = (0..140).map(|n| key(&n.to_string())).collect();
    let asked: Vec<PairKey> = keys.iter().chain(&keys).cloned().collect();
    let found = records.read(&asked).await.unwrap();
    assert_eq!(found.len(), 120);
    for (n, key) in keys[..120].iter().enumerate() {
        assert_eq!(found[key].applied_version, u64::try_from(n).ok());
    }
    assert!(records.read(&[]).await.unwrap().is_empty());
    assert!(records.read(&keys[120..]).await.unwrap().is_empty());
}

/// DynamoDB's largest item has 400 KB; one that is larger is never taken, however often it is tried.
pub async fn given_an_item_over_400_kb_when_written_then_it_alone_fails(records: &dyn Records) {
    let call =
        [insert("a", version(7)), insert("large", weighing(410 * KB)), insert("b", weighing(380 * KB))];
    let wrote = records.write(&call).await;
    assert_eq!((&wrote[0], &wrote[2]), (&Wrote::Done, &Wrote::Done));
    assert!(matches!(wrote[1], Wrote::Failed(_)), "{:?}", wrote[1]);
    assert_eq!(read(records, "large").await, Item::default());
    assert_eq!(read(records, "b").await, call[2].new);

    let grown = write("a", &call[0].new, weighing(410 * KB));
    assert!(matches!(one(records, &grown).await, Wrote::Failed(_)));
    assert_eq!(read(records, "a").await, call[0].new);
}

/// One request brings 16 MB at most and says what it left over.
pub async fn given_more_than_16_mb_when_read_in_one_call_then_all_of_it_comes(records: &dyn Records) {
    let inserts: Vec<Write> = (0..48).map(|n| insert(&n.to_string(), weighing(360 * KB))).collect();
    for some in inserts.chunks(8) {
        stands(records, some).await;
    }
    let keys: Vec<PairKey> = inserts.iter().map(|write| write.key.clone()).collect();
    let found = records.read(&keys).await.unwrap();
    assert_eq!(found.len(), 48);
    assert!(inserts.iter().all(|write| found[&write.key] == write.new));
}
