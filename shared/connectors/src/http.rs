//! The HTTP seam: what a connector sends and gets, whoever carries it.

use async_trait::async_trait;
use rtr_core::time::Instant;
use std::time::Duration;

/// The shortest pause taken from a header, in milliseconds.
const SHORTEST_PAUSE_MS: i64 = 1_000;
/// The longest pause taken from a header, in milliseconds: HubSpot's migrations last up to a day, and a wrong header must
/// not stop a connection for ever.
pub const LONGEST_PAUSE_MS: i64 = 24 * 60 * 60 * 1_000;

/// An HTTP method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// GET
    Get,
    /// POST
    Post,
    /// PATCH
    Patch,
    /// PUT
    Put,
    /// DELETE
    Delete,
}

impl Method {
    /// The name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Patch => "PATCH",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

/// A request as a connector builds it: without credentials, relative to the connection's base URL.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Path and query, beginning with `/`.
    pub path: String,
    /// Headers of this request beside those that every request has; no secrets.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: RequestBody,
    /// True when it changes nothing at the CRM: only then may it be sent again after its answer was lost.
    pub reads_only: bool,
}

/// A request's body.
#[derive(Debug, Clone, PartialEq)]
pub enum RequestBody {
    /// None.
    Empty,
    /// `application/json`.
    Json(serde_json::Value),
    /// `text/csv`, in UTF-8.
    Csv(String),
}

/// A request with everything on it, for the carrier. `Debug` shows neither headers nor body, which hold secrets.
pub struct Outgoing {
    /// The method.
    pub method: Method,
    /// The whole URL.
    pub url: String,
    /// Headers, credentials among them.
    pub headers: Vec<(String, secrecy::SecretString)>,
    /// The body's bytes, empty for none.
    pub body: Vec<u8>,
    /// After this the caller has given up.
    pub timeout: Duration,
    /// The limit that it draws from, when it changes nothing at the CRM; none for whatever may.
    pub question: Option<&'static str>,
}

impl std::fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.method.as_str(), self.url)
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body as it came.
    pub body: Vec<u8>,
}

impl Response {
    /// An answer in JSON.
    #[must_use]
    pub fn of_json(status: u16, body: &serde_json::Value) -> Self {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        Self { status, headers, body: body.to_string().into_bytes() }
    }

    /// The first header of this lower-case name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The rest that the answer asks for (`Retry-After`: seconds, or a date, as RFC 9110 allows), in milliseconds from a
    /// second up to [`LONGEST_PAUSE_MS`]; none when it asks for none, or in other words.
    #[must_use]
    pub fn retry_after_ms(&self, now: Instant) -> Option<i64> {
        let text = self.header("retry-after")?.trim();
        let ms = match text.parse::<i64>() {
            Ok(seconds) => seconds.saturating_mul(1_000),
            Err(_) => {
                let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
                Instant(date.as_millisecond()).since_ms(now)
            }
        };
        Some(ms.clamp(SHORTEST_PAUSE_MS, LONGEST_PAUSE_MS))
    }

    /// The body as JSON; none when it is not.
    #[must_use]
    pub fn json(&self) -> Option<serde_json::Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

/// No answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// The request certainly did not reach the CRM: refused connection, unknown host, refused address.
    #[error("not sent: {0}")]
    NotSent(String),
    /// It may have: timeout or reset after sending began.
    #[error("no answer: {0}")]
    Unknown(String),
    /// The address is not one that may be called. Never tried again.
    #[error("{0}")]
    HostRefused(String),
}

/// Carries requests. Follows no redirect, retries nothing.
#[async_trait]
pub trait Http: Send + Sync {
    /// Sends one request and waits for the whole answer, at most its timeout.
    ///
    /// # Errors
    /// [`NoAnswer`], by whether the request may have landed.
    async fn send(&self, request: Outgoing) -> Result<Response, NoAnswer>;
}

/// Time, waiting and chance, as seams: a simulator brings its own.
#[async_trait]
pub trait Clock: std::fmt::Debug + Send + Sync {
    /// The time now.
    fn now(&self) -> Instant;
    /// Waits so many milliseconds.
    async fn sleep_ms(&self, ms: i64);
    /// A number from 0 up to, not including, 1.
    fn random(&self) -> f64;
    /// An identifier nobody else draws.
    fn nonce(&self) -> String;
}
