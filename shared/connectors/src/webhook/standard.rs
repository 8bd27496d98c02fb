//! Standard Webhooks: for providers without a scheme of their own, and for whatever people put in between.
//!
//! <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>

use super::signature::{hmac, is_of_any, is_of_now, number};
use super::{Delivery, Event, Heard, Keys, Part, Refusal, Unreadable, Webhook, hint, id, json};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rtr_core::inbound::Operation;
use rtr_core::key::join;
use rtr_core::time::Instant;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

/// The message's id, the same for every time it is sent.
pub const ID: &str = "webhook-id";
/// When it was sent this time, in seconds since the epoch.
pub const TIMESTAMP: &str = "webhook-timestamp";
/// Its signatures, each a version, a comma and base64, with spaces between them.
pub const SIGNATURE: &str = "webhook-signature";
/// What a secret may begin with.
const PREFIX: &str = "whsec_";
/// More signatures than that nobody sends: each is a digest for us.
const MAX_SIGNATURES: usize = 16;

/// The scheme.
#[derive(Debug, Clone, Copy)]
pub struct StandardWebhooks;

/// The value of the header [`SIGNATURE`] for `body`.
#[must_use]
pub fn sign(secret: &SecretString, id: &str, timestamp_s: i64, body: &[u8]) -> String {
    let timestamp = timestamp_s.to_string();
    let tag = hmac(&key(secret), &parts(id, &timestamp, body));
    format!("v1,{}", BASE64.encode(tag))
}

impl Webhook for StandardWebhooks {
    fn verify(&self, delivery: &Delivery<'_>, keys: Keys<'_>) -> Result<(), Refusal> {
        if keys.webhook.is_empty() {
            return Err(Refusal::NoKey);
        }
        let header = |name| delivery.header(name).ok_or(Refusal::Unsigned);
        let (id, timestamp, signatures) = (header(ID)?, header(TIMESTAMP)?, header(SIGNATURE)?);
        // Nothing stands behind the address of one that signs. A full stop in the id would move the border between what is signed.
        if delivery.word.is_some() || id.is_empty() || id.contains('.') {
            return Err(Refusal::Forged);
        }
        let at = number(timestamp).and_then(|seconds| seconds.checked_mul(1_000)).ok_or(Refusal::Forged)?;
        if !is_of_now(Instant(at), delivery.now) {
            return Err(Refusal::Stale);
        }
        let keys: Vec<Vec<u8>> = keys.webhook.iter().map(key).collect();
        let parts = parts(id, timestamp, delivery.body);
        let given = signatures.split(' ').filter_map(|one| BASE64.decode(one.strip_prefix("v1,")?).ok());
        let is_ours = |given: Vec<u8>| is_of_any(keys.iter().map(Vec::as_slice), &parts, &given);
        if given.take(MAX_SIGNATURES).any(is_ours) { Ok(()) } else { Err(Refusal::Forged) }
    }

    fn read(&self, delivery: &Delivery<'_>) -> Result<Heard, Unreadable> {
        let message = delivery.header(ID).unwrap_or_default();
        // The spec's own envelope is `type`, `timestamp` and `data`.
        let data = match json(delivery.body)? {
            Value::Object(mut top) if !top.contains_key("external_id") => match top.remove("data") {
                Some(data) => data,
                None => Value::Object(top),
            },
            other => other,
        };
        let changes = match data {
            Value::Array(changes) => changes,
            change @ Value::Object(_) => vec![change],
            _ => return Err(Unreadable("the body is neither a change nor a list of changes".to_owned())),
        };
        let mut heard = Heard::default();
        changes.iter().for_each(|change| heard.add(read_one(change, message)));
        Ok(heard)
    }
}

/// `{"object", "external_id", "operation": upsert | deleted | merged, "into", "at", "origin", "account"}`, all but the first two
/// as one likes.
fn read_one(change: &Value, message: &str) -> Option<Part> {
    let (object, external_id) = (id(change.get("object"))?, id(change.get("external_id"))?);
    let operation = match change.get("operation").filter(|value| !value.is_null()) {
        None => Operation::Upsert,
        Some(name) => match name.as_str()? {
            "upsert" | "created" | "updated" => Operation::Upsert,
            "deleted" => Operation::Deleted,
            "merged" => Operation::Merged { into: id(change.get("into"))? },
            _ => return None,
        },
    };
    let at = match change.get("at").filter(|value| !value.is_null()) {
        None => None,
        Some(at) => Some(Instant::from_rfc3339(at.as_str()?).ok()?),
    };
    let stamp = at.map(Instant::to_rfc3339).unwrap_or_default();
    let identity = join(&[message, &object, &external_id, operation.as_str(), &stamp]);
    let origin = change.get("origin").and_then(Value::as_str).map(hint);
    let account = id(change.get("account"));
    Some(Part::Of(vec![Event { object, external_id, operation, at, origin, account, identity }]))
}

fn parts<'a>(id: &'a str, timestamp: &'a str, body: &'a [u8]) -> [&'a [u8]; 5] {
    [id.as_bytes(), b".", timestamp.as_bytes(), b".", body]
}

