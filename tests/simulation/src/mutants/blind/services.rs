//! Bugs in how limits and secrets are used.

use super::super::layer::{Layer, Layered};
use crate::core::Core;
use async_trait::async_trait;
use rtr_core::time::Instant;
use rtr_engine::seams::{Limits, SecretText, Secrets, Unavailable};
use secrecy::SecretString;
use std::sync::Arc;

struct WrongLimits(Arc<Core>, Arc<dyn Limits>);
struct WrongSecrets(Arc<dyn Secrets>);

pub(super) fn wrong_limits(core: &Arc<Core>, inner: Arc<dyn Limits>) -> Arc<dyn Limits> {
    Arc::new(Layered(WrongLimits(core.clone(), inner)))
}

pub(super) fn wrong_secrets(inner: Arc<dyn Secrets>) -> Arc<dyn Secrets> {
    Arc::new(WrongSecrets(inner))
}

#[async_trait]
impl Layer for WrongLimits {
    fn inner(&self) -> &dyn Limits {
        &*self.1
    }

    /// Whoever heard it keeps to it; the table, and so everybody else, is not told.
    async fn block(&self, _: &str, _: Instant) -> Result<(), Unavailable> {
        self.0.kernel.sleep(5).await;
        Ok(())
    }
}

#[async_trait]
impl Secrets for WrongSecrets {
    async fn read(&self, name: &str) -> Result<Option<SecretText>, Unavailable> {
        self.0.read(name).await
    }

    /// The new version is stored as one that is pending, and never made the current one.
    async fn write(&self, name: &str, _: &SecretString) -> Result<String, Unavailable> {
        match self.0.read(name).await? {
            Some(current) => Ok(format!("{}-pending", current.version)),
            None => Err(Unavailable(format!("there is no secret {name} to write a version of"))),
        }
    }

    async fn create_or_write(&self, name: &str, text: &SecretString) -> Result<String, Unavailable> {
        self.0.create_or_write(name, text).await
    }
}
