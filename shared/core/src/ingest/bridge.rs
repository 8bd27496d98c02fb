//! An event of EventBridge: its detail is a change event, or a CloudEvent around one.

use super::{Entry, Refusal, read_event};
use serde_json::Value;

/// What is looked at of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detail {
    /// EventBridge's id of the event, which stays when it is delivered again.
    pub id: String,
    /// The detail's text.
    pub raw: String,
    /// What is in it.
    pub event: Result<Entry, Refusal>,
}

/// Reads an event.
#[must_use]
pub fn read(event: &Value, group_buckets: u64) -> Detail {
    let raw = event.get("detail").unwrap_or(&Value::Null).to_string();
    let id = event.get("id").and_then(Value::as_str).unwrap_or("unknown").to_owned();
    Detail { id, event: read_event(&raw, group_buckets), raw }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn given_details_when_read_then_events_are_entries_and_others_are_told() {
        let change =
            json!({"org_id": "acme", "record_type": "contact", "record_id": "c-1", "version": 1, "data": {}});
        let cloud = json!({"specversion": "1.0", "id": "x", "source": "/a", "type": "t", "data": change});
        for detail in [change, cloud] {
            let read = read(
                &json!({"id": "e-1", "detail-type": "change", "source": "rtr.changes", "detail": detail}),
                0,
            );
            assert_eq!(
                (read.id.as_str(), read.event.map(|entry| entry.group)),
                ("e-1", Ok("acme#contact#c-1".to_owned()))
            );
        }
        let bad = read(&json!({"detail-type": "change", "detail": "text"}), 0);
        assert_eq!(
            bad.event.map_err(|why| why.message),
            Err("the body is a string, a JSON object is expected".to_owned())
        );
        assert_eq!((bad.id.as_str(), bad.raw.as_str()), ("unknown", "\"text\""));
    }
}
