//! Since when the oldest is parked at a connection.
//!
//! The index is in the order in which versions may go and keeps no other time: since when one is parked stands in its item
//! alone. The oldest need not go first: what is held until its request has landed, or until a job of the CRM's has ended, goes
//! after what came later. So all items are read while they are few. Of many those that go first are read, among which what
//! waits for its turn is oldest, and those that go last, among which what is held is.

use super::index::{backfill_stem, parked_stem, waits_stem};
use super::parked::of_stem;
use super::read::read_named;
use aws_sdk_dynamodb::Client;
use futures::future::try_join_all;
use rtr_core::item::SlotState;
use rtr_core::key::{ConnectionKey, PairKey};
use rtr_core::time::Instant;
use rtr_engine::seams::Unavailable;

/// Of so many all are read: a hundredth of a cent.
const FEW: u64 = 400;
/// Otherwise so many of each stem and end, one of each partition.
const OF_EACH_END: usize = 16;

/// Since when the oldest is parked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Oldest {
    /// Since then; none when nothing is parked.
    pub since: Option<Instant>,
    /// One that was not looked at may be parked for longer.
    pub at_latest: bool,
}

/// Of what is parked at `connection`, with what waits for another record, which was counted to be `parked`.
pub(super) async fn oldest(
    client: &Client,
    table: &str,
    connection: &ConnectionKey,
    parked: u64,
) -> Result<Oldest, Unavailable> {
    if parked == 0 {
        return Ok(Oldest::default());
    }
    let at_latest = parked > FEW;
    let key = connection.key();
    let stems = [parked_stem(&key).to_owned(), backfill_stem(&key), waits_stem(&key)];
    let ends: &[bool] = if at_latest { &[false, true] } else { &[false] };
    let limit = if at_latest { OF_EACH_END } else { usize::MAX };
    let asked = stems.iter().flat_map(|stem| ends.iter().map(move |end| (stem, *end)));
    let shown = try_join_all(asked.map(|(stem, end)| of_stem(client, table, stem, end, limit))).await?;
    let keys: Vec<PairKey> = shown.into_iter().flatten().map(|one| one.key).collect();
    let named = read_named(client, table, &keys).await?;
    // The index lags: what has ended since is not parked.
    let slots = named.iter().filter_map(|one| one.item.slot.as_ref());
    let parked =
        slots.filter(|slot| matches!(slot.state, SlotState::Parked | SlotState::Drop | SlotState::Waiting));
    Ok(Oldest { since: parked.map(|slot| slot.since).min(), at_latest })
}
