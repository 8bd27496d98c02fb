//! The real clock: the system's time, tokio's timer, the kernel's randomness.

use async_trait::async_trait;
use rtr_connectors::http::Clock;
use rtr_core::time::Instant;
use std::fmt::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Time, waiting and chance as they are.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Instant {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Instant(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
    }

    async fn sleep_ms(&self, ms: i64) {
        tokio::time::sleep(Duration::from_millis(u64::try_from(ms).unwrap_or(0))).await;
    }

    fn random(&self) -> f64 {
        // 53 bits are all that a number below 1 can tell apart.
        let [a, b, c, d, e, f, g, _] = draw();
        let bits = u64::from_be_bytes([0, a & 0x1f, b, c, d, e, f, g]);
        #[allow(clippy::cast_precision_loss)] // exact: below 2^53
        let fraction = bits as f64 / (1u64 << 53) as f64;
        fraction
    }

    fn nonce(&self) -> String {
        draw::<16>().iter().fold(String::with_capacity(32), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

/// Random bytes of the kernel's.
fn draw<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if getrandom::fill(&mut bytes).is_err() {
        // No kernel we run on refuses; the standard library's hash keys are random too.
        for byte in &mut bytes {
            use std::hash::BuildHasher;
            *byte = std::hash::RandomState::new().hash_one(()).to_be_bytes()[0];
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_many_draws_when_compared_then_none_repeats_and_all_are_in_range() {
        let drawn: Vec<f64> = (0..1_000).map(|_| SystemClock.random()).collect();
        assert!(drawn.iter().all(|number| (0.0..1.0).contains(number)));
        assert!(drawn.iter().any(|number| *number < 0.1) && drawn.iter().any(|number| *number > 0.9));
        let nonces: std::collections::BTreeSet<String> = (0..1_000).map(|_| SystemClock.nonce()).collect();
        assert_eq!((nonces.len(), nonces.first().map(String::len)), (1_000, Some(32)));
    }
}
