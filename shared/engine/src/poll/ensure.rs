//! Sees to it that everything that flows back is polled: what is configured, and is not polled yet, begins.

use super::place::{Place, idle};
use crate::report::BatchReport;
use crate::seams::{Names, Seams, Unavailable, Write, Wrote};
use rtr_core::config::OrgConfig;
use rtr_core::key::{ConnectionKey, PairKey};
use rtr_core::metric::Metric;
use rtr_core::time::Instant;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// That a poll has begun is believed for so long, in milliseconds.
const BELIEVED_MS: i64 = 3_600_000;
/// Keys read at once.
const CHUNK: usize = 100;

/// The kinds of records that flow back from each of the org's connections.
#[must_use]
pub fn feeds(config: &OrgConfig) -> BTreeSet<(ConnectionKey, String)> {
    if config.inbound.is_none() {
        return BTreeSet::new();
    }
    let mut feeds = BTreeSet::new();
    for name in config.connections.keys() {
        let routed = |record_type: &str| config.route(record_type).iter().any(|one| one == name);
        let back = config.mappings(name).filter(|(kind, at)| routed(kind) && at.mapping.flows_back());
        feeds.extend(back.map(|(_, at)| (ConnectionKey::new(&config.org, name), at.mapping.object.clone())));
    }
    feeds
}

/// Polls that are known to have begun, by connection and kind, each until when that is believed.
#[derive(Debug, Default)]
pub struct Begun {
    known: Mutex<HashMap<(ConnectionKey, String), Instant>>,
}

impl Begun {
    fn known(&self) -> MutexGuard<'_, HashMap<(ConnectionKey, String), Instant>> {
        // A poisoned lock only says that a thread died elsewhere: what is in the map is still whole.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Begins the polls of `configs` that are not known to have begun: whoever works for an org sees to it, once in a while.
pub(crate) async fn ensure_once<'c>(
    seams: &Seams<'_>,
    begun: &Begun,
    configs: impl IntoIterator<Item = &'c OrgConfig>,
) {
    let now = seams.clock.now();
    let is_open = |feed: &(ConnectionKey, String)| begun.known().get(feed).is_none_or(|until| *until <= now);
    let open: Vec<&OrgConfig> =
        configs.into_iter().filter(|config| feeds(config).iter().any(is_open)).collect();
    if open.is_empty() {
        return;
    }
    match ensure(seams, open.iter().copied()).await {
        Ok(_) => {
            let until = now.plus_ms(BELIEVED_MS);
            begun.known().extend(open.iter().flat_map(|config| feeds(config)).map(|feed| (feed, until)));
        }
        Err(error) => tracing::warn!(event = "poll", message = %error),
    }
}

/// Begins the polls of `configs` that have not begun.
///
/// # Errors
/// When the store does not answer: what was begun is.
pub async fn ensure<'c>(
    seams: &Seams<'_>,
    configs: impl IntoIterator<Item = &'c OrgConfig>,
) -> Result<BatchReport, Unavailable> {
    let mut report = BatchReport::default();
    let all: Vec<(ConnectionKey, String)> = configs.into_iter().flat_map(feeds).collect();
    report.count(Metric::Feeds, all.len() as u64);
    for chunk in all.chunks(CHUNK) {
        let keys: Vec<PairKey> =
            chunk.iter().map(|(connection, object)| PairKey::feed(connection, object)).collect();
        let found = seams.records.read(&keys).await?;
        let now = seams.clock.now();
        let mut writes = Vec::new();
        for (key, (connection, object)) in keys.iter().zip(chunk) {
            let old = found.get(key).cloned().unwrap_or_default();
            if old.slot.is_some() {
                continue;
            }
            let new = Place::new(now).put(&old, object, now, idle(), "", now);
            writes.push(Write { key: key.clone(), names: names(connection, object), old, new });
        }
        if !writes.is_empty() {
            // Who lost against another has nothing to do any more.
            let wrote = seams.records.write(&writes).await;
            report.count(Metric::Begun, wrote.iter().filter(|wrote| **wrote == Wrote::Done).count() as u64);
            if let Some(error) = wrote.into_iter().find_map(failed) {
                return Err(error);
            }
        }
    }
    Ok(report)
}

fn failed(wrote: Wrote) -> Option<Unavailable> {
    if let Wrote::Failed(error) = wrote { Some(error) } else { None }
}

pub(super) fn names(connection: &ConnectionKey, object: &str) -> Names {
    Names {
        org_id: Some(connection.org_id.clone()),
        connection: Some(connection.connection.clone()),
        record_type: Some(object.to_owned()),
        record_id: Some(object.to_owned()),
    }
}
