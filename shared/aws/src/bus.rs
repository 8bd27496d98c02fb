//! The stack's event bus, for what operators are told.

use crate::courier::AwsCourier;
use async_trait::async_trait;
use futures::future::join_all;
use rtr_core::notice::{Notice, SOURCE};
use rtr_engine::seams::{Bus, Unavailable};
use serde_json::{Value, json};
use std::time::Duration;

/// Entries of one request. EventBridge's limit.
const MAX_ENTRIES: usize = 10;
/// How long a request may take. The sweep that tells also wakes what is due, and looks again only when it has been told.
const TIMEOUT: Duration = Duration::from_secs(3);

/// The bus.
#[derive(Debug, Clone)]
pub struct EventBus {
    courier: AwsCourier,
    name: String,
}

impl EventBus {
    /// The bus that the environment names.
    ///
    /// # Errors
    /// When it names none.
    pub fn load(courier: AwsCourier) -> Result<Self, String> {
        let name = std::env::var("RTR_EVENT_BUS").ok().filter(|name| !name.is_empty());
        let name = name.ok_or("RTR_EVENT_BUS names no event bus")?;
        Ok(Self::new(courier, name))
    }

    /// The bus `name`.
    #[must_use]
    pub fn new(courier: AwsCourier, name: impl Into<String>) -> Self {
        Self { courier, name: name.into() }
    }

    async fn put(&self, notices: &[Notice]) -> Vec<Result<(), Unavailable>> {
        let entry = |notice: &Notice| {
            json!({
                "Source": SOURCE,
                "DetailType": notice.kind.as_str(),
                "Detail": notice.detail().to_string(),
                "EventBusName": self.name,
            })
        };
        let entries: Vec<Value> = notices.iter().map(entry).collect();
        match self.courier.put_events(&json!({ "Entries": entries }), TIMEOUT).await {
            Ok(answer) => (0..notices.len()).map(|at| told(&answer["Entries"][at])).collect(),
            Err(error) => vec![Err(Unavailable(format!("the event bus: {error:?}"))); notices.len()],
        }
    }
}

/// Whatever is not confirmed has failed.
fn told(entry: &Value) -> Result<(), Unavailable> {
    match (entry["EventId"].as_str(), entry["ErrorCode"].as_str()) {
        (Some(_), None) => Ok(()),
        (_, code) => {
            Err(Unavailable(format!("the event bus: {}", code.unwrap_or("it did not answer for this"))))
        }
    }
}

#[async_trait]
impl Bus for EventBus {
    async fn tell(&self, notices: &[Notice]) -> Vec<Result<(), Unavailable>> {
        join_all(notices.chunks(MAX_ENTRIES).map(|some| self.put(some))).await.concat()
    }
}
