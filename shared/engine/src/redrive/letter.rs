//! What is to be filed, as the message that came says it.

use crate::batch::Received;
use crate::seams::{Names, Seams};
use crate::work::sent::of_data;
use base64::Engine as _;
use rtr_core::change::{Message, Operation, parse};
use rtr_core::code::Code;
use rtr_core::dead_letter::{DeadLetter, SCHEMA};
use rtr_core::item::Reason;
use rtr_core::key::{ConnectionKey, PairKey, RecordKey};
use rtr_core::sent::Sent;
use rtr_core::time::Instant;
use serde_json::{Value, json};

/// One item to file.
pub(super) struct Letter {
    pub(super) key: PairKey,
    pub(super) names: Names,
    pub(super) version: u64,
    pub(super) deleted: bool,
    /// When the change occurred, by the internal system's word.
    pub(super) occurred_at: Option<Instant>,
    pub(super) body: Value,
    pub(super) reason: Reason,
    pub(super) attempts: u32,
    pub(super) uncertain: bool,
    /// What may have been written of it: where values flow back from the CRM.
    pub(super) sent: Sent,
    /// The mapping revision that would be planned under now; 0 when that is not known.
    pub(super) mapping_revision: u64,
    /// Where its body lay on the way, to be removed once it is filed.
    pub(super) parcel: Option<String>,
}

/// What is in a message: an envelope is one letter, a bare body one for each connection it was meant for.
pub(super) async fn letters(seams: &Seams<'_>, received: &Received) -> Result<Vec<Letter>, ()> {
    let envelope =
        serde_json::from_str::<DeadLetter>(&received.body).ok().filter(|letter| letter.schema == SCHEMA);
    match envelope {
        Some(letter) => Ok(vec![from_envelope(seams, letter).await?]),
        None => from_body(seams, received).await,
    }
}

async fn from_envelope(seams: &Seams<'_>, letter: DeadLetter) -> Result<Letter, ()> {
    let raw = match (&letter.body_ref, &letter.raw_base64) {
        (Some(key), _) => seams.records.body(key).await.map_err(|error| {
            tracing::warn!(event = "redrive", code = Code::StateUnavailable.as_str(), message = %error);
        })?,
        (None, Some(text)) => base64::engine::general_purpose::STANDARD.decode(text).ok(),
        (None, None) => None,
    };
    let event = match &letter.event {
        Some(event) => parse(&event.to_string()).ok(),
        None => raw.as_ref().and_then(|bytes| parse(std::str::from_utf8(bytes).ok()?).ok()),
    };
    let reason = Reason { field: letter.field, ..Reason::new(letter.code, letter.message) };
    let names = Names {
        org_id: letter.org_id,
        connection: letter.connection,
        record_type: letter.record_type,
        record_id: letter.record_id,
    };
    let parcel = letter.body_ref;
    Ok(match event {
        Some(message) => Letter {
            key: pair(message.key(), names.connection.as_deref()),
            names,
            version: message.version(),
            deleted: is_delete(&message),
            occurred_at: occurred_at(&message),
            body: data(message),
            reason,
            attempts: letter.attempts,
            uncertain: false,
            sent: Sent::default(),
            mapping_revision: 0,
            parcel,
        },
        None => {
            let bytes = raw.unwrap_or_default();
            Letter {
                key: PairKey::unattributed(&bytes),
                names,
                version: letter.version.unwrap_or(0),
                deleted: false,
                occurred_at: None,
                body: json!({"raw": String::from_utf8_lossy(&bytes)}),
                reason,
                attempts: letter.attempts,
                uncertain: false,
                sent: Sent::default(),
                mapping_revision: 0,
                parcel,
            }
        }
    })
}

/// A bare body came by the native redrive policy: its function stopped on it again and again.
async fn from_body(seams: &Seams<'_>, received: &Received) -> Result<Vec<Letter>, ()> {
    let message = match parse(&received.body) {
        Ok(message) => message,
        Err(malformed) => {
            return Ok(vec![Letter {
                key: PairKey::unattributed(received.body.as_bytes()),
                names: Names::default(),
                version: 0,
                deleted: false,
                occurred_at: None,
                body: json!({"raw": received.body}),
                reason: Reason {
                    field: malformed.field.map(str::to_owned),
                    ..Reason::new(malformed.code, malformed.message)
                },
                attempts: received.receive_count,
                uncertain: false,
                sent: Sent::default(),
                mapping_revision: 0,
                parcel: None,
            }]);
        }
    };
    let key = message.key().clone();
    let config = seams.configs.org(&key.org_id).await.map_err(|error| {
        tracing::warn!(event = "redrive", code = Code::ConfigUnavailable.as_str(), message = %error);
    })?;
    let connections: Vec<Option<String>> = match &message {
        // A wake that crashed leaves the dead version where it is: nothing is to be filed.
        Message::Wake(_) => Vec::new(),
        // It is filed with the CRM's record.
        Message::Look(_) => Vec::new(),
        Message::Change(change) if change.only.is_some() => vec![change.only.clone()],
        Message::Change(_) if config.route(&key.record_type).is_empty() => vec![None],
        Message::Change(_) => config.route(&key.record_type).iter().cloned().map(Some).collect(),
    };
    let (version, deleted, occurred_at) = (message.version(), is_delete(&message), occurred_at(&message));
    let body = data(message);
    let reason = Reason::new(Code::NativeDeadLetter, "the queue gave the message up after its receive limit");
    Ok(connections
        .into_iter()
        .map(|connection| {
            let mapping = connection.as_deref().and_then(|name| config.mapping(name, &key.record_type));
            let marks = mapping.filter(|_| !deleted).map(|at| of_data(&config, at, &key, &body));
            let sent = Sent::default().and(&marks.unwrap_or_default());
            (mapping.map_or(0, |mapping| mapping.revision), connection, sent)
        })
        .map(|(mapping_revision, connection, sent)| Letter {
            key: pair(&key, connection.as_deref()),
            names: Names {
                org_id: Some(key.org_id.clone()),
                connection,
                record_type: Some(key.record_type.clone()),
                record_id: Some(key.record_id.clone()),
            },
            version,
            deleted,
            occurred_at,
            body: body.clone(),
            reason: reason.clone(),
            attempts: received.receive_count,
            uncertain: true,
            sent,
            mapping_revision,
            parcel: None,
        })
        .collect())
}

/// The pair of `record` at `connection`, or at none.
pub(super) fn pair(record: &RecordKey, connection: Option<&str>) -> PairKey {
    PairKey::new(record, &ConnectionKey::new(&record.org_id, connection.unwrap_or("-")))
}

fn is_delete(message: &Message) -> bool {
    matches!(message, Message::Change(change) if change.operation == Operation::Deleted)
}

fn occurred_at(message: &Message) -> Option<Instant> {
    match message {
        Message::Change(change) => change.occurred_at,
        Message::Wake(_) | Message::Look(_) => None,
    }
}

fn data(message: Message) -> Value {
    match message {
        Message::Change(change) => change.data,
        Message::Wake(_) | Message::Look(_) => Value::Null,
    }
}
