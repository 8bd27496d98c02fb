use crate::stack::{drop_table, make_table, with_stack};
use rtr_aws::clients::Clients;
use rtr_aws::records::DynamoRecords;
use rtr_core::code::Code;
use rtr_core::item::{Body, Ended, Intent, Item, Reason, Slot, SlotState};
use rtr_core::key::{ConnectionKey, PairKey, RecordKey};
use rtr_core::time::Instant;
use rtr_engine::seams::{ClaimChange, Names, Records, Write, Wrote};
use serde_json::json;

struct Table {
    clients: Clients,
    name: String,
    records: DynamoRecords,
}

async fn table(clients: Clients, name: String) -> Table {
    make_table(&clients, &name, &["pk", "sk"]).await;
    clients.s3.create_bucket().bucket(&name).send().await.unwrap();
    let records = DynamoRecords::new(&clients, &name, &name);
    Table { clients, name, records }
}

impl Table {
    async fn only(&self, key: &PairKey) -> Item {
        self.records.read(std::slice::from_ref(key)).await.unwrap().remove(key).unwrap_or_default()
    }

    async fn end(self) {
        drop_table(&self.clients, &self.name).await;
        self.clients.s3.delete_bucket().bucket(&self.name).send().await.unwrap();
    }
}

fn key(record_id: &str) -> PairKey {
    PairKey::new(&RecordKey::new("ac#me", "contact", record_id), &ConnectionKey::new("ac#me", "hubspot"))
}

fn claim(external_id: &str) -> PairKey {
    PairKey::claim(&ConnectionKey::new("ac#me", "hubspot"), "contacts", external_id)
}

fn write(key: &PairKey, old: &Item, new: Item) -> Write {
    let new = Item { rev: old.rev + 1, ..new };
    Write { key: key.clone(), names: Names::default(), old: old.clone(), new }
}

fn dead() -> Slot {
    Slot {
        trace: None,
        wanted_version: 8,
        mapping_revision: 3,
        state: SlotState::Dead,
        deleted: false,
        body: Body::Inline(
            json!({"name": "O'Brien \"?\" é 🦀", "n": 9_007_199_254_740_993_u64, "none": null}),
        ),
        reason: Reason::new(Code::Invalid, "the CRM refused a value"),
        since: Instant(1_795_000_000_123),
        not_before: Instant(0),
        attempts: 1,
        waits: None,
        backfill: false,
        occurred_at: None,
    }
}

#[test]
fn given_an_item_when_inserted_updated_and_emptied_then_it_reads_back_exactly() {
    with_stack(async |clients, name| {
        let table = table(clients, name).await;
        let key = key("c'\"?;--é");
        let full = Item {
            applied_version: Some(7),
            mapping_revision: Some(2),
            applied_hash: Some("0a".repeat(16)),
            base: rtr_core::marks::Marks::from_bytes(&[0, 1, 255, 4, 5, 6, 7, 8]),
            external_id: Some("501".to_owned()),
            object: Some("contacts".to_owned()),
            linked_at: Some(Instant(5)),
            slot: Some(dead()),
            intent: Some(Intent { nonce: "n".to_owned(), version: 8, at: Instant(4), matched: None }),
            by: "m-1".to_owned(),
            crashes: 1,
            ..Item::default()
        };
        let full = full.noting(Ended::Dead, 8, Instant(6), Some(Code::Invalid));
        let first = write(&key, &Item::default(), full);
        assert_eq!(table.records.write(std::slice::from_ref(&first)).await, [Wrote::Done]);
        assert_eq!(table.only(&key).await, first.new);

        let empty = write(&key, &first.new, Item { by: "m-2".to_owned(), deleted: true, ..Item::default() });
        assert_eq!(table.records.write(std::slice::from_ref(&empty)).await, [Wrote::Done]);
        assert_eq!(table.only(&key).await, empty.new);
        table.end().await;
    });
}

