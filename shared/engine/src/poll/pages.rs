//! Reads what has changed, page by page, and sends on what is news.

use super::Poll;
use super::place::{Place, idle};
use crate::apply::known::{External, is_echo, known};
use crate::report::BatchReport;
use crate::seams::{Outbound, QueueName};
use crate::work::connections::Deed;
use async_trait::async_trait;
use rtr_connectors::changes::{Fate, Snapshot};
use rtr_connectors::registry::Connector;
use rtr_connectors::session::Session;
use rtr_core::config::OrgConfig;
use rtr_core::failure::{Class, Failure};
use rtr_core::inbound::{Notice, Operation, Seen};
use rtr_core::item::{Item, Reason};
use rtr_core::key::PairKey;
use rtr_core::metric::Metric;
use rtr_core::time::Instant;
use serde_json::Value;

/// Records looked up at once: each has up to two items and a claim.
const CHUNK: usize = 50;
/// With less time left than this, in milliseconds, no other page is begun.
const LEAST_PAGE_MS: i64 = 5_000;
/// The wait where nobody says how long, in milliseconds.
const AGAIN_MS: i64 = 30_000;
/// The list of what is gone is read so often, in milliseconds: it has no order, and all of it has to be read.
const GONE_MS: i64 = 3_600_000;

/// Why a run ends.
#[derive(Debug)]
pub(super) enum Stop {
    /// All that there is was seen.
    CaughtUp,
    /// There may be more, and no time for it.
    OutOfTime,
    /// The CRM, or a queue, does not want to go on before.
    Refused(Instant, Reason),
    /// Another has the poll.
    Superseded,
}

/// A run over an open connection.
pub(super) struct Pages<'a> {
    pub(super) poll: &'a Poll<'a>,
    pub(super) key: &'a PairKey,
    pub(super) config: &'a OrgConfig,
    pub(super) connector: Connector,
    pub(super) properties: Vec<String>,
    pub(super) item: Item,
    pub(super) place: Place,
    pub(super) stop: Option<Stop>,
    pub(super) followed_at: Instant,
    pub(super) counts: BatchReport,
}

#[async_trait]
impl Deed for Pages<'_> {
    async fn with(&mut self, session: &Session<'_>) {
        let stop = match self.changed(session).await {
            Ok(()) => match self.gone(session).await {
                Ok(()) => Stop::CaughtUp,
                Err(stop) => stop,
            },
            Err(stop) => stop,
        };
        self.stop = Some(stop);
    }
}

