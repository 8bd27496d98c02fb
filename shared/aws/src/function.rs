//! What the mains share: everything built once, at cold start, and lent to each invocation.

use crate::clients::Clients;
use crate::clock::SystemClock;
use crate::config::DynamoConfigs;
use crate::http::ReqwestHttp;
use crate::limits::DynamoLimits;
use crate::metrics::emf_lines;
use crate::queue::{SqsQueue, response};
use crate::records::DynamoRecords;
use crate::secrets::ManagedSecrets;
use crate::settings::{Environment, SettingsError};
use aws_lambda_events::sqs::SqsBatchResponse;
use rtr_connectors::http::Clock as _;
use rtr_core::time::Instant;
use rtr_engine::apply::{Signing, Ways};
use rtr_engine::batch::Settings;
use rtr_engine::report::BatchReport;
use rtr_engine::seams::{Consents, Courier, Seams};
use rtr_engine::sync::Caches;
use std::sync::Arc;

/// A function's adapters, settings and caches, for as long as its process lives.
pub struct Runtime {
    /// What the flows need to know of the function.
    pub settings: Settings,
    /// Leases and credentials of this process.
    pub caches: Caches,
    records: DynamoRecords,
    limits: DynamoLimits,
    configs: DynamoConfigs,
    secrets: ManagedSecrets,
    queue: SqsQueue,
    http: ReqwestHttp,
    clock: SystemClock,
    signing: Signing,
    /// Orgs whose name is a dimension of their endings.
    metric_orgs: Vec<String>,
}

/// Why a function cannot start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// The environment is wrong.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The way to the CRMs cannot be set up.
    #[error("HTTP cannot be set up: {0}")]
    Http(String),
}

impl Runtime {
    /// Reads the environment and builds everything.
    ///
    /// # Errors
    /// When the environment is wrong: better at cold start than at the first record.
    pub async fn load() -> Result<Self, StartError> {
        let started = match Environment::load() {
            Ok(environment) => Self::new(environment, &Clients::load().await),
            Err(error) => Err(error.into()),
        };
        started.inspect_err(|error| tracing::error!(event = "start", %error, "the function cannot start"))
    }

    /// Builds everything over `clients`.
    ///
    /// # Errors
    /// When the way to the CRMs cannot be set up.
    pub fn new(environment: Environment, clients: &Clients) -> Result<Self, StartError> {
        let Environment { settings, allowed_hosts, .. } = environment;
        let clock = Arc::new(SystemClock);
        Ok(Self {
            caches: Caches::default(),
            records: DynamoRecords::new(clients, environment.records_table, environment.payload_bucket),
            limits: DynamoLimits::new(clients, environment.limits_table, clock.clone()),
            configs: DynamoConfigs::new(clients, environment.config_table, &settings, clock),
            secrets: ManagedSecrets::new(clients),
            queue: SqsQueue::new(
                clients,
                environment.changes_queue_url,
                environment.dead_letter_queue_url,
                environment.bulk_queue_url,
                environment.inbound_queue_url,
                environment.poll_queue_url,
            ),
            http: ReqwestHttp::new(allowed_hosts).map_err(StartError::Http)?,
            clock: SystemClock,
            signing: Signing::new(settings.cache_ms),
            metric_orgs: metric_orgs(std::env::var("RTR_METRIC_ORGS").ok().as_deref()),
            settings,
        })
    }

    /// The seams, for one invocation.
    #[must_use]
    pub fn seams(&self) -> Seams<'_> {
        Seams {
            records: &self.records,
            limits: &self.limits,
            notices: &self.limits,
            configs: &self.configs,
            secrets: &self.secrets,
            queue: &self.queue,
            http: &self.http,
            clock: &self.clock,
        }
    }

    /// What the apply flow has to do with beside the seams.
    #[must_use]
    pub fn ways<'a>(&'a self, courier: &'a dyn Courier) -> Ways<'a> {
        Ways { settings: &self.settings, caches: &self.caches, signing: &self.signing, courier }
    }

    /// The records table itself, for people: no flow lists or counts.
    #[must_use]
    pub fn records(&self) -> &DynamoRecords {
        &self.records
    }

    /// The limits table itself, for people: no flow looks at a bucket without taking from it.
    #[must_use]
    pub fn limits(&self) -> &DynamoLimits {
        &self.limits
    }

    /// Consents under way: none of the other flows has to do with them.
    #[must_use]
    pub fn consents(&self) -> &dyn Consents {
        &self.limits
    }

    /// The time now.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Prints the invocation's metrics, if there is anything to count.
    pub fn print_metrics(&self, function: &str, report: &BatchReport) {
        emf_lines(self.clock.now(), function, &self.settings.stage, &self.metric_orgs, report)
            .iter()
            .for_each(|line| println!("{line}"));
    }

    /// Prints the invocation's metrics and makes Lambda's answer: exactly the messages that are to come back.
    #[must_use]
    pub fn answer(&self, function: &str, report: BatchReport) -> SqsBatchResponse {
        self.print_metrics(function, &report);
        response(report.failed)
    }
}

/// The orgs that `list` names, between commas.
fn metric_orgs(list: Option<&str>) -> Vec<String> {
    let names = list.unwrap_or_default().split(',').map(str::trim);
    names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// The invocation's deadline, as Lambda's context says it: milliseconds since the epoch.
#[must_use]
pub fn deadline(context_deadline_ms: u64) -> Instant {
    Instant(i64::try_from(context_deadline_ms).unwrap_or(i64::MAX))
}
