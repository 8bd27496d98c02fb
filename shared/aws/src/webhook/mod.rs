//! What CRMs push, as API Gateway's HTTP API and EventBridge hand it over. What becomes of it is in `rtr_engine::webhook`.
//!
//! - `request.rs` what is handed over · `answer.rs` what API Gateway gets back · `settings.rs` what the template says

mod answer;
mod request;
mod settings;

pub use request::Incoming;

use crate::clients::Clients;
use crate::function::{Runtime, StartError};
use crate::settings::Environment;
use rtr_engine::webhook::{KeyCache, Reply, WebhookSettings, relayed, run};
use serde_json::Value;

/// The function's adapters, settings and memory, for as long as its process lives.
pub struct Webhooks {
    runtime: Runtime,
    settings: WebhookSettings,
    keys: KeyCache,
}

/// An event could not be worked off: Lambda brings it again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Failed(String);

impl Webhooks {
    /// Reads the environment and builds everything.
    ///
    /// # Errors
    /// When the environment is wrong.
    pub async fn load() -> Result<Self, StartError> {
        let get = |name: &'static str| std::env::var(name).ok();
        let started = match Environment::load() {
            Ok(environment) => match settings::from_lookup(get, environment.settings.cache_ms) {
                Ok(settings) => {
                    let runtime = Runtime::new(environment, &Clients::load().await)?;
                    Ok(Self { runtime, settings, keys: KeyCache::default() })
                }
                Err(error) => Err(error.into()),
            },
            Err(error) => Err(StartError::from(error)),
        };
        started.inspect_err(|error| tracing::error!(event = "start", %error, "the function cannot start"))
    }

    /// Works off whatever came, and answers it.
    ///
    /// # Errors
    /// When an event of a bus is not safe: nobody but Lambda is there to bring it again.
    pub async fn handle(&self, event: Value) -> Result<Value, Failed> {
        let seams = self.runtime.seams();
        match request::read(event) {
            Ok(Incoming::Call(call)) => {
                let (reply, report) = match call.parts() {
                    Some(parts) => run(&seams, &self.settings, &self.keys, parts).await,
                    None => (Reply::NotVerified, request::no_connection()),
                };
                self.runtime.print_metrics("webhook", &report);
                Ok(answer::to_json(reply))
            }
            Ok(Incoming::Relayed { connection, event }) => {
                let (ended, report) =
                    relayed(&seams, &self.settings, &self.keys, (&connection, &event)).await;
                self.runtime.print_metrics("webhook", &report);
                ended.map(|()| Value::Null).map_err(Failed)
            }
            Err(why) => Err(Failed(why)),
        }
    }
}
