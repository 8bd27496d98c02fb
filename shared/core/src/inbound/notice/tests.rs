#![allow(clippy::unwrap_used)]

use super::*;
use crate::key::MAX_SQS_ID_CHARS;
use proptest::prelude::*;

fn notice() -> Notice {
    Notice {
        connection: ConnectionKey::new("acme", "hubspot"),
        object: "contacts".to_owned(),
        external_id: "501".to_owned(),
        operation: Operation::Merged { into: "502".to_owned() },
        at: Some(Instant(1_795_000_000_123)),
        seen: Seen::Webhook,
        received_at: Instant(1_795_000_001_000),
        origin: Some("CRM_UI:userId:7".to_owned()),
        record: None,
    }
}

#[test]
fn given_a_notice_when_written_then_it_is_this_message() {
    let notice = notice();
    insta::assert_snapshot!(
        notice.to_body(),
        @r#"{"at":"2026-11-18T11:06:40.123Z","connection":"hubspot","external_id":"501","into":"502","object":"contacts","operation":"merged","org_id":"acme","origin":"CRM_UI:userId:7","received_at":"2026-11-18T11:06:41.000Z","schema":1,"seen":"webhook"}"#
    );
    assert_eq!(notice.message_group(), "acme#hubspot#501");
    assert_eq!(notice.deduplication_id(Some("e-1")), "acme#hubspot#501#e-1");
}

#[test]
fn given_what_is_unknown_in_a_notice_when_read_then_it_is_left_alone() {
    let mut body = notice().to_body();
    body["later"] = json!({"a": [1]});
    assert_eq!(Notice::parse(&body.to_string()), Ok(notice()));
}

#[test]
fn given_notices_that_are_none_when_read_then_field_and_reason_are_told() {
    let with = |field: &str, value: Value| {
        let mut body = notice().to_body();
        body[field] = value;
        body.to_string()
    };
    let without = |field: &str| {
        let mut body = notice().to_body();
        body.as_object_mut().unwrap().remove(field);
        body.to_string()
    };
    let bodies = [
        "{\"schema\": 1,".to_owned(),
        "[]".to_owned(),
        without("schema"),
        with("schema", json!(2)),
        without("org_id"),
        with("external_id", json!(501)),
        with("external_id", json!("5\n01")),
        with("object", json!("")),
        with("operation", json!("created")),
        without("into"),
        with("seen", json!("heard")),
        with("at", json!(1_795_000_000_123_i64)),
        with("at", json!("yesterday")),
        with("received_at", Value::Null),
        with("record", json!("501")),
    ];
    let told = bodies.map(|body| {
        let Malformed { code, message, .. } = Notice::parse(&body).unwrap_err();
        format!("{} {message}", code.as_str())
    });
    insta::assert_snapshot!(told.join("\n"), @r"
    RTR1001 the notice is not JSON: it ends too early at line 1 column 13
    RTR1003 the notice is an array, a JSON object is expected
    RTR1002 `schema` is missing
    RTR1003 `schema` is not 1, the only one that this version reads
    RTR1002 `org_id` is missing
    RTR1003 `external_id` is a number, a string is expected
    RTR1004 `external_id` holds a control character at position 2
    RTR1004 `object` has 0 characters, 1 to 512 are allowed
    RTR1003 `operation` is none of upsert, deleted, merged
    RTR1002 `into` is missing
    RTR1003 `seen` is none of webhook, poll, reconcile, ourselves, person
    RTR1003 `at` is a number, a string is expected
    RTR1003 `at` is not an RFC 3339 time
    RTR1002 `received_at` is missing
    RTR1003 `record` is a string, an object is expected
    ");
}

#[test]
fn given_the_same_told_again_when_deduplicated_then_it_is_one_and_another_change_is_another() {
    let first = notice();
    let later = Notice { received_at: Instant(1_795_000_009_000), ..notice() };
    assert_eq!(first.deduplication_id(None), later.deduplication_id(None));
    let others = [
        Notice { at: Some(Instant(1_795_000_000_124)), ..notice() },
        Notice { operation: Operation::Deleted, ..notice() },
        Notice { object: "companies".to_owned(), ..notice() },
        Notice { connection: ConnectionKey::new("acme", "hubspot-eu"), ..notice() },
        Notice { seen: Seen::Poll, ..notice() },
        Notice { record: Some(json!({})), ..notice() },
    ];
    for other in others {
        assert_ne!(first.deduplication_id(None), other.deduplication_id(None), "{other:?}");
    }
}

proptest! {
    #[test]
    fn given_any_notice_when_written_and_read_then_it_is_the_same_and_sqs_takes_its_group_and_id(
        ids in prop::array::uniform4("\\PC{1,200}"), at in prop::option::of(0_i64..4_102_444_800_000),
        event in "\\PC{0,200}", which in 0..3,
    ) {
        let [org, connection, object, external_id] = ids;
        let operation = match which {
            0 => Operation::Upsert,
            1 => Operation::Deleted,
            _ => Operation::Merged { into: org.clone() },
        };
        let notice = Notice {
            connection: ConnectionKey::new(org, connection), object, external_id, operation,
            at: at.map(Instant), record: Some(json!({"id": event})), ..notice()
        };
        prop_assert_eq!(Notice::parse(&notice.to_body().to_string()), Ok(notice.clone()));
        for id in [notice.message_group(), notice.deduplication_id(Some(&event)), notice.deduplication_id(None)] {
            prop_assert!(id.len() <= MAX_SQS_ID_CHARS && id.bytes().all(|b| b.is_ascii_graphic()), "{}", id);
        }
    }

    #[test]
    fn given_records_of_two_connections_when_grouped_then_none_shares_a_group(
        a in prop::array::uniform3("[a#%]{1,3}"), b in prop::array::uniform3("[a#%]{1,3}"),
    ) {
        let group = |[org, connection, id]: &[String; 3]| Notice {
            connection: ConnectionKey::new(org, connection), external_id: id.clone(), ..notice()
        }.message_group();
        prop_assert_eq!(a == b, group(&a) == group(&b));
    }

    #[test]
    fn given_any_text_when_read_as_a_notice_then_nothing_panics(text in ".{0,300}") {
        let _ = Notice::parse(&text);
    }
}
