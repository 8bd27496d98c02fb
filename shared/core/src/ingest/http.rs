//! A request's body as items: one event, an array, JSON lines, CloudEvents.

use super::split::{array, lines};
use super::{Entry, Refusal, read_event};
use crate::code::Code;
use serde_json::Value;

/// The most events of a request: the answer names each, and Lambda answers with 6 MB at most.
pub const MAX_EVENTS: usize = 10_000;

/// What is looked at of a request to know what its body is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Kind<'a> {
    /// `Content-Type`
    pub content_type: Option<&'a str>,
    /// `ce-specversion`, by which a CloudEvent in binary mode is known: its data is the body.
    pub ce_specversion: Option<&'a str>,
}

/// Reads a body: its items in their order, each an entry or why it is none.
///
/// # Errors
/// When the body cannot be read at all; then nothing of it is taken.
pub fn read(kind: Kind<'_>, body: &[u8], group_buckets: u64) -> Result<Vec<Result<Entry, Refusal>>, Refusal> {
    let format = format(kind)?;
    if body.trim_ascii().is_empty() {
        return Err(Refusal::lasting(
            400,
            Code::MalformedJson,
            "the body is empty: a change event is expected",
        ));
    }
    if format == Format::Lines {
        let items: Vec<_> = lines(body).collect();
        few_enough(items.len())?;
        let read = |(number, line): (usize, &[u8])| {
            let text = std::str::from_utf8(line).map_err(|_| no_text());
            text.and_then(|text| read_event(text, group_buckets))
                .map_err(|why| why.at(&format!("line {number}")))
        };
        return Ok(items.into_iter().map(read).collect());
    }
    let text = std::str::from_utf8(body).map_err(|_| no_text())?;
    let one = |text: &str| match format {
        Format::CloudEvent | Format::CloudEvents => {
            cloud_event(text).and_then(|()| read_event(text, group_buckets))
        }
        _ => read_event(text, group_buckets),
    };
    let is_array = text.trim_start().starts_with('[');
    match format {
        Format::Json if is_array => {}
        Format::CloudEvents => {}
        _ => return Ok(vec![one(text)]),
    }
    let items = array(text).map_err(|broken| {
        let message = format!("the body is no JSON array: {broken}; nothing of it was taken");
        Refusal::lasting(400, Code::MalformedJson, message)
    })?;
    few_enough(items.len())?;
    Ok(items.into_iter().map(one).collect())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    /// One event, or an array of them.
    Json,
    /// One event, whatever its text: the data of a CloudEvent in binary mode.
    One,
    /// An event on each line.
    Lines,
    /// One CloudEvent.
    CloudEvent,
    /// An array of CloudEvents.
    CloudEvents,
}

fn format(kind: Kind<'_>) -> Result<Format, Refusal> {
    let mut parts = kind.content_type.unwrap_or("application/json").split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
    for part in parts {
        let Some((name, charset)) = part.split_once('=') else { continue };
        let charset = charset.trim().trim_matches('"');
        let is_utf8 = charset.eq_ignore_ascii_case("utf-8") || charset.eq_ignore_ascii_case("us-ascii");
        if name.trim().eq_ignore_ascii_case("charset") && !is_utf8 {
            return Err(Refusal::lasting(415, Code::WrongType, "the body must be UTF-8"));
        }
    }
    let binary = kind.ce_specversion.is_some();
    match essence.as_str() {
        "application/json" | "text/json" if binary => Ok(Format::One),
        "application/json" | "text/json" => Ok(Format::Json),
        "application/x-ndjson"
        | "application/ndjson"
        | "application/jsonl"
        | "application/x-jsonl"
        | "application/jsonlines"
        | "application/x-jsonlines"
        | "application/json-lines" => Ok(Format::Lines),
        "application/cloudevents+json" => Ok(Format::CloudEvent),
        "application/cloudevents-batch+json" => Ok(Format::CloudEvents),
        _ => Err(Refusal::lasting(
            415,
            Code::WrongType,
            "the content type is none of application/json, application/x-ndjson, application/cloudevents+json, \
             application/cloudevents-batch+json",
        )),
    }
}

/// Whoever says that he sends CloudEvents is told when he does not.
fn cloud_event(text: &str) -> Result<(), Refusal> {
    // What is no JSON is told of by the event's own reader, which knows the place.
    let Ok(value) = serde_json::from_str::<Value>(text) else { return Ok(()) };
    match value.get("specversion").map(Value::as_str) {
        Some(Some("1.0")) => Ok(()),
        None => {
            let message = "`specversion` is missing: the content type says that this is a CloudEvent";
            Err(Refusal { field: Some("specversion"), ..Refusal::lasting(400, Code::MissingField, message) })
        }
        Some(_) => {
            let message = "`specversion` is another one than 1.0";
            Err(Refusal { field: Some("specversion"), ..Refusal::lasting(400, Code::WrongType, message) })
        }
    }
}

fn no_text() -> Refusal {
    Refusal::lasting(400, Code::MalformedJson, "it is no text in UTF-8")
}

