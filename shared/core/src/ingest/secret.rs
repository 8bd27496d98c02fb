//! Who may hand in events of an org without an AWS identity: the holder of its secret.
//!
//! Either a bearer token, or a signature as Standard Webhooks defines it: `webhook-signature` holds
//! `v1,<base64 of HMAC-SHA256 over "<webhook-id>.<webhook-timestamp>.<body>">`, several of them separated by spaces.
//! What is compared takes the same time whatever differs.

use crate::time::Instant;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use serde_json::Value;
use sha2::Sha256;

/// A signature may be this old, or of a clock this far ahead, in seconds.
pub const TOLERANCE_S: i64 = 300;
/// A shorter token or secret could be guessed: it is none.
pub const MIN_BYTES: usize = 16;
/// What a secret in base64 begins with.
const BASE64_PREFIX: &str = "whsec_";
/// What a signature of the one version that there is begins with.
const V1: &str = "v1,";

/// The secret `rtr/<stage>/<org>/ingest`.
#[derive(Debug, Clone)]
pub enum IngestSecret {
    /// Whoever names the token.
    Bearer(SecretString),
    /// Whoever signs with one of these: the new one, and the old one while it is replaced.
    Hmac(Vec<SecretSlice<u8>>),
}

/// What a request brings to be let in.
#[derive(Debug, Clone, Copy, Default)]
pub struct Presented<'a> {
    /// `Authorization`
    pub authorization: Option<&'a str>,
    /// `webhook-id`
    pub id: Option<&'a str>,
    /// `webhook-timestamp`
    pub timestamp: Option<&'a str>,
    /// `webhook-signature`
    pub signature: Option<&'a str>,
}

impl IngestSecret {
    /// Reads a secret's text.
    ///
    /// # Errors
    /// What is wrong with it; never a part of it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let value: Value = serde_json::from_str(text).map_err(|_| "it is no JSON".to_owned())?;
        match value.get("type").and_then(Value::as_str) {
            Some("bearer") => {
                let token =
                    value.get("token").and_then(Value::as_str).ok_or("`token` is missing or no text")?;
                long_enough("`token`", token.len())?;
                Ok(Self::Bearer(token.to_owned().into()))
            }
            Some("hmac") => {
                let secrets = value.get("secrets").and_then(Value::as_array).filter(|list| !list.is_empty());
                let secrets =
                    secrets.ok_or("`secrets` is missing or empty: a list is expected, the new one first")?;
                secrets.iter().map(key).collect::<Result<_, _>>().map(Self::Hmac)
            }
            _ => Err("`type` is none of bearer, hmac".to_owned()),
        }
    }

    /// Whether `presented` with `body` is of a holder of this secret.
    #[must_use]
    pub fn admits(&self, presented: &Presented<'_>, body: &[u8], now: Instant) -> bool {
        match self {
            Self::Bearer(token) => presented.bearer().is_some_and(|given| same(token.expose_secret(), given)),
            Self::Hmac(keys) => presented
                .signed(now)
                .is_some_and(|signed| keys.iter().any(|key| signed.is_by(key.expose_secret(), body))),
        }
    }
}

impl<'a> Presented<'a> {
    /// Whether it could be of any holder: what is not needs no look at a secret.
    #[must_use]
    pub fn is_plausible(&self, now: Instant) -> bool {
        self.bearer().is_some() || self.signed(now).is_some_and(|signed| !signed.signatures().is_empty())
    }

    fn bearer(&self) -> Option<&'a str> {
        let (scheme, token) = self.authorization?.trim().split_once(' ')?;
        let token = token.trim();
        (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
    }

    fn signed(&self, now: Instant) -> Option<Signed<'a>> {
        let (id, timestamp, signature) = (self.id?, self.timestamp?, self.signature?);
        let digits = !timestamp.is_empty() && timestamp.bytes().all(|byte| byte.is_ascii_digit());
        let at: i64 = timestamp.parse().ok().filter(|_| digits)?;
        let age = (now.0 / 1_000).abs_diff(at);
        (!id.is_empty() && age <= TOLERANCE_S.unsigned_abs()).then_some(Signed { id, timestamp, signature })
    }
}

/// Headers of a signature that is fresh.
struct Signed<'a> {
    id: &'a str,
    timestamp: &'a str,
    signature: &'a str,
}

impl Signed<'_> {
    fn signatures(&self) -> Vec<Vec<u8>> {
        let v1 = self.signature.split(' ').filter_map(|one| one.strip_prefix(V1));
        v1.filter_map(|text| STANDARD.decode(text).ok()).collect()
    }

    fn is_by(&self, key: &[u8], body: &[u8]) -> bool {
        let Some(mac) = tag(key, &[self.id.as_bytes(), b".", self.timestamp.as_bytes(), b".", body]) else {
            return false;
        };
        self.signatures().iter().any(|signature| mac.clone().verify_slice(signature).is_ok())
    }
}

