//! Many items, each with its claims or not at all.

use super::{KB, insert, key, read, take, version, weighing};
use rtr_core::item::Item;
use rtr_core::key::PairKey;
use rtr_engine::seams::{ClaimChange, Records, Write, Wrote};

type Linked = (Write, Vec<ClaimChange>);

fn linked(id: &str, external_id: &str) -> Linked {
    let item = Item { external_id: Some(external_id.to_owned()), ..version(7) };
    (insert(id, item), vec![take(external_id)])
}

/// More than one transaction takes; one refused, one owned, one without any claim.
pub async fn given_many_with_claims_when_written_then_those_at_fault_are_told_why_and_all_others_stand(
    records: &dyn Records,
) {
    assert!(records.write_many_with_claims(&[]).await.is_empty());
    let before = [linked("taken", "e7"), linked("known", "e500")];
    assert_eq!(records.write_many_with_claims(&before).await, [Wrote::Done, Wrote::Done]);
    let mut many: Vec<Linked> = (0..120).map(|n| linked(&format!("r{n}"), &format!("e{n}"))).collect();
    many.push(linked("known", "e600"));
    many.push((insert("plain", version(1)), Vec::new()));
    let wrote = records.write_many_with_claims(&many).await;
    assert_eq!(wrote.len(), many.len());
    for (at, wrote) in wrote.iter().enumerate() {
        match at {
            7 => assert_eq!(*wrote, Wrote::Owned(key("taken").pk)),
            120 => assert_eq!(*wrote, Wrote::Refused),
            _ => assert_eq!(*wrote, Wrote::Done, "{at}"),
        }
    }
    let keys: Vec<PairKey> = many.iter().map(|(write, _)| write.key.clone()).collect();
    let found = records.read(&keys).await.unwrap();
    assert_eq!(found.len(), 121, "119 new ones, the known one and the plain one");
    assert_eq!(read(records, "r7").await, Item::default());
    assert_eq!(read(records, "known").await.external_id.as_deref(), Some("e500"));
    let free = linked("late", "e600");
    assert_eq!(records.write_many_with_claims(&[free]).await, [Wrote::Done]);
}

/// Whoever comes first; the other is told of it.
pub async fn given_one_claim_wanted_twice_in_a_call_when_written_then_one_of_them_has_it(
    records: &dyn Records,
) {
    let call = [linked("a", "e1"), linked("b", "e1"), linked("c", "e2")];
    let wrote = records.write_many_with_claims(&call).await;
    let (winner, loser) = if wrote[0] == Wrote::Done { ("a", 1) } else { ("b", 0) };
    assert_eq!(wrote[1 - loser], Wrote::Done, "{wrote:?}");
    assert_eq!(wrote[loser], Wrote::Owned(key(winner).pk), "{wrote:?}");
    assert_eq!(wrote[2], Wrote::Done);
    assert_eq!(records.read(&[key("a"), key("b"), key("c")]).await.unwrap().len(), 2);
}

/// A transaction takes 4 MB; a call takes what there is.
pub async fn given_more_than_4_mb_with_claims_when_written_in_one_call_then_all_of_it_stands(
    records: &dyn Records,
) {
    let heavy = |n: usize| (insert(&format!("r{n}"), weighing(100 * KB)), vec![take(&format!("e{n}"))]);
    let call: Vec<Linked> = (0..48).map(heavy).collect();
    assert_eq!(records.write_many_with_claims(&call).await, vec![Wrote::Done; 48]);
    let keys: Vec<PairKey> = call.iter().map(|(write, _)| write.key.clone()).collect();
    assert_eq!(records.read(&keys).await.unwrap().len(), 48);
}