fn few_enough(count: usize) -> Result<(), Refusal> {
    if count <= MAX_EVENTS {
        return Ok(());
    }
    let message =
        format!("the request has {count} events, and {MAX_EVENTS} are taken at a time: send it in parts");
    Err(Refusal::lasting(413, Code::EventTooLarge, message))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use proptest::prelude::*;

    const ONE: &str = r#"{"org_id":"acme","record_type":"contact","record_id":"c-1","version":1,"data":{}}"#;

    fn told(content_type: &str, body: &str) -> String {
        let kind = Kind { content_type: Some(content_type), ce_specversion: None };
        let item = |item: Result<Entry, Refusal>| match item {
            Ok(entry) => format!("{} v{}", entry.group, entry.version),
            Err(why) => format!("{} {} {why}", why.status, why.code),
        };
        match read(kind, body.as_bytes(), 0) {
            Ok(items) => items.into_iter().map(item).collect::<Vec<_>>().join(" | "),
            Err(why) => format!("nothing: {} {} {why}", why.status, why.code),
        }
    }

    #[test]
    fn given_bodies_of_each_kind_when_read_then_their_items_are_told_in_order() {
        let cloud = format!(r#"{{"specversion":"1.0","id":"1","source":"/a","type":"t","data":{ONE}}}"#);
        let cases = [
            ("application/json", ONE.to_owned()),
            ("application/json; charset=UTF-8", format!(" [{ONE}, 7,\n{ONE}]")),
            ("application/json", "[]".to_owned()),
            ("application/json", format!("{ONE}\n{ONE}")),
            ("application/json", format!("[{ONE}, {{]")),
            ("application/json", " \n".to_owned()),
            ("application/x-ndjson", format!("{ONE}\r\n\n{{\n{ONE}\n")),
            ("application/cloudevents+json", cloud.clone()),
            ("application/cloudevents+json", ONE.to_owned()),
            ("application/cloudevents-batch+json", format!("[{cloud},{}]", cloud.replace("1.0", "0.3"))),
            ("application/cloudevents-batch+json", cloud),
            ("application/json; charset=latin1", ONE.to_owned()),
            ("application/x-www-form-urlencoded", ONE.to_owned()),
        ];
        let told: Vec<String> = cases.iter().map(|(kind, body)| told(kind, body)).collect();
        insta::assert_snapshot!(told.join("\n"), @r"
        acme#contact#c-1 v1
        acme#contact#c-1 v1 | 400 RTR1003 the body is a number, a JSON object is expected | acme#contact#c-1 v1

        400 RTR1001 the body is not JSON: unexpected character at line 2 column 1
        nothing: 400 RTR1001 the body is no JSON array: unexpected character at line 1 column 86; nothing of it was taken
        nothing: 400 RTR1001 the body is empty: a change event is expected
        acme#contact#c-1 v1 | 400 RTR1001 line 3: the body is not JSON: it ends too early at line 1 column 1 | acme#contact#c-1 v1
        acme#contact#c-1 v1
        400 RTR1002 `specversion` is missing: the content type says that this is a CloudEvent
        acme#contact#c-1 v1 | 400 RTR1003 `specversion` is another one than 1.0
        nothing: 400 RTR1001 the body is no JSON array: unexpected character at line 1 column 1; nothing of it was taken
        nothing: 415 RTR1003 the body must be UTF-8
        nothing: 415 RTR1003 the content type is none of application/json, application/x-ndjson, application/cloudevents+json, application/cloudevents-batch+json
        ");
    }

    #[test]
    fn given_a_cloud_event_in_binary_mode_when_read_then_the_body_is_its_event() {
        let kind = Kind { content_type: Some("application/json"), ce_specversion: Some("1.0") };
        assert_eq!(read(kind, ONE.as_bytes(), 0).unwrap()[0].as_ref().unwrap().group, "acme#contact#c-1");
        let several = read(kind, format!("[{ONE}]").as_bytes(), 0).unwrap();
        assert_eq!(several[0].as_ref().unwrap_err().code, Code::WrongType);
    }

    #[test]
    fn given_more_events_than_an_answer_can_name_when_read_then_none_is_taken() {
        let kind = Kind { content_type: Some("application/x-ndjson"), ce_specversion: None };
        assert_eq!(read(kind, "1\n".repeat(MAX_EVENTS).as_bytes(), 0).unwrap().len(), MAX_EVENTS);
        assert_eq!(read(kind, "1\n".repeat(MAX_EVENTS + 1).as_bytes(), 0).unwrap_err().status, 413);
        let array = format!("[{}1]", "1,".repeat(MAX_EVENTS));
        assert_eq!(read(Kind::default(), array.as_bytes(), 0).unwrap_err().status, 413);
    }

    proptest! {
        #[test]
        fn given_any_bytes_when_read_then_it_never_panics(
            body in proptest::collection::vec(any::<u8>(), 0..200), kind in "\\PC{0,20}",
        ) {
            for content_type in [None, Some("application/x-ndjson"), Some("application/cloudevents-batch+json"), Some(&*kind)] {
                for ce_specversion in [None, Some("1.0")] {
                    let _ = read(Kind { content_type, ce_specversion }, &body, 0);
                }
            }
        }

        #[test]
        fn given_events_and_others_when_read_as_an_array_and_as_lines_then_each_is_one_item_of_both(
            items in proptest::collection::vec(prop_oneof![Just(ONE.to_owned()), Just("{}".to_owned()), Just("7".to_owned())], 1..20),
        ) {
            let lines = Kind { content_type: Some("application/x-ndjson"), ce_specversion: None };
            let array = read(Kind::default(), format!("[{}]", items.join(",")).as_bytes(), 0).unwrap();
            let lines = read(lines, items.join("\n").as_bytes(), 0).unwrap();
            prop_assert_eq!(array.len(), items.len());
            prop_assert_eq!(lines.len(), items.len());
            for ((text, one), other) in items.iter().zip(array).zip(lines) {
                prop_assert_eq!(one.is_ok(), text == ONE);
                prop_assert_eq!(one.ok(), other.ok());
            }
        }
    }
}
