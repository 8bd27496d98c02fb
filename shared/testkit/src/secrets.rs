//! Secrets in memory, each write a new version.

use crate::weather::{Calm, Op, Service, Weather};
use async_trait::async_trait;
use rtr_engine::seams::{SecretText, Secrets, Unavailable};
use secrecy::{ExposeSecret, SecretString};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Characters of a name. Secrets Manager's limit.
const MAX_NAME: usize = 512;
/// Bytes of a text. Secrets Manager's limit.
const MAX_BYTES: usize = 65_536;

/// The store.
#[derive(Debug)]
pub struct MemorySecrets {
    weather: Arc<dyn Weather>,
    by_name: Mutex<BTreeMap<String, (SecretString, u64)>>,
}

impl Default for MemorySecrets {
    fn default() -> Self {
        Self::under(Arc::new(Calm))
    }
}

impl MemorySecrets {
    /// An empty store under `weather`.
    #[must_use]
    pub fn under(weather: Arc<dyn Weather>) -> Self {
        Self { weather, by_name: Mutex::default() }
    }

    /// Acts between the way there and the way back; `act` is only asked where something is done.
    async fn asked<T>(&self, name: &'static str, act: impl FnOnce() -> T) -> Result<T, Unavailable> {
        let op = Op { service: Service::Secrets, name, parts: 1 };
        let fate = self.weather.there(op).await;
        let answer = fate.does(0).then(act);
        self.weather.back(op).await;
        answer
            .filter(|_| fate.tells(0))
            .ok_or_else(|| Unavailable("the secrets store does not answer".to_owned()))
    }

    /// Stores `text` as a new version.
    pub fn put(&self, name: &str, text: &str) -> u64 {
        let mut secrets = self.by_name.lock().unwrap_or_else(PoisonError::into_inner);
        let version = secrets.get(name).map_or(1, |(_, version)| version + 1);
        secrets.insert(name.to_owned(), (text.to_owned().into(), version));
        version
    }

    /// Stores `text` if Secrets Manager would take it.
    fn taken(&self, name: &str, text: &SecretString) -> Result<String, Unavailable> {
        let text = text.expose_secret();
        let fits = |c: char| c.is_ascii_alphanumeric() || "/_+=.@-!".contains(c);
        if name.is_empty() || name.len() > MAX_NAME || !name.chars().all(fits) {
            return Err(Unavailable("no secret can have this name".to_owned()));
        }
        if text.len() > MAX_BYTES {
            return Err(Unavailable("the text is too large for a secret".to_owned()));
        }
        Ok(self.put(name, text).to_string())
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
        self.asked("read", || {
            let secrets = self.by_name.lock().unwrap_or_else(PoisonError::into_inner);
            secrets
                .get(name)
                .map(|(text, version)| SecretText { text: text.clone(), version: version.to_string() })
        })
        .await
    }

    async fn write(&self, name: &str, text: &SecretString) -> Result<String, Unavailable> {
        let put = || match self.text(name) {
            Some(_) => self.taken(name, text),
            None => Err(Unavailable(format!("there is no secret {name} to write a version of"))),
        };
        self.asked("write", put).await?
    }

    async fn create_or_write(&self, name: &str, text: &SecretString) -> Result<String, Unavailable> {
        self.asked("create_or_write", || self.taken(name, text)).await?
    }
}
