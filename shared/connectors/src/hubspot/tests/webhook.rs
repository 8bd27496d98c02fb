//! HubSpot's published vectors, and its events.
#![allow(clippy::unwrap_used)]

use crate::hubspot::webhook::{HubSpotWebhook, sign};
use crate::webhook::{Delivery, Event, Heard, Keys, Refusal, Webhook as _};
use rtr_core::time::Instant;
use secrecy::SecretString;
use serde_json::{Value, json};

/// Of HubSpot's own client library for Python.
const SECRET: &str = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy";
const URL: &str = "https://www.example.com/webhook_uri";
const BODY: &[u8] = b"{'example_field':'example_value'}";
const AT: i64 = 1_693_657_560_000;
const SIGNED: &str = "K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y=";

const EVENTS: &str = include_str!("../fixtures/webhook-events.json");

fn headers(signature: &str, timestamp: &str) -> Vec<(String, String)> {
    vec![
        ("X-HubSpot-Signature-v3".to_owned(), signature.to_owned()),
        ("X-HubSpot-Request-Timestamp".to_owned(), timestamp.to_owned()),
    ]
}

fn delivery<'a>(headers: &'a [(String, String)], body: &'a [u8]) -> Delivery<'a> {
    Delivery { method: "POST", address: URL, word: None, query: "", headers, body, now: Instant(AT) }
}

fn verify(delivery: &Delivery<'_>) -> Result<(), Refusal> {
    // The new secret of the connection, and the app's, which still signs.
    let (webhook, client) = ([SecretString::from("new")], [SecretString::from(SECRET)]);
    HubSpotWebhook.verify(delivery, Keys { webhook: &webhook, client: &client })
}

#[test]
fn given_the_published_vector_when_signed_and_verified_then_it_is_that() {
    assert_eq!(sign(&SECRET.into(), "POST", URL, BODY, AT), SIGNED);
    let headers = headers(SIGNED, "1693657560000");
    assert_eq!(verify(&delivery(&headers, BODY)), Ok(()));
    for ms in [-300_000, 300_000] {
        assert_eq!(verify(&Delivery { now: Instant(AT + ms), ..delivery(&headers, BODY) }), Ok(()));
    }
    for ms in [-300_001, 300_001] {
        let later = Delivery { now: Instant(AT + ms), ..delivery(&headers, BODY) };
        assert_eq!(verify(&later), Err(Refusal::Stale));
    }
}

#[test]
fn given_anything_else_than_what_was_signed_when_verified_then_it_is_refused() {
    let given = headers(SIGNED, "1693657560000");
    let signed = delivery(&given, BODY);
    let others = [
        Delivery { method: "PUT", ..signed },
        Delivery { address: "https://www.example.com/webhook_urk", ..signed },
        Delivery { query: "a=1", ..signed },
        Delivery { word: Some("more"), ..signed },
        Delivery { body: b"{'example_field':'example_valuf'}", ..signed },
    ];
    for other in others {
        assert_eq!(verify(&other), Err(Refusal::Forged));
    }
    for (signature, timestamp) in [
        (SIGNED, "1693657560001"),
        (SIGNED, "+1693657560000"),
        ("AAAA", "1693657560000"),
        ("?", "1693657560000"),
    ] {
        assert_eq!(
            verify(&delivery(&headers(signature, timestamp), BODY)),
            Err(Refusal::Forged),
            "{signature} {timestamp}"
        );
    }
    assert_eq!(verify(&delivery(&given[..1], BODY)), Err(Refusal::Unsigned));
    assert_eq!(verify(&delivery(&given[1..], BODY)), Err(Refusal::Unsigned));
    assert_eq!(HubSpotWebhook.verify(&signed, Keys::default()), Err(Refusal::NoKey));
}

