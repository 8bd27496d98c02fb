//! The poll flow: asks CRMs what has changed since the last time, and puts it on `inbound.fifo`.
//!
//! What webhooks missed is found here. Pages go by stamps and ids, never by offsets; what a page tells is on the queue before
//! the place is moved, so that a run that dies is gone on with where it was, and a little is told twice rather than anything not
//! at all. Each run looks back a while before it goes on: a change may be seen later than the stamp it bears. What is nothing
//! new is left out, and what is told twice all the same is known by its stamp. It spends the share of the limits that backfills
//! have.
//!
//! - `place.rs` how far it is · `ensure.rs` begins what is not polled yet · `pages.rs` reads and sends on

mod ensure;
mod pages;
mod place;

pub(crate) use ensure::ensure_once;
pub use ensure::{Begun, ensure, feeds};

use crate::batch::{Received, Settings};
use crate::report::{BatchReport, end_batch};
use crate::seams::{Seams, Write, Wrote};
use crate::work::connections::{Door, over};
use crate::work::{COMMIT_RESERVE_MS, Caches};
use ensure::names;
use pages::{Pages, Stop};
use place::{Place, idle};
use rtr_connectors::registry::{self, Connector};
use rtr_core::code::Code;
use rtr_core::config::{Mode, OrgConfig};
use rtr_core::inbound::{Message, Wake};
use rtr_core::item::{Item, Lane, Reason};
use rtr_core::key::PairKey;
use rtr_core::limit::Traffic;
use rtr_core::metric::Metric;
use rtr_core::time::Instant;
use std::collections::BTreeSet;

/// What cannot be polled is looked at again after this, in milliseconds.
const STOPPED_MS: i64 = 600_000;
/// A paused connection is looked at again after this, in milliseconds.
const PAUSED_MS: i64 = 60_000;

/// Works one batch of `poll.fifo` until `deadline`.
pub async fn run(
    seams: &Seams<'_>,
    settings: &Settings,
    caches: &Caches,
    batch: &[Received],
    deadline: Instant,
) -> BatchReport {
    let began = seams.clock.now();
    let deadline = deadline.plus_ms(-COMMIT_RESERVE_MS);
    let mut report = BatchReport::default();
    for received in batch {
        let wake = match Message::parse(&received.body) {
            Ok(Message::Wake(wake)) => wake,
            _ => {
                tracing::warn!(event = "poll", message_id = received.message_id, "a message is no wake-up");
                continue;
            }
        };
        let poll = Poll { seams, settings, caches, wake: &wake, by: &received.message_id, deadline };
        if let Err(why) = poll.run(&mut report).await {
            let (org_id, connection) = (&wake.connection.org_id, &wake.connection.connection);
            let object = &wake.object;
            tracing::warn!(event = "poll", org_id, connection, object, message = why);
            report.failed.push(received.message_id.clone());
        }
    }
    end_batch("poll", batch, &mut report, seams.clock.now().since_ms(began));
    report
}

/// One run of one poll.
struct Poll<'a> {
    seams: &'a Seams<'a>,
    settings: &'a Settings,
    caches: &'a Caches,
    wake: &'a Wake,
    by: &'a str,
    deadline: Instant,
}

