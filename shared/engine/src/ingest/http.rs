//! Requests: who may come in, what is in the body, how much of it may go, and what became of each event.

use super::send::send;
use super::{Caches, Settings, Ways, door, last_call, log, rate};
use crate::report::BatchReport;
use rtr_core::code::Code;
use rtr_core::ingest::http::{Kind, read};
use rtr_core::ingest::secret::Presented;
use rtr_core::ingest::{Answer, Entry, Fate, Refusal, Source, answer};
use rtr_core::metric::Metric;
use rtr_core::time::Instant;
use rtr_core::trace::Trace;

/// Who vouches for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way<'a> {
    /// API Gateway, which has checked an AWS signature: events of any org.
    Signed,
    /// Nobody yet: the secret of this org must, and lets in its events alone.
    Org(&'a str),
}

/// A request.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Who vouches for it.
    pub way: Way<'a>,
    /// What its body is.
    pub kind: Kind<'a>,
    /// What it brings to be let in.
    pub presented: Presented<'a>,
    /// The trace that it is part of: that of every event in it that names no other.
    pub trace: Option<&'a str>,
    /// Its body.
    pub body: &'a [u8],
}

/// Answers a request, and counts.
pub async fn run(
    ways: &Ways<'_>,
    settings: &Settings,
    caches: &Caches,
    request: &Request<'_>,
    deadline: Instant,
) -> (Answer, BatchReport) {
    let began = ways.clock.now();
    let mut report = BatchReport::default();
    let answer = take(ways, settings, caches, request, deadline, &mut report).await;
    report.count(Metric::IngestUnauthorized, u64::from(answer.status == 401));
    let org = if let Way::Org(org) = request.way { org } else { "" };
    log(Source::Http, org, answer.status, &report, ways.clock.now().since_ms(began));
    (answer, report)
}

async fn take(
    ways: &Ways<'_>,
    settings: &Settings,
    caches: &Caches,
    request: &Request<'_>,
    deadline: Instant,
    report: &mut BatchReport,
) -> Answer {
    if let Way::Org(org) = request.way {
        match door::admits(ways, settings, &caches.door, org, &request.presented, request.body).await {
            Ok(true) => {}
            Ok(false) => return Answer::unauthorized(),
            Err(error) => {
                tracing::error!(event = "ingest", org_id = org, error = %error, "the org's secret cannot be read");
                let message = "the store of secrets does not answer: send the request again";
                return Answer::problem(&Refusal::passing(503, Code::SecretUnavailable, message, 1));
            }
        }
    }
    let mut items = match read(request.kind, request.body, settings.group_buckets) {
        Ok(items) => items,
        Err(refusal) => return Answer::problem(&refusal),
    };
    let trace = request.trace.and_then(Trace::from_traceparent);
    for entry in items.iter_mut().flatten().filter(|entry| entry.trace.is_none()) {
        entry.trace.clone_from(&trace);
    }
    if let Way::Org(org) = request.way {
        items.iter_mut().for_each(|item| refuse_foreign(item, org));
    }
    rate::limit(ways, settings, &caches.rates, &mut items, report).await;
    let fates = fates(ways, items, last_call(deadline)).await;
    count(&fates, report);
    answer(&fates)
}

fn refuse_foreign(item: &mut Result<Entry, Refusal>, org: &str) {
    if item.as_ref().is_ok_and(|entry| entry.key.org_id != org) {
        let message = "`org_id` is another org than the one whose secret the request came with";
        let refusal = Refusal { field: Some("org_id"), ..Refusal::lasting(403, Code::ForeignOrg, message) };
        *item = Err(refusal);
    }
}

/// Sends what is an entry; each item with what became of it, in their order.
async fn fates(ways: &Ways<'_>, items: Vec<Result<Entry, Refusal>>, until: Instant) -> Vec<Fate> {
    let mut entries = Vec::with_capacity(items.len());
    let mut places = Vec::with_capacity(items.len());
    let mut fates = Vec::with_capacity(items.len());
    for (place, item) in items.into_iter().enumerate() {
        match item {
            Ok(entry) => {
                entries.push(entry);
                places.push(place);
                fates.push(None);
            }
            Err(refusal) => fates.push(Some(Fate::Refused(refusal))),
        }
    }
    for (place, fate) in places.into_iter().zip(send(ways, &entries, until).await) {
        fates[place] = Some(fate);
    }
    fates.into_iter().flatten().collect()
}

fn count(fates: &[Fate], report: &mut BatchReport) {
    report.count(Metric::IngestReceived, fates.len() as u64);
    for fate in fates {
        match fate {
            Fate::Taken(_) => report.count(Metric::IngestAccepted, 1),
            Fate::Refused(why) if why.passes() => report.count(Metric::IngestPutOff, 1),
            Fate::Refused(_) => report.count(Metric::IngestRefused, 1),
        }
    }
}
