//! A message of `inbound.fifo`: one record of a CRM has changed there, says a webhook, a poll or a comparison.
//!
//! A notice says which record, and never that it is the last word on it: CRMs tell late, twice and in any order. Whoever applies
//! one looks at the record itself, or at the snapshot that the notice brings with the time it is of.

use crate::change::Malformed;
use crate::change::parse::{category, kind, missing, take_id, wrong};
use crate::code::Code;
use crate::digest;
use crate::key::{ConnectionKey, join, sqs_id};
use crate::time::Instant;
use serde_json::{Map, Value, json};

/// The notice's schema number.
pub const SCHEMA: u64 = 1;

/// What has become of a record of a CRM's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// It is new, changed, or back from the bin.
    Upsert,
    /// It is gone.
    Deleted,
    /// It is part of another record now.
    Merged {
        /// That record's id.
        into: String,
    },
}

/// Who saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// The CRM told us.
    Webhook,
    /// We asked what has changed.
    Poll,
    /// We compared everything.
    Reconcile,
    /// We were about to write it, or to deliver it, and saw that it was another.
    Ourselves,
    /// A person wants what was not taken to be told anew.
    Person,
}

/// One record of a CRM has changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    /// Where.
    pub connection: ConnectionKey,
    /// The CRM's name of the record's kind, such as `contacts` or `Account`.
    pub object: String,
    /// The record's id at the CRM.
    pub external_id: String,
    /// What has become of it.
    pub operation: Operation,
    /// The CRM's stamp of the change.
    pub at: Option<Instant>,
    /// Who saw it.
    pub seen: Seen,
    /// When.
    pub received_at: Instant,
    /// Who changed it, in the CRM's words: a hint at our own writes coming back, and no more than that.
    pub origin: Option<String>,
    /// What the record holds, as the CRM gave it, where it was given.
    pub record: Option<Value>,
}

impl Operation {
    /// The name on the wire.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Upsert => "upsert",
            Self::Deleted => "deleted",
            Self::Merged { .. } => "merged",
        }
    }

    /// The record that has taken it in.
    #[must_use]
    pub fn into_id(&self) -> Option<&str> {
        match self {
            Self::Merged { into } => Some(into),
            Self::Upsert | Self::Deleted => None,
        }
    }
}

impl Seen {
    /// The name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Poll => "poll",
            Self::Reconcile => "reconcile",
            Self::Ourselves => "ourselves",
            Self::Person => "person",
        }
    }
}

impl Notice {
    /// The SQS message group: of one record of a connection in the order it was heard of. Ids of records of two kinds may be
    /// the same, which costs concurrency and never order.
    #[must_use]
    pub fn message_group(&self) -> String {
        let ConnectionKey { org_id, connection } = &self.connection;
        sqs_id(&join(&[org_id, connection, &self.external_id]))
    }

    /// The SQS deduplication id: of `event`, which is the same however often the CRM tells of it and another one for every
    /// change of this record; without one, of all that the notice says but when it was heard.
    #[must_use]
    pub fn deduplication_id(&self, event: Option<&str>) -> String {
        let ConnectionKey { org_id, connection } = &self.connection;
        match event {
            Some(event) => sqs_id(&join(&[org_id, connection, &self.external_id, event])),
            None => {
                let said = Self { received_at: Instant(0), ..self.clone() };
                sqs_id(&format!("sha256:{}", digest::hex(said.to_body().to_string().as_bytes())))
            }
        }
    }

