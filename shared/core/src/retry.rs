//! When to try again: in place with full jitter, or later by the queue.

use crate::time::Instant;

/// The longest a message waits in the queue at a time, in seconds.
pub const MAX_WAIT_S: i64 = 900;
/// Tries of one call within an invocation, the first included.
pub const MAX_TRIES: u32 = 4;
/// The first pause between tries in place, in milliseconds; doubles each time.
pub const FIRST_PAUSE_MS: i64 = 200;
/// The longest pause between tries in place, in milliseconds.
pub const LONGEST_PAUSE_MS: i64 = 5_000;

/// The pause before try number `tries + 1`, drawn by `random` (0 ≤ random < 1) from the whole of the range: full jitter
/// spreads callers that failed together better than any fixed pause.
#[must_use]
pub fn pause_ms(tries: u32, random: f64) -> i64 {
    let ceiling = FIRST_PAUSE_MS.saturating_mul(1 << tries.min(16)).min(LONGEST_PAUSE_MS);
    #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
    let drawn = (ceiling as f64 * random.clamp(0.0, 1.0)) as i64;
    drawn.max(1)
}

/// For how many seconds a returned message stays invisible.
///
/// At least min(`receive_count`, 900), so that waiting cannot use up the receive count of the queue's own redrive
/// policy; at most [`MAX_WAIT_S`] at a time.
#[must_use]
pub fn wait_s(now: Instant, not_before: Instant, receive_count: u32) -> i32 {
    let floor = i64::from(receive_count).clamp(1, MAX_WAIT_S);
    let wanted = (not_before.since_ms(now).max(0) + 999) / 1_000;
    i32::try_from(wanted.clamp(floor, MAX_WAIT_S)).unwrap_or(900)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn given_any_wait_when_taken_then_it_is_neither_shorter_than_the_receives_nor_longer_than_the_cap(
            due in -10_000_000i64..10_000_000, receives in 0u32..2_000,
        ) {
            let seconds = i64::from(wait_s(Instant(0), Instant(due), receives));
            prop_assert!(seconds >= i64::from(receives).clamp(1, 900) && seconds <= 900);
            prop_assert!(seconds == 900 || seconds * 1_000 >= due);
        }

        #[test]
        fn given_any_draw_when_pausing_then_it_is_between_1_ms_and_the_longest(tries in 0u32..100, random in 0.0f64..1.0) {
            prop_assert!((1..=LONGEST_PAUSE_MS).contains(&pause_ms(tries, random)));
        }
    }
}
