//! A Salesforce of a few lines behind the seams, which plays the other seams too.

use super::super::{CAPABILITIES, classify, quota};
use super::*;
use crate::http::{Clock, Http, NoAnswer, Outgoing};
use crate::session::{Auth, Authorized, Freshness, Gate, Quota, Reserved, Retries, Session, Tape};
use async_trait::async_trait;
use rtr_core::failure::Failure;
use serde_json::json;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};

pub(super) type Reply = Result<Response, NoAnswer>;

const INSTANCE: &str = "https://acme.my.salesforce.com";

/// Answers by a function of `METHOD path` and body; notes what was asked.
pub(super) struct Fake<F> {
    reply: F,
    pub(super) asked: Mutex<Vec<(String, Value)>>,
    pub(super) used: Mutex<Vec<Quota>>,
    pub(super) blocked: Mutex<Vec<Instant>>,
    now: AtomicI64,
    life_ms: i64,
}

impl<F> std::fmt::Debug for Fake<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Fake")
    }
}

impl<F: Fn(&str, &Value) -> Reply + Send + Sync> Fake<F> {
    pub(super) fn new(reply: F) -> Self {
        let now = AtomicI64::new(NOW.0);
        Self {
            reply,
            asked: Mutex::default(),
            used: Mutex::default(),
            blocked: Mutex::default(),
            now,
            life_ms: 60_000,
        }
    }

    /// With so many milliseconds until the deadline.
    pub(super) fn living(self, life_ms: i64) -> Self {
        Self { life_ms, ..self }
    }

    pub(super) fn session(&self) -> Session<'_> {
        Session {
            http: self,
            clock: self,
            gate: self,
            auth: self,
            deadline: NOW.plus_ms(self.life_ms),
            call_timeout_ms: CAPABILITIES.call_timeout_ms,
            retries: Retries::default(),
            reserved: Reserved::default(),
            classify,
            quota,
            tape: Tape::default(),
        }
    }

    /// How many records each call held; 0 for calls of another kind.
    pub(super) fn sizes(&self) -> Vec<usize> {
        let size = |body: &Value| body["records"].as_array().map_or(0, Vec::len);
        self.asked.lock().unwrap().iter().map(|(_, body)| size(body)).collect()
    }

    pub(super) fn paths(&self) -> Vec<String> {
        self.asked.lock().unwrap().iter().map(|(path, _)| path.clone()).collect()
    }
}

#[async_trait]
impl<F: Fn(&str, &Value) -> Reply + Send + Sync> Http for Fake<F> {
    async fn send(&self, request: Outgoing) -> Reply {
        let text = String::from_utf8_lossy(&request.body);
        let body = match serde_json::from_str(&text) {
            Ok(body) => body,
            Err(_) if text.is_empty() => Value::Null,
            Err(_) => json!(text),
        };
        let path = format!("{} {}", request.method.as_str(), request.url.trim_start_matches(INSTANCE));
        let reply = (self.reply)(&path, &body);
        self.asked.lock().unwrap().push((path, body));
        reply
    }
}

#[async_trait]
impl<F: Send + Sync> Clock for Fake<F> {
    fn now(&self) -> Instant {
        Instant(self.now.load(Ordering::SeqCst))
    }
    async fn sleep_ms(&self, ms: i64) {
        self.now.fetch_add(ms, Ordering::SeqCst);
    }
    fn random(&self) -> f64 {
        0.5
    }
    fn nonce(&self) -> String {
        "n".to_owned()
    }
}

#[async_trait]
impl<F: Send + Sync> Gate for Fake<F> {
    async fn enter(&self, _: &str) -> Result<(), Instant> {
        Ok(())
    }
    async fn block(&self, _: &str, until: Instant) {
        self.blocked.lock().unwrap().push(until);
    }
    fn quota(&self, quota: Quota) {
        self.used.lock().unwrap().push(quota);
    }
}

#[async_trait]
impl<F: Send + Sync> Auth for Fake<F> {
    async fn authorize(&self, _: Freshness) -> Result<Authorized, Failure> {
        Ok(Authorized { base_url: INSTANCE.to_owned(), headers: Vec::new() })
    }
}

/// Answers a collection call record by record: with what `fault` says of it, else with success.
pub(super) fn each(
    body: &Value,
    fault: impl Fn(usize, &Value) -> Option<(&'static str, &'static str)>,
) -> Reply {
    let one = |(n, record): (usize, &Value)| match fault(n, record) {
        Some((code, message)) => {
            json!({"success": false, "errors": [{"statusCode": code, "message": message, "fields": []}]})
        }
        None => {
            let id = record["id"].as_str().unwrap_or(A);
            json!({"id": id, "success": true, "errors": [], "created": true})
        }
    };
    let records = body["records"].as_array().cloned().unwrap_or_default();
    let results: Vec<Value> = records.iter().enumerate().map(one).collect();
    Ok(answer(200, &json!(results).to_string()))
}
