//! Records of a Kafka topic, as Lambda's event source mapping hands them over: by partition, in the order of their offsets.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/kafka-retry-configurations.html> says how single records are given back.

use super::{Entry, Refusal, read_event};
use crate::code::Code;
use crate::trace::Trace;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// One record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Topic and partition, as the event names them.
    pub partition: String,
    /// Its place in the partition; none when the record tells none.
    pub offset: Option<i64>,
    /// Its value as it came.
    pub raw: Vec<u8>,
    /// What is in it.
    pub content: Content,
}

/// What is in a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// An event.
    Event(Entry),
    /// Nothing: a tombstone, which Kafka's compaction needs and which names no version. The delete came before it.
    Tombstone,
    /// Something that is no event.
    Bad(Refusal),
}

impl Record {
    /// The record's name in words for people, and what its dead letter is known by.
    #[must_use]
    pub fn place(&self) -> String {
        let offset = self.offset.map_or_else(|| "unknown".to_owned(), |offset| offset.to_string());
        format!("{} offset {offset}", self.partition)
    }
}

/// The records of `event`, partition by partition.
///
/// # Errors
/// When it has no records by partition: then it is no event of Kafka's.
pub fn read(event: &Value, group_buckets: u64) -> Result<Vec<Record>, String> {
    let partitions = event.get("records").and_then(Value::as_object);
    let partitions = partitions.ok_or("the event has no `records` by partition")?;
    let mut records = Vec::new();
    for (partition, list) in partitions {
        let list = list.as_array().ok_or("the records of a partition are no list")?;
        records.extend(list.iter().map(|record| read_record(partition, record, group_buckets)));
    }
    Ok(records)
}

fn read_record(partition: &str, record: &Value, group_buckets: u64) -> Record {
    let offset = record.get("offset").and_then(Value::as_i64);
    let of = |raw: Vec<u8>, content| Record { partition: partition.to_owned(), offset, raw, content };
    let bad = |message: &str| Content::Bad(Refusal::lasting(400, Code::MalformedJson, message));
    let text = match record.get("value") {
        None | Some(Value::Null) => return of(Vec::new(), Content::Tombstone),
        Some(Value::String(text)) => text,
        Some(_) => {
            return of(record.to_string().into_bytes(), bad("the record's value is no text in base64"));
        }
    };
    let Ok(raw) = STANDARD.decode(text) else {
        return of(text.clone().into_bytes(), bad("the record's value is no text in base64"));
    };
    let read = match std::str::from_utf8(&raw) {
        Ok(text) => read_event(text, group_buckets).map(|entry| {
            let trace = entry.trace.clone().or_else(|| trace_of(record));
            Entry { trace, ..entry }
        }),
        Err(_) => return of(raw, bad("the record's value is no text in UTF-8")),
    };
    of(raw, read.map_or_else(Content::Bad, Content::Event))
}

/// The trace that a record's headers name: Lambda hands on each as a list of bytes.
fn trace_of(record: &Value) -> Option<Trace> {
    let headers = record.get("headers")?.as_array()?;
    let bytes = headers.iter().find_map(|header| header.get("traceparent"))?.as_array()?;
    let bytes: Option<Vec<u8>> = bytes.iter().map(|byte| u8::try_from(byte.as_i64()?).ok()).collect();
    Trace::from_traceparent(&String::from_utf8(bytes?).ok()?)
}

/// Lambda's answer, by which exactly `failed` come again. It resumes a partition from the first of them; all are named, so
/// that nothing rests on that.
#[must_use]
pub fn response<'a>(failed: impl Iterator<Item = &'a Record>) -> Value {
    let identifier =
        |record: &Record| json!({"itemIdentifier": {"partition": record.partition, "offset": record.offset}});
    json!({"batchItemFailures": failed.map(identifier).collect::<Vec<_>>()})
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use proptest::prelude::*;

    fn record(offset: i64, value: &[u8]) -> Value {
        json!({"topic": "changes", "partition": 0, "offset": offset, "timestamp": 0, "key": null,
            "value": STANDARD.encode(value), "headers": [{"ce_type": [120]}]})
    }

    #[test]
    fn given_records_of_all_kinds_when_read_then_each_is_told_at_its_place() {
        let good = br#"{"org_id":"acme","record_type":"contact","record_id":"c-1","version":1,"data":{}}"#;
        let mut tombstone = record(3, b"");
        tombstone["value"] = Value::Null;
        let mut odd = record(4, b"");
        odd["value"] = json!("***");
        let event = json!({"eventSource": "aws:kafka", "records": {
            "changes-0": [record(1, good), record(2, b"{"), tombstone, odd, record(5, &[0xff])],
            "changes-1": [json!({"value": 7})],
        }});
        let records = read(&event, 0).unwrap();
        let told: Vec<String> = records
            .iter()
            .map(|record| match &record.content {
                Content::Event(entry) => format!("{}: {}", record.place(), entry.group),
                Content::Tombstone => format!("{}: tombstone", record.place()),
                Content::Bad(why) => format!("{}: {why}", record.place()),
            })
            .collect();
        insta::assert_snapshot!(told.join("\n"), @r"
        changes-0 offset 1: acme#contact#c-1
        changes-0 offset 2: the body is not JSON: it ends too early at line 1 column 1
        changes-0 offset 3: tombstone
        changes-0 offset 4: the record's value is no text in base64
        changes-0 offset 5: the record's value is no text in UTF-8
        changes-1 offset unknown: the record's value is no text in base64
        ");
        assert_eq!(records[1].raw, b"{");
        let answer = response(records[1..3].iter());
        let expected = json!({"batchItemFailures": [
            {"itemIdentifier": {"partition": "changes-0", "offset": 2}},
            {"itemIdentifier": {"partition": "changes-0", "offset": 3}},
        ]});
        assert_eq!(answer, expected);
    }

    #[test]
    fn given_what_is_no_event_of_kafkas_when_read_then_it_is_refused_as_a_whole() {
        for event in [json!({}), json!({"records": []}), json!({"records": {"a-0": 7}})] {
            assert!(read(&event, 0).is_err(), "{event}");
        }
    }

    proptest! {
        #[test]
        fn given_any_values_when_read_then_every_record_is_there_once_and_in_order(
            values in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..12),
        ) {
            let list: Vec<Value> = (0_i64..).zip(&values).map(|(offset, value)| record(offset, value)).collect();
            let records = read(&json!({"records": {"t-0": list}}), 0).unwrap();
            let offsets: Vec<Option<i64>> = records.iter().map(|record| record.offset).collect();
            prop_assert_eq!(offsets, (0_i64..).map(Some).take(values.len()).collect::<Vec<_>>());
            prop_assert!(records.iter().zip(&values).all(|(record, value)| &record.raw == value));
        }
    }
}
