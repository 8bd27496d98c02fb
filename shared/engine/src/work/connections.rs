//! Opens each connection that has work, and works it: connections concurrently, records of one group never.

use super::Caches;
use super::announce::announce;
use super::calls;
use super::compare::tell;
use super::execute::execute;
use super::job::Job;
use crate::batch::Settings;
use crate::breaker::{Bounds, BreakerGate};
use crate::credentials::ConnectionAuth;
use crate::gate::LimiterGate;
use crate::notices;
use crate::report::BatchReport;
use crate::seams::Seams;
use async_trait::async_trait;
use futures::future::join_all;
use rtr_connectors::registry::Connector;
use rtr_connectors::session::{Reserved, Retries, Session, Tape};
use rtr_core::config::OrgConfig;
use rtr_core::item::Lane;
use rtr_core::key::ConnectionKey;
use rtr_core::limit::Traffic;
use rtr_core::metric::Metric;
use rtr_core::notice::NoticeKind;
use rtr_core::retry::MAX_TRIES;
use rtr_core::time::Instant;
use std::collections::BTreeMap;

/// Calls the CRMs, connections concurrently. Once a record has crashed its function, records are worked one at a time.
pub(crate) async fn call_all(
    seams: &Seams<'_>,
    settings: &Settings,
    caches: &Caches,
    jobs: &mut [Job],
    alone: bool,
    deadline: Instant,
    report: &mut BatchReport,
) {
    let mut by_connection: BTreeMap<ConnectionKey, Vec<&mut Job>> = BTreeMap::new();
    for job in jobs.iter_mut().filter(|job| job.going().is_some()) {
        by_connection.entry(job.connection.clone()).or_default().push(job);
    }
    if alone {
        for job in by_connection.into_values().flatten() {
            let mut one = [job];
            announce(seams, &mut one).await;
            let [job] = one;
            if job.going().is_some() {
                report.add(one_connection(seams, settings, caches, vec![job], deadline).await);
            }
        }
        return;
    }
    let running =
        by_connection.into_values().map(|jobs| one_connection(seams, settings, caches, jobs, deadline));
    for own in join_all(running).await {
        report.add(own);
    }
}

async fn one_connection(
    seams: &Seams<'_>,
    settings: &Settings,
    caches: &Caches,
    mut jobs: Vec<&mut Job>,
    deadline: Instant,
) -> BatchReport {
    let Some(first) = jobs.first() else { return BatchReport::default() };
    let (config, connection) = (first.setup.config.clone(), first.connection.clone());
    // The bulk lane's chunks are of one kind, and the sync lane calls for nothing that a backfill brought.
    let traffic = if jobs.iter().all(|job| job.backfill) { Traffic::Backfill } else { Traffic::Live };
    let (connector, lane) = (first.setup.connector, first.lane);
    let door = Door { config: &config, connection: &connection, connector, lane, traffic };
    open(seams, settings, caches, &door, deadline, &mut Execute { seams, jobs: &mut jobs }).await
}

/// A connection that is to be opened.
pub(crate) struct Door<'a> {
    pub(crate) config: &'a OrgConfig,
    pub(crate) connection: &'a ConnectionKey,
    pub(crate) connector: Connector,
    /// Who calls.
    pub(crate) lane: Lane,
    /// Whose share of the tokens it spends.
    pub(crate) traffic: Traffic,
}

/// What is done over an open connection.
#[async_trait]
pub(crate) trait Deed: Send {
    async fn with(&mut self, session: &Session<'_>);
}

struct Execute<'a, 'j> {
    seams: &'a Seams<'a>,
    jobs: &'a mut [&'j mut Job],
}

#[async_trait]
impl Deed for Execute<'_, '_> {
    async fn with(&mut self, session: &Session<'_>) {
        execute(self.seams, session, self.jobs).await;
        tell(self.seams, self.jobs).await;
    }
}

/// Opens the connection, does what is to be done over it, and counts what was called.
pub(crate) async fn over(
    seams: &Seams<'_>,
    settings: &Settings,
    caches: &Caches,
    door: &Door<'_>,
    deadline: Instant,
    deed: &mut dyn Deed,
    report: &mut BatchReport,
) {
    report.add(open(seams, settings, caches, door, deadline, deed).await);
}

async fn open(
    seams: &Seams<'_>,
    settings: &Settings,
    caches: &Caches,
    door: &Door<'_>,
    deadline: Instant,
    deed: &mut dyn Deed,
) -> BatchReport {
    let (connection, connector) = (door.connection.clone(), door.connector);
    let Some(own) = door.config.connections.get(&connection.connection) else {
        return BatchReport::default();
    };
    let (limits, clock, rules) = (seams.limits, seams.clock, &own.limits);
    let limiter = LimiterGate::new(limits, clock, &caches.pools, connection.clone(), rules, door.traffic)
        .sharing(own.reserve_backfill_percent)
        .holding_at_most(settings.connection_share)
        .answering_within(settings.limiter_budget_ms);
    // What is drained is as much as there is: by bursts it would take the limit from whatever happens meanwhile.
    let limiter = if door.lane == Lane::Bulk {
        limiter.evenly()
    } else {
        limiter.waiting_at_most(settings.tokens_within_ms)
    };
    let call_ms = connector.capabilities().call_timeout_ms;
    let bounds = Bounds { call_ms, deadline };
    let gate = BreakerGate::new(limits, clock, &caches.breakers, limiter, connection.clone(), bounds);
    let auth = ConnectionAuth {
        seams: *seams,
        cache: &caches.credentials,
        connection,
        connector,
        secret: &own.secret,
        base_url: own.base_url.as_deref(),
        cache_ms: settings.cache_ms,
        deadline,
    };
    let session = Session {
        http: seams.http,
        clock: seams.clock,
        gate: &gate,
        auth: &auth,
        deadline,
        call_timeout_ms: call_ms,
        retries: Retries::at_most(MAX_TRIES - 1),
        reserved: Reserved::default(),
        classify: connector.classify(),
        quota: connector.quota(),
        tape: Tape::default(),
    };
    deed.with(&session).await;
    gate.leave().await;
    let (provider, mut report) = (connector.facts().name, BatchReport::default());
    let limiter = &gate.limiter;
    report.count_of(provider, Metric::CrmCalls, limiter.calls());
    report.count_of(provider, Metric::LimiterUnavailable, limiter.let_through());
    report.count_of(provider, Metric::BreakerOpened, gate.openings());
    calls::count(provider, &session.tape.all(), &mut report);
    // Asked for no record in particular, or by what keeps no trail.
    calls::log(door.connection, provider, &session.tape.untold(), 0, &[]);
    if limiter.quota_low() {
        report.count_of(provider, Metric::QuotaLow, 1);
        let notice = notices::of(NoticeKind::QuotaLow, door.connection, provider, seams.clock.now());
        if caches.notices.is_news(&notice, seams.clock.now()) {
            notices::raise(seams, &notice).await;
        }
    }
    report
}
