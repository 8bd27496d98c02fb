//! The way to AWS: clients, the stack's names, and errors that say which endpoint did what.

mod errors;
mod events;
mod lambda;
mod signed;
mod sts;

pub(crate) use errors::{code, is_denied, problem, says_denied, unavailable};
pub(crate) use events::Rule;
pub(crate) use lambda::{Function, Mapping};
pub(crate) use sts::{Caller, Identity};

use crate::problem::Problem;
use crate::stack::{Choice, Stack, upper_case};
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
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
/// For one attempt: a megabyte over a slow line.
const ATTEMPT: Duration = Duration::from_secs(30);
/// Attempts of one operation, the first included.
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

/// A stack as CloudFormation describes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Described {
    /// Its status.
    pub(crate) status: String,
    /// Its parameters.
    pub(crate) parameters: BTreeMap<String, String>,
    /// Its outputs.
    pub(crate) outputs: BTreeMap<String, String>,
}

impl Aws {
    /// Looks the stack up.
    pub(crate) async fn connect(choice: &Choice) -> Result<Self, Problem> {
        let timeouts =
            TimeoutConfig::builder().connect_timeout(CONNECT).operation_attempt_timeout(ATTEMPT).build();
        let retries = RetryConfig::standard().with_max_attempts(ATTEMPTS);
        let loading =
            aws_config::defaults(BehaviorVersion::latest()).timeout_config(timeouts).retry_config(retries);
        let config = Box::pin(loading.load()).await;
        let place = place(&config)?;
        let cloudformation = aws_sdk_cloudformation::Client::new(&config);
        let stack = match choice.described() {
            Some(stack) => stack,
            None => look_up(&cloudformation, choice, &place).await?,
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
        let answer = self.cloudformation.describe_stacks().stack_name(&self.stack.name).send().await;
        let answer = answer.map_err(|error| problem("DescribeStacks", &self.place, &error))?;
        let missing = || Problem::not_found(format!("there is no stack {}", self.stack.name));
        let stack = answer.stacks().first().ok_or_else(missing)?;
        let output = |output: &aws_sdk_cloudformation::types::Output| {
            Some((output.output_key()?.to_owned(), output.output_value()?.to_owned()))
        };
        Ok(Described {
            status: stack.stack_status().map_or_else(String::new, |status| status.as_str().to_owned()),
            parameters: parameters(stack),
            outputs: stack.outputs().iter().filter_map(output).collect(),
        })
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
        let answer = self.cloudformation.describe_stacks().stack_name(&self.stack.name).send().await.ok()?;
        answer.stacks().first().map(parameters)
    }
}

/// Where AWS is. No region and no endpoint: nothing can be called.
fn place(config: &SdkConfig) -> Result<String, Problem> {
    match (config.endpoint_url(), config.region()) {
        (Some(endpoint), _) => Ok(endpoint.to_owned()),
        (None, Some(region)) => Ok(format!("AWS in {region}")),
        (None, None) => Err(Problem::usage("no AWS region is set")
            .hint("set AWS_REGION or AWS_PROFILE; for the local stack: source target/local/env.sh")),
    }
}

async fn look_up(
    client: &aws_sdk_cloudformation::Client,
    choice: &Choice,
    place: &str,
) -> Result<Stack, Problem> {
    let answer = client.describe_stacks().stack_name(&choice.name).send().await;
    let missing = || {
        Problem::not_found(format!("there is no stack {} at {place}", choice.name)).hint(
            "set --stack or RTR_STACK; for the local stack: make local, then source target/local/env.sh",
        )
    };
    let answer = match answer {
        Ok(answer) => answer,
        // CloudFormation's word for a stack that does not exist is that the request is not valid.
        Err(error) if errors::code(&error) == Some("ValidationError") => return Err(missing()),
        Err(error) => return Err(problem("DescribeStacks", place, &error)),
    };
    let stack = answer.stacks().first().ok_or_else(missing)?;
    let output = |output: &aws_sdk_cloudformation::types::Output| {
        Some((upper_case(output.output_key()?), output.output_value()?.to_owned()))
    };
    let stage = choice.stage(parameters(stack).get("Stage").map(String::as_str));
    Ok(Stack {
        name: choice.name.clone(),
        stage,
        outputs: stack.outputs().iter().filter_map(output).collect(),
    })
}

fn parameters(stack: &aws_sdk_cloudformation::types::Stack) -> BTreeMap<String, String> {
    let parameter = |parameter: &aws_sdk_cloudformation::types::Parameter| {
        Some((parameter.parameter_key()?.to_owned(), parameter.parameter_value()?.to_owned()))
    };
    stack.parameters().iter().filter_map(parameter).collect()
}
