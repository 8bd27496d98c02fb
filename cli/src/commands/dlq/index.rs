//! Reads the sparse index `dead`: the sixteen partitions of one org, or all of it. What it says is a hint.

use super::filter::Filter;
use super::letter::Letter;
use crate::aws::{Aws, problem};
use crate::problem::Problem;
use aws_sdk_dynamodb::types::AttributeValue;
use futures::future::try_join_all;
use rtr_aws::records::dead_stem;
use rtr_core::key::{PairKey, index_partitions};
use rtr_core::time::Instant;
use std::collections::HashMap;

/// The index.
const INDEX: &str = "dead";

type Row = HashMap<String, AttributeValue>;

/// The dead letters that `filter` takes, oldest first.
pub(super) async fn read(aws: &Aws, filter: &Filter) -> Result<Vec<Letter>, Problem> {
    let table = aws.stack.output("RECORDS_TABLE_NAME")?;
    let rows = match &filter.org {
        Some(org) => {
            let stem = dead_stem(Some(org));
            try_join_all(index_partitions(&stem).map(|partition| query(aws, table, partition, filter)))
                .await?
                .concat()
        }
        None => scan(aws, table).await?,
    };
    let mut letters: Vec<Letter> =
        rows.iter().filter_map(letter).filter(|letter| filter.takes(letter)).collect();
    letters.sort_by(|a, b| (a.since, &a.id).cmp(&(b.since, &b.id)));
    Ok(letters)
}

/// Those that `filter` takes, of which there must be every one that it names.
pub(super) async fn find(aws: &Aws, filter: &Filter) -> Result<Vec<Letter>, Problem> {
    let letters = read(aws, filter).await?;
    match filter.id.iter().find(|id| !letters.iter().any(|letter| letter.id == **id)) {
        None => Ok(letters),
        Some(id) => Err(Problem::not_found(format!("no dead letter has the id {id}"))
            .hint("it may have been applied meanwhile; rtr dlq list shows what is dead")),
    }
}

async fn query(aws: &Aws, table: &str, partition: String, filter: &Filter) -> Result<Vec<Row>, Problem> {
    let (since, until) = (filter.since.unwrap_or(Instant(0)), filter.until.unwrap_or(Instant(i64::MAX)));
    // DynamoDB refuses a range that ends before it begins; nothing lies in it.
    if since > until {
        return Ok(Vec::new());
    }
    let (mut rows, mut from) = (Vec::new(), None);
    loop {
        let query = aws
            .clients
            .dynamodb
            .query()
            .table_name(table)
            .index_name(INDEX)
            .key_condition_expression("dead_pk = :partition AND dead_at BETWEEN :since AND :until")
            .expression_attribute_values(":partition", AttributeValue::S(partition.clone()))
            .expression_attribute_values(":since", AttributeValue::N(since.0.to_string()))
            .expression_attribute_values(":until", AttributeValue::N(until.0.to_string()))
            .set_exclusive_start_key(from);
        let page =
            query.send().await.map_err(|error| problem("Query of the dead index", &aws.place, &error))?;
        rows.extend(page.items.unwrap_or_default());
        from = page.last_evaluated_key;
        if from.is_none() {
            return Ok(rows);
        }
    }
}

async fn scan(aws: &Aws, table: &str) -> Result<Vec<Row>, Problem> {
    let (mut rows, mut from) = (Vec::new(), None);
    loop {
        let scan =
            aws.clients.dynamodb.scan().table_name(table).index_name(INDEX).set_exclusive_start_key(from);
        let page =
            scan.send().await.map_err(|error| problem("Scan of the dead index", &aws.place, &error))?;
        rows.extend(page.items.unwrap_or_default());
        from = page.last_evaluated_key;
        if from.is_none() {
            return Ok(rows);
        }
    }
}

fn letter(row: &Row) -> Option<Letter> {
    let text = |name: &str| row.get(name)?.as_s().ok().cloned();
    let since = row.get("dead_at")?.as_n().ok()?.parse().ok()?;
    let key = PairKey { pk: text("pk")?, sk: text("sk")? };
    Some(Letter::read(key, Instant(since), &text("dead_summary").unwrap_or_default()))
}
