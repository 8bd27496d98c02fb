//! The change event: what a message of `changes.fifo` says, and its body.

pub(crate) mod parse;

use crate::code::Code;
use crate::inbound::Notice;
use crate::key::RecordKey;
use crate::time::Instant;
use crate::trace::Trace;
pub use parse::parse;
use serde_json::Value;

/// Versions run from 0 to this: the largest integer that every JSON reader keeps exact.
pub const MAX_VERSION: u64 = (1 << 53) - 1;

/// The value of the message attribute `lane` by which an event goes through the bulk lane, behind all that is live.
pub const BULK: &str = "bulk";

/// What a producer may say of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// The record is as `data` says.
    Upsert,
    /// The record is gone.
    Deleted,
}

impl Operation {
    /// The name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Upsert => "upsert",
            Self::Deleted => "deleted",
        }
    }
}

/// One record of one org is now at one version.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The record.
    pub key: RecordKey,
    /// The producer's own id of the event.
    pub event_id: Option<String>,
    /// Grows with each change of the record; at most [`MAX_VERSION`].
    pub version: u64,
    /// Upsert or deleted.
    pub operation: Operation,
    /// When it occurred, by the internal system's word.
    pub occurred_at: Option<Instant>,
    /// The whole record; empty for a delete that brought none.
    pub data: Value,
    /// Top-level fields nobody knows: ignored and counted.
    pub unknown_fields: usize,
    /// The one connection it is meant for, if a backfill says so; none: all that the record is routed to.
    pub only: Option<String>,
    /// Whether it is to be written although this version is applied there: what the CRM holds may be something else by now. Said
    /// of one connection alone.
    pub rewrite: bool,
    /// The trace that it is part of, by its own `traceparent` or that of the CloudEvent around it.
    pub trace: Option<Trace>,
}

/// Asks the record's own worker to try the version that its slot holds: dead, parked, or waiting for a reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wake {
    /// The record.
    pub key: RecordKey,
    /// The connection whose version is meant.
    pub connection: String,
    /// The version.
    pub version: u64,
}

/// Asks the record's own worker to look at what its record holds at a CRM, and to have the internal system told of what is
/// new in it. Whoever has the record's group knows that no write of ours is under way, whose echo would look like a change.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    /// The record.
    pub key: RecordKey,
    /// What was heard of its record at the CRM.
    pub notice: Notice,
    /// Properties of which the internal system is to be told whatever both sides had last: what it was told of them it did
    /// not take.
    pub anew: Vec<String>,
}

/// What a message on `changes.fifo` may say.
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    /// A change event.
    Change(Change),
    /// A redrive's wake-up.
    Wake(Wake),
    /// A look at the CRM.
    Look(Box<Look>),
}

impl Message {
    /// The record the message is about.
    #[must_use]
    pub fn key(&self) -> &RecordKey {
        match self {
            Self::Change(change) => &change.key,
            Self::Wake(wake) => &wake.key,
            Self::Look(look) => &look.key,
        }
    }

    /// The version it speaks of; 0 for a look, which is at none.
    #[must_use]
    pub fn version(&self) -> u64 {
        match self {
            Self::Change(change) => change.version,
            Self::Wake(wake) => wake.version,
            Self::Look(_) => 0,
        }
    }
}

/// Why a body is no message, in words that name the place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Malformed {
    /// Always of the 1xxx range.
    pub code: Code,
    /// The field at fault, when it is one.
    pub field: Option<&'static str>,
    /// What is wrong, where, and what is expected; never the offending value.
    pub message: String,
}