impl Poll<'_> {
    async fn run(&self, report: &mut BatchReport) -> Result<(), String> {
        let (seams, wake) = (self.seams, self.wake);
        let key = PairKey::feed(&wake.connection, &wake.object);
        let found = seams.records.read(std::slice::from_ref(&key)).await.map_err(|error| error.0)?;
        let item = found.get(&key).cloned().unwrap_or_default();
        let mine = item.slot.as_ref().is_some_and(|slot| slot.wanted_version == wake.version);
        let Some(place) = Place::of(&item).filter(|_| mine) else {
            report.count(Metric::Superseded, 1);
            return Ok(());
        };
        let config = seams.configs.org(&wake.connection.org_id).await.map_err(|error| error.0)?;
        let now = seams.clock.now();
        let (connector, properties) = match self.allowed(&config) {
            Ok(found) => found,
            Err((ms, why)) => {
                let reason = Reason::new(Code::Polling, why);
                self.save(&key, &item, &place, now.plus_ms(ms), reason).await.map(drop)?;
                report.count(Metric::PollsIdle, 1);
                return Ok(());
            }
        };
        // Whoever dies is followed when its message would have been seen again.
        let followed_at = now.plus_ms(self.settings.visibility_ms);
        let Some(item) = self.save(&key, &item, &place, followed_at, idle()).await? else {
            report.count(Metric::Superseded, 1);
            return Ok(());
        };
        let mut pages = Pages {
            poll: self,
            key: &key,
            config: &config,
            connector,
            properties,
            item,
            place,
            stop: None,
            followed_at,
            counts: BatchReport::default(),
        };
        let door = Door {
            config: &config,
            connection: &wake.connection,
            connector,
            lane: Lane::Bulk,
            traffic: Traffic::Backfill,
        };
        over(seams, self.settings, self.caches, &door, self.deadline, &mut pages, report).await;
        let Pages { item, place, stop, counts, .. } = pages;
        report.add(counts);
        let now = seams.clock.now();
        let poll_ms = config.inbound.as_ref().map_or(STOPPED_MS, |way| way.poll_ms);
        let (at, reason) = match stop {
            Some(Stop::CaughtUp) => (now.plus_ms(poll_ms), idle()),
            Some(Stop::OutOfTime) => (now, Reason::new(Code::OutOfTime, Code::OutOfTime.about())),
            Some(Stop::Refused(until, reason)) => {
                // Limits and rests pass; what a person has to see to does not.
                if until.since_ms(now) >= STOPPED_MS && reason.code != Code::Throttled {
                    let (org_id, connection) = (&wake.connection.org_id, &wake.connection.connection);
                    let (object, code, message) = (&wake.object, reason.code.as_str(), &reason.message);
                    tracing::warn!(event = "poll", org_id, connection, object, code, message);
                    report.count(Metric::PollsRefused, 1);
                }
                (until.max(now), reason)
            }
            // Another has it by now.
            Some(Stop::Superseded) => return Ok(()),
            None => (now.plus_ms(PAUSED_MS), Reason::new(Code::OutOfTime, Code::OutOfTime.about())),
        };
        self.save(&key, &item, &place, at, reason).await.map(drop)
    }

    /// The CRM, and what is to be asked of its records.
    fn allowed(&self, config: &OrgConfig) -> Result<(Connector, Vec<String>), (i64, &'static str)> {
        let (name, object) = (&self.wake.connection.connection, &self.wake.object);
        let own = config.connections.get(name).ok_or((STOPPED_MS, "there is no such connection any more"))?;
        match own.mode {
            Mode::Live => {}
            Mode::Paused => return Err((PAUSED_MS, "the connection is paused")),
            Mode::Shadow => return Err((STOPPED_MS, "the connection is shadowed")),
        }
        if !feeds(config).iter().any(|(connection, of)| connection.connection == *name && of == object) {
            return Err((STOPPED_MS, "nothing of this kind flows back"));
        }
        let connector = registry::by_name(&own.provider).ok_or((STOPPED_MS, "the provider is not known"))?;
        let mappings = config.mappings(name).filter(|(_, at)| at.mapping.object == *object);
        let properties: BTreeSet<String> = mappings
            .flat_map(|(_, at)| at.mapping.inbound().map(|field| field.field.to_owned()).collect::<Vec<_>>())
            .collect();
        Ok((connector, properties.into_iter().collect()))
    }

    /// Keeps the place; the item as it is now, or none when another has written it.
    async fn save(
        &self,
        key: &PairKey,
        item: &Item,
        place: &Place,
        at: Instant,
        reason: Reason,
    ) -> Result<Option<Item>, String> {
        let now = self.seams.clock.now();
        let new = place.put(item, &self.wake.object, at, reason, self.by, now);
        let names = names(&self.wake.connection, &self.wake.object);
        let write = Write { key: key.clone(), names, old: item.clone(), new };
        match self.seams.records.write(std::slice::from_ref(&write)).await.into_iter().next() {
            Some(Wrote::Done) => Ok(Some(write.new)),
            Some(Wrote::Failed(error)) => Err(error.0),
            _ => Ok(None),
        }
    }
}
