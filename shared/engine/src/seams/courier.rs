//! The internal system, where it is reached through AWS rather than over HTTP.

use async_trait::async_trait;
use rtr_core::config::Target;
use serde_json::Value;

/// What is handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parcel {
    /// The id by which a repeat is known.
    pub id: String,
    /// Parcels of one group are to be kept in their order.
    pub group: String,
    /// The body.
    pub body: String,
}

/// Why it was not handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Undelivered {
    /// Not now, in words.
    Later(String),
    /// It never will be, in words.
    Refused(String),
}

/// Hands parcels to queues, event buses and functions.
#[async_trait]
pub trait Courier: Send + Sync {
    /// Hands `parcel` to `to` within `timeout_ms`; what the target answered, where it answers anything.
    ///
    /// # Errors
    /// Why it was not handed over; it may have been all the same.
    async fn hand(&self, to: &Target, parcel: &Parcel, timeout_ms: i64) -> Result<Value, Undelivered>;
}