#[test]
fn given_a_stale_read_when_written_then_it_is_refused_and_its_neighbours_stand() {
    with_stack(async |clients, name| {
        let table = table(clients, name).await;
        let keys: Vec<PairKey> = (0..60).map(|n| key(&n.to_string())).collect();
        let seven = Item { applied_version: Some(7), ..Item::default() };
        let insert: Vec<Write> = keys.iter().map(|key| write(key, &Item::default(), seven.clone())).collect();
        assert!(table.records.write(&insert).await.iter().all(|wrote| *wrote == Wrote::Done));

        let one = Item { rev: 1, ..seven.clone() };
        let eight = Item { applied_version: Some(8), ..Item::default() };
        let mut again: Vec<Write> = keys.iter().map(|key| write(key, &one, eight.clone())).collect();
        again[3] = write(&keys[3], &Item::default(), eight.clone()); // inserts over an item
        again[30] = write(&keys[30], &Item { rev: 9, ..one.clone() }, eight.clone()); // of another revision
        again[40] = write(&key("absent"), &one, eight.clone()); // updates nothing
        again[41] = again[5].clone(); // twice in one call
        let refused: Vec<usize> = (0..60).filter(|n| [3, 30, 40, 41].contains(n)).collect();
        let wrote = table.records.write(&again).await;
        let found: Vec<usize> = (0..60).filter(|n| wrote[*n] == Wrote::Refused).collect();
        assert_eq!(found, refused);
        assert_eq!(wrote.iter().filter(|wrote| **wrote == Wrote::Done).count(), 56);
        assert_eq!(table.only(&keys[3]).await.applied_version, Some(7));
        assert_eq!(table.only(&keys[59]).await.applied_version, Some(8));
        table.end().await;
    });
}

#[test]
fn given_many_keys_when_read_then_each_is_asked_once_and_absent_ones_are_not_there() {
    with_stack(async |clients, name| {
        let table = table(clients, name).await;
        let keys: Vec<PairKey> = (0..130).map(|n| key(&n.to_string())).collect();
        let writes: Vec<Write> =
            keys[..120].iter().map(|key| write(key, &Item::default(), Item::default())).collect();
        assert!(table.records.write(&writes).await.iter().all(|wrote| *wrote == Wrote::Done));
        let asked: Vec<PairKey> = keys.iter().chain(&keys).cloned().collect();
        let found = table.records.read(&asked).await.unwrap();
        assert_eq!(found.len(), 120);
        assert!(keys[..120].iter().all(|key| found[key].rev == 1));
        assert!(table.records.read(&[]).await.unwrap().is_empty());
        table.end().await;
    });
}

#[test]
fn given_a_claim_when_taken_twice_then_the_second_record_learns_the_owner_and_writes_nothing() {
    with_stack(async |clients, name| {
        let table = table(clients, name).await;
        let (ours, theirs) = (key("ours"), key("theirs"));
        let linked = Item { external_id: Some("501".to_owned()), ..Item::default() };
        let take = [ClaimChange::Take(claim("501"))];
        let first = write(&ours, &Item::default(), linked.clone());
        assert_eq!(table.records.write_with_claims(&first, &take).await, Wrote::Done);
        // The same again by the same owner: its own claim is no obstacle, its stale read is.
        assert_eq!(table.records.write_with_claims(&first, &take).await, Wrote::Refused);
        let next = write(&ours, &first.new, linked.clone());
        assert_eq!(table.records.write_with_claims(&next, &take).await, Wrote::Done);

        let stolen = write(&theirs, &Item::default(), linked);
        let wrote = table.records.write_with_claims(&stolen, &take).await;
        assert_eq!(wrote, Wrote::Owned(ours.pk.clone()));
        assert_eq!(table.only(&theirs).await, Item::default());
        table.end().await;
    });
}