#[test]
fn given_an_address_with_what_hubspot_decodes_when_signed_then_it_is_the_same_as_decoded_and_nothing_else_is()
{
    let signed = |url: &str| sign(&SECRET.into(), "POST", url, BODY, AT);
    let encoded = "https://x.example/a%3Ab%2fc?q=%40%21%24%27%28%29%2A%2C%3B%3F";
    assert_eq!(signed(encoded), signed("https://x.example/a:b/c?q=@!$'()*,;?"));
    for (kept, decoded) in [("%20", " "), ("%26", "&"), ("%25", "%"), ("%C3%BC", "ü")] {
        let url = |part: &str| format!("https://x.example/{part}");
        assert_ne!(signed(&url(kept)), signed(&url(decoded)), "{kept}");
    }
    // What is cut off or no code at all stays as it is.
    assert_ne!(signed("https://x.example/%"), signed("https://x.example/%2"));
    assert_ne!(signed("https://x.example/%ü"), signed("https://x.example/%"));
}

fn read(body: &str) -> Heard {
    HubSpotWebhook.read(&delivery(&[], body.as_bytes())).unwrap()
}

#[test]
fn given_events_of_old_and_new_apps_when_read_then_each_is_what_became_of_a_record() {
    let heard = read(EVENTS);
    let line = |event: &Event| {
        let into = event.operation.into_id().unwrap_or_default();
        let (at, origin) = (event.at.unwrap().0, event.origin.clone().unwrap_or_default());
        format!("{at} {} {} {} {into} {origin}", event.object, event.external_id, event.operation.as_str())
            .trim_end()
            .to_owned()
    };
    insta::assert_snapshot!(heard.events.iter().map(line).collect::<Vec<_>>().join("\n"), @r"
    1788597072520 contacts 546500061938 upsert  CRM_UI:userId:98499705
    1788597072521 contacts 501 upsert  INTEGRATION
    1788597072522 companies 502 deleted
    1788597072523 contacts 503 deleted
    1788597072524 contacts 505 merged 507
    1788597072524 contacts 506 merged 507
    1788597072524 contacts 504 merged 507
    1788597072524 contacts 507 upsert
    1788597072525 deals 508 upsert
    1788597072526 contacts 509 upsert
    1788597072527 2-3444025 510 upsert
    ");
    assert_eq!((heard.ignored, heard.unreadable), (1, 1));
    assert!(heard.events.iter().all(|event| event.account.as_deref() == Some("247279312")));
}

#[test]
fn given_an_event_that_is_tried_again_when_read_then_it_is_the_same_and_another_one_is_not() {
    let events: Vec<Value> = serde_json::from_str(EVENTS).unwrap();
    let identity = |event: &Value| read(&json!([event]).to_string()).events[0].identity.clone();
    let mut again = events[0].clone();
    again["attemptNumber"] = json!(3);
    assert_eq!(identity(&events[0]), identity(&again));
    // The same id, and yet another change: HubSpot says that ids repeat.
    again["propertyName"] = json!("firstname");
    assert_ne!(identity(&events[0]), identity(&again));
}

#[test]
fn given_what_is_no_list_of_events_when_read_then_the_reason_is_told_and_no_value() {
    let told = ["", "[", "{\"objectId\": 1}", "\"x\"", "\u{fffd}"]
        .map(|body| HubSpotWebhook.read(&delivery(&[], body.as_bytes())).unwrap_err().to_string());
    insta::assert_snapshot!(told.join("\n"), @r"
    the body is not JSON: line 1, column 0
    the body is not JSON: line 1, column 1
    the body is no list of events
    the body is no list of events
    the body is not JSON: line 1, column 1
    ");
    let odd = r#"[7, null, {}, {"subscriptionType": 7}, {"subscriptionType": "contact"}, {"subscriptionType": "contact.merge"},
        {"subscriptionType": "contact.merge", "primaryObjectId": 1, "mergedObjectIds": [1.5]},
        {"subscriptionType": "contact.creation", "objectId": {}}]"#;
    let beyond = json!([{"subscriptionType": "contact.creation", "objectId": 1, "occurredAt": i64::MAX}]);
    assert_eq!(read(&beyond.to_string()).events[0].at, None);
    let heard = read(odd);
    assert_eq!((heard.events.len(), heard.unreadable), (0, 8));
}
