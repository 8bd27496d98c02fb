//! How much of what backfills brought is parked at a connection: counted while that is little, estimated when it is much.
//!
//! A count reads what it counts, and a million rows of the index cost three cents each time. Records spread evenly over the
//! partitions, so that one of them stands for all.

use super::index::backfill_stem;
use crate::attributes::s;
use crate::errors::unavailable;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::Select;
use rtr_core::key::{ConnectionKey, SHARDS, index_partitions};
use rtr_engine::seams::Unavailable;

/// Rows that each partition is asked for at first.
const FEW: i32 = 200;
/// Pages, of a mebibyte each, that an estimate reads at most: some thirty thousand rows, for a hundredth of a cent.
const PAGES: usize = 6;

/// How much is parked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backlog {
    /// So much.
    pub parked: u64,
    /// Whether it was counted, and not estimated.
    pub exact: bool,
}

/// What backfills brought of what is parked at `connection`. `turn` says which partition stands for all, if it is much: each
/// has its turn.
///
/// # Errors
/// When the table does not answer.
pub async fn backlog(
    client: &Client,
    table: &str,
    connection: &ConnectionKey,
    turn: u64,
) -> Result<Backlog, Unavailable> {
    let partitions: Vec<String> = index_partitions(&backfill_stem(&connection.key())).collect();
    let (mut parked, mut exact) = (0, true);
    for partition in &partitions {
        let (n, more) = count(client, table, partition, Some(FEW), 1).await?;
        parked += n;
        if more {
            exact = false;
            break;
        }
    }
    if exact {
        return Ok(Backlog { parked, exact });
    }
    let at = usize::try_from(turn % SHARDS).unwrap_or(0);
    let Some(partition) = partitions.get(at) else { return Ok(Backlog { parked, exact }) };
    let (n, _) = count(client, table, partition, None, PAGES).await?;
    Ok(Backlog { parked: parked.max(n.saturating_mul(SHARDS)), exact })
}

/// The rows of a partition, and whether there are more than were counted.
async fn count(
    client: &Client,
    table: &str,
    partition: &str,
    limit: Option<i32>,
    pages: usize,
) -> Result<(u64, bool), Unavailable> {
    let (mut n, mut from) = (0, None);
    for _ in 0..pages {
        let asked = client
            .query()
            .table_name(table)
            .index_name("parked")
            .key_condition_expression("parked_pk = :pk")
            .expression_attribute_values(":pk", s(partition))
            .select(Select::Count)
            .set_limit(limit)
            .set_exclusive_start_key(from);
        let page = asked.send().await.map_err(|error| unavailable("Query", &error))?;
        n += u64::try_from(page.count()).unwrap_or(0);
        from = page.last_evaluated_key;
        if from.is_none() {
            return Ok((n, false));
        }
    }
    Ok((n, true))
}
