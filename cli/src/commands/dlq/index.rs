//! Reads the sparse index `dead`: the sixteen partitions of one org, or all of it. What it says is a hint.
//!
//! All of it is read in segments side by side: one page after another would take an hour to give a hundred million.

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
/// Parts of the index that are read side by side.
const SEGMENTS: i32 = 4;

type Row = HashMap<String, AttributeValue>;

/// How much of the index is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// All of it.
    All,
    /// So many pages of each part at most, a mebibyte each: for who asks beside something else.
    Pages(usize),
    /// The same of one org's, the newest of each part.
    Newest(usize),
}

/// What was found in the index.
#[derive(Debug)]
pub(crate) struct Found {
    /// The letters, oldest first.
    pub(crate) letters: Vec<Letter>,
    /// Whether that is all there is.
    pub(crate) whole: bool,
}

/// The dead letters that `filter` takes, oldest first.
pub(super) async fn read(aws: &Aws, filter: &Filter) -> Result<Vec<Letter>, Problem> {
    Ok(read_some(aws, filter, Extent::All).await?.letters)
}

/// Those that `filter` takes of as much of the index as `extent` says.
pub(crate) async fn read_some(aws: &Aws, filter: &Filter, extent: Extent) -> Result<Found, Problem> {
    let table = aws.stack.output("RECORDS_TABLE_NAME")?;
    let parts = match &filter.org {
        Some(org) => {
            let stem = dead_stem(Some(org));
            let partitions =
                index_partitions(&stem).map(|partition| query(aws, table, partition, filter, extent));
            try_join_all(partitions).await?
        }
        None => try_join_all((0..SEGMENTS).map(|segment| scan(aws, table, segment, extent))).await?,
    };
    let whole = parts.iter().all(|(_, whole)| *whole);
    let rows = parts.into_iter().flat_map(|(rows, _)| rows);
    let mut letters: Vec<Letter> =
        rows.filter_map(|row| letter(&row)).filter(|letter| filter.takes(letter)).collect();
    letters.sort_by(|a, b| (a.since, &a.id).cmp(&(b.since, &b.id)));
    Ok(Found { letters, whole })
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

/// Whether anything is dead at all, as far as the index shows: one request.
pub(super) async fn is_any(aws: &Aws) -> Result<bool, Problem> {
    let table = aws.stack.output("RECORDS_TABLE_NAME")?;
    let asked = aws.clients.dynamodb.scan().table_name(table).index_name(INDEX).limit(1);
    let page = asked.send().await.map_err(|error| problem("Scan of the dead index", &aws.place, &error))?;
    Ok(!page.items().is_empty() || page.last_evaluated_key.is_some())
}

async fn query(
    aws: &Aws,
    table: &str,
    partition: String,
    filter: &Filter,
    extent: Extent,
) -> Result<(Vec<Row>, bool), Problem> {
    let (since, until) = (filter.since.unwrap_or(Instant(0)), filter.until.unwrap_or(Instant(i64::MAX)));
    // DynamoDB refuses a range that ends before it begins; nothing lies in it.
    if since > until {
        return Ok((Vec::new(), true));
    }
    let (mut rows, mut from) = (Vec::new(), None);
    for _ in 0..extent.pages() {
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
            .scan_index_forward(!matches!(extent, Extent::Newest(_)))
            .set_exclusive_start_key(from);
        let page =
            query.send().await.map_err(|error| problem("Query of the dead index", &aws.place, &error))?;
        rows.extend(page.items.unwrap_or_default());
        from = page.last_evaluated_key;
        if from.is_none() {
            return Ok((rows, true));
        }
    }
    Ok((rows, false))
}

async fn scan(aws: &Aws, table: &str, segment: i32, extent: Extent) -> Result<(Vec<Row>, bool), Problem> {
    let (mut rows, mut from) = (Vec::new(), None);
    for _ in 0..extent.pages() {
        let scan = aws
            .clients
            .dynamodb
            .scan()
            .table_name(table)
            .index_name(INDEX)
            .segment(segment)
            .total_segments(SEGMENTS)
            .set_exclusive_start_key(from);
        let page =
            scan.send().await.map_err(|error| problem("Scan of the dead index", &aws.place, &error))?;
        rows.extend(page.items.unwrap_or_default());
        from = page.last_evaluated_key;
        if from.is_none() {
            return Ok((rows, true));
        }
    }
    Ok((rows, false))
}

impl Extent {
    fn pages(self) -> usize {
        match self {
            Self::All => usize::MAX,
            Self::Pages(most) | Self::Newest(most) => most,
        }
    }
}

fn letter(row: &Row) -> Option<Letter> {
    let text = |name: &str| row.get(name)?.as_s().ok().cloned();
    let since = row.get("dead_at")?.as_n().ok()?.parse().ok()?;
    let key = PairKey { pk: text("pk")?, sk: text("sk")? };
    Some(Letter::read(key, Instant(since), &text("dead_summary").unwrap_or_default()))
}
