//! What stands beside the records' own items: who owns an external record, what is kept of it on its way back, where a poll is.

use super::{BEGIN, CONNECTION, ORG, claim, connection, insert, key, record, stands, take, version, waiting};
use rtr_core::item::{Item, Waits};
use rtr_core::key::{PairKey, RecordKey, Whose};
use rtr_core::time::Instant;
use rtr_engine::seams::{Names, Records, Sleeper, Write, Wrote};

/// By the items' partition keys, read strongly.
pub async fn given_links_when_their_owners_are_asked_for_then_each_is_named_and_nobodys_is_not(
    records: &dyn Records,
) {
    let claims: Vec<PairKey> = (0..120).map(|n| claim(&format!("é {n}"))).collect();
    assert!(records.owners(&claims).await.unwrap().is_empty());
    for n in [0, 60, 119] {
        let ours = insert(&format!("c-{n}"), version(1));
        assert_eq!(records.write_with_claims(&ours, &[take(&format!("é {n}"))]).await, Wrote::Done);
    }
    let owners = records.owners(&claims).await.unwrap();
    assert_eq!(owners.len(), 3);
    for n in [0, 60, 119] {
        assert_eq!(owners.get(&claims[n]), Some(&key(&format!("c-{n}")).pk));
    }
    assert!(records.owners(&[]).await.unwrap().is_empty());
}

/// The sweep wakes each by its own message, so it must know which it is, and is told the CRM's names of it.
pub async fn given_what_is_no_records_own_when_it_is_due_then_it_comes_as_whose_it_is(records: &dyn Records) {
    let (kind, id) = ("contacts", "5#01 é");
    let named = |key: PairKey, kind: &str, id: &str| {
        let names = Names {
            org_id: Some(ORG.to_owned()),
            connection: Some(CONNECTION.to_owned()),
            record_type: Some(kind.to_owned()),
            record_id: Some(id.to_owned()),
        };
        let mut slot = waiting("company", BEGIN, BEGIN.plus_ms(10));
        slot.waits = slot.waits.map(|waits| Waits { record_type: kind.to_owned(), ..waits });
        let new = Item { rev: 1, slot: Some(slot), ..Item::default() };
        Write { key, names, old: Item::default(), new }
    };
    let writes = [
        named(PairKey::inbound(&connection(), kind, id), kind, id),
        named(PairKey::feed(&connection(), kind), kind, kind),
        insert("own", super::sleeping(waiting("company", BEGIN, BEGIN.plus_ms(10)))),
    ];
    stands(records, &writes).await;
    assert_eq!(records.due(BEGIN.plus_ms(9), 100).await, Ok(Vec::new()));
    let mut due = records.due(BEGIN.plus_ms(10), 100).await.unwrap();
    due.sort_by_key(|one| one.record.record_id.clone());
    let sleeper = |record: RecordKey, whose| {
        let due_at: Instant = BEGIN.plus_ms(10);
        Sleeper { record, connection: CONNECTION.to_owned(), version: 8, due_at, whose }
    };
    let wanted = [
        sleeper(RecordKey::new(ORG, kind, id), Whose::External),
        sleeper(RecordKey::new(ORG, kind, kind), Whose::Feed),
        sleeper(record("own"), Whose::Record),
    ];
    assert_eq!(due, wanted);
}
