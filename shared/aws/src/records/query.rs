//! Asks one partition of a sparse index, in the order of its times.

use crate::attributes::{Row, n, s, text};
use crate::errors::unavailable;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::Select;
use rtr_core::key::{PairKey, SHARDS};
use rtr_core::time::Instant;
use rtr_engine::seams::Unavailable;

/// What is asked of an index: a partition, of it what is due by a time, from which end, and how much at most.
pub(super) struct Question {
    pub(super) index: &'static str,
    pub(super) partition: String,
    pub(super) until: Option<Instant>,
    /// What goes last foremost.
    pub(super) backwards: bool,
    pub(super) limit: usize,
}

/// What each shard may give of `limit`, so that none stands before the others.
pub(super) fn share(limit: usize) -> usize {
    limit.div_ceil(usize::try_from(SHARDS).unwrap_or(1))
}

/// The rows, which hold the item's key and what `also` names.
pub(super) async fn query(
    client: &Client,
    table: &str,
    question: &Question,
    also: &str,
) -> Result<Vec<Row>, Unavailable> {
    let Question { index, partition, until, backwards, limit } = question;
    let (mut rows, mut from) = (Vec::new(), None);
    if *limit == 0 {
        return Ok(rows);
    }
    loop {
        let condition = if until.is_some() { "#pk = :pk AND #at <= :until" } else { "#pk = :pk" };
        // A page has a mebibyte: without a limit a crowd would be read and paid for to give its first few.
        let left = i32::try_from(*limit - rows.len()).unwrap_or(i32::MAX);
        let mut asked = client
            .query()
            .table_name(table)
            .index_name(*index)
            .key_condition_expression(condition)
            .expression_attribute_names("#pk", format!("{index}_pk"))
            .expression_attribute_values(":pk", s(partition))
            .projection_expression(format!("pk, sk{also}"))
            .scan_index_forward(!backwards)
            .limit(left)
            .set_exclusive_start_key(from);
        if let Some(until) = until {
            asked = asked
                .expression_attribute_names("#at", format!("{index}_at"))
                .expression_attribute_values(":until", n(until.0));
        }
        let page = asked.send().await.map_err(|error| unavailable("Query", &error))?;
        rows.extend(page.items.unwrap_or_default());
        from = page.last_evaluated_key;
        if from.is_none() || rows.len() >= *limit {
            rows.truncate(*limit);
            return Ok(rows);
        }
    }
}

/// How many rows a question finds, at most its limit. Only counted: nothing is sent, and a page is a mebibyte of the index.
pub(super) async fn count(client: &Client, table: &str, question: &Question) -> Result<u64, Unavailable> {
    let Question { index, partition, until, limit, .. } = question;
    let (mut found, mut from) = (0_usize, None);
    while found < *limit {
        let condition = if until.is_some() { "#pk = :pk AND #at <= :until" } else { "#pk = :pk" };
        let mut asked = client
            .query()
            .table_name(table)
            .index_name(*index)
            .select(Select::Count)
            .key_condition_expression(condition)
            .expression_attribute_names("#pk", format!("{index}_pk"))
            .expression_attribute_values(":pk", s(partition))
            .limit(i32::try_from(*limit - found).unwrap_or(i32::MAX))
            .set_exclusive_start_key(from);
        if let Some(until) = until {
            asked = asked
                .expression_attribute_names("#at", format!("{index}_at"))
                .expression_attribute_values(":until", n(until.0));
        }
        let page = asked.send().await.map_err(|error| unavailable("Query", &error))?;
        found += usize::try_from(page.count()).unwrap_or(0);
        from = page.last_evaluated_key;
        if from.is_none() {
            break;
        }
    }
    Ok(found.min(*limit) as u64)
}

/// The key of the item that a row is of.
pub(super) fn key_of(row: &Row) -> PairKey {
    let part = |name| text(row, name).ok().flatten().unwrap_or_default().to_owned();
    PairKey { pk: part("pk"), sk: part("sk") }
}
