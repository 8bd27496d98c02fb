//! A clock that stands still until somebody sleeps or a test moves it.

use async_trait::async_trait;
use rtr_connectors::http::Clock;
use rtr_core::time::Instant;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// The virtual clock; its chance is a fixed sequence.
#[derive(Debug)]
pub struct TestClock {
    now_ms: AtomicI64,
    drawn: AtomicU64,
}

impl TestClock {
    /// A clock that shows `now_ms`.
    #[must_use]
    pub fn at(now_ms: i64) -> Self {
        Self { now_ms: AtomicI64::new(now_ms), drawn: AtomicU64::new(0) }
    }

    /// Moves time on.
    pub fn advance_ms(&self, ms: i64) {
        self.now_ms.fetch_add(ms, Ordering::SeqCst);
    }
}

#[async_trait]
impl Clock for TestClock {
    fn now(&self) -> Instant {
        Instant(self.now_ms.load(Ordering::SeqCst))
    }

    async fn sleep_ms(&self, ms: i64) {
        self.advance_ms(ms.max(0));
    }

    fn random(&self) -> f64 {
        0.5
    }

    fn nonce(&self) -> String {
        format!("nonce-{}", self.drawn.fetch_add(1, Ordering::SeqCst))
    }
}
