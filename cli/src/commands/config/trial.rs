//! Whether what some orgs try first may go on to others: not where too many of their records became dead letters.

use crate::app::App;
use crate::aws::{Aws, unavailable};
use crate::output::count;
use crate::problem::{Exit, Problem};
use rtr_aws::clock::SystemClock;
use rtr_aws::limits::DynamoLimits;
use rtr_core::config::{DocChange, Stored, Verdict, judge, tried_on};
use rtr_engine::seams::{Limits, Tally};
use std::sync::Arc;

/// When what canaries try goes on.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Trial {
    /// Canaries of whose records more than this percentage died stop an apply that would go on with what they try
    #[arg(long, value_name = "PERCENT", default_value = "1", value_parser = percent)]
    max_dead: f64,
    /// Go on whatever became of the canaries' records
    #[arg(long)]
    force: bool,
}

fn percent(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('%').unwrap_or(text).trim().parse::<f64>();
    match number {
        Ok(percent) if (0.0..=100.0).contains(&percent) => Ok(percent),
        _ => Err("say a percentage from 0 to 100, such as 1 or 0.5%".to_owned()),
    }
}

/// Refuses `plan` where it goes on with what canaries fared badly with.
pub(super) async fn passed(
    app: &App,
    aws: &Aws,
    args: &Trial,
    stored: &Stored,
    plan: &[DocChange],
) -> Result<(), Problem> {
    let trials = tried_on(stored, &stored.after(plan));
    if trials.is_empty() || args.force {
        return Ok(());
    }
    let limits =
        DynamoLimits::new(&aws.clients, aws.stack.output("LIMITS_TABLE_NAME")?, Arc::new(SystemClock));
    for (org, revision) in trials {
        let tally = limits.tally(org, revision).await;
        let tally =
            tally.map_err(|error| unavailable(&format!("reading how {org} fared"), &aws.place, &error))?;
        app.out.note(&verdict(org, revision, tally, args.max_dead)?);
    }
    Ok(())
}

/// How the canary `org` fared, in words; a refusal where nobody should follow it.
fn verdict(org: &str, revision: u64, Tally { well, dead }: Tally, most: f64) -> Result<String, Problem> {
    let all = usize::try_from(well.saturating_add(dead)).unwrap_or(usize::MAX);
    let of = format!("{dead} of {} died at {org} under revision {revision}", count(all, "record"));
    let refused = |what: String, hint: String| Problem { exit: Exit::Findings, what, hint: Some(hint) };
    match judge(well, dead, most) {
        Verdict::Well => Ok(of),
        Verdict::Unseen => Err(refused(
            format!(
                "nothing was done: no record has come to {org} under revision {revision}, which it tries"
            ),
            format!(
                "wait, or send some: rtr publish --force; --force goes on without, and rtr config rollback --canary {org} takes it back"
            ),
        )),
        Verdict::Bad => Err(refused(
            format!("nothing was done: {of}, and at most {most}% may"),
            format!(
                "rtr dlq list --org {org} shows them; rtr config rollback --canary {org} takes it back; --force goes on all the same"
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(well: u64, dead: u64) -> String {
        match verdict("acme", 12, Tally { well, dead }, 1.0) {
            Ok(words) => words,
            Err(problem) => format!("exit {}\n{problem}", problem.exit.code()),
        }
    }

    #[test]
    fn given_a_canarys_tally_when_judged_then_people_hear_how_it_fared_and_what_to_do() {
        insta::assert_snapshot!([told(99, 1), told(98, 2), told(0, 0), told(0, 1)].join("\n\n"), @r"
        1 of 100 records died at acme under revision 12

        exit 1
        rtr: nothing was done: 2 of 100 records died at acme under revision 12, and at most 1% may
          rtr dlq list --org acme shows them; rtr config rollback --canary acme takes it back; --force goes on all the same

        exit 1
        rtr: nothing was done: no record has come to acme under revision 12, which it tries
          wait, or send some: rtr publish --force; --force goes on without, and rtr config rollback --canary acme takes it back

        exit 1
        rtr: nothing was done: 1 of 1 record died at acme under revision 12, and at most 1% may
          rtr dlq list --org acme shows them; rtr config rollback --canary acme takes it back; --force goes on all the same
        ");
    }

    #[test]
    fn given_percentages_when_read_then_only_those_that_are_pass() {
        assert_eq!(percent("0.5%"), Ok(0.5));
        assert_eq!(percent("100"), Ok(100.0));
        assert!(["-1", "101", "x", "", "nan"].iter().all(|text| percent(text).is_err()));
    }
}
