//! The dead letter of an item whose sender waits for no answer: of Kafka and of EventBridge.

use super::Refusal;
use crate::change::MAX_VERSION;
use crate::dead_letter::{DeadLetter, SCHEMA};
use crate::digest;
use crate::item::Reason;
use crate::key::sqs_id;
use base64::Engine as _;
use serde_json::Value;

/// The dead letter of `raw`, which was refused for `refusal` at `place`.
#[must_use]
pub fn letter(raw: &[u8], place: &str, refusal: &Refusal, at: String) -> DeadLetter {
    // What can be told of the record without trusting the rest, for whoever looks for it.
    let value: Option<Value> = serde_json::from_slice(raw).ok();
    let event = value.as_ref().map(|value| match value.get("data") {
        Some(data) if value.get("org_id").is_none() && value.get("specversion").is_some() => data,
        _ => value,
    });
    let text = |field: &str| event?.get(field)?.as_str().map(str::to_owned);
    DeadLetter {
        schema: SCHEMA,
        source: "ingest".to_owned(),
        event: None,
        raw_base64: Some(base64::engine::general_purpose::STANDARD.encode(raw)),
        body_ref: None,
        org_id: text("org_id"),
        record_type: text("record_type"),
        record_id: text("record_id"),
        version: event
            .and_then(|event| event.get("version")?.as_u64())
            .filter(|version| *version <= MAX_VERSION),
        connection: None,
        reason: Reason::new(refusal.code, "").class().to_owned(),
        code: refusal.code,
        field: refusal.field.map(str::to_owned),
        message: format!("{place}: {}", refusal.message),
        attempts: 1,
        at,
    }
}

/// The message group of the dead letter of `raw`: its own.
#[must_use]
pub fn group(raw: &[u8]) -> String {
    sqs_id(&format!("!unattributed#{}", digest::hex(raw)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::ingest::read_event;

    #[test]
    fn given_a_bad_event_when_it_becomes_a_letter_then_it_holds_the_body_as_it_came_and_what_can_be_told() {
        let raw = r#"{"specversion":"1.0","data":{"org_id":"acme","record_type":"contact","version":"7"}}"#;
        let refusal = read_event(raw, 0).unwrap_err();
        let letter =
            letter(raw.as_bytes(), "changes-0 offset 9", &refusal, "2026-11-23T10:00:00Z".to_owned());
        let text = serde_json::to_string(&letter).unwrap();
        insta::assert_snapshot!(text, @r#"{"schema":1,"source":"ingest","raw_base64":"eyJzcGVjdmVyc2lvbiI6IjEuMCIsImRhdGEiOnsib3JnX2lkIjoiYWNtZSIsInJlY29yZF90eXBlIjoiY29udGFjdCIsInZlcnNpb24iOiI3In19","org_id":"acme","record_type":"contact","record_id":null,"version":null,"connection":null,"reason":"malformed","code":"RTR1002","field":"record_id","message":"changes-0 offset 9: `record_id` is missing","attempts":1,"at":"2026-11-23T10:00:00Z"}"#);
        assert_ne!(group(b"a"), group(b"b"));
    }
}
