//! What producers hand in: by HTTP, from Kafka, from EventBridge. What is taken how is in `docs/ingest.md`.
//!
//! - `request.rs` what API Gateway hands over, and gets back

mod request;

use crate::clients::Clients;
use crate::clock::SystemClock;
use crate::function::StartError;
use crate::limits::DynamoLimits;
use crate::metrics::emf_lines;
use crate::queue::SqsQueue;
use crate::records::DynamoRecords;
use crate::secrets::ManagedSecrets;
use crate::settings::{Environment, ingest_per_org_rps};
use request::{HttpEvent, to_json};
use rtr_connectors::http::Clock as _;
use rtr_core::ingest::{Answer, Source, source};
use rtr_core::time::Instant;
use rtr_engine::ingest::{Caches, Settings, Ways, bridge, http, kafka};
use rtr_engine::report::BatchReport;
use serde_json::{Value, json};
use std::sync::Arc;

/// The function's adapters, settings and caches, for as long as its process lives.
pub struct Ingest {
    settings: Settings,
    caches: Caches,
    records: DynamoRecords,
    limits: DynamoLimits,
    secrets: ManagedSecrets,
    queue: SqsQueue,
    clock: SystemClock,
}

/// An event that was not taken in: Lambda delivers it again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotIn(String);

impl Ingest {
    /// Reads the environment and builds everything.
    ///
    /// # Errors
    /// When the environment is wrong: better at cold start than at the first event.
    pub async fn load() -> Result<Self, StartError> {
        let rps = ingest_per_org_rps(|name| std::env::var(name).ok());
        let read = Environment::load().and_then(|environment| Ok((environment, rps?)));
        let (environment, rps) =
            read.inspect_err(|error| tracing::error!(event = "start", %error, "the function cannot start"))?;
        Ok(Self::new(environment, rps, &Clients::load().await))
    }

    /// Builds everything over `clients`, for `per_org_rps` events a second of each org.
    #[must_use]
    pub fn new(environment: Environment, per_org_rps: u64, clients: &Clients) -> Self {
        let all = environment.settings;
        Self {
            settings: Settings {
                stage: all.stage,
                group_buckets: all.group_buckets,
                cache_ms: all.cache_ms,
                limiter_budget_ms: all.limiter_budget_ms,
                per_org_rps,
            },
            caches: Caches::default(),
            records: DynamoRecords::new(clients, environment.records_table, environment.payload_bucket),
            limits: DynamoLimits::new(clients, environment.limits_table, Arc::new(SystemClock)),
            secrets: ManagedSecrets::new(clients),
            queue: SqsQueue::new(
                clients,
                environment.changes_queue_url,
                environment.dead_letter_queue_url,
                environment.bulk_queue_url,
                environment.inbound_queue_url,
                environment.poll_queue_url,
            ),
            clock: SystemClock,
        }
    }

    /// Takes in whatever `event` is, and makes the answer for whoever sent it.
    ///
    /// # Errors
    /// When it is to come again as a whole, or is none of the three that are known.
    pub async fn take(&self, event: Value, deadline: Instant) -> Result<Value, NotIn> {
        let taken = match source(&event) {
            Some(Source::Http) => Ok(self.request(event, deadline).await),
            Some(Source::Kafka) => kafka::run(&self.ways(), &self.settings, &event, deadline).await,
            Some(Source::Bridge) => {
                let taken = bridge::run(&self.ways(), &self.settings, &event, deadline).await;
                taken.map(|report| (json!({}), report))
            }
            None => Err("the event is none of API Gateway, Kafka or EventBridge".to_owned()),
        };
        let (answer, report) = taken.map_err(|why| {
            tracing::error!(event = "ingest", error = why, "the event is to come again");
            NotIn(why)
        })?;
        self.print_metrics(&report);
        Ok(answer)
    }

    async fn request(&self, event: Value, deadline: Instant) -> (Value, BatchReport) {
        let read = HttpEvent::read(event).and_then(|event| {
            let body = event.body()?;
            Ok((event, body))
        });
        let (event, body) = match read {
            Ok(read) => read,
            Err(refusal) => return (to_json(&Answer::problem(&refusal)), BatchReport::default()),
        };
        let request = match event.request(&body) {
            Ok(request) => request,
            Err(refusal) => return (to_json(&Answer::problem(&refusal)), BatchReport::default()),
        };
        let (answer, report) =
            http::run(&self.ways(), &self.settings, &self.caches, &request, deadline).await;
        (to_json(&answer), report)
    }

    fn ways(&self) -> Ways<'_> {
        Ways {
            outlet: &self.queue,
            queue: &self.queue,
            records: &self.records,
            limits: &self.limits,
            secrets: &self.secrets,
            clock: &self.clock,
        }
    }

    fn print_metrics(&self, report: &BatchReport) {
        emf_lines(self.clock.now(), "ingest", &self.settings.stage, &[], report)
            .iter()
            .for_each(|line| println!("{line}"));
    }
}