impl Pages<'_> {
    /// What has changed, to the end.
    async fn changed(&mut self, session: &Session<'_>) -> Result<(), Stop> {
        let overlap_ms = self.connector.feed().overlap_ms;
        let mut from = self.place.begin(overlap_ms);
        loop {
            self.in_time()?;
            let (object, properties) = (&self.poll.wake.object, &self.properties);
            let asked_at = self.poll.seams.clock.now();
            let page = self.connector.changed(session, object, &from, properties).await;
            let page = page.map_err(|failure| self.refused(&failure))?;
            self.hear(&page.changed).await?;
            // A page that leads nowhere would be read for ever.
            let more = page.more && page.next != from;
            self.place = self.place.after(page.next.clone(), more, asked_at, overlap_ms);
            if !more {
                return Ok(());
            }
            from = page.next;
            self.keep().await?;
        }
    }

    /// What is gone, where the CRM lists that apart and it is time.
    async fn gone(&mut self, session: &Session<'_>) -> Result<(), Stop> {
        let now = self.poll.seams.clock.now();
        let due = self.place.gone.is_some() || self.place.gone_at.plus_ms(GONE_MS) <= now;
        if !self.connector.feed().lists_gone || !due {
            return Ok(());
        }
        loop {
            self.in_time()?;
            let (object, after) = (&self.poll.wake.object, self.place.gone.as_deref());
            let page = self.connector.gone(session, object, after).await;
            let page = page.map_err(|failure| self.refused(&failure))?;
            self.hear(&page.gone).await?;
            let ends = page.next.is_none();
            self.place.gone = page.next;
            if ends {
                self.place.gone_at = self.poll.seams.clock.now();
                return Ok(());
            }
            self.keep().await?;
        }
    }

    fn in_time(&self) -> Result<(), Stop> {
        let left_ms = self.poll.deadline.since_ms(self.poll.seams.clock.now());
        let least_ms = LEAST_PAGE_MS.min(self.poll.settings.timeout_ms / 4);
        if left_ms < least_ms { Err(Stop::OutOfTime) } else { Ok(()) }
    }

    async fn keep(&mut self) -> Result<(), Stop> {
        let saved = self.poll.save(self.key, &self.item, &self.place, self.followed_at, idle()).await;
        match saved {
            Ok(Some(item)) => {
                self.item = item;
                Ok(())
            }
            Ok(None) => Err(Stop::Superseded),
            Err(why) => Err(self.later(why)),
        }
    }

    /// Sends on what is news of `changed`.
    async fn hear(&mut self, changed: &[Snapshot]) -> Result<(), Stop> {
        let now = self.poll.seams.clock.now();
        self.counts.count(Metric::Polled, changed.len() as u64);
        for chunk in changed.chunks(CHUNK) {
            let notices: Vec<Notice> = chunk.iter().map(|one| self.notice(one, now)).collect();
            let about: Vec<External<'_>> =
                notices.iter().map(|one| (&one.connection, &*one.object, &*one.external_id)).collect();
            let known = known(self.poll.seams, &about).await.map_err(|error| self.later(error.0))?;
            let news =
                notices.iter().zip(&known).filter(|(notice, known)| !is_echo(notice, known, self.config));
            let messages: Vec<Outbound> = news.map(|(notice, _)| message(notice)).collect();
            self.counts.count(Metric::Echoes, (notices.len() - messages.len()) as u64);
            if messages.is_empty() {
                continue;
            }
            let sent = self.poll.seams.queue.send(QueueName::Inbound, &messages).await;
            if let Some(error) = sent.into_iter().find_map(Result::err) {
                return Err(self.later(error.0));
            }
            self.counts.count(Metric::Noticed, messages.len() as u64);
        }
        Ok(())
    }

    fn notice(&self, snapshot: &Snapshot, now: Instant) -> Notice {
        let operation = match &snapshot.fate {
            Fate::Here => Operation::Upsert,
            Fate::Gone => Operation::Deleted,
            Fate::Merged { into } => Operation::Merged { into: into.clone() },
        };
        let values = snapshot.values.iter().map(|(name, value)| (name.clone(), value.clone()));
        let record = (snapshot.fate == Fate::Here).then(|| Value::Object(values.collect()));
        Notice {
            connection: self.poll.wake.connection.clone(),
            object: self.poll.wake.object.clone(),
            external_id: snapshot.external_id.clone(),
            operation,
            at: snapshot.at,
            seen: Seen::Poll,
            received_at: now,
            origin: snapshot.by.clone(),
            record,
        }
    }

    fn later(&self, why: String) -> Stop {
        let until = self.poll.seams.clock.now().plus_ms(AGAIN_MS);
        Stop::Refused(until, Reason::new(rtr_core::code::Code::StateUnavailable, why))
    }

    fn refused(&self, failure: &Failure) -> Stop {
        let now = self.poll.seams.clock.now();
        let until = match &failure.class {
            Class::Throttled { until } => until.unwrap_or(now.plus_ms(AGAIN_MS)),
            Class::Resting { until } => *until,
            Class::OutOfTime => return Stop::OutOfTime,
            Class::Unavailable | Class::Busy | Class::OutcomeUnknown => now.plus_ms(AGAIN_MS),
            _ => now.plus_ms(super::STOPPED_MS),
        };
        Stop::Refused(until, Reason::from(failure))
    }
}

/// Of one state of a record there is one message, however often it is polled. Two states may share a stamp.
fn message(notice: &Notice) -> Outbound {
    Outbound {
        trace: None,
        body: notice.to_body().to_string(),
        group: notice.message_group(),
        deduplication_id: notice.deduplication_id(None),
        lane: None,
    }
}
