//! Bugs in how secrets, configuration and queues are used.

use super::Mutant;
use crate::env::Dress;
use crate::lambda::Function;
use async_trait::async_trait;
use rtr_core::config::{Mode, OrgConfig};
use rtr_engine::seams::{Configs, Outbound, Queue, QueueName, SecretText, Secrets, Unavailable};
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;

struct WrongSecrets(Mutant, Arc<dyn Secrets>);
struct WrongConfigs(Mutant, Function, Arc<dyn Configs>);
struct WrongQueue(Mutant, Arc<dyn Queue>);

pub(super) fn dress(mutant: Mutant, mut dress: Dress) -> Dress {
    dress.secrets = Arc::new(WrongSecrets(mutant, dress.secrets));
    dress.configs = Arc::new(WrongConfigs(mutant, dress.function, dress.configs));
    dress.queue = Arc::new(WrongQueue(mutant, dress.queue));
    dress
}

#[async_trait]
impl Secrets for WrongSecrets {
    async fn read(&self, name: &str) -> Result<Option<SecretText>, Unavailable> {
        let name =
            if self.0 == Mutant::SharesSecrets { name.replace("globex", "acme") } else { name.to_owned() };
        let secret = self.1.read(&name).await?;
        if self.0 == Mutant::LogsTokens
            && let Some(secret) = &secret
        {
            tracing::info!(event = "secret", text = secret.text.expose_secret());
        }
        if self.0 == Mutant::LogsRefreshTokens
            && let Some(secret) = &secret
        {
            let parts: serde_json::Value =
                serde_json::from_str(secret.text.expose_secret()).unwrap_or_default();
            tracing::info!(event = "refresh", token = parts["refresh_token"].as_str().unwrap_or_default());
        }
        Ok(secret)
    }

    async fn write(&self, name: &str, text: &SecretString) -> Result<String, Unavailable> {
        self.1.write(name, text).await
    }

    async fn create_or_write(&self, name: &str, text: &SecretString) -> Result<String, Unavailable> {
        self.1.create_or_write(name, text).await
    }
}

impl WrongConfigs {
    fn seen(&self, config: Arc<OrgConfig>) -> Arc<OrgConfig> {
        if self.0 != Mutant::PauseUnheard || self.1 != Function::Bulk {
            return config;
        }
        let mut config = (*config).clone();
        config.connections.values_mut().for_each(|connection| connection.mode = Mode::Live);
        Arc::new(config)
    }
}

#[async_trait]
impl Configs for WrongConfigs {
    async fn org(&self, org: &str) -> Result<Arc<OrgConfig>, Unavailable> {
        let org = if self.0 == Mutant::SharesConfigs && org == "globex" { "acme" } else { org };
        Ok(self.seen(self.2.org(org).await?))
    }

    async fn org_anew(&self, org: &str) -> Result<Arc<OrgConfig>, Unavailable> {
        let org = if self.0 == Mutant::SharesConfigs && org == "globex" { "acme" } else { org };
        Ok(self.seen(self.2.org_anew(org).await?))
    }
}

#[async_trait]
impl Queue for WrongQueue {
    async fn send(&self, to: QueueName, messages: &[Outbound]) -> Vec<Result<(), Unavailable>> {
        if self.0 == Mutant::DropsLetters && to == QueueName::DeadLetter {
            return messages.iter().map(|_| Ok(())).collect();
        }
        self.1.send(to, messages).await
    }

    async fn delete(&self, receipts: &[String]) -> Vec<Result<(), Unavailable>> {
        self.1.delete(receipts).await
    }

    async fn set_visibility(&self, receipts: &[(String, i32)]) -> Vec<Result<(), Unavailable>> {
        self.1.set_visibility(receipts).await
    }
}
