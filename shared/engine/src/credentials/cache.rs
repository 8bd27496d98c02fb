//! What this environment has at hand, each with an expiry.

use super::stamp;
use crate::seams::SecretText;
use rtr_connectors::credentials::Credential;
use rtr_core::time::Instant;
use secrecy::SecretString;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Credentials of this environment's connections, and the apps that they share.
#[derive(Debug, Default)]
pub struct CredentialCache {
    by_secret: Mutex<HashMap<String, Cached>>,
    apps: Mutex<HashMap<String, AppText>>,
    /// When a refresh ahead of time is tried again that has failed, by secret.
    rests: Mutex<HashMap<String, Instant>>,
    /// Whether what was refused is tried all the same: a person may have mended it at the CRM.
    pub(super) tries_refused: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Cached {
    pub(super) credential: Arc<Credential>,
    pub(super) version: String,
    /// The app's secret, if the connection's names one.
    pub(super) app: Option<SecretText>,
    pub(super) text: SecretString,
    pub(super) until: Instant,
    pub(super) refused: Option<String>,
    /// Refreshed, and not written back yet: the only copy.
    pub(super) unsaved: bool,
}

#[derive(Debug, Clone)]
pub(super) struct AppText {
    /// The secret's name.
    pub(super) name: String,
    pub(super) secret: SecretText,
    pub(super) until: Instant,
}

impl Cached {
    pub(super) fn stamp(&self) -> String {
        stamp(&self.version, self.app.as_ref())
    }
}

// A poisoned lock only says that a thread died elsewhere: what is in the maps is still whole.
impl CredentialCache {
    /// An empty one by which refused credentials are tried once more, for a person who wants to know whether they work by
    /// now.
    #[must_use]
    pub fn trying_refused() -> Self {
        Self { tries_refused: true, ..Self::default() }
    }

    /// Forgets that the credentials of `secret` were refused: the next use reads whether they still are.
    pub(crate) fn look_anew_if_refused(&self, secret: &str) {
        let mut cache = self.by_secret.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cached) =
            cache.get_mut(secret).filter(|cached| cached.refused.is_some() && !cached.unsaved)
        {
            cached.until = Instant(0);
        }
    }

    pub(super) fn get(&self, secret: &str) -> Option<Cached> {
        self.by_secret.lock().unwrap_or_else(PoisonError::into_inner).get(secret).cloned()
    }

    pub(super) fn keep(&self, secret: &str, cached: &Cached) {
        let mut cache = self.by_secret.lock().unwrap_or_else(PoisonError::into_inner);
        cache.insert(secret.to_owned(), cached.clone());
    }

    /// Whether a refresh of `secret` ahead of time has failed a moment ago.
    pub(super) fn refresh_rests(&self, secret: &str, now: Instant) -> bool {
        let rests = self.rests.lock().unwrap_or_else(PoisonError::into_inner);
        // A longer rest is of a clock that has been set back since.
        rests.get(secret).is_some_and(|until| (1..=super::REFRESH_AGAIN_MS).contains(&until.since_ms(now)))
    }

    /// No refresh of `secret` ahead of time before `until`.
    pub(super) fn let_refresh_rest(&self, secret: &str, until: Instant) {
        let mut rests = self.rests.lock().unwrap_or_else(PoisonError::into_inner);
        rests.insert(secret.to_owned(), until);
    }

    pub(super) fn app(&self, name: &str) -> Option<AppText> {
        self.apps.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    pub(super) fn keep_app(&self, app: &AppText) {
        let mut apps = self.apps.lock().unwrap_or_else(PoisonError::into_inner);
        apps.insert(app.name.clone(), app.clone());
    }
}
