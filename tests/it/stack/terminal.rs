//! `rtr` at a terminal, as a person sits at one.

use super::{Stack, eventually};
use rexpect::process::WaitStatus;
use rexpect::session::{PtySession, spawn_command};

/// So long is waited for what is to be seen.
const PATIENCE_MS: u64 = 60_000;

/// A terminal in which `rtr` runs.
pub(crate) struct Terminal(PtySession);

impl Stack {
    /// Runs `rtr` at a terminal of 100 columns.
    pub(crate) fn rtr_at_a_terminal(&self, args: &[&str], variables: &[(&str, &str)]) -> Terminal {
        let mut command = self.command(&std::env::temp_dir(), args, variables);
        command.env("TERM", "xterm-256color").env("COLUMNS", "100").env_remove("CI");
        if variables.iter().all(|(name, _)| *name != "NO_COLOR") {
            command.env_remove("NO_COLOR");
        }
        Terminal(spawn_command(command, Some(PATIENCE_MS)).unwrap())
    }
}

impl Terminal {
    /// Waits for `text`; what came before it.
    pub(crate) fn sees(&mut self, text: &str) -> String {
        whole(&self.0.exp_string(text).unwrap())
    }

    /// Waits for what `pattern` finds; that.
    pub(crate) fn finds(&mut self, pattern: &str) -> String {
        self.0.exp_regex(pattern).unwrap().1
    }

    /// Types a line.
    pub(crate) fn types(&mut self, line: &str) {
        self.0.send_line(line).unwrap();
    }

    /// Presses Ctrl-C.
    pub(crate) fn interrupts(&mut self) {
        self.0.send_control('c').unwrap();
    }

    /// Presses Ctrl-C again and again until it ends; the rest of what is seen, and the exit code.
    pub(crate) fn ends_by_interrupts(mut self) -> (String, i32) {
        let code = eventually("it ends", || match self.0.process().status() {
            Some(WaitStatus::Exited(_, code)) => Ok(code),
            other => {
                // It may have ended just now.
                let _ = self.0.send_control('c');
                Err(format!("{other:?}"))
            }
        });
        (whole(&self.0.exp_eof().unwrap()), code)
    }

    /// Waits for the end; the rest of what is seen, and the exit code.
    pub(crate) fn ends(mut self) -> (String, i32) {
        let rest = whole(&self.0.exp_eof().unwrap());
        match self.0.process().wait().unwrap() {
            WaitStatus::Exited(_, code) => (rest, code),
            other => panic!("{other:?} after {rest}"),
        }
    }
}

/// What was read, of which each character is one byte of UTF-8.
fn whole(read: &str) -> String {
    let bytes = read.chars().map(|c| u8::try_from(c).unwrap()).collect();
    String::from_utf8(bytes).unwrap()
}
