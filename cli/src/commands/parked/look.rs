//! Finds what is parked: connection by connection, each in its own partitions of the index. No table is scanned for it.

use super::entry::Entry;
use crate::aws::{Aws, unavailable};
use crate::commands::connection::select::stored;
use crate::commands::dlq::filter::Filter;
use crate::problem::Problem;
use futures::stream::{self, StreamExt, TryStreamExt};
use rtr_aws::function::Runtime;
use rtr_core::key::{ConnectionKey, PairKey};
use rtr_core::time::Instant;
use rtr_engine::seams::{Limits as _, Records as _, Unavailable};
use std::collections::BTreeSet;

/// Connections looked at at once.
const AT_ONCE: usize = 16;
/// Items read at once: only what is shown of them is kept.
const STEP: usize = 1_000;
/// More than anybody has parked.
const ALL: usize = usize::MAX;

/// What `filter` takes, what goes first foremost; there must be every one that it names.
pub(super) async fn find(aws: &Aws, runtime: &Runtime, filter: &Filter) -> Result<Vec<Entry>, Problem> {
    let connections = connections(aws, runtime, filter).await?;
    let found: Result<Vec<Vec<Entry>>, Unavailable> = stream::iter(connections)
        .map(|connection| of_connection(runtime, connection, filter))
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await;
    let found = found.map_err(|error| unavailable("reading what is parked", &aws.place, &error))?;
    let mut entries = found.concat();
    entries.sort_by(|a, b| (a.not_before, &a.letter.id).cmp(&(b.not_before, &b.letter.id)));
    match filter.id.iter().find(|id| !entries.iter().any(|entry| entry.letter.id == **id)) {
        None => Ok(entries),
        Some(id) => Err(Problem::not_found(format!("nothing parked has the id {id}"))
            .hint("it may have gone meanwhile; rtr parked list shows what is parked")),
    }
}

/// The connections that are configured, and those that are gone but have a lane to be looked at.
async fn connections(
    aws: &Aws,
    runtime: &Runtime,
    filter: &Filter,
) -> Result<BTreeSet<ConnectionKey>, Problem> {
    let stored = stored(aws).await?;
    let of_org = stored.orgs.iter().flat_map(|(org, stored)| {
        stored.doc.connections.keys().map(move |connection| ConnectionKey::new(org, connection))
    });
    let lanes = runtime.limits().lanes_due(Instant(i64::MAX), ALL).await;
    let lanes = lanes.map_err(|error| unavailable("reading the bulk lanes", &aws.place, &error))?;
    let all = of_org.chain(lanes.into_iter().map(|baton| baton.connection));
    let is = |wanted: &Option<String>, found: &String| wanted.as_ref().is_none_or(|wanted| wanted == found);
    Ok(all.filter(|one| is(&filter.org, &one.org_id) && is(&filter.connection, &one.connection)).collect())
}

async fn of_connection(
    runtime: &Runtime,
    connection: ConnectionKey,
    filter: &Filter,
) -> Result<Vec<Entry>, Unavailable> {
    let records = runtime.records();
    let mut shown = records.parked(&connection, ALL).await?;
    shown.extend(records.backfilled(&connection, ALL).await?);
    shown.extend(records.waits(&connection, ALL).await?);
    let keys: Vec<PairKey> = shown.into_iter().map(|one| one.key).collect();
    let mut entries = Vec::new();
    for keys in keys.chunks(STEP) {
        let named = records.read_named(keys).await?;
        // The index lags: what is gone by now is left out.
        let read = named.iter().filter_map(|one| Entry::read(one, &connection));
        entries.extend(read.filter(|entry| filter.takes(&entry.letter)));
    }
    Ok(entries)
}
