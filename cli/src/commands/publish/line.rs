//! One line of a file of events: checked here, so that a bad one is told with its line number and not found dead later.

use crate::commands::lines::text_of;
use rtr_core::change::{Malformed, Message, parse};
use rtr_core::code::Code;
use rtr_core::key::sqs_id;
use serde::Serialize;

/// Bytes of a message's body and attributes. SQS's limit.
pub(super) const MAX_BYTES: usize = 1_048_576;
/// The message attribute that names the lane.
pub(super) const LANE: &str = "lane";

/// How events become messages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Addressing {
    /// The stack's `GroupBuckets`.
    pub(super) buckets: u64,
    /// Makes deduplication ids fresh; none: those of the contract.
    pub(super) fresh: Option<String>,
    /// The `lane` attribute.
    pub(super) lane: Option<String>,
}

/// An event, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Event {
    /// Its line, from 1.
    pub(super) line: u64,
    /// The body as it came.
    pub(super) body: String,
    /// The record, as a key.
    pub(super) record: String,
    /// The message group.
    pub(super) group: String,
    /// The deduplication id.
    pub(super) deduplication_id: String,
    /// What it counts for, in bytes.
    pub(super) bytes: usize,
}

/// A line that is not sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Refused {
    /// Its line, from 1.
    pub(super) line: u64,
    /// The code people look up.
    pub(super) code: Option<Code>,
    /// The field at fault.
    pub(super) field: Option<String>,
    /// What is wrong.
    pub(super) message: String,
}

/// What a line is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line {
    /// Nothing but blanks.
    Blank,
    /// An event.
    Event(Event),
    /// Something else.
    Refused(Refused),
}

/// Reads line number `line`.
pub(super) fn read(line: u64, bytes: &[u8], how: &Addressing) -> Line {
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
        Ok(Message::Wake(_)) => {
            let message = "this is a wake-up, not an event; rtr dlq redrive sends those".to_owned();
            return refused(None, Some("wake"), message);
        }
        Err(Malformed { code, field, message }) => return refused(Some(code), field, message),
    };
    let body = sendable(text);
    let lane_bytes = how.lane.as_ref().map_or(0, |lane| LANE.len() + "String".len() + lane.len());
    let bytes = body.len() + lane_bytes;
    if bytes > MAX_BYTES {
        return refused(None, None, format!("the event has {bytes} bytes, SQS takes {MAX_BYTES}"));
    }
    let id = change.key.deduplication_id(change.event_id.as_deref(), change.version);
    let deduplication_id = match &how.fresh {
        // The line too: with --force each line is a message, even one that stands there twice.
        Some(fresh) => sqs_id(&format!("{id}#{fresh}#{line}")),
        None => id,
    };
    let (record, group) = (change.key.pk(), change.key.message_group(how.buckets));
    Line::Event(Event { line, body, record, group, deduplication_id, bytes })
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
        let how = Addressing { buckets: 8, fresh: Some("n".to_owned()), lane: Some("bulk".to_owned()) };
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
    fn given_characters_that_sqs_refuses_when_read_then_they_are_escaped() {
        let text = EVENT.replace("{}", "{\"a\":\"\u{ffff}\"}");
        let Line::Event(event) = read(1, text.as_bytes(), &Addressing::default()) else { panic!("an event") };
        assert_eq!(parse(&event.body), parse(&text));
        assert!(event.body.contains("\\uffff"));
    }
}
