//! How far something long is: how much of how much, how fast, how long still. On a terminal; nothing elsewhere.

use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use std::cell::Cell;
use std::fmt::Write;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Times a second that it is drawn.
const DRAWN: u8 = 5;

/// What a bar counts to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Total {
    /// So many things.
    Items(u64),
    /// So many bytes of a file; how many things they are nobody knows before.
    Bytes(u64),
    /// A thousand thousandths: whoever moves it says in words how much that is.
    Share,
    /// Nobody knows.
    Unknown,
}

impl Total {
    fn template(self) -> &'static str {
        match self {
            Self::Items(_) => "{bar:30} {pos}/{len}  {rate}{left}  {msg}",
            Self::Bytes(_) => "{bar:30} {bytes}/{total_bytes}{left}  {msg}",
            Self::Share => "{bar:30} {percent:>3}%  {msg}",
            Self::Unknown => "{spinner} {msg}  {elapsed}",
        }
    }
}

/// A bar that counts things; a spinner where nobody knows how many there are.
pub(crate) fn progress_bar(total: Option<u64>) -> ProgressBar {
    bar(total.map_or(Total::Unknown, Total::Items))
}

/// A bar that goes with what is read of a file; a spinner where its size is not known. What an earlier run has done is read over at
/// once: how fast it goes, and how long still, is counted from where this run begins.
pub(crate) struct FileBar {
    bar: ProgressBar,
    /// The bytes before what is begun with.
    from: Arc<AtomicU64>,
    has_begun: Cell<bool>,
}

impl FileBar {
    /// Over a file of `size`.
    pub(crate) fn new(size: Option<u64>) -> Self {
        let (bar, from) = (bar(size.map_or(Total::Unknown, Total::Bytes)), Arc::new(AtomicU64::new(0)));
        let origin = from.clone();
        let left = move |state: &ProgressState, out: &mut dyn Write| {
            let _ =
                write!(out, "{}", left_words(rest_from(&origin, state.pos(), state.len(), state.elapsed())));
        };
        let style = bar.style().with_key("left", left);
        Self { bar: bar.with_style(style), from, has_begun: Cell::new(false) }
    }

    /// Something is read as far as `position`; `is_done`: by an earlier run.
    pub(crate) fn reads(&self, position: u64, is_done: bool) {
        if !is_done && !self.has_begun.replace(true) {
            self.from.store(self.bar.position(), Ordering::Relaxed);
            self.bar.reset_elapsed();
        }
        self.bar.set_position(position);
    }
}

impl Deref for FileBar {
    type Target = ProgressBar;

    fn deref(&self) -> &ProgressBar {
        &self.bar
    }
}

/// What is left, by what was done since `from`.
fn rest_from(from: &AtomicU64, done: u64, all: Option<u64>, elapsed: Duration) -> Option<Duration> {
    let from = from.load(Ordering::Relaxed);
    rest(done.saturating_sub(from), all.map(|all| all.saturating_sub(from)), elapsed)
}

/// A bar of a thousand parts.
pub(crate) fn share_bar() -> ProgressBar {
    bar(Total::Share)
}

fn bar(total: Total) -> ProgressBar {
    let bar = match total {
        Total::Items(n) | Total::Bytes(n) => ProgressBar::new(n),
        Total::Share => ProgressBar::new(1_000),
        Total::Unknown => ProgressBar::new_spinner(),
    };
    // It draws nothing where stderr is no terminal.
    bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(DRAWN));
    let style =
        ProgressStyle::with_template(total.template()).unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.with_style(style.with_key("rate", rate_key).with_key("left", left_key))
}

fn rate_key(state: &ProgressState, out: &mut dyn Write) {
    let _ = write!(out, "{}", rate_words(state.pos(), state.elapsed()));
}

fn left_key(state: &ProgressState, out: &mut dyn Write) {
    let _ = write!(out, "{}", left_words(rest(state.pos(), state.len(), state.elapsed())));
}

/// How fast it goes: `done` since the bar was made.
pub(crate) fn rate(done: u64, bar: &ProgressBar) -> String {
    rate_words(done, bar.elapsed())
}

/// How long it will take still, if it goes on as fast as it went since the bar was made; nothing before it has moved.
pub(crate) fn left(bar: &ProgressBar) -> String {
    left_words(rest(bar.position(), bar.length(), bar.elapsed()))
}

