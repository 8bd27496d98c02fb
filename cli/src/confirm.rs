//! Asking before something that cannot be taken back, or that concerns many.

use crate::app::App;
use crate::problem::Problem;
use std::io::{BufRead, IsTerminal, Write};

/// Whether to go on: `yes` was given, or the person at the terminal says so.
///
/// # Errors
/// When there is nobody to ask.
pub(crate) fn confirm(app: &App, question: &str, yes: bool) -> Result<bool, Problem> {
    match next(yes, is_somebody_there(), Nobody::Refuses) {
        Next::GoOn => Ok(true),
        Next::Ask => Ok(asked(app, question)),
        Next::Refuse => Err(unanswered(question)),
    }
}

/// Whether to go on with what scripts do unasked, an emergency stop among it: asks where somebody sits, and goes on where nobody does.
pub(crate) fn confirm_where_somebody_sits(app: &App, question: &str, yes: bool) -> bool {
    next(yes, is_somebody_there(), Nobody::GoesOn) == Next::GoOn || asked(app, question)
}

/// Refuses what [`confirm`] would refuse once it has the question: told before hours of work, and not after them.
///
/// # Errors
/// When there will be nobody to ask.
pub(crate) fn will_be_answered(question: &str, yes: bool) -> Result<(), Problem> {
    match next(yes, is_somebody_there(), Nobody::Refuses) {
        Next::GoOn | Next::Ask => Ok(()),
        Next::Refuse => Err(unanswered(question)),
    }
}

/// What is done where nobody can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Nobody {
    Refuses,
    GoesOn,
}

/// How it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    GoOn,
    Ask,
    Refuse,
}

fn next(yes: bool, is_somebody_there: bool, nobody: Nobody) -> Next {
    match (yes, is_somebody_there, nobody) {
        (true, ..) | (false, false, Nobody::GoesOn) => Next::GoOn,
        (false, true, _) => Next::Ask,
        (false, false, Nobody::Refuses) => Next::Refuse,
    }
}

fn is_somebody_there() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

fn unanswered(question: &str) -> Problem {
    Problem::usage(format!("{question} There is no terminal to ask at"))
        .hint("add --yes to go on without a question, or --dry-run to see what would happen")
}

fn asked(app: &App, question: &str) -> bool {
    let mut answer = String::new();
    let _ = write!(std::io::stderr(), "{question} [y/N] ");
    let _ = std::io::stderr().flush();
    let read = std::io::stdin().lock().read_line(&mut answer);
    let agreed = read.is_ok() && matches!(answer.trim(), "y" | "Y" | "yes");
    if !agreed {
        app.out.note("nothing was done");
    }
    agreed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_who_is_there_when_it_is_to_be_asked_then_only_a_person_is_and_scripts_go_on_or_are_refused() {
        for nobody in [Nobody::Refuses, Nobody::GoesOn] {
            assert_eq!([true, false].map(|there| next(true, there, nobody)), [Next::GoOn; 2], "{nobody:?}");
            assert_eq!(next(false, true, nobody), Next::Ask, "{nobody:?}");
        }
        assert_eq!(next(false, false, Nobody::Refuses), Next::Refuse);
        assert_eq!(next(false, false, Nobody::GoesOn), Next::GoOn);
    }

    #[test]
    fn given_nobody_to_ask_when_refused_then_the_question_stands_there_with_what_answers_it() {
        insta::assert_snapshot!(unanswered("Drop 2 dead letters for good?"), @r"
        rtr: Drop 2 dead letters for good? There is no terminal to ask at
          add --yes to go on without a question, or --dry-run to see what would happen
        ");
    }
}
