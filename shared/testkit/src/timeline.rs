//! Virtual time for several tasks at once: it stands still while any of them can go on, then steps to whoever wakes next.

use async_trait::async_trait;
use futures::task::{ArcWake, waker};
use rtr_connectors::http::Clock;
use rtr_core::time::Instant;
use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// The clock of all tasks; its chance is a fixed sequence.
#[derive(Debug)]
pub struct Timeline {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    now: Instant,
    sleepers: BTreeMap<(Instant, u64), Waker>,
    drawn: u64,
}

struct Woken(AtomicBool);

impl ArcWake for Woken {
    fn wake_by_ref(woken: &Arc<Self>) {
        woken.0.store(true, Ordering::SeqCst);
    }
}

impl Timeline {
    /// Time begins at `now`.
    #[must_use]
    pub fn at(now: Instant) -> Self {
        Self { state: Mutex::new(State { now, sleepers: BTreeMap::new(), drawn: 0 }) }
    }

    /// Runs `future`, with all that it joins, to its end.
    ///
    /// # Panics
    /// When it waits for something that no time brings.
    pub fn run<T>(&self, future: impl Future<Output = T>) -> T {
        let mut future = pin!(future);
        let woken = Arc::new(Woken(AtomicBool::new(true)));
        let waker = waker(woken.clone());
        loop {
            woken.0.store(false, Ordering::SeqCst);
            if let Poll::Ready(done) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return done;
            }
            while !woken.0.load(Ordering::SeqCst) {
                assert!(self.step(), "all wait for ever");
            }
        }
    }

    fn step(&self) -> bool {
        let mut state = self.state();
        let Some(((at, _), sleeper)) = state.sleepers.pop_first() else { return false };
        state.now = state.now.max(at);
        drop(state);
        sleeper.wake();
        true
    }

    fn draw(&self) -> u64 {
        let mut state = self.state();
        state.drawn += 1;
        // A fixed sequence without a pattern that anybody's waits could fall in step with.
        let mixed = state.drawn.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mixed = (mixed ^ (mixed >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
        mixed ^ (mixed >> 32)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Clock for Timeline {
    fn now(&self) -> Instant {
        self.state().now
    }

    async fn sleep_ms(&self, ms: i64) {
        let until = self.now().plus_ms(ms.max(0));
        let number = self.draw();
        let mut asleep = false;
        poll_fn(|context| {
            let mut state = self.state();
            if asleep && state.now >= until && !state.sleepers.contains_key(&(until, number)) {
                return Poll::Ready(());
            }
            asleep = true;
            state.sleepers.insert((until, number), context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    #[allow(clippy::cast_precision_loss)] // a draw of 53 bits
    fn random(&self) -> f64 {
        (self.draw() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn nonce(&self) -> String {
        format!("nonce-{}", self.draw())
    }
}
