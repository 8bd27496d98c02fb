//! What becomes of records under mappings that their org tries: two counters in one row, swept up after a while.

use super::{DynamoLimits, Kind, sweep_at};
use crate::attributes::{Row, Unreadable, n, number, s};
use crate::errors::unavailable;
use rtr_engine::seams::{Tally, Unavailable};

/// How long a tally is kept after its last change, in milliseconds: 30 days.
const KEPT_MS: i64 = 30 * 24 * 60 * 60 * 1_000;

fn key(org: &str, revision: u64) -> String {
    Kind::Canary.key(&format!("{revision}#{org}"))
}

pub(super) async fn add(
    limits: &DynamoLimits,
    org: &str,
    revision: u64,
    tally: Tally,
) -> Result<(), Unavailable> {
    let update = limits.client.update_item().table_name(&limits.table).key("pk", s(key(org, revision)));
    let update = update
        .update_expression("ADD well :well, dead :dead SET expires_at = :swept")
        .expression_attribute_values(":well", n(tally.well))
        .expression_attribute_values(":dead", n(tally.dead))
        .expression_attribute_values(":swept", n(sweep_at(limits.clock.now().plus_ms(KEPT_MS))));
    update.send().await.map(drop).map_err(|error| unavailable("UpdateItem", &error))
}

pub(super) async fn read(limits: &DynamoLimits, org: &str, revision: u64) -> Result<Tally, Unavailable> {
    let get = limits.client.get_item().table_name(&limits.table).key("pk", s(key(org, revision)));
    let answer = get.consistent_read(true).send().await.map_err(|error| unavailable("GetItem", &error))?;
    let wrong = |error| Unavailable(format!("the tally of {org}: {error}"));
    answer.item.as_ref().map_or(Ok(Tally::default()), from_row).map_err(wrong)
}

fn from_row(row: &Row) -> Result<Tally, Unreadable> {
    let of = |name| Ok(number(row, name)?.unwrap_or(0));
    Ok(Tally { well: of("well")?, dead: of("dead")? })
}
