//! A table that knows of no offer.

use super::super::layer::Layer;
use async_trait::async_trait;
use rtr_core::key::ConnectionKey;
use rtr_core::time::Instant;
use rtr_engine::seams::{Limits, Unavailable};
use std::sync::Arc;

pub(super) struct WrongLimits(pub(super) Arc<dyn Limits>);

#[async_trait]
impl Layer for WrongLimits {
    fn inner(&self) -> &dyn Limits {
        &*self.0
    }

    /// Nothing is ever being offered.
    async fn offers(&self, connection: &ConnectionKey) -> Result<Option<Instant>, Unavailable> {
        self.0.offers(connection).await.map(|_| None)
    }
}
