//! The table's consents.

use super::MemoryLimits;
use async_trait::async_trait;
use rtr_engine::seams::{Consent, ConsentEnding, Consents, Unavailable};

#[async_trait]
impl Consents for MemoryLimits {
    async fn put_consent(&self, state: &str, consent: &Consent) -> Result<(), Unavailable> {
        self.asked("put_consent", |held| {
            held.consents.insert(state.to_owned(), consent.clone());
        })
        .await
    }

    async fn take_consent(&self, state: &str) -> Result<Option<Consent>, Unavailable> {
        let now = self.clock.now();
        self.asked("take_consent", |held| held.consents.remove(state).filter(|consent| consent.until > now))
            .await
    }

    async fn end_consent(&self, state: &str, ending: &ConsentEnding) -> Result<(), Unavailable> {
        self.asked("end_consent", |held| {
            held.endings.insert(state.to_owned(), ending.clone());
        })
        .await
    }

    async fn consent_ending(&self, state: &str) -> Result<Option<ConsentEnding>, Unavailable> {
        self.asked("consent_ending", |held| held.endings.get(state).cloned()).await
    }
}
