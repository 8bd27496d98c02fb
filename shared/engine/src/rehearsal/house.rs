//! Everything else that the lane asks for: one configuration, one placeholder of a secret, tokens without end, and a queue
//! that swallows what it is given.

use super::Letterhead;
use crate::seams::{
    Baton, Configs, Known, Lease, Limits, Notices, Outbound, Queue, QueueName, Raised, SecretText, Secrets,
    Suspension, Tally, Unavailable,
};
use async_trait::async_trait;
use rtr_core::breaker::{Breaker, Change};
use rtr_core::config::OrgConfig;
use rtr_core::key::ConnectionKey;
use rtr_core::lane::Lane;
use rtr_core::limit::{Ask, Rule};
use rtr_core::notice::Notice;
use rtr_core::time::Instant;
use secrecy::SecretString;
use serde_json::json;
use std::sync::Arc;

/// The name of the secret.
pub(super) const PLACEHOLDER: &str = "placeholder";
/// What stands where a secret would.
const MASK: &str = "***";

/// A house in which nothing is short and nothing is kept.
pub(super) struct House {
    config: Arc<OrgConfig>,
    secret: String,
}

impl House {
    pub(super) fn new(config: OrgConfig, letterhead: &Letterhead) -> Self {
        let value = format!("{}{MASK}", letterhead.scheme);
        let secret = json!({ "type": "header", "name": letterhead.header, "value": value });
        Self { config: Arc::new(config), secret: secret.to_string() }
    }
}

#[async_trait]
impl Configs for House {
    async fn org(&self, _: &str) -> Result<Arc<OrgConfig>, Unavailable> {
        Ok(self.config.clone())
    }
}

#[async_trait]
impl Secrets for House {
    async fn read(&self, _: &str) -> Result<Option<SecretText>, Unavailable> {
        Ok(Some(SecretText { text: self.secret.clone().into(), version: PLACEHOLDER.to_owned() }))
    }

    async fn write(&self, _: &str, _: &SecretString) -> Result<String, Unavailable> {
        Ok(PLACEHOLDER.to_owned())
    }

    async fn create_or_write(&self, _: &str, _: &SecretString) -> Result<String, Unavailable> {
        Ok(PLACEHOLDER.to_owned())
    }
}

#[async_trait]
impl Queue for House {
    async fn send(&self, _: QueueName, messages: &[Outbound]) -> Vec<Result<(), Unavailable>> {
        vec![Ok(()); messages.len()]
    }

    async fn delete(&self, receipts: &[String]) -> Vec<Result<(), Unavailable>> {
        vec![Ok(()); receipts.len()]
    }

    async fn set_visibility(&self, receipts: &[(String, i32)]) -> Vec<Result<(), Unavailable>> {
        vec![Ok(()); receipts.len()]
    }
}

/// What is found out in a rehearsal nobody is told of.
#[async_trait]
impl Notices for House {
    async fn raise(&self, _: &Notice) -> Result<(), Unavailable> {
        Ok(())
    }

    async fn raised(&self, _: Instant, _: usize) -> Result<Vec<Raised>, Unavailable> {
        Ok(Vec::new())
    }

    async fn put_off(&self, _: &Raised, _: Instant) -> Result<bool, Unavailable> {
        Ok(false)
    }

    async fn told(&self, _: &Raised, _: Instant) -> Result<(), Unavailable> {
        Ok(())
    }
}

#[async_trait]
impl Limits for House {
    async fn lease(&self, _: &str, _: &[Rule], ask: &Ask) -> Result<Lease, Unavailable> {
        Ok(Lease { granted: ask.want.max(1), ..Lease::default() })
    }

    async fn block(&self, _: &str, _: Instant) -> Result<(), Unavailable> {
        Ok(())
    }

    async fn breaker(&self, _: &ConnectionKey) -> Result<Breaker, Unavailable> {
        Ok(Breaker::default())
    }

    async fn change_breaker(&self, _: &ConnectionKey, _: &Change) -> Result<Breaker, Unavailable> {
        Ok(Breaker::default())
    }

    async fn lock(&self, _: &str, _: &str, _: i64) -> Result<bool, Unavailable> {
        Ok(true)
    }

    async fn unlock(&self, _: &str, _: &str) -> Result<(), Unavailable> {
        Ok(())
    }

    async fn suspension(&self, _: &str) -> Result<Option<Suspension>, Unavailable> {
        Ok(None)
    }

    async fn set_suspension(&self, _: &str, _: Option<&Suspension>) -> Result<(), Unavailable> {
        Ok(())
    }

    async fn known(&self, _: &str) -> Result<Known, Unavailable> {
        Ok(Known::default())
    }

    async fn note_account(&self, _: &str, _: &str) -> Result<(), Unavailable> {
        Ok(())
    }

    async fn note_replaced(&self, _: &str, _: &str) -> Result<(), Unavailable> {
        Ok(())
    }

    async fn want_lane(&self, _: &ConnectionKey, _: Instant) -> Result<(), Unavailable> {
        Ok(())
    }

    async fn open_offers(&self, _: &ConnectionKey, _: &[String], _: Instant) -> Result<(), Unavailable> {
        Ok(())
    }

    async fn close_offers(&self, _: &ConnectionKey, _: &[String]) -> Result<(), Unavailable> {
        Ok(())
    }

    async fn offers(&self, _: &ConnectionKey) -> Result<Option<Instant>, Unavailable> {
        Ok(None)
    }

    async fn add_tally(&self, _: &str, _: u64, _: Tally) -> Result<(), Unavailable> {
        Ok(())
    }

    async fn tally(&self, _: &str, _: u64) -> Result<Tally, Unavailable> {
        Ok(Tally::default())
    }

    async fn lanes_due(&self, _: Instant, _: usize) -> Result<Vec<Baton>, Unavailable> {
        Ok(Vec::new())
    }

    async fn take_lane(&self, _: &Baton, _: i64) -> Result<Option<Lane>, Unavailable> {
        Ok(None)
    }

    async fn pass_lane(
        &self,
        _: &ConnectionKey,
        _: &Lane,
        _: Option<Instant>,
        _: Option<Instant>,
    ) -> Result<bool, Unavailable> {
        Ok(true)
    }

    async fn note_lane(&self, _: &ConnectionKey, _: &Lane, _: Option<&str>) -> Result<bool, Unavailable> {
        Ok(true)
    }
}
