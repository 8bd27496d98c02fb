//! The way to AWS: clients, the stack's names, and errors that say which endpoint did what.

mod describe;
mod errors;
mod events;
mod lambda;
mod signed;
#[cfg(test)]
mod stand_in;
mod sts;

pub(crate) use describe::Described;
pub(crate) use errors::{code, is_absent, is_denied, problem, says_denied, unavailable, unavailable_part};
pub(crate) use events::Rule;
pub(crate) use lambda::{Function, Mapping};
pub(crate) use sts::{Caller, Identity};

use crate::problem::Problem;
use crate::stack::{Choice, Stack, upper_case};
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use describe::{Asked, describe};
use rtr_aws::clients::Clients;
use rtr_aws::config::ConfigStore;
use rtr_aws::function::Runtime;
use rtr_aws::hosts::AllowedHosts;
use rtr_aws::settings::Environment;
use rtr_core::limit::LIMITER_BUDGET_MS;
use rtr_engine::batch::{Settings, TOKENS_WITHIN_MS};
use std::collections::BTreeMap;
use std::time::Duration;

/// For a connection. A person's line is slower than a function's.
const CONNECT: Duration = Duration::from_secs(5);
/// For one attempt: a megabyte over a slow line, or a page of a slow stack.
const ATTEMPT: Duration = Duration::from_secs(15);
/// For an operation with all its attempts: who takes connections and never answers is told after as long.
const OPERATION: Duration = Duration::from_secs(28);
/// For a question of the stack itself, which often comes before another: its answer is some kilobytes.
const DESCRIPTION: Duration = Duration::from_secs(10);
/// Attempts of one operation, the first included. Nothing above the SDK tries again.
const ATTEMPTS: u32 = 4;

/// How long one run of the command may use what it has read, in milliseconds.
const RUN_MS: i64 = 60_000;

/// A stack and the clients to work on it.
#[derive(Debug)]
pub(crate) struct Aws {
    /// The stack.
    pub(crate) stack: Stack,
    /// The clients.
    pub(crate) clients: Clients,
    /// Where AWS is, for errors: an endpoint or a region.
    pub(crate) place: String,
    cloudformation: aws_sdk_cloudformation::Client,
    config: SdkConfig,
}

