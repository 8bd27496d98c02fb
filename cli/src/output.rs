//! How answers are shown: tables for people, plain columns for pipes, JSON for scripts. Answers on stdout, the rest on
//! stderr.
//!
//! - `table.rs` how rows are laid out · `progress.rs` how far something long is

mod progress;
mod table;

pub(crate) use progress::{FileBar, left, progress_bar, rate, share_bar};
pub(crate) use table::table;

use crate::problem::Exit;
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
            style => self.print(&on_screen(style, &text(style))),
        }
    }

    /// One line of an answer that goes on: as JSON on one line, or as `text`.
    pub(crate) fn item<T: Serialize>(&self, value: &T, text: impl FnOnce() -> String) {
        match self.style {
            Style::Json => self.print(&serde_json::to_string(value).unwrap_or_default()),
            style => self.print(&on_screen(style, &text())),
        }
    }

    /// Text for stdout; nothing when it is empty.
    pub(crate) fn print(&self, text: &str) {
        if text.is_empty() {
            return;
        }
        let mut out = std::io::stdout();
        let written = writeln!(out, "{}", text.trim_end_matches('\n')).and_then(|()| out.flush());
        if let Err(error) = written {
            let exit = unwritten(&error);
            if exit != Exit::Done {
                self.note(&format!("rtr: stdout cannot be written: {error}"));
            }
            std::process::exit(exit.code().into());
        }
    }

    /// A line for the person, beside the answer.
    pub(crate) fn note(&self, text: &str) {
        let _ = writeln!(std::io::stderr(), "{}", safe(text));
    }
}

/// How a command ends whose answer cannot be written: half of one must not pass for the whole.
fn unwritten(error: &std::io::Error) -> Exit {
    match error.kind() {
        // Whoever reads has closed the pipe, as `head` does: the rest is not wanted.
        ErrorKind::BrokenPipe => Exit::Done,
        _ => Exit::Unreachable,
    }
}

/// The text as it goes to a person: ids, reasons and the CRM's words in it come from outside. Colours alone pass, where our own tables
/// have them; they take them out of what is in their cells.
fn on_screen(style: Style, text: &str) -> String {
    if style != Style::Terminal {
        return safe(text);
    }
    let (mut seen, mut left) = (String::with_capacity(text.len()), text);
    while let Some(at) = left.find("\u{1b}[") {
        let (before, after) = left.split_at(at);
        seen.push_str(&safe(before));
        let digits = after[2..].trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
        match digits.strip_prefix('m') {
            Some(rest) => {
                seen.push_str(&after[..after.len() - rest.len()]);
                left = rest;
            }
            None => {
                seen.push_str(&safe("\u{1b}"));
                left = &after[1..];
            }
        }
    }
    seen + &safe(left)
}

/// JSON as scripts get it.
pub(crate) fn pretty<T: Serialize>(value: &T) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// Text of several lines without what a terminal would act on.
pub(crate) fn safe(text: &str) -> String {
    let show = |c: char| match c {
        '\n' | '\t' => c.to_string(),
        c if c.is_control() => c.escape_default().to_string(),
        c => c.to_string(),
    };
    text.chars().map(show).collect()
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
    fn given_words_from_outside_when_shown_then_no_terminal_acts_on_them_and_lines_and_our_colours_stay() {
        let outside = "a\u{1b}[2Jb\u{9b}31m\tc\nd\r";
        assert_eq!(safe(outside), "a\\u{1b}[2Jb\\u{9b}31m\tc\nd\\r");
        let coloured = "\u{1b}[1;31mdead\u{1b}[0m \u{1b}]0;title\u{7} \u{1b}";
        assert_eq!(on_screen(Style::Terminal, outside), safe(outside));
        assert_eq!(
            on_screen(Style::Terminal, coloured),
            "\u{1b}[1;31mdead\u{1b}[0m \\u{1b}]0;title\\u{7} \\u{1b}"
        );
        assert_eq!(on_screen(Style::Plain, coloured), safe(coloured));
    }

    #[test]
    fn given_an_answer_that_cannot_be_written_when_it_ends_then_a_closed_pipe_is_no_failure_and_a_full_disk_is()
     {
        let of = |kind: ErrorKind| unwritten(&kind.into());
        assert_eq!((of(ErrorKind::BrokenPipe), of(ErrorKind::StorageFull)), (Exit::Done, Exit::Unreachable));
    }

    #[test]
    fn given_an_empty_list_when_shown_as_json_then_it_is_an_empty_array() {
        assert_eq!(pretty(&Vec::<u8>::new()), "[]");
    }
}
