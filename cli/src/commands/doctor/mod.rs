//! `rtr doctor`: whether the stack is as it must be. It looks and changes nothing.

mod checks;
mod look;
#[cfg(test)]
mod sample;
mod sources;
mod visibility;

use crate::app::App;
use crate::output::count;
use crate::problem::{Ended, Exit};
use crate::schema::Answer;
use checks::{Finding, findings};
use schemars::JsonSchema;
use serde::Serialize;

/// The shapes of its `--json` answers.
pub(super) const ANSWERS: [Answer; 1] = [Answer::of::<Report>("doctor")];

/// What was looked at, and what is wrong.
#[derive(Debug, Serialize, JsonSchema)]
struct Report {
    stack: String,
    place: String,
    group_buckets: Option<u64>,
    looked_at: Vec<String>,
    findings: Vec<Finding>,
}

/// Looks.
pub(crate) async fn run(app: &App) -> Ended {
    let aws = Box::pin(app.aws()).await?;
    let seen = Box::pin(look::look(&aws)).await?;
    let found = findings(&seen);
    let report = Report {
        stack: aws.stack.name.clone(),
        place: aws.place.clone(),
        group_buckets: seen.buckets(),
        looked_at: seen.names(),
        findings: found,
    };
    app.out.answer(&report, |_| words(&report));
    Ok(Exit::of_findings(!report.findings.is_empty()))
}

fn words(report: &Report) -> String {
    let mut lines: Vec<String> = Vec::new();
    for Finding { about, message, action, .. } in &report.findings {
        lines.push(format!("{about}: {message}\n  {action}"));
    }
    let looked = count(report.looked_at.len(), "part");
    lines.push(match report.findings.len() {
        0 => format!("{} at {}: {looked} looked at, nothing wrong", report.stack, report.place),
        n => format!("{} at {}: {looked} looked at, {}", report.stack, report.place, count(n, "finding")),
    });
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::sample::{moving, sound};
    use super::*;

    fn report(seen: &checks::Seen) -> Report {
        Report {
            stack: "rtr-prod".to_owned(),
            place: "AWS in eu-central-1".to_owned(),
            group_buckets: seen.buckets(),
            looked_at: seen.names(),
            findings: findings(seen),
        }
    }

    #[test]
    fn given_a_sound_stack_when_told_then_there_is_nothing_to_say_but_that() {
        assert_eq!(
            words(&report(&sound())),
            "rtr-prod at AWS in eu-central-1: 25 parts looked at, nothing wrong"
        );
    }

    #[test]
    fn given_functions_that_group_otherwise_when_told_then_the_words_say_what_to_do_and_json_the_same() {
        let report = report(&moving());
        insta::assert_snapshot!(words(&report), @r"
        message groups: the stack's GroupBuckets is 64; sync: 0; bulk, redrive, sweep, ingest, apply: 64
          rtr connection pause --all, rtr wait --idle, deploy template.yaml again, rtr connection resume --all: until all agree, one record may be worked by two at once
        rtr-prod at AWS in eu-central-1: 25 parts looked at, 1 finding
        ");
        crate::schema::tests::holds("doctor", &report);
        insta::assert_snapshot!(serde_json::to_string(&report).unwrap(), @r#"{"stack":"rtr-prod","place":"AWS in eu-central-1","group_buckets":64,"looked_at":["bulk.fifo","changes.fifo","dead-letter.fifo","inbound.fifo","poll.fifo","table Config","table Limits","table Records","function admin","function apply","function authorize","function bulk","function ingest","function poll","function redrive","function sweep","function sync","function webhook","event source of apply","event source of bulk","event source of poll","event source of redrive","event source of sync","schedule of sweep","stack"],"findings":[{"check":"group_buckets","about":"message groups","message":"the stack's GroupBuckets is 64; sync: 0; bulk, redrive, sweep, ingest, apply: 64","action":"rtr connection pause --all, rtr wait --idle, deploy template.yaml again, rtr connection resume --all: until all agree, one record may be worked by two at once"}]}"#);
    }
}
