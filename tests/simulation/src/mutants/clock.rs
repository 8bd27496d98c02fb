//! Bugs in how time and chance are used.

use super::Mutant;
use crate::env::Dress;
use async_trait::async_trait;
use rtr_connectors::http::Clock;
use rtr_core::limit::LIMITER_BUDGET_MS;
use rtr_core::time::Instant;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

#[derive(Debug)]
struct Wrong(Mutant, Arc<dyn Clock>);

pub(super) fn dress(mutant: Mutant, mut dress: Dress) -> Dress {
    dress.clock = Arc::new(Wrong(mutant, dress.clock));
    dress
}

#[async_trait]
impl Clock for Wrong {
    fn now(&self) -> Instant {
        self.1.now()
    }

    async fn sleep_ms(&self, ms: i64) {
        // What is left of the limiter's time when it is asked once more.
        let patient = self.0 == Mutant::WaitsForLimiter && ms == LIMITER_BUDGET_MS * 2 / 5;
        self.1.sleep_ms(if patient { 30_000 } else { ms }).await;
    }

    fn random(&self) -> f64 {
        match self.0 {
            // The standard library seeds its hash maps from the system.
            #[allow(clippy::cast_precision_loss)]
            Mutant::TossesCoins => (RandomState::new().hash_one(1) % 1_000) as f64 / 1_000.0,
            _ => self.1.random(),
        }
    }

    fn nonce(&self) -> String {
        self.1.nonce()
    }
}