    /// The body of its message.
    #[must_use]
    pub fn to_body(&self) -> Value {
        let mut body = json!({
            "schema": SCHEMA, "org_id": self.connection.org_id, "connection": self.connection.connection,
            "object": self.object, "external_id": self.external_id, "operation": self.operation.as_str(),
            "at": self.at.map(Instant::to_rfc3339), "seen": self.seen.as_str(),
            "received_at": self.received_at.to_rfc3339(),
        });
        let more = [
            ("into", self.operation.into_id().map(Value::from)),
            ("origin", self.origin.clone().map(Value::from)),
            ("record", self.record.clone()),
        ];
        if let Some(map) = body.as_object_mut() {
            map.extend(more.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
        }
        body
    }

    /// Reads the body of a message. What is unknown in it is left alone.
    ///
    /// # Errors
    /// [`Malformed`] with the position of a syntax error or the name of the field at fault.
    pub fn parse(body: &str) -> Result<Self, Malformed> {
        Self::of(read(body)?)
    }

    /// The same of a body that is read already.
    ///
    /// # Errors
    /// [`Malformed`] with the name of the field at fault.
    pub fn of(value: Value) -> Result<Self, Malformed> {
        let Value::Object(mut top) = value else {
            return Err(wrong(None, format!("the notice is {}, a JSON object is expected", kind(&value))));
        };
        schema(&mut top)?;
        let connection = ConnectionKey::new(take_id(&mut top, "org_id")?, take_id(&mut top, "connection")?);
        let object = take_id(&mut top, "object")?;
        let external_id = take_id(&mut top, "external_id")?;
        let operation = match &*text(&mut top, "operation")?.ok_or_else(|| missing("operation"))? {
            "upsert" => Operation::Upsert,
            "deleted" => Operation::Deleted,
            "merged" => Operation::Merged { into: take_id(&mut top, "into")? },
            _ => return Err(none_of("operation", "upsert, deleted, merged")),
        };
        let seen = match &*text(&mut top, "seen")?.ok_or_else(|| missing("seen"))? {
            "webhook" => Seen::Webhook,
            "poll" => Seen::Poll,
            "reconcile" => Seen::Reconcile,
            "person" => Seen::Person,
            "ourselves" => Seen::Ourselves,
            _ => return Err(none_of("seen", "webhook, poll, reconcile, ourselves, person")),
        };
        let (at, received_at) = (instant(&mut top, "at")?, instant(&mut top, "received_at")?);
        let received_at = received_at.ok_or_else(|| missing("received_at"))?;
        let origin = text(&mut top, "origin")?;
        let record = match top.remove("record") {
            None | Some(Value::Null) => None,
            Some(record @ Value::Object(_)) => Some(record),
            Some(other) => {
                let message = format!("`record` is {}, an object is expected", kind(&other));
                return Err(wrong(Some("record"), message));
            }
        };
        Ok(Self { connection, object, external_id, operation, at, seen, received_at, origin, record })
    }
}

/// A body as JSON.
pub(super) fn read(body: &str) -> Result<Value, Malformed> {
    serde_json::from_str(body).map_err(|error| Malformed {
        code: Code::MalformedJson,
        field: None,
        message: format!(
            "the notice is not JSON: {} at line {} column {}",
            category(&error),
            error.line(),
            error.column()
        ),
    })
}

fn schema(top: &mut Map<String, Value>) -> Result<(), Malformed> {
    match top.remove("schema") {
        Some(number) if number.as_u64() == Some(SCHEMA) => Ok(()),
        None => Err(missing("schema")),
        Some(_) => Err(wrong(
            Some("schema"),
            format!("`schema` is not {SCHEMA}, the only one that this version reads"),
        )),
    }
}

fn text(top: &mut Map<String, Value>, field: &'static str) -> Result<Option<String>, Malformed> {
    match top.remove(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => {
            Err(wrong(Some(field), format!("`{field}` is {}, a string is expected", kind(&other))))
        }
    }
}

fn instant(top: &mut Map<String, Value>, field: &'static str) -> Result<Option<Instant>, Malformed> {
    let Some(text) = text(top, field)? else { return Ok(None) };
    let at = Instant::from_rfc3339(&text);
    at.map(Some).map_err(|_| wrong(Some(field), format!("`{field}` is not an RFC 3339 time")))
}

fn none_of(field: &'static str, names: &str) -> Malformed {
    wrong(Some(field), format!("`{field}` is none of {names}"))
}

#[cfg(test)]
mod tests;
