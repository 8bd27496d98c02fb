//! How answers are shown: tables for people, plain columns for pipes, JSON for scripts. Answers on stdout, the rest on
//! stderr.
//!
//! - `table.rs` how rows are laid out · `progress.rs` how far something long is

mod progress;
mod table;

pub(crate) use progress::{byte_bar, left, progress_bar, rate, share_bar};
pub(crate) use table::table;

use serde::Serialize;
use std::io::{ErrorKind, IsTerminal, Write};

/// Whom the answers are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// A person at a terminal.
    Terminal,
    /// A person's pipe or file.
    Plain,
    /// A script.
    Json,
}

/// The way out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    style: Style,
}

impl Output {
    /// JSON if wanted, else by what stdout is.
    pub(crate) fn new(json: bool) -> Self {
        let style = match (json, std::io::stdout().is_terminal()) {
            (true, _) => Style::Json,
            (false, true) => Style::Terminal,
            (false, false) => Style::Plain,
        };
        Self { style }
    }

    /// Whether a script reads the answer.
    pub(crate) fn is_json(&self) -> bool {
        self.style == Style::Json
    }

    /// The answer: as JSON, or as `text` says it.
    pub(crate) fn answer<T: Serialize>(&self, value: &T, text: impl FnOnce(Style) -> String) {
        match self.style {
            Style::Json => self.print(&pretty(value)),
            style => self.print(&text(style)),
        }
    }

    /// One line of an answer that goes on: as JSON on one line, or as `text`.
    pub(crate) fn item<T: Serialize>(&self, value: &T, text: impl FnOnce() -> String) {
        match self.style {
            Style::Json => self.print(&serde_json::to_string(value).unwrap_or_default()),
            _ => self.print(&text()),
        }
    }

    /// Text for stdout; nothing when it is empty.
    pub(crate) fn print(&self, text: &str) {
        if text.is_empty() {
            return;
        }
        let written = writeln!(std::io::stdout(), "{}", text.trim_end_matches('\n'));
        // Whoever reads has closed the pipe, as `head` does: the rest is not wanted.
        if written.is_err_and(|error| error.kind() == ErrorKind::BrokenPipe) {
            std::process::exit(0);
        }
    }

    /// A line for the person, beside the answer.
    pub(crate) fn note(&self, text: &str) {
        let _ = writeln!(std::io::stderr(), "{text}");
    }
}

/// JSON as scripts get it.
pub(crate) fn pretty<T: Serialize>(value: &T) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// `text` without what a terminal would act on: ids and the CRM's words come from outside.
pub(crate) fn one_line(text: &str) -> String {
    let show = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(show).collect()
}

/// What is there, or a dash.
pub(crate) fn or_dash<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

/// `1 dead letter`, `2 dead letters`.
pub(crate) fn count(n: usize, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_an_empty_list_when_shown_as_json_then_it_is_an_empty_array() {
        assert_eq!(pretty(&Vec::<u8>::new()), "[]");
    }
}
