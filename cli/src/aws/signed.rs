//! One signed request to a service of AWS whose SDK we do not carry for it.

use crate::problem::Problem;
use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use reqwest::Method;
use serde::de::DeserializeOwned;
use std::time::{Duration, SystemTime};

/// For the whole answer.
const TIMEOUT: Duration = Duration::from_secs(20);

/// A question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Question {
    /// The operation, for errors.
    pub(super) asked: &'static str,
    /// What it is about, for errors.
    pub(super) about: String,
    /// The service, as hosts and signatures have it.
    pub(super) service: &'static str,
    /// The variable that puts its endpoint elsewhere.
    pub(super) variable: &'static str,
    /// Path and query.
    pub(super) path: String,
    /// What is sent by POST; without it it is a GET.
    pub(super) body: Option<Body>,
}

/// What is posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Body {
    /// Its type.
    pub(super) content_type: &'static str,
    /// The operation, where it stands in a header.
    pub(super) target: Option<&'static str>,
    /// The body itself.
    pub(super) text: String,
}

/// What came back, whatever it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    /// The status.
    pub(super) status: u16,
    /// The `Date` header.
    pub(super) date: Option<String>,
    /// The body.
    pub(super) text: String,
}

/// Asks it, for JSON.
pub(super) async fn ask<T: DeserializeOwned>(
    config: &SdkConfig,
    place: &str,
    question: Question,
) -> Result<T, Problem> {
    let Question { asked, about, service, .. } = &question;
    let failed = |why: String| Problem::unreachable(format!("{asked} of {about} at {place}: {why}"));
    let Answer { status, text, .. } = send(config, place, &question).await?;
    match status {
        200..300 => serde_json::from_str(&text).map_err(|error| failed(error.to_string())),
        404 => Err(Problem::not_found(format!("there is no {about} at {place}"))),
        _ => Err(failed(format!("it answered {status}; {service}:{asked} is what rtr doctor needs"))),
    }
}

/// Asks it, and takes whatever is answered.
pub(super) async fn send(config: &SdkConfig, place: &str, question: &Question) -> Result<Answer, Problem> {
    let Question { asked, about, .. } = question;
    let failed = |why: String| Problem::unreachable(format!("{asked} of {about} at {place}: {why}"));
    let provider =
        config.credentials_provider().ok_or_else(|| failed("there are no credentials".to_owned()))?;
    let credentials = provider.provide_credentials().await;
    let credentials = credentials.map_err(|error| failed(format!("no credentials: {error}")))?;
    let region = config.region().map_or("us-east-1", |region| region.as_ref()).to_owned();
    let url = format!("{}{}", endpoint(config, question, &region), question.path);
    let client = reqwest::Client::builder().timeout(TIMEOUT).build();
    let client = client.map_err(|error| failed(error.without_url().to_string()))?;
    let method = if question.body.is_some() { Method::POST } else { Method::GET };
    let mut request = client.request(method, &url);
    let headers = signed(question, &url, &region, credentials, SystemTime::now()).map_err(failed)?;
    for (header, value) in headers {
        request = request.header(header, value);
    }
    if let Some(body) = &question.body {
        request = request.body(body.text.clone());
    }
    let answer = request.send().await.map_err(|error| failed(error.without_url().to_string()))?;
    let status = answer.status().as_u16();
    let date = answer.headers().get("date").and_then(|date| date.to_str().ok()).map(str::to_owned);
    let text = answer.text().await.map_err(|error| failed(error.without_url().to_string()))?;
    Ok(Answer { status, date, text })
}

fn endpoint(config: &SdkConfig, question: &Question, region: &str) -> String {
    let own = std::env::var(question.variable).ok().filter(|url| !url.is_empty());
    let url = own.or_else(|| config.endpoint_url().map(str::to_owned));
    let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    let url = url.unwrap_or_else(|| format!("https://{}.{region}.{domain}", question.service));
    url.trim_end_matches('/').to_owned()
}

/// The headers of a question that goes to `url`, with those that sign it.
fn signed(
    question: &Question,
    url: &str,
    region: &str,
    credentials: Credentials,
    at: SystemTime,
) -> Result<Vec<(String, String)>, String> {
    let identity = credentials.into();
    let params = SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(question.service)
        .time(at)
        .settings(SigningSettings::default())
        .build()
        .map_err(|error| error.to_string())?
        .into();
    let mut own: Vec<(String, String)> = Vec::new();
    if let Some(Body { content_type, target, .. }) = &question.body {
        own.push(("content-type".to_owned(), (*content_type).to_owned()));
        own.extend(target.map(|target| ("x-amz-target".to_owned(), target.to_owned())));
    }
    let (method, body) = match &question.body {
        Some(body) => ("POST", body.text.as_bytes()),
        None => ("GET", &[][..]),
    };
    let headers = own.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let request = SignableRequest::new(method, url, headers, SignableBody::Bytes(body));
    let request = request.map_err(|error| error.to_string())?;
    let (instructions, _) = sign(request, &params).map_err(|error| error.to_string())?.into_parts();
    let (headers, _) = instructions.into_parts();
    own.extend(headers.iter().map(|header| (header.name().to_owned(), header.value().to_owned())));
    Ok(own)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn headers(question: &Question, url: &str) -> BTreeMap<String, String> {
        let credentials = Credentials::new("AKID", "secret", Some("session".to_owned()), None, "test");
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_000_000);
        signed(question, url, "eu-central-1", credentials, at).unwrap().into_iter().collect()
    }

    #[test]
    fn given_credentials_when_a_question_is_signed_then_scope_and_token_are_in_its_headers() {
        let question = Question {
            asked: "GetFunctionConfiguration",
            about: "function f".to_owned(),
            service: "lambda",
            variable: "AWS_ENDPOINT_URL_LAMBDA",
            path: "/2015-03-31/functions/f/configuration".to_owned(),
            body: None,
        };
        let asked = headers(&question, "https://lambda.eu-central-1.amazonaws.com/2015-03-31/functions/f");
        let authorization = &asked["authorization"];
        assert!(
            authorization.starts_with(
                "AWS4-HMAC-SHA256 Credential=AKID/20261118/eu-central-1/lambda/aws4_request, SignedHeaders=host;"
            ),
            "{authorization}"
        );
        assert_eq!(asked["x-amz-security-token"], "session");
        assert!(!format!("{asked:?}").contains("secret"));
        // What is posted is signed with its body and its name.
        let body = |text: &str| {
            let (content_type, target) = ("application/x-amz-json-1.1", Some("T.Op"));
            Some(Body { content_type, target, text: text.to_owned() })
        };
        let posted = Question { service: "events", body: body("{}"), ..question.clone() };
        let sent = headers(&posted, "https://events.eu-central-1.amazonaws.com/");
        assert!(
            sent["authorization"].contains("/events/aws4_request, SignedHeaders=content-type;host;"),
            "{sent:?}"
        );
        assert_eq!((sent["x-amz-target"].as_str(), asked.contains_key("x-amz-target")), ("T.Op", false));
        let other = Question { body: body("{ }"), ..posted };
        assert_ne!(
            headers(&other, "https://events.eu-central-1.amazonaws.com/")["authorization"],
            sent["authorization"]
        );
    }
}
