//! The CRM: the sandbox's own core behind the HTTP seam, on the test's clock. There is no second fake.

use crate::clock::TestClock;
use async_trait::async_trait;
use rtr_connectors::http::{Clock, Http, NoAnswer, Outgoing, Response};
use rtr_sandbox::{Ending, Request, Sandbox};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The base of every URL that reaches the sandbox.
pub const BASE: &str = "http://sandbox";

/// The sandbox as a carrier of requests.
pub struct SandboxHttp {
    sandbox: Mutex<Sandbox>,
    clock: Arc<TestClock>,
}

impl SandboxHttp {
    /// An empty sandbox on `clock`.
    #[must_use]
    pub fn new(clock: Arc<TestClock>) -> Self {
        Self { sandbox: Mutex::new(Sandbox::new()), clock }
    }

    fn sandbox(&self) -> MutexGuard<'_, Sandbox> {
        self.sandbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the sandbox's control interface.
    pub fn control(&self, method: &str, path: &str, body: &Value) -> Value {
        let request = Request::new(method, path).json(body);
        self.sandbox().handle(self.clock.now().0, &request).value()
    }

    /// A token for HubSpot's `account`.
    pub fn token(&self, account: &str) -> String {
        self.token_of("hubspot", account)
    }

    /// A token for `account` of `provider`.
    pub fn token_of(&self, provider: &str, account: &str) -> String {
        let issued = self.control(
            "POST",
            "/_sandbox/tokens",
            &json!({"provider": provider, "account": account, "action": "issue", "expires_in": null}),
        );
        issued["access_token"].as_str().unwrap_or_default().to_owned()
    }

    /// Asks the CRM itself: `path` begins with provider and account.
    pub fn ask(&self, method: &str, path: &str, token: &str, body: &Value) -> Value {
        let request = Request::new(method, path).header("authorization", &format!("Bearer {token}"));
        let request = if body.is_null() { request } else { request.json(body) };
        self.sandbox().handle(self.clock.now().0, &request).value()
    }

    /// Puts the unique property that holds our key on `object`.
    pub fn create_key(&self, account: &str, object: &str, token: &str) {
        let group = match object {
            "contacts" => "contactinformation",
            "companies" => "companyinformation",
            _ => "dealinformation",
        };
        let body = json!({
            "name": "rtr_record_id", "label": "rtr-sync record id", "type": "string", "fieldType": "text",
            "groupName": group, "hasUniqueValue": true,
        });
        let path = format!("/hubspot/{account}/crm/v3/properties/{object}");
        self.ask("POST", &path, token, &body);
    }

    /// What a browser is sent on to when it posts a form to `path`; empty when it stays.
    pub fn browse(&self, method: &str, path: &str, form: &str) -> String {
        let mut request =
            Request::new(method, path).header("content-type", "application/x-www-form-urlencoded");
        request.body = form.as_bytes().to_vec();
        let reply = self.sandbox().handle(self.clock.now().0, &request);
        let place = reply.headers.iter().find(|(name, _)| name == "location");
        place.map(|(_, value)| value.clone()).unwrap_or_default()
    }

    /// What HubSpot holds.
    pub fn records(&self, account: &str, object: &str) -> Vec<Value> {
        self.records_of("hubspot", account, object)
    }

    /// What the CRM of `provider` holds.
    pub fn records_of(&self, provider: &str, account: &str, object: &str) -> Vec<Value> {
        let path = format!("/_sandbox/records?provider={provider}&account={account}&object={object}");
        self.control("GET", &path, &Value::Null).as_array().cloned().unwrap_or_default()
    }

    /// The requests HubSpot got, control requests aside.
    pub fn requests(&self, account: &str) -> Vec<Value> {
        self.requests_of("hubspot", account)
    }

    /// The requests the CRM of `provider` got, control requests aside.
    pub fn requests_of(&self, provider: &str, account: &str) -> Vec<Value> {
        let path = format!("/_sandbox/requests?since=0&provider={provider}&account={account}");
        self.control("GET", &path, &Value::Null).as_array().cloned().unwrap_or_default()
    }
}

#[async_trait]
impl Http for SandboxHttp {
    async fn send(&self, outgoing: Outgoing) -> Result<Response, NoAnswer> {
        // The host ends where the path begins: `http://sandbox.example` is another.
        let Some(path) = outgoing.url.strip_prefix(BASE).filter(|path| path.starts_with('/')) else {
            return Err(NoAnswer::HostRefused(format!("{} is not an allowed host", outgoing.url)));
        };
        let mut request = Request::new(outgoing.method.as_str(), path);
        for (name, value) in &outgoing.headers {
            request = request.header(name, value.expose_secret());
        }
        request.body = outgoing.body;
        let reply = self.sandbox().handle(self.clock.now().0, &request);
        let timeout_ms = u64::try_from(outgoing.timeout.as_millis()).unwrap_or(u64::MAX);
        let waited = reply.delay_ms.min(timeout_ms);
        self.clock.advance_ms(i64::try_from(waited).unwrap_or(0));
        if reply.delay_ms > timeout_ms {
            return Err(NoAnswer::Unknown("timed out".to_owned()));
        }
        if reply.ending != Ending::Whole {
            return Err(NoAnswer::Unknown("the connection was closed".to_owned()));
        }
        let headers = reply.headers.into_iter().map(|(name, value)| (name.to_lowercase(), value)).collect();
        Ok(Response { status: reply.status, headers, body: reply.body })
    }
}
