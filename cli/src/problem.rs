//! How a command ends: an exit code, and in words what went wrong, where, and what to do.

use std::fmt;

/// The exit codes that scripts rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done, and nothing to complain about.
    Done,
    /// Failures, findings, drift or a difference.
    Findings,
    /// The command line or the configuration is wrong.
    Usage,
    /// AWS or the network is not reachable, or not permitted; or the answer cannot be written.
    Unreachable,
    /// What was asked for does not exist.
    NotFound,
}

impl Exit {
    /// The number.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Findings => 1,
            Self::Usage => 2,
            Self::Unreachable => 3,
            Self::NotFound => 4,
        }
    }

    /// [`Exit::Findings`] if there are any.
    pub(crate) fn of_findings(any: bool) -> Self {
        if any { Self::Findings } else { Self::Done }
    }
}

/// Why a command could not do its work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// The exit code.
    pub(crate) exit: Exit,
    /// What went wrong, and where.
    pub(crate) what: String,
    /// What to do about it.
    pub(crate) hint: Option<String>,
}

/// The result of a command.
pub(crate) type Ended = Result<Exit, Problem>;

impl Problem {
    /// The command line or the configuration is wrong.
    pub(crate) fn usage(what: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, what: what.into(), hint: None }
    }

    /// AWS or the network is not reachable, or not permitted.
    pub(crate) fn unreachable(what: impl Into<String>) -> Self {
        Self { exit: Exit::Unreachable, what: what.into(), hint: None }
    }

    /// What was asked for does not exist.
    pub(crate) fn not_found(what: impl Into<String>) -> Self {
        Self { exit: Exit::NotFound, what: what.into(), hint: None }
    }

    /// The same with advice.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rtr: {}", self.what)?;
        match &self.hint {
            Some(hint) => write!(f, "\n  {hint}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_every_exit_when_numbered_then_the_numbers_are_the_contracts() {
        let exits = [Exit::Done, Exit::Findings, Exit::Usage, Exit::Unreachable, Exit::NotFound];
        assert_eq!(exits.map(Exit::code), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn given_a_problem_with_advice_when_shown_then_the_advice_stands_below() {
        let problem = Problem::not_found("there is no stack rtr-x").hint("set --stack");
        assert_eq!(problem.to_string(), "rtr: there is no stack rtr-x\n  set --stack");
    }
}