/// The bytes of a secret, which is base64 of them behind [`PREFIX`] or without it; any other text is taken as it is.
fn key(secret: &SecretString) -> Vec<u8> {
    let text = secret.expose_secret();
    let encoded = text.strip_prefix(PREFIX).unwrap_or(text);
    BASE64.decode(encoded).unwrap_or_else(|_| text.as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// As the reference implementations have it.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const MESSAGE: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const AT_S: i64 = 1_614_265_330;
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SIGNED: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn verify(secrets: &[&str], headers: &[(&str, &str)], now: Instant) -> Result<(), Refusal> {
        let headers: Vec<(String, String)> =
            headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let secrets: Vec<SecretString> = secrets.iter().map(|secret| SecretString::from(*secret)).collect();
        let delivery = Delivery {
            method: "POST",
            address: "",
            word: None,
            query: "",
            headers: &headers,
            body: BODY,
            now,
        };
        StandardWebhooks.verify(&delivery, Keys { webhook: &secrets, client: &[] })
    }

    fn now() -> Instant {
        Instant(AT_S * 1_000)
    }

    fn headers<'a>(timestamp: &'a str, signature: &'a str) -> [(&'a str, &'a str); 3] {
        [("Webhook-Id", MESSAGE), (TIMESTAMP, timestamp), (SIGNATURE, signature)]
    }

    #[test]
    fn given_the_published_vector_when_signed_and_verified_then_it_is_that() {
        assert_eq!(sign(&SECRET.into(), MESSAGE, AT_S, BODY), SIGNED);
        let several = format!("v1a,bm9wZQ== v1,bm9wZQ== {SIGNED}");
        for signature in [SIGNED, &several] {
            assert_eq!(verify(&[SECRET], &headers("1614265330", signature), now()), Ok(()));
        }
        // Without the prefix, and beside a newer one.
        let bare = SECRET.trim_start_matches(PREFIX);
        assert_eq!(verify(&["whsec_bmV3", bare], &headers("1614265330", SIGNED), now()), Ok(()));
    }

    #[test]
    fn given_deliveries_that_are_not_to_be_believed_when_verified_then_the_reason_is_told() {
        let given = headers("1614265330", SIGNED);
        assert_eq!(verify(&[], &given, now()), Err(Refusal::NoKey));
        assert_eq!(verify(&[SECRET], &given[..2], now()), Err(Refusal::Unsigned));
        for minutes in [-6, 6] {
            assert_eq!(verify(&[SECRET], &given, now().plus_ms(minutes * 60_000)), Err(Refusal::Stale));
        }
        assert_eq!(verify(&["whsec_bmV3"], &given, now()), Err(Refusal::Forged));
        for (timestamp, signature) in [
            ("+1614265330", SIGNED),
            ("1614265331", SIGNED),
            ("1614265330", &SIGNED[3..]),
            ("1614265330", "v1,"),
        ] {
            assert_eq!(verify(&[SECRET], &headers(timestamp, signature), now()), Err(Refusal::Forged));
        }
    }

    #[test]
    fn given_an_id_with_a_full_stop_when_verified_then_the_border_of_what_is_signed_cannot_be_moved() {
        let (id, at) = ("a.1614265330", "1614265330");
        let signed = sign(&SECRET.into(), id, AT_S, BODY);
        let headers = [(ID, id), (TIMESTAMP, at), (SIGNATURE, signed.as_str())];
        assert_eq!(verify(&[SECRET], &headers, now()), Err(Refusal::Forged));
    }

    #[test]
    fn given_one_change_or_many_in_an_envelope_or_not_when_read_then_each_is_heard_and_a_broken_one_counted()
    {
        let read = |body: &str| {
            let headers = vec![(ID.to_owned(), "m-1".to_owned())];
            let delivery = Delivery {
                method: "POST",
                address: "",
                word: None,
                query: "",
                headers: &headers,
                body: body.as_bytes(),
                now: now(),
            };
            StandardWebhooks.read(&delivery)
        };
        let one = read(
            r#"{"object": "Account", "external_id": 7, "operation": "merged", "into": "8",
            "at": "2026-11-18T11:06:40.123Z", "origin": "ada"}"#,
        );
        insta::assert_debug_snapshot!(one.unwrap().events, @r#"
        [
            Event {
                object: "Account",
                external_id: "7",
                operation: Merged {
                    into: "8",
                },
                at: Some(
                    Instant(
                        1795000000123,
                    ),
                ),
                origin: Some(
                    "ada",
                ),
                account: None,
                identity: "m-1#Account#7#merged#2026-11-18T11:06:40.123Z",
            },
        ]
        "#);
        let many = read(
            r#"{"type": "changed", "timestamp": "t", "data": [{"object": "a", "external_id": "1"},
            {"object": "a"}, {"object": "a", "external_id": "2", "operation": "gone"}, 7]}"#,
        );
        let many = many.unwrap();
        assert_eq!((many.events.len(), many.unreadable, many.parts()), (1, 3, 4));
        for body in ["", "7", "{\"data\": 7}", "\"x\""] {
            assert!(read(body).is_err(), "{body}");
        }
    }
}
