//! One line of a file of events: checked here, so that a bad one is told with its line number and not found dead later.

use crate::commands::lines::text_of;
use crate::schema::foreign;
use rtr_core::change::{Malformed, Message, parse};
use rtr_core::code::Code;
use rtr_core::key::sqs_id;
use schemars::JsonSchema;
use serde::Serialize;

/// Bytes of a message's body and attributes. SQS's limit.
pub(in crate::commands) const MAX_BYTES: usize = 1_048_576;
/// The message attribute that names the lane.
pub(in crate::commands) const LANE: &str = "lane";

/// How events become messages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::commands) struct Addressing {
    /// The stack's `GroupBuckets`.
    pub(in crate::commands) buckets: u64,
    /// Makes deduplication ids fresh; none: those of the contract.
    pub(in crate::commands) fresh: Option<String>,
    /// The `lane` attribute.
    pub(in crate::commands) lane: Option<String>,
    /// Org and record type that every event must be of, if that is so.
    pub(in crate::commands) of: Option<(String, String)>,
    /// The one connection that the events are for; none: all that their records are routed to.
    pub(in crate::commands) only: Option<String>,
    /// Whether they are to be written there although their versions are applied already.
    pub(in crate::commands) rewrite: bool,
}

/// An event, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::commands) struct Event {
    /// Its line, from 1.
    pub(in crate::commands) line: u64,
    /// The body as it came.
    pub(in crate::commands) body: String,
    /// The org.
    pub(in crate::commands) org: String,
    /// The record, as a key.
    pub(in crate::commands) record: String,
    /// The record's version.
    pub(in crate::commands) version: u64,
    /// The message group.
    pub(in crate::commands) group: String,
    /// The deduplication id.
    pub(in crate::commands) deduplication_id: String,
    /// What it counts for, in bytes.
    pub(in crate::commands) bytes: usize,
}

/// A line that is not sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(in crate::commands) struct Refused {
    /// Its line, from 1.
    pub(in crate::commands) line: u64,
    /// The code people look up.
    #[schemars(schema_with = "foreign::code_or_null")]
    pub(in crate::commands) code: Option<Code>,
    /// The field at fault.
    pub(in crate::commands) field: Option<String>,
    /// What is wrong.
    pub(in crate::commands) message: String,
}

/// What a line is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::commands) enum Line {
    /// Nothing but blanks.
    Blank,
    /// An event.
    Event(Event),
    /// Something else.
    Refused(Refused),
}

