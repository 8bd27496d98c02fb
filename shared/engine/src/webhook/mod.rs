//! The webhook flow: a CRM's call is verified, read, and every change it tells of is a notice on `inbound.fifo`, or none is
//! answered for.
//!
//! No CRM is called, and what is read of ours comes from memory or in one round of reads. The CRM hears of success only when all
//! is on the queue: else it sends again, and what was there already is dropped by its deduplication id. Whoever is not verified
//! hears one and the same answer, whatever is the matter.
//!
//! - `keys` what a connection's calls are signed with · `send` events to notices

mod keys;
mod send;

pub use keys::KeyCache;

use crate::report::{BatchReport, said};
use crate::seams::{Seams, Unavailable};
use crate::within::within;
use keys::Held;
use rtr_connectors::registry::{self, Connector};
use rtr_connectors::webhook::{Acknowledgement, Delivery, Heard};
use rtr_core::inbound::address::address;
use rtr_core::key::ConnectionKey;
use rtr_core::metric::Metric;
use rtr_core::time::Instant;
use serde_json::Value;
use std::future::Future;

/// The largest body of one call, in bytes.
pub const MAX_BODY_BYTES: usize = 1_024 * 1_024;
/// The most that one call may tell: HubSpot's and Salesforce's number.
pub const MAX_PARTS: u64 = 100;
/// Ids of callers that are not known are cut to this many characters in the log.
const MAX_LOGGED_CHARS: usize = 64;

/// What the flow needs to know of its function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookSettings {
    /// What connections' addresses begin with, as people enter them at CRMs.
    pub base_url: String,
    /// How long a call may take, in milliseconds: CRMs wait a few seconds, and count who is slow.
    pub budget_ms: i64,
    /// How long what was read of a connection holds, in milliseconds.
    pub cache_ms: i64,
}

/// A call as it came.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// The connection that its path names.
    pub connection: &'a ConnectionKey,
    /// What stood behind that in the path.
    pub word: Option<&'a str>,
    /// The method.
    pub method: &'a str,
    /// The query, without its `?`.
    pub query: &'a str,
    /// The headers.
    pub headers: &'a [(String, String)],
    /// The body.
    pub body: &'a [u8],
}

/// What is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// All of it is on the queue.
    Safe(Acknowledgement),
    /// It is not verified, whatever is the reason.
    NotVerified,
    /// It is verified, and none of the CRM's.
    Unreadable,
    /// It is larger than anything a CRM sends.
    TooLarge,
    /// Not now: send it again.
    Later,
}

impl Reply {
    /// The HTTP status.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::Safe(Acknowledgement::Empty) => 204,
            Self::Safe(Acknowledgement::Words { .. }) => 200,
            Self::Unreadable => 400,
            Self::NotVerified => 401,
            Self::TooLarge => 413,
            Self::Later => 503,
        }
    }
}

/// Works one call off.
pub async fn run(
    seams: &Seams<'_>,
    settings: &WebhookSettings,
    keys: &KeyCache,
    call: Call<'_>,
) -> (Reply, BatchReport) {
    let began = seams.clock.now();
    let mut flow = Flow {
        seams,
        settings,
        keys,
        until: began.plus_ms(settings.budget_ms),
        report: BatchReport::default(),
    };
    let (reply, why) = match Box::pin(flow.call(call, began)).await {
        Ok(reply) => (reply, String::new()),
        Err(Stopped { reply, counter, why }) => {
            flow.report.count(counter, 1);
            (reply, why)
        }
    };
    let took_ms = seams.clock.now().since_ms(began);
    let mut report = flow.report;
    report.count(Metric::Calls, 1);
    report.measure("", Metric::TookMs, took_ms);
    log(call.connection, reply.status(), &why, &report, took_ms);
    (reply, report)
}

/// Works an event off that came through an event bus of AWS's, for `connection`.
///
/// # Errors
/// Why nothing of it is on the queue, or not all: whoever brought it brings it again.
pub async fn relayed(
    seams: &Seams<'_>,
    settings: &WebhookSettings,
    keys: &KeyCache,
    (connection, event): (&ConnectionKey, &Value),
) -> (Result<(), String>, BatchReport) {
    let began = seams.clock.now();
    // Nobody waits for an answer.
    let until = began.plus_ms(settings.budget_ms.saturating_mul(10));
    let mut flow = Flow { seams, settings, keys, until, report: BatchReport::default() };
    let ended = Box::pin(flow.event(connection, event, began)).await;
    let (result, status) = match ended {
        Ok(()) => (Ok(()), 204),
        Err(Stopped { reply, counter, why }) => {
            flow.report.count(counter, 1);
            (Err(why), reply.status())
        }
    };
    let took_ms = seams.clock.now().since_ms(began);
    let mut report = flow.report;
    report.count(Metric::Relayed, 1);
    log(connection, status, result.as_ref().err().map_or("", String::as_str), &report, took_ms);
    (result, report)
}

/// Why a call ends before its time.
struct Stopped {
    reply: Reply,
    counter: Metric,
    /// For the log.
    why: String,
}

fn stopped(reply: Reply, counter: Metric, why: impl Into<String>) -> Stopped {
    Stopped { reply, counter, why: why.into() }
}

/// Not now, and what was the matter.
fn later(error: &Unavailable) -> Stopped {
    stopped(Reply::Later, Metric::Unavailable, error.0.as_str())
}

