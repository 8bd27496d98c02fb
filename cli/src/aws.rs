//! The way to AWS: clients, the stack's names, and errors that say which endpoint did what.

mod adapters;
mod errors;

pub(crate) use adapters::Adapters;
pub(crate) use errors::{problem, unavailable};

use crate::problem::Problem;
use crate::stack::{Choice, Stack, upper_case};
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use rtr_aws::clients::Clients;
use std::collections::BTreeMap;
use std::time::Duration;

/// For a connection. A person's line is slower than a function's.
const CONNECT: Duration = Duration::from_secs(5);
/// For one attempt: a megabyte over a slow line.
const ATTEMPT: Duration = Duration::from_secs(30);
/// Attempts of one operation, the first included.
const ATTEMPTS: u32 = 4;

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
}

impl Aws {
    /// Looks the stack up.
    pub(crate) async fn connect(choice: &Choice) -> Result<Self, Problem> {
        let timeouts = TimeoutConfig::builder().connect_timeout(CONNECT).operation_attempt_timeout(ATTEMPT).build();
        let retries = RetryConfig::standard().with_max_attempts(ATTEMPTS);
        let loading = aws_config::defaults(BehaviorVersion::latest()).timeout_config(timeouts).retry_config(retries);
        let config = Box::pin(loading.load()).await;
        let place = place(&config)?;
        let cloudformation = aws_sdk_cloudformation::Client::new(&config);
        let stack = match choice.described() {
            Some(stack) => stack,
            None => look_up(&cloudformation, choice, &place).await?,
        };
        Ok(Self { stack, clients: Clients::new(&config), place, cloudformation })
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
        Problem::not_found(format!("there is no stack {} at {place}", choice.name))
            .hint("set --stack or RTR_STACK; for the local stack: make local, then source target/local/env.sh")
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
    Ok(Stack { name: choice.name.clone(), stage, outputs: stack.outputs().iter().filter_map(output).collect() })
}

fn parameters(stack: &aws_sdk_cloudformation::types::Stack) -> BTreeMap<String, String> {
    let parameter = |parameter: &aws_sdk_cloudformation::types::Parameter| {
        Some((parameter.parameter_key()?.to_owned(), parameter.parameter_value()?.to_owned()))
    };
    stack.parameters().iter().filter_map(parameter).collect()
}