/// Reads line number `line`.
pub(in crate::commands) fn read(line: u64, bytes: &[u8], how: &Addressing) -> Line {
    let refused = |code, field: Option<&str>, message: String| {
        Line::Refused(Refused { line, code, field: field.map(str::to_owned), message })
    };
    let Ok(text) = text_of(bytes) else {
        return refused(Some(Code::MalformedJson), None, "the line is not UTF-8".to_owned());
    };
    if text.is_empty() {
        return Line::Blank;
    }
    let change = match parse(text) {
        Ok(Message::Change(change)) => change,
        Ok(Message::Wake(_) | Message::Look(_)) => {
            let message = "this is a wake-up, not an event; rtr dlq redrive sends those".to_owned();
            return refused(None, Some("wake"), message);
        }
        Err(Malformed { code, field, message }) => return refused(Some(code), field, message),
    };
    if let Some((org, record_type)) = &how.of {
        for (field, found, wanted) in
            [("org_id", &change.key.org_id, org), ("record_type", &change.key.record_type, record_type)]
        {
            if found != wanted {
                return refused(None, Some(field), format!("`{field}` is `{found}`, `{wanted}` is meant"));
            }
        }
    }
    let event = sendable(text);
    let body = match &how.only {
        Some(connection) => {
            let name = serde_json::Value::from(connection.as_str());
            let rewrite = if how.rewrite { r#""rewrite":true,"# } else { "" };
            format!(r#"{{"backfill":{{"connection":{name},{rewrite}"event":{event}}}}}"#)
        }
        None => event,
    };
    let lane_bytes = how.lane.as_ref().map_or(0, |lane| LANE.len() + "String".len() + lane.len());
    let bytes = body.len() + lane_bytes;
    if bytes > MAX_BYTES {
        return refused(None, None, format!("the event has {bytes} bytes, SQS takes {MAX_BYTES}"));
    }
    let id = change.key.deduplication_id(change.event_id.as_deref(), change.version);
    let id = match &how.only {
        // To all connections and to this one alone are two messages.
        Some(connection) => sqs_id(&format!("{id}#@{connection}")),
        None => id,
    };
    let deduplication_id = match &how.fresh {
        // The line too: with --force each line is a message, even one that stands there twice.
        Some(fresh) => sqs_id(&format!("{id}#{fresh}#{line}")),
        None => id,
    };
    let (record, group) = (change.key.pk(), change.key.message_group(how.buckets));
    let (org, version) = (change.key.org_id, change.version);
    Line::Event(Event { line, body, org, record, version, group, deduplication_id, bytes })
}

/// The same JSON without the two characters that JSON allows in text and SQS does not.
fn sendable(text: &str) -> String {
    text.replace('\u{fffe}', "\\ufffe").replace('\u{ffff}', "\\uffff")
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: &str =
        r#"{"org_id":"acme","record_type":"contact","record_id":"c-1","version":7,"data":{}}"#;

    fn event(line: u64, how: &Addressing) -> Event {
        match read(line, EVENT.as_bytes(), how) {
            Line::Event(event) => event,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn given_an_event_when_read_then_group_and_deduplication_id_are_the_contracts() {
        let own = event(3, &Addressing::default());
        assert_eq!((own.line, own.body.as_str(), own.group.as_str()), (3, EVENT, "acme#contact#c-1"));
        assert_eq!(own.deduplication_id, "acme#contact#c-1#7");
        let how = Addressing {
            buckets: 8,
            fresh: Some("n".to_owned()),
            lane: Some("bulk".to_owned()),
            ..Addressing::default()
        };
        let bulk = event(3, &how);
        assert!(bulk.group.starts_with("acme#b"), "{}", bulk.group);
        assert_eq!(bulk.deduplication_id, "acme#contact#c-1#7#n#3");
        assert_eq!(bulk.bytes, EVENT.len() + 14);
    }

    #[test]
    fn given_bad_lines_when_read_then_each_complaint_names_line_and_place() {
        let huge = EVENT.replace("{}", &format!(r#"{{"a":"{}"}}"#, "x".repeat(MAX_BYTES)));
        let lines: [&[u8]; 5] = [
            b"{\"org_id\":",
            b"{\"org_id\":\"acme\"}",
            b"\xff\xfe",
            br#"{"wake":{"org_id":"a","record_type":"c","record_id":"1","connection":"h","version":1}}"#,
            huge.as_bytes(),
        ];
        let seen = lines.iter().enumerate().map(|(at, text)| {
            match read(at as u64 + 1, text, &Addressing::default()) {
                Line::Refused(one) => {
                    format!("{} {:?} {:?} {}", one.line, one.code.map(Code::as_str), one.field, one.message)
                }
                other => format!("{other:?}"),
            }
        });
        insta::assert_snapshot!(seen.collect::<Vec<_>>().join("\n"), @r#"
        1 Some("RTR1001") None the body is not JSON: it ends too early at line 1 column 10
        2 Some("RTR1002") Some("record_type") `record_type` is missing
        3 Some("RTR1001") None the line is not UTF-8
        4 None Some("wake") this is a wake-up, not an event; rtr dlq redrive sends those
        5 None None the event has 1048663 bytes, SQS takes 1048576
        "#);
        assert_eq!(read(1, b" \r", &Addressing::default()), Line::Blank);
    }

    #[test]
    fn given_an_event_for_one_connection_alone_when_read_then_its_body_says_so_and_it_is_a_message_of_its_own()
     {
        let how = Addressing { only: Some("hub\"spot".to_owned()), ..Addressing::default() };
        let one = event(3, &how);
        let Ok(Message::Change(change)) = parse(&one.body) else { panic!("{}", one.body) };
        assert_eq!((change.only.as_deref(), change.version), (Some("hub\"spot"), 7));
        assert_eq!(one.deduplication_id, "acme#contact#c-1#7#@hub\"spot");
        assert!(!change.rewrite);
        let one = event(3, &Addressing { rewrite: true, ..how });
        let Ok(Message::Change(change)) = parse(&one.body) else { panic!("{}", one.body) };
        assert_eq!((change.only.as_deref(), change.rewrite), (Some("hub\"spot"), true));
    }

    #[test]
    fn given_events_of_others_when_read_then_they_are_refused() {
        let of = |org: &str, kind: &str| Addressing {
            of: Some((org.to_owned(), kind.to_owned())),
            ..Addressing::default()
        };
        let complaint = |how: &Addressing| match read(1, EVENT.as_bytes(), how) {
            Line::Refused(one) => one.message,
            other => format!("{other:?}"),
        };
        assert_eq!(complaint(&of("umbra", "contact")), "`org_id` is `acme`, `umbra` is meant");
        assert_eq!(complaint(&of("acme", "company")), "`record_type` is `contact`, `company` is meant");
        assert_eq!(event(1, &of("acme", "contact")).record, "acme#contact#c-1");
    }

    #[test]
    fn given_characters_that_sqs_refuses_when_read_then_they_are_escaped() {
        let text = EVENT.replace("{}", "{\"a\":\"\u{ffff}\"}");
        let Line::Event(event) = read(1, text.as_bytes(), &Addressing::default()) else { panic!("an event") };
        assert_eq!(parse(&event.body), parse(&text));
        assert!(event.body.contains("\\uffff"));
    }
}
