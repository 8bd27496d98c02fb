//! The one question that is asked of Lambda: how a function is configured.
//!
//! <https://docs.aws.amazon.com/lambda/latest/api/API_GetFunctionConfiguration.html>

use crate::problem::Problem;
use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

/// For the whole answer.
const TIMEOUT: Duration = Duration::from_secs(20);

/// What is deployed of a function.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Function {
    /// Seconds an invocation may take.
    pub(crate) timeout_s: u64,
    /// Its environment.
    pub(crate) variables: BTreeMap<String, String>,
    /// Whether a deployment of it is under way.
    pub(crate) changing: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    timeout: Option<u64>,
    environment: Option<Environment>,
    last_update_status: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Environment {
    variables: Option<BTreeMap<String, String>>,
}

/// The function `name`.
pub(super) async fn function(config: &SdkConfig, place: &str, name: &str) -> Result<Function, Problem> {
    let asked = "GetFunctionConfiguration";
    let failed = |why: String| Problem::unreachable(format!("{asked} of {name} at {place}: {why}"));
    let provider =
        config.credentials_provider().ok_or_else(|| failed("there are no credentials".to_owned()))?;
    let credentials = provider.provide_credentials().await;
    let credentials = credentials.map_err(|error| failed(format!("no credentials: {error}")))?;
    let region = config.region().map_or("us-east-1", |region| region.as_ref()).to_owned();
    let url = format!("{}/2015-03-31/functions/{name}/configuration", endpoint(config, &region));
    let client = reqwest::Client::builder().timeout(TIMEOUT).build();
    let client = client.map_err(|error| failed(error.without_url().to_string()))?;
    let mut request = client.get(&url);
    for (header, value) in signed(&url, &region, credentials, SystemTime::now()).map_err(failed)? {
        request = request.header(header, value);
    }
    let answer = request.send().await.map_err(|error| failed(error.without_url().to_string()))?;
    let status = answer.status();
    if status.as_u16() == 404 {
        return Err(Problem::not_found(format!("there is no function {name} at {place}")));
    }
    if !status.is_success() {
        let hint = "lambda:GetFunctionConfiguration is what rtr doctor needs";
        return Err(failed(format!("it answered {status}")).hint(hint));
    }
    let answer: Answer = answer.json().await.map_err(|error| failed(error.without_url().to_string()))?;
    Ok(Function {
        timeout_s: answer.timeout.unwrap_or(0),
        variables: answer.environment.and_then(|all| all.variables).unwrap_or_default(),
        changing: answer.last_update_status.as_deref() == Some("InProgress"),
    })
}

fn endpoint(config: &SdkConfig, region: &str) -> String {
    let own = std::env::var("AWS_ENDPOINT_URL_LAMBDA").ok().filter(|url| !url.is_empty());
    let url = own.or_else(|| config.endpoint_url().map(str::to_owned));
    let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    let url = url.unwrap_or_else(|| format!("https://lambda.{region}.{domain}"));
    url.trim_end_matches('/').to_owned()
}

/// The headers that sign a question after `url`.
fn signed(
    url: &str,
    region: &str,
    credentials: Credentials,
    at: SystemTime,
) -> Result<Vec<(String, String)>, String> {
    let identity = credentials.into();
    let params = SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name("lambda")
        .time(at)
        .settings(SigningSettings::default())
        .build()
        .map_err(|error| error.to_string())?
        .into();
    let request = SignableRequest::new("GET", url, std::iter::empty(), SignableBody::Bytes(&[]));
    let request = request.map_err(|error| error.to_string())?;
    let (instructions, _) = sign(request, &params).map_err(|error| error.to_string())?.into_parts();
    let (headers, _) = instructions.into_parts();
    Ok(headers.iter().map(|header| (header.name().to_owned(), header.value().to_owned())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_credentials_when_a_question_is_signed_then_scope_and_token_are_in_its_headers() {
        let credentials = Credentials::new("AKID", "secret", Some("session".to_owned()), None, "test");
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_000_000);
        let url = "https://lambda.eu-central-1.amazonaws.com/2015-03-31/functions/f/configuration";
        let headers: BTreeMap<_, _> =
            signed(url, "eu-central-1", credentials, at).unwrap().into_iter().collect();
        let authorization = &headers["authorization"];
        assert!(
            authorization.starts_with(
                "AWS4-HMAC-SHA256 Credential=AKID/20261118/eu-central-1/lambda/aws4_request, SignedHeaders=host;"
            ),
            "{authorization}"
        );
        assert_eq!(headers["x-amz-security-token"], "session");
        assert!(!format!("{headers:?}").contains("secret"));
    }
}
