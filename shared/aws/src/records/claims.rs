//! Writes an item and its claims in one transaction, so that no external record has two owners.

use super::query::key_of as row_of;
use super::read::{row_key, rows};
use super::write::change;
use crate::attributes::{Row, n, s, text};
use crate::errors::unavailable;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{BuildError, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    AttributeValue, CancellationReason, Delete, Put, ReturnValuesOnConditionCheckFailure as OnFailure,
    TransactWriteItem, Update,
};
use rtr_core::key::PairKey;
use rtr_engine::seams::{ClaimChange, Unavailable, Write, Wrote};
use std::collections::HashMap;

const OWNER: &str = "owner";
const CONDITION_FAILED: &str = "ConditionalCheckFailed";

/// Writes `write` and its `claims`, all or nothing.
pub(super) async fn write(client: &Client, table: &str, write: &Write, claims: &[ClaimChange]) -> Wrote {
    let mut claims = claims.to_vec();
    loop {
        match attempt(client, table, write, &claims).await {
            Attempt::Ended(wrote) => return wrote,
            // Not ours to give back any more, so there is nothing to give back. Each turn drops one.
            Attempt::NotOurs(place) => drop(claims.remove(place)),
        }
    }
}

/// What one transaction came to.
pub(super) enum Attempt {
    /// It is decided.
    Ended(Wrote),
    /// The claim at this place was to be released, and is another's.
    NotOurs(usize),
}

async fn attempt(client: &Client, table: &str, write: &Write, claims: &[ClaimChange]) -> Attempt {
    let items = match transaction(table, write, claims) {
        Ok(items) => items,
        Err(error) => return Attempt::Ended(Wrote::Failed(Unavailable(error.to_string()))),
    };
    // The SDK sends the same token with each of its own retries: a transaction that landed is not refused by itself.
    let Err(error) = client.transact_write_items().set_transact_items(Some(items)).send().await else {
        return Attempt::Ended(Wrote::Done);
    };
    let failed = || Attempt::Ended(Wrote::Failed(unavailable("TransactWriteItems", &error)));
    let Some(reasons) = cancelled(&error) else { return failed() };
    attempted(client, table, write, claims, reasons).await.unwrap_or_else(failed)
}

/// What the reasons of the actions of one write mean; none when they say nothing about it.
pub(super) async fn attempted(
    client: &Client,
    table: &str,
    write: &Write,
    claims: &[ClaimChange],
    reasons: &[CancellationReason],
) -> Option<Attempt> {
    Some(match verdict(reasons, claims) {
        Verdict::Refused => Attempt::Ended(Wrote::Refused),
        Verdict::Taken(_, Some(owner)) => Attempt::Ended(owned(owner, &write.key)),
        Verdict::Taken(place, None) => {
            let wrote = match owner(client, table, key_of(&claims[place])).await {
                Ok(Some(owner)) => owned(owner, &write.key),
                Ok(None) => Wrote::Refused,
                Err(error) => Wrote::Failed(error),
            };
            Attempt::Ended(wrote)
        }
        Verdict::NotOurs(place) => Attempt::NotOurs(place),
        Verdict::Failed => return None,
    })
}

/// A claim that turns out to be our own does not stand in our way: trying again passes it.
fn owned(owner: String, key: &PairKey) -> Wrote {
    if owner == key.pk { Wrote::Refused } else { Wrote::Owned(owner) }
}

#[derive(Debug, PartialEq)]
enum Verdict {
    /// The item changed, or somebody is writing one of these right now.
    Refused,
    /// The claim at this place is another's, whose name may have come along.
    Taken(usize, Option<String>),
    /// A release at this place concerns another's claim.
    NotOurs(usize),
    /// Anything else.
    Failed,
}

/// The reasons stand in the order of the transaction: the item, then the claims.
fn verdict(reasons: &[CancellationReason], claims: &[ClaimChange]) -> Verdict {
    let has = |place: usize, code: &str| reasons.get(place).and_then(CancellationReason::code) == Some(code);
    if has(0, CONDITION_FAILED) {
        return Verdict::Refused;
    }
    for (place, claim) in claims.iter().enumerate() {
        if has(place + 1, CONDITION_FAILED) {
            return match claim {
                ClaimChange::Take(_) => Verdict::Taken(place, seen_owner(&reasons[place + 1])),
                ClaimChange::Release(_) => Verdict::NotOurs(place),
            };
        }
    }
    if (0..reasons.len()).any(|place| has(place, "TransactionConflict")) {
        Verdict::Refused
    } else {
        Verdict::Failed
    }
}

fn seen_owner(reason: &CancellationReason) -> Option<String> {
    reason.item.as_ref().and_then(|row| text(row, OWNER).ok().flatten()).map(str::to_owned)
}

/// The reasons of a cancelled transaction, in the order of its actions.
pub(super) fn cancelled<R>(error: &SdkError<TransactWriteItemsError, R>) -> Option<&[CancellationReason]> {
    match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
            Some(cancelled.cancellation_reasons())
        }
        _ => None,
    }
}

/// The owners of `claims`; nobody's are not in it.
pub(super) async fn owners(
    client: &Client,
    table: &str,
    claims: &[PairKey],
) -> Result<HashMap<PairKey, String>, Unavailable> {
    let rows = rows(client, table, claims).await?;
    let owner = |row: &Row| Some((row_of(row), text(row, OWNER).ok().flatten()?.to_owned()));
    Ok(rows.iter().filter_map(owner).collect())
}

