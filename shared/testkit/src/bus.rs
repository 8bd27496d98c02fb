//! An event bus that keeps what it is told.

use async_trait::async_trait;
use rtr_core::notice::Notice;
use rtr_engine::seams::{Bus, Unavailable};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// The bus.
#[derive(Debug, Default)]
pub struct MemoryBus {
    told: Mutex<Vec<Notice>>,
    /// While true it takes nothing.
    pub is_down: AtomicBool,
}

impl MemoryBus {
    /// What it was told so far.
    #[must_use]
    pub fn told(&self) -> Vec<Notice> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Bus for MemoryBus {
    async fn tell(&self, notices: &[Notice]) -> Vec<Result<(), Unavailable>> {
        if self.is_down.load(Ordering::Relaxed) {
            return vec![Err(Unavailable("the event bus does not answer".to_owned())); notices.len()];
        }
        self.told.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(notices);
        vec![Ok(()); notices.len()]
    }
}
