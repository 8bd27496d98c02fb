//! The signals that ask a command to end.

use crate::problem::{Ended, Exit, Problem};
use std::future::pending;
use std::io::{IsTerminal, Write};
use tokio_util::sync::CancellationToken;

/// Why a command that was told to end did not do everything.
pub(crate) fn interrupted() -> Problem {
    Problem { exit: Exit::Findings, what: "stopped before the end".to_owned(), hint: None }
}

/// What a command that was told to end leaves.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rest<'a> {
    /// Things not looked at …
    pub(crate) left: usize,
    /// … of so many.
    pub(crate) all: usize,
    /// Whether nothing was to be changed.
    pub(crate) dry_run: bool,
    /// The command that shows what is left, where each thing is named: what is done already is not found a second time.
    pub(crate) named: Option<&'a str>,
}

/// How a command ends that would end with `exit`, had it not been told to before all was looked at.
pub(crate) fn unless_interrupted(exit: Exit, rest: Rest<'_>) -> Ended {
    let Rest { left, all, dry_run, named } = rest;
    if left == 0 {
        return Ok(exit);
    }
    Err(interrupted().hint(match named {
        _ if dry_run => format!("{left} of {all} were not looked at; nothing was changed"),
        Some(list) if left < all => {
            format!("{left} of {all} are as they were: go on with those of the ids that {list} still shows")
        }
        _ => format!("{left} of {all} are as they were: the same command goes on with them"),
    }))
}

/// Told from now on as soon as one of them comes, and for good. With the next one the process ends at once.
pub(crate) fn told_to_end() -> CancellationToken {
    let token = CancellationToken::new();
    tokio::spawn(heed(Signals::catch(), token.clone(), end_at_once));
    token
}

/// Waits for the first of them: Ctrl-C, or what a supervisor sends. They are caught from now on, not from when it is awaited; where
/// they cannot be caught they end the process as ever.
pub(crate) fn asked_to_end() -> impl Future<Output = ()> {
    told_to_end().cancelled_owned()
}

/// Asks for the end at the first of them, and does not wait for it beyond the second: what is under way may hang.
async fn heed(mut signals: impl Asks, token: CancellationToken, at_once: impl FnOnce()) {
    signals.next().await;
    token.cancel();
    signals.next().await;
    at_once();
}

/// As a shell has it of who was interrupted.
const AT_ONCE: i32 = 130;

fn end_at_once() {
    let mut err = std::io::stderr();
    // A bar may stand on this line.
    let begin = if err.is_terminal() { "\n" } else { "" };
    let _ = writeln!(err, "{begin}rtr: stopped at once");
    std::process::exit(AT_ONCE);
}

/// Whoever asks for the end.
trait Asks {
    /// Waits until it is asked for once more.
    async fn next(&mut self);
}

/// Ctrl-C, and what a supervisor sends; none where they cannot be caught.
#[cfg(unix)]
struct Signals(Option<[tokio::signal::unix::Signal; 2]>);

#[cfg(unix)]
impl Signals {
    fn catch() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        let signals = [SignalKind::interrupt(), SignalKind::terminate()].map(signal);
        let [Ok(interrupt), Ok(terminate)] = signals else { return Self(None) };
        Self(Some([interrupt, terminate]))
    }
}

#[cfg(unix)]
impl Asks for Signals {
    async fn next(&mut self) {
        let Some([interrupt, terminate]) = &mut self.0 else { return pending().await };
        let told = tokio::select! {
            told = interrupt.recv() => told,
            told = terminate.recv() => told,
        };
        if told.is_none() {
            pending().await
        }
    }
}

/// Ctrl-C.
#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn catch() -> Self {
        Self
    }
}

#[cfg(not(unix))]
impl Asks for Signals {
    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            pending().await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use tokio::sync::mpsc;

    impl Asks for mpsc::UnboundedReceiver<()> {
        async fn next(&mut self) {
            if self.recv().await.is_none() {
                pending().await
            }
        }
    }

    #[tokio::test]
    async fn given_signals_when_heeded_then_the_first_asks_for_the_end_and_the_second_does_not_wait_for_it() {
        let (ask, signals) = mpsc::unbounded_channel();
        let (token, ended) = (CancellationToken::new(), Cell::new(false));
        let heeding = heed(signals, token.clone(), || ended.set(true));
        let (mut heeding, mut seen) = (std::pin::pin!(heeding), Vec::new());
        for sends in [false, true, true] {
            if sends {
                ask.send(()).unwrap();
            }
            // As far as it goes.
            let _ = futures::poll!(heeding.as_mut());
            seen.push((token.is_cancelled(), ended.get()));
        }
        assert_eq!(seen, [(false, false), (true, false), (true, true)]);
    }

    #[test]
    fn given_what_is_left_when_stopped_then_the_same_command_is_named_only_where_it_goes_on() {
        let said = |left, dry_run, named| {
            let ended = unless_interrupted(Exit::Done, Rest { left, all: 3, dry_run, named });
            ended.map_or_else(|problem| problem.hint.unwrap(), |exit| format!("{exit:?}"))
        };
        let list = Some("rtr dlq list");
        let all = [
            said(2, false, None),
            said(2, false, list),
            said(3, false, list),
            said(2, true, None),
            said(2, true, list),
            said(0, false, list),
        ];
        insta::assert_snapshot!(all.join("\n"), @r"
        2 of 3 are as they were: the same command goes on with them
        2 of 3 are as they were: go on with those of the ids that rtr dlq list still shows
        3 of 3 are as they were: the same command goes on with them
        2 of 3 were not looked at; nothing was changed
        2 of 3 were not looked at; nothing was changed
        Done
        ");
    }
}
