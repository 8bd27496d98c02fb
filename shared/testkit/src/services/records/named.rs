//! Items read strongly with the plain names behind their keys.

use super::{BEGIN, KIND, ORG, insert, key, parked, record, sleeping, stands, version, write, write_at};
use rtr_core::item::Item;
use rtr_core::key::{ConnectionKey, PairKey, RecordKey};
use rtr_engine::seams::{Named, Records, Write};

async fn read(records: &dyn Records, keys: &[PairKey]) -> Vec<Named> {
    let mut found = records.read_named(keys).await.unwrap();
    found.sort_by(|one, other| one.key.cmp(&other.key));
    found
}

fn as_written(writes: &[Write]) -> Vec<Named> {
    let named =
        |write: &Write| Named { key: write.key.clone(), names: write.names.clone(), item: write.new.clone() };
    let mut all: Vec<Named> = writes.iter().map(named).collect();
    all.sort_by(|one, other| one.key.cmp(&other.key));
    all
}

/// Keys are escaped or digests; whoever works an item gets the names themselves. What was written a moment ago is there.
pub async fn given_items_when_read_with_their_names_then_they_are_whole_and_named_as_they_were_given(
    records: &dyn Records,
) {
    let long = "é".repeat(512);
    let at = ConnectionKey::new(ORG, "hub#spot");
    let odd = [record("a#b%23c"), record(&long), RecordKey::new(ORG, "kind#of", "#")];
    let mut writes: Vec<Write> =
        odd.iter().map(|record| write_at(&at, record, &Item::default(), sleeping(parked(BEGIN)))).collect();
    writes.push(write_at(
        &ConnectionKey::new(&long, &long),
        &RecordKey::new(&long, KIND, "c-1"),
        &Item::default(),
        version(7),
    ));
    assert!(writes[1].key.pk.starts_with("sha256:") && writes[3].key.sk.starts_with("sha256:"));
    stands(records, &writes).await;
    let keys: Vec<PairKey> = writes.iter().map(|write| write.key.clone()).collect();
    assert_eq!(read(records, &keys).await, as_written(&writes));
    let then = write_at(&at, &odd[0], &writes[0].new, version(8));
    stands(records, std::slice::from_ref(&then)).await;
    assert_eq!(read(records, &keys[..1]).await, as_written(&[then]));
}

/// Absent ones are absent.
pub async fn given_keys_of_nothing_or_twice_when_read_with_names_then_each_that_is_there_comes_once(
    records: &dyn Records,
) {
    let writes = [insert("c-1", version(7)), insert("c-2", sleeping(parked(BEGIN)))];
    stands(records, &writes).await;
    assert_eq!(read(records, &[]).await, []);
    assert_eq!(read(records, &[key("never written")]).await, []);
    let keys = ["c-2", "never written", "c-1", "c-2"].map(key);
    assert_eq!(read(records, &keys).await, as_written(&writes));
    let then = [write("c-2", &writes[1].new, version(8))];
    stands(records, &then).await;
    assert_eq!(read(records, &keys[..1]).await, as_written(&then));
}

/// More than one request takes.
pub async fn given_many_keys_when_read_with_names_then_none_is_missing(records: &dyn Records) {
    let writes: Vec<Write> = (0..230).map(|n| insert(&format!("r{n}"), version(n))).collect();
    for some in writes.chunks(100) {
        stands(records, some).await;
    }
    let keys: Vec<PairKey> = (0..260).map(|n| key(&format!("r{n}"))).collect();
    assert_eq!(read(records, &keys).await, as_written(&writes));
}