/// The value of `webhook-signature` for a request: what a producer computes.
#[must_use]
pub fn sign(key: &[u8], id: &str, timestamp: i64, body: &[u8]) -> String {
    let timestamp = timestamp.to_string();
    let mac = tag(key, &[id.as_bytes(), b".", timestamp.as_bytes(), b".", body]);
    format!("{V1}{}", mac.map(|mac| STANDARD.encode(mac.finalize().into_bytes())).unwrap_or_default())
}

/// Whether two tokens are the same, by their tags: comparing those tells nothing of where tokens differ.
fn same(one: &str, other: &str) -> bool {
    let of = |token: &str| tag(b"rtr-sync ingest token", &[token.as_bytes()]);
    match (of(one), of(other)) {
        (Some(one), Some(other)) => one.verify_slice(&other.finalize().into_bytes()).is_ok(),
        _ => false,
    }
}

fn tag(key: &[u8], parts: &[&[u8]]) -> Option<Hmac<Sha256>> {
    // A key of any length will do, so there always is one.
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    parts.iter().for_each(|part| mac.update(part));
    Some(mac)
}

fn key(secret: &Value) -> Result<SecretSlice<u8>, String> {
    let text = secret.as_str().ok_or("one of `secrets` is no text")?;
    let bytes = match text.strip_prefix(BASE64_PREFIX) {
        Some(encoded) => {
            STANDARD.decode(encoded).map_err(|_| "one of `secrets` is no base64 behind whsec_")?
        }
        None => text.as_bytes().to_vec(),
    };
    long_enough("one of `secrets`", bytes.len())?;
    Ok(bytes.into())
}

