//! The CRM, played: each request is noted and answered as its connector says. Questions may go to the CRM itself.

use super::Scene;
use async_trait::async_trait;
use rtr_connectors::connector::Call;
use rtr_connectors::http::{Http, Method, NoAnswer, Outgoing, Request, RequestBody, Response};
use rtr_connectors::registry::Connector;
use rtr_connectors::session::Session;
use rtr_core::failure::{Class, Failure};
use secrecy::ExposeSecret;
use serde_json::Value;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A request as it would be sent. The secret in its headers is a placeholder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The method.
    pub method: Method,
    /// The whole URL.
    pub url: String,
    /// All headers that the carrier is given, sorted by name.
    pub headers: Vec<(String, String)>,
    /// The body's bytes, empty for none.
    pub body: Vec<u8>,
    /// Whether it changes nothing at the CRM.
    pub is_question: bool,
    /// Whether the CRM was asked.
    pub was_asked: bool,
}

/// The carrier of a rehearsal: what it carries goes nowhere, but for questions over a session that was lent.
pub(super) struct Played<'a> {
    connector: Option<Connector>,
    base_url: &'a str,
    new_id: String,
    questions: Option<&'a Session<'a>>,
    noted: Mutex<(Vec<Sent>, Option<Failure>)>,
}

impl<'a> Played<'a> {
    pub(super) fn new(connector: Option<Connector>, scene: &Scene<'a>, new_id: String) -> Self {
        let base_url = scene.letterhead.base_url.trim_end_matches('/');
        Self { connector, base_url, new_id, questions: scene.questions, noted: Mutex::default() }
    }

    /// What was sent, and why a question was not asked.
    pub(super) fn noted(self) -> (Vec<Sent>, Option<Failure>) {
        self.noted.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn notes(&self) -> MutexGuard<'_, (Vec<Sent>, Option<Failure>)> {
        // A poisoned lock only says that a thread died elsewhere; whole requests are put in.
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn ask(&self, session: &Session<'_>, call: &Call) -> Result<Response, NoAnswer> {
        match session.send(call).await {
            Ok(answer) => Ok(answer),
            // An answer like any other: the connector makes of it what it does elsewhere.
            Err(failure) if failure.class == Class::Missing => Ok(Response::of_json(404, &Value::Null)),
            Err(failure) => {
                let why = failure.message.clone();
                self.notes().1 = Some(failure);
                // The one answer after which nothing is tried again.
                Err(NoAnswer::HostRefused(why))
            }
        }
    }
}

#[async_trait]
impl Http for Played<'_> {
    async fn send(&self, outgoing: Outgoing) -> Result<Response, NoAnswer> {
        let request = request(&outgoing, self.base_url);
        let was_asked = outgoing.question.is_some() && self.questions.is_some();
        let sent = Sent { was_asked, ..sent(&outgoing) };
        self.notes().0.push(sent);
        match (outgoing.question, self.questions, self.connector) {
            (Some(api), Some(session), _) => self.ask(session, &Call { api, request }).await,
            (_, _, Some(connector)) => Ok(connector.rehearse(&request, &self.new_id)),
            (_, _, None) => Err(NoAnswer::HostRefused("there is no connector".to_owned())),
        }
    }
}

fn sent(outgoing: &Outgoing) -> Sent {
    let header =
        |(name, value): &(String, secrecy::SecretString)| (name.clone(), value.expose_secret().to_owned());
    let mut headers: Vec<(String, String)> = outgoing.headers.iter().map(header).collect();
    headers.sort();
    Sent {
        method: outgoing.method,
        url: outgoing.url.clone(),
        headers,
        body: outgoing.body.clone(),
        is_question: outgoing.question.is_some(),
        was_asked: false,
    }
}

/// The request as its connector made it. Questions have no headers of their own.
fn request(outgoing: &Outgoing, base_url: &str) -> Request {
    let body = match serde_json::from_slice(&outgoing.body) {
        _ if outgoing.body.is_empty() => RequestBody::Empty,
        Ok(body) => RequestBody::Json(body),
        Err(_) => RequestBody::Csv(String::from_utf8_lossy(&outgoing.body).into_owned()),
    };
    let path = outgoing.url.strip_prefix(base_url).unwrap_or(&outgoing.url).to_owned();
    Request {
        method: outgoing.method,
        path,
        headers: Vec::new(),
        body,
        reads_only: outgoing.question.is_some(),
    }
}
