//! Builders: messages as a queue would bring them.

use rtr_core::key::RecordKey;
use rtr_core::time::Instant;
use rtr_engine::batch::Received;
use serde_json::{Value, json};

/// What the receipts of messages begin with that no queue has given out.
pub const HAND_MADE: &str = "receipt-";

/// A change event of `org`'s record on its way in, in its own group, received for the first time.
#[must_use]
pub fn event(org: &str, record_type: &str, id: &str, version: u64, data: &Value, now: Instant) -> Received {
    let body = json!({
        "org_id": org, "record_type": record_type, "record_id": id, "version": version, "data": data,
    });
    message(&body, &RecordKey::new(org, record_type, id).message_group(0), now)
}

/// A delete of a record.
#[must_use]
pub fn delete(org: &str, record_type: &str, id: &str, version: u64, now: Instant) -> Received {
    let body = json!({
        "org_id": org, "record_type": record_type, "record_id": id, "version": version, "operation": "deleted",
    });
    message(&body, &RecordKey::new(org, record_type, id).message_group(0), now)
}

/// A wake-up of a dead version.
#[must_use]
pub fn wake(
    org: &str,
    record_type: &str,
    id: &str,
    connection: &str,
    version: u64,
    now: Instant,
) -> Received {
    let body = json!({"wake": {
        "org_id": org, "record_type": record_type, "record_id": id, "connection": connection, "version": version,
    }});
    message(&body, &RecordKey::new(org, record_type, id).message_group(0), now)
}

/// Any body in any group.
#[must_use]
pub fn message(body: &Value, group: &str, now: Instant) -> Received {
    raw(&body.to_string(), group, now)
}

/// Any text in any group.
#[must_use]
pub fn raw(body: &str, group: &str, now: Instant) -> Received {
    let id = rtr_core::digest::short_hex(format!("{body}{group}{}", now.0).as_bytes());
    Received {
        sent_at: now,
        trace: None,
        receipt: format!("{HAND_MADE}{id}"),
        message_id: id,
        body: body.to_owned(),
        group: group.to_owned(),
        first_received_at: now,
        receive_count: 1,
        lane: None,
    }
}

/// The same message, received again.
#[must_use]
pub fn again(mut message: Received) -> Received {
    message.receive_count += 1;
    message
}
