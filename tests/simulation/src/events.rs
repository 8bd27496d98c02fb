//! The producer's side: an event as the message that carries it, and what the CRM shall hold in the end.

use crate::scenario::{Event, Kind, Record, Says, Sent};
use rtr_core::key::RecordKey;
use rtr_engine::seams::Outbound;
use serde_json::{Value, json};

/// Begins every value of a record: where it shows, a value shows.
pub const CANARY: &str = "zq";

/// The record's key.
#[must_use]
pub fn key(record: &Record) -> RecordKey {
    RecordKey::new(record.org(), record.kind.name(), record.id())
}

/// The value that the CRM's naming property shall hold.
#[must_use]
pub fn stamp(event: &Event) -> String {
    match event.says {
        Says::Toggle(up) => format!("{CANARY}-{}", if up { "up" } else { "down" }),
        _ => {
            let record = &event.record;
            format!("{CANARY}:{}:{}:{}:v{}", record.org(), record.kind.name(), record.id(), event.version)
        }
    }
}

/// Record id and version of a [`stamp`]; none for any other value.
#[must_use]
pub fn read_stamp(value: &str) -> Option<(&str, &str, &str, u64)> {
    let mut parts = value.strip_prefix(CANARY)?.strip_prefix(':')?.split(':');
    let (org, kind, id) = (parts.next()?, parts.next()?, parts.next()?);
    Some((org, kind, id, parts.next()?.strip_prefix('v')?.parse().ok()?))
}

/// The record's data as the event carries them.
#[must_use]
pub fn data(event: &Event) -> Value {
    let (record, stamp) = (&event.record, stamp(event));
    let mut data = match record.kind {
        Kind::Contact => {
            let email = format!("{CANARY}-{}-{}@x.example", record.org(), record.id());
            json!({"email": email, "first_name": stamp, "last_name": format!("{CANARY}-last"), "title": format!("{CANARY}-title")})
        }
        Kind::Company | Kind::Deal => json!({"name": stamp}),
    };
    if let Some(company) = event.refers {
        data["company_id"] = json!(format!("k{company}"));
    }
    match (event.says, record.kind) {
        (Says::Poison, Kind::Contact) => data["email"] = json!(format!("{CANARY} is no address")),
        (Says::Poison, _) => data["size"] = json!(format!("{CANARY} is no number")),
        (Says::Large, _) => data["blob"] = json!(format!("{CANARY}{}", "x".repeat(120_000))),
        _ => {}
    }
    data
}

/// The message; `copy` numbers the ways in which it is sent.
#[must_use]
pub fn message(event: &Event, group_buckets: u64, copy: u32) -> Outbound {
    let (record, key) = (&event.record, key(&event.record));
    let mut body = json!({
        "org_id": record.org(), "record_type": record.kind.name(), "record_id": record.id(), "version": event.version,
    });
    if event.says == Says::Deleted {
        body["operation"] = json!("deleted");
    } else {
        body["data"] = data(event);
    }
    let text = match event.sent {
        Sent::Spoilt(0) => format!("{CANARY} no event"),
        Sent::Spoilt(1) => body.to_string()[..20].to_owned(),
        Sent::Spoilt(2) => json!({"schema": "rtr.change.v99", "org_id": record.org()}).to_string(),
        Sent::Spoilt(_) => json!({"org_id": record.org(), "record_type": record.kind.name()}).to_string(),
        _ => body.to_string(),
    };
    let own = if copy == 0 { None } else { Some(format!("copy{copy}-{key:?}-{}", event.version)) };
    let deduplication_id = match event.sent {
        Sent::Spoilt(_) => {
            // Of the body itself, as a producer's queue does by default.
            let sum = text.bytes().fold(0_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
            format!("spoilt-{}-{sum:x}", event.at)
        }
        _ => key.deduplication_id(own.as_deref(), event.version),
    };
    Outbound {
        trace: None,
        body: text,
        group: key.message_group(group_buckets),
        deduplication_id,
        lane: None,
    }
}