/// What `rate_words` says of `done`, turned into the time for what is left of `all`.
fn rest(done: u64, all: Option<u64>, elapsed: Duration) -> Option<Duration> {
    let left = all?.saturating_sub(done);
    #[allow(clippy::cast_precision_loss)] // counts of things
    let times = (done > 0).then(|| left as f64 / done as f64)?;
    Duration::try_from_secs_f64((elapsed.as_secs_f64() * times).round()).ok()
}

fn rate_words(done: u64, elapsed: Duration) -> String {
    let seconds = elapsed.as_secs_f64();
    if seconds <= 0.0 {
        return "0/s".to_owned();
    }
    #[allow(clippy::cast_precision_loss)] // counts of things
    let rate = done as f64 / seconds;
    if rate >= 10.0 || rate == 0.0 { format!("{rate:.0}/s") } else { format!("{rate:.1}/s") }
}

fn left_words(left: Option<Duration>) -> String {
    match left {
        Some(left) if left.as_secs() > 0 => {
            format!(", {} left", HumanDuration(Duration::from_secs(left.as_secs())))
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::IsTerminal;

    #[test]
    fn given_what_is_done_when_told_then_rate_and_rest_are_short_and_nothing_is_said_before_anything_is_known()
     {
        let s = Duration::from_secs;
        assert_eq!(
            [rate_words(0, s(0)), rate_words(3, s(2)), rate_words(4_000, s(2))],
            ["0/s", "1.5/s", "2000/s"]
        );
        assert_eq!(
            [left_words(None), left_words(Some(s(0))), left_words(Some(s(90)))],
            ["", "", ", 2 minutes left"]
        );
    }

    #[test]
    fn given_how_far_something_is_when_told_then_rate_and_rest_are_of_one_estimate() {
        let told = |done, ms| {
            let elapsed = Duration::from_millis(ms);
            rate_words(done, elapsed) + &left_words(rest(done, Some(14), elapsed))
        };
        // One a second, of which the first counts for a whole second too.
        assert_eq!(
            [told(1, 1_010), told(2, 2_020), told(6, 6_030), told(13, 13_020), told(14, 14_000)],
            [
                "1.0/s, 13 seconds left",
                "1.0/s, 12 seconds left",
                "1.0/s, 8 seconds left",
                "1.0/s, 1 second left",
                "1.0/s"
            ]
        );
        assert_eq!([told(0, 0), told(0, 5_000)], ["0/s", "0/s"]);
        assert_eq!((rest(5, None, Duration::from_secs(1)), rest(0, Some(5), Duration::MAX)), (None, None));
        assert_eq!(rest(1, Some(u64::MAX), Duration::MAX), None);
    }

    #[test]
    fn given_every_bar_when_there_is_no_terminal_then_nothing_is_drawn_and_every_template_is_one() {
        for total in [Total::Items(3), Total::Bytes(3), Total::Share, Total::Unknown] {
            assert!(ProgressStyle::with_template(total.template()).is_ok(), "{total:?}");
            assert_eq!(bar(total).is_hidden(), !std::io::stderr().is_terminal(), "{total:?}");
        }
        let counted = bar(Total::Items(10));
        counted.inc(4);
        assert_eq!((counted.position(), counted.length()), (4, Some(10)));
    }

    #[test]
    fn given_a_file_that_was_begun_before_when_it_is_gone_on_with_then_time_and_rest_are_of_this_run_alone() {
        let bar = FileBar::new(Some(1_000));
        let left = |elapsed| left_words(rest_from(&bar.from, bar.position(), bar.length(), elapsed));
        let s = Duration::from_secs;
        // 800 bytes are read over in a moment.
        bar.reads(400, true);
        bar.reads(800, true);
        assert!(!bar.has_begun.get());
        std::thread::sleep(Duration::from_millis(20));
        let before = bar.elapsed();
        bar.reads(850, false);
        assert!(bar.elapsed() < before, "the clock begins anew");
        assert_eq!((left(s(10)), bar.position()), (", 30 seconds left".to_owned(), 850));
        // One between that is done moves no origin.
        bar.reads(900, true);
        bar.reads(950, false);
        assert_eq!(left(s(30)), ", 10 seconds left");
        let anew = FileBar::new(Some(100));
        anew.reads(50, false);
        assert_eq!(rest_from(&anew.from, anew.position(), anew.length(), s(5)), Some(s(5)));
    }
}