async fn owner(client: &Client, table: &str, claim: &PairKey) -> Result<Option<String>, Unavailable> {
    let asked = client.get_item().table_name(table).set_key(Some(row_key(claim))).consistent_read(true);
    let answer = asked.send().await.map_err(|error| unavailable("GetItem", &error))?;
    Ok(answer.item.and_then(|row| text(&row, OWNER).ok().flatten().map(str::to_owned)))
}

/// The actions of one write: the item, then its claims.
pub(super) fn transaction(
    table: &str,
    write: &Write,
    claims: &[ClaimChange],
) -> Result<Vec<TransactWriteItem>, BuildError> {
    let mut items = Vec::with_capacity(claims.len() + 1);
    items.push(if write.old.rev == 0 { insert(table, write)? } else { update(table, write)? });
    for claim in claims {
        items.push(match claim {
            ClaimChange::Take(key) => take(table, key, &write.key.pk)?,
            ClaimChange::Release(key) => release(table, key, &write.key.pk)?,
        });
    }
    Ok(items)
}

fn insert(table: &str, write: &Write) -> Result<TransactWriteItem, BuildError> {
    let mut row: Row = row_key(&write.key);
    row.extend(change(write).set.into_iter().map(|(name, value)| (name.to_owned(), value)));
    let put =
        Put::builder().table_name(table).set_item(Some(row)).condition_expression("attribute_not_exists(pk)");
    Ok(TransactWriteItem::builder().put(put.build()?).build())
}

fn update(table: &str, write: &Write) -> Result<TransactWriteItem, BuildError> {
    let expression = Expression::of(write);
    let update = Update::builder()
        .table_name(table)
        .set_key(Some(row_key(&write.key)))
        .update_expression(expression.text)
        .condition_expression("#rev = :read")
        .set_expression_attribute_names(Some(expression.names))
        .set_expression_attribute_values(Some(expression.values));
    Ok(TransactWriteItem::builder().update(update.build()?).build())
}

/// An update expression with every name and value behind a mark.
struct Expression {
    text: String,
    names: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
}

impl Expression {
    fn of(write: &Write) -> Self {
        let change = change(write);
        let mut names = HashMap::from([("#rev".to_owned(), "rev".to_owned())]);
        let mut values = HashMap::from([(":read".to_owned(), n(write.old.rev))]);
        let (mut set, mut remove) = (Vec::new(), Vec::new());
        for (name, value) in change.set {
            set.push(format!("#{name} = :{name}"));
            names.insert(format!("#{name}"), name.to_owned());
            values.insert(format!(":{name}"), value);
        }
        for name in change.remove {
            remove.push(format!("#{name}"));
            names.insert(format!("#{name}"), name.to_owned());
        }
        let mut text = format!("SET {}", set.join(", "));
        if !remove.is_empty() {
            text.push_str(&format!(" REMOVE {}", remove.join(", ")));
        }
        Self { text, names, values }
    }
}

fn take(table: &str, claim: &PairKey, owner: &str) -> Result<TransactWriteItem, BuildError> {
    let mut row = row_key(claim);
    row.insert(OWNER.to_owned(), s(owner));
    let put = Put::builder()
        .table_name(table)
        .set_item(Some(row))
        .condition_expression("attribute_not_exists(pk) OR #owner = :me")
        .expression_attribute_names("#owner", OWNER)
        .expression_attribute_values(":me", s(owner))
        .return_values_on_condition_check_failure(OnFailure::AllOld);
    Ok(TransactWriteItem::builder().put(put.build()?).build())
}

fn release(table: &str, claim: &PairKey, owner: &str) -> Result<TransactWriteItem, BuildError> {
    let delete = Delete::builder()
        .table_name(table)
        .set_key(Some(row_key(claim)))
        .condition_expression("attribute_not_exists(pk) OR #owner = :me")
        .expression_attribute_names("#owner", OWNER)
        .expression_attribute_values(":me", s(owner));
    Ok(TransactWriteItem::builder().delete(delete.build()?).build())
}

fn key_of(claim: &ClaimChange) -> &PairKey {
    match claim {
        ClaimChange::Take(key) | ClaimChange::Release(key) => key,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reasons(codes: &[&str]) -> Vec<CancellationReason> {
        codes.iter().map(|code| CancellationReason::builder().code(*code).build()).collect()
    }

    #[test]
    fn given_the_reasons_of_a_cancelled_transaction_when_judged_then_the_item_comes_first() {
        let claim = |name: &str| PairKey { pk: name.to_owned(), sk: "claim".to_owned() };
        let claims = [ClaimChange::Take(claim("a")), ClaimChange::Release(claim("b"))];
        let cases = [
            (["ConditionalCheckFailed", "ConditionalCheckFailed", "None"], Verdict::Refused),
            (["None", "ConditionalCheckFailed", "None"], Verdict::Taken(0, None)),
            (["None", "None", "ConditionalCheckFailed"], Verdict::NotOurs(1)),
            (["TransactionConflict", "None", "None"], Verdict::Refused),
            (["None", "TransactionConflict", "None"], Verdict::Refused),
            (["ThrottlingError", "None", "None"], Verdict::Failed),
            (["ValidationError", "None", "None"], Verdict::Failed),
        ];
        for (codes, expected) in cases {
            assert_eq!(verdict(&reasons(&codes), &claims), expected, "{codes:?}");
        }
    }
}
