//! Notifications: raised where something is found out, told by the sweep.

use crate::report::BatchReport;
use crate::seams::{Bus, Raised, Seams, Suspension};
use crate::within::within;
use crate::work::job::{Job, Stage};
use futures::future::join_all;
use rtr_core::code::Code;
use rtr_core::item::Ended;
use rtr_core::key::ConnectionKey;
use rtr_core::metric::Metric;
use rtr_core::notice::{Notice, NoticeKind};
use rtr_core::time::Instant;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

/// Told at one look.
const AT_ONCE: usize = 100;
/// Who tells has so long, in milliseconds, before another tries.
const LEASE_MS: i64 = 30_000;
/// What goes on is raised again from one environment after this, in milliseconds.
const AGAIN_MS: i64 = 600_000;
/// Raising may hold a batch up for so long, in milliseconds: it has its endings by then, and is to answer.
const RAISE_MS: i64 = 1_000;

/// Dead letters of one batch, by org and connection.
#[derive(Debug, Default)]
pub(crate) struct Dead(BTreeMap<(String, Option<String>), Died>);

/// Dead letters of one connection.
#[derive(Debug)]
struct Died {
    provider: Option<&'static str>,
    count: u64,
    /// Of the last.
    code: Code,
}

impl Dead {
    /// Notes one.
    pub(crate) fn note(
        &mut self,
        org: &str,
        connection: Option<&str>,
        provider: Option<&'static str>,
        code: Code,
    ) {
        self.note_all(org, connection, provider, code, 1);
    }

    /// Notes `n`.
    pub(crate) fn note_all(
        &mut self,
        org: &str,
        connection: Option<&str>,
        provider: Option<&'static str>,
        code: Code,
        n: u64,
    ) {
        let of = (org.to_owned(), connection.map(str::to_owned));
        let held = self.0.entry(of).or_insert(Died { provider, count: 0, code });
        (held.count, held.code) = (held.count + n, code);
    }

    /// Notes `job`, if it has ended so.
    pub(crate) fn note_job(&mut self, job: &Job) {
        let Stage::Ended(Ended::Dead, reason) = &job.stage else { return };
        let code = reason.as_ref().map_or(Code::Crash, |reason| reason.code);
        self.note(&job.connection.org_id, Some(&job.connection.connection), Some(job.provider()), code);
    }

    /// Raises what was noted: a write for each connection, side by side. One that is lost costs a number in a message.
    pub(crate) async fn raise(self, seams: &Seams<'_>) {
        let since = seams.clock.now();
        let notices =
            self.0.into_iter().map(|((org_id, connection), Died { provider, count, code })| Notice {
                kind: NoticeKind::DeadLetters,
                org_id,
                connection,
                provider: provider.map(str::to_owned),
                code: Some(code),
                count,
                since,
                once: None,
            });
        raise_all(seams, &notices.collect::<Vec<_>>()).await;
    }
}

/// What an environment has raised lately, so that what goes on and on costs a write now and then.
#[derive(Debug, Default)]
pub struct Lately(Mutex<HashMap<String, Instant>>);

impl Lately {
    /// Whether `notice` was not raised from here for a while.
    pub(crate) fn is_news(&self, notice: &Notice, now: Instant) -> bool {
        let mut raised = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        raised.retain(|_, at| now.since_ms(*at) < AGAIN_MS);
        let is_news = !raised.contains_key(&notice.key());
        raised.entry(notice.key()).or_insert(now);
        is_news
    }
}

/// A notice of `connection`, of which there is one.
pub(crate) fn of(kind: NoticeKind, connection: &ConnectionKey, provider: &str, since: Instant) -> Notice {
    Notice {
        kind,
        org_id: connection.org_id.clone(),
        connection: Some(connection.connection.clone()),
        provider: Some(provider.to_owned()),
        code: None,
        count: 1,
        since,
        once: None,
    }
}

/// That the connection waits for a person since `suspension`, or goes on after it: each is told once.
pub(crate) fn of_suspension(
    kind: NoticeKind,
    connection: &ConnectionKey,
    provider: &str,
    suspension: &Suspension,
) -> Notice {
    let once = format!("{}#{}", suspension.since.0, suspension.secret_version);
    Notice {
        code: (kind == NoticeKind::Suspended).then_some(Code::Suspended),
        once: Some(once),
        ..of(kind, connection, provider, suspension.since)
    }
}

/// Notes `notice`; nothing else fails for it.
pub(crate) async fn raise(seams: &Seams<'_>, notice: &Notice) {
    raise_all(seams, std::slice::from_ref(notice)).await;
}

async fn raise_all(seams: &Seams<'_>, notices: &[Notice]) {
    if notices.is_empty() {
        return;
    }
    let raising = notices.iter().map(|notice| async move {
        if let Err(error) = seams.notices.raise(notice).await {
            let (org_id, connection) = (&notice.org_id, notice.connection.as_deref());
            let kind = notice.kind.as_str();
            tracing::warn!(
                event = "notice",
                org_id,
                connection,
                kind,
                error = error.0,
                "it could not be noted"
            );
        }
    });
    let until = seams.clock.now().plus_ms(RAISE_MS);
    if within(seams.clock, until, join_all(raising)).await.is_none() {
        let message = format!("{} may not be noted: the limits table does not answer", notices.len());
        tracing::warn!(event = "notice", message);
    }
}

/// Tells what is due.
pub(crate) async fn tell(seams: &Seams<'_>, bus: &dyn Bus, report: &mut BatchReport) {
    let now = seams.clock.now();
    let due = match seams.notices.raised(now, AT_ONCE).await {
        Ok(due) => due,
        Err(error) => return tracing::warn!(event = "sweep", error = error.0, "the notices cannot be read"),
    };
    let mut telling: Vec<Raised> = Vec::new();
    for raised in due {
        let at = raised.notice.due_at(now, raised.told_at);
        let until = if at > now { at } else { now.plus_ms(LEASE_MS) };
        // Whoever was quicker tells it; where the store does not answer it is due still.
        if matches!(seams.notices.put_off(&raised, until).await, Ok(true)) && at <= now {
            telling.push(Raised { due_at: until, ..raised });
        }
    }
    let notices: Vec<Notice> = telling.iter().map(|raised| raised.notice.clone()).collect();
    if notices.is_empty() {
        return;
    }
    for (raised, told) in telling.iter().zip(bus.tell(&notices).await) {
        let noted = match told {
            Ok(()) => {
                report.count(Metric::NoticesSent, 1);
                seams.notices.told(raised, now).await
            }
            Err(error) => Err(error),
        };
        if let Err(error) = noted {
            report.count(Metric::NoticesFailed, 1);
            let (org_id, connection) = (&raised.notice.org_id, raised.notice.connection.as_deref());
            let kind = raised.notice.kind.as_str();
            tracing::warn!(event = "notice", org_id, connection, kind, error = error.0, "it is told again");
        }
    }
}
