//! Writes items in batches of PartiQL statements, the one batched API that takes conditions.
//!
//! Values are bound, never quoted into the text. An absent item is inserted, a present one updated, with only what
//! changed: PartiQL has no conditional upsert. Errors come per statement, inside a successful answer.

use super::item::attributes;
use crate::attributes::{n, s};
use crate::errors::unavailable;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeValue, BatchStatementError, BatchStatementErrorCodeEnum as Code, BatchStatementRequest,
};
use futures::future::join_all;
use rtr_engine::seams::{Unavailable, Write, Wrote};
use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;

/// Statements of one request. DynamoDB's limit.
const MAX_STATEMENTS: usize = 25;

/// What one write changes.
#[derive(Debug, PartialEq)]
pub(super) struct Change {
    /// Attributes that are new or different.
    pub(super) set: BTreeMap<&'static str, AttributeValue>,
    /// Attributes that go.
    pub(super) remove: Vec<&'static str>,
}

/// One statement and its parameters in the order of their marks.
#[derive(Debug, PartialEq)]
struct Statement {
    text: String,
    parameters: Vec<AttributeValue>,
}

/// The difference between the item as read and as it shall be; for an absent item, everything.
pub(super) fn change(write: &Write) -> Change {
    let mut set = attributes(&write.key, &write.names, &write.new);
    if write.old.rev == 0 {
        return Change { set, remove: Vec::new() };
    }
    let old = attributes(&write.key, &write.names, &write.old);
    let remove = old.keys().copied().filter(|name| !set.contains_key(name)).collect();
    set.retain(|name, value| old.get(name) != Some(value));
    Change { set, remove }
}

/// Writes each; the answers stand in the order of `writes`.
pub(super) async fn write(client: &Client, table: &str, writes: &[Write]) -> Vec<Wrote> {
    let mut answers = vec![Wrote::Refused; writes.len()];
    // A second write of one item in one call can only be stale: it stays refused. DynamoDB would fail both.
    let mut seen = HashSet::new();
    let places: Vec<usize> = (0..writes.len()).filter(|place| seen.insert(&writes[*place].key)).collect();
    let chunks: Vec<&[usize]> = places.chunks(MAX_STATEMENTS).collect();
    let done = join_all(chunks.iter().map(|places| {
        let statements = places.iter().map(|place| statement(table, &writes[*place])).collect();
        execute(client, statements)
    }));
    for (places, wrote) in chunks.iter().zip(done.await) {
        places.iter().zip(wrote).for_each(|(place, wrote)| answers[*place] = wrote);
    }
    answers
}

async fn execute(client: &Client, statements: Vec<Statement>) -> Vec<Wrote> {
    let count = statements.len();
    let failed = |why: Unavailable| vec![Wrote::Failed(why); count];
    let built: Result<Vec<_>, _> = statements.into_iter().map(request).collect();
    let requests = match built {
        Ok(requests) => requests,
        Err(error) => return failed(Unavailable(error.to_string())),
    };
    match client.batch_execute_statement().set_statements(Some(requests)).send().await {
        Err(error) => failed(unavailable("BatchExecuteStatement", &error)),
        Ok(answer) => {
            let responses = answer.responses.unwrap_or_default();
            if responses.len() != count {
                return failed(Unavailable("BatchExecuteStatement: answers are missing".to_owned()));
            }
            responses.iter().map(|response| response.error().map_or(Wrote::Done, outcome)).collect()
        }
    }
}

fn request(statement: Statement) -> Result<BatchStatementRequest, aws_sdk_dynamodb::error::BuildError> {
    let parameters = Some(statement.parameters);
    BatchStatementRequest::builder().statement(statement.text).set_parameters(parameters).build()
}

fn outcome(error: &BatchStatementError) -> Wrote {
    match error.code() {
        // A transaction on the item means that somebody writes right now: reading again tells what.
        Some(Code::ConditionalCheckFailed | Code::DuplicateItem | Code::TransactionConflict) => {
            Wrote::Refused
        }
        code => {
            let code = code.map_or("an error without a code", Code::as_str);
            let message = error.message().unwrap_or_default();
            Wrote::Failed(Unavailable(format!("BatchExecuteStatement: {code} {message}")))
        }
    }
}

