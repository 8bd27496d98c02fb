use super::*;
use serde_json::json;

fn message(bytes: usize) -> Outbound {
    let text = |text: &str| text.to_owned();
    Outbound {
        trace: None,
        body: "x".repeat(bytes),
        group: text("g"),
        deduplication_id: text("d"),
        lane: None,
    }
}

#[test]
fn given_messages_when_batched_then_neither_ten_nor_a_mebibyte_is_exceeded() {
    let sizes = |sizes: &[usize]| batches(&sizes.iter().map(|size| message(*size)).collect::<Vec<_>>());
    assert!(sizes(&[]).is_empty());
    assert_eq!(sizes(&[1; 23]), [0..10, 10..20, 20..23]);
    assert_eq!(sizes(&[MAX_BYTES, 1, MAX_BYTES - 1, 1]), [0..1, 1..3, 3..4]);
    assert_eq!(sizes(&[1, MAX_BYTES + 1, 1]), [0..1, 1..2, 2..3]);
    let laned = Outbound { lane: Some("bulk".to_owned()), ..message(MAX_BYTES - 1) };
    assert_eq!(batches(&[message(1), laned]), [0..1, 1..2]);
}

#[test]
fn given_answers_out_of_order_when_mapped_then_each_is_at_its_place_and_silence_is_failure() {
    let failed = BatchResultErrorEntry::builder().id("0").code("ReceiptHandleIsInvalid").sender_fault(true);
    let all = answers(3, ["2", "9", "x"].into_iter(), &[failed.build().unwrap()]);
    let why = |at: usize| all[at].as_ref().map_err(|error| error.0.clone());
    assert_eq!(why(0), Err("ReceiptHandleIsInvalid".to_owned()));
    assert_eq!(why(1), Err("SQS did not answer for this entry".to_owned()));
    assert_eq!(why(2), Ok(&()));
}

#[test]
fn given_an_event_when_read_then_every_attribute_is_taken_or_has_a_safe_default() {
    let event = serde_json::from_value(json!({"Records": [
        {
            "messageId": "m-1", "receiptHandle": "r-1", "body": "{}", "eventSource": "aws:sqs",
            "attributes": {
                "ApproximateReceiveCount": "3", "ApproximateFirstReceiveTimestamp": "1795000000123",
                "MessageGroupId": "acme#contact#c-1", "SequenceNumber": "1"
            },
            "messageAttributes": {"lane": {"stringValue": "bulk", "dataType": "String"}}
        },
        {"messageId": "m-2", "body": "é"},
    ]}));
    let batch = from_sqs(event.unwrap());
    let text = |text: &str| text.to_owned();
    assert_eq!(batch[0].lane, Some(text("bulk")));
    assert_eq!((batch[0].receive_count, batch[0].first_received_at), (3, Instant(1_795_000_000_123)));
    assert_eq!((batch[0].group.as_str(), batch[0].receipt.as_str()), ("acme#contact#c-1", "r-1"));
    let bare = Received {
        sent_at: Instant(0),
        trace: None,
        message_id: text("m-2"),
        receipt: String::new(),
        body: text("é"),
        group: String::new(),
        first_received_at: Instant(0),
        receive_count: 1,
        lane: None,
    };
    assert_eq!(batch[1], bare);
}

#[test]
fn given_failed_messages_when_answered_then_lambda_reads_exactly_those() {
    let answer = serde_json::to_value(response(vec!["m-2".to_owned()])).unwrap();
    assert_eq!(answer, json!({"batchItemFailures": [{"itemIdentifier": "m-2"}]}));
    assert_eq!(serde_json::to_value(response(Vec::new())).unwrap(), json!({"batchItemFailures": []}));
}

#[test]
fn given_characters_that_sqs_refuses_when_sent_then_they_are_escaped_and_the_json_is_the_same() {
    let body = json!({"record_id": "c\u{ffff}\u{fffe}é"});
    let sent = sendable(&Outbound { body: body.to_string(), ..message(0) }).body;
    assert!(!sent.contains(['\u{fffe}', '\u{ffff}']), "{sent:?}");
    assert_eq!(serde_json::from_str::<serde_json::Value>(&sent).unwrap(), body);
}