/// The event's canonical body: what is sent on, stored and published.
#[must_use]
pub fn to_body(change: &Change) -> Value {
    let mut body = serde_json::json!({
        "org_id": change.key.org_id, "record_type": change.key.record_type, "record_id": change.key.record_id,
        "version": change.version, "operation": change.operation.as_str(), "data": change.data,
    });
    if let Some(map) = body.as_object_mut() {
        let at = change.occurred_at.map(Instant::to_rfc3339);
        map.extend(change.event_id.clone().map(|id| ("event_id".to_owned(), Value::from(id))));
        map.extend(at.map(|at| ("occurred_at".to_owned(), Value::from(at))));
        let trace = change.trace.as_ref().map(Trace::to_traceparent);
        map.extend(trace.map(|trace| ("traceparent".to_owned(), Value::from(trace))));
    }
    match &change.only {
        Some(connection) if change.rewrite => {
            serde_json::json!({"backfill": {"connection": connection, "rewrite": true, "event": body}})
        }
        Some(connection) => serde_json::json!({"backfill": {"connection": connection, "event": body}}),
        None => body,
    }
}

/// A wake-up's body.
#[must_use]
pub fn wake_body(wake: &Wake) -> Value {
    serde_json::json!({"wake": {
        "org_id": wake.key.org_id, "record_type": wake.key.record_type, "record_id": wake.key.record_id,
        "connection": wake.connection, "version": wake.version,
    }})
}

