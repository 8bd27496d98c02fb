//! A bound on work that must not hold up what matters more.

use futures::future::{Either, select};
use rtr_connectors::http::Clock;
use rtr_core::time::Instant;
use std::pin::pin;

/// What `work` gives by `until`; none when it takes longer.
pub(crate) async fn within<T>(clock: &dyn Clock, until: Instant, work: impl Future<Output = T>) -> Option<T> {
    let left_ms = until.since_ms(clock.now());
    if left_ms <= 0 {
        return None;
    }
    match select(pin!(work), clock.sleep_ms(left_ms)).await {
        Either::Left((done, _)) => Some(done),
        Either::Right(_) => None,
    }
}
