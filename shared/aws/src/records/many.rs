//! Writes many items with their claims, as many to a transaction as DynamoDB takes.
//!
//! A transaction is all or nothing, and tells for each action why not: those at fault are taken out, and the rest goes
//! again, so that one refused line costs no other one anything but a second request.

use super::claims::{Attempt, attempted, cancelled, transaction};
use crate::errors::unavailable;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::CancellationReason;
use futures::stream::{self, StreamExt};
use rtr_core::item::{Body, Item};
use rtr_core::key::PairKey;
use rtr_engine::seams::{ClaimChange, Unavailable, Write, Wrote};
use std::collections::HashSet;
use std::time::Duration;

/// Actions of one transaction. DynamoDB's limit.
const MAX_ACTIONS: usize = 100;
/// Bytes of all items of one transaction: DynamoDB takes 4 MB, and counts a little more than we do.
const MAX_BYTES: usize = 3 * 1_024 * 1_024;
/// What an item has beside its slot's body and its fields' digests, with its claims, in bytes: more than it ever has.
const SMALL_BYTES: usize = 8 * 1_024;
/// Transactions of one call under way at once.
const IN_FLIGHT: usize = 4;
/// Pauses before a throttled transaction is sent again, in milliseconds.
const PAUSES_MS: [u64; 6] = [50, 100, 200, 400, 800, 1_600];

type Linked = (Write, Vec<ClaimChange>);

/// Writes each, or says why not; the answers stand in the order of `writes`.
pub(super) async fn write(client: &Client, table: &str, writes: &[Linked]) -> Vec<Wrote> {
    let mut answers = vec![Wrote::Refused; writes.len()];
    let groups = groups(writes);
    let done =
        stream::iter(groups).map(|group| transact(client, table, writes, group)).buffer_unordered(IN_FLIGHT);
    for (place, wrote) in done.collect::<Vec<_>>().await.into_iter().flatten() {
        answers[place] = wrote;
    }
    answers
}

/// The places of `writes` in transactions: no key twice in one. A key that a full transaction has opens the next one.
fn groups(writes: &[Linked]) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let (mut actions, mut bytes, mut keys) = (MAX_ACTIONS, 0, HashSet::new());
    for (place, linked) in writes.iter().enumerate() {
        let (touched, weight): (Vec<&PairKey>, usize) = (touched(linked).collect(), weight(&linked.0));
        let full = actions + touched.len() > MAX_ACTIONS || bytes + weight > MAX_BYTES;
        if full || touched.iter().any(|key| keys.contains(key)) {
            groups.push(Vec::new());
            (actions, bytes, keys) = (0, 0, HashSet::new());
        }
        actions += touched.len();
        bytes += weight;
        keys.extend(touched);
        if let Some(group) = groups.last_mut() {
            group.push(place);
        }
    }
    groups
}

fn touched((write, claims): &Linked) -> impl Iterator<Item = &PairKey> {
    let claimed = claims.iter().map(|(ClaimChange::Take(key) | ClaimChange::Release(key))| key);
    std::iter::once(&write.key).chain(claimed)
}

/// About the bytes of an item, as it was or as it shall be: an update counts as the whole item that it changes.
fn weight(write: &Write) -> usize {
    let of = |item: &Item| {
        let slot = item.slot.as_ref().map_or(0, |slot| match &slot.body {
            Body::Inline(body) => body.to_string().len(),
            Body::Stored(key) => key.len(),
        });
        slot + item.base.as_bytes().len() + item.sent.as_bytes().len()
    };
    SMALL_BYTES + of(&write.old).max(of(&write.new))
}

async fn transact(client: &Client, table: &str, writes: &[Linked], group: Vec<usize>) -> Vec<(usize, Wrote)> {
    let (mut left, mut answers) = (group, Vec::new());
    let mut pauses = PAUSES_MS.iter();
    while !left.is_empty() {
        let mut actions = Vec::with_capacity(MAX_ACTIONS);
        for place in &left {
            let (write, claims) = &writes[*place];
            match transaction(table, write, claims) {
                Ok(one) => actions.extend(one),
                Err(error) => {
                    let why = Unavailable(error.to_string());
                    answers.extend(left.iter().map(|place| (*place, Wrote::Failed(why.clone()))));
                    return answers;
                }
            }
        }
        // The SDK sends the same token with each of its own retries: one that landed is not refused by itself.
        let Err(error) = client.transact_write_items().set_transact_items(Some(actions)).send().await else {
            answers.extend(left.iter().map(|place| (*place, Wrote::Done)));
            return answers;
        };
        let reasons = cancelled(&error).unwrap_or_default();
        let faulty = at_fault(writes, &left, reasons);
        if !faulty.is_empty() {
            for (place, reasons) in faulty {
                left.retain(|other| *other != place);
                answers.push((place, alone(client, table, &writes[place], reasons).await));
            }
            continue;
        }
        match pauses.next().filter(|_| throttled(reasons)) {
            Some(pause) => tokio::time::sleep(Duration::from_millis(*pause)).await,
            None => {
                let why = unavailable("TransactWriteItems", &error);
                answers.extend(left.iter().map(|place| (*place, Wrote::Failed(why.clone()))));
                return answers;
            }
        }
    }
    answers
}