/// A look's body.
#[must_use]
pub fn look_body(look: &Look) -> Value {
    let mut body = serde_json::json!({"look": {
        "org_id": look.key.org_id, "record_type": look.key.record_type, "record_id": look.key.record_id,
        "notice": look.notice.to_body(),
    }});
    if !look.anew.is_empty() {
        body["look"]["anew"] = Value::from(look.anew.clone());
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inbound::notice::{Operation as Became, Seen};
    use crate::key::ConnectionKey;
    use proptest::prelude::*;

    #[test]
    fn given_a_look_when_written_and_parsed_then_it_is_the_same_and_a_broken_one_is_told() {
        let notice = Notice {
            connection: ConnectionKey::new("acme", "hubspot"),
            object: "contacts".to_owned(),
            external_id: "7".to_owned(),
            operation: Became::Upsert,
            at: Some(Instant(5)),
            seen: Seen::Poll,
            received_at: Instant(6),
            origin: None,
            record: None,
        };
        let key = RecordKey::new("acme", "contact", "c-1");
        for anew in [vec![], vec!["email".to_owned()]] {
            let look = Look { key: key.clone(), notice: notice.clone(), anew };
            let body = look_body(&look).to_string();
            assert_eq!(parse(&body), Ok(Message::Look(Box::new(look))));
        }
        let broken =
            r#"{"look":{"org_id":"acme","record_type":"contact","record_id":"c-1","notice":{"schema":1}}}"#;
        assert_eq!(complaint(broken), "RTR1002 `org_id` is missing");
    }

    fn complaint(body: &str) -> String {
        match parse(body) {
            Ok(_) => "accepted".to_owned(),
            Err(error) => format!("{} {error}", error.code.as_str()),
        }
    }

    #[test]
    fn given_a_bad_body_when_parsed_then_the_complaint_names_the_place() {
        let long = "x".repeat(513);
        let bodies = [
            "{\"org_id\": ".to_owned(),
            "[1]".to_owned(),
            r#"{"record_type":"c","record_id":"1","version":1,"data":{}}"#.to_owned(),
            r#"{"org_id":"","record_type":"c","record_id":"1","version":1,"data":{}}"#.to_owned(),
            format!(r#"{{"org_id":"a","record_type":"c","record_id":"{long}","version":1,"data":{{}}}}"#),
            r#"{"org_id":"a","record_type":"c","record_id":"1\u0007","version":1,"data":{}}"#.to_owned(),
            r#"{"org_id":"a","record_type":"c","record_id":7,"version":1,"data":{}}"#.to_owned(),
            r#"{"org_id":"a","record_type":"c","record_id":"1","version":-1,"data":{}}"#.to_owned(),
            r#"{"org_id":"a","record_type":"c","record_id":"1","version":9007199254740992,"data":{}}"#
                .to_owned(),
            r#"{"org_id":"a","record_type":"c","record_id":"1","version":1.5,"data":{}}"#.to_owned(),
            r#"{"org_id":"a","record_type":"c","record_id":"1","version":"1","data":{}}"#.to_owned(),
            r#"{"org_id":"a","record_type":"c","record_id":"1","version":1}"#.to_owned(),
            r#"{"org_id":"a","record_type":"c","record_id":"1","version":1,"data":[]}"#.to_owned(),
            r#"{"org_id":"a","record_type":"c","record_id":"1","version":1,"operation":"drop","data":{}}"#
                .to_owned(),
        ];
        let seen: Vec<String> = bodies.iter().map(|body| complaint(body)).collect();
        insta::assert_snapshot!(seen.join("\n"), @r"
        RTR1001 the body is not JSON: it ends too early at line 1 column 11
        RTR1003 the body is an array, a JSON object is expected
        RTR1002 `org_id` is missing
        RTR1004 `org_id` has 0 characters, 1 to 512 are allowed
        RTR1004 `record_id` has 513 characters, 1 to 512 are allowed
        RTR1004 `record_id` holds a control character at position 2
        RTR1003 `record_id` is a number, a string is expected
        RTR1005 `version` is below 0
        RTR1005 `version` is above 9007199254740991 (2^53-1)
        RTR1005 `version` is not an integer
        RTR1005 `version` is a string, an integer is expected
        RTR1002 `data` is missing
        RTR1003 `data` is an array, an object is expected
        RTR1003 `operation` is none of upsert, created, updated, deleted
        ");
    }

    #[test]
    fn given_a_cloud_event_when_parsed_then_the_change_inside_it_counts() {
        let body = r#"{"specversion":"1.0","id":"x","source":"/crm","type":"t","data":
            {"org_id":"a","record_type":"c","record_id":"1","version":3,"operation":"deleted","extra":1}}"#;
        let Ok(Message::Change(change)) = parse(body) else { panic!("a change is expected") };
        assert_eq!((change.version, change.operation, change.unknown_fields), (3, Operation::Deleted, 1));
    }

    #[test]
    fn given_a_traceparent_when_parsed_then_the_events_own_goes_before_its_envelopes_and_a_wrong_one_is_passed_over()
     {
        let id = |at: &str| format!("00-{}-00f067aa0ba902b7-01", at.repeat(32));
        let of = |own: &str| {
            let body = format!(
                r#"{{"specversion":"1.0","id":"x","source":"/crm","type":"t","traceparent":"{}","data":
                {{"org_id":"a","record_type":"c","record_id":"1","version":3,"data":{{}}{own}}}}}"#,
                id("a")
            );
            let Ok(Message::Change(change)) = parse(&body) else { panic!("a change is expected") };
            (change.trace.map(|trace| trace.trace_id), change.unknown_fields)
        };
        assert_eq!(of(""), (Some("a".repeat(32)), 0));
        assert_eq!(of(&format!(r#","traceparent":"{}""#, id("b"))), (Some("b".repeat(32)), 0));
        assert_eq!(of(r#","traceparent":"no trace""#), (Some("a".repeat(32)), 0));
    }

    proptest! {
        #[test]
        fn given_any_text_when_parsed_then_it_never_panics(text in "\\PC{0,80}") {
            let _ = parse(&text);
        }

        #[test]
        fn given_a_change_when_written_and_parsed_then_it_is_the_same(
            id in "[^\\p{Cc}]{1,20}", version in 0..=MAX_VERSION, event in proptest::option::of("[a-z]{1,9}"),
            only in proptest::option::of("[^\\p{Cc}]{1,9}"), rewrite: bool, traced: bool,
        ) {
            let change = Change {
                key: RecordKey::new("acme", "contact", id), event_id: event, version,
                operation: Operation::Upsert, occurred_at: None, data: serde_json::json!({"a": 1}),
                unknown_fields: 0, rewrite: rewrite && only.is_some(), only,
                trace: Trace::from_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").filter(|_| traced),
            };
            prop_assert_eq!(parse(&to_body(&change).to_string()), Ok(Message::Change(change)));
        }
    }
}
