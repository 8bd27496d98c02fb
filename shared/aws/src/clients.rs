//! The AWS clients, made once per process from one configuration, with limits on how long anything may take.

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use std::time::Duration;

/// For a connection: within a region it takes a millisecond or two.
const CONNECT: Duration = Duration::from_secs(1);
/// For one attempt. A slower answer is worth less than a second attempt.
const ATTEMPT: Duration = Duration::from_secs(2);
/// Attempts of one operation, the first included.
const ATTEMPTS: u32 = 3;

/// Every client that the adapters use.
#[derive(Debug, Clone)]
pub struct Clients {
    /// Records, limits, configuration.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// The queues.
    pub sqs: aws_sdk_sqs::Client,
    /// Credentials.
    pub secrets: aws_sdk_secretsmanager::Client,
    /// Large bodies.
    pub s3: aws_sdk_s3::Client,
}

impl Clients {
    /// Clients from the standard environment: region, credentials, `AWS_ENDPOINT_URL`.
    pub async fn load() -> Self {
        Self::new(&sdk_config().await)
    }

    /// Clients over `config`.
    #[must_use]
    pub fn new(config: &SdkConfig) -> Self {
        let mut s3 = aws_sdk_s3::config::Builder::from(config);
        if has_endpoint(config) {
            // Whoever stands in for AWS seldom answers to bucket.host.
            s3 = s3.force_path_style(true);
        }
        Self {
            dynamodb: aws_sdk_dynamodb::Client::new(config),
            sqs: aws_sdk_sqs::Client::new(config),
            secrets: aws_sdk_secretsmanager::Client::new(config),
            s3: aws_sdk_s3::Client::from_conf(s3.build()),
        }
    }
}

/// The configuration that every client shares: bounded attempts, the standard retry.
pub async fn sdk_config() -> SdkConfig {
    let timeouts =
        TimeoutConfig::builder().connect_timeout(CONNECT).operation_attempt_timeout(ATTEMPT).build();
    let retries = RetryConfig::standard().with_max_attempts(ATTEMPTS);
    aws_config::defaults(BehaviorVersion::latest())
        .timeout_config(timeouts)
        .retry_config(retries)
        .load()
        .await
}

fn has_endpoint(config: &SdkConfig) -> bool {
    config.endpoint_url().is_some() || std::env::var_os("AWS_ENDPOINT_URL_S3").is_some()
}
