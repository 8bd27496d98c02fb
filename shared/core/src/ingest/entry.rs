//! One change event, checked as sync will check it, as an entry of `changes.fifo`.

use super::Refusal;
use crate::change::{Message, parse};
use crate::code::Code;
use crate::key::RecordKey;
use crate::trace::Trace;

/// The most bytes of a message. SQS's limit.
pub const MAX_MESSAGE_BYTES: usize = 1_024 * 1_024;
/// What JSON takes for white space.
const SPACE: [char; 4] = [' ', '\t', '\n', '\r'];

/// An event on its way to the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The record.
    pub key: RecordKey,
    /// The record's version.
    pub version: u64,
    /// The event as it came: nothing that a reader might round or leave out is lost.
    pub body: String,
    /// The message group.
    pub group: String,
    /// The deduplication id.
    pub deduplication_id: String,
    /// The trace that it is part of, by its own word or by that of what brought it.
    pub trace: Option<Trace>,
}

/// Reads one event.
///
/// # Errors
/// When sync would not take it, when it is none (a wake-up, a part of a backfill), or when it is too large for a message.
pub fn read_event(text: &str, group_buckets: u64) -> Result<Entry, Refusal> {
    let text = text.trim_matches(SPACE);
    let change = match parse(text)? {
        Message::Change(change) if change.only.is_none() => change,
        // All are for one connection alone, and whoever may hand in events may not choose among those.
        Message::Change(_) | Message::Wake(_) | Message::Look(_) => {
            let message = "a change event is expected, with `org_id` at its top; wake-ups and backfills are sent by `rtr`";
            return Err(Refusal::lasting(400, Code::WrongType, message));
        }
    };
    let body = sendable(text);
    if body.len() > MAX_MESSAGE_BYTES {
        let message = format!(
            "the event has {} bytes, and a message takes {MAX_MESSAGE_BYTES} at most: keep files and long texts out of `data`",
            body.len()
        );
        return Err(Refusal::lasting(413, Code::EventTooLarge, message));
    }
    Ok(Entry {
        group: change.key.message_group(group_buckets),
        deduplication_id: change.key.deduplication_id(change.event_id.as_deref(), change.version),
        version: change.version,
        key: change.key,
        trace: change.trace,
        body,
    })
}

/// The same JSON without the two characters that JSON allows in text and SQS does not.
fn sendable(text: &str) -> String {
    text.replace('\u{fffe}', "\\ufffe").replace('\u{ffff}', "\\uffff")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use serde_json::json;

    fn event(data: &serde_json::Value) -> String {
        json!({"org_id": "acme", "record_type": "contact", "record_id": "c-1", "version": 7, "data": data})
            .to_string()
    }

    #[test]
    fn given_an_event_when_read_then_its_text_is_kept_and_the_group_is_the_contracts() {
        let text = r#" {"org_id":"acme","record_type":"contact","record_id":"c-1","version":7,"data":{"n":1.10,"x":123456789012345678901234567890}} "#;
        let entry = read_event(text, 0).unwrap();
        assert_eq!(entry.body, text.trim());
        assert_eq!(
            (entry.group.as_str(), entry.deduplication_id.as_str()),
            ("acme#contact#c-1", "acme#contact#c-1#7")
        );
        assert_eq!(
            read_event(text, 8).unwrap().group,
            RecordKey::new("acme", "contact", "c-1").message_group(8)
        );
        let named = text.replace("\"version\"", "\"event_id\":\"6f1c\",\"version\"");
        assert_eq!(read_event(&named, 0).unwrap().deduplication_id, "6f1c");
    }

    #[test]
    fn given_a_cloud_event_when_read_then_the_change_inside_it_is_the_entry() {
        let text = json!({"specversion": "1.0", "id": "x", "source": "/crm", "type": "t",
            "data": {"org_id": "a", "record_type": "c", "record_id": "1", "version": 3, "operation": "deleted"}});
        let entry = read_event(&text.to_string(), 0).unwrap();
        assert_eq!((entry.group.as_str(), entry.version), ("a#c#1", 3));
    }

    #[test]
    fn given_what_sqs_would_refuse_when_read_then_it_is_escaped_or_refused_at_its_size() {
        let entry = read_event(&event(&json!({"t": "\u{ffff}\u{fffe}"})), 0).unwrap();
        assert!(!entry.body.contains(['\u{ffff}', '\u{fffe}']), "{}", entry.body);
        let fits = MAX_MESSAGE_BYTES - event(&json!({"t": ""})).len();
        assert!(read_event(&event(&json!({"t": "x".repeat(fits)})), 0).is_ok());
        let refusal = read_event(&event(&json!({"t": "x".repeat(fits + 1)})), 0).unwrap_err();
        assert_eq!((refusal.status, refusal.code), (413, Code::EventTooLarge));
    }

    #[test]
    fn given_what_only_rtr_sends_when_read_then_it_is_refused() {
        let key = json!({"org_id": "a", "record_type": "c", "record_id": "1", "connection": "hubspot", "version": 3});
        let event: serde_json::Value = serde_json::from_str(&event(&json!({}))).unwrap();
        for body in [json!({"wake": key}), json!({"backfill": {"connection": "hubspot", "event": event}})] {
            let refusal = read_event(&body.to_string(), 0).unwrap_err();
            assert_eq!((refusal.status, refusal.code), (400, Code::WrongType), "{body}");
        }
    }
}