/// The writes that stopped the transaction, each with the reasons of its own actions.
fn at_fault<'a>(
    writes: &[Linked],
    group: &[usize],
    reasons: &'a [CancellationReason],
) -> Vec<(usize, &'a [CancellationReason])> {
    let (mut faulty, mut from) = (Vec::new(), 0);
    for place in group {
        let to = from + 1 + writes[*place].1.len();
        let own = reasons.get(from..to).unwrap_or_default();
        if own
            .iter()
            .any(|reason| matches!(reason.code(), Some("ConditionalCheckFailed" | "TransactionConflict")))
        {
            faulty.push((*place, own));
        }
        from = to;
    }
    faulty
}

/// What the reasons mean for one write, as if it had gone alone; one that only lost a claim it gives back goes alone.
async fn alone(client: &Client, table: &str, linked: &Linked, reasons: &[CancellationReason]) -> Wrote {
    let (write, claims) = linked;
    match attempted(client, table, write, claims, reasons).await {
        Some(Attempt::Ended(wrote)) => wrote,
        Some(Attempt::NotOurs(_)) | None => super::claims::write(client, table, write, claims).await,
    }
}

fn throttled(reasons: &[CancellationReason]) -> bool {
    let codes = ["ThrottlingError", "ProvisionedThroughputExceeded"];
    reasons.iter().any(|reason| reason.code().is_some_and(|code| codes.contains(&code)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtr_engine::seams::Names;

    fn linked(record: &str, external: &str) -> Linked {
        let key = PairKey { pk: record.to_owned(), sk: "s".to_owned() };
        let claim = PairKey { pk: external.to_owned(), sk: "claim".to_owned() };
        let write = Write { key, names: Names::default(), old: Item::default(), new: Item::default() };
        (write, vec![ClaimChange::Take(claim)])
    }

    fn reasons(codes: &[&str]) -> Vec<CancellationReason> {
        codes.iter().map(|code| CancellationReason::builder().code(*code).build()).collect()
    }

    #[test]
    fn given_many_links_when_grouped_then_fifty_go_together_and_no_key_stands_twice() {
        let many: Vec<Linked> = (0..120).map(|n| linked(&format!("r{n}"), &format!("e{n}"))).collect();
        assert_eq!(groups(&many).iter().map(Vec::len).collect::<Vec<_>>(), [50, 50, 20]);
        let twice = [linked("a", "1"), linked("b", "1"), linked("a", "2"), linked("c", "3")];
        assert_eq!(groups(&twice), [vec![0], vec![1, 2, 3]]);
    }

    #[test]
    fn given_large_items_when_grouped_then_no_transaction_holds_more_than_it_may() {
        let heavy = |n: usize, large: bool| {
            let (mut write, claims) = linked(&format!("r{n}"), &format!("e{n}"));
            write.old.base =
                rtr_core::marks::Marks::from_bytes(&vec![0; if large { 1_024 * 1_024 } else { 0 }]);
            (write, claims)
        };
        let large: Vec<Linked> = (0..5).map(|n| heavy(n, n != 2)).collect();
        assert_eq!(groups(&large), [vec![0, 1, 2], vec![3, 4]]);
    }

    #[test]
    fn given_a_cancelled_transaction_when_read_then_only_those_at_fault_are_taken_out() {
        let writes = [linked("a", "1"), linked("b", "2"), linked("c", "3")];
        let told =
            reasons(&["None", "None", "None", "ConditionalCheckFailed", "TransactionConflict", "None"]);
        let faulty: Vec<usize> =
            at_fault(&writes, &[0, 1, 2], &told).into_iter().map(|(place, _)| place).collect();
        assert_eq!(faulty, [1, 2]);
        let slow = reasons(&["ThrottlingError", "None"]);
        assert!(at_fault(&writes, &[0], &slow).is_empty() && throttled(&slow) && !throttled(&told));
    }
}
