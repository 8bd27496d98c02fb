//! The records table and its bucket.

use super::Script;
use futures::executor::block_on;
use rtr_core::item::Item;
use rtr_core::key::PairKey;
use rtr_engine::seams::{ClaimChange, Names, Records, Write, Wrote};
use rtr_testkit::clock::TestClock;
use rtr_testkit::records::MemoryRecords;
use rtr_testkit::weather::Fate;
use std::sync::Arc;

fn table() -> (Arc<Script>, MemoryRecords) {
    let script = Arc::new(Script::default());
    (script.clone(), MemoryRecords::under(Arc::new(TestClock::at(1)), script))
}

fn key(id: &str) -> PairKey {
    PairKey { pk: id.to_owned(), sk: "acme#hubspot".to_owned() }
}

fn write(id: &str, old: &Item, applied: u64) -> Write {
    let new = Item { rev: old.rev + 1, applied_version: Some(applied), ..Item::default() };
    Write { key: key(id), names: Names::default(), old: old.clone(), new }
}

fn applied(table: &MemoryRecords, id: &str) -> Option<u64> {
    table.item(&key(id)).applied_version
}

fn is_failed(wrote: &Wrote) -> bool {
    matches!(wrote, Wrote::Failed(_))
}

#[test]
fn given_a_write_not_done_when_answered_then_it_failed_and_nothing_stands() {
    let (script, table) = table();
    script.next(Fate::NotDone);
    let wrote = block_on(table.write(&[write("a", &Item::default(), 7)]));
    assert!(is_failed(&wrote[0]));
    assert_eq!(applied(&table, "a"), None);
    assert_eq!(block_on(table.write(&[write("a", &Item::default(), 7)])), [Wrote::Done]);
}

#[test]
fn given_a_writes_answer_lost_when_answered_then_it_failed_and_stands_all_the_same() {
    let (script, table) = table();
    script.next(Fate::AnswerLost);
    let first = write("a", &Item::default(), 7);
    let wrote = block_on(table.write(std::slice::from_ref(&first)));
    assert!(is_failed(&wrote[0]));
    assert_eq!(applied(&table, "a"), Some(7));
    // The caller's own repeat finds its own hand.
    assert_eq!(block_on(table.write(&[first])), [Wrote::Refused]);
}

#[test]
fn given_a_write_sent_twice_when_answered_then_it_is_refused_though_it_was_done_once() {
    let (script, table) = table();
    script.next(Fate::SentTwice);
    let first = write("a", &Item::default(), 7);
    assert_eq!(block_on(table.write(std::slice::from_ref(&first))), [Wrote::Refused]);
    assert_eq!((applied(&table, "a"), table.item(&key("a")).rev), (Some(7), 1));
    script.next(Fate::SentTwice);
    let second = write("a", &first.new, 8);
    assert_eq!(block_on(table.write(std::slice::from_ref(&second))), [Wrote::Refused]);
    assert_eq!((applied(&table, "a"), table.item(&key("a")).rev), (Some(8), 2));
    // A stale one is refused both times.
    script.next(Fate::SentTwice);
    assert_eq!(block_on(table.write(&[write("a", &first.new, 9)])), [Wrote::Refused]);
    assert_eq!(applied(&table, "a"), Some(8));
}

#[test]
fn given_some_of_a_call_not_done_when_answered_then_those_failed_and_the_others_stand() {
    let (script, table) = table();
    script.next(Fate::Partly(0b1010));
    let writes = ["a", "b", "c", "d"].map(|id| write(id, &Item::default(), 7));
    let wrote = block_on(table.write(&writes));
    assert_eq!(wrote.iter().map(is_failed).collect::<Vec<_>>(), [false, true, false, true]);
    let stands = ["a", "b", "c", "d"].map(|id| applied(&table, id).is_some());
    assert_eq!(stands, [true, false, true, false]);
}

fn claims() -> [ClaimChange; 1] {
    [ClaimChange::Take(PairKey { pk: "501".to_owned(), sk: "claim".to_owned() })]
}

#[test]
fn given_a_transaction_when_its_answer_is_lost_then_item_and_claim_stand_and_when_not_done_neither() {
    let (script, table) = table();
    script.next(Fate::NotDone);
    let first = write("a", &Item::default(), 7);
    assert!(is_failed(&block_on(table.write_with_claims(&first, &claims()))));
    assert!(table.state().items.is_empty() && table.state().claims.is_empty());
    script.next(Fate::AnswerLost);
    assert!(is_failed(&block_on(table.write_with_claims(&first, &claims()))));
    assert_eq!((applied(&table, "a"), table.state().claims.len()), (Some(7), 1));
    assert_eq!(block_on(table.write_with_claims(&first, &claims())), Wrote::Refused);
}

#[test]
fn given_a_transaction_sent_twice_when_answered_then_its_token_makes_it_one() {
    let (script, table) = table();
    script.next(Fate::SentTwice);
    let first = write("a", &Item::default(), 7);
    assert_eq!(block_on(table.write_with_claims(&first, &claims())), Wrote::Done);
    assert_eq!((table.item(&key("a")).rev, table.state().claims.len()), (1, 1));
}

#[test]
fn given_many_with_claims_when_one_call_is_lost_then_the_others_are_told_of_theirs() {
    let (script, table) = table();
    script.next(Fate::Done);
    script.next(Fate::AnswerLost);
    let many = ["a", "b", "c"].map(|id| (write(id, &Item::default(), 7), Vec::new()));
    let wrote = block_on(table.write_many_with_claims(&many));
    assert_eq!(wrote.iter().map(is_failed).collect::<Vec<_>>(), [false, true, false]);
    assert_eq!(applied(&table, "b"), Some(7));
}

#[test]
fn given_a_read_that_goes_wrong_when_answered_then_it_is_no_absence() {
    let (script, table) = table();
    block_on(table.write(&[write("a", &Item::default(), 7)]));
    for fate in [Fate::NotDone, Fate::AnswerLost] {
        script.next(fate);
        assert!(block_on(table.read(&[key("a")])).is_err());
    }
    script.next(Fate::SentTwice);
    assert_eq!(block_on(table.read(&[key("a")])).unwrap().len(), 1);
}

#[test]
fn given_bodies_when_calls_go_wrong_then_what_was_done_is_done() {
    let (script, table) = table();
    script.next(Fate::NotDone);
    assert!(block_on(table.put_body("k", b"1")).is_err());
    assert_eq!(block_on(table.body("k")), Ok(None));
    script.next(Fate::AnswerLost);
    assert!(block_on(table.put_body("k", b"2")).is_err());
    assert_eq!(block_on(table.body("k")), Ok(Some(b"2".to_vec())));
    script.next(Fate::NotDone);
    assert!(block_on(table.delete_body("k")).is_err());
    script.next(Fate::AnswerLost);
    assert!(block_on(table.body("k")).is_err());
    assert_eq!(block_on(table.body("k")), Ok(Some(b"2".to_vec())));
    script.next(Fate::AnswerLost);
    assert!(block_on(table.delete_body("k")).is_err());
    assert_eq!(block_on(table.body("k")), Ok(None));
}