#[test]
fn given_a_claim_when_released_then_it_is_free_and_anothers_is_left_alone() {
    with_stack(async |clients, name| {
        let table = table(clients, name).await;
        let (ours, theirs) = (key("ours"), key("theirs"));
        let (take, release) = ([ClaimChange::Take(claim("501"))], [ClaimChange::Release(claim("501"))]);
        let linked = write(&ours, &Item::default(), Item { crashes: 3, ..Item::default() });
        assert_eq!(table.records.write_with_claims(&linked, &take).await, Wrote::Done);

        // Another record's release of it changes its item, and leaves the claim where it is.
        let other = write(&theirs, &Item::default(), Item::default());
        assert_eq!(table.records.write_with_claims(&other, &release).await, Wrote::Done);
        let other = write(&theirs, &other.new, Item::default());
        assert_eq!(table.records.write_with_claims(&other, &take).await, Wrote::Owned(ours.pk.clone()));

        let unlinked = write(&ours, &linked.new, Item::default());
        assert_eq!(table.records.write_with_claims(&unlinked, &release).await, Wrote::Done);
        assert_eq!(table.only(&ours).await, Item { rev: 2, ..Item::default() });
        assert_eq!(table.records.write_with_claims(&other, &take).await, Wrote::Done);
        // Moving from one claim to another, as after a merge.
        let merged = write(&theirs, &other.new, Item::default());
        let moved = [ClaimChange::Take(claim("502")), ClaimChange::Release(claim("501"))];
        assert_eq!(table.records.write_with_claims(&merged, &moved).await, Wrote::Done);
        let again = write(&ours, &unlinked.new, Item::default());
        assert_eq!(table.records.write_with_claims(&again, &take).await, Wrote::Done);
        table.end().await;
    });
}

#[test]
fn given_a_large_body_when_stored_then_it_reads_back_until_it_is_removed() {
    with_stack(async |clients, name| {
        let table = table(clients, name).await;
        let body: Vec<u8> = (0..1_048_576_u32).map(|n| u8::try_from(n % 251).unwrap()).collect();
        let key = "bodies/ab/é 1#%";
        assert_eq!(table.records.body(key).await, Ok(None));
        table.records.put_body(key, &body).await.unwrap();
        assert_eq!(table.records.body(key).await, Ok(Some(body)));
        table.records.delete_body(key).await.unwrap();
        table.records.delete_body(key).await.unwrap();
        assert_eq!(table.records.body(key).await, Ok(None));
        table.end().await;
    });
}

#[test]
fn given_no_table_when_read_or_written_then_it_is_unavailable_not_absent() {
    with_stack(async |clients, name| {
        let records = DynamoRecords::new(&clients, &name, &name);
        let key = key("c-1");
        assert!(records.read(std::slice::from_ref(&key)).await.is_err());
        let write = write(&key, &Item::default(), Item::default());
        assert!(matches!(records.write(std::slice::from_ref(&write)).await[..], [Wrote::Failed(_)]));
        let claims = [ClaimChange::Take(claim("1"))];
        assert!(matches!(records.write_with_claims(&write, &claims).await, Wrote::Failed(_)));
        assert!(records.body("x").await.is_err());
    });
}

#[test]
fn given_many_links_when_written_together_then_those_at_fault_are_told_why_and_all_others_stand() {
    with_stack(async |clients, name| {
        let table = table(clients, name).await;
        let linked = |record: &str, external: &str| {
            let item = Item { external_id: Some(external.to_owned()), ..Item::default() };
            (write(&key(record), &Item::default(), item), vec![ClaimChange::Take(claim(external))])
        };
        let first = [linked("taken", "e7"), linked("known", "e500")];
        assert_eq!(table.records.write_many_with_claims(&first).await, [Wrote::Done, Wrote::Done]);
        let mut many: Vec<_> = (0..120).map(|n| linked(&format!("r{n}"), &format!("e{n}"))).collect();
        // Another read nothing of an item that is there; two want one claim.
        many.push(linked("known", "e600"));
        many.push(linked("late", "e5"));
        let wrote = table.records.write_many_with_claims(&many).await;
        for (place, wrote) in wrote.iter().enumerate() {
            match place {
                7 => assert_eq!(*wrote, Wrote::Owned(key("taken").pk), "{place}"),
                120 => assert_eq!(*wrote, Wrote::Refused, "{place}"),
                5 | 121 => assert!(matches!(wrote, Wrote::Done | Wrote::Owned(_)), "{place}: {wrote:?}"),
                _ => assert_eq!(*wrote, Wrote::Done, "{place}"),
            }
        }
        assert_ne!(wrote[5] == Wrote::Done, wrote[121] == Wrote::Done, "one of the two has the claim");
        let keys: Vec<PairKey> = many.iter().map(|(write, _)| write.key.clone()).collect();
        let found = table.records.read(&keys).await.unwrap();
        assert_eq!(found.len(), 120, "119 new ones, of which two wanted one claim, and the known one");
        assert_eq!(table.only(&key("r7")).await, Item::default());
        table.end().await;
    });
}
