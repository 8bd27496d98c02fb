//! The signals that ask a command to end.

use crate::problem::{Ended, Exit, Problem};
use std::future::pending;
use tokio_util::sync::CancellationToken;

/// Why a command that was told to end did not do everything.
pub(crate) fn interrupted() -> Problem {
    Problem { exit: Exit::Findings, what: "stopped before the end".to_owned(), hint: None }
}

/// How a command ends that would end with `exit`, had it not been told to with `left` of `all` things not looked at.
pub(crate) fn unless_interrupted(exit: Exit, left: usize, all: usize) -> Ended {
    if left == 0 {
        return Ok(exit);
    }
    Err(interrupted().hint(format!("{left} of {all} are as they were: the same command goes on with them")))
}

/// Told from now on as soon as one of them comes, and for good.
pub(crate) fn told_to_end() -> CancellationToken {
    let token = CancellationToken::new();
    let (told, asked) = (token.clone(), asked_to_end());
    tokio::spawn(async move {
        asked.await;
        told.cancel();
    });
    token
}

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
