//! What could not be looked at: it is not there, these credentials may not, or something else is in the way. Pure.

use super::access::Policy;
use super::checks::{DEPLOY, Finding, LEAVE, Seen, finding};
use crate::aws::says_denied;
use crate::problem::{Exit, Problem};
use std::collections::BTreeMap;

/// The tables, by the variable that may name another.
pub(super) const TABLES: [(&str, &str); 3] =
    [("Records", "RECORDS_TABLE_NAME"), ("Limits", "LIMITS_TABLE_NAME"), ("Config", "CONFIG_TABLE_NAME")];

/// Why a part was not seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unseen {
    /// Nothing is there by this name.
    Missing(String),
    /// The stack lacks the output that says its name.
    Unnamed(String),
    /// These credentials may not look at it.
    Denied,
    /// Something else, and what to do about it if that is known.
    Failed(String, Option<String>),
}

/// The tables that others' findings would only tell again, and what is wrong with each.
pub(super) type Gone = BTreeMap<&'static str, String>;

/// A part, for the finding of it.
pub(super) struct Part<'a> {
    /// What it is called.
    pub(super) about: &'a str,
    /// What whoever looks at it needs.
    pub(super) right: &'a str,
    /// What to do where it is not there.
    pub(super) mend: &'a str,
}

impl Unseen {
    /// By the problem that looking at `name` ended in.
    pub(super) fn of(problem: Problem, name: &str) -> Self {
        match problem.exit {
            Exit::NotFound => Self::Missing(name.to_owned()),
            // What we sign ourselves tells a status.
            _ if says_denied(&problem.what) || problem.what.contains("it answered 403") => Self::Denied,
            _ => Self::Failed(problem.what, problem.hint),
        }
    }

    /// What to say of `part` of the stack of this stage.
    pub(super) fn finding(&self, part: &Part<'_>, stage: &str) -> Finding {
        let Part { about, right, mend } = part;
        match self {
            Self::Missing(name) => {
                finding("missing", about, format!("it is missing: {name} is not there"), mend)
            }
            Self::Unnamed(output) => {
                finding("missing", about, format!("the stack has no output {output}"), DEPLOY)
            }
            Self::Denied => {
                let message = format!("these credentials may not look at it: that needs {right}");
                let action = format!("have the policy {} attached to them", Policy::Viewer.name(stage));
                finding("unreadable", about, message, &action)
            }
            Self::Failed(why, hint) => finding("unreadable", about, why, hint.as_deref().unwrap_or(LEAVE)),
        }
    }
}

/// The tables that are missing, or that the environment names otherwise than the stack does.
pub(super) fn gone(seen: &Seen) -> Gone {
    let of = |(table, variable): (&'static str, &'static str)| {
        let missing = matches!(seen.tables.get(table), Some(Err(Unseen::Missing(_) | Unseen::Unnamed(_))));
        if missing {
            return Some((table, format!("table {table} is missing")));
        }
        let other = seen.renamed.iter().any(|(renamed, ..)| *renamed == variable);
        other.then(|| (table, format!("{variable} names another table than the stack's")))
    };
    TABLES.into_iter().filter_map(of).collect()
}

/// The parts that the environment names otherwise than the stack does.
pub(super) fn renamed(seen: &Seen, found: &mut Vec<Finding>) {
    for (variable, named, own) in &seen.renamed {
        let message = format!("it says {named}, and the stack's own is {own}");
        let action = "unset it, or source target/local/env.sh again: commands work on what it names";
        found.push(finding("environment", variable, message, action));
    }
}

/// What could not be looked at for `problem`, where `gone` may have been told of already. What was found before it must not be lost.
pub(super) fn unreadable(about: &str, problem: &Problem, gone: &Gone) -> Finding {
    if problem.exit == Exit::NotFound && !gone.is_empty() {
        let why = gone.values().cloned().collect::<Vec<_>>().join(", ");
        return finding("unreadable", about, format!("not looked at: {why}"), "mend that, then look again");
    }
    finding("unreadable", about, problem.what.clone(), problem.hint.as_deref().unwrap_or(LEAVE))
}

#[cfg(test)]
mod tests {
    use super::super::checks::AGAIN;
    use super::super::sample::{of, sound};
    use super::*;

    fn part() -> Part<'static> {
        Part { about: "changes.fifo", right: "sqs:GetQueueAttributes", mend: AGAIN }
    }

    #[test]
    fn given_why_a_part_was_not_seen_when_told_then_each_kind_says_its_own_mend() {
        let of = |problem: Problem| {
            let one = Unseen::of(problem, "rtr-prod-changes.fifo").finding(&part(), "prod");
            format!("{} | {} | {}\n  {}", one.check, one.about, one.message, one.action)
        };
        let all = [
            of(Problem::not_found("GetQueueAttributes failed at AWS: QueueDoesNotExist")
                .hint("check --stack")),
            of(Problem::unreachable("GetQueueAttributes failed at AWS: AccessDenied no").hint("check")),
            of(Problem::unreachable(
                "ListEventSourceMappings of x at AWS: it answered 403; lambda:… is needed",
            )),
            of(Problem::unreachable("AWS cannot be reached").hint("check the network")),
            of(Problem::unreachable("InternalError")),
        ];
        insta::assert_snapshot!(all.join("\n"), @r"
        missing | changes.fifo | it is missing: rtr-prod-changes.fifo is not there
          deploy by a drift-aware change set, which makes it again (docs/operations.md#a-part-that-is-gone)
        unreadable | changes.fifo | these credentials may not look at it: that needs sqs:GetQueueAttributes
          have the policy rtr-prod-viewer attached to them
        unreadable | changes.fifo | these credentials may not look at it: that needs sqs:GetQueueAttributes
          have the policy rtr-prod-viewer attached to them
        unreadable | changes.fifo | AWS cannot be reached
          check the network
        unreadable | changes.fifo | InternalError
          it may be missing, or these credentials may not look at it
        ");
    }

    #[test]
    fn given_a_missing_table_when_told_then_what_hangs_on_it_is_not_told_as_faults_of_its_own() {
        let mut seen = sound();
        assert_eq!(gone(&seen), Gone::new());
        seen.tables.insert("Limits", Err(Unseen::Missing("rtr-prod-limits".to_owned())));
        seen.tables.insert("Config", Err(Unseen::Missing("rtr-prod-config".to_owned())));
        seen.providers = Err(Unseen::Missing("the configuration".to_owned()));
        seen.renamed =
            vec![("RECORDS_TABLE_NAME", "records-restored".to_owned(), "rtr-prod-records".to_owned())];
        let problem = Problem::not_found("Scan failed at AWS: ResourceNotFoundException");
        let beside = unreadable("dead letters", &problem, &gone(&seen));
        insta::assert_snapshot!(format!("{}\n{} | {}", of(&seen).join("\n"), beside.about, beside.message), @r"
        environment | RECORDS_TABLE_NAME | it says records-restored, and the stack's own is rtr-prod-records
        missing | table Config | it is missing: rtr-prod-config is not there
        missing | table Limits | it is missing: rtr-prod-limits is not there
        unreadable | configuration | not looked at: table Config is missing
        dead letters | not looked at: table Config is missing, table Limits is missing, RECORDS_TABLE_NAME names another table than the stack's
        ");
        let other = unreadable("dead letters", &Problem::unreachable("no answer"), &gone(&seen));
        assert_eq!((other.message.as_str(), other.action.as_str()), ("no answer", LEAVE));
    }
}
