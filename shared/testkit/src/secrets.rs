//! Secrets in memory, each write a new version.

use async_trait::async_trait;
use rtr_engine::seams::{SecretText, Secrets, Unavailable};
use secrecy::{ExposeSecret, SecretString};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// The store.
#[derive(Debug, Default)]
pub struct MemorySecrets {
    by_name: Mutex<BTreeMap<String, (SecretString, u64)>>,
}

impl MemorySecrets {
    /// Stores `text` as a new version.
    pub fn put(&self, name: &str, text: &str) -> u64 {
        let mut secrets = self.by_name.lock().unwrap_or_else(PoisonError::into_inner);
        let version = secrets.get(name).map_or(1, |(_, version)| version + 1);
        secrets.insert(name.to_owned(), (text.to_owned().into(), version));
        version
    }

    /// Takes `name` away; what it held, shown: for tests only.
    pub fn take(&self, name: &str) -> String {
        let mut secrets = self.by_name.lock().unwrap_or_else(PoisonError::into_inner);
        secrets.remove(name).map(|(text, _)| text.expose_secret().to_owned()).unwrap_or_default()
    }

    /// The text of `name`, shown: for tests only.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<String> {
        let secrets = self.by_name.lock().unwrap_or_else(PoisonError::into_inner);
        secrets.get(name).map(|(text, _)| text.expose_secret().to_owned())
    }
}

#[async_trait]
impl Secrets for MemorySecrets {
    async fn read(&self, name: &str) -> Result<Option<SecretText>, Unavailable> {
        let secrets = self.by_name.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(secrets
            .get(name)
            .map(|(text, version)| SecretText { text: text.clone(), version: version.to_string() }))
    }

    async fn write(&self, name: &str, text: &SecretString) -> Result<String, Unavailable> {
        Ok(self.put(name, text.expose_secret()).to_string())
    }

    async fn create_or_write(&self, name: &str, text: &SecretString) -> Result<String, Unavailable> {
        self.write(name, text).await
    }
}
