//! One item and its claims: all of it or nothing.

use super::{KB, insert, key, read, release, take, version, weighing, write};
use rtr_core::item::Item;
use rtr_engine::seams::{Records, Wrote};

fn owned_by(id: &str) -> Wrote {
    Wrote::Owned(key(id).pk)
}

/// Who owns the claim on `external_id`: asked by trying to take it for a record of no account, which is not written.
async fn is_owned_by(records: &dyn Records, external_id: &str, id: &str) {
    let asking = insert(&format!("asks for {external_id}"), Item::default());
    let wrote = records.write_with_claims(&asking, &[take(external_id)]).await;
    assert_eq!(wrote, owned_by(id), "the claim on {external_id}");
}

/// That nobody owns the claim; whoever asks owns it now.
async fn is_free(records: &dyn Records, external_id: &str) {
    let asking = insert(&format!("takes {external_id}"), Item::default());
    let wrote = records.write_with_claims(&asking, &[take(external_id)]).await;
    assert_eq!(wrote, Wrote::Done, "the claim on {external_id}");
}

/// A link is a bijection: the second record learns who has the first.
pub async fn given_a_claim_of_anothers_when_taken_then_the_owner_is_named_and_nothing_is_written(
    records: &dyn Records,
) {
    let ours = insert("ours", version(7));
    assert_eq!(records.write_with_claims(&ours, &[take("501")]).await, Wrote::Done);
    let theirs = insert("theirs", version(8));
    assert_eq!(records.write_with_claims(&theirs, &[take("501")]).await, owned_by("ours"));
    assert_eq!(read(records, "theirs").await, Item::default());
    assert_eq!(read(records, "ours").await, ours.new);
    // Nor over an item that is there.
    assert_eq!(records.write(std::slice::from_ref(&theirs)).await, [Wrote::Done]);
    let again = write("theirs", &theirs.new, version(9));
    assert_eq!(records.write_with_claims(&again, &[take("501")]).await, owned_by("ours"));
    assert_eq!(read(records, "theirs").await, theirs.new);
    is_owned_by(records, "501", "ours").await;
}

/// Its own claim stands in nobody's way; a stale read does.
pub async fn given_its_own_claim_when_taken_again_then_it_is_no_obstacle(records: &dyn Records) {
    let first = insert("ours", version(7));
    assert_eq!(records.write_with_claims(&first, &[take("501")]).await, Wrote::Done);
    assert_eq!(records.write_with_claims(&first, &[take("501")]).await, Wrote::Refused);
    let next = write("ours", &first.new, version(8));
    assert_eq!(records.write_with_claims(&next, &[take("501")]).await, Wrote::Done);
    assert_eq!(read(records, "ours").await, next.new);
    is_owned_by(records, "501", "ours").await;
}

/// Refused, and nothing of it done; that comes before what the claims would have said.
pub async fn given_a_stale_read_when_claims_are_changed_too_then_neither_item_nor_claims_change(
    records: &dyn Records,
) {
    let ours = insert("ours", version(7));
    assert_eq!(records.write_with_claims(&ours, &[take("501")]).await, Wrote::Done);
    let theirs = insert("theirs", version(7));
    assert_eq!(records.write_with_claims(&theirs, &[take("601")]).await, Wrote::Done);

    let stale = insert("ours", version(9));
    assert_eq!(records.write_with_claims(&stale, &[take("502"), release("501")]).await, Wrote::Refused);
    assert_eq!(records.write_with_claims(&stale, &[take("601")]).await, Wrote::Refused);
    assert_eq!(read(records, "ours").await, ours.new);
    is_owned_by(records, "501", "ours").await;
    is_owned_by(records, "601", "theirs").await;
    is_free(records, "502").await;
}

/// All the claims of a write or none.
pub async fn given_two_claims_of_which_one_is_anothers_when_taken_then_neither_is_taken(
    records: &dyn Records,
) {
    let theirs = insert("theirs", version(7));
    assert_eq!(records.write_with_claims(&theirs, &[take("2")]).await, Wrote::Done);
    let ours = insert("ours", version(7));
    let both = [take("1"), take("2"), take("3")];
    assert_eq!(records.write_with_claims(&ours, &both).await, owned_by("theirs"));
    assert_eq!(read(records, "ours").await, Item::default());
    is_free(records, "1").await;
    is_free(records, "3").await;
    is_owned_by(records, "2", "theirs").await;
}

/// What is given back is anybody's.
pub async fn given_a_claim_when_released_then_another_takes_it(records: &dyn Records) {
    let ours = insert("ours", version(7));
    assert_eq!(records.write_with_claims(&ours, &[take("501")]).await, Wrote::Done);
    let unlinked = write("ours", &ours.new, version(8));
    assert_eq!(records.write_with_claims(&unlinked, &[release("501")]).await, Wrote::Done);
    assert_eq!(read(records, "ours").await, unlinked.new);
    let theirs = insert("theirs", version(7));
    assert_eq!(records.write_with_claims(&theirs, &[take("501")]).await, Wrote::Done);
    is_owned_by(records, "501", "theirs").await;
}

/// There is nothing to give back, which is no reason not to write the item.
pub async fn given_a_claim_of_anothers_or_nobodys_when_released_then_the_item_is_written_and_the_claim_stays(
    records: &dyn Records,
) {
    let ours = insert("ours", version(7));
    assert_eq!(records.write_with_claims(&ours, &[take("501")]).await, Wrote::Done);
    let theirs = insert("theirs", version(7));
    assert_eq!(records.write_with_claims(&theirs, &[release("501"), release("999")]).await, Wrote::Done);
    assert_eq!(read(records, "theirs").await, theirs.new);
    is_owned_by(records, "501", "ours").await;
    // Together with one that it takes.
    let linked = write("theirs", &theirs.new, version(8));
    assert_eq!(records.write_with_claims(&linked, &[take("502"), release("501")]).await, Wrote::Done);
    is_owned_by(records, "502", "theirs").await;
    is_owned_by(records, "501", "ours").await;
}

/// As after a merge in the CRM.
pub async fn given_a_claim_when_moved_in_one_write_then_the_old_is_free_and_the_new_is_owned(
    records: &dyn Records,
) {
    let ours = insert("ours", version(7));
    assert_eq!(records.write_with_claims(&ours, &[take("501")]).await, Wrote::Done);
    let merged = write("ours", &ours.new, version(8));
    assert_eq!(records.write_with_claims(&merged, &[take("502"), release("501")]).await, Wrote::Done);
    is_owned_by(records, "502", "ours").await;
    is_free(records, "501").await;
}

/// DynamoDB takes no item twice in one transaction.
pub async fn given_a_claim_named_twice_in_one_write_when_written_then_nothing_is(records: &dyn Records) {
    let ours = insert("ours", version(7));
    for twice in [[take("501"), take("501")], [take("501"), release("501")]] {
        let wrote = records.write_with_claims(&ours, &twice).await;
        assert!(matches!(wrote, Wrote::Failed(_)), "{wrote:?}");
    }
    assert_eq!(read(records, "ours").await, Item::default());
    is_free(records, "501").await;
}

/// The item's own limit holds in a transaction too.
pub async fn given_an_item_over_400_kb_when_written_with_a_claim_then_neither_is_there(
    records: &dyn Records,
) {
    let large = insert("large", weighing(410 * KB));
    let wrote = records.write_with_claims(&large, &[take("501")]).await;
    assert!(matches!(wrote, Wrote::Failed(_)), "{wrote:?}");
    assert_eq!(read(records, "large").await, Item::default());
    is_free(records, "501").await;
}
