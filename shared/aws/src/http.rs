//! The way to the CRMs: one request, one answer. No redirect is followed, no proxy asked, nothing tried again, and only
//! an error that certainly came before the request left is `NotSent`.

use crate::errors::innermost;
use crate::hosts::AllowedHosts;
use async_trait::async_trait;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use rtr_connectors::http::{Http, Method, NoAnswer, Outgoing, Response};
use secrecy::ExposeSecret;
use std::time::Duration;

/// For a connection, TLS included.
const CONNECT: Duration = Duration::from_secs(3);
/// A sandbox that was frozen wakes with dead connections; CRMs keep idle ones for a minute or more.
const POOL_IDLE: Duration = Duration::from_secs(15);
/// The largest answer read, in bytes, unpacked. A batch of a hundred records is some hundred kilobytes.
const MAX_BODY_BYTES: usize = 16 * 1_024 * 1_024;

/// reqwest behind the seam.
#[derive(Debug, Clone)]
pub struct ReqwestHttp {
    client: reqwest::Client,
    hosts: AllowedHosts,
}

impl ReqwestHttp {
    /// A client that calls only `hosts`.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(hosts: AllowedHosts) -> Result<Self, String> {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .connect_timeout(CONNECT)
            .pool_idle_timeout(POOL_IDLE)
            .user_agent(concat!("rtr-sync/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| innermost(&error))?;
        Ok(Self { client, hosts })
    }

    fn request(&self, request: Outgoing) -> Result<reqwest::Request, NoAnswer> {
        let url = self.hosts.check(&request.url).map_err(NoAnswer::HostRefused)?;
        let mut built = reqwest::Request::new(method(request.method), url);
        *built.headers_mut() = headers(&request.headers)?;
        *built.timeout_mut() = Some(request.timeout);
        if !request.body.is_empty() {
            *built.body_mut() = Some(request.body.into());
        }
        Ok(built)
    }
}

#[async_trait]
impl Http for ReqwestHttp {
    async fn send(&self, request: Outgoing) -> Result<Response, NoAnswer> {
        let request = self.request(request)?;
        let mut response = self.client.execute(request).await.map_err(|error| no_answer(&error))?;
        let status = response.status().as_u16();
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| {
                (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
            })
            .collect();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| no_answer(&error))? {
            if body.len() + chunk.len() > MAX_BODY_BYTES {
                return Err(NoAnswer::Unknown(format!("an answer of more than {MAX_BODY_BYTES} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Response { status, headers, body })
    }
}

fn method(method: Method) -> reqwest::Method {
    match method {
        Method::Get => reqwest::Method::GET,
        Method::Post => reqwest::Method::POST,
        Method::Patch => reqwest::Method::PATCH,
        Method::Put => reqwest::Method::PUT,
        Method::Delete => reqwest::Method::DELETE,
    }
}

fn headers(given: &[(String, secrecy::SecretString)]) -> Result<HeaderMap, NoAnswer> {
    let mut headers = HeaderMap::with_capacity(given.len());
    for (name, value) in given {
        // The value may be a secret, so the error names the header only.
        let wrong = || NoAnswer::NotSent(format!("the header `{name}` cannot be sent"));
        let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?;
        let mut value = HeaderValue::from_str(value.expose_secret()).map_err(|_| wrong())?;
        value.set_sensitive(true);
        headers.append(key, value);
    }
    Ok(headers)
}

/// Whether the request may have landed. Without proof that it was not sent, it may.
fn no_answer(error: &reqwest::Error) -> NoAnswer {
    let what = innermost(error);
    if error.is_connect() || error.is_builder() {
        return NoAnswer::NotSent(what);
    }
    NoAnswer::Unknown(if error.is_timeout() { "no answer in time".to_owned() } else { what })
}

#[cfg(test)]
mod tests;