fn statement(table: &str, write: &Write) -> Statement {
    let change = change(write);
    if write.old.rev == 0 { insert(table, write, change) } else { update(table, write, change) }
}

fn insert(table: &str, write: &Write, change: Change) -> Statement {
    let mut text = format!("INSERT INTO \"{table}\" VALUE {{'pk': ?, 'sk': ?");
    let mut parameters = vec![s(&write.key.pk), s(&write.key.sk)];
    for (name, value) in change.set {
        let _ = write!(text, ", '{name}': ?");
        parameters.push(value);
    }
    text.push('}');
    Statement { text, parameters }
}

/// Each clause has its own keyword, which both AWS's grammar and others' take; names are quoted, since some are words
/// of the language.
fn update(table: &str, write: &Write, change: Change) -> Statement {
    let mut text = format!("UPDATE \"{table}\"");
    let mut parameters = Vec::with_capacity(change.set.len() + 3);
    for (name, value) in change.set {
        let _ = write!(text, " SET \"{name}\" = ?");
        parameters.push(value);
    }
    for name in change.remove {
        let _ = write!(text, " REMOVE \"{name}\"");
    }
    text.push_str(" WHERE \"pk\" = ? AND \"sk\" = ? AND \"rev\" = ?");
    parameters.extend([s(&write.key.pk), s(&write.key.sk), n(write.old.rev)]);
    Statement { text, parameters }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtr_core::item::Item;
    use rtr_core::key::PairKey;
    use rtr_core::time::Instant;
    use rtr_engine::seams::Names;

    fn write(old: Item, new: Item) -> Write {
        let key = PairKey { pk: "acme#contact#c'\"?".to_owned(), sk: "acme#hubspot".to_owned() };
        Write { key, names: Names::default(), old, new }
    }

    #[test]
    fn given_no_item_when_written_then_it_is_inserted_with_bound_values() {
        let new = Item { rev: 1, applied_version: Some(7), by: "m".to_owned(), ..Item::default() };
        let write = write(Item::default(), new);
        let statement = statement("Records", &write);
        assert_eq!(
            statement.text,
            "INSERT INTO \"Records\" VALUE {'pk': ?, 'sk': ?, 'applied_version': ?, 'by': ?, 'rev': ?}"
        );
        assert_eq!(statement.parameters, [s(&write.key.pk), s(&write.key.sk), n(7), s("m"), n(1)]);
    }

    #[test]
    fn given_an_item_when_written_then_only_what_changed_is_sent() {
        let old = Item {
            rev: 4,
            applied_version: Some(6),
            applied_hash: Some("ab".to_owned()),
            external_id: Some("501".to_owned()),
            linked_at: Some(Instant(3)),
            by: "m".to_owned(),
            crashes: 1,
            ..Item::default()
        };
        let new = Item { rev: 5, applied_version: Some(7), applied_hash: None, crashes: 0, ..old.clone() };
        let write = write(old, new);
        let statement = statement("Records", &write);
        assert_eq!(
            statement.text,
            "UPDATE \"Records\" SET \"applied_version\" = ? SET \"rev\" = ? REMOVE \"applied_hash\" REMOVE \
             \"crashes\" WHERE \"pk\" = ? AND \"sk\" = ? AND \"rev\" = ?"
        );
        assert_eq!(statement.parameters, [n(7), n(5), s(&write.key.pk), s(&write.key.sk), n(4)]);
    }

    #[test]
    fn given_an_error_of_a_statement_when_read_then_only_a_condition_is_refused() {
        let wrote = |code: Code| outcome(&BatchStatementError::builder().code(code).message("why").build());
        for code in [Code::ConditionalCheckFailed, Code::DuplicateItem, Code::TransactionConflict] {
            assert_eq!(wrote(code), Wrote::Refused);
        }
        for code in [Code::ThrottlingError, Code::ProvisionedThroughputExceeded, Code::ValidationError] {
            assert!(matches!(wrote(code), Wrote::Failed(Unavailable(why)) if why.ends_with("why")));
        }
    }
}
