//! Assertions signed with a private key (RFC 7523), RS256 alone: what Salesforce's JWT bearer flow takes.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD as BASE64, URL_SAFE_NO_PAD as BASE64_URL};
use rtr_core::time::Instant;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

/// How long an assertion holds, in seconds: Salesforce takes three minutes at most, clocks differ.
const LIFE_S: i64 = 150;

/// Who asserts what about whom, and the key to sign it with.
pub(super) struct Assertion {
    username: String,
    /// The login server.
    pub(super) audience: String,
    key: RsaKeyPair,
}

impl Assertion {
    /// With a key in PEM, PKCS#8 or PKCS#1.
    ///
    /// # Errors
    /// What is wrong with the key, quoting nothing of it.
    pub(super) fn new(username: String, audience: String, pem: &SecretString) -> Result<Self, String> {
        Ok(Self { username, audience, key: key(pem.expose_secret())? })
    }

    /// A signed assertion of `client_id`.
    ///
    /// # Errors
    /// When the key does not sign.
    pub(super) fn sign(&self, client_id: &str, now: Instant) -> Result<SecretString, String> {
        let part = |value: serde_json::Value| BASE64_URL.encode(value.to_string());
        let claims = json!({"iss": client_id, "sub": self.username, "aud": self.audience,
            "exp": now.0.div_euclid(1_000) + LIFE_S});
        let signed = format!("{}.{}", part(json!({"alg": "RS256"})), part(claims));
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)
            .map_err(|_| "the secret's `private_key` does not sign".to_owned())?;
        Ok(format!("{signed}.{}", BASE64_URL.encode(signature)).into())
    }
}

fn key(pem: &str) -> Result<RsaKeyPair, String> {
    let wrong = |why: &str| format!("the secret's `private_key` {why}");
    // Pasted through a shell, line breaks often arrive as backslash and n.
    let pem = pem.replace("\\n", "\n").replace('\r', "");
    if pem.contains("ENCRYPTED") {
        return Err(wrong(
            "is encrypted: store it without its passphrase, the secret is encrypted as a whole",
        ));
    }
    let body = |label: &str| {
        let (begin, end) = (format!("-----BEGIN {label}-----"), format!("-----END {label}-----"));
        let (_, rest) = pem.split_once(&begin)?;
        let text: String = rest.split_once(&end)?.0.chars().filter(|c| !c.is_whitespace()).collect();
        BASE64.decode(text).ok()
    };
    let read = match (body("PRIVATE KEY"), body("RSA PRIVATE KEY")) {
        (Some(der), _) => RsaKeyPair::from_pkcs8(&der),
        (None, Some(der)) => RsaKeyPair::from_der(&der),
        (None, None) => return Err(wrong("is not PEM (`-----BEGIN PRIVATE KEY-----` …)")),
    };
    read.map_err(|_| wrong("is not an RSA key of 2,048 bits or more"))
}
