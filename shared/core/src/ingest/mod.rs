//! What producers hand in, on whatever way, as entries of `changes.fifo`.
//!
//! Every item of what came in ends exactly once: taken by the queue, or refused with a status, a code and words that name
//! its place. One bad item harms no other, and of one record no entry goes before an earlier one.
//!
//! - [`entry`] one event, checked as sync will check it · [`refusal`] why there is none
//! - [`http`] a request's body, [`split`] apart · [`kafka`] a batch of records · [`bridge`] an event of EventBridge ·
//!   [`source`](source()) which of the three it is
//! - [`secret`] who may hand in for an org · [`sending`] what goes in which call · [`answer`] what is said to it
//! - [`letter`] what becomes of an item that nobody can be told of · [`openapi`](openapi()) and its schemas

pub mod answer;
pub mod bridge;
pub mod entry;
pub mod http;
pub mod kafka;
pub mod letter;
mod openapi;
pub mod refusal;
pub mod secret;
pub mod sending;
pub mod split;

pub use answer::{Answer, Fate, answer};
pub use entry::{Entry, MAX_MESSAGE_BYTES, read_event};
pub use openapi::{event_schema, openapi};
pub use refusal::Refusal;

use serde_json::Value;

/// On which way something came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// A request, by API Gateway.
    Http,
    /// Records of a Kafka topic, by an event source mapping.
    Kafka,
    /// An event of EventBridge.
    Bridge,
}

impl Source {
    /// The name for logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Kafka => "kafka",
            Self::Bridge => "eventbridge",
        }
    }
}

/// Which of the three `event` is, told by its shape; none of them: none.
#[must_use]
pub fn source(event: &Value) -> Option<Source> {
    if event.pointer("/requestContext/http").is_some() {
        return Some(Source::Http);
    }
    match event.get("eventSource").and_then(Value::as_str) {
        Some("aws:kafka" | "SelfManagedKafka") => return Some(Source::Kafka),
        Some(_) => return None,
        None => {}
    }
    (event.get("detail-type").is_some() && event.get("detail").is_some()).then_some(Source::Bridge)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn given_events_of_each_source_when_looked_at_then_their_shape_tells_them_apart() {
        let request = json!({"version": "2.0", "requestContext": {"http": {"method": "POST"}}});
        assert_eq!(source(&request), Some(Source::Http));
        for name in ["aws:kafka", "SelfManagedKafka"] {
            assert_eq!(source(&json!({"eventSource": name, "records": {}})), Some(Source::Kafka));
        }
        assert_eq!(source(&json!({"detail-type": "change", "detail": {}})), Some(Source::Bridge));
        for other in [json!({}), json!([]), json!({"eventSource": "aws:sqs"}), json!({"detail": {}})] {
            assert_eq!(source(&other), None, "{other}");
        }
    }
}