impl Aws {
    /// Looks the stack up.
    pub(crate) async fn connect(choice: &Choice) -> Result<Self, Problem> {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT)
            .operation_attempt_timeout(ATTEMPT)
            .operation_timeout(OPERATION)
            .build();
        let retries = RetryConfig::standard().with_max_attempts(ATTEMPTS);
        let loading = aws_config::defaults(BehaviorVersion::latest())
            .timeout_config(timeouts.clone())
            .retry_config(retries);
        let config = Box::pin(loading.load()).await;
        let place = place(config.endpoint_url(), config.region().map(AsRef::as_ref))?;
        let described = timeouts.to_builder().operation_timeout(DESCRIPTION).build();
        let described = aws_sdk_cloudformation::config::Builder::from(&config).timeout_config(described);
        let cloudformation = aws_sdk_cloudformation::Client::from_conf(described.build());
        let asked = Asked { name: &choice.name, region: config.region().map(AsRef::as_ref), place: &place };
        let stack = match choice.described() {
            Some(stack) => stack,
            None => found(choice, Box::pin(describe(&cloudformation, asked)).await?),
        };
        Ok(Self { stack, clients: Clients::new(&config), place, cloudformation, config })
    }

    /// The configuration table.
    pub(crate) fn config_store(&self) -> Result<ConfigStore, Problem> {
        Ok(ConfigStore::new(&self.clients, self.stack.output("CONFIG_TABLE_NAME")?))
    }

    /// The functions' own adapters over this stack. Only the hosts in `allowed_hosts` and the providers' own are called.
    pub(crate) fn runtime(&self, allowed_hosts: &str) -> Result<Runtime, Problem> {
        let output = |name| self.stack.output(name).map(str::to_owned);
        let stage = self.stack.stage.clone();
        let allowed_hosts = AllowedHosts::parse(allowed_hosts, &stage)
            .map_err(|error| Problem::usage(format!("the stack's parameter AllowedHosts: {error}")))?;
        let settings = Settings {
            stage,
            group_buckets: 0,
            strict_orgs: false,
            timeout_ms: RUN_MS,
            visibility_ms: RUN_MS,
            cache_ms: RUN_MS,
            connection_share: 2,
            tokens_within_ms: TOKENS_WITHIN_MS,
            limiter_budget_ms: LIMITER_BUDGET_MS,
            job_from: 0,
        };
        let environment = Environment {
            settings,
            records_table: output("RECORDS_TABLE_NAME")?,
            limits_table: output("LIMITS_TABLE_NAME")?,
            config_table: output("CONFIG_TABLE_NAME")?,
            payload_bucket: output("PAYLOAD_BUCKET_NAME")?,
            changes_queue_url: output("CHANGES_QUEUE_URL")?,
            dead_letter_queue_url: output("DEAD_LETTER_QUEUE_URL")?,
            bulk_queue_url: output("BULK_QUEUE_URL")?,
            inbound_queue_url: output("INBOUND_QUEUE_URL")?,
            poll_queue_url: output("POLL_QUEUE_URL")?,
            allowed_hosts,
        };
        Runtime::new(environment, &self.clients).map_err(|error| Problem::unreachable(error.to_string()))
    }

    /// The stack's own number of message groups per org, if nobody says otherwise. A wrong one costs a detour, never
    /// order: sync sends a message in another group on to its own.
    pub(crate) async fn group_buckets(&self, given: Option<u64>) -> u64 {
        if let Some(given) = given {
            return given;
        }
        let parameters = Box::pin(self.parameters()).await;
        let stated = parameters.as_ref().and_then(|parameters| parameters.get("GroupBuckets"));
        stated.and_then(|text| text.parse().ok()).unwrap_or(0)
    }

    /// The stack as CloudFormation describes it.
    pub(crate) async fn described(&self) -> Result<Described, Problem> {
        let asked = Asked { name: &self.stack.name, region: self.region(), place: &self.place };
        Box::pin(describe(&self.cloudformation, asked)).await
    }

    /// The configuration of the function `name`, as it is deployed.
    pub(crate) async fn function(&self, name: &str) -> Result<Function, Problem> {
        Box::pin(lambda::function(&self.config, &self.place, name)).await
    }

    /// The queues that the events of the function `name` come from.
    pub(crate) async fn mappings(&self, name: &str) -> Result<Vec<Mapping>, Problem> {
        Box::pin(lambda::mappings(&self.config, &self.place, name)).await
    }

    /// The rules that start the function of the full name `arn`.
    pub(crate) async fn rules(&self, arn: &str) -> Result<Vec<Rule>, Problem> {
        Box::pin(events::rules(&self.config, &self.place, arn)).await
    }

    /// Whose the credentials are, and how our clock stands.
    pub(crate) async fn caller(&self) -> Result<Caller, Problem> {
        Box::pin(sts::caller(&self.config, &self.place)).await
    }

    /// The region that is asked.
    pub(crate) fn region(&self) -> Option<&str> {
        self.config.region().map(|region| region.as_ref())
    }

    /// The stack's parameters; none when CloudFormation does not tell.
    pub(crate) async fn parameters(&self) -> Option<BTreeMap<String, String>> {
        self.described().await.ok().map(|described| described.parameters)
    }
}

/// Where AWS is. Without a region nothing can be signed, an endpoint or none.
fn place(endpoint: Option<&str>, region: Option<&str>) -> Result<String, Problem> {
    match (endpoint, region.filter(|region| !region.is_empty())) {
        (_, None) => Err(Problem::usage("no AWS region is set")
            .hint("set AWS_REGION or AWS_PROFILE; for the local stack: source target/local/env.sh")),
        (Some(endpoint), _) => Ok(endpoint.to_owned()),
        (None, Some(region)) => Ok(format!("AWS in {region}")),
    }
}

/// The stack that is meant, by what CloudFormation says of it.
fn found(choice: &Choice, described: Described) -> Stack {
    let stage = choice.stage(described.parameters.get("Stage").map(String::as_str));
    let outputs = described.outputs.into_iter().map(|(name, value)| (upper_case(&name), value)).collect();
    Stack { name: choice.name.clone(), stage, outputs }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Exit;

    #[test]
    fn given_an_endpoint_or_none_when_no_region_is_set_then_that_is_told_before_anything_is_asked() {
        assert_eq!(place(None, Some("eu-west-1")), Ok("AWS in eu-west-1".to_owned()));
        assert_eq!(place(Some("http://x"), Some("eu-west-1")), Ok("http://x".to_owned()));
        for (endpoint, region) in [(None, None), (Some("http://x"), None), (Some("http://x"), Some(""))] {
            let refused = place(endpoint, region).unwrap_err();
            assert_eq!((refused.exit, refused.what.as_str()), (Exit::Usage, "no AWS region is set"));
        }
    }

    #[test]
    fn given_who_never_answers_when_asked_then_two_questions_one_after_another_end_within_forty_seconds() {
        assert!(
            CONNECT < ATTEMPT && ATTEMPT < OPERATION && DESCRIPTION + OPERATION < Duration::from_secs(40)
        );
        assert!(ATTEMPT >= 3 * Duration::from_secs(5), "a page of a slow local stack takes five seconds");
    }
}
