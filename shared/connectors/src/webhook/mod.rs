//! What CRMs push: how a delivery is known to be the CRM's own, and which records it says have changed.
//!
//! Nothing of a delivery is believed before [`Webhook::verify`] has passed, and what it says of a record is no more than that it
//! changed. All of this is pure: keys, bytes and the time come in, values go out, and no input panics (`tests/fuzz`).
//!
//! - [`signature`] what signatures are made of · [`standard`] Standard Webhooks · [`pipedrive`] for a connector to come
//! - HubSpot's and Salesforce's stand in their folders

pub mod pipedrive;
pub mod signature;
pub mod standard;

use rtr_core::inbound::Operation;
use rtr_core::key::MAX_ID_CHARS;
use rtr_core::time::Instant;
use secrecy::SecretString;
use serde_json::Value;

/// One call of a CRM's.
#[derive(Clone, Copy)]
pub struct Delivery<'a> {
    /// The method.
    pub method: &'a str,
    /// The connection's address, as people enter it at the CRM.
    pub address: &'a str,
    /// What stood behind the address in the path: a CRM that signs nothing is given a secret to say there.
    pub word: Option<&'a str>,
    /// The query as it came, without its `?`.
    pub query: &'a str,
    /// Headers.
    pub headers: &'a [(String, String)],
    /// The body as it came.
    pub body: &'a [u8],
    /// The time now.
    pub now: Instant,
}

/// No part of a delivery is shown: any may be a secret or a customer's.
impl std::fmt::Debug for Delivery<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Delivery({} bytes)", self.body.len())
    }
}

impl Delivery<'_> {
    /// The header of this name, in whatever case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// What a connection's deliveries may be signed with, the newest of each first.
#[derive(Clone, Copy, Default)]
pub struct Keys<'a> {
    /// Secrets made for webhooks.
    pub webhook: &'a [SecretString],
    /// The OAuth client's own, which HubSpot signs with.
    pub client: &'a [SecretString],
}

/// Why a delivery is not believed. For the log: whoever sent it is told one thing alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is nothing to verify it with.
    #[error("the connection has no secret for webhooks")]
    NoKey,
    /// It lacks what it should be verified by.
    #[error("it is not signed")]
    Unsigned,
    /// It is signed for another time.
    #[error("it is signed for a time that is more than 5 minutes away")]
    Stale,
    /// None of the secrets made the signature.
    #[error("the signature is not of any of the connection's secrets")]
    Forged,
}

/// Why a verified delivery cannot be read: what and where, and no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(pub String);

/// One record has changed, says a CRM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The CRM's name of the record's kind.
    pub object: String,
    /// The record.
    pub external_id: String,
    /// What has become of it.
    pub operation: Operation,
    /// The CRM's stamp of the change.
    pub at: Option<Instant>,
    /// Who changed it, in the CRM's words.
    pub origin: Option<String>,
    /// The account it speaks of, where it says so.
    pub account: Option<String>,
    /// The same however often this change is told, and another one for every change.
    pub identity: String,
}

/// What a delivery says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heard {
    /// The changes, in its order.
    pub events: Vec<Event>,
    /// What it says of something else than a record.
    pub ignored: u64,
    /// Parts that cannot be read: their neighbours are not lost for them.
    pub unreadable: u64,
}

impl Heard {
    /// Adds what one part of a delivery says; none: it cannot be read.
    pub(crate) fn add(&mut self, part: Option<Part>) {
        match part {
            Some(Part::Of(events)) => self.events.extend(events),
            Some(Part::SomethingElse) => self.ignored += 1,
            None => self.unreadable += 1,
        }
    }

    /// How many things it says.
    #[must_use]
    pub fn parts(&self) -> u64 {
        u64::try_from(self.events.len())
            .unwrap_or(u64::MAX)
            .saturating_add(self.ignored)
            .saturating_add(self.unreadable)
    }
}

/// What one part of a delivery says.
pub(crate) enum Part {
    /// Of records.
    Of(Vec<Event>),
    /// Of something else.
    SomethingElse,
}

/// What a CRM wants to hear when all it said is safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acknowledgement {
    /// Any success.
    Empty,
    /// These words.
    Words {
        /// Their type.
        content_type: &'static str,
        /// The body.
        body: &'static str,
    },
}

/// How a CRM's deliveries are verified and read.
pub trait Webhook: std::fmt::Debug + Send + Sync {
    /// Whether it is the CRM's own, of now.
    ///
    /// # Errors
    /// Why it is not believed.
    fn verify(&self, delivery: &Delivery<'_>, keys: Keys<'_>) -> Result<(), Refusal>;

    /// Which records it says have changed.
    ///
    /// # Errors
    /// When the body as a whole is none of this CRM's.
    fn read(&self, delivery: &Delivery<'_>) -> Result<Heard, Unreadable>;

    /// What is answered when all of it is safe.
    fn acknowledgement(&self) -> Acknowledgement {
        Acknowledgement::Empty
    }

    /// Which records an event of an event bus of AWS's says have changed: who may put one there is IAM's affair.
    ///
    /// # Errors
    /// When it is none of this CRM's, or this CRM sends none.
    fn relayed(&self, _event: &Value) -> Result<Heard, Unreadable> {
        Err(Unreadable("this provider sends no events through an event bus".to_owned()))
    }
}

/// An id as text, from text or from a whole number; none when it could be no id of a record.
pub(crate) fn id(value: Option<&Value>) -> Option<String> {
    let text = match value? {
        Value::String(text) => text.clone(),
        Value::Number(number) if !number.is_f64() => number.to_string(),
        _ => return None,
    };
    is_id(&text).then_some(text)
}

/// Whether `text` can be an id.
pub(crate) fn is_id(text: &str) -> bool {
    !text.is_empty() && text.chars().count() <= MAX_ID_CHARS && !text.chars().any(char::is_control)
}

/// A time in milliseconds since the epoch; none outside of the calendar, which no notice could hold.
pub(crate) fn stamp(value: Option<&Value>) -> Option<Instant> {
    let at = Instant(value?.as_i64()?);
    (Instant::from_rfc3339(&at.to_rfc3339()) == Ok(at)).then_some(at)
}

/// A text that may be shown and stored as a hint, cut to a line's length.
pub(crate) fn hint(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

/// The body as JSON.
pub(crate) fn json(body: &[u8]) -> Result<Value, Unreadable> {
    serde_json::from_slice(body).map_err(|error| {
        Unreadable(format!("the body is not JSON: line {}, column {}", error.line(), error.column()))
    })
}
