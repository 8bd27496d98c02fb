//! The signals that ask a command to end.

use std::future::pending;

/// Waits for the next of them: Ctrl-C, or what a supervisor sends. They are caught from now on, not from when it is awaited;
/// where they cannot be caught they end the process as ever.
#[cfg(unix)]
pub(crate) fn asked_to_end() -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let signals = [SignalKind::interrupt(), SignalKind::terminate()].map(signal);
    async move {
        let [Ok(mut interrupt), Ok(mut terminate)] = signals else { return pending().await };
        let told = tokio::select! {
            told = interrupt.recv() => told,
            told = terminate.recv() => told,
        };
        if told.is_none() {
            pending().await
        }
    }
}

/// Waits for Ctrl-C.
#[cfg(not(unix))]
pub(crate) async fn asked_to_end() {
    if tokio::signal::ctrl_c().await.is_err() {
        pending().await
    }
}
