//! The seams of a bench: it carries and notes requests, blocks what it is told to, and gives credentials.

use super::bench::{ACCOUNT, Bench};
use crate::crm::BASE;
use async_trait::async_trait;
use rtr_connectors::http::{Clock, Http, NoAnswer, Outgoing, Response};
use rtr_connectors::session::{Auth, Authorized, Freshness, Gate};
use rtr_core::failure::{Class, Failure};
use rtr_core::time::Instant;
use std::sync::atomic::Ordering;

#[async_trait]
impl Http for Bench<'_> {
    async fn send(&self, outgoing: Outgoing) -> Result<Response, NoAnswer> {
        if let Ok(mut sent) = self.sent.lock() {
            sent.push(format!("{} {}", outgoing.method.as_str(), outgoing.url));
        }
        let left_ms = self.deadline.load(Ordering::SeqCst) - self.clock.now().0;
        let timeout_ms = i64::try_from(outgoing.timeout.as_millis()).unwrap_or(i64::MAX);
        assert!(timeout_ms <= left_ms, "a call of {timeout_ms} ms was begun with {left_ms} ms left");
        let canned = self.canned.lock().ok().and_then(|canned| canned.clone());
        match canned {
            Some(response) => Ok(response),
            None => self.crm.send(outgoing).await,
        }
    }
}

#[async_trait]
impl Gate for Bench<'_> {
    async fn enter(&self, api: &str) -> Result<(), Instant> {
        let now = self.clock.now();
        let until = self.blocks().into_iter().filter(|(name, _)| name == api).map(|(_, until)| until).max();
        until.filter(|until| *until > now).map_or(Ok(()), Err)
    }

    async fn block(&self, api: &str, until: Instant) {
        if let Ok(mut blocks) = self.blocks.lock() {
            blocks.push((api.to_owned(), until));
        }
    }
}

#[async_trait]
impl Auth for Bench<'_> {
    async fn authorize(&self, freshness: Freshness) -> Result<Authorized, Failure> {
        if freshness == Freshness::Renewed {
            self.renewals.fetch_add(1, Ordering::SeqCst);
            if self.revoked.load(Ordering::SeqCst) {
                return Err(Failure::new(Class::Revoked, "the credentials were refused"));
            }
            if let Ok(mut token) = self.token.lock() {
                *token = self.crm.token_of(self.profile.provider, ACCOUNT);
            }
        }
        let token = self.token.lock().map(|token| token.clone()).unwrap_or_default();
        Ok(Authorized {
            base_url: format!("{BASE}/{}/{ACCOUNT}", self.profile.provider),
            headers: vec![("authorization".to_owned(), format!("Bearer {token}").into())],
        })
    }
}
