//! What each twin does when a call fails on its way there or back, as the service and the SDK before it do.

mod index;
mod limits;
mod queue;
mod records;
mod stores;

use async_trait::async_trait;
use rtr_testkit::weather::{Fate, Op, Weather};
use std::collections::VecDeque;
use std::sync::Mutex;

/// Fates in the order of the calls, and calm after them; indexes lag by so many milliseconds.
#[derive(Debug, Default)]
struct Script {
    fates: Mutex<VecDeque<Fate>>,
    lag_ms: i64,
}

impl Script {
    fn next(&self, fate: Fate) {
        self.fates.lock().unwrap().push_back(fate);
    }
}

#[async_trait]
impl Weather for Script {
    async fn there(&self, _: Op) -> Fate {
        self.fates.lock().unwrap().pop_front().unwrap_or(Fate::Done)
    }

    async fn back(&self, _: Op) {}

    fn index_shows(&self, age_ms: i64) -> bool {
        age_ms >= self.lag_ms
    }
}