fn long_enough(what: &str, bytes: usize) -> Result<(), String> {
    if bytes >= MIN_BYTES { Ok(()) } else { Err(format!("{what} has fewer than {MIN_BYTES} bytes")) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use proptest::prelude::*;

    const NOW: Instant = Instant(1_614_265_330_000);
    const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const BODY: &[u8] = br#"{"test": 2432232314}"#;

    /// The example that the specification of Standard Webhooks publishes.
    fn published() -> Presented<'static> {
        Presented {
            authorization: None,
            id: Some("msg_p5jXN8AQM9LWM0D4loKWxJek"),
            timestamp: Some("1614265330"),
            signature: Some("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
        }
    }

    fn hmac(secrets: &[&str]) -> IngestSecret {
        IngestSecret::parse(&serde_json::json!({"type": "hmac", "secrets": secrets}).to_string()).unwrap()
    }

    #[test]
    fn given_the_published_example_when_verified_then_it_is_let_in_within_five_minutes_of_its_time() {
        let secret = hmac(&[KEY]);
        assert!(secret.admits(&published(), BODY, NOW));
        for (seconds, lets_in) in [(-301, false), (-300, true), (300, true), (301, false)] {
            assert_eq!(secret.admits(&published(), BODY, NOW.plus_ms(seconds * 1_000)), lets_in, "{seconds}");
        }
    }

    #[test]
    fn given_a_new_secret_when_the_old_one_is_kept_then_both_sign_and_a_third_does_not() {
        let (new, third) = ("a-new-secret-of-32-characters-ab", "a-third-secret-of-32-characters-");
        let both = hmac(&[new, KEY]);
        assert!(both.admits(&published(), BODY, NOW));
        let signed = |key: &str| sign(key.as_bytes(), "m-1", 1_614_265_330, BODY);
        let presented = |signature: &str, secret: &IngestSecret| {
            let presented = Presented { id: Some("m-1"), signature: Some(signature), ..published() };
            secret.admits(&presented, BODY, NOW)
        };
        assert!(presented(&signed(new), &both));
        assert!(!presented(&signed(third), &both));
        assert!(presented(&format!("v2,xyz v1,AAAA {}", signed(new)), &both), "one of several will do");
    }

    #[test]
    fn given_a_token_when_named_then_only_the_whole_of_it_lets_in() {
        let secret = IngestSecret::parse(r#"{"type": "bearer", "token": "a-token-of-some-length"}"#).unwrap();
        let admits =
            |authorization| secret.admits(&Presented { authorization, ..Presented::default() }, BODY, NOW);
        assert!(
            admits(Some("Bearer a-token-of-some-length")) && admits(Some("bearer  a-token-of-some-length "))
        );
        for wrong in [
            "",
            "Bearer",
            "Bearer ",
            "a-token-of-some-length",
            "Bearer a-token-of-some-lengt",
            "Basic a-token-of-some-length",
        ] {
            assert!(!admits(Some(wrong)), "{wrong}");
        }
        assert!(!admits(None) && !secret.admits(&published(), BODY, NOW));
        assert!(!hmac(&[KEY]).admits(
            &Presented { authorization: Some(&format!("Bearer {KEY}")), ..Presented::default() },
            BODY,
            NOW
        ));
    }

    #[test]
    fn given_secrets_that_are_none_when_read_then_the_reason_names_no_part_of_them() {
        let texts = [
            "",
            "{}",
            r#"{"type": "bearer"}"#,
            r#"{"type": "bearer", "token": ""}"#,
            r#"{"type": "bearer", "token": "short"}"#,
            r#"{"type": "hmac"}"#,
            r#"{"type": "hmac", "secrets": []}"#,
            r#"{"type": "hmac", "secrets": [7]}"#,
            r#"{"type": "hmac", "secrets": ["whsec_***"]}"#,
            r#"{"type": "hmac", "secrets": ["whsec_YWJj"]}"#,
        ];
        let told: Vec<String> =
            texts.iter().map(|text| IngestSecret::parse(text).map(|_| ()).unwrap_err()).collect();
        insta::assert_snapshot!(told.join("\n"), @r"
        it is no JSON
        `type` is none of bearer, hmac
        `token` is missing or no text
        `token` has fewer than 16 bytes
        `token` has fewer than 16 bytes
        `secrets` is missing or empty: a list is expected, the new one first
        `secrets` is missing or empty: a list is expected, the new one first
        one of `secrets` is no text
        one of `secrets` is no base64 behind whsec_
        one of `secrets` has fewer than 16 bytes
        ");
    }

    #[test]
    fn given_headers_when_looked_at_then_only_what_could_be_let_in_is_worth_a_look_at_the_secret() {
        let token = Presented { authorization: Some("Bearer x"), ..Presented::default() };
        assert!(published().is_plausible(NOW) && token.is_plausible(NOW));
        let stale = NOW.plus_ms(301_000);
        let unsigned = Presented { signature: Some("v1"), ..published() };
        assert!(
            !published().is_plausible(stale)
                && !unsigned.is_plausible(NOW)
                && !Presented::default().is_plausible(NOW)
        );
    }

    proptest! {
        #[test]
        fn given_a_signed_request_when_any_byte_of_it_differs_then_it_is_not_let_in(
            body in proptest::collection::vec(any::<u8>(), 1..60), at in any::<prop::sample::Index>(), flip in 1u8..=255,
        ) {
            let secret = hmac(&[KEY]);
            let key = STANDARD.decode(KEY.trim_start_matches(BASE64_PREFIX)).unwrap();
            let signature = sign(&key, "m-1", 1_614_265_330, &body);
            let presented = Presented { id: Some("m-1"), signature: Some(&signature), ..published() };
            prop_assert!(secret.admits(&presented, &body, NOW));
            let mut altered = body.clone();
            let place = at.index(altered.len());
            altered[place] ^= flip;
            prop_assert!(!secret.admits(&presented, &altered, NOW));
            let another = Presented { id: Some("m-2"), ..presented };
            prop_assert!(!secret.admits(&another, &body, NOW));
            let later = Presented { timestamp: Some("1614265331"), ..presented };
            prop_assert!(!secret.admits(&later, &body, NOW));
            let mut forged = STANDARD.decode(&signature[V1.len()..]).unwrap();
            let place = at.index(forged.len());
            forged[place] ^= flip;
            let forged = format!("{V1}{}", STANDARD.encode(forged));
            let forged = Presented { signature: Some(&forged), ..presented };
            prop_assert!(!secret.admits(&forged, &body, NOW));
        }

        #[test]
        fn given_any_headers_when_verified_then_nothing_is_let_in_and_nothing_panics(
            headers in proptest::array::uniform4(proptest::option::of("\\PC{0,40}")), body in proptest::collection::vec(any::<u8>(), 0..20),
        ) {
            let [authorization, id, timestamp, signature] = headers.each_ref().map(Option::as_deref);
            let presented = Presented { authorization, id, timestamp, signature };
            let bearer = IngestSecret::parse(r#"{"type": "bearer", "token": "a-token-of-some-length"}"#).unwrap();
            prop_assert!(!hmac(&[KEY]).admits(&presented, &body, NOW) && !bearer.admits(&presented, &body, NOW));
        }
    }
}
