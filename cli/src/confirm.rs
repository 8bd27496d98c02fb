//! Asking before something that cannot be taken back.

use crate::app::App;
use crate::problem::Problem;
use std::io::{BufRead, IsTerminal, Write};

/// Whether to go on: `yes` was given, or the person at the terminal says so.
///
/// # Errors
/// When there is nobody to ask.
pub(crate) fn confirm(app: &App, question: &str, yes: bool) -> Result<bool, Problem> {
    if yes {
        return Ok(true);
    }
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Err(Problem::usage(format!("{question} There is no terminal to ask at"))
            .hint("add --yes to go on without a question, or --dry-run to see what would happen"));
    }
    let mut answer = String::new();
    let _ = write!(std::io::stderr(), "{question} [y/N] ");
    let _ = std::io::stderr().flush();
    let read = std::io::stdin().lock().read_line(&mut answer);
    let agreed = read.is_ok() && matches!(answer.trim(), "y" | "Y" | "yes");
    if !agreed {
        app.out.note("nothing was done");
    }
    Ok(agreed)
}
