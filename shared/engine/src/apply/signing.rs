//! The secrets that deliveries are signed with, from memory for a while.

use crate::seams::{Seams, Unavailable};
use rtr_connectors::webhook::standard::sign;
use rtr_core::time::Instant;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// That there is no secret is remembered for so many milliseconds.
const NONE_MS: i64 = 5_000;

/// What is remembered, by name: until when, and the secrets, the newest first.
#[derive(Default)]
pub struct Signing {
    known: Mutex<HashMap<String, Held>>,
    cache_ms: i64,
}

type Held = (Instant, Arc<Vec<SecretString>>);

impl std::fmt::Debug for Signing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Signing")
    }
}

impl Signing {
    /// Remembers for `cache_ms`.
    #[must_use]
    pub fn new(cache_ms: i64) -> Self {
        Self { known: Mutex::default(), cache_ms }
    }

    /// The signatures of `body` by each of the secrets under `name`, as Standard Webhooks writes them; none when there is no
    /// secret that can be used.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(super) async fn sign(
        &self,
        seams: &Seams<'_>,
        name: &str,
        id: &str,
        now: Instant,
        body: &[u8],
    ) -> Result<Option<String>, Unavailable> {
        let held = self.known().get(name).filter(|(until, _)| *until > now).map(|(_, held)| held.clone());
        let secrets = match held {
            Some(secrets) => secrets,
            None => {
                let found = seams.secrets.read(name).await?;
                let secrets = Arc::new(found.map(|found| secrets(&found.text)).unwrap_or_default());
                let for_ms = if secrets.is_empty() { self.cache_ms.min(NONE_MS) } else { self.cache_ms };
                self.known().insert(name.to_owned(), (now.plus_ms(for_ms), secrets.clone()));
                secrets
            }
        };
        let at = now.0.div_euclid(1_000);
        let signed: Vec<String> = secrets.iter().map(|secret| sign(secret, id, at, body)).collect();
        Ok((!signed.is_empty()).then(|| signed.join(" ")))
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Held>> {
        // A poisoned lock only says that a thread died elsewhere: what is in the map is still whole.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether deliveries can be signed with a secret of this `text`.
#[must_use]
pub fn can_sign(text: &SecretString) -> bool {
    !secrets(text).is_empty()
}

/// `{"secrets": [new, old]}`, `{"secret": …}`, or the bare secret.
fn secrets(text: &SecretString) -> Vec<SecretString> {
    let text = text.expose_secret();
    let one = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(SecretString::from);
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(members)) => {
            let many = members.get("secrets").and_then(Value::as_array).into_iter().flatten();
            many.chain(members.get("secret")).filter_map(one).collect()
        }
        _ => Some(text.trim()).filter(|text| !text.is_empty()).map(SecretString::from).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_a_secret_in_each_of_its_forms_when_read_then_the_newest_is_first() {
        let read = |text: &str| -> Vec<String> {
            secrets(&text.into()).iter().map(|one| one.expose_secret().to_owned()).collect()
        };
        assert_eq!(read(r#"{"secrets": ["whsec_b", "whsec_a", ""]}"#), ["whsec_b", "whsec_a"]);
        assert_eq!(read(r#"{"secret": "whsec_a"}"#), ["whsec_a"]);
        assert_eq!(read(" whsec_a\n"), ["whsec_a"]);
        assert!(read("").is_empty() && read("{}").is_empty());
        assert!(can_sign(&"whsec_a".into()) && !can_sign(&r#"{"type": "bearer", "token": "a"}"#.into()));
    }
}
