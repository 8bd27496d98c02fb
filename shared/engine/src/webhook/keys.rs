//! What a connection's calls are signed with, and of which account they must speak: read in one round, and remembered.

use crate::seams::{Seams, SecretText, Unavailable};
use futures::future::try_join;
use rtr_connectors::credentials::{App, Credential};
use rtr_connectors::webhook::Keys;
use rtr_core::key::ConnectionKey;
use rtr_core::time::Instant;
use secrecy::SecretString;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// That there is no secret is remembered for so many milliseconds: whoever calls again and again costs no read each time, and
/// whoever has just stored one does not wait.
const NONE_MS: i64 = 5_000;

/// What is known of connections' calls, by connection. Only connections that are configured get in.
#[derive(Debug, Default)]
pub struct KeyCache {
    known: Mutex<Known>,
}

/// By connection: until when it holds, and what it is; none where there is no secret that can be used.
type Known = HashMap<String, (Instant, Option<Arc<Held>>)>;

/// What is known of one connection's calls.
pub(super) struct Held {
    webhook: Vec<SecretString>,
    client: Vec<SecretString>,
    /// The account behind the connection's credentials.
    pub(super) account: Option<String>,
}

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Held")
    }
}

impl Held {
    pub(super) fn keys(&self) -> Keys<'_> {
        Keys { webhook: &self.webhook, client: &self.client }
    }

    /// Whether other accounts may be signed for by the same: those that have let the same OAuth client in.
    pub(super) fn is_shared(&self) -> bool {
        !self.client.is_empty()
    }
}

impl KeyCache {
    /// What is known of `connection`; none when its secret is not there or cannot be used.
    pub(super) async fn of(
        &self,
        seams: &Seams<'_>,
        cache_ms: i64,
        connection: &ConnectionKey,
        secret: &str,
    ) -> Result<Option<Arc<Held>>, Unavailable> {
        let (key, now) = (connection.key(), seams.clock.now());
        let known = self.known().get(&key).filter(|(until, _)| *until > now).map(|(_, held)| held.clone());
        if let Some(held) = known {
            return Ok(held);
        }
        let (found, account) = try_join(read(seams, secret), seams.limits.known(&key)).await?;
        let held =
            found.map(|(webhook, client)| Arc::new(Held { webhook, client, account: account.account }));
        let for_ms = if held.is_some() { cache_ms } else { cache_ms.min(NONE_MS) };
        self.known().insert(key, (now.plus_ms(for_ms), held.clone()));
        Ok(held)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // A poisoned lock only says that a thread died elsewhere: what is in the map is still whole.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Secrets = (Vec<SecretString>, Vec<SecretString>);

/// The secrets for webhooks and the OAuth client's own, the app's among them.
async fn read(seams: &Seams<'_>, name: &str) -> Result<Option<Secrets>, Unavailable> {
    let Some(SecretText { text, .. }) = seams.secrets.read(name).await? else { return Ok(None) };
    let unusable = |name: &str, why: &str| {
        tracing::warn!(event = "webhook", secret = name, error = why, "a secret cannot be used")
    };
    let mut credential = match Credential::parse(&text) {
        Ok(credential) => credential,
        Err(why) => {
            unusable(name, &why);
            return Ok(None);
        }
    };
    if let Some(app) = credential.app() {
        let read = match App::secret_name(app, name) {
            Ok(app_name) => {
                seams.secrets.read(&app_name).await?.ok_or_else(|| format!("there is no secret {app_name}"))
            }
            Err(why) => Err(why),
        };
        match read.and_then(|app| App::parse(&app.text)) {
            Ok(app) => credential = credential.with_app(app),
            Err(why) => {
                unusable(name, &why);
                return Ok(None);
            }
        }
    }
    let client = credential.client().map(|client| client.secrets.to_vec()).unwrap_or_default();
    Ok(Some((credential.webhook_secrets().to_vec(), client)))
}
