//! The internal system behind a queue, an event bus or a function: SQS by its SDK, the two others by one signed request each.

use crate::errors::unavailable;
use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sdk_sqs::error::SdkError;
use aws_sdk_sqs::operation::send_message::SendMessageError;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use rtr_core::config::Target;
use rtr_engine::seams::{Courier, Parcel, Undelivered};
use serde_json::{Value, json};
use std::time::{Duration, SystemTime};

/// What the events of a bus are of.
const SOURCE: &str = "rtr.inbound";
/// What they are called.
const DETAIL_TYPE: &str = "record changed at a CRM";

/// Hands parcels over.
#[derive(Debug, Clone)]
pub struct AwsCourier {
    sqs: aws_sdk_sqs::Client,
    http: reqwest::Client,
    credentials: Option<SharedCredentialsProvider>,
    region: String,
    endpoint: Option<String>,
}

/// One request to a service that we carry no SDK for.
struct Call<'a> {
    service: &'static str,
    path: String,
    headers: Vec<(&'static str, &'a str)>,
    body: &'a [u8],
}

impl AwsCourier {
    /// A courier with the credentials, region and endpoint of `config`.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(config: &SdkConfig) -> Result<Self, String> {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(1))
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Self {
            sqs: aws_sdk_sqs::Client::new(config),
            http,
            credentials: config.credentials_provider(),
            region: config.region().map_or("us-east-1", |region| region.as_ref()).to_owned(),
            endpoint: config.endpoint_url().map(str::to_owned),
        })
    }

    async fn queue(&self, url: &str, parcel: &Parcel) -> Result<Value, Undelivered> {
        let message = self.sqs.send_message().queue_url(url).message_body(&parcel.body);
        let message = if url.ends_with(".fifo") {
            message.message_group_id(&parcel.group).message_deduplication_id(&parcel.id)
        } else {
            message
        };
        message.send().await.map(|_| Value::Null).map_err(|error| {
            let why = unavailable("SendMessage", &error).0;
            if is_final(&error) { Undelivered::Refused(why) } else { Undelivered::Later(why) }
        })
    }

    async fn bus(&self, bus: &str, parcel: &Parcel, timeout: Duration) -> Result<Value, Undelivered> {
        let entry =
            json!({"Source": SOURCE, "DetailType": DETAIL_TYPE, "Detail": parcel.body, "EventBusName": bus});
        let answer = self.put_events(&json!({ "Entries": [entry] }), timeout).await?;
        if answer["FailedEntryCount"].as_u64() == Some(0) {
            return Ok(Value::Null);
        }
        let code = answer["Entries"][0]["ErrorCode"].as_str().unwrap_or("it was not taken");
        Err(Undelivered::Later(format!("the event bus: {code}")))
    }

    /// EventBridge's answer, which says of each entry what became of it.
    pub(crate) async fn put_events(&self, entries: &Value, timeout: Duration) -> Result<Value, Undelivered> {
        let body = entries.to_string();
        let call = Call {
            service: "events",
            path: "/".to_owned(),
            headers: vec![
                ("content-type", "application/x-amz-json-1.1"),
                ("x-amz-target", "AWSEvents.PutEvents"),
            ],
            body: body.as_bytes(),
        };
        self.call(call, timeout).await.map(|(answer, _)| answer)
    }

    async fn function(&self, name: &str, parcel: &Parcel, timeout: Duration) -> Result<Value, Undelivered> {
        let call = Call {
            service: "lambda",
            path: format!("/2015-03-31/functions/{}/invocations", escaped(name)),
            headers: vec![("content-type", "application/json"), ("x-amz-invocation-type", "RequestResponse")],
            body: parcel.body.as_bytes(),
        };
        match self.call(call, timeout).await? {
            (answer, false) => Ok(answer),
            // What it says is its own, and may hold values.
            (_, true) => Err(Undelivered::Later("the function failed".to_owned())),
        }
    }

    /// The answer, and whether it is a function's failure.
    async fn call(&self, call: Call<'_>, timeout: Duration) -> Result<(Value, bool), Undelivered> {
        let service = call.service;
        let later = |why: String| Undelivered::Later(format!("{service}: {why}"));
        let request = self.request(&call).await.map_err(later)?.timeout(timeout);
        let answer = request.send().await.map_err(|error| later(error.without_url().to_string()))?;
        let status = answer.status();
        let failed = answer.headers().contains_key("x-amz-function-error");
        let body = answer.bytes().await.map_err(|error| later(error.without_url().to_string()))?;
        match status.as_u16() {
            200..=299 => Ok((serde_json::from_slice(&body).unwrap_or_default(), failed)),
            400..=499 if status.as_u16() != 429 && status.as_u16() != 408 => Err(Undelivered::Refused(
                format!("{service} answered {status}: is it there, and may it be used?"),
            )),
            _ => Err(later(format!("it answered {status}"))),
        }
    }

    async fn request(&self, call: &Call<'_>) -> Result<reqwest::RequestBuilder, String> {
        let domain = if self.region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        let base = self.endpoint.clone();
        let base = base.unwrap_or_else(|| format!("https://{}.{}.{domain}", call.service, self.region));
        let url = format!("{}{}", base.trim_end_matches('/'), call.path);
        let provider = self.credentials.as_ref().ok_or("there are no credentials")?;
        let identity = provider.provide_credentials().await.map_err(|error| error.to_string())?.into();
        let params = SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(call.service)
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| error.to_string())?
            .into();
        let headers = call.headers.iter().copied();
        let signable = SignableRequest::new("POST", &url, headers, SignableBody::Bytes(call.body));
        let signable = signable.map_err(|error| error.to_string())?;
        let (signed, _) = sign(signable, &params).map_err(|error| error.to_string())?.into_parts();
        let mut request = self.http.post(&url).body(call.body.to_vec());
        for (name, value) in call.headers.iter().copied().chain(signed.headers()) {
            request = request.header(name, value);
        }
        Ok(request)
    }
}

/// An ARN as a part of a path.
fn escaped(name: &str) -> String {
    name.replace('%', "%25").replace(':', "%3A").replace('/', "%2F")
}

#[async_trait]
impl Courier for AwsCourier {
    async fn hand(&self, to: &Target, parcel: &Parcel, timeout_ms: i64) -> Result<Value, Undelivered> {
        let timeout = Duration::from_millis(u64::try_from(timeout_ms).unwrap_or(0));
        match to {
            Target::Sqs { url } => self.queue(url, parcel).await,
            Target::Eventbridge { bus } => self.bus(bus, parcel, timeout).await,
            Target::Lambda { function } => self.function(function, parcel, timeout).await,
            Target::Http { .. } => Err(Undelivered::Refused("it is reached over HTTP".to_owned())),
        }
    }
}
/// Whether the same message will never be taken by the queue as it is.
fn is_final(error: &SdkError<SendMessageError>) -> bool {
    let denied = |code: &str| code.contains("AccessDenied") || code == "InvalidParameterValue";
    error.as_service_error().is_some_and(|error| {
        error.is_queue_does_not_exist()
            || error.is_invalid_address()
            || error.is_invalid_message_contents()
            || error.meta().code().is_some_and(denied)
    })
}