/// One call or event on its way.
struct Flow<'a> {
    seams: &'a Seams<'a>,
    settings: &'a WebhookSettings,
    keys: &'a KeyCache,
    /// No later than this it is answered.
    until: Instant,
    report: BatchReport,
}

impl Flow<'_> {
    async fn call(&mut self, call: Call<'_>, now: Instant) -> Result<Reply, Stopped> {
        if call.body.len() > MAX_BODY_BYTES {
            let why = format!("a body of {} bytes, and {MAX_BODY_BYTES} are taken", call.body.len());
            return Err(stopped(Reply::TooLarge, Metric::TooLarge, why));
        }
        let (connector, held) = self.connection(call.connection).await?;
        let webhook = connector.webhook();
        let address = address(&self.settings.base_url, call.connection);
        let Call { word, method, query, headers, body, .. } = call;
        let delivery = Delivery { method, address: &address, word, query, headers, body, now };
        webhook
            .verify(&delivery, held.keys())
            .map_err(|refusal| stopped(Reply::NotVerified, Metric::Refused, refusal.to_string()))?;
        let heard = webhook
            .read(&delivery)
            .map_err(|error| stopped(Reply::Unreadable, Metric::UnreadableCalls, error.to_string()))?;
        if heard.parts() > MAX_PARTS {
            let why = format!("{} events in one call, and {MAX_PARTS} are taken", heard.parts());
            return Err(stopped(Reply::TooLarge, Metric::TooLarge, why));
        }
        self.send(call.connection, &held, heard, now).await?;
        Ok(Reply::Safe(webhook.acknowledgement()))
    }

    async fn event(
        &mut self,
        connection: &ConnectionKey,
        event: &Value,
        now: Instant,
    ) -> Result<(), Stopped> {
        let (connector, held) = self.connection(connection).await?;
        let heard = connector.webhook().relayed(event);
        let heard =
            heard.map_err(|error| stopped(Reply::Unreadable, Metric::UnreadableCalls, error.to_string()))?;
        self.send(connection, &held, heard, now).await
    }

    /// The connection's CRM, and what is known of its calls.
    async fn connection(&self, key: &ConnectionKey) -> Result<(Connector, std::sync::Arc<Held>), Stopped> {
        let unknown = |why: &str| stopped(Reply::NotVerified, Metric::Refused, why);
        let config =
            self.in_time(self.seams.configs.org(&key.org_id)).await?.map_err(|error| later(&error))?;
        let connection =
            config.connections.get(&key.connection).ok_or_else(|| unknown("there is no such connection"))?;
        let connector = registry::by_name(&connection.provider);
        let connector = connector.ok_or_else(|| unknown("the connection's provider is not known"))?;
        let held = self.keys.of(self.seams, self.settings.cache_ms, key, &connection.secret);
        match self.in_time(held).await? {
            Ok(Some(held)) => Ok((connector, held)),
            Ok(None) => Err(unknown("the connection has no secret that can be used")),
            Err(error) => Err(later(&error)),
        }
    }

    /// What `work` gives, within the time that is left.
    async fn in_time<T>(&self, work: impl Future<Output = T>) -> Result<T, Stopped> {
        within(self.seams.clock, self.until, work).await.ok_or_else(|| {
            let why = format!("no answer within {} ms", self.settings.budget_ms);
            stopped(Reply::Later, Metric::OutOfTime, why)
        })
    }

    async fn send(
        &mut self,
        key: &ConnectionKey,
        held: &Held,
        heard: Heard,
        now: Instant,
    ) -> Result<(), Stopped> {
        self.report.count(Metric::Heard, heard.parts());
        self.report.count(Metric::Ignored, heard.ignored);
        self.report.count(Metric::Unreadable, heard.unreadable);
        let of_account = send::of_account(heard.events, held)
            .map_err(|why| stopped(Reply::Later, Metric::Unavailable, why))?;
        self.report.count(Metric::Foreign, of_account.foreign);
        let (messages, doubles) = send::messages(key, of_account.events, now);
        self.report.count(Metric::Coalesced, doubles);
        let answers = self.in_time(send::send(self.seams.queue, &messages)).await?;
        let sent = answers.iter().filter(|answer| answer.is_ok()).count();
        self.report.count(Metric::Enqueued, u64::try_from(sent).unwrap_or(u64::MAX));
        match answers.into_iter().find_map(Result::err) {
            Some(error) => Err(later(&error)),
            None => Ok(()),
        }
    }
}

fn log(key: &ConnectionKey, status: u16, why: &str, report: &BatchReport, took_ms: i64) {
    let cut = |text: &str| text.chars().take(MAX_LOGGED_CHARS).collect::<String>();
    let (org_id, connection) = (cut(&key.org_id), cut(&key.connection));
    let (heard, enqueued) = (report.n(Metric::Heard), report.n(Metric::Enqueued));
    let (foreign, unreadable) = (report.n(Metric::Foreign), report.n(Metric::Unreadable));
    if status < 300 && foreign == 0 && unreadable == 0 {
        tracing::info!(event = "webhook", org_id, connection, status, heard, enqueued, took_ms);
    } else {
        tracing::warn!(
            event = "webhook",
            org_id,
            connection,
            status,
            message = said(why),
            heard,
            enqueued,
            foreign,
            unreadable,
            took_ms
        );
    }
}
