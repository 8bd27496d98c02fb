//! What the functions read of producers, of queues and of the internal system.

use super::cases::changed;
use fastrand::Rng;
use rtr_core::change::{self, Message};
use rtr_core::inbound::answer::{Answer, of_http};
use rtr_core::inbound::{self, delivery, message};
use rtr_core::ingest::http::Kind;
use rtr_core::ingest::kafka::Content;
use rtr_core::ingest::secret::{IngestSecret, Presented, sign};
use rtr_core::ingest::{self, Entry};
use rtr_core::time::Instant;
use serde_json::Value;

const NOW_MS: i64 = 1_795_000_000_000;
/// How events are handed in over HTTP.
const TYPES: [&str; 4] = [
    "application/json",
    "application/x-ndjson",
    "application/cloudevents+json",
    "application/cloudevents-batch+json",
];

/// A change event on `changes.fifo`.
pub(super) fn change(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(Message::Change(mut event)) = change::parse(text) {
        // What nobody knows is not sent on.
        event.unknown_fields = 0;
        assert_eq!(change::parse(&change::to_body(&event).to_string()), Ok(Message::Change(event)));
    }
}

/// A body of `POST /events`, under each of its types.
pub(super) fn events(bytes: &[u8]) {
    for content_type in TYPES {
        for ce_specversion in [None, Some("1.0")] {
            let kind = Kind { content_type: Some(content_type), ce_specversion };
            let read = ingest::http::read(kind, bytes, 0);
            read.into_iter().flatten().flatten().for_each(|entry| sendable(&entry));
        }
    }
}

/// What Lambda hands over of a topic.
pub(super) fn kafka(bytes: &[u8]) {
    let Ok(event) = serde_json::from_slice::<Value>(bytes) else { return };
    let records = ingest::kafka::read(&event, 0).unwrap_or_default();
    for record in &records {
        if let Content::Event(entry) = &record.content {
            sendable(entry);
        }
        assert!(!record.place().is_empty());
    }
    drop(ingest::kafka::response(records.iter()));
}

/// An event of a bus.
pub(super) fn bridge(bytes: &[u8]) {
    if let Ok(event) = serde_json::from_slice::<Value>(bytes) {
        ingest::bridge::read(&event, 0).event.iter().for_each(sendable);
    }
}

/// Whatever is handed in is what sync takes, as one message.
fn sendable(entry: &Entry) {
    let Ok(Message::Change(read)) = change::parse(&entry.body) else { panic!("{entry:?}") };
    assert_eq!((&read.key, read.version), (&entry.key, entry.version));
    assert!(entry.body.len() <= 1_024 * 1_024 && entry.group.len() <= 128);
    assert!(entry.deduplication_id.len() <= 128);
}

/// A message of `inbound.fifo` or `poll.fifo`.
pub(super) fn inbound(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(read) = inbound::Message::parse(text) {
        let body = read.to_body().to_string();
        assert_eq!(inbound::Message::parse(&body).as_ref(), Ok(&read));
        let (connection, object, id) = read.about();
        assert!(delivery::group(connection, id).len() <= 128);
        let told = Some((connection.clone(), object.to_owned(), id.to_owned()));
        assert!(!matches!(read, inbound::Message::Notice(_)) || message::about(&body) == told, "{body}");
    }
    drop(message::about(text));
}

/// What the internal system answers to a delivery.
pub(super) fn house(bytes: &[u8]) {
    let body: Value = serde_json::from_slice(bytes).unwrap_or_default();
    for status in [200, 409, 410, 422, 429, 503] {
        let answer = of_http(status, Some(i64::MAX), &body, u32::MAX, Instant(NOW_MS));
        if let Answer::Later { until, .. } = &answer {
            assert!((NOW_MS..=NOW_MS + 3_600_000).contains(&until.0), "{answer:?}");
        }
        if let Answer::Done { record_id: Some(id) } = &answer {
            assert!((1..=512).contains(&id.chars().count()) && !id.chars().any(char::is_control), "{id:?}");
        }
    }
}

/// A request that a producer signed, and that is changed on its way.
pub(super) fn forged(rng: &mut Rng, bodies: &[Vec<u8>]) {
    let keys: [&[u8]; 2] = [b"the-new-secret-of-acme", b"the-old-secret-of-acme"];
    let secret = r#"{"type": "hmac", "secrets": ["the-new-secret-of-acme", "the-old-secret-of-acme"]}"#;
    let secret = IngestSecret::parse(secret).unwrap();
    let body = changed(rng, bodies);
    let at = NOW_MS / 1_000 + rng.i64(-299..=299);
    let id = format!("m-{}", rng.u32(..));
    let signature = sign(keys[rng.usize(..2)], &id, at, &body);
    let admits = |id: &str, timestamp: &str, signature: &str, body: &[u8], now_ms: i64| {
        let presented = Presented {
            authorization: None,
            id: Some(id),
            timestamp: Some(timestamp),
            signature: Some(signature),
        };
        secret.admits(&presented, body, Instant(now_ms))
    };
    let at = at.to_string();
    assert!(admits(&id, &at, &signature, &body, NOW_MS), "as it was signed");
    let other = changed(rng, bodies);
    assert_eq!(admits(&id, &at, &signature, &other, NOW_MS), other == body);
    let text = |rng: &mut Rng| String::from_utf8_lossy(&changed(rng, bodies)).into_owned();
    let (guess, moment) = (text(rng), (at.parse::<i64>().unwrap() + rng.i64(1..=600)).to_string());
    assert_eq!(admits(&guess, &at, &signature, &body, NOW_MS), guess == id);
    assert!(!admits(&id, &moment, &signature, &body, NOW_MS));
    assert!(!admits(&id, &at, &guess, &body, NOW_MS));
    let foreign = sign(b"the-secret-of-globex-co", &id, at.parse().unwrap(), &body);
    assert!(!admits(&id, &at, &foreign, &body, NOW_MS));
    assert!(!admits(&id, &at, &signature, &body, NOW_MS + rng.i64(600_000..=86_400_000)), "it is stale");
    let bearer = Presented { authorization: Some(&guess), id: None, timestamp: None, signature: None };
    assert!(!secret.admits(&bearer, &body, Instant(NOW_MS)));
}
